#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""The end of SAs as the key exchange sees it: one soft event, one hard one, the SA is deleted, an older one takes over, and
where there is none an acquire is raised. Nothing leaves in clear."""

import itertools
import socket

from control import Daemon, Report, base_config, enter_namespace, finish, wait_for
from esp import Sa
from test_control_api import Host

ETH_P_ALL = 3
ZEROS = bytes(16)


def end_of(listener, spi, do=lambda: None):
    """The kinds of events about the SA up to its deletion, in order, which do() brings about."""
    def about(event):
        return event["params"].get("sa", {}).get("spi") == f"0x{spi:08x}"
    listener.wait_event(lambda event: about(event) and event["params"].get("change") == "deleted", do)
    found = []
    for event in filter(about, listener.events):
        params = event["params"]
        found.append(params.get("change") or ("hard" if params["hard"] else "soft", params["cause"]))
    return found


def expected(soft, hard):
    return ["added", ("soft", soft), ("hard", hard), "deleted"]


class Line:
    """What adds SAs: each with a key of its own."""

    def __init__(self, line):
        self.line = line

    def out(self, spi, reqid, lifetime, **more):
        return self.line.call("sa.add", direction="out", spi=spi, source="192.0.2.1", destination="192.0.2.2",
                              reqid=reqid, lifetime=lifetime,
                              encryption={"algorithm": "aes-gcm-16", "key": f"{spi:08x}" + "5a" * 16}, **more)

    def packets(self, spi):
        found = [sa for sa in self.line.call("sa.list")["sas"] if int(sa["spi"], 16) == spi]
        return found[0]["packets"] if found else None


def outbound(report, line, listener, host):
    """conformance: L1, G5, D13"""
    report.begin("packets, and an older SA that takes over")
    sas = Line(line)
    sas.out(0x8001, 8, {})
    sas.out(0x8002, 8, {"soft_packets": 2, "hard_packets": 5})
    report.equal("events", end_of(listener, 0x8002, lambda: host.send_to("10.8.0.1")), expected("packets", "packets"))
    listener.wait_event(lambda _: sas.packets(0x8001) > 0, lambda: host.send_to("10.8.0.1"))
    report.check("the older one carries the traffic", sas.packets(0x8001) > 0)

    report.begin("bytes, of an SA that is the only one")
    sas.out(0x8003, 9, {"soft_bytes": 29, "hard_bytes": 28 * 4})
    report.equal("events", end_of(listener, 0x8003, lambda: host.send_to("10.9.0.1")), expected("bytes", "bytes"))
    acquired = listener.wait_event(
        lambda event: event["params"]["kind"] == "acquire" and event["params"]["reqid"] == 9,
        lambda: host.send_to("10.9.0.1"))
    report.check("acquire is raised", acquired)

    report.begin("sequence numbers")
    sas.out(0x8004, 9, {}, sequence=0xE0000000 - 2)
    first = listener.wait_event(lambda event: event["params"].get("hard") is False
                                and event["params"]["sa"]["spi"] == "0x00008004", lambda: host.send_to("10.9.0.1"))
    report.equal("well before their end", first["params"]["cause"], "sequence")
    report.check("the SA lives on", sas.packets(0x8004))
    sas.out(0x8005, 9, {}, sequence=0xFFFFFFFF - 3)
    report.equal("at their end", end_of(listener, 0x8005, lambda: host.send_to("10.9.0.1")),
                 expected("sequence", "sequence"))


def seconds(report, line, listener, host):
    """conformance: L1, M8"""
    report.begin("seconds")
    # So far apart that a daemon that does not get to run for a while finds the one before the other.
    sas = Line(line)
    sas.out(0x8006, 10, {"soft_seconds": 1, "hard_seconds": 4})
    sas.out(0x8007, 11, {"soft_use_seconds": 1, "hard_use_seconds": 4})
    report.equal("without any packet", end_of(listener, 0x8006), expected("seconds", "seconds"))
    report.equal("not used, not ended", sas.packets(0x8007), 0)
    report.equal("after the first packet", end_of(listener, 0x8007, lambda: host.send_to("10.11.0.1")),
                 expected("use_seconds", "use_seconds"))


def inbound(report, line, listener, peer):
    """conformance: L1"""
    report.begin("inbound")
    sa = Sa("in", "in", 0x8008, "192.0.2.2", "192.0.2.1", 8, key=bytes(4) + ZEROS,
            options={"lifetime": {"soft_packets": 2, "hard_packets": 5}})
    line.call("sa.add", **sa.config())
    sequence = itertools.count(1)
    report.equal("events", end_of(listener, 0x8008, lambda: peer.send_esp(sa, next(sequence))),
                 expected("packets", "packets"))


def held(report, line, listener, host):
    """conformance: G5"""
    report.begin("packets that wait for an SA")
    sas = Line(line)

    def drops():
        return {drop["name"]: drop["packets"] for drop in line.call("drop.list")["drops"]}

    before = drops()
    for _ in range(3):
        host.send_to("10.12.0.1")
    listener.wait_event(lambda event: event["params"]["kind"] == "acquire" and event["params"]["reqid"] == 12)
    sas.out(0x8010, 12, {})
    wait_for("what was held", lambda: sas.packets(0x8010) == 3)
    report.equal("none was dropped", drops()["spd_out_no_sa"], before["spd_out_no_sa"])
    for _ in range(6):
        host.send_to("10.13.0.1")
    # At least: one that an SA left behind when it ended may still have waited, too.
    wait_for("the end of their time", lambda: drops()["spd_out_hold_timeout"] - before["spd_out_hold_timeout"] >= 4)
    report.equal("more than the queue holds", drops()["spd_out_hold_full"] - before["spd_out_hold_full"], 2)


def nothing_in_clear(report, tap):
    """conformance: G5"""
    report.begin("what left")
    tap.setblocking(False)
    esp, clear = 0, []
    while True:
        try:
            frame = tap.recv(2000)
        except BlockingIOError:
            break
        if frame[12:14] == b"\x08\x00":
            esp += frame[23] == 50 and frame[26:30] == bytes((192, 0, 2, 1))
            clear += [frame] if frame[26:28] == bytes((10, 1)) else []
    report.check("ESP", esp > 0)
    report.equal("nothing from behind the gateway in clear", clear, [])


def main():
    enter_namespace()
    report = Report()
    config = base_config()
    config["ports"][1]["device"] = "net_tap1,iface=apiwan"
    config["limits"] = {"sa_queue": 4, "sa_queue_seconds": 5}
    with Daemon(config) as daemon:
        line, listener = daemon.line(), daemon.line()
        listener.call("event.subscribe")
        lan, wan = line.call("port.list")["ports"]
        host, peer = Host("apilan", lan["mac"]), Host("apiwan", wan["mac"])
        tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        tap.bind(("apiwan", 0))
        line.call("neighbour.add", port="wan", address="192.0.2.2", mac="02:00:00:00:00:02")
        for reqid in range(8, 14):
            line.call("policy.add", direction="out", action="protect", reqid=reqid,
                      selector={"source": "10.1.0.0/24", "destination": f"10.{reqid}.0.0/24"})
        outbound(report, line, listener, host)
        seconds(report, line, listener, host)
        inbound(report, line, listener, peer)
        held(report, line, listener, host)
        nothing_in_clear(report, tap)
        daemon.end(report)
    finish(report)


if __name__ == "__main__":
    main()
