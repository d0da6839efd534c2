# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""Packets longer than the path: ICMP with the exact MTU for DF and IPv6, fragments that fit together again otherwise.

conformance: I1, I2, I3
"""

import itertools
import os

from esp import ALGORITHMS, CBC, GCM, NULL, lower_ttl
from session import INTERNET4, INTERNET6, Icmp, Plain, Session, inner_addresses, udp_packet

MEMORY = {"memory": {"buffer_bytes": 2304}, "limits": {"icmp_pps": 100000}}


def sized(addresses, size, tag, **rest):
    """A UDP packet of exactly size bytes."""
    header = 48 if ":" in addresses[0] else 28
    filler = os.urandom(size - header - len(tag)).replace(b"<", b"-")
    return udp_packet(*addresses, tag + filler, **rest)


def fragments_wrong(seen, count, mtu, of_outer):
    pieces = seen.pieces if of_outer else seen.inner_pieces
    if len(pieces) != count:
        return f"{count} fragments expected, {len(pieces)} came"
    longest = max(len(piece) for piece in seen.pieces)
    return f"{longest} bytes on the wire, above the MTU of {mtu}" if longest > mtu else ""


def tunnels(report, mtu):
    session = Session(report, f"mtu-{mtu}", mtu=9000, wan_mtu=mtu, config=MEMORY)
    combinations = itertools.product((GCM, CBC, NULL), (4, 6), (4, 6))
    for number, (algorithm, inner, outer) in enumerate(combinations):
        sa, _ = session.tunnel(number, inner, outer, algorithm=algorithm)
        addresses, largest = inner_addresses(number, inner), sa.largest_inner(mtu)
        label = f"{algorithm.label} v{inner} in v{outer}, MTU {mtu}, inner {largest}"

        def packet(size, a=addresses, **rest):
            return lambda tag: sized(a, size, tag, **rest)

        def whole(seen):
            return fragments_wrong(seen, 1, mtu, True)

        told = max(largest, 1280) if inner == 6 else largest
        if inner == 4 or largest >= 1280:
            session.out(f"{label}: the largest passes whole", sa, packet(largest, df=True), look=whole)
        if inner == 6:
            session.out(f"{label}: 1280 bytes of IPv6 always pass", sa, packet(1280),
                        look=lambda seen, n=1 if largest >= 1280 else 2: fragments_wrong(seen, n, mtu, True))
            for size in (told + 1, 1500, 4000):
                session.out_drop(f"{label}: packet too big at {size}", "esp_too_big", packet(size),
                                 lambda p, t=told: [Icmp("lan", p, 2, 0, t)])
        else:
            for size in (largest + 1, 1500, 4000):
                session.out_drop(f"{label}: fragmentation needed at {size}", "esp_too_big", packet(size, df=True),
                                 lambda p, t=told: [Icmp("lan", p, 3, 4, t)])
            for size in (largest + 1, 2 * largest - 100, 4000):
                each = (largest - 20) // 8 * 8
                count = -(-(size - 20) // each)
                session.out(f"{label}: cut into {count} at {size}", sa, packet(size, ident=number + size),
                            look=lambda seen, c=count: fragments_wrong(seen, c, mtu, False))
    session.run().judge()


def exact(report):
    """Every algorithm, all four pairs of families, bare and in UDP: the largest that passes is the one that is told.

    conformance: I1, I3
    """
    for udp in (False, True):
        session = Session(report, f"mtu-exact{'-udp' if udp else ''}", config={"limits": {"icmp_pps": 100000}})
        sas = []
        options = {"encapsulation": {}} if udp else {}
        for number, (algorithm, inner, outer) in enumerate(itertools.product(ALGORITHMS, (4, 6), (4, 6))):
            sa, _ = session.tunnel(number, inner, outer, algorithm=algorithm, out_options=options)
            addresses, largest = inner_addresses(number, inner), sa.largest_inner(1500)
            label = f"{algorithm.label} v{inner} in v{outer}{' in UDP' if udp else ''}"
            kind, code = (2, 0) if inner == 6 else (3, 4)
            session.out(f"{label}: {largest} bytes pass whole", sa,
                        lambda tag, a=addresses, s=largest: sized(a, s, tag, df=True),
                        look=lambda seen: fragments_wrong(seen, 1, 1500, True))
            session.out_drop(f"{label}: one more is told", "esp_too_big",
                             lambda tag, a=addresses, s=largest: sized(a, s + 1, tag, df=True),
                             lambda p, s=largest, k=kind, c=code: [Icmp("lan", p, k, c, s)])
            sas.append((label, sa, largest))
        session.run(states=[sa for _, sa, _ in sas]).judge()
        for label, sa, largest in sas:
            state = session.gateway.sas[sa.name]
            report.equal(f"{label}: the SA says the same", (state["path_mtu"], state["inner_mtu"]), (1500, largest))


def bypass(report):
    session = Session(report, "mtu-bypass", mtu=9000, wan_mtu=1400, config=MEMORY)
    session.policy("out", "bypass", "10.1.0.0/16", "198.51.100.0/24")
    session.policy("out", "bypass", "2001:db8:1::/48", "2001:db8:e::/48")
    four, six = ("10.1.1.5", INTERNET4), ("2001:db8:1::5", INTERNET6)

    def passes(packet):
        return [Plain("wan", lower_ttl(packet))]

    for addresses in (four, six):
        session.out("largest passes", None, lambda tag, a=addresses: sized(a, 1400, tag, df=True), wants=passes)
    session.out_drop("DF: fragmentation needed", "packet_too_big", lambda tag: sized(four, 1401, tag, df=True),
                     lambda packet: [Icmp("lan", packet, 3, 4, 1400)])
    session.out_drop("IPv6: packet too big", "packet_too_big", lambda tag: sized(six, 1401, tag),
                     lambda packet: [Icmp("lan", packet, 2, 0, 1400)])
    for size in (1401, 3000, 8000):
        # Put together again the ID is gone, and with it the header's checksum differs: the payload is compared.
        probe = session.probe(f"cut at {size}")
        packet = sized(four, size, probe.tag, ident=size)
        want = Plain("wan", b"")
        want.wrong = lambda seen, p=packet: (
            "" if seen.packet[20:] == p[20:] and max(map(len, seen.pieces)) <= 1400 and len(seen.pieces) > 1
            else f"{len(seen.pieces)} pieces of {[len(piece) for piece in seen.pieces]} bytes do not make the packet")
        probe.wants = [want]
        session.lan(packet)
    session.run().judge()


def inbound(report):
    """The host's network is the narrow one."""
    session = Session(report, "mtu-inbound", mtu=1280, wan_mtu=1500, config=MEMORY)
    out_sa, in_sa = session.tunnel(255, 4, 4)
    _, six_in = session.tunnel(0xFFFE, 6, 6)
    addresses = ("10.2.255.5", "10.1.255.2")
    probe = session.probe("1280 bytes fit")
    packet = sized(addresses, 1280, probe.tag)
    probe.wants = [Plain("lan", lower_ttl(packet))]
    session.wan(in_sa.outer(in_sa.seal(1, packet)))
    probe = session.probe("DF: the error goes back through the tunnel")
    packet = sized(addresses, 1281, probe.tag, df=True)
    probe.wants = [Icmp("wan", packet, 3, 4, 1280, sa=out_sa)]
    session.wan(in_sa.outer(in_sa.seal(2, packet)))
    session.drop("packet_too_big")
    probe = session.probe("no DF: cut for the host's network")
    packet = sized(addresses, 1400, probe.tag, ident=9)
    want = Plain("lan", b"")
    want.wrong = lambda seen, p=packet: "" if seen.packet[20:] == p[20:] and len(seen.pieces) == 2 else "pieces differ"
    probe.wants = [want]
    session.wan(in_sa.outer(in_sa.seal(3, packet)))
    probe = session.probe("IPv6 fits")
    packet = sized(inner_addresses(0xFFFE, 6, outbound=False), 1280, probe.tag)
    probe.wants = [Plain("lan", lower_ttl(packet))]
    session.wan(six_in.outer(six_in.seal(1, packet)))
    session.run().judge()


def run(report):
    exact(report)
    tunnels(report, 1500)
    tunnels(report, 1300)  # less than 1280 bytes fit inside: the ESP packet of an IPv6 one has to be cut
    bypass(report)
    inbound(report)
