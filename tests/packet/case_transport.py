# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""Transport mode between a host behind the gateway and one on the Internet: both ways against scapy's, headers in their places
(RFC 4303 section 3.1.1), and what cannot be protected so."""

from scapy.layers.inet import IPOption_NOP, UDP
from scapy.layers.inet6 import (IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting,
                                PadN)
from scapy.packet import Raw

from esp import ALGORITHMS, CBC, GCM, NULL, Sa, esp_place, lower_ttl
from session import Icmp, Plain, Session, ip_packet, tcp_packet, udp_packet

# The matrix judges the others.
SCAPY_KNOWS = [algorithm for algorithm in ALGORITHMS if algorithm.scapy_crypt]


def addresses(number, family):
    if family == 6:
        return f"2001:db8:1:{number:x}::5", f"2001:db8:e::{number + 0x100:x}"
    return f"10.1.{number}.5", f"198.51.100.{number + 10}"


def pair(session, number, family, algorithm=GCM, **options):
    """SAs and policies between the two hosts of that number: (outbound SA, inbound SA)."""
    ours, theirs = addresses(number, family)
    made = []
    for direction, spi, source, destination in (("out", 0x1000, ours, theirs), ("in", 0x2000, theirs, ours)):
        sa = Sa(f"{direction}{number}", direction, spi + number, source, destination, number + 1, algorithm,
                options={"mode": "transport"} | options)
        session.sas.append(sa)
        session.policy(direction, "protect", source, destination, reqid=number + 1)
        made.append(sa)
    return made


def scapy_agrees(seen):
    if seen.packet[0] >> 4 == 4 and seen.packet[9] not in (50, 17):
        return f"protocol {seen.packet[9]}"
    if not seen.opened.padding_is_right():
        return f"padding {seen.opened.padding.hex()}"
    bare = seen.sa.scapy_bare(seen.packet)
    return "" if seen.sa.scapy_open(bare) == seen.inner else "scapy finds something else inside"


def chains():
    """IPv6 extension headers before UDP, and how many bytes of them stand before ESP."""
    def pad(size):
        return PadN(optdata=bytes(size))

    hop, first, last = IPv6ExtHdrHopByHop(options=pad(4)), IPv6ExtHdrDestOpt(options=pad(12)), \
        IPv6ExtHdrDestOpt(options=pad(4))
    routing = IPv6ExtHdrRouting(type=2, segleft=0)
    return (("hop-by-hop", hop, 8), ("destination options", last, 0), ("hop-by-hop, destination options", hop / last, 8),
            ("hop-by-hop, routing", hop / routing, 8 + len(routing)),
            ("all of them", hop / first / routing / last, 8 + 16 + len(routing)))


def chained(source, destination, tag, headers):
    return bytes(IPv6(src=source, dst=destination, hlim=44) / headers.copy() / UDP(sport=1, dport=2) / Raw(tag))


# conformance: H10
def outbound(report):
    session = Session(report, "transport-out", config={"limits": {"icmp_pps": 100000}})
    number = 0
    for family in (4, 6):
        for algorithm in SCAPY_KNOWS:
            for options in ({}, {"encapsulation": {}}):
                sa, _ = pair(session, number, family, algorithm, **options)
                ends = addresses(number, family)
                number += 1
                for size in (0, 1, 2, 3, 13, 500, 1200):
                    session.out(f"{algorithm.label} v{family} {options} {size} bytes", sa,
                                lambda tag, a=ends, s=size: udp_packet(*a, tag + bytes(s)), look=scapy_agrees)
                session.out(f"{algorithm.label} v{family} {options} TCP", sa,
                            lambda tag, a=ends: tcp_packet(*a, tag), look=scapy_agrees)
    four, six = pair(session, number, 4)[0], pair(session, number + 1, 6)[0]
    v4, v6 = addresses(number, 4), addresses(number + 1, 6)
    session.out("IPv4 options", four, lambda tag: udp_packet(*v4, tag, options=[IPOption_NOP()] * 8),
                look=lambda seen: scapy_agrees(seen) or ("" if seen.packet[0] == 0x47 else "the options are gone"))
    for name, headers, before in chains():
        session.out(name, six, lambda tag, h=headers: chained(*v6, tag, h),
                    look=lambda seen, b=before: "" if esp_place(seen.packet)[2] == 40 + b else "ESP is in another place")
    session.out_drop("a first fragment", "esp_transport_fragment",
                     lambda tag: ip_packet(*v4, tag * 8, proto=17, more=True))
    session.out_drop("a later fragment", "esp_transport_fragment",
                     lambda tag: ip_packet(*v4, tag * 8, proto=17, fragment=10))
    session.out_drop("a fragment of IPv6", "esp_transport_fragment", lambda tag: bytes(
        IPv6(src=v6[0], dst=v6[1]) / IPv6ExtHdrFragment(nh=17, m=1) / Raw(tag * 8)))
    wide, _ = pair(session, number + 2, 4)
    session.policy("out", "protect", "10.1.200.0/24", "198.51.100.0/24", reqid=wide.reqid)
    session.out_drop("not the SA's source", "esp_transport_address",
                     lambda tag: udp_packet("10.1.200.1", wide.destination, tag))
    session.out_drop("TTL 1", "ip_ttl", lambda tag: udp_packet(*v4, tag, ttl=1),
                     lambda packet: [Icmp("lan", packet, 11, 0)])
    session.run().judge()


def mtu(report):
    session = Session(report, "transport-mtu", config={"limits": {"icmp_pps": 100000}})
    number = 0
    for family in (4, 6):
        for algorithm in (GCM, CBC, NULL):
            for options in ({}, {"encapsulation": {}}):
                sa, _ = pair(session, number, family, algorithm, **options)
                ends, headers = addresses(number, family), 20 if family == 4 else 40
                number += 1
                # Sa.overhead counts the IP header as an outer one, and what it is around is the payload.
                largest = headers + sa.largest_inner(1500)

                def packet(tag, size, a=ends, h=headers + 8):
                    return udp_packet(*a, tag + bytes(size - h - len(tag)), df=":" not in a[0])

                name = f"{algorithm.label} v{family} {options}"
                session.out(f"{name}: {largest} bytes", sa, lambda tag, p=packet, s=largest: p(tag, s), look=scapy_agrees)
                session.out_drop(f"{name}: {largest + 1} bytes", "esp_too_big",
                                 lambda tag, p=packet, s=largest: p(tag, s + 1),
                                 lambda about, s=largest, six=family == 6: [Icmp("lan", about, 2 if six else 3,
                                                                                 0 if six else 4, mtu=s)])
                if family == 4:
                    session.out(f"{name}: {largest + 1} bytes that may be cut, after ESP", sa,
                                lambda tag, a=ends, s=largest: udp_packet(*a, tag + bytes(s + 1 - 28 - len(tag))),
                                look=lambda seen: "" if len(seen.pieces) == 2 else f"{len(seen.pieces)} pieces")
    session.run().judge()


def inbound(report):
    session = Session(report, "transport-in")
    number, sequences = 0, {}

    def next_of(sa):
        sequences[sa.name] = sequences.get(sa.name, 0) + 1
        return sequences[sa.name]

    def arrives(name, sa, packet, reason=None, change=lambda outer: outer):
        probe = session.probe(name)
        packet = packet(probe.tag)
        if reason:
            session.drop(reason)
        else:
            probe.wants = [Plain("lan", lower_ttl(packet))]
        session.wan(change(sa.scapy_seal(next_of(sa), packet)))

    for family in (4, 6):
        for algorithm in SCAPY_KNOWS:
            _, sa = pair(session, number, family, algorithm)
            theirs, ours = sa.source, sa.destination
            number += 1
            for size in (0, 1, 2, 3, 13, 500, 1200):
                arrives(f"{algorithm.label} v{family} {size} bytes", sa,
                        lambda tag, a=(theirs, ours), s=size: udp_packet(*a, tag + bytes(s)))
            arrives(f"{algorithm.label} v{family} TCP", sa, lambda tag, a=(theirs, ours): tcp_packet(*a, tag))
            arrives(f"{algorithm.label} v{family} a bit flipped", sa, lambda tag, a=(theirs, ours): udp_packet(*a, tag),
                    "esp_integrity", lambda outer: outer[:-1] + bytes((outer[-1] ^ 1,)))
    four, six = pair(session, number, 4)[1], pair(session, number + 1, 6)[1]
    v4, v6 = (four.source, four.destination), (six.source, six.destination)
    arrives("IPv4 options", four, lambda tag: udp_packet(*v4, tag, options=[IPOption_NOP()] * 8))
    for name, headers, _ in chains():
        arrives(name, six, lambda tag, h=headers: chained(*v6, tag, h))
    arrives("a source that is not the SA's", four, lambda tag: udp_packet("198.51.100.250", v4[1], tag),
            "esp_transport_address")
    for sa, ends in ((four, v4), (six, v6)):
        session.probe(f"a dummy packet from {ends[0]}")
        session.wan(sa.outer(sa.seal(next_of(sa), bytes(40), next_header=59)))
        session.drop("esp_dummy")
    for header in (0, 44):
        session.probe(f"next header {header} in IPv6")
        session.wan(six.outer(six.seal(next_of(six), bytes(40), next_header=header)))
        session.drop("esp_next_header")
    session.run().judge()


# conformance: J15
def inbound_in_udp(report):
    """For a host behind the gateway, from one behind a NAT (RFC 3948 section 3.1.2); beside it, NAT-T of the host's own."""
    session = Session(report, "transport-udp-in", config={"limits": {"icmp_pps": 100000}})
    number, made, untagged = 0, [], []
    for family in (4, 6):
        for algorithm in (GCM, CBC, NULL):
            out_sa, sa = pair(session, number, family, algorithm, encapsulation={})
            sa.options["encapsulation"] = {"source_port": 61000}
            made.append((out_sa, sa))
            number += 1
    for family, theirs in ((4, "198.51.100.0/24"), (6, "2001:db8:e::/48")):
        session.policy("in", "bypass", theirs, "10.1.0.0/16" if family == 4 else "2001:db8:1::/48", priority=5,
                       protocol="udp", destination_port=4500)
    for out_sa, sa in made:
        ends, label = (sa.source, sa.destination), f"{sa.algorithm.label} v{sa.outer_family}"
        for sequence, size in enumerate((0, 1, 13, 500, 1200), 1):
            for what, packet_of in (("UDP", udp_packet), ("TCP", tcp_packet)):
                probe = session.probe(f"{label} {what} {size} bytes")
                packet = packet_of(*ends, probe.tag + bytes(size))
                headers = 40 if sa.outer_family == 6 else 20
                session.wan(sa.outer(sa.seal(2 * sequence + (what == "UDP"), packet[headers:],
                                             next_header=17 if what == "UDP" else 6), ttl=61, identification=1))
                if what == "UDP" and headers == 20:
                    packet = packet[:26] + bytes(2) + packet[28:]  # none, which IPv4 allows
                probe.wants = [Plain("lan", lower_ttl(packet))]
            session.out(f"{label} out {size} bytes", out_sa,
                        lambda tag, a=ends, s=size: udp_packet(a[1], a[0], tag + bytes(s)), look=scapy_agrees)
        session.probe(f"{label}: a bit flipped")
        forged = sa.outer(sa.seal(99, bytes(8) + b"forged", next_header=17))
        session.wan(forged[:-1] + bytes((forged[-1] ^ 1,)))
        session.drop("esp_integrity")
        session.probe(f"{label}: bare")
        session.wan(ip_packet(*ends, Raw(sa.seal(98, bytes(8), next_header=17)), proto=50))
        session.drop("esp_encapsulation")
        for what, payload in (("IKE", bytes(4) + b"IKE"), ("a keepalive", b"\xff"), ("ESP of its own", b"\0\0\x77\x77\0\0\0\1" + bytes(64)),
                              ("nothing", b""), ("7 bytes", bytes((1, 2, 3, 4, 5, 6, 7)))):
            probe = session.probe(f"{label}: {what} of the host's own")
            # Not each of them can carry a tag behind what makes it what it is.
            packet = udp_packet(*ends, payload + (probe.tag if len(payload) > 7 or what == "IKE" else b""), sport=4500, dport=4500)
            if probe.tag in packet:
                probe.wants = [Plain("lan", lower_ttl(packet))]
            else:
                untagged.append(lower_ttl(packet))
            session.wan(packet)
    session.run()
    for many in session.seen.values():
        for seen in many:
            if seen.port == "lan":
                seen.problem = ""  # ESP of an SA that is the host's own is no problem
    report.equal("short ones pass too", sorted(seen.packet for seen in session.seen.pop(b"", [])), sorted(untagged))
    session.judge()


def run(report):
    outbound(report)
    inbound_in_udp(report)
    mtu(report)
    inbound(report)
