# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""ESP that arrives in fragments (RFC 4303 section 3.4.1), cut by scapy and by hand.

conformance: I4, H9
"""

import itertools
import struct

from scapy.layers.inet import IP, UDP, fragment
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment
from scapy.packet import Raw

from esp import CBC, GCM, lower_ttl
from session import PEER4, PEER6, Plain, Session, WAN4, WAN6, inner_addresses, udp_packet

MEMORY = {"memory": {"size_mb": 256}, "limits": {"reassembly_seconds": 1, "punt_pps": 100000}}
SIZE = 1400  # of the payload inside


def cut(packet, each, ident, headers=b""):
    """The fragments of a packet: IPv4 by scapy, IPv6 by its fragment header."""
    if packet[0] >> 4 == 4:
        whole = IP(packet)
        whole.id, whole.flags = ident, 0
        del whole.chksum
        return [bytes(piece) for piece in fragment(whole, fragsize=each)]
    payload, pieces = packet[40:], []
    for offset in range(0, len(payload), each):
        data = payload[offset:offset + each]
        more = offset + each < len(payload)
        pieces.append(piece_v6(packet, ident, offset, more, data, headers))
    return pieces


def piece_v6(packet, ident, offset, more, data, headers=b""):
    header = bytes(IPv6ExtHdrFragment(nh=packet[6], offset=offset // 8, m=more, id=ident))
    length = len(headers) + len(header) + len(data)
    first = bytes((60 if headers else 44,))
    if headers:
        headers = b"\x2c" + headers[1:]
    return packet[:4] + struct.pack("!H", length) + first + packet[7:40] + headers + header + data


def piece(packet, ident, offset, more, data):
    """One fragment of either family, with whatever it is said to hold."""
    if packet[0] >> 4 == 6:
        return piece_v6(packet, ident, offset, more, data)
    return bytes(IP(src=IP(packet).src, dst=IP(packet).dst, id=ident, proto=packet[9], ttl=packet[8],
                    flags="MF" if more else 0, frag=offset // 8) / Raw(data))


class Fragments:
    def __init__(self, report, name, **rest):
        self.session = Session(report, name, config=MEMORY, **rest)
        self.tunnels = []
        for number, (family, algorithm, udp) in enumerate(itertools.product((4, 6), (GCM, CBC), (False, True))):
            options = {"encapsulation": {}} if udp else {}
            self.tunnels.append((number, family, self.session.tunnel(
                number, 4, family, algorithm=algorithm, in_options=options)[1]))
        self.numbers = {}
        self.ident = 0

    def sealed(self, name, number, sa, delivered):
        probe = self.session.probe(f"{name}, {sa.algorithm.label} in v{sa.outer_family}"
                                   f"{' in UDP' if 'encapsulation' in sa.options else ''}")
        packet = udp_packet(*inner_addresses(number, 4, outbound=False), probe.tag + bytes(SIZE))
        if delivered:
            probe.wants = [Plain("lan", lower_ttl(packet))]
        self.numbers[sa.name] = self.numbers.get(sa.name, 0) + 1
        self.ident += 1
        return sa.outer(sa.seal(self.numbers[sa.name], packet))

    def send(self, name, order, delivered=True, drops=(), each=512):
        """order(pieces) is what is sent of them."""
        for number, _, sa in self.tunnels:
            packet = self.sealed(name, number, sa, delivered)
            for one in order(cut(packet, each, self.ident)):
                self.session.wan(one)
            for reason, count in drops:
                self.session.drop(reason, count)

    def made(self, name, make, delivered=False, drops=()):
        """make(packet, ident) is a list of fragments made by hand."""
        for number, _, sa in self.tunnels:
            packet = self.sealed(name, number, sa, delivered)
            for one in make(packet, self.ident):
                self.session.wan(one)
            for reason, count in drops:
                self.session.drop(reason, count)


def payload(packet):
    return packet[40 if packet[0] >> 4 == 6 else 20:]


def overlapping(packet, ident):
    data = payload(packet)
    return [piece(packet, ident, 0, True, data[:512]), piece(packet, ident, 504, True, data[504:1016]),
            piece(packet, ident, 512, True, data[512:1016]), piece(packet, ident, 1016, False, data[1016:])]


def overlong(packet, ident):
    data = payload(packet)
    return [piece(packet, ident, 0, True, data[:512]), piece(packet, ident, 16384, False, data[512:]),
            piece(packet, ident, 512, False, data[512:])]


def tiny(packet, ident):
    data = payload(packet)
    return [piece(packet, ident, 0, True, data[:8]), piece(packet, ident, 8, False, data[8:])]


def beyond_65535(packet, ident):
    """No datagram is that long: the header check refuses it."""
    return [piece(packet, ident, 65528, False, bytes(64))]


def shapes(report, name, **rest):
    case = Fragments(report, name, **rest)
    case.send("in order", lambda pieces: pieces)
    case.send("reversed", lambda pieces: pieces[::-1])
    case.send("last first", lambda pieces: pieces[-1:] + pieces[:-1])
    case.send("a piece twice", lambda pieces: [pieces[0], pieces[0], *pieces[1:]], drops=[("fragment_duplicate", 1)])
    case.send("two pieces", lambda pieces: pieces, each=1024)
    case.send("first only", lambda pieces: pieces[:1], False, [("fragment_timeout", 1)])
    case.send("last only", lambda pieces: pieces[-1:], False, [("fragment_timeout", 1)])
    case.send("one missing", lambda pieces: pieces[:1] + pieces[2:], False, [("fragment_timeout", 2)])
    case.made("overlapping", overlapping, drops=[("fragment_overlap", 4)])
    case.made("overlong", overlong, drops=[("fragment_too_long", 2), ("fragment_overlap", 1)])
    case.made("tiny", tiny, drops=[("fragment_tiny", 1), ("fragment_timeout", 1)])
    case.made("beyond 65535", beyond_65535, drops=[("ip_header", 1)])
    case.send("whole again after all that", lambda pieces: pieces)
    case.session.run().judge()


def headers(report):
    """IPv4 options in each fragment, IPv6 options before the fragment header and behind it; ECN of the fragments."""
    case = Fragments(report, "fragments-headers")
    session = case.session
    four = next(sa for _, family, sa in case.tunnels if family == 4)
    six_number, six = next((number, sa) for number, family, sa in case.tunnels if family == 6)
    packet = case.sealed("IPv4 options", 0, four, True)
    whole = IP(packet)
    whole = IP(src=whole.src, dst=whole.dst, proto=50, id=case.ident, options=b"\x94\x04\0\0" + b"\1" * 36) / Raw(packet[20:])
    for one in fragment(IP(bytes(whole)), fragsize=600):
        session.wan(bytes(one))
    options = bytes(IPv6ExtHdrDestOpt(nh=44))
    for one in cut(case.sealed("options before the fragment header", six_number, six, True), 600, case.ident, options):
        session.wan(one)
    packet = case.sealed("options behind the fragment header", six_number, six, True)
    packet = bytes(IPv6(src=PEER6, dst=WAN6, nh=60) / IPv6ExtHdrDestOpt(nh=50) / Raw(packet[40:]))
    for one in cut(packet, 600, case.ident):
        session.wan(one)
    packet = case.sealed("an atomic fragment", six_number, six, True)
    session.wan(piece_v6(packet, case.ident, 0, False, packet[40:]))
    packet = case.sealed("ECN that does not agree", 0, four, False)
    pieces = cut(packet, 1024, case.ident)
    second = IP(pieces[1])
    second.tos = 3
    del second.chksum
    session.wan(pieces[0])
    session.wan(bytes(second))
    session.drop("fragment_ecn", 2)
    session.run().judge()


def clear_text(report):
    """What is no ESP is judged as a whole: IKE's policy has ports, which a later fragment does not show."""
    session = Session(report, "fragments-clear", config=MEMORY)
    session.policy("in", "bypass", "0.0.0.0/0", WAN4, protocol="udp", destination_port=500)
    session.policy("in", "bypass", "::/0", WAN6, protocol="udp", destination_port=500)
    for peer, ours, port, reason in ((PEER4, WAN4, 500, "punt_no_tap"), (PEER6, WAN6, 500, "punt_no_tap"),
                                     (PEER4, WAN4, 501, "spd_in_no_policy"), (PEER6, WAN6, 501, "spd_in_no_policy")):
        session.probe(f"to {ours} port {port}")
        header = (IPv6 if ":" in peer else IP)(src=peer, dst=ours)
        packet = bytes(header / UDP(sport=500, dport=port) / Raw(bytes(2000)))
        for one in cut(packet, 1024, port):
            session.wan(one)
        session.drop(reason)
    session.run().judge()




def run(report):
    shapes(report, "fragments")
    shapes(report, "fragments-two-workers", workers=(0, 1), lan={"rss": "software"}, wan={"rss": "software"})
    headers(report)
    clear_text(report)
