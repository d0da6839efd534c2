#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""SAs that are being negotiated, as IKE daemons know them from the kernel: one that does not come in time is told to have expired."""

import socket
import struct
import subprocess

import xfrm_wire as wire
from control import Daemon, Report, base_config, enter_namespace, finish, wait_for
from test_control_api import Host

ACQUIRE, EXPIRE = 0x17, 0x18
JOIN = 9
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

    def allocate(self, spi, sequence):
        info = bytearray(wire.sa(THERE, HERE, spi, 7)[:224])
        struct.pack_into("!I", info, 72, 0)
        struct.pack_into("=I", info, 204, sequence)
        self.requests.send(wire.packet(0x16, bytes(info) + struct.pack("=II", spi, spi), 1))
        answer = self.requests.recv(65536)
        return struct.unpack_from("=H", answer, 4)[0] == wire.NEWSA


def check_spis(report, daemon):
    report.begin("SPIs that are given out")
    listener = Listener(daemon)
    given = [listener.allocate(spi, 40 + spi) for spi in (0x1001, 0x1002, 0x1003)]
    report.equal("three are given", given, [True] * 3)
    report.equal("the SA of one comes", listener.ask(wire.UPDSA, wire.sa(THERE, HERE, 0x1001, 7, window=32)), 0)
    report.equal("one is given back", listener.ask(wire.DELSA, wire.sa_id(HERE, 0x1002)), 0)
    wait_for("the third to expire", listener.expired)
    report.equal("it alone, as a hard limit", listener.expired(), [(0x1003, 40 + 0x1003, 7, 1)])
    report.equal("and its SPI is free", listener.allocate(0x1003, 1), True)
    report.equal("the SA of the first stays", listener.ask(wire.DELSA, wire.sa_id(HERE, 0x1001)), 0)
    wait_for("the third to expire again", lambda: len(listener.expired()) == 2)
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
    wait_for("its end", listener.expired)
    report.equal("is told with the number of the acquire", listener.expired(), [(0, sequence, 9, 1)])
    listener.heard.clear()
    host.send_to("10.20.0.1")
    wait_for("another acquire", lambda: [kind for kind, _ in listener.listen() if kind == ACQUIRE])
    report.equal("the SA comes", listener.ask(wire.NEWSA, wire.sa(HERE, THERE, 0x2001, 9)), 0)
    report.equal("an SPI, which ends last", listener.allocate(0x1009, 0), True)
    wait_for("the end of that", lambda: [spi for spi, *_ in listener.expired() if spi == 0x1009])
    report.equal("and alone", [spi for spi, *_ in listener.expired()], [0x1009])
    listener.close()


def main():
    enter_namespace()
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    report = Report()
    with Daemon(base_config() | {"limits": {"spi_hold_seconds": 2, "acquire_seconds": 1}}) as daemon:
        mac = next(port["mac"] for port in daemon.line().call("port.list")["ports"] if port["name"] == "lan")
        check_spis(report, daemon)
        check_acquires(report, daemon, Host("apilan", mac))
        report.begin("the end")
        daemon.end(report)
    finish(report)


main()
