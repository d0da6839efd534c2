# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""Several peers behind one NAT (RFC 3948 section 5): one address, each with its own port, or with none of its own.

What goes to each leaves by its own ports and SA; what comes is judged by the policies of the SA that carried it,
whatever port it came from. Where two peers would have the same traffic, the gateway has one policy for it, and who is
not of that policy is dropped.
"""

from case_udp import header_wrong, with_udp
from esp import CBC, GCM, NULL, Sa, lower_ttl
from session import INTERNET4, INTERNET6, WAN4, WAN6, Plain, Session, inner_addresses, inner_networks, udp_packet

PORTS = (61001, 61002, 61003, 61003)  # of four peers; the last two differ by their SPIs alone
ALGORITHMS = (GCM, CBC, NULL, GCM)


class Peers:
    def __init__(self, report):
        self.session = Session(report, "nat")
        self.peers = []
        self.sequence = {}

    def add(self, outer):
        ours, nat = (WAN6, INTERNET6) if outer == 6 else (WAN4, INTERNET4)
        for port, algorithm in zip(PORTS, ALGORITHMS):
            number, reqid = len(self.peers), len(self.peers) + 1
            out_sa = Sa(f"out{number}", "out", 0x1000 + number, ours, nat, reqid, algorithm,
                        options={"encapsulation": {"destination_port": port}})
            in_sa = Sa(f"in{number}", "in", 0x2000 + number, nat, ours, reqid, algorithm,
                       options={"encapsulation": {"source_port": port}})
            here, there = inner_networks(number, 4)
            self.session.sas += [out_sa, in_sa]
            self.session.policy("out", "protect", here, there, reqid=reqid)
            self.session.policy("in", "protect", there, here, reqid=reqid)
            self.peers.append((number, out_sa, in_sa))

    def sealed(self, sa, packet):
        self.sequence[sa.name] = self.sequence.get(sa.name, 0) + 1
        return sa.outer(sa.seal(self.sequence[sa.name], packet))

    def receive(self, name, sa, number, reason=None, port=None):
        """Traffic of peer number in that SA."""
        probe = self.session.probe(name)
        packet = udp_packet(*inner_addresses(number, 4, outbound=False), probe.tag)
        if reason:
            self.session.drop(reason)
        else:
            probe.wants = [Plain("lan", lower_ttl(packet))]
        outer = self.sealed(sa, packet)
        self.session.wan(with_udp(outer, 0, port) if port else outer)


# conformance: J13
def tunnels(report):
    case = Peers(report)
    case.add(4)
    case.add(6)
    for _ in range(3):
        for number, out_sa, in_sa in case.peers:
            case.session.out(f"to peer {number}: its own SA and ports", out_sa,
                             lambda tag, n=number: udp_packet(*inner_addresses(n, 4), tag), look=header_wrong)
            case.receive(f"from peer {number}", in_sa, number)
            case.receive(f"from peer {number} by another's port", in_sa, number, port=PORTS[(number + 1) % len(PORTS)])
            for other, _, _ in case.peers:
                if other != number:
                    case.receive(f"from peer {number}: the traffic of peer {other}", in_sa, other, "spd_in_wrong_sa")
    case.session.run().judge()


# conformance: J14
def transport(report):
    """Two hosts behind one NAT in transport mode have one address: their ports tell them apart, or nothing does."""
    session = Session(report, "nat-transport")
    sas = {}
    for number, port in enumerate((61001, 61002)):
        for direction, ends, udp in (("out", (WAN4, INTERNET4), {"destination_port": port}),
                                     ("in", (INTERNET4, WAN4), {"source_port": port})):
            sa = Sa(f"{direction}{number}", direction, 0x1000 + number, *ends, number + 1, NULL,
                    options={"mode": "transport", "encapsulation": udp})
            sas[(direction, number)] = sa
            session.sas.append(sa)
    # Each has a port of ours; behind these, both want the rest, and the first has it.
    for number in (0, 1):
        session.policy("in", "protect", INTERNET4, WAN4, priority=1, reqid=number + 1, protocol="udp",
                       destination_port=2000 + number)
    for number in (0, 1):
        session.policy("in", "protect", INTERNET4, WAN4, priority=2 + number, reqid=number + 1)

    # The gateway itself is the end, and without a TAP there is no host: what is let in ends as punt_no_tap.
    sequence = 0
    for number in (0, 1):
        for port, owner in ((2000, 0), (2001, 1), (3000, 0)):
            sequence += 1
            session.probe(f"from host {number} to port {port}")
            packet = udp_packet(INTERNET4, WAN4, b"hello", dport=port)
            sa = sas[("in", number)]
            session.wan(sa.outer(sa.seal(sequence, packet[20:], next_header=17)))
            session.drop("punt_no_tap" if owner == number else "spd_in_wrong_sa")
    session.run().judge()


def run(report):
    tunnels(report)
    transport(report)
