# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""Hard limits of an SA's lifetime: nothing leaves or comes in by it any more, and nothing goes in clear instead (RFC 4301
section 4.4.2.1); and the numbers that an inbound SA has lost."""

import os

from esp import BY_LABEL, CBC, GCM, lower_ttl
from session import Plain, Session, inner_addresses, udp_packet

SENT = 6  # packets of each outbound SA in the first burst

# Over two workers: packets are longer one after the other, so that no limit of bytes falls on a packet's end.
FLOWS, PACKETS, VECTOR, WORKERS = 16, 60, 256, 2
HARD_PACKETS, HARD_BYTES = 500, 60000


def packet_of(number):
    return lambda tag: udp_packet(*inner_addresses(number, 4), tag)


def outbound(report):
    """conformance: L1, G5"""
    size = len(packet_of(0)(b"<T000000>"))
    rows = [  # what it may, and how many of the burst that is
        ("packets", {"hard_packets": 3}, GCM, {}, 3),
        ("packets of an earlier life", {"hard_packets": 10, "used_packets": 8}, GCM, {"sequence": 1000}, 2),
        ("bytes to the last one", {"hard_bytes": 4 * size}, CBC, {}, 4),
        ("bytes less than another packet", {"hard_bytes": 5 * size - 1}, BY_LABEL["chacha20-poly1305"], {}, 4),
        ("bytes of an earlier life", {"hard_bytes": 1000, "used_bytes": 1000 - size}, GCM, {}, 1),
        ("packets before bytes", {"hard_packets": 2, "hard_bytes": 5 * size}, CBC, {}, 2),
        ("a soft limit ends nothing", {"soft_packets": 1, "soft_bytes": 1}, GCM, {}, SENT),
    ]
    session = Session(report, "lifetime-out")
    sas = [session.tunnel(number, algorithm=algorithm, out_options={"lifetime": lifetime} | more)[0]
           for number, (_, lifetime, algorithm, more, _) in enumerate(rows)]
    for count in range(SENT):
        for number, (name, _, _, _, allowed) in enumerate(rows):
            if count < allowed:
                session.out(f"{name}: packet {count}", sas[number], packet_of(number))
            else:
                session.out_drop(f"{name}: packet {count} stays", "sa_expired", packet_of(number))
    session.gap("lan")
    for number, (name, _, _, _, allowed) in enumerate(rows):
        if allowed < SENT:
            session.out_drop(f"{name}: later", "spd_out_no_sa", packet_of(number))
        else:
            session.out(f"{name}: later", sas[number], packet_of(number))
    session.run().judge()


def inbound(report):
    """conformance: L1"""
    rows = [
        ("packets", {"hard_packets": 3}, True),
        ("bytes", {"hard_bytes": 100}, True),
        ("a soft limit", {"soft_packets": 2, "soft_bytes": 2}, False),
    ]
    session = Session(report, "lifetime-in")
    sas = [session.tunnel(number, in_options={"lifetime": lifetime})[1]
           for number, (_, lifetime, _) in enumerate(rows)]
    sequence = 0

    def send(number, name, wanted, forged=False):
        probe = session.probe(f"{rows[number][0]}: {name}")
        packet = udp_packet(*inner_addresses(number, 4, outbound=False), probe.tag)
        sealed = bytearray(sas[number].outer(sas[number].seal(sequence, packet)))
        if forged:
            sealed[-1] ^= 1
        session.wan(bytes(sealed))
        if wanted:
            probe.wants = [Plain("lan", lower_ttl(packet))]
        else:
            session.drop("esp_integrity" if forged else "sa_expired")

    # Forged packets use nothing up.
    for _ in range(5):
        sequence += 1
        for number in range(len(rows)):
            send(number, "forged", False, forged=True)
    session.gap("wan")
    for _ in range(4):
        sequence += 1
        for number in range(len(rows)):
            send(number, "authentic, up to the end of the vector", True)
    session.gap("wan")
    sequence += 1
    for number, (_, _, ends) in enumerate(rows):
        send(number, "later", not ends)
    session.run()
    # The control core takes what has ended away in its own time.
    drops = session.gateway.drops
    if "sa_unknown" in drops:
        drops["sa_expired"] = drops.get("sa_expired", 0) + drops.pop("sa_unknown")
    session.judge()


def lost(report):
    """conformance: D15"""
    session = Session(report, "lost")
    rows = [
        ("none", [1, 2, 3], 0),
        ("a hole that may still be filled", [1, 64], 0),
        ("a hole that was filled", [1, 64, 63, 2], 0),
        ("a hole that the window has passed", [1, 3, 4, 66], 1),
        ("all that a jump passes over", [1, 2, 1000], 1000 - 64 - 2),
        ("not a forged jump", [1, 2, -5000, 3], 0),
    ]
    sas = []
    for number, (name, numbers, _) in enumerate(rows):
        _, sa = session.tunnel(number, in_options={"replay_window": 64})
        sas.append(sa)
        for sequence in numbers:
            probe = session.probe(f"lost: {name}: {sequence}")
            packet = udp_packet(*inner_addresses(number, 4, outbound=False), probe.tag)
            sealed = bytearray(sa.outer(sa.seal(abs(sequence), packet)))
            if sequence < 0:
                sealed[-1] ^= 1
                session.drop("esp_integrity")
            else:
                probe.wants = [Plain("lan", lower_ttl(packet))]
            session.wan(bytes(sealed))
    session.run(states=sas).judge()
    for sa, (name, _, expected) in zip(sas, rows):
        report.equal(f"lost: {name}", session.gateway.sas[sa.name]["lost"], expected)


def workers(report):
    """Two workers use the same SAs up: outbound to the last packet, and but for a packet to the last byte; inbound each
    worker counts once a vector, and so much more may come in. conformance: L1"""
    session = Session(report, "lifetime-workers", workers=range(WORKERS), lan={"rss": "software"}, wan={"rss": "software"})
    limits = {"packets": {"hard_packets": HARD_PACKETS}, "bytes": {"hard_bytes": HARD_BYTES}}
    pairs = [session.tunnel(number, algorithm=algorithm, esn=True, out_options={"lifetime": lifetime},
                            in_options={"lifetime": lifetime})
             for number, (algorithm, lifetime) in enumerate(zip((GCM, CBC), limits.values()))]
    longest = 0
    for count in range(PACKETS):
        for flow in range(FLOWS):
            for number, (_, in_sa) in enumerate(pairs):
                data = b"%d" % number + os.urandom(count * FLOWS // 8 + flow)
                session.lan(udp_packet(*inner_addresses(number, 4), data, sport=1000 + flow))
                packet = udp_packet(*inner_addresses(number, 4, outbound=False), data, sport=1000 + flow)
                session.wan(in_sa.outer(in_sa.seal(count * FLOWS + flow + 1, packet)))
                longest = max(longest, len(packet))
    session.run()
    sent = FLOWS * PACKETS
    left = {number: [seen for seen in session.order["wan"] if seen.sa is out_sa] for number, (out_sa, _) in enumerate(pairs)}
    came = {number: [seen.packet for seen in session.order["lan"] if seen.packet[28:29] == b"%d" % number]
            for number in range(len(pairs))}
    numbers = sorted(seen.sequence for seen in left[0])
    report.equal("out: packets exactly", numbers, list(range(1, HARD_PACKETS + 1)))
    total = sum(len(seen.inner) for seen in left[1])
    report.check("out: bytes but for a packet", HARD_BYTES - longest < total <= HARD_BYTES, f"{total} bytes")
    more = WORKERS * VECTOR
    report.check("in: packets and a vector of each worker", HARD_PACKETS <= len(came[0]) < HARD_PACKETS + more,
                 f"{len(came[0])} packets")
    total = sum(map(len, came[1]))
    report.check("in: bytes and a vector of each worker", HARD_BYTES <= total < HARD_BYTES + more * longest, f"{total} bytes")
    report.equal("nothing in clear", [seen for seen in session.order["wan"] if not seen.sa], [])
    report.check("both workers work", all(int(worker["polls"]) > int(worker["idle_polls"])
                                          for worker in session.gateway.workers), str(session.gateway.workers))
    # Which of its reasons each has depends on when the control core took the SA away.
    dropped = sum(session.gateway.drops.pop(reason, 0) for reason in ("sa_expired", "spd_out_no_sa", "sa_unknown"))
    report.equal("all others are dropped", dropped,
                 2 * len(pairs) * sent - sum(len(packets) for packets in (*left.values(), *came.values())))
    session.seen.clear()
    session.judge_rest()


def run(report):
    workers(report)
    outbound(report)
    inbound(report)
    lost(report)
