#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""espctl against the daemon: what it shows is what the control socket answers, as JSON and as tables."""

import json
import subprocess

from control import BUILD, Daemon, Report, base_config, enter_namespace, finish

# A command, its method, the member that holds the list, and columns that each row of the table has.
LISTS = [
    ("sa list", "sa.list", "sas", ("direction", "spi", "source", "destination", "state")),
    ("policy list", "policy.list", "policies", ("direction", "priority", "action", "origin")),
    ("route list", "route.list", "routes", ("destination", "kind", "origin")),
    ("neighbour list", "neighbour.list", "neighbours", ("address", "port", "mac", "origin")),
    ("port list", "port.list", "ports", ("name", "side", "mac", "mtu")),
    ("worker list", "worker.list", "workers", ("worker", "cpu")),
    ("node list", "node.list", "nodes", ("name",)),
    ("drops", "drop.list", "drops", ()),
    ("crypto list", "crypto.list", "suites", ("protocol", "icv_bytes")),
    ("crypto measured", "crypto.measured", "codes", ("encryption",)),
]
# What changes from one moment to the next.
COUNTS = {"packets", "bytes", "vectors", "cycles", "polls", "idle_polls", "sleeps", "dealt", "helped", "age_seconds", "rx_packets", "rx_bytes",
          "device_counters"}


def config():
    outer = {"source": "192.0.2.1", "destination": "192.0.2.2"}
    return base_config() | {
        "sas": [{"direction": "out", "spi": 0x1001, "reqid": 1, "encryption": {"algorithm": "aes-gcm-16", "key": "01" * 20}}
                | outer],
        "policies": [{"direction": "out", "action": "protect", "reqid": 1,
                      "selector": {"source": "10.1.0.0/24", "destination": "10.2.0.0/24"}}],
        "routes": [{"destination": "198.51.100.0/24", "gateway": "192.0.2.2", "port": "wan"}],
        "neighbours": [{"port": "wan", "address": "192.0.2.2", "mac": "02:00:00:00:00:02"}],
    }


def espctl(daemon, *words):
    return subprocess.run([BUILD / "app/espctl/espctl", "-s", daemon.socket_path, *words], capture_output=True, text=True,
                          check=False)


def steady(value):
    """value without what changes by itself."""
    if isinstance(value, dict):
        return {name: steady(member) for name, member in value.items() if name not in COUNTS}
    return [steady(member) for member in value] if isinstance(value, list) else value


def check_list(report, daemon, line, row):
    command, method, member, columns = row
    def shown():
        found = json.loads(espctl(daemon, "--json", *command.split()).stdout)
        return found[member] if isinstance(found, dict) else found

    for _ in range(10):  # the kernel may tell of something between the two
        expected, found = line.call(method)[member], shown()
        if steady(found) == steady(expected):
            break
    report.check(f"{command}: there is something to show", expected)
    report.equal(f"{command} as JSON", steady(found), steady(expected))
    table = [text.split() for text in espctl(daemon, *command.split()).stdout.splitlines()]
    for entry in expected if columns else ():
        wanted = {str(entry[column]) for column in columns}
        report.check(f"{command}: a row with {' '.join(sorted(wanted))}", any(wanted <= set(words) for words in table),
                     lambda rows=table: "\n".join(map(" ".join, rows)))


def check_algorithms(report, line):
    """What an SA of each protocol may use, with the lengths of its keys."""
    suites = [suite for suite in line.call("crypto.list")["suites"] if suite["usable"]]
    ah = {suite["integrity"]: suite["integrity_key_bytes"] for suite in suites if suite["protocol"] == "ah"}
    report.equal("AH's algorithms", ah, {
        "hmac-sha2-256-128": [32], "hmac-sha1-96": [20], "hmac-sha2-384-192": [48], "hmac-sha2-512-256": [64],
        "aes-xcbc-96": [16], "aes-cmac-96": [16], "aes-gmac": [20, 28, 36]})
    report.check("AH does not encrypt", not any("encryption" in suite for suite in suites if suite["protocol"] == "ah"))
    report.check("ESP may use them too", set(ah) - {"aes-gmac"} <= {suite.get("integrity") for suite in suites
                                                                    if suite["protocol"] == "esp"})


def check_exit_codes(report, daemon):
    report.begin("exit codes")
    for words, code in (("status", 0), ("sa get dir out spi 0x9999 dst 192.0.2.2", 1), ("sa eat", 2)):
        report.equal(words, espctl(daemon, *words.split()).returncode, code)
    report.equal("no daemon", subprocess.run([BUILD / "app/espctl/espctl", "-s", "/nowhere", "status"],
                                             capture_output=True, check=False).returncode, 3)


def main():
    enter_namespace()
    report = Report()
    with Daemon(config()) as daemon:
        line = daemon.line()
        report.begin("lists")
        for row in LISTS:
            check_list(report, daemon, line, row)
        check_algorithms(report, line)
        check_exit_codes(report, daemon)
        report.begin("the end")
        daemon.end(report)
    finish(report)


if __name__ == "__main__":
    main()
