# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""Traffic flow confidentiality (RFC 4303 section 2.7): padding behind the inner packet, sent and taken in; dummies eaten.

conformance: A6, A7
"""

import itertools
import os

from esp import CBC, GCM, NULL, lower_ttl
from session import Icmp, Plain, Session, Want, difference, inner_addresses, udp_packet


class Padded(Want):
    """This packet inside ESP of this SA, with zeros behind it up to that size."""

    port = "wan"

    def __init__(self, sa, inner, size):
        self.sa, self.inner, self.size = sa, inner, size

    def wrong(self, seen):
        if seen.sa is not self.sa:
            return f"it should have left by SA {self.sa.name}"
        if seen.opened.inner != self.inner + bytes(self.size - len(self.inner)):
            return difference(seen.opened.inner, self.inner + bytes(self.size - len(self.inner)))
        if not seen.opened.padding_is_right():
            return f"padding {seen.opened.padding.hex()}"
        if len(seen.packet) != self.size + self.sa.overhead(self.size):
            return f"{len(seen.packet)} bytes on the wire"
        return "" if len(seen.pieces) == 1 else f"{len(seen.pieces)} pieces"


def sized(addresses, size, tag, **rest):
    header = 48 if ":" in addresses[0] else 28
    return udp_packet(*addresses, tag + os.urandom(size - header - len(tag)).replace(b"<", b"-"), **rest)


def sent(report, mtu, config=None):
    session = Session(report, f"tfc-{mtu}", mtu=mtu, config={"limits": {"icmp_pps": 100000}} | (config or {}))
    combinations = itertools.product((GCM, CBC, NULL), (4, 6), (4, 6), (False, True), (600, "path_mtu"))
    for number, (algorithm, inner, outer, udp, tfc) in enumerate(combinations):
        options = {"tfc": tfc} | ({"encapsulation": {}} if udp else {})
        sa, _ = session.tunnel(number, inner, outer, algorithm=algorithm, out_options=options)
        addresses, largest = inner_addresses(number, inner), sa.largest_inner(mtu)
        goal = largest if tfc == "path_mtu" else tfc
        label = f"{algorithm.label} v{inner} in v{outer}{' in UDP' if udp else ''}, tfc {tfc}"
        for size in (60, 61, goal - 1, goal, goal + 1, largest):
            if size > largest:
                continue
            session.out(f"{label}: {size} bytes", sa, lambda tag, a=addresses, s=size: sized(a, s, tag, df=True),
                        wants=lambda p, s=sa, g=goal: [Padded(s, lower_ttl(p), max(g, len(p)))])
        session.out_drop(f"{label}: the MTU is the same", "esp_too_big",
                         lambda tag, a=addresses, s=largest: sized(a, s + 1, tag, df=True),
                         lambda p, s=largest, six=inner == 6: [Icmp("lan", p, 2 if six else 3, 0 if six else 4, s)])
    session.run().judge()


def taken_in(report):
    session = Session(report, "tfc-in")
    for number, (algorithm, inner, outer) in enumerate(itertools.product((GCM, CBC, NULL), (4, 6), (4, 6))):
        _, sa = session.tunnel(number, inner, outer, algorithm=algorithm)
        label, sequence = f"{algorithm.label} v{inner} in v{outer}", itertools.count(1)
        addresses = inner_addresses(number, inner, outbound=False)
        for size in (1, 40, 333):
            probe = session.probe(f"{label}: {size} bytes of TFC padding")
            packet = udp_packet(*addresses, probe.tag)
            probe.wants = [Plain("lan", lower_ttl(packet))]
            session.wan(sa.outer(sa.seal(next(sequence), packet + os.urandom(size).replace(b"<", b"-"),
                                         next_header=4 if inner == 4 else 41)))
        for size in (0, 17, 200):
            number_of_dummy = next(sequence)
            for reason in ("esp_dummy", "esp_replay"):  # the second time the window knows it
                session.wan(sa.outer(sa.seal(number_of_dummy, bytes(size), next_header=59)))
                session.drop(reason)
    session.run().judge()


def run(report):
    sent(report, 1500)
    sent(report, 3000, {"memory": {"huge": False, "size_mb": 192, "buffers": 16384, "buffer_bytes": 2304}})
    taken_in(report)
