#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""Populate from packet (RFC 4301 section 4.4.1.2) as the key exchange sees it: each packet that no SA matches asks for the
SA that it should have, and what is held goes by the SA that was made for it."""

from control import Daemon, Report, base_config, enter_namespace, finish, wait_for
from test_control_api import Host
from test_lifetime import Line


def acquires(listener):
    return [event["params"] for event in listener.events if event["params"]["kind"] == "acquire"]


def acquire(listener, host, address):
    """What one packet to the address asks for."""
    host.send_to(address)
    event = listener.wait_event(lambda event: event["params"]["kind"] == "acquire"
                                and event["params"]["wanted"]["destination"] == f"{address}/32")
    return event["params"]


def populated(report, line, listener, host):
    """conformance: G5, G10"""
    sas = Line(line)

    def drops():
        return {drop["name"]: drop["packets"] for drop in line.call("drop.list")["drops"]}

    report.begin("each destination asks for an SA of its own, once")
    before = drops()
    first = acquire(listener, host, "10.20.0.1")
    second = acquire(listener, host, "10.20.0.2")
    report.equal("what the SA should carry", first["wanted"], {
        "source": "10.1.0.0/24", "destination": "10.20.0.1/32", "protocol": "udp", "source_port": "any",
        "destination_port": "any"})
    report.equal("the packet", first["selector"]["destination_port"], 2000)
    report.equal("the reqid", (first["reqid"], second["reqid"]), (20, 20))

    report.begin("what is held goes by the SA that was made for it")
    sas.out(0x9002, 20, {}, selectors=[second["wanted"]])
    wait_for("packets of the second", lambda: sas.packets(0x9002) >= 1)
    held = sas.packets(0x9002)
    sas.out(0x9001, 20, {}, selectors=[first["wanted"]])
    wait_for("packets of the first", lambda: sas.packets(0x9001) >= 1)
    report.equal("no more by the second", sas.packets(0x9002), held)
    report.equal("none was dropped for want of an SA", drops()["spd_out_no_sa"], before["spd_out_no_sa"])

    report.begin("the next packets find their SAs")
    counts = sas.packets(0x9001) + 5, sas.packets(0x9002) + 5
    for _ in range(5):
        host.send_to("10.20.0.1")
        host.send_to("10.20.0.2")
    wait_for("both", lambda: (sas.packets(0x9001), sas.packets(0x9002)) == counts)
    report.equal("and ask no more", len(acquires(listener)), 2)

    report.begin("an SA that goes is missed at once, another is not touched")
    line.call("sa.delete", direction="out", spi="0x9001", destination="192.0.2.2")
    host.send_to("10.20.0.1")
    listener.wait_event(lambda _: len(acquires(listener)) == 3)
    report.equal("asked for again", [one["wanted"]["destination"] for one in acquires(listener)[2:]], ["10.20.0.1/32"])
    host.send_to("10.20.0.2")
    wait_for("the other", lambda: sas.packets(0x9002) == counts[1] + 1)

    report.begin("a policy that populates no more takes what there is")
    line.call("policy.delete", direction="out", selector={"source": "10.1.0.0/24", "destination": "10.20.0.0/24"})
    line.call("policy.add", direction="out", action="protect", reqid=20,
              selector={"source": "10.1.0.0/24", "destination": "10.20.0.0/24"})
    sas.out(0x9003, 20, {})
    host.send_to("10.20.0.3")
    wait_for("the SA for all", lambda: sas.packets(0x9003) >= 1)


def main():
    enter_namespace()
    report = Report()
    config = base_config()
    config["ports"][1]["device"] = "net_tap1,iface=apiwan"
    config["limits"] = {"sa_queue": 4, "sa_queue_seconds": 60, "acquire_seconds": 3600}
    with Daemon(config) as daemon:
        line, listener = daemon.line(), daemon.line()
        listener.call("event.subscribe")
        host = Host("apilan", line.call("port.list")["ports"][0]["mac"])
        line.call("neighbour.add", port="wan", address="192.0.2.2", mac="02:00:00:00:00:02")
        line.call("policy.add", direction="out", action="protect", reqid=20, populate=["destination", "protocol"],
                  selector={"source": "10.1.0.0/24", "destination": "10.20.0.0/24"})
        populated(report, line, listener, host)
        daemon.end(report)
    finish(report)


if __name__ == "__main__":
    main()
