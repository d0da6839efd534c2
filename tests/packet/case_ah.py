# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""AH (RFC 4302): every algorithm in both modes, both families, both directions, with and without extended sequence numbers,
judged by python-cryptography and, where it knows the algorithm, by scapy; what changes on the way and what may not."""

import dataclasses
import os
import struct

from scapy.layers.inet import UDP, IPOption_Router_Alert, IPOption_RR, IPOption_NOP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrHopByHop, HBHOptUnknown
from scapy.packet import Raw

from ah import ALGORITHMS, refresh
from esp import NotAuthentic, lower_ttl
from gateway import Gateway
from session import LAN4, Session, udp_packet


def change(packet, at, bits=0xff):
    data = bytearray(packet)
    data[at] ^= bits
    return refresh(bytes(data))


class Run:
    """One daemon: what goes in, what is to come out in that order, what is to be dropped."""

    def __init__(self, report, name):
        self.report, self.session, self.expected, self.outbound = report, Session(report, name), [], []
        self.drops, self.number = {}, 0

    def pair(self, family, algorithm, mode="tunnel", esn=False, inner=None, sequence=0, **options):
        number, self.number = self.number, self.number + 1
        out, into, hosts = self.session.ah_pair(number, algorithm, mode, family, inner, in_options=options, esn=esn,
                                                sequence=sequence)
        return (out, into), hosts

    def out(self, name, sa, packet):
        self.session.lan(packet)
        self.outbound.append((name, sa, lower_ttl(packet)))

    def comes(self, name, packet, inner):
        self.session.wan(packet)
        self.expected.append((name, lower_ttl(inner)))

    def dropped(self, packet, reason):
        self.session.wan(packet)
        self.drops[reason] = self.drops.get(reason, 0) + 1

    def lan_dropped(self, packet, reason):
        self.session.lan(packet)
        self.drops[reason] = self.drops.get(reason, 0) + 1

    def judge(self):
        session, report = self.session, self.report
        session.config["sas"] = [sa.config() for sa in session.sas]
        session.config["policies"] = session.policies
        gateway = Gateway(session.name, session.config)
        for port, frame in session.inputs:
            gateway.feed(port, frame)
        gateway.run()
        lan = [frame[14:] for frame in gateway.outputs["lan"]]
        report.equal("as many come in as should", len(lan), len(self.expected))
        for (name, inner), packet in zip(self.expected, lan):
            report.equal(f"in: {name}", packet, inner)
        wan = [frame[14:] for frame in gateway.outputs["wan"]]
        report.equal("as many leave as should", len(wan), len(self.outbound))
        last = {}
        for (name, sa, inner), packet in zip(self.outbound, wan):
            number = last.get(sa.name, sa.sequence) + 1
            last[sa.name] = number
            try:
                report.equal(f"out: {name}", sa.open(packet, number >> 32), (number & 0xffffffff, inner))
            except NotAuthentic as error:
                report.check(f"out: {name}", False, error)
        report.equal("the drops are those asked for", gateway.drops, self.drops)


def matrix(report):
    # conformance: K5, D12
    for esn in (False, True):
        run = Run(report, f"ah-{'esn' if esn else 'plain'}")
        for algorithm in ALGORITHMS:
            for family in (4, 6):
                for mode in ("tunnel", "transport"):
                    # With ESN the numbers begin in the second subspace.
                    start = 0x500000030 if esn else 0
                    (out, into), ends = run.pair(family, algorithm, mode, esn, sequence=start)
                    name = f"{algorithm[0]}/{algorithm[1]} v{family} {mode}"
                    for size in (0, 1, 15, 64, 500, 1300):
                        data = os.urandom(size)
                        run.out(f"{name} {size}", out, udp_packet(*ends, data))
                        inner = udp_packet(*ends[::-1], data)
                        run.comes(f"{name} {size}", into.seal(inner, start + 1 + size), inner)
        for family in (4, 6):
            (out, into), ends = run.pair(family, ALGORITHMS[1], esn=esn, inner=10 - family)
            run.out(f"other family in v{family}", out, udp_packet(*ends, b"x"))
            inner = udp_packet(*ends[::-1], b"x")
            run.comes(f"other family in v{family}", into.seal(inner, 1), inner)
        run.judge()


def changes(report):
    """What may change on the way, and what may not."""
    # conformance: K1
    run = Run(report, "ah-changes")
    for family in (4, 6):
        mutable = {4: (1, 8), 6: (1, 2, 3, 7)}[family]
        source_at = {4: 13, 6: 9}[family]
        for algorithm in ALGORITHMS:
            (_, into), ends = run.pair(family, algorithm, "transport")
            inner = udp_packet(*ends[::-1], b"payload")
            for place, at in enumerate(mutable):
                bits = 0x0c if at in (1, 7, 8) else 0xff
                run.comes(f"v{family} {algorithm[0]} byte {at}", change(into.seal(inner, 10 + place), at, bits),
                          change(inner, at, bits))
            packet = into.seal(inner, 30)
            at = len(packet) - len(inner) + (20 if family == 4 else 40) - into.ah_bytes
            for wrong in (source_at, at, at + 2, at + 8 + 3, at + 12, at + 11 + sum(algorithm[2:4]), len(packet) - 1):
                run.dropped(change(packet, wrong, 1), "ah_integrity")
            run.comes(f"v{family} {algorithm[0]} as it was", packet, inner)
    run.judge()


def lengths(report):
    """Lengths, replays, SPIs."""
    # conformance: K4, B3, D2
    run = Run(report, "ah-lengths")
    for family in (4, 6):
        (_, into), ends = run.pair(family, ALGORITHMS[1])
        inner, headers = udp_packet(*ends[::-1], b"payload"), 20 if family == 4 else 40
        packet = into.seal(inner, 5)
        for length in (0, 1, 2, 4, 7, 255):
            wrong = bytearray(packet)
            wrong[headers + 1] = length
            run.dropped(bytes(wrong), "ah_length")
        for size in range(headers + 12, headers + into.ah_bytes):
            short = bytearray(packet[:size])
            short[2:4] = struct.pack("!H", size) if family == 4 else short[2:4]
            short[4:6] = struct.pack("!H", size - 40) if family == 6 else short[4:6]
            run.dropped(refresh(bytes(short)), "ah_length")
        run.dropped(into.seal(inner, 0), "ah_sequence_zero")
        run.comes(f"v{family} good", packet, inner)
        run.dropped(packet, "ah_replay")
        run.comes(f"v{family} far ahead", into.seal(inner, 100000), inner)
        run.dropped(into.seal(inner, 6), "ah_too_old")
        other = dataclasses.replace(into, spi=0x7777)
        run.dropped(other.seal(inner, 7), "sa_unknown")
        at = 9 if family == 4 else 6
        run.dropped(change(into.seal(inner, 100001), at, 50 ^ 51), "sa_unknown")
        stranger = udp_packet(ends[1], LAN4 if family == 4 else "2001:db8:1:99::1", b"payload")
        run.dropped(into.seal(stranger, 100002), "spd_in_wrong_sa")
        run.dropped(into.seal(b"\x45" + bytes(30), 100003), "ah_inner")
    # Linux pads to 8 bytes over IPv4 as well, unless it is told not to.
    (_, into), ends = run.pair(4, ALGORITHMS[1])
    inner = udp_packet(*ends[::-1], b"payload")
    run.comes("v4 padded to 8 bytes", into.seal(inner, 1, ah_bytes=32), inner)
    run.judge()


def headers(report):
    """Options and extension headers before AH."""
    # conformance: K2, K3
    run = Run(report, "ah-headers")
    (out, into), ends = run.pair(4, ALGORITHMS[1], "transport")
    options = [IPOption_Router_Alert(), IPOption_RR(pointer=4, routers=["0.0.0.0"] * 2), IPOption_NOP()]
    run.out("IPv4 options", out, udp_packet(*ends, b"x", options=options))
    inner = udp_packet(*ends[::-1], b"x", options=options)
    run.comes("IPv4 options", into.seal(inner, 1), inner)
    run.comes("a recorded route", change(into.seal(inner, 2), 27), change(inner, 27))
    run.dropped(change(into.seal(inner, 3), 23, 1), "ah_integrity")  # the router alert's value
    run.lan_dropped(udp_packet(*ends, b"x" * 16, more=True), "esp_transport_fragment")
    (out, into), ends = run.pair(6, ALGORITHMS[3], "transport")

    def chain(source, destination, value):
        changing = IPv6ExtHdrHopByHop(options=[HBHOptUnknown(otype=0x3e, optdata=bytes((value,)) * 4)])
        last = IPv6ExtHdrDestOpt(options=[HBHOptUnknown(otype=0x1e, optdata=b"abcd")])
        return bytes(IPv6(src=source, dst=destination, hlim=44) / changing / last / UDP(sport=1, dport=2) / Raw(b"x"))

    run.out("extension headers", out, chain(*ends, 7))

    inner = chain(*ends[::-1], 7)
    run.comes("extension headers", into.seal(inner, 1), inner)
    run.comes("an option that changes", change(into.seal(inner, 2), 44), change(inner, 44))
    run.dropped(change(into.seal(inner, 3), 43, 1), "ah_headers")  # the option's length
    run.judge()


def run(report):
    matrix(report)
    changes(report)
    lengths(report)
    headers(report)
