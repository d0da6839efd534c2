# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""ESP in UDP (RFC 3948): headers and lengths both ways, keepalives, IKE beside it, and what is neither."""

import struct

from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import Raw

from esp import ALGORITHMS, CBC, GCM, NULL, checksum, lower_ttl
from session import Icmp, PEER4, PEER6, Plain, Session, WAN4, WAN6, inner_addresses, udp_packet

# The matrix judges the others.
SCAPY_KNOWS = [algorithm for algorithm in ALGORITHMS if algorithm.scapy_crypt]


def pseudo_sum(packet):
    """What an IPv6 host that verifies UDP's checksum computes: 0 when it is right (RFC 8200 section 8.1); -1: there is none."""
    if packet[46:48] == bytes(2):
        return -1
    return checksum(packet[8:40] + struct.pack("!II", len(packet) - 40, 17) + packet[40:] + bytes(len(packet) % 2))


def header_wrong(seen):
    """What scapy reads from the outer headers against what the SA says."""
    packet, sa = seen.packet, seen.sa
    outer = (IPv6 if packet[0] >> 4 == 6 else IP)(packet)
    # The payload is no concern of scapy's here: ESP in UDP it reads by the frame's length, not by UDP's.
    udp = UDP(bytes(outer.payload)[:8])
    got = {"next header": outer.nh if packet[0] >> 4 == 6 else outer.proto, "ports": (udp.sport, udp.dport),
           "UDP length": udp.len, "UDP checksum": udp.chksum if packet[0] >> 4 == 4 else pseudo_sum(packet),
           "IP checksum": 0 if packet[0] >> 4 == 6 else checksum(packet[:20])}
    want = {"next header": 17, "ports": sa.ports, "UDP length": len(bytes(outer.payload)), "UDP checksum": 0,
            "IP checksum": 0}
    return "" if got == want else f"outer headers {got}, expected {want}"


def scapy_agrees(seen):
    """scapy opens it too, without the UDP header that it does not read well."""
    bare = seen.sa.scapy_bare(seen.packet)
    return header_wrong(seen) or ("" if seen.sa.scapy_open(bare) == seen.inner else "scapy finds something else inside")


# conformance: J9
def outbound(report):
    session = Session(report, "udp-out")
    number = 0
    for outer in (4, 6):
        for inner in (4, 6):
            for algorithm in SCAPY_KNOWS:
                ports = ({}, {"destination_port": 61000}, {"source_port": 4500, "destination_port": 1})[number % 3]
                sa, _ = session.tunnel(number, inner, outer, algorithm=algorithm, out_options={"encapsulation": ports})
                addresses = inner_addresses(number, inner)
                number += 1
                for size in (0, 1, 2, 3, 13, 500, 1200):
                    session.out(f"{algorithm.label} v{inner} in UDP in v{outer}, {size} bytes", sa,
                                lambda tag, a=addresses, s=size: udp_packet(*a, tag + bytes(s)), look=scapy_agrees)
    session.run().judge()


def mtu(report):
    """The header of 8 bytes counts: the largest inner packet leaves whole, the next one's sender is told."""
    session = Session(report, "udp-mtu", config={"limits": {"icmp_pps": 100000}})
    number = 0
    for outer in (4, 6):
        for inner in (4, 6):
            for algorithm in (GCM, CBC, NULL):
                sa, _ = session.tunnel(number, inner, outer, algorithm=algorithm, out_options={"encapsulation": {}})
                addresses, largest = inner_addresses(number, inner), sa.largest_inner(1500)
                headers = 28 if inner == 4 else 48
                number += 1

                def packet(tag, size, a=addresses, h=headers):
                    return udp_packet(*a, tag + bytes(size - h - len(tag)), df=":" not in a[0])

                session.out(f"{algorithm.label} v{inner} in v{outer}: {largest} bytes", sa,
                            lambda tag, p=packet, s=largest: p(tag, s), look=header_wrong)
                session.out_drop(f"{algorithm.label} v{inner} in v{outer}: {largest + 1} bytes", "esp_too_big",
                                 lambda tag, p=packet, s=largest: p(tag, s + 1),
                                 lambda about, s=largest, six=inner == 6: [Icmp("lan", about, 2 if six else 3,
                                                                                0 if six else 4, mtu=s)])
    session.run().judge()


class Inbound:
    def __init__(self, report):
        self.session = Session(report, "udp-in", config={"limits": {"icmp_pps": 100000}})
        self.numbers = {}

    def next(self, sa):
        self.numbers[sa.name] = self.numbers.get(sa.name, 0) + 1
        return self.numbers[sa.name]

    def expect(self, name, number, inner, reason, make):
        """make(tagged inner packet) is an outer packet; reason: why it is dropped, None: it is delivered."""
        probe = self.session.probe(name)
        packet = udp_packet(*inner_addresses(number, inner, outbound=False), probe.tag)
        if reason:
            self.session.drop(reason)
        else:
            probe.wants = [Plain("lan", lower_ttl(packet))]
        self.session.wan(make(packet))


