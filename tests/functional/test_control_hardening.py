#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""What the running process has given up, as the kernel says of each of its threads, and that it does its work all the same.

conformance: N1, N2, N3
"""

import pathlib

from control import Daemon, Report, base_config, enter_namespace, finish

CAPABILITIES = {"CHOWN": 0, "NET_BIND_SERVICE": 10, "NET_ADMIN": 12, "NET_RAW": 13, "IPC_LOCK": 14}
KEPT = sum(1 << number for number in CAPABILITIES.values())
OFF = {"lock_memory": False, "drop_capabilities": False, "filter_syscalls": False}


def statuses(daemon):
    """What the kernel says of the threads: [{name: text}]."""
    tasks = pathlib.Path(f"/proc/{daemon.process.pid}/task").iterdir()
    return [dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines() if ":\t" in line)
            for task in tasks]


def locked(daemon):
    return int(statuses(daemon)[0]["VmLck"].split()[0])


def confined(report):
    with Daemon(base_config()) as daemon:
        line = daemon.line()
        line.call("status.get")  # answered when everything has started
        threads = statuses(daemon)
        sanitized = "sanitizers are built in" in daemon.log
        report.check("there are threads beside the first", len(threads) > 1)
        for name in ("CapPrm", "CapEff"):
            report.equal(f"{name}: nothing but what is needed",
                         [text for text in (thread[name] for thread in threads) if int(text, 16) & ~KEPT], [])
        report.equal("nothing is inherited", {thread["CapInh"] for thread in threads}, {"0" * 16})
        report.equal("no thread can get more", {thread["NoNewPrivs"] for thread in threads}, {"1"})
        report.equal("every thread's system calls are filtered", {thread["Seccomp"] for thread in threads},
                     {"0" if sanitized else "2"})
        report.check("memory is locked, or the log says why not",
                     sanitized or locked(daemon) > 0 or "memory may be swapped out" in daemon.log, lambda: daemon.log)
        limits = pathlib.Path(f"/proc/{daemon.process.pid}/limits").read_text()
        report.check("no core files", [line.split()[4:6] for line in limits.splitlines() if "core file" in line]
                     == [["0", "0"]], limits)

        # What needs privileges while it runs: addresses, sockets, the file that is read again.
        config = base_config()
        config["ports"][0]["addresses"] = ("10.1.0.1/24", "10.1.0.2/24")
        daemon.write_config(config)
        report.check("a reload", "code" not in line.call("config.reload"))
        report.check("an SA", "added" in line.call(
            "sa.add", direction="out", spi=0x1000, source="192.0.2.1", destination="192.0.2.2", reqid=1,
            encryption={"algorithm": "aes-gcm-16", "key": "00" * 20}))
        config["hardening"] = OFF
        daemon.write_config(config)
        report.equal("what was given up needs a restart to come back", line.call("config.reload")["code"], 16)
        daemon.end(report)


def unconfined(report):
    with Daemon(base_config() | {"hardening": OFF}) as daemon:
        threads = statuses(daemon)
        own = pathlib.Path("/proc/self/status").read_text().split("CapEff:\t")[1][:16]
        report.equal("as configured: all capabilities", {thread["CapEff"] for thread in threads}, {own})
        report.equal("no filter", {thread["Seccomp"] for thread in threads},
                     {pathlib.Path("/proc/self/status").read_text().split("Seccomp:\t")[1][:1]})
        report.equal("nothing locked", locked(daemon), 0)
        daemon.end(report)


def main():
    enter_namespace()
    report = Report()
    confined(report)
    unconfined(report)
    finish(report)


if __name__ == "__main__":
    main()
