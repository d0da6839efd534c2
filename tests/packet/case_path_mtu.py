# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""ICMP errors of routers about our own ESP: scapy makes them, each SA tells what it believed.

conformance: I5
"""

import itertools
import struct

from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.inet6 import ICMPv6PacketTooBig, IPv6
from scapy.packet import Raw

import session as rig
from esp import CBC, GCM
from gateway import Gateway
from session import INTERNET4, INTERNET6, PEER4, PEER6, WAN4, WAN6, Session

USED = 5000  # numbers that each SA has used before


def told(sa, mtu, sequence=USED, spi=None, source=None, destination=None, dport=None, upper=None):
    """An ICMP error of a router about a packet of that SA, of which it quotes upper bytes behind the IP header."""
    esp = struct.pack("!II", sa.spi if spi is None else spi, sequence) + bytes(1400)
    addresses = {"src": source or sa.source, "dst": destination or sa.destination}
    upper = upper or (16 if sa.ports else 8)
    payload = UDP(sport=sa.ports[0], dport=dport or sa.ports[1]) / Raw(esp) if sa.ports else Raw(esp)
    protocol = 17 if sa.ports else 50
    if sa.outer_family == 6:
        about = bytes(IPv6(**addresses, nh=protocol, hlim=60) / payload)[:40 + upper]
        return bytes(IPv6(src=INTERNET6, dst=WAN6) / ICMPv6PacketTooBig(mtu=mtu) / Raw(about))
    about = bytes(IP(**addresses, proto=protocol, ttl=60, flags="DF") / payload)[:20 + upper]
    return bytes(IP(src=INTERNET4, dst=WAN4) / ICMP(type=3, code=4, nexthopmtu=mtu) / Raw(about))


class Patient(Gateway):
    """The control core takes in what workers tell a moment later."""

    errors = 0

    def settle(self):
        super().settle()
        self._wait("all errors to be looked at", lambda: sum(self.counts().values()) >= self.errors)

    def counts(self):
        return self.control.call("status.get")["path_mtu"]

    def stop(self, *arguments):  # pylint: disable=arguments-differ
        self.told = self.counts()
        super().stop(*arguments)


class Errors:
    def __init__(self, report):
        self.session = Session(report, "path-mtu", config={"path_mtu": {"floor": 700, "age_seconds": 3600}})
        self.rows, self.learned, self.ignored = [], 0, 0

    def row(self, what, outer, udp, mtu, *errors, learned=0, ignored=0):
        """A tunnel of its own, the errors about it (functions of its SA), and the path MTU it must have then."""
        number = len(self.rows)
        options = {"sequence": USED} | ({"encapsulation": {"destination_port": 61000}} if udp else {})
        sa, _ = self.session.tunnel(number, 4, outer, algorithm=CBC if number % 2 else GCM, out_options=options)
        for error in errors:
            self.session.wan(error(sa))
        self.rows.append((f"v{outer}{' in UDP' if udp else ''}: {what}", sa, mtu))
        self.learned += learned
        self.ignored += ignored
        self.session.drop("icmp_path_mtu", learned + ignored)
        self.session.drop("spd_in_no_policy", len(errors) - learned - ignored)

    def rows_for(self, outer, udp):
        def row(what, *rest, **counts):
            self.row(what, outer, udp, *rest, **counts)

        stranger, peer = (INTERNET6, PEER6) if outer == 6 else (INTERNET4, PEER4)
        least, floor = (1280, 1280) if outer == 6 else (68, 700)
        row("believed", 1400, lambda sa: told(sa, 1400), learned=1)
        row("an older number", 1400, lambda sa: told(sa, 1400, sequence=1), learned=1)
        row("lowered twice", 1350, lambda sa: told(sa, 1400), lambda sa: told(sa, 1350), learned=2)
        row("never raised", 1350, lambda sa: told(sa, 1350), lambda sa: told(sa, 1400), learned=1, ignored=1)
        row("not below the floor", floor, lambda sa: told(sa, least), learned=1)
        row("a number not used yet", 1500, lambda sa: told(sa, 1400, sequence=USED + 1), ignored=1)
        row("number 0", 1500, lambda sa: told(sa, 1400, sequence=0), ignored=1)
        row("an SPI of nobody", 1500, lambda sa: told(sa, 1400, spi=0x77777777), ignored=1)
        row("another destination", 1500, lambda sa: told(sa, 1400, destination=stranger), ignored=1)
        # What is not about us is clear text, and has no policy here.
        row("not from us", 1500, lambda sa: told(sa, 1400, source=peer))
        row("quoted too little", 1500, lambda sa: told(sa, 1400, upper=15 if udp else 7))
        row("longer than the packet", 1500, lambda sa: told(sa, 1500))
        if udp:
            row("another port", 1500, lambda sa: told(sa, 1400, dport=61001), ignored=1)

    def judge(self):
        report, session = self.session.report, self.session
        Patient.errors = self.learned + self.ignored
        rig.Gateway, usual = Patient, rig.Gateway
        try:
            session.run(states=[sa for _, sa, _ in self.rows])
        finally:
            rig.Gateway = usual
        for name, sa, mtu in self.rows:
            state = session.gateway.sas[sa.name]
            report.equal(f"{name}: path MTU", state["path_mtu"], mtu)
            report.equal(f"{name}: inner MTU", state["inner_mtu"], sa.largest_inner(mtu))
            left = state["path_mtu_learned_seconds"]
            report.check(f"{name}: for a while", left is None if mtu == 1500 else 0 < left <= 3600, f"{left} seconds")
        report.equal("counted", session.gateway.told, {"learned": self.learned, "ignored": self.ignored})
        session.judge()


def run(report):
    errors = Errors(report)
    for outer, udp in itertools.product((4, 6), (False, True)):
        errors.rows_for(outer, udp)
    errors.judge()
