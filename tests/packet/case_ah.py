# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""AH (RFC 4302): every algorithm in both modes, both families, both directions, with and without extended sequence numbers,
judged by python-cryptography and, where it knows the algorithm, by scapy; what changes on the way and what may not."""

import dataclasses
import os
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from scapy.layers.inet import IP, IPOption_Router_Alert, IPOption_RR, IPOption_NOP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrHopByHop, HBHOptUnknown
from scapy.layers.inet import UDP
from scapy.layers.ipsec import AH, SecurityAssociation
from scapy.packet import Raw

from esp import MACS, checksum, lower_ttl
from gateway import Gateway
from session import (LAN4, PEER4, PEER6, WAN4, WAN6, Session, inner_addresses, inner_networks, udp_packet)

# name, key bytes, IV bytes, ICV bytes, scapy's name
ALGORITHMS = (
    ("hmac-sha1-96", 20, 0, 12, "HMAC-SHA1-96"),
    ("hmac-sha2-256-128", 32, 0, 16, "SHA2-256-128"),
    ("hmac-sha2-384-192", 48, 0, 24, "SHA2-384-192"),
    ("hmac-sha2-512-256", 64, 0, 32, "SHA2-512-256"),
    ("aes-xcbc-96", 16, 0, 12, ""),
    ("aes-cmac-96", 16, 0, 12, "AES-CMAC-96"),
    ("aes-gmac", 20, 8, 16, ""),
    ("aes-gmac", 36, 8, 16, ""),
)
MUTABLE_KEPT = (130, 133, 134, 148, 149)


def covered(packet, ah_at):
    """The headers before AH as the ICV covers them, by RFC 4302 appendix A, for what these tests send."""
    data = bytearray(packet)
    if data[0] >> 4 == 4:
        data[1] = data[8] = 0
        data[6:8] = data[10:12] = bytes(2)
        at = 20
        while at < ah_at and data[at] != 0:
            if data[at] == 1:
                at += 1
                continue
            size = data[at + 1]
            if data[at] not in MUTABLE_KEPT:
                data[at:at + size] = bytes(size)
            at += size
        return data
    data[0:4] = b"\x60\0\0\0"
    data[7] = 0
    at = 40
    while at < ah_at:  # options headers alone
        end, option = at + 8 + data[at + 1] * 8, at + 2
        while option < end:
            if data[option] == 0:
                option += 1
                continue
            size = data[option + 1]
            if data[option] & 0x20:
                data[option + 2:option + 2 + size] = bytes(size)
            option += 2 + size
        at = end
    return data


def find_ah(packet):
    """Where AH stands, and where the byte is that names it."""
    if packet[0] >> 4 == 4:
        return (packet[0] & 15) * 4, 9
    at, named = 40, 6
    while packet[named] in (0, 43):  # AH goes before destination options
        named, at = at, at + 8 + packet[at + 1] * 8
    return at, named


@dataclasses.dataclass
class AhSa:
    name: str
    direction: str
    spi: int
    source: str
    destination: str
    reqid: int
    algorithm: tuple
    esn: bool = False
    mode: str = "tunnel"
    sequence: int = 0
    key: bytes = b""
    options: dict = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        self.key = self.key or os.urandom(self.algorithm[1])

    @property
    def family(self):
        return 6 if ":" in self.source else 4

    def config(self):
        return {"name": self.name, "direction": self.direction, "protocol": "ah", "spi": self.spi,
                "source": self.source, "destination": self.destination, "reqid": self.reqid, "mode": self.mode,
                "integrity": {"algorithm": self.algorithm[0], "key": self.key.hex()}, "esn": self.esn,
                "sequence": self.sequence} | self.options

    @property
    def ah_bytes(self):
        align = 4 if self.family == 4 else 8
        return -(-(12 + self.algorithm[2] + self.algorithm[3]) // align) * align

    def tag(self, message, high, iv):
        message = bytes(message) + (struct.pack("!I", high) if self.esn else b"")
        if iv:
            return AESGCM(self.key[:-4]).encrypt(self.key[-4:] + iv, b"", message)
        return MACS[self.algorithm[0]](self.key, message)[:self.algorithm[3]]

    def seal(self, packet, number, ah_bytes=None, **header):
        """AH around or into packet."""
        ah_bytes = ah_bytes or self.ah_bytes
        if self.mode == "tunnel":
            tos, ttl = header.get("tos", 0), header.get("ttl", 64)
            following, next_header = packet, 41 if packet[0] >> 4 == 6 else 4
            if self.family == 4:
                front = bytes(IP(src=self.source, dst=self.destination, proto=51, tos=tos, ttl=ttl,
                                 len=20))
            else:
                front = bytes(IPv6(src=self.source, dst=self.destination, nh=51, tc=tos, hlim=ttl))
            front = bytearray(front)
        else:
            at, named = find_ah(packet)
            front, following = bytearray(packet[:at]), packet[at:]
            next_header, front[named] = front[named], 51
        at = len(front)
        ah = bytearray(struct.pack("!BBHII", next_header, ah_bytes // 4 - 2, 0, self.spi, number & 0xffffffff))
        ah += bytes(ah_bytes - 12)
        whole = front + ah + following
        if self.family == 4:
            whole[2:4] = struct.pack("!H", len(whole))
        else:
            whole[4:6] = struct.pack("!H", len(whole) - 40)
        iv = os.urandom(self.algorithm[2])
        value = iv + self.tag(covered(whole, at), number >> 32, iv)
        whole[at + 12:at + 12 + len(value)] = value
        return refresh(bytes(whole))

    def open(self, packet, high=0):
        """What is in the packet: (number, the packet without AH), or an error as text."""
        at, named = find_ah(packet)
        if packet[named] != 51:
            return "it is no AH packet"
        next_header, length, reserved, spi, number = struct.unpack_from("!BBHII", packet, at)
        value_bytes = self.algorithm[2] + self.algorithm[3]
        if ((length + 2) * 4, reserved, spi) != (self.ah_bytes, 0, self.spi):
            return f"length {length}, reserved {reserved}, SPI {spi:#x}"
        message = covered(packet, at)
        value = bytes(message[at + 12:at + 12 + value_bytes])
        message[at + 12:at + 12 + value_bytes] = bytes(value_bytes)
        iv = value[:self.algorithm[2]]
        if self.tag(message, high, iv) != value[len(iv):]:
            return "the ICV is wrong"
        if self.algorithm[4] and not self.esn:
            if at == (20 if self.family == 4 else 40):
                self.scapy().decrypt(IP(packet) if self.family == 4 else IPv6(packet))  # raises where it does not agree
        rest = packet[at + self.ah_bytes:]
        if self.mode == "tunnel":
            return number, rest if next_header == (41 if rest[0] >> 4 == 6 else 4) else b"next header"
        front = bytearray(packet[:at])
        front[named] = next_header
        whole = front + rest
        if self.family == 4:
            whole[2:4] = struct.pack("!H", len(whole))
        else:
            whole[4:6] = struct.pack("!H", len(whole) - 40)
        return number, refresh(bytes(whole))

    def scapy(self):
        tunnel = (IP if self.family == 4 else IPv6)(src=self.source, dst=self.destination)
        return SecurityAssociation(AH, spi=self.spi, auth_algo=self.algorithm[4], auth_key=self.key,
                                   tunnel_header=tunnel if self.mode == "tunnel" else None)


def refresh(packet):
    """The IPv4 header checksum made right."""
    if packet[0] >> 4 == 6:
        return packet
    data, end = bytearray(packet), (packet[0] & 15) * 4
    data[10:12] = bytes(2)
    data[10:12] = struct.pack("!H", checksum(bytes(data[:end])))
    return bytes(data)


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
        if mode == "tunnel":
            ours, theirs = inner_networks(number, inner or family)
            ends = (WAN6, PEER6) if family == 6 else (WAN4, PEER4)
            hosts = inner_addresses(number, inner or family)
        else:
            hosts = ends = ours, theirs = ((f"2001:db8:1:{number:x}::5", f"2001:db8:e::{number + 0x100:x}")
                                           if family == 6 else (f"10.1.{number}.5", f"198.51.100.{number + 10}"))
        made = []
        for direction, spi, (source, destination) in (("out", 0x1000, ends), ("in", 0x2000, ends[::-1])):
            made.append(AhSa(f"{direction}{number}", direction, spi + number, source, destination, number + 1, algorithm,
                             esn, mode, sequence, options=options if direction == "in" else {}))
        self.session.sas += made
        self.session.policy("out", "protect", ours, theirs, reqid=number + 1)
        self.session.policy("in", "protect", theirs, ours, reqid=number + 1)
        return made, hosts

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
            report.equal(f"out: {name}", sa.open(packet, number >> 32), (number & 0xffffffff, inner))
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
