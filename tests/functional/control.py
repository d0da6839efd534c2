# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""A daemon for tests of its control socket, and the other end of that socket.

    this test ── raw socket on "apilan" ── net_tap ── port lan ── daemon ── port wan ── net_null

The whole lives in a network namespace of its own, which ends with the test.
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / os.environ.get("BUILD", "build")
CPU = int(os.environ.get("TEST_CPU", "0"))  # the gateway's
PATIENCE = 120  # seconds until a daemon that does nothing is given up: never reached where all is well

sys.path.insert(0, str(ROOT / "tests/packet"))
from gateway import libconfig  # noqa: E402
from report import Report  # noqa: E402

__all__ = ["BUILD", "ROOT", "Daemon", "Line", "Report", "base_config", "enter_namespace", "finish", "wait_for"]


def enter_namespace():
    """Goes on in a network namespace of its own."""
    if os.environ.get("ESPLANADE_TEST_NAMESPACE"):
        return
    if os.geteuid() != 0:
        sys.exit("this test makes a network namespace: run it as root")
    os.environ["ESPLANADE_TEST_NAMESPACE"] = "1"
    os.execvp("unshare", ["unshare", "--net", sys.executable, *sys.argv])


def finish(report):
    print(f"{report.passed} passed, {report.failed} failed")
    sys.exit(1 if report.failed else 0)


def wait_for(what, condition):
    """Until condition() is true; what it returned."""
    until = time.monotonic() + PATIENCE
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > until:
            raise TimeoutError(f"waited {PATIENCE} seconds for {what}")
        time.sleep(0.01)


def base_config():
    return {
        "log": {"level": "info"},
        "memory": {"huge": False, "size_mb": 256},
        "workers": {"cpus": (CPU,), "control_cpu": CPU, "idle": "sleep"},
        "ports": [
            {"name": "lan", "device": "net_tap0,iface=apilan", "side": "protected", "tap": False,
             "addresses": ("10.1.0.1/24",)},
            {"name": "wan", "device": "net_null0,no-rx=1", "side": "unprotected", "tap": False,
             "addresses": ("192.0.2.1/24",)},
        ],
    }


class Line:
    """One connection. Everything that comes in is kept in seen, so that it can be searched for keys."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(PATIENCE)
        # A queue of connections that is full for a moment.
        wait_for("room for a connection", lambda: self._connects(str(path)))
        self.pending = b""
        self.events = []
        self.seen = []
        self.number = 1000

    def _connects(self, path):
        with contextlib.suppress(BlockingIOError):
            self.socket.connect(path)
            return True
        return False

    def send(self, text):
        data = text if isinstance(text, bytes) else text.encode()
        # A daemon that refuses a connection says why, and has closed it by now: the reader finds out.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(data + b"\n")

    def receive(self):
        """The next line, or None at the end of the connection."""
        while b"\n" not in self.pending:
            try:
                more = self.socket.recv(1 << 16)
            except ConnectionResetError:
                more = b""
            if not more:
                return None
            self.pending += more
        line, self.pending = self.pending.split(b"\n", 1)
        self.seen.append(line.decode())
        return json.loads(line)

    def reply(self):
        """The next message that is no event; events are put aside."""
        while True:
            message = self.receive()
            if not isinstance(message, dict) or message.get("method") != "event":
                return message
            self.events.append(message)

    def ask(self, text):
        self.send(text)
        return self.reply()

    def call(self, method, **params):
        """The result, or the error object."""
        self.number += 1
        request = {"jsonrpc": "2.0", "id": self.number, "method": method, "params": params}
        reply = self.ask(json.dumps(request))
        assert reply is not None, f"the connection ended on {method}"
        assert reply["id"] == self.number, f"{method}: {reply}"
        return reply.get("result", reply.get("error"))

    def wait_event(self, wanted, do=lambda: None):
        """The first event for which wanted() is true; do() is called again and again until it comes."""
        until = time.monotonic() + PATIENCE
        while True:
            for event in self.events:
                if wanted(event):
                    return event
            if time.monotonic() > until:
                return None
            do()
            self.socket.settimeout(0.1)
            with contextlib.suppress(TimeoutError, socket.timeout):
                message = self.receive()
                if message is None:
                    return None
                self.events.append(message)
            self.socket.settimeout(PATIENCE)

    def close(self):
        self.socket.close()


class Daemon:
    """Started by with, stopped at its end. log is its output."""

    def __init__(self, config):
        self.config = config
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="esplanade-control-"))
        self.socket_path = self.directory / "control.sock"
        self.xfrm_path = self.directory / "xfrm.sock"
        self.config_path = self.directory / "esplanade.conf"
        self.log_path = self.directory / "log"
        self.process = None

    def write_config(self, config=None):
        self.config = config or self.config
        control = {"socket": str(self.socket_path), "xfrm_socket": str(self.xfrm_path)}
        whole = self.config | {"control": self.config.get("control", {}) | control}
        self.config_path.write_text("".join(f"{name} = {libconfig(value)};\n" for name, value in whole.items()))

    def __enter__(self):
        self.write_config()
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen([BUILD / "app/esplanade/esplanade", "-c", self.config_path],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.directory)
        try:
            wait_for("the control socket", self._answers)
        except BaseException:
            print(self.log, file=sys.stderr)
            self._clean()
            raise
        return self

    def _answers(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"the daemon ended with {self.process.returncode}")
        with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
            self.line().close()
            return True
        return False

    def __exit__(self, kind, *_):
        if kind:
            print(self.log, file=sys.stderr)
        self._clean()

    def _clean(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if os.environ.get("INTERACTIVE") == "1":
            print(f"    see {self.directory}")
        else:
            shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def log(self):
        return self.log_path.read_text(errors="replace")

    def line(self):
        return Line(self.socket_path)

    def stop(self):
        """Ends it as an operator would. Its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def end(self, report):
        """Stops it, and sees that it ends well."""
        report.equal("exit code", self.stop(), 0)
        report.check("every packet buffer is returned",
                     "packet buffers of pool buffers were returned" in self.log and "were not returned" not in self.log,
                     lambda: self.log[-2000:])
        report.no_complaint("no sanitizer complains", self.log)
