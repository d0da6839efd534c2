# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""One daemon's SAs go on in another: sequence numbers and the replay window are read back and handed over."""

import signal

from esp import ALGORITHMS, lower_ttl
from session import Plain, Session, inner_addresses, udp_packet

GAP = 5  # every so many numbers one is left out, to arrive late


def first_life(report):
    session = Session(report, "handover-before")
    for number, algorithm in enumerate(ALGORITHMS):
        for offset, esn in ((0, False), (50, True)):
            out_sa, in_sa = session.tunnel(number + offset, algorithm=algorithm, esn=esn)
            ours, theirs = inner_addresses(number + offset, 4), inner_addresses(number + offset, 4, outbound=False)
            for sequence in range(1, 41):
                session.out("before", out_sa, lambda tag, a=ours: udp_packet(*a, tag))
                if sequence % GAP:
                    probe = session.probe("before")
                    packet = udp_packet(*theirs, probe.tag)
                    probe.wants = [Plain("lan", lower_ttl(packet))]
                    session.wan(in_sa.outer(in_sa.seal(sequence, packet)))
    session.run(sig=signal.SIGINT, states=session.sas).judge()
    return session


def second_life(report, before):
    session = Session(report, "handover-after")
    session.policies = before.policies
    for sa in before.sas:
        state = before.gateway.sas[sa.name]
        kept = {name: state[name] for name in ("sequence", "replay_bitmap") if state.get(name) not in (None, "")}
        kept["sequence"] = str(kept["sequence"])
        sa.options = sa.options | kept
        session.sas.append(sa)
    for sa in session.sas:
        tunnel = sa.reqid - 1
        if sa.direction == "out":
            first = 42 if sa.algorithm.implicit_iv else 41  # Sa.config has these begin one later
            for expected in (first, first + 1):
                session.out(f"{sa.name}: goes on with {expected}", sa,
                            lambda tag, t=tunnel: udp_packet(*inner_addresses(t, 4), tag),
                            look=lambda seen, e=expected: "" if seen.sequence == e else
                            f"sequence number {seen.sequence}, not {e}")
            continue
        for sequence in range(1, 45):
            late = sequence % GAP == 0 and sequence < 40
            new = late or sequence >= 40
            probe = session.probe(f"{sa.name}: {sequence} {'is new' if new else 'was received before'}")
            packet = udp_packet(*inner_addresses(tunnel, 4, outbound=False), probe.tag)
            if new:
                probe.wants = [Plain("lan", lower_ttl(packet))]
            else:
                session.drop("esp_replay")
            session.wan(sa.outer(sa.seal(sequence, packet)))
    session.run(sig=signal.SIGINT).judge()


def last_number(report):
    """Outbound numbers end at 2^32 - 1 without ESN; with ESN they go on (RFC 4303 section 3.3.3)."""
    session = Session(report, "sequence-end")
    plain, _ = session.tunnel(0, out_options={"sequence": "4294967292"})
    extended, _ = session.tunnel(1, esn=True, out_options={"sequence": "4294967292"})
    for count in range(1, 7):
        name = f"number {4294967292 + count:#x}"
        packet = lambda tag, t=0: udp_packet(*inner_addresses(t, 4), tag)  # noqa: E731
        if count <= 3:
            session.out(f"{name} without ESN", plain, packet)
        else:
            session.out_drop(f"{name} without ESN is not sent", "esp_sequence_end", packet)
        session.out(f"{name} with ESN", extended, lambda tag: udp_packet(*inner_addresses(1, 4), tag),
                    look=lambda seen, n=4294967292 + count: "" if seen.sequence == n else f"sequence {seen.sequence}")
    session.run().judge()


def run(report):
    second_life(report, first_life(report))
    last_number(report)
