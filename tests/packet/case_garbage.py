# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""Authentic packets with something unexpected inside: garbage, because only the cipher key is wrong, and ESP once more."""

from session import PEER4, Plain, Session, WAN4, inner_addresses, udp_packet

from esp import CBC, GCM, Sa, lower_ttl

GARBAGE = 200


# conformance: C4
def wrong_cipher_key(report):
    """The ICV is right and what is decrypted is noise: inner checks drop it, whatever it happens to look like."""
    session = Session(report, "garbage-key")
    _, sa = session.tunnel(10, algorithm=CBC)
    other = Sa("other key", "in", sa.spi, sa.source, sa.destination, sa.reqid, algorithm=CBC,
               key=bytes(byte ^ 1 for byte in sa.key), auth_key=sa.auth_key)
    for number in range(1, GARBAGE + 1):
        probe = session.probe(f"garbage {number}")
        session.wan(other.outer(other.seal(number, udp_packet(*inner_addresses(10, 4, outbound=False), probe.tag * 5))))
    probe = session.probe("the right key after it")
    packet = udp_packet(*inner_addresses(10, 4, outbound=False), probe.tag)
    probe.wants = [Plain("lan", lower_ttl(packet))]
    session.wan(sa.outer(sa.seal(GARBAGE + 1, packet)))
    session.run()
    # Where noise fails is by chance: nearly always at the padding.
    drops = {name: count for name, count in session.gateway.drops.items() if count}
    inner = ("esp_padding", "esp_next_header", "esp_inner", "esp_dummy")
    report.equal("garbage: all of it is dropped by inner checks", sum(drops.get(name, 0) for name in inner), GARBAGE)
    session.drops.update({name: drops[name] for name in inner if name in drops})
    session.judge()


# conformance: F5
def nested(report):
    """ESP to ourselves inside ESP is opened once: what comes out is for the host, if its policy lets it, and no more."""
    session = Session(report, "garbage-nested")
    _, outer = session.tunnel(10, algorithm=GCM)
    _, inner = session.tunnel(11, algorithm=GCM)
    session.policy("in", "protect", PEER4, WAN4, reqid=12)
    session.policy("in", "bypass", PEER4, WAN4, priority=2000, protocol="esp")
    numbers = {}

    def seal(sa, packet):
        numbers[sa.name] = numbers.get(sa.name, 0) + 1
        return sa.outer(sa.seal(numbers[sa.name], packet))

    def deep(tag, depth):
        packet = udp_packet(*inner_addresses(11, 4, outbound=False), tag)
        for _ in range(depth):
            packet = seal(inner, packet)
        return packet

    probe = session.probe("once")
    packet = udp_packet(*inner_addresses(11, 4, outbound=False), probe.tag)
    probe.wants = [Plain("lan", lower_ttl(packet))]
    session.wan(seal(inner, packet))
    for depth in (2, 3, 10):
        session.probe(f"{depth} deep, in SAs whose policy lets ESP to us through")
        session.wan(deep(session.probes[-1].tag, depth))
        session.drop("punt_no_tap")
    probe = session.probe("in an SA whose policy does not")
    session.wan(seal(outer, deep(probe.tag, 1)))
    session.drop("spd_in_wrong_sa")
    session.run().judge()


def run(report):
    wrong_cipher_key(report)
    nested(report)