def checksummed(packet):
    """The same with a UDP checksum, by scapy."""
    cls = IPv6 if packet[0] >> 4 == 6 else IP
    outer = cls(packet[:40 if cls is IPv6 else 20])
    payload = packet[len(outer):]
    sport, dport = struct.unpack_from("!HH", payload)
    return bytes(outer / UDP(sport=sport, dport=dport, len=len(payload)) / Raw(payload[8:]))


# conformance: J1, J2, J3, J4, J5, J6, J7, J8
def inbound(report):
    case = Inbound(report)
    session = case.session
    tunnels, number = [], 0
    for outer in (4, 6):
        for inner in (4, 6):
            for algorithm in SCAPY_KNOWS:
                _, sa = session.tunnel(number, inner, outer, algorithm=algorithm,
                                       in_options={"encapsulation": {"source_port": 61000}})
                tunnels.append((number, inner, outer, sa))
                number += 1
    _, bare = session.tunnel(number, 4, 4)

    def sealed(sa):
        return lambda packet: sa.outer(sa.seal(case.next(sa), packet))

    for number_, inner, outer, sa in tunnels:
        label = f"{sa.algorithm.label} v{inner} in UDP in v{outer}"
        case.expect(f"{label}: delivered", number_, inner, None, sealed(sa))
        case.expect(f"{label}: with a UDP checksum", number_, inner, None, lambda p, s=sa: checksummed(sealed(s)(p)))
        case.expect(f"{label}: with a wrong UDP checksum", number_, inner, None,
                    lambda p, s=sa: with_udp(sealed(s)(p), 6, 0x1234))
        case.expect(f"{label}: from another port", number_, inner, None,
                    lambda p, s=sa: with_udp(sealed(s)(p), 0, 1024))
        case.expect(f"{label}: from another address", number_, inner, None, lambda p, s=sa: s.outer(
            s.seal(case.next(s), p), source="198.51.100.77" if s.outer_family == 4 else "2001:db8:e::77"))
        case.expect(f"{label}: bare", number_, inner, "esp_encapsulation",
                    lambda p, s=sa: bare_ip(s, s.seal(case.next(s), p)))
        case.expect(f"{label}: to port 4501", number_, inner, "spd_in_no_policy",
                    lambda p, s=sa: with_udp(sealed(s)(p), 2, 4501))
        for length, what in ((0, "zero"), (7, "below the header"), (None, "one short"), (65535, "beyond the packet")):
            case.expect(f"{label}: UDP length {what}", number_, inner, "udp_length",
                        lambda p, s=sa, n=length: with_length(sealed(s)(p), n))
        case.expect(f"{label}: a bit of the ICV flipped", number_, inner, "esp_integrity", lambda p, s=sa: flip(sealed(s)(p)))
        case.expect(f"{label}: and a good one after all that", number_, inner, None, sealed(sa))
    case.expect("in UDP, for an SA without", number, 4, "esp_encapsulation",
                lambda p: udp_packet(PEER4, WAN4, bare.seal(case.next(bare), p), sport=4500, dport=4500))
    # What is no ESP.
    for peer, ours in ((PEER4, WAN4), (PEER6, WAN6)):
        for name, payload, reason in (
                ("a keepalive", b"\xff", "udp_keepalive"), ("no keepalive", b"\xfe", "esp_runt"),
                ("nothing", b"", "esp_runt"), ("3 bytes", b"\0\0\0", "esp_runt"), ("4 bytes", b"\0\0\x20\0", "esp_runt"),
                ("7 bytes", b"\0\0\x20\0\0\0\0", "esp_runt"), ("8 bytes", b"\0\0\x70\0\0\0\0\1", "sa_unknown"),
                ("SPI 255", b"\0\0\0\xff\0\0\0\1", "esp_spi_reserved"),
                ("IKE without a policy", bytes(4) + b"IKE", "spd_in_no_policy")):
            session.probe(f"to {ours}: {name}")
            session.wan(udp_packet(peer, ours, payload, sport=4500, dport=4500))
            session.drop(reason)
    session.run().judge()


def udp_at(packet):
    return 40 if packet[0] >> 4 == 6 else 20


def with_udp(packet, offset, value):
    """Another value of a field of the UDP header."""
    at = udp_at(packet) + offset
    return packet[:at] + struct.pack("!H", value) + packet[at + 2:]


def with_length(packet, length):
    return with_udp(packet, 4, len(packet) - udp_at(packet) - 1 if length is None else length)


def flip(packet):
    return packet[:-1] + bytes((packet[-1] ^ 1,))


def bare_ip(sa, esp):
    """The ESP packet without UDP around."""
    if sa.outer_family == 6:
        return bytes(IPv6(src=sa.source, dst=sa.destination, nh=50) / Raw(esp))
    return bytes(IP(src=sa.source, dst=sa.destination, proto=50) / Raw(esp))


def run(report):
    outbound(report)
    mtu(report)
    inbound(report)
