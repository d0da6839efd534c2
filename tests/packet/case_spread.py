# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""One inbound SA over two workers: batches are dealt, and all of an SA leaves in the order in which it came."""

import os

from esp import CBC, GCM, lower_ttl
from session import Session, inner_addresses, udp_packet

PACKETS = 500  # all together fewer than a queue between workers holds
SMALL = 64  # a replay window that keeps its SA with one worker
TRIES = 20  # on a machine that never lets the other worker run, nothing can be dealt


def fill(session):
    """Packets of three SAs in turn, some spoilt, some twice: what must leave, for each SA."""
    _, dealt = session.tunnel(0, algorithm=GCM, esn=True)
    _, hashed = session.tunnel(1, algorithm=CBC, in_options={"replay_window": 0})
    _, narrow = session.tunnel(2, algorithm=GCM, in_options={"replay_window": SMALL})
    inbound = (dealt, hashed, narrow)
    wanted = {sa.name: [] for sa in inbound}
    spoilt = replayed = 0
    for count in range(PACKETS):
        for tunnel, sa in enumerate(inbound):
            data = b"%04d" % tunnel + os.urandom(count % 900)
            packet = udp_packet(*inner_addresses(tunnel, 4, outbound=False), data)
            sealed = sa.outer(sa.seal(count + 1, packet))
            if count % 17 == 5:  # takes a place in its batch and leaves none behind
                session.wan(sealed[:-1] + bytes([sealed[-1] ^ 1]))
                spoilt += 1
                continue
            session.wan(sealed)
            wanted[sa.name].append(lower_ttl(packet))
            if count % 29 == 7 and sa is not hashed:
                session.wan(sealed)
                replayed += 1
    session.drop("esp_integrity", spoilt)
    session.drop("esp_replay", replayed)
    return wanted


# conformance: D14
def run(report):
    session = Session(report, "spread", workers=(0, 1), config={"workers": {"spread": "always"}})
    wanted = fill(session)
    dealt = 0
    for _ in range(TRIES):
        session.order.clear()
        session.run(states=session.sas)
        dealt, helped = (sum(int(worker[name]) for worker in session.gateway.workers) for name in ("dealt", "helped"))
        report.equal("as much helped as dealt", helped, dealt)
        for tunnel, (name, packets) in enumerate(wanted.items()):
            mark = b"%04d" % tunnel
            got = [seen.packet for seen in session.order["lan"] if seen.packet[28:32] == mark]
            report.check(f"{name}: complete and in order", got == packets,
                         f"{len(packets)} expected, {len(got)} came, {len(set(got) & set(packets))} of them right")
            report.equal(f"{name}: packets counted", int(session.gateway.sas[name]["packets"]), len(packets))
        session.seen.clear()
        session.judge_rest()
        if dealt:
            break
    report.check("another worker opened some", dealt > 0)
