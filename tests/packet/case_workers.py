# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""Two workers behind ports with one queue: the receiving worker deals flows out, and both use every SA."""

import collections
import os

from esp import CBC, GCM, lower_ttl
from session import Session, inner_addresses, udp_packet

FLOWS, PACKETS = 24, 60


# conformance: D14
def run(report):
    session = Session(report, "workers", workers=(0, 1), lan={"rss": "software"}, wan={"rss": "software"})
    tunnels = [session.tunnel(0, algorithm=GCM), session.tunnel(1, algorithm=CBC, esn=True),
               session.tunnel(2, 6, 6, algorithm=GCM, esn=True)]
    families = (4, 4, 6)
    sent = collections.defaultdict(list)  # (port, flow): inner packets as they must leave
    numbers = collections.Counter()
    replayed = 0
    for count in range(PACKETS):
        for flow in range(FLOWS):
            tunnel = flow % 3
            out_sa, in_sa = tunnels[tunnel]
            data = b"%04d%04d" % (flow, count) + os.urandom(count * 7)
            outward = udp_packet(*inner_addresses(tunnel, families[tunnel]), data, sport=1000 + flow)
            inward = udp_packet(*inner_addresses(tunnel, families[tunnel], outbound=False), data, sport=1000 + flow)
            session.lan(outward)
            sent["wan", flow].append(lower_ttl(outward))
            numbers[in_sa.name] += 1
            sealed = in_sa.outer(in_sa.seal(numbers[in_sa.name], inward))
            session.wan(sealed)
            sent["lan", flow].append(lower_ttl(inward))
            if count % 5 == 0:
                session.wan(sealed)
                replayed += 1
            del out_sa
    session.drop("esp_replay", replayed)
    session.run(states=session.sas)

    for port in ("lan", "wan"):
        got = collections.defaultdict(list)
        for seen in session.order[port]:
            packet = seen.inner or seen.packet
            got[int(packet[48 if packet[0] >> 4 == 6 else 28:][:4])].append(packet)
        for flow in range(FLOWS):
            report.check(f"flow {flow} on {port}: complete and in order", got[flow] == sent[port, flow],
                         f"{len(sent[port, flow])} expected, {len(got[flow])} came, "
                         f"{len(set(got[flow]) & set(sent[port, flow]))} of them right")
    for sa in session.sas:
        state = int(session.gateway.sas[sa.name]["sequence"])
        expected = FLOWS // 3 * PACKETS
        report.equal(f"{sa.name}: numbers used or received", state, expected)
        if sa.direction == "out":
            used = [seen.sequence for seen in session.order["wan"] if seen.sa is sa]
            report.equal(f"{sa.name}: no number twice, none left out", sorted(used), list(range(1, expected + 1)))
    session.seen.clear()
    session.judge_rest()
