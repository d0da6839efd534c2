# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""The replay window on the wire: edges, jumps, forged numbers and extended ones (RFC 4303 section 3.4.3, appendix A).

A script is a list of rounds; what stands in one round arrives together, in one vector, what stands in the next one
later. Each entry is a sequence number and what must become of it. A slow model with a set of numbers says the same as
the scripts where it can.
"""

from esp import CBC, GCM, lower_ttl
from session import Plain, Session, inner_addresses, udp_packet

# conformance: D1, D2, D3, D4, D4b, D5, D6, D7, D8, D9, D10
OK, SEEN, OLD, ZERO, FORGED = "", "esp_replay", "esp_too_old", "esp_sequence_zero", "esp_integrity"
CHEAP = "a replay with a wrong ICV"  # refused as a replay, before any cryptography
WRAP = 2**32


class Model:
    """RFC 4303 section 3.4.3 in the plainest words."""

    def __init__(self, window, top=0):
        self.window, self.top, self.seen = window, top, set()

    def take(self, number):
        if number == 0:
            return ZERO
        if number + self.window <= self.top:
            return OLD
        if number in self.seen:
            return SEEN
        self.seen.add(number)
        self.top = max(self.top, number)
        return OK


def edges(window):
    """Duplicates, the left edge, jumps (D1 to D5)."""
    top = 10 * window
    inside = sorted({top - offset for offset in (1, 31, 32, 33, 63, 64, 65, window - 2) if 0 < offset < window - 1})
    yield [(0, ZERO), (1, OK), (1, SEEN)]
    yield [(1, SEEN), (2, OK), (2, SEEN)] + [(2, SEEN)] * 5
    yield [(1, CHEAP), (2, CHEAP)]
    yield [(top, OK)]
    yield [(top - window, OLD), (top - 2 * window, OLD), (top - window + 1, OK), (top - window + 1, SEEN)]
    yield [(number, OK) for number in inside]
    yield [(number, SEEN) for number in inside] + [(top, SEEN)]
    # Every jump that moves the window by less than all of it must forget nothing that is still inside (D4, D4b).
    for step in (1, window - 1, window, window + 1, 4 * window):
        before, top = top, top + step
        yield [(top, OK)]
        yield [(before, SEEN if before + window > top else OLD), (top, SEEN)]
    yield [(top + 1, OK)]
    for ahead in range(2, 70):  # one number at a time over the ends of blocks
        yield [(top + ahead, OK), (top + ahead, SEEN), (top + ahead - 1, SEEN)]


def forged(window):
    """A number far ahead with a wrong ICV leaves the window where it is (D6)."""
    yield [(1, OK), (2, OK)]
    yield [(100 * window, FORGED), (2 * window, FORGED)]
    yield [(3, OK), (2, SEEN), (100 * window, FORGED), (4, OK)]


def last_numbers(_):
    """Without extended numbers the space ends at 2^32 - 1 (D7)."""
    yield [(1, OK)]
    for number in (0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF):
        yield [(number, OK)]
    yield [(0xFFFFFFFF, SEEN), (0xFFFFFFFE, SEEN), (0, ZERO), (1, OLD)]


def extended(window):
    """The walk over 2^32 (D8 to D10)."""
    half = min(window // 2, 100)
    yield [(1, OK)]
    for number in (0x7FFFFFF0, 0xFFFFFFF0, WRAP - 1):
        yield [(number, OK)]
    yield [(WRAP, OK)]  # its lower half is 0, and that is right
    yield [(WRAP + 5, OK)]
    yield [(WRAP - 3, OK), (WRAP - 3, SEEN), (WRAP, SEEN), (WRAP - 1, SEEN)]
    yield [(2 * WRAP + 0x999, FORGED)]  # so far ahead that its upper half cannot be told
    yield [(WRAP + 6, OK), (WRAP + window + 10, OK)]
    yield [(WRAP + window + 10 - half, OK), (WRAP + 5, OLD)]
    for number in (WRAP + 0x7FFFFFF0, WRAP + 0xFFFFFFF0, 2 * WRAP + 0x444):
        yield [(number, OK)]


def check_script(report, name, script, window):
    """The script against the model, so that no script expects what the RFC does not say."""
    model = Model(window)
    for number, expected in (entry for entries in script for entry in entries):
        if expected in (FORGED, CHEAP):
            continue
        got = model.take(number)
        if got != expected:
            report.check(f"{name}: the script agrees with the model at {number}", False, f"{got!r}, {expected!r}")
            return
    report.check(f"{name}: the script agrees with the model", True)


def build(report, session, scripts):
    for number, (name, make, window, esn, algorithm) in enumerate(scripts):
        _, sa = session.tunnel(number, algorithm=algorithm, esn=esn, in_options={"replay_window": window})
        script = list(make(window))
        check_script(report, name, script, window)
        yield number, name, sa, script


def run(report):
    scripts = [(f"window {window}{' ESN' if esn else ''}", edges, window, esn, algorithm)
               for window in (32, 33, 64, 128, 1000, 1024, 4096, 65536, 2**20) for esn, algorithm in ((False, GCM), (True, CBC))]
    scripts += [(f"forged numbers, window {window}", forged, window, False, GCM) for window in (32, 4096)]
    scripts += [("the last numbers", last_numbers, 4096, False, CBC)]
    scripts += [(f"extended numbers, window {window}, {algorithm.label}", extended, window, True, algorithm)
                for window in (64, 4096) for algorithm in (GCM, CBC)]
    session = Session(report, "replay")
    built = list(build(report, session, scripts))
    for position in range(max(len(script) for *_, script in built)):
        for number, name, sa, script in built:
            if position < len(script):
                send_round(session, number, name, sa, script[position])
        session.gap("wan")
    off(session, len(scripts))
    session.run(states=[sa for _, _, sa, _ in built]).judge()
    for _, name, sa, script in built:
        top = max(number for entries in script for number, expected in entries if expected == OK)
        report.equal(f"{name}: highest number", int(session.gateway.sas[sa.name]["sequence"]), top)


def send_round(session, tunnel, name, sa, entries):
    for sequence, expected in entries:
        probe = session.probe(f"{name}: {sequence:#x} {expected or 'is new'}")
        packet = udp_packet(*inner_addresses(tunnel, 4, outbound=False), probe.tag)
        sealed = bytearray(sa.outer(sa.seal(sequence, packet)))
        # A number whose upper half the receiver cannot infer fails by itself.
        if expected == CHEAP or (expected == FORGED and sequence < 2 * WRAP):
            sealed[-1] ^= 0x80
        session.wan(bytes(sealed))
        if expected == CHEAP:
            session.drop(SEEN)
        elif expected:
            # What lies left of the window is taken for one beyond the next 2^32 (RFC 4303 appendix A2.2).
            session.drop(FORGED if expected == OLD and sa.esn else expected)
        else:
            probe.wants = [Plain("lan", lower_ttl(packet))]


def off(session, tunnel):
    """Without a window every packet is delivered, as often as it comes."""
    _, sa = session.tunnel(tunnel, in_options={"replay_window": 0})
    probe = session.probe("replay protection off: delivered twice")
    packet = udp_packet(*inner_addresses(tunnel, 4, outbound=False), probe.tag)
    probe.wants = [Plain("lan", lower_ttl(packet))] * 2
    for _ in range(2):
        session.wan(sa.outer(sa.seal(7, packet)))
