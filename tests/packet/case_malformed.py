# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""ESP that is not as it should be, authentic or not, and broken packets inside of it."""

import os
import struct

from esp import ALGORITHMS, CBC, GCM, NULL, checksum, esp_of, lower_ttl
from session import LAN4, PEER4, WAN4, Plain, Session, inner_addresses, ip_packet, udp_packet


# conformance: A2, A3, A4, A5, A6, A7, A8, A9, A10, A11, A12, B1, B2, B3, B4, C1, C2, F1
class Malformed:
    def __init__(self, report, name):
        self.session = Session(report, name, config={"limits": {"icmp_pps": 100000}})
        self.numbers = {}

    def next(self, sa):
        self.numbers[sa.name] = self.numbers.get(sa.name, 0) + 1
        return self.numbers[sa.name]

    def expect(self, name, reason, make, number=0, packet=None):
        """make(tagged inner packet) is an outer packet; reason: why it is dropped, None: it is delivered."""
        probe = self.session.probe(name)
        inner = packet(probe.tag) if packet else udp_packet(*inner_addresses(number, 4, outbound=False), probe.tag)
        if reason:
            self.session.drop(reason)
        else:
            probe.wants = [Plain("lan", lower_ttl(inner))]
        self.session.wan(make(inner))

    def trailer(self, number, sa):
        """Padding and next header, each packet authentic (A2 to A9)."""
        session, block = self.session, sa.algorithm.block_bytes
        label = sa.algorithm.label

        def sealed(**how):
            return lambda inner: sa.outer(sa.seal(self.next(sa), inner, **how))

        def padded(inner, extra):
            count = -(len(inner) + 2) % block + extra
            return sa.outer(sa.seal(self.next(sa), inner, padding=bytes(range(1, count + 1))))

        for extra in {block, 128, 240 // block * block}:
            self.expect(f"{label}: {extra} bytes more padding than needed", None,
                        lambda inner, e=extra: padded(inner, e), number)
        self.expect(f"{label}: padding of zeros", "esp_padding",
                    lambda inner: sa.outer(sa.seal(self.next(sa), inner,
                                                   padding=bytes(-(len(inner) + 2) % block + block))), number)
        self.expect(f"{label}: pad length beyond the packet", "esp_padding", sealed(pad_bytes=255), number)
        whole = bytes(range(1, 4 * block - 1))
        self.expect(f"{label}: padding is everything", "esp_inner",
                    lambda inner: sa.outer(sa.seal(self.next(sa), b"", padding=whole)), number)
        for tfc in (1, 40, 333):
            self.expect(f"{label}: {tfc} bytes of TFC padding", None,
                        lambda inner, t=tfc: sa.outer(sa.seal(self.next(sa), inner + os.urandom(t), next_header=4)),
                        number)
        for size in (0, 17, 200):
            self.expect(f"{label}: dummy packet of {size} bytes", "esp_dummy",
                        lambda inner, s=size: sa.outer(sa.seal(self.next(sa), os.urandom(s), next_header=59)), number)
        for protocol in (0, 6, 17, 50, 51, 58, 97, 255):
            self.expect(f"{label}: next header {protocol}", "esp_next_header", sealed(next_header=protocol), number)
        self.expect(f"{label}: next header IPv6 around IPv4", "esp_inner", sealed(next_header=41), number)
        self.expect(f"{label}: as it should be", None, sealed(), number)
        del session

    def lengths(self, number, sa):
        """Every length from nothing to the shortest that can be whole (A10, A11)."""
        algorithm = sa.algorithm
        least = 8 + algorithm.iv_bytes + algorithm.icv_bytes + 2
        whole = sa.seal(500000, bytes(200))
        for size in range(least + algorithm.block_bytes):
            reason = "esp_runt"
            if size >= least:
                rest = size - least + 2
                reason = "esp_unaligned" if rest % algorithm.block_bytes else "esp_integrity"
            self.expect(f"{algorithm.label}: {size} bytes of ESP", reason,
                        lambda inner, s=size: sa.outer(whole[:s]), number)
        for size in (1, 2, 3):
            if algorithm.block_bytes > 1:
                self.expect(f"{algorithm.label}: authentic, {size} bytes short of a block", "esp_unaligned",
                            lambda inner, s=size: sa.outer(
                                sa.seal_raw(self.next(sa), bytes(4 * algorithm.block_bytes - s))), number)

    def integrity(self, number, sa):
        """One bit anywhere in the ESP packet (C1, C2)."""
        whole = sa.outer(sa.seal(600000, udp_packet(*inner_addresses(number, 4, outbound=False), bytes(20))))
        start = len(whole) - len(esp_of(whole))
        for position in range(start + 4, len(whole)):
            broken = bytearray(whole)
            broken[position] ^= 1 << position % 8
            # Every other number is as new as this one, so it is the ICV that has to tell.
            self.session.wan(bytes(broken))
            self.session.drop("esp_integrity")

    def inner(self, number, sa, six):
        """Authentic, but what is inside is no IP packet (F1, F2)."""
        good = udp_packet(*inner_addresses(number, 4, outbound=False), bytes(40))

        def changed(offset, data, fix=True):
            packet = bytearray(good)
            packet[offset:offset + len(data)] = data
            if fix:
                packet[10:12] = b"\0\0"
                packet[10:12] = struct.pack("!H", checksum(bytes(packet[:20])))
            return bytes(packet)

        broken = {
            "1 byte": b"\x45", "19 bytes": good[:19], "zeros": bytes(60), "ones": b"\xff" * 60,
            "header length 4": changed(0, b"\x44"), "header length 15, too short": changed(0, b"\x4f")[:40],
            "version 0": changed(0, b"\x05"), "version 5": changed(0, b"\x55"), "version 6": changed(0, b"\x65"),
            "wrong header checksum": changed(10, b"\x12\x34", fix=False),
            "total length beyond the packet": changed(2, struct.pack("!H", len(good) + 1)),
            "total length below the header": changed(2, struct.pack("!H", 19)),
            "source 127.0.0.1": changed(12, b"\x7f\0\0\1"), "source multicast": changed(12, b"\xe0\0\0\1"),
            "destination 0.0.0.0": changed(16, bytes(4)),
        }
        for name, packet in broken.items():
            self.expect(f"inside: {name}", "esp_inner",
                        lambda inner, p=packet: sa.outer(sa.seal(self.next(sa), p, next_header=4)), number)
        good6 = udp_packet(*inner_addresses(number + 1, 6, outbound=False), bytes(40))
        for name, packet in {"39 bytes of IPv6": good6[:39], "payload length beyond": good6[:4] + b"\2\0" + good6[6:],
                             "IPv6 source multicast": good6[:8] + b"\xff" + good6[9:]}.items():
            self.expect(f"inside: {name}", "esp_inner",
                        lambda inner, p=packet: six.outer(six.seal(self.next(six), p, next_header=41)), number + 1)

    def outside(self, number, sa, out_sa):
        """The outer packet and its SPI (A12, B1 to B3)."""
        def esp(inner):
            return sa.seal(self.next(sa), inner)

        self.expect("IP length beyond the frame", "ip_truncated", lambda inner: sa.outer(esp(inner))[:-1], number)
        self.expect("24 bytes behind the packet", None, lambda inner: sa.outer(esp(inner)) + os.urandom(24), number)
        for spi in (0, 1, 255):
            self.expect(f"SPI {spi}", "esp_spi_reserved",
                        lambda inner, s=spi: sa.outer(struct.pack("!I", s) + esp(inner)[4:]), number)
        for name, spi in (("unknown", 0x7777), ("all ones", 0xFFFFFFFF), ("one bit off", sa.spi ^ 0x40000),
                          ("that of our outbound SA", out_sa.spi)):
            self.expect(f"SPI {name}", "sa_unknown",
                        lambda inner, s=spi: sa.outer(struct.pack("!I", s) + esp(inner)[4:]), number)
        self.expect("another destination", "sa_unknown",
                    lambda inner: sa.outer(esp(inner), destination=LAN4), number)
        # For unicast the SPI and the destination are enough (RFC 4301 section 4.1).
        self.expect("another source", None, lambda inner: sa.outer(esp(inner), source="192.0.2.77"), number)
        # An SPI belongs to a protocol: AH with that of an ESP SA is AH with an unknown one.
        self.expect("the SPI in AH", "sa_unknown",
                    lambda inner: ip_packet(PEER4, WAN4, bytes((4, 4, 0, 0)) + struct.pack("!II", sa.spi, 1) +
                                            bytes(12) + inner, proto=51), number)
        self.expect("a tiny fragment of ESP", "fragment_tiny",
                    lambda inner: ip_packet(PEER4, WAN4, esp(inner)[:48], proto=50, more=True), number)
        self.expect("ESP in UDP without such an SA", "esp_encapsulation",
                    lambda inner: udp_packet(PEER4, WAN4, esp(inner), sport=4500, dport=4500), number)


def run(report):
    case = Malformed(report, "malformed")
    number = 0
    pairs = []
    for algorithm in ALGORITHMS:
        out_sa, in_sa = case.session.tunnel(number, algorithm=algorithm)
        pairs.append((number, out_sa, in_sa))
        number += 1
    six = case.session.tunnel(number + 1, 6, 4)[1]
    inner_sa = case.session.tunnel(number, algorithm=GCM)[1]
    for tunnel, _, in_sa in pairs:
        case.trailer(tunnel, in_sa)
        case.lengths(tunnel, in_sa)
        case.integrity(tunnel, in_sa)
    case.inner(number, inner_sa, six)
    for tunnel, out_sa, in_sa in pairs:
        if in_sa.algorithm in (GCM, CBC, NULL):
            case.outside(tunnel, in_sa, out_sa)
        # After all that, every tunnel still works.
        case.expect(f"{in_sa.algorithm.label}: a good packet after all the bad ones", None,
                    lambda inner, sa=in_sa: sa.outer(sa.seal(case.next(sa), inner)), tunnel)
    case.session.run().judge()
