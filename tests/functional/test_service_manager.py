#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""What a service manager hears of the daemon (sd_notify(3)): what it starts after the daemon finds all sockets there."""

import contextlib
import os
import pathlib
import socket
import subprocess
import tempfile

from control import BUILD, PATIENCE, Daemon, Report, base_config, enter_namespace, finish

BAD_CONFIG = 78  # EX_CONFIG of sysexits.h: a start is not worth another try


@contextlib.contextmanager
def manager():
    """The socket on which daemons that are started meanwhile tell what becomes of them."""
    with tempfile.TemporaryDirectory(prefix="esplanade-manager-") as directory:
        path = str(pathlib.Path(directory) / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
            heard.bind(path)
            heard.settimeout(PATIENCE)
            os.environ["NOTIFY_SOCKET"] = path
            try:
                yield heard
            finally:
                del os.environ["NOTIFY_SOCKET"]


def connects(path, kind):
    with socket.socket(socket.AF_UNIX, kind) as client, contextlib.suppress(OSError):
        client.connect(str(path))
        return True
    return False


class Unwatched(Daemon):
    """Not asked whether it answers: it is to say so itself."""

    def _answers(self):
        return True


def ready(report):
    with manager() as heard, Unwatched(base_config()) as daemon:
        report.equal("it says that it is ready", heard.recv(100), b"READY=1")
        report.check("it takes commands", connects(daemon.socket_path, socket.SOCK_STREAM))
        report.check("it takes IKE daemons", connects(daemon.xfrm_path, socket.SOCK_SEQPACKET))
        daemon.end(report)
        report.equal("it says that it stops", heard.recv(100), b"STOPPING=1")


def unheard(report):
    with manager() as heard:
        heard.close()
        with Daemon(base_config()) as daemon:
            daemon.end(report)
            report.check("a manager that does not listen is no reason to stop",
                         "the service manager does not hear READY=1" in daemon.log, lambda: daemon.log)


def bad_config(report):
    with manager() as heard, tempfile.NamedTemporaryFile("w", suffix=".conf") as config:
        config.write("ports = 7;\n")
        config.flush()
        done = subprocess.run([BUILD / "app/esplanade/esplanade", "-c", config.name], capture_output=True, check=False,
                              text=True)
        report.equal("a wrong configuration has an exit code of its own", done.returncode, BAD_CONFIG)
        report.check("which the log explains", config.name in done.stderr, lambda: done.stderr)
        heard.setblocking(False)
        report.check("and it was never ready", not readable(heard))


def readable(heard):
    with contextlib.suppress(BlockingIOError):
        return heard.recv(100)
    return b""


def main():
    enter_namespace()
    report = Report()
    ready(report)
    unheard(report)
    bad_config(report)
    finish(report)


if __name__ == "__main__":
    main()
