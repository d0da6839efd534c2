# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""NAT keepalives that the gateway sends (RFC 3948 section 4): scapy reads them byte by byte.

conformance: J11
"""

import collections
import itertools

from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6

import session as rig
from case_udp import pseudo_sum
from esp import checksum
from gateway import Gateway
from session import Session

ROUNDS = 2  # that every pair of ports has to see


class Patient(Gateway):
    """Waits until so many keepalives were sent."""

    wanted = 0

    def settle(self):
        self._wait("keepalives", lambda: self.sent() >= self.wanted)
        super().settle()

    def sent(self):
        return self.control.call("status.get")["nat_keepalives"]["sent"]


def wrong(packet, ports):
    """What is wrong with a keepalive."""
    outer = (IPv6 if packet[0] >> 4 == 6 else IP)(packet)
    udp = outer[UDP]
    got = {"length": len(packet), "ports": (udp.sport, udp.dport), "UDP length": udp.len, "payload": packet[-1:],
           "UDP checksum": udp.chksum if packet[0] >> 4 == 4 else pseudo_sum(packet),
           "IP checksum": 0 if packet[0] >> 4 == 6 else checksum(packet[:20])}
    want = {"length": (49 if packet[0] >> 4 == 6 else 29), "ports": ports, "UDP length": 9, "payload": b"\xff",
            "UDP checksum": 0, "IP checksum": 0}
    return "" if got == want else f"{got}, not {want}"


def run(report):
    session = Session(report, "keepalive", config={"udp_encapsulation": {"keepalive_seconds": 1}})
    expected = {}
    for number, (outer, port) in enumerate(itertools.product((4, 6), (4500, 61000, 61001, 4500, 61002))):
        # The last but one shares its ports with the first. 61001 wants none, 61002 leaves it to the gateway.
        udp = {"destination_port": port, "keepalive": {61001: 0, 61002: "default"}.get(port, 1)}
        sa, _ = session.tunnel(number, 4, outer, out_options={"encapsulation": udp})
        if port != 61001:
            expected[(outer, *sa.ports)] = sa
    session.tunnel(number + 1, 4, 4)
    Patient.wanted = ROUNDS * len(expected)
    rig.Gateway, usual = Patient, rig.Gateway
    try:
        session.run()
    finally:
        rig.Gateway = usual
    seen = session.seen.pop(b"", [])
    counts = collections.Counter()
    for one in seen:
        udp = one.packet[40 if one.packet[0] >> 4 == 6 else 20:]
        ports = int.from_bytes(udp[:2], "big"), int.from_bytes(udp[2:4], "big")
        counts[(one.packet[0] >> 4, *ports)] += 1
        report.equal("a keepalive as RFC 3948 has it", wrong(one.packet, ports), "")
    report.equal("one for each pair of ports, not for each SA", set(counts), set(expected))
    report.check("all pairs alike", max(counts.values()) - min(counts.values()) <= 1, str(counts))
    session.judge()
