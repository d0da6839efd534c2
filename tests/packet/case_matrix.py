# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""The matrix: every algorithm of ESP and AH in every mode and pair of families, bare and in UDP, with and without extended
sequence numbers, and replay windows of every size beside all of them, both ways at once.

One daemon has the SAs of one row of sessions(). What they get comes in random bursts that mix all SAs: inbound, good
packets in and out of order between replays, old ones, ones with a wrong ICV, cut ones, authentic ones with nonsense
inside, unknown SPIs and clear text. A model of RFC 4303 section 3.4.3 says what becomes of each. What passes must pass in
the order in which it came; each SA must count what it dropped by its reason, and end with the model's window. With ESN
the numbers cross 2^32 on the way: the state that the SAs start with is handed over.

SEED=number repeats a run.
"""

import collections
import dataclasses
import itertools
import os
import random
import struct

import ah
import esp
from case_replay import OK, SEEN, Model
from session import Session, inner_addresses

BEFORE_WRAP = 2**32 - 6
MTU = 1500
WINDOWS = (32, 64, 128, 1024, 4096, 65536)
SHAPES = (("tunnel", 4, 4), ("tunnel", 4, 6), ("tunnel", 6, 4), ("tunnel", 6, 6), ("transport", 4, 4), ("transport", 6, 6))
SIZES = (0, 1, 2, 3, 17, 64, 100, 200, 227, 228, 484, 996, 1200, 1347)  # of UDP data
SENT = 6  # packets of each outbound SA
TAKEN = 18  # packets for each inbound SA


def ip(source, destination, protocol, payload, tos=0, ttl=61, ident=1, df=False):
    """A packet around a payload; scapy would take most of the time that this case takes."""
    addresses = esp.address_bytes(source) + esp.address_bytes(destination)
    if len(addresses) == 32:
        return struct.pack("!IHBB", 6 << 28 | tos << 20, len(payload), protocol, ttl) + addresses + payload
    header = struct.pack("!BBHHHBB", 0x45, tos, 20 + len(payload), ident, 0x4000 if df else 0, ttl, protocol)
    return header + struct.pack("!H", esp.checksum(header + bytes(2) + addresses)) + addresses + payload


def udp(source, destination, data, **header):
    datagram = struct.pack("!HHHH", 1000, 2000, 8 + len(data), 0) + data
    if ":" in source:
        pseudo = (esp.address_bytes(source) + esp.address_bytes(destination) + struct.pack("!II", len(datagram), 17))
        datagram = datagram[:6] + struct.pack("!H", esp.checksum(pseudo + datagram) or 0xffff) + data
    return ip(source, destination, 17, datagram, **header)


def by_name(pairs):
    """The packets of each name, in their order."""
    packets = collections.defaultdict(list)
    for name, packet in pairs:
        packets[name].append(packet)
    return packets


@dataclasses.dataclass
class Row:
    protocol: str
    algorithm: object
    mode: str
    inner: int
    outer: int
    udp: bool
    esn: bool
    window: int
    number: int  # in its session

    @property
    def label(self):
        name = self.algorithm.label if self.protocol == "esp" else f"{self.algorithm[0]}/{self.algorithm[1]}"
        return (f"{self.protocol} {name} {self.mode} v{self.inner} in v{self.outer}{' in UDP' if self.udp else ''}"
                f"{' ESN' if self.esn else ''}, window {self.window}")

    @property
    def base(self):
        if self.esn:
            return BEFORE_WRAP
        # With an implicit IV a configuration file has to say where the numbers go on.
        return int(self.protocol == "esp" and self.algorithm.implicit_iv)


def sessions():
    """The rows of each daemon. Of a row's members all combinations occur but for the windows', which occur with each
    algorithm, and with each combination of the others."""
    algorithms = {"esp": esp.ALGORITHMS, "ah": ah.ALGORITHMS}
    for protocol, in_udp, esn in (*itertools.product(("esp",), (False, True), (False, True)), ("ah", False, False),
                                  ("ah", False, True)):
        rows = []
        for place, algorithm in enumerate(algorithms[protocol]):
            for shape, (mode, inner, outer) in enumerate(SHAPES):
                window = WINDOWS[(place + shape + 2 * in_udp + esn) % len(WINDOWS)]
                rows.append(Row(protocol, algorithm, mode, inner, outer, in_udp, esn, window, len(rows)))
        yield f"matrix-{protocol}{'-udp' if in_udp else ''}{'-esn' if esn else ''}", rows


class Traffic:
    """What one SA of a row gets, and what must become of it."""

    def __init__(self, row, session):
        self.row, self.session = row, session
        state = {"sequence": str(row.base)} if row.base else {}
        into = state | {"replay_window": row.window}
        if row.protocol == "ah":
            self.out_sa, self.in_sa, self.ends = session.ah_pair(
                row.number, row.algorithm, row.mode, row.outer, row.inner, out_options=state, in_options=into,
                esn=row.esn, sequence=row.base)
        else:
            extra = {"encapsulation": {}} if row.udp else {}
            self.out_sa, self.in_sa, self.ends = self.esp_pair(state | extra, into | extra)
        self.model = Model(row.window, row.base)
        # What was handed over counts as received.
        self.drops = collections.Counter()
        self.received = set()

    def esp_pair(self, out_options, in_options):
        row, session = self.row, self.session
        if row.mode == "tunnel":
            pair = session.tunnel(row.number, row.inner, row.outer, out_options, in_options, algorithm=row.algorithm,
                                  esn=row.esn)
            return *pair, inner_addresses(row.number, row.inner)
        ends = (inner_addresses(row.number, row.inner)[0],
                f"2001:db8:e::{row.number + 0x100:x}" if row.inner == 6 else f"198.51.100.{row.number + 10}")
        made = []
        for direction, spi, (source, destination), options in (("out", 0x1000, ends, out_options),
                                                               ("in", 0x2000, ends[::-1], in_options)):
            made.append(esp.Sa(f"{direction}{row.number}", direction, spi + row.number, source, destination,
                               row.number + 1, row.algorithm, row.esn, options={"mode": "transport"} | options))
            session.policy(direction, "protect", source, destination, reqid=row.number + 1)
        session.sas += made
        return *made, ends

    # --- outbound

    def largest(self):
        """Of a packet that leaves whole."""
        sa = self.out_sa
        if self.row.protocol == "ah":
            return sa.largest_inner(MTU)
        headers = 40 if self.row.outer == 6 else 20
        return sa.largest_inner(MTU) + (headers if self.row.mode == "transport" else 0)

    def sends(self, rng):
        headers = 48 if self.row.inner == 6 else 28
        size = rng.choice(SIZES + (self.largest() - headers,))
        size = min(size, self.largest() - headers)
        return udp(*self.ends, os.urandom(size), tos=rng.randrange(64) * 4, ident=rng.randrange(1, 2**16),
                   df=bool(rng.getrandbits(1)))

    # --- inbound

    def inner(self, size):
        return udp(*self.ends[::-1], os.urandom(size), ident=size + 1)

    def seal(self, number, inner, **how):
        """The whole packet of the peer."""
        sa, row = self.in_sa, self.row
        if row.protocol == "ah":
            return sa.seal(inner, number)
        if row.mode == "tunnel":
            return self.outer(sa.seal(number, inner, **how))
        headers = 40 if row.inner == 6 else 20
        how.setdefault("next_header", 17)
        if row.udp:
            # The checksum is one over the addresses behind a NAT: the gateway makes it right, which over IPv4 is none.
            inner = inner[:headers + 6] + os.urandom(2) + inner[headers + 8:]
        # The header stays the packet's own.
        return self.outer(sa.seal(number, inner[headers:], **how), struct.unpack_from("!H", inner, 4)[0])

    def outer(self, sealed, ident=0):
        sa = self.in_sa
        if self.row.udp:
            sealed = struct.pack("!HHHH", *sa.ports, 8 + len(sealed), 0) + sealed
        return ip(sa.source, sa.destination, 17 if self.row.udp else 50, sealed, ident=ident)

    def sealed_at(self):
        """Where the protocol's header begins, of which the first bytes of every packet are."""
        return (40 if self.row.outer == 6 else 20) + (8 if self.row.udp else 0)

    def ahead(self, rng):
        window = self.row.window
        return self.model.top + rng.choice((1, 1, 1, 2, 3, 31, 33, window // 2, window - 1, window, window + 1, 2 * window))

    def missing(self, rng):
        """A number inside the window that has not been received; else one ahead."""
        least = max(self.row.base, self.model.top - self.row.window) + 1
        for _ in range(8):
            if least < self.model.top:
                number = rng.choice((least, rng.randrange(least, self.model.top)))
                if number not in self.received:
                    return number
        return self.ahead(rng)

    def drop(self, reason, packet):
        self.drops[f"{self.row.protocol}_{reason}"] += 1
        return packet

    def take(self, number):
        """What the replay window makes of an authentic packet."""
        verdict = self.model.take(number)
        if verdict == OK:
            self.received.add(number)
        return verdict

    def good(self, rng, number):
        """A packet that has this number and nothing wrong: what is sent, and what leaves."""
        inner = self.inner(rng.choice(SIZES[:-1]))
        if self.take(number) != OK:
            raise ValueError(f"{number} is not new")
        return self.seal(number, inner), esp.lower_ttl(inner)

    def ordinary(self, rng):
        return self.good(rng, self.ahead(rng))

    def late(self, rng):
        return self.good(rng, self.missing(rng))

    def again(self, rng):
        """A number that was received and is still in the window."""
        inside = [number for number in sorted(self.received) if number > self.model.top - self.row.window]
        if not inside:
            return self.ordinary(rng)
        number = rng.choice(inside)
        assert self.take(number) == SEEN
        return self.drop("replay", self.seal(number, self.inner(40))), None

    def old(self, rng):
        """A number that the window has left behind. One that was received as well would count as a replay if it was still
        inside when its burst came."""
        number = self.model.top - self.row.window - rng.choice((0, 1, 31, self.row.window))
        if number <= self.row.base or number in self.received:
            return self.late(rng)
        return self.drop("too_old", self.seal(number, self.inner(40))), None

    def forged(self, rng):
        """A number that is new, near or far, and a bit that is wrong: in the number, in IV and ciphertext, or in the ICV. It
        must leave no trace."""
        number = rng.choice((self.missing(rng), self.ahead(rng), self.model.top + 5000000))
        packet = bytearray(self.seal(number, self.inner(rng.choice(SIZES[:8]))))
        if self.row.protocol == "ah":
            at = rng.randrange(self.sealed_at() + 12, self.sealed_at() + 12 + sum(self.row.algorithm[2:4]))
        else:
            at = rng.randrange(self.sealed_at() + 8, len(packet))
        packet[at] ^= 1 << rng.randrange(8)
        return self.drop("integrity", bytes(packet)), None

    def cut(self, rng):
        """Shorter than it may be, or with a length that is none."""
        packet = self.seal(self.ahead(rng), self.inner(20))
        if self.row.protocol == "ah":
            wrong = bytearray(packet)
            wrong[self.sealed_at() + 1] = rng.choice((0, 1, 2, 3, 255))
            return self.drop("length", bytes(wrong)), None
        algorithm = self.row.algorithm
        sealed = packet[self.sealed_at():]
        keep = 8 + rng.randrange(5, algorithm.iv_bytes + algorithm.icv_bytes + 2)
        return self.drop("runt", self.outer(sealed[:keep])), None

    def nonsense(self, rng):
        """Authentic, and not what may be inside: the number is used up."""
        if self.row.protocol == "ah" and self.row.mode == "transport":
            return self.moved(rng)
        number = self.ahead(rng)
        assert self.take(number) == OK
        if self.row.protocol == "ah":
            return self.drop("inner", self.seal(number, b"\x45" + bytes(30))), None
        kind = rng.choice(("padding", "dummy", "next_header" if self.row.mode == "tunnel" else "padding"))
        how = {"padding": {"pad_bytes": 255}, "dummy": {"next_header": 59}, "next_header": {"next_header": 58}}[kind]
        return self.drop(kind, self.seal(number, self.inner(50), **how)), None

    def moved(self, rng):
        """A packet of AH whose source was changed on the way."""
        packet = bytearray(self.seal(self.ahead(rng), self.inner(30)))
        packet[15 if self.row.outer == 4 else 23] ^= 1
        return self.drop("integrity", ah.refresh(bytes(packet))), None

    def stranger(self, _):
        """An SPI of nobody, for the gateway itself; clear text where there should be none."""
        inner = self.inner(60)
        self.session.drop("spd_in_clear")
        return inner, None

    def script(self, rng):
        """What arrives for this SA: the packet, and what of it leaves or None."""
        kinds = (self.ordinary,) * 6 + (self.late,) * 3 + (self.again,) * 2 + (self.old, self.forged, self.forged, self.cut,
                                                                              self.nonsense, self.stranger)
        return [rng.choice(kinds) for _ in range(TAKEN)]


class Matrix:
    def __init__(self, report, name, rows, rng):
        self.report, self.rng, self.session = report, rng, Session(report, name)
        self.traffic = [Traffic(row, self.session) for row in rows]
        self.sent = collections.defaultdict(list)  # by the SA's name
        self.order = {"lan": [], "wan": []}

    def build(self):
        outbound = [traffic for traffic in self.traffic for _ in range(SENT)]
        self.rng.shuffle(outbound)
        for traffic in outbound:
            packet = traffic.sends(self.rng)
            self.session.lan(packet)
            self.sent[traffic.out_sa.name].append(esp.lower_ttl(packet))
            self.order["wan"].append((traffic.out_sa.name, esp.lower_ttl(packet)))
        queues = [(traffic, traffic.script(self.rng)) for traffic in self.traffic]
        while queues:
            # Now and then several of one SA in a row.
            place = self.rng.randrange(len(queues))
            traffic, script = queues[place]
            for _ in range(self.rng.choice((1, 1, 1, 2, 5))):
                if script:
                    packet, inner = script.pop()(self.rng)
                    self.session.wan(packet)
                    if inner:
                        self.order["lan"].append((traffic.in_sa.name, inner))
            if not script:
                queues[place] = queues[-1]
                queues.pop()

    def run(self):
        self.build()
        sas = [sa for traffic in self.traffic for sa in (traffic.out_sa, traffic.in_sa)]
        self.session.run(states=sas)
        self.judge()

    def judge(self):
        report, session = self.report, self.session
        got_wan = [(seen.sa.name if seen.sa else "clear", seen.inner) for seen in session.order["wan"]]
        report.check("outbound: every packet leaves, those of an SA in the order of arrival",
                     by_name(got_wan) == by_name(self.order["wan"]),
                     lambda: f"{len(self.order['wan'])} expected, {len(got_wan)} came")
        names = {packet: name for name, packet in self.order["lan"]}
        got_lan = [(names.get(seen.packet, "nobody's"), seen.packet) for seen in session.order["lan"]]
        report.check("inbound: exactly the good packets leave, those of an SA in the order of arrival",
                     by_name(got_lan) == by_name(self.order["lan"]),
                     lambda: f"{len(self.order['lan'])} expected, {len(got_lan)} came, "
                     f"{len(set(self.order['lan']) - set(got_lan))} of them missing, "
                     f"{len(set(got_lan) - set(self.order['lan']))} of them strange")
        seen = collections.defaultdict(list)
        for one in session.order["wan"]:
            if one.sa:
                seen[one.sa.name].append(one)
        for traffic in self.traffic:
            report.begin_quiet(traffic.row.label)
            self.judge_outbound(traffic, seen[traffic.out_sa.name])
            self.judge_inbound(traffic)
        session.seen.clear()
        report.begin_quiet(session.name)
        # Which of an SA's counters each of these belongs to has been judged.
        sealed = ("esp_", "ah_")
        session.gateway.drops = {name: count for name, count in session.gateway.drops.items() if not name.startswith(sealed)}
        session.judge_rest()

    def judge_outbound(self, traffic, seen):
        report, row, sa = self.report, traffic.row, traffic.out_sa
        report.equal("out: inner packets", [one.inner for one in seen], self.sent[sa.name])
        report.equal("out: sequence numbers", [one.sequence for one in seen], list(range(row.base + 1, row.base + 1 + SENT)))
        report.check("out: the longest is what the path takes", all(len(one.packet) <= MTU for one in seen))
        report.equal("out: state read back", int(self.session.gateway.sas[sa.name]["sequence"]), row.base + SENT)
        if row.protocol == "ah":
            return
        wrong = [one.text() for one in seen if not one.opened.padding_is_right()]
        report.check("out: padding", not wrong, "\n".join(wrong[:3]))
        ivs = {one.opened.iv for one in seen}
        report.check("out: no IV twice", len(ivs) == len(seen) or not sa.algorithm.iv_bytes, f"{len(ivs)} of {len(seen)}")
        if sa.scapy_can() and not row.udp:
            wrong = [one.text() for one in seen[:2] if sa.scapy_open(one.packet, one.sequence >> 32) != one.inner]
            report.check("out: scapy reads the same", not wrong, "\n".join(wrong))

    def judge_inbound(self, traffic):
        report, row, model = self.report, traffic.row, traffic.model
        state = self.session.gateway.sas[traffic.in_sa.name]
        drops = collections.Counter({name: count for name, count in state["drops"].items() if count})
        expected = collections.Counter(traffic.drops)
        if row.esn:
            # What lies left of the window is taken for one beyond the next 2^32 (RFC 4303 appendix A2.2), unless it was
            # still inside when its burst came.
            for counter in (drops, expected):
                counter["integrity or too old"] = (counter.pop(f"{row.protocol}_integrity", 0) +
                                                   counter.pop(f"{row.protocol}_too_old", 0))
        report.equal("in: drops of the SA", dict(drops), dict(expected))
        report.equal("in: highest number read back", int(state["sequence"]), model.top)
        bitmap = bytes.fromhex(state["replay_bitmap"])
        recent = {model.top - bit for bit in range(min(row.window, model.top - row.base))
                  if bitmap[bit // 8] >> bit % 8 & 1}
        inside = {number for number in traffic.received if number > model.top - row.window}
        report.equal("in: replay bitmap read back", recent, inside)
        missing = min(row.window, model.top - row.base) - len(inside)
        report.equal("in: lost", state["lost"], model.top - row.base - len(traffic.received) - missing)


def check_coverage(report, rows):
    """That the rows hold what sessions() says."""
    def values(*members):
        return {tuple(getattr(row, member) for member in members) for row in rows}

    rest = ("protocol", "mode", "inner", "outer", "udp", "esn")
    report.equal("combinations of a window with all but the algorithm", len(values("window", *rest)),
                 len(WINDOWS) * len(values(*rest)))
    report.equal("combinations of a window with an algorithm", len(values("window", "protocol", "algorithm")),
                 len(WINDOWS) * (len(esp.ALGORITHMS) + len(ah.ALGORITHMS)))
    report.equal("combinations of the rest", len(values("algorithm", *rest)), len(rows))


# conformance: A1, A7, A8, A14, A15, D5, D12, D15, D16, J15, K5
def run(report):
    seed = int(os.environ.get("SEED") or random.SystemRandom().getrandbits(32))
    print(f"    SEED={seed}", flush=True)
    rng = random.Random(seed)
    every = list(sessions())
    check_coverage(report, [row for _, rows in every for row in rows])
    for name, rows in every:
        report.begin_quiet(name)
        Matrix(report, name, rows, rng).run()
