#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""SAs that are being negotiated, as IKE daemons know them from the kernel: listed like others, and told to have expired when they do
not come in time."""

import os
import re
import socket
import struct
import subprocess

import xfrm_wire as wire
from control import BUILD, Daemon, Report, base_config, enter_namespace, finish, wait_for
from test_control_api import Host

ACQUIRE, EXPIRE, FLUSHSA = 0x17, 0x18, 0x1c
JOIN = 9
MARK, IF_ID = 21, 31
HERE, THERE = "192.0.2.1", "192.0.2.2"
NETS = ("10.1.0.0/24", "10.20.0.0/24")


class Listener(wire.Controller):
    """An IKE daemon that hears of acquires and of expiries."""

    def __init__(self, daemon):
        super().__init__(daemon, "larval")
        self.events.send(wire.packet(JOIN, struct.pack("=I", 2), 0))
        self.events.settimeout(0.05)
        self.heard = []

    def listen(self):
        try:
            while True:
                message = self.events.recv(65536)
                self.heard.append((struct.unpack_from("=H", message, 4)[0], message[16:]))
        except TimeoutError:
            return self.heard

    def expired(self):
        """(SPI, sequence, reqid, hard) of each."""
        return [(struct.unpack_from("!I", body, 72)[0], *struct.unpack_from("=II", body, 204), body[224])
                for kind, body in self.listen() if kind == EXPIRE]

    def allocate(self, spi, sequence, attributes=b""):
        info = bytearray(wire.sa(THERE, HERE, spi, 7)[:224])
        struct.pack_into("!I", info, 72, 0)
        struct.pack_into("=I", info, 204, sequence)
        self.requests.send(wire.packet(0x16, bytes(info) + struct.pack("=II", spi, spi) + attributes, 1))
        answer = self.requests.recv(65536)
        return struct.unpack_from("=H", answer, 4)[0] == wire.NEWSA

    def follow_sas(self):
        """Hears of additions and deletions from now on."""
        self.events.send(wire.packet(JOIN, struct.pack("=I", 3), 0))


def check_spis(report, daemon):
    report.begin("SPIs that are given out")
    listener = Listener(daemon)
    given = [listener.allocate(spi, 40 + spi) for spi in (0x1001, 0x1002, 0x1003)]
    report.equal("three are given", given, [True] * 3)
    report.equal("the SA of one comes", listener.ask(wire.UPDSA, wire.sa(THERE, HERE, 0x1001, 7, window=32)), 0)
    report.equal("one is given back", listener.ask(wire.DELSA, wire.sa_id(HERE, 0x1002)), 0)
    wait_for("the third to expire", listener.expired)
    report.equal("it alone, as a hard limit", listener.expired(), [(0x1003, 0, 7, 1)])
    report.equal("and its SPI is free", listener.allocate(0x1003, 1), True)
    report.equal("the SA of the first stays", listener.ask(wire.DELSA, wire.sa_id(HERE, 0x1001)), 0)
    wait_for("the third to expire again", lambda: len(listener.expired()) == 2)
    listener.close()


class Tool:
    """`ip xfrm state` beside a daemon."""

    def __init__(self, daemon):
        self.environment = os.environ | {"LD_PRELOAD": str(BUILD / "app/xfrm-preload/libesplanade-xfrm.so"),
                                         "ESPLANADE_XFRM_SOCKET": str(daemon.xfrm_path)}

    def run(self, *words):
        return subprocess.run(["ip", *words], env=self.environment, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False).stdout

    def listed(self, *words):
        """(SPI, reqid) of each, lowest first."""
        return sorted((int(spi, 16), int(reqid)) for spi, reqid in
                      re.findall(r"spi (0x[0-9a-f]+)\S* reqid (\d+)", self.run("xfrm", "state", "list", *words)))

    def count(self):
        return int(re.search(r"SAD count (\d+)", self.run("-s", "xfrm", "state", "count"))[1])


IN = ("src", THERE, "dst", HERE, "proto", "esp")
AH = ("src", THERE, "dst", HERE, "proto", "ah")


def allocate(tool, end, spi):
    text = tool.run("xfrm", "state", "allocspi", *end, "reqid", "7", "mode", "tunnel", "min", hex(spi), "max", hex(spi))
    return f"spi {spi:#010x}" in text


def check_lists(report, daemon):
    """Larval SAs among the others, through `ip xfrm`."""
    report.begin("lists")
    tool, listener = Tool(daemon), Listener(daemon)
    listener.follow_sas()
    before = tool.count()
    marks = wire.attribute(MARK, struct.pack("=II", 5, 0xff)) + wire.attribute(IF_ID, struct.pack("=I", 42))
    report.check("an SPI with an if_id and a mark", listener.allocate(0x3001, 0, marks))
    report.check("one of AH", allocate(tool, AH, 0x3002))
    report.check("one more", allocate(tool, IN, 0x3003))
    report.equal("an SA", listener.ask(wire.NEWSA, wire.sa(HERE, THERE, 0x3004, 9)), 0)
    every = [(0x3001, 7), (0x3002, 7), (0x3003, 7), (0x3004, 9)]
    report.equal("all are listed", tool.listed(), every)
    report.equal("those of AH", tool.listed("proto", "ah"), [(0x3002, 7)])
    report.equal("all are counted", tool.count() - before, 4)
    text = tool.run("-s", "xfrm", "state", "get", *IN, "spi", "0x3001", "mark", "5")
    for part in ("if_id 0x2a", "mark 0x5/0xff", "mode tunnel", f"sel src {THERE}/32 dst {HERE}/32", "reqid 7",
                 "limit: soft (INF)(bytes), hard (INF)(bytes)", "expire add: soft 0(sec), hard 600(sec)"):
        report.check(f"it shows {part}", part in text, text)
    report.check("without its mark it is not found", "no such SA" in tool.run("xfrm", "state", "get", *IN, "spi", "0x3001"))
    report.equal("NEWSA does not take it", listener.ask(wire.NEWSA, wire.sa(THERE, HERE, 0x3003, 7)), 17)
    report.equal("it is deleted", tool.run("xfrm", "state", "delete", *IN, "spi", "0x3003"), "")
    report.equal("and not listed", tool.listed(), [sa for sa in every if sa[0] != 0x3003])
    wait_for("its deletion", lambda: [body for kind, body in listener.listen() if kind == wire.DELSA])
    report.check("its SPI is free", allocate(tool, IN, 0x3003))
    report.equal("a flush of AH", listener.ask(FLUSHSA, struct.pack("=B7x", 51)), 0)
    report.equal("takes that", tool.listed(), [sa for sa in every if sa[0] != 0x3002])
    report.equal("a flush", listener.ask(FLUSHSA, struct.pack("=B7x", 255)), 0)
    report.equal("takes the others", tool.listed(), [])
    report.check("their SPIs are free", allocate(tool, IN, 0x3001))
    report.equal("the SA comes", listener.ask(wire.UPDSA, wire.sa(THERE, HERE, 0x3001, 7, window=32)), 0)
    report.equal("it is listed once", tool.listed(), [(0x3001, 7)])
    report.equal("and deleted", listener.ask(wire.DELSA, wire.sa_id(HERE, 0x3001)), 0)
    report.equal("for good", tool.listed(), [])
    listener.close()


def check_acquires(report, daemon, host):
    report.begin("packets without an SA")
    listener = Listener(daemon)
    report.equal("a trap policy", listener.ask(wire.NEWPOLICY, wire.policy(1, NETS, (HERE, THERE), 9)), 0)
    # Each packet asks anew after limits.acquire_seconds: the last one counts.
    host.send_to("10.20.0.1")
    wait_for("an acquire", lambda: [kind for kind, _ in listener.listen() if kind == ACQUIRE])
    acquire = next(body for kind, body in listener.heard if kind == ACQUIRE)
    sequence = struct.unpack_from("=I", acquire, 276)[0]
    report.equal("it is listed, without an SPI", Tool(daemon).listed(), [(0, 9)])
    wait_for("its end", listener.expired)
    report.equal("is told with the number of the acquire", listener.expired(), [(0, sequence, 9, 1)])
    listener.heard.clear()
    host.send_to("10.20.0.1")
    wait_for("another acquire", lambda: [kind for kind, _ in listener.listen() if kind == ACQUIRE])
    report.equal("the SA comes", listener.ask(wire.NEWSA, wire.sa(HERE, THERE, 0x2001, 9)), 0)
    report.equal("it alone is listed", Tool(daemon).listed(), [(0x2001, 9)])
    report.equal("an SPI, which ends last", listener.allocate(0x1009, 0), True)
    wait_for("the end of that", lambda: [spi for spi, *_ in listener.expired() if spi == 0x1009])
    report.equal("and alone", [spi for spi, *_ in listener.expired()], [0x1009])
    listener.close()


def main():
    enter_namespace()
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    report = Report()
    with Daemon(base_config() | {"limits": {"spi_hold_seconds": 600}}) as daemon:
        check_lists(report, daemon)
        daemon.end(report)
    with Daemon(base_config() | {"limits": {"spi_hold_seconds": 2, "acquire_seconds": 1}}) as daemon:
        mac = next(port["mac"] for port in daemon.line().call("port.list")["ports"] if port["name"] == "lan")
        check_spis(report, daemon)
        check_acquires(report, daemon, Host("apilan", mac))
        report.begin("the end")
        daemon.end(report)
    finish(report)


main()
