# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""Every algorithm in every pair of families, with and without extended sequence numbers, both ways at once.

One daemon has all the tunnels. Their packets come interleaved, so that every vector mixes all algorithms and all SAs;
inbound, good packets stand between ones with a wrong ICV, replays, cut ones, malformed ones, unknown SPIs and clear
text. The order of what passes must be the order of what came. With ESN the numbers cross 2^32 on the way: the state
that the SAs start with is handed over, and what they end with is read back.
"""

import collections
import itertools
import os
import signal

from esp import ALGORITHMS, esp_of, lower_ttl
from session import Session, inner_addresses, udp_packet

BEFORE_WRAP = 2**32 - 6
MTU = 1500
SIZES = (0, 1, 2, 3, 17, 64, 100, 200, 227, 228, 484, 996, 1200, 1347)  # of UDP data


def tunnels():
    pairs = ((4, 4), (4, 6), (6, 4), (6, 6))
    for number, (algorithm, (inner, outer), esn) in enumerate(itertools.product(ALGORITHMS, pairs, (False, True))):
        label = f"{algorithm.label} v{inner} in v{outer}{' ESN' if esn else ''}"
        yield number, label, algorithm, inner, outer, esn


# conformance: A1, A14, A15, D12, D16, E4
class Matrix:
    def __init__(self, report):
        self.report = report
        self.session = Session(report, "matrix")
        self.expected = {"lan": [], "wan": []}  # (SA's name, inner packet) in the order of their arrival
        self.base = {}
        self.received = collections.defaultdict(set)
        self.sent = collections.Counter()
        self.tunnels = []

    def build(self):
        for number, label, algorithm, inner, outer, esn in tunnels():
            base = BEFORE_WRAP if esn else int(algorithm.implicit_iv)
            state = {"sequence": str(base)} if base else {}
            pair = self.session.tunnel(number, inner, outer, algorithm=algorithm, esn=esn, out_options=state,
                                       in_options=state)
            self.tunnels.append((number, label, inner, *pair))
            for sa in pair:
                self.base[sa.name] = base
        for size in SIZES:
            for number, _, family, out_sa, _ in self.tunnels:
                self.outbound(number, family, out_sa, size)
        scripts = [self.inbound(number, family, in_sa) for number, _, family, _, in_sa in self.tunnels]
        for step in itertools.zip_longest(*scripts):
            for one in step:
                if one:
                    self.session.wan(one)

    def outbound(self, number, family, sa, size):
        packet = udp_packet(*inner_addresses(number, family), os.urandom(size), tos=4 * (number % 64), ident=size,
                            df=bool(size & 1))
        if len(packet) > sa.largest_inner(MTU):  # what happens to it is another case's matter
            return
        self.session.lan(packet)
        self.expected["wan"].append((sa.name, lower_ttl(packet)))
        self.sent[sa.name] += 1

    def inbound(self, number, family, sa):
        """The packets of one tunnel, good and bad; what is expected of them is noted at once."""
        base, session = self.base[sa.name], self.session
        ours = inner_addresses(number, family, outbound=False)

        def packet(size):
            return udp_packet(*ours, os.urandom(size), ident=size)

        def good(offset, size):
            inner = packet(size)
            self.received[sa.name].add(base + offset)
            self.expected["lan"].append((sa.name, lower_ttl(inner)))
            # Both judges make packets, in turns, where both can.
            if sa.scapy_can() and offset % 2:
                return sa.scapy_seal(base + offset, inner)
            return sa.outer(sa.seal(base + offset, inner))

        def bad(reason, outer):
            session.drop(reason)
            return outer

        def flipped(outer, position):
            outer = bytearray(outer)
            outer[position] ^= 0x10
            return bytes(outer)

        def sealed(offset, size):
            return sa.outer(sa.seal(base + offset, packet(size)))

        yield good(1, 0)
        second = good(2, 777)
        yield second
        yield bad("esp_integrity", flipped(sealed(3, 90), -1))
        yield good(3, 1)
        yield bad("esp_replay", second)
        whole = sealed(4, 300)
        yield bad("esp_integrity", flipped(whole, len(whole) - len(esp_of(whole)) + 8 + sa.algorithm.iv_bytes + 20))
        runt = sealed(4, 40)
        yield bad("esp_runt", sa.outer(esp_of(runt)[:8 + sa.algorithm.iv_bytes + sa.algorithm.icv_bytes + 1]))
        yield bad("sa_unknown", sa.outer(b"\0\0\x90" + bytes((number,)) + esp_of(sealed(4, 40))[4:]))
        yield bad("spd_in_clear", packet(60))
        yield good(5, 1200)
        yield bad("esp_integrity", flipped(sealed(5000000, 64), -1))
        yield good(9, 64)
        yield good(7, 1300)
        yield bad("esp_replay", sealed(9, 64))
        inner = packet(50)
        self.received[sa.name].add(base + 10)
        yield bad("esp_padding", sa.outer(sa.seal(base + 10, inner, pad_bytes=255)))
        yield good(11, 18)

    def run(self):
        session = self.session
        self.build()
        all_sas = [sa for tunnel in self.tunnels for sa in tunnel[3:]]
        session.run(sig=signal.SIGTERM, states=all_sas)
        self.judge()

    def judge(self):
        report, session = self.report, self.session
        got_wan = [(seen.sa.name if seen.sa else "clear", seen.inner) for seen in session.order["wan"]]
        got_lan = [seen.packet for seen in session.order["lan"]]
        report.check("outbound: every packet leaves, in the order of arrival", got_wan == self.expected["wan"],
                     lambda: f"{len(self.expected['wan'])} expected, {len(got_wan)} came")
        expected_lan = [inner for _, inner in self.expected["lan"]]
        report.check("inbound: exactly the good packets leave, in the order of arrival", got_lan == expected_lan,
                     lambda: f"{len(expected_lan)} expected, {len(got_lan)} came, "
                     f"{len(set(expected_lan) - set(got_lan))} of them missing, "
                     f"{len(set(got_lan) - set(expected_lan))} of them strange")
        for number, label, _, out_sa, in_sa in self.tunnels:
            report.begin_quiet(label)
            self.judge_outbound(out_sa)
            self.judge_inbound(in_sa, set(got_lan))
        session.seen.clear()
        report.begin_quiet("matrix")
        session.judge_rest()

    def judge_outbound(self, sa):
        report, base = self.report, self.base[sa.name]
        seen = [one for one in self.session.order["wan"] if one.sa is sa]
        report.equal("out: inner packets", [one.inner for one in seen],
                     [inner for name, inner in self.expected["wan"] if name == sa.name])
        report.equal("out: sequence numbers", [one.sequence for one in seen],
                     list(range(base + 1, base + 1 + self.sent[sa.name])))
        wrong = [one.text() for one in seen if not one.opened.padding_is_right()
                 or len(one.packet) != len(one.inner) + sa.overhead(len(one.inner))
                 or one.opened.next_header != (41 if one.inner[0] >> 4 == 6 else 4)]
        report.check("out: padding and trailer", not wrong, "\n".join(wrong[:3]))
        ivs = {one.opened.iv for one in seen}
        report.check("out: no IV twice", len(ivs) == len(seen) or not sa.algorithm.iv_bytes, f"{len(ivs)} of {len(seen)}")
        if sa.scapy_can():
            wrong = [one.text() for one in seen if sa.scapy_open(one.packet, one.sequence >> 32) != one.inner]
            report.check("out: scapy reads the same", not wrong, "\n".join(wrong[:3]))
        state = self.session.gateway.sas[sa.name]
        report.equal("out: state read back", int(state["sequence"]), base + self.sent[sa.name])

    def judge_inbound(self, sa, got):
        report = self.report
        missing = [inner.hex() for name, inner in self.expected["lan"] if name == sa.name and inner not in got]
        report.check("in: good packets arrive as they were sent", not missing, "\n".join(missing[:3]))
        state = self.session.gateway.sas[sa.name]
        top = max(self.received[sa.name])
        report.equal("in: highest number read back", int(state["sequence"]), top)
        bitmap = int.from_bytes(bytes.fromhex(state["replay_bitmap"]), "little")
        base = self.base[sa.name]
        # Everything up to the number that was handed over counts as received; without ESN, nothing was.
        recent = {top - bit for bit in range(top - base) if bitmap >> bit & 1}
        report.equal("in: replay bitmap read back", recent, self.received[sa.name])


def run(report):
    Matrix(report).run()
