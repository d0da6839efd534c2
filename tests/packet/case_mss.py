# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""The maximum segment size of TCP through tunnels: scapy reads and recomputes what the gateway changed."""

import itertools

from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6
from scapy.packet import Raw

from esp import CBC, GCM, lower_ttl
from session import Esp, Plain, Session, inner_addresses, ip_packet

OPTIONS = {
    "MSS alone": lambda mss: [("MSS", mss)],
    "as Linux has it": lambda mss: [("MSS", mss), ("SAckOK", b""), ("Timestamp", (7, 0)), ("NOP", None), ("WScale", 7)],
    "at an odd place": lambda mss: [("NOP", None), ("MSS", mss), ("NOP", None), ("NOP", None), ("NOP", None)],
}


def segment(addresses, options, tag, flags="S"):
    return ip_packet(*addresses, TCP(sport=1000, dport=2000, flags=flags, options=options) / Raw(tag))


def recomputed(packet):
    """The packet with its TCP checksum computed anew."""
    six = packet[0] >> 4 == 6
    parsed = (IPv6 if six else IP)(packet)
    del parsed[TCP].chksum
    if not six:
        del parsed.chksum
    return bytes(parsed)


def run(report):
    session = Session(report, "mss", wan_mtu=1400, config={"builtin_policies": False})
    number = 0
    for algorithm, inner, outer, clamp in itertools.product((GCM, CBC), (4, 6), (4, 6), ("auto", 1000, "off", None)):
        options = {"mss_clamp": clamp} if clamp else {}
        out_sa, in_sa = session.tunnel(number, inner, outer, algorithm=algorithm, out_options=options, in_options=options)
        limit = 65535
        if clamp == "auto":
            limit = max(out_sa.largest_inner(1400) - (40 if inner == 4 else 60), 1220 if inner == 6 else 0)
        elif clamp == 1000:
            limit = clamp
        label = f"{algorithm.label} v{inner} in v{outer}, clamp {clamp}"
        sequence = itertools.count(1)
        for (what, make), offered in itertools.product(OPTIONS.items(), (500, 1460)):
            for flags in ("S", "SA", "A"):
                want = min(offered, limit) if "S" in flags else offered
                probe = session.probe(f"{label}: {what}, {offered} offered, {flags}, out")
                addresses = inner_addresses(number, inner)
                session.lan(segment(addresses, make(offered), probe.tag, flags))
                probe.wants = [Esp(out_sa, lower_ttl(recomputed(segment(addresses, make(want), probe.tag, flags))))]
                probe = session.probe(f"{label}: {what}, {offered} offered, {flags}, in")
                addresses = addresses[::-1]
                session.wan(in_sa.outer(in_sa.seal(next(sequence), segment(addresses, make(offered), probe.tag, flags))))
                probe.wants = [Plain("lan", lower_ttl(recomputed(segment(addresses, make(want), probe.tag, flags))))]
        number += 1
    session.run().judge()
