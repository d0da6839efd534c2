# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""AH and the path: packets that are too long for it, what routers tell about it, AH that was cut on its way; and the
lifetimes of its SAs."""

import itertools
import struct

from scapy.layers.inet import ICMP, IP
from scapy.layers.inet6 import ICMPv6PacketTooBig, IPv6
from scapy.packet import Raw

import session as rig
from ah import BY_NAME, ALGORITHMS
from case_fragments import cut
from case_mtu import MEMORY, fragments_wrong, sized
from case_mss import recomputed, segment
from case_path_mtu import Patient
from esp import lower_ttl
from session import INTERNET4, INTERNET6, WAN4, WAN6, Esp, Icmp, Plain, Session, udp_packet

SHA1, SHA256, SHA512, GMAC = (BY_NAME[name] for name in ("hmac-sha1-96", "hmac-sha2-256-128", "hmac-sha2-512-256",
                                                         "aes-gmac"))


def too_long(report):
    """Every algorithm, mode and family: the largest packet passes whole, of one more the sender hears the exact MTU, and
    what may be cut is cut. conformance: I1, I2, I3"""
    session = Session(report, "ah-mtu", mtu=9000, wan_mtu=1500, config=MEMORY)
    states = []
    rows = [(algorithm, "tunnel", inner, outer) for algorithm in ALGORITHMS for inner in (4, 6) for outer in (4, 6)]
    rows += [(algorithm, "transport", family, family) for algorithm in ALGORITHMS for family in (4, 6)]
    for number, (algorithm, mode, inner, outer) in enumerate(rows):
        sa, _, ends = session.ah_pair(number, algorithm, mode, outer, inner)
        largest = sa.largest_inner(1500)
        label = f"{algorithm[0]}/{algorithm[1]} {mode} v{inner} in v{outer}"
        kind, code = (2, 0) if inner == 6 else (3, 4)

        def packet(size, a=ends, **rest):
            return lambda tag: sized(a, size, tag, **rest)

        session.out(f"{label}: {largest} bytes pass whole", sa, packet(largest, df=True),
                    look=lambda seen: fragments_wrong(seen, 1, 1500, True))
        session.out_drop(f"{label}: one more is told", "esp_too_big", packet(largest + 1, df=True),
                         lambda p, s=largest, k=kind, c=code: [Icmp("lan", p, k, c, s)])
        if inner == 4:
            # Tunnels cut what they carry; in transport mode AH is cut (RFC 4302 section 3.3.4).
            session.out(f"{label}: cut", sa, packet(2500, ident=number),
                        look=lambda seen, t=sa.transport: fragments_wrong(seen, 2, 1500, t))
        states.append((label, sa, largest))
    session.run(states=[sa for _, sa, _ in states]).judge()
    for label, sa, largest in states:
        state = session.gateway.sas[sa.name]
        told = largest if sa.mode == "tunnel" else 1500 - sa.ah_bytes
        report.equal(f"{label}: the SA says the same", (state["path_mtu"], state["inner_mtu"]), (1500, told))


def after(report):
    """The AH packet is cut, not what is inside; not where DF is set outside. conformance: I2"""
    session = Session(report, "ah-after", mtu=9000, wan_mtu=1500, config=MEMORY)
    combinations = itertools.product((4, 6), (SHA1, GMAC), ({}, {"df": "clear"}, {"df": "set"}))
    for number, (outer, algorithm, options) in enumerate(combinations):
        sa, _, ends = session.ah_pair(number, algorithm, family=outer, inner=4,
                                      out_options=options | {"fragmentation": "after"})
        inside = outer == 4 and options.get("df") == "set"
        for size in (sa.largest_inner(1500) + 1, 2500):
            session.out(f"{algorithm[0]} in v{outer} {options}: cut at {size}", sa,
                        lambda tag, a=ends, n=size: sized(a, n, tag, ident=n),
                        look=lambda seen, i=inside: fragments_wrong(seen, 2, 1500, not i))
    # Less than 1280 bytes of IPv6 fit: AH of it has to be cut.
    session.run().judge()
    session = Session(report, "ah-1300", mtu=1500, wan_mtu=1300, config=MEMORY)
    for number, outer in enumerate((4, 6)):
        sa, _, ends = session.ah_pair(number, SHA512, family=outer, inner=6)
        session.out(f"1280 bytes of IPv6 in v{outer} pass", sa, lambda tag, a=ends: sized(a, 1280, tag),
                    look=lambda seen: fragments_wrong(seen, 2, 1300, True))
        session.out_drop(f"1281 bytes of IPv6 in v{outer}", "esp_too_big", lambda tag, a=ends: sized(a, 1281, tag),
                         lambda p: [Icmp("lan", p, 2, 0, 1280)])
    session.run().judge()


def clamped(report):
    """The segments of TCP as case_mss has them, where AH leaves the room."""
    session = Session(report, "ah-mss", wan_mtu=1400)
    for number, (algorithm, inner) in enumerate(itertools.product((SHA256, GMAC), (4, 6))):
        options = {"mss_clamp": "auto"}
        out_sa, in_sa, ends = session.ah_pair(number, algorithm, family=4, inner=inner, out_options=options,
                                              in_options=options)
        limit = out_sa.largest_inner(1400) - (40 if inner == 4 else 60)
        probe = session.probe(f"{algorithm[0]} v{inner}: out")
        session.lan(segment(ends, [("MSS", 1460)], probe.tag))
        probe.wants = [Esp(out_sa, lower_ttl(recomputed(segment(ends, [("MSS", limit)], probe.tag))))]
        probe = session.probe(f"{algorithm[0]} v{inner}: in")
        session.wan(in_sa.seal(segment(ends[::-1], [("MSS", 1460)], probe.tag), 1))
        probe.wants = [Plain("lan", lower_ttl(recomputed(segment(ends[::-1], [("MSS", limit)], probe.tag))))]
    session.run().judge()


def label_copied(report):
    """Outside stands the flow label of the packet, where the SA wants that. conformance: H6"""
    session = Session(report, "ah-label")
    for number, (option, expected) in enumerate(((0, 0), ("copy", 0x1abcd), (0x54321, 0x54321))):
        sa, _, ends = session.ah_pair(number, SHA256, family=6, out_options={"flow_label": option})
        session.out(f"flow label {option}", sa, lambda tag, a=ends: udp_packet(*a, tag, flow=0x1abcd),
                    look=lambda seen, e=expected: "" if struct.unpack_from("!I", seen.packet)[0] & 0xfffff == e
                    else "another label")
    session.run().judge()


def in_pieces(report):
    """AH is put together before it is looked at, whatever the order of its fragments. conformance: I4"""
    session = Session(report, "ah-pieces", mtu=4000, wan_mtu=1500, config=MEMORY)
    rows = itertools.product((SHA256, GMAC), (4, 6), (1, -1))
    for number, (algorithm, family, order) in enumerate(rows):
        _, sa, ends = session.ah_pair(number, algorithm, family=family)
        probe = session.probe(f"{algorithm[0]} v{family}, {'in order' if order > 0 else 'reversed'}")
        # AH covers the identification: it has to be there before.
        ident = 2 * number + 1
        packet = sized(ends[::-1], 2800, probe.tag, ident=ident)
        for piece in cut(sa.seal(packet, 1, ident=ident), 1208, ident)[::order]:
            session.wan(piece)
        probe.wants = [Plain("lan", lower_ttl(packet))]
        # A changed byte in one fragment is found when all are there.
        ident += 1
        wrong = bytearray(sa.seal(sized(ends[::-1], 2800, b"wrong", ident=ident), 2, ident=ident))
        wrong[1500] ^= 1
        for piece in cut(bytes(wrong), 1208, ident)[::order]:
            session.wan(piece)
        session.drop("ah_integrity")
    session.run().judge()


USED = 5000  # numbers that each SA has used before


def told(sa, mtu, sequence=USED, spi=None, upper=12):
    """An ICMP error of a router about a packet of that SA, of which it quotes upper bytes behind the IP header."""
    spi = sa.spi if spi is None else spi
    ah = struct.pack("!BBHII", 4, sa.ah_bytes // 4 - 2, 0, spi, sequence & 0xffffffff) + bytes(1400)
    if sa.family == 6:
        about = bytes(IPv6(src=sa.source, dst=sa.destination, nh=51, hlim=60) / Raw(ah))[:40 + upper]
        return bytes(IPv6(src=INTERNET6, dst=WAN6) / ICMPv6PacketTooBig(mtu=mtu) / Raw(about))
    about = bytes(IP(src=sa.source, dst=sa.destination, proto=51, ttl=60, flags="DF") / Raw(ah))[:20 + upper]
    return bytes(IP(src=INTERNET4, dst=WAN4) / ICMP(type=3, code=4, nexthopmtu=mtu) / Raw(about))


def learned(report):
    """What routers say about AH of ours. conformance: I5"""
    session = Session(report, "ah-path-mtu", config={"path_mtu": {"floor": 700, "age_seconds": 3600}})
    rows, believed, ignored = [], 0, 0
    for family, esn in itertools.product((4, 6), (False, True)):
        used = USED + (7 << 32 if esn else 0)
        for what, mtu, error, counts in (
                ("believed", 1400, {"mtu": 1400}, (1, 0)),
                ("below the floor", 1280 if family == 6 else 700, {"mtu": 68 if family == 4 else 1280}, (1, 0)),
                ("a number not used yet", 1500, {"mtu": 1400, "sequence": USED + 1}, (0, 1)),
                ("an SPI of nobody", 1500, {"mtu": 1400, "spi": 0x77777777}, (0, 1)),
                ("quoted to its number", 1400, {"mtu": 1400, "upper": 12}, (1, 0)),
                # The eight bytes that RFC 792 asks for hold the SPI but not the number.
                ("quoted too little", 1500, {"mtu": 1400, "upper": 8}, (0, 0))):
            sa, _, ends = session.ah_pair(len(rows), SHA256, family=family, esn=esn, sequence=used)
            session.wan(told(sa, **error))
            rows.append((f"v{family}{' ESN' if esn else ''}: {what}", sa, mtu))
            believed, ignored = believed + counts[0], ignored + counts[1]
    session.drop("icmp_path_mtu", believed + ignored)
    session.drop("spd_in_no_policy", len(rows) - believed - ignored)
    Patient.errors = believed + ignored
    rig.Gateway, usual = Patient, rig.Gateway
    try:
        session.run(states=[sa for _, sa, _ in rows])
    finally:
        rig.Gateway = usual
    for name, sa, mtu in rows:
        state = session.gateway.sas[sa.name]
        report.equal(f"{name}: path and inner MTU", (state["path_mtu"], state["inner_mtu"]), (mtu, sa.largest_inner(mtu)))
    report.equal("counted", session.gateway.told, {"learned": believed, "ignored": ignored})
    session.judge()


def lifetimes(report):
    """What ends an SA of AH, in both directions. conformance: L1, D13"""
    session = Session(report, "ah-lifetime")
    size, burst = len(udp_packet("10.1.0.5", "10.2.0.5", b"<T000000>")), 6
    rows = [  # what it may, from which number on, and how many of the burst that is
        ("packets", {"hard_packets": 3}, 0, 3, "sa_expired"),
        ("bytes", {"hard_bytes": 4 * size}, 0, 4, "sa_expired"),
        ("a soft limit ends nothing", {"soft_packets": 1}, 0, burst, ""),
        ("the last numbers", {}, 2**32 - 3, 2, "esp_sequence_end"),
    ]
    pairs = []
    for number, (_, lifetime, used, _, _) in enumerate(rows):
        options = {"lifetime": lifetime} if lifetime else {}
        pairs.append(session.ah_pair(number, GMAC if number % 2 else SHA256, out_options=options,
                                     in_options=options if number < 2 else {}, sequence=used))
    for count in range(burst):
        for (name, _, _, allowed, reason), (out_sa, _, ends) in zip(rows, pairs):
            if count < allowed:
                session.out(f"{name}: packet {count}", out_sa, lambda tag, a=ends: udp_packet(*a, tag))
            else:
                session.out_drop(f"{name}: packet {count} stays", reason, lambda tag, a=ends: udp_packet(*a, tag))
    # Inbound a limit ends the SA with the vector that reaches it; what is forged uses nothing up.
    for (name, *_), (_, in_sa, ends) in zip(rows[:2], pairs):
        for number in range(1, 8):
            wrong = bytearray(in_sa.seal(udp_packet(*ends[::-1], b"forged"), number))
            wrong[-1] ^= 1
            session.wan(bytes(wrong))
            session.drop("ah_integrity")
    session.gap("wan")
    for (name, *_), (_, in_sa, ends) in zip(rows[:2], pairs):
        for number in range(1, 6):
            probe = session.probe(f"{name}: inbound {number}")
            packet = udp_packet(*ends[::-1], probe.tag)
            session.wan(in_sa.seal(packet, number))
            probe.wants = [Plain("lan", lower_ttl(packet))]
    session.gap("wan")
    for (name, *_), (_, in_sa, ends) in zip(rows[:2], pairs):
        session.probe(f"{name}: inbound, later")
        session.wan(in_sa.seal(udp_packet(*ends[::-1], b"late"), 10))
        session.drop("sa_expired")
    session.run()
    # The control core takes what has ended away in its own time.
    drops = session.gateway.drops
    if "sa_unknown" in drops:
        drops["sa_expired"] = drops.get("sa_expired", 0) + drops.pop("sa_unknown")
    session.judge()


def run(report):
    too_long(report)
    after(report)
    clamped(report)
    label_copied(report)
    in_pieces(report)
    learned(report)
    lifetimes(report)
