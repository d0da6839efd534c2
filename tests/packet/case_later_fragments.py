# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""Stateful fragment checking (RFC 4301 section 7, approach 3): later fragments in transit are judged as their first."""

import itertools
import struct

from session import INTERNET4, INTERNET6, Plain, Session, ip_packet

from esp import lower_ttl

OURS4, THEIRS4, OURS6, THEIRS6 = "10.1.1.0/24", "198.51.100.0/24", "2001:db8:1::/64", "2001:db8:e::/48"
HOST4, HOST6 = "10.1.1.5", "2001:db8:1::5"


class Flow:
    """A fragmented UDP packet of either family, whose pieces are made one by one, with gaps between, so that each is seen
    alone."""

    def __init__(self, source, destination, sport, dport, ident, proto=17):
        self.source, self.destination, self.ident, self.proto = source, destination, ident, proto
        self.ports = struct.pack("!HHHH", sport, dport, 208, 0)

    def piece(self, offset, more, data, named=None):
        if ":" not in self.source:
            return ip_packet(self.source, self.destination, data, proto=self.proto, fragment=offset // 8, more=more,
                             ident=self.ident)
        header = struct.pack("!BBHI", named or self.proto, 0, offset | more, self.ident)
        return ip_packet(self.source, self.destination, header + data, proto=44)

    def first(self, tag):
        return self.piece(0, True, self.ports + tag * 8)

    def middle(self, tag, offset=96):
        return self.piece(offset, True, tag * 8)

    def last(self, tag, offset=184, named=None):
        return self.piece(offset, False, tag * 7, named)


class Case:
    def __init__(self, report, name, **rest):
        self.session = session = Session(report, name, **rest)
        self.out_sa = session.sa("narrow", "out", 0x3000, 50)
        self.in_sas = {reqid: session.sa(f"in {reqid}", "in", 0x3000 + reqid, reqid) for reqid in (50, 60)}
        self.numbers = dict.fromkeys(self.in_sas, 0)
        self.ident = 100
        for one, other in ((OURS4, THEIRS4), (OURS6, THEIRS6)):
            session.policy("out", "protect", one, other, priority=100, reqid=50, protocol="udp", destination_port=5000)
            session.policy("in", "protect", other, one, priority=100, reqid=50, protocol="udp", source_port=5000)
            session.policy("out", "discard", one, other, priority=110, protocol="udp", destination_port="6000-6999")
            session.policy("in", "discard", other, one, priority=110, protocol="udp", source_port="6000-6999")
            session.policy("out", "bypass", one, other, priority=200)
            session.policy("in", "bypass", other, one, priority=200, protocol="udp", source_port=7000)
            session.policy("in", "protect", other, one, priority=210, reqid=60)

    def flow(self, port, outbound, family, proto=17):
        self.ident += 1
        if outbound:
            return Flow(*((HOST4, INTERNET4) if family == 4 else (HOST6, INTERNET6)), 1000, port, self.ident, proto)
        return Flow(*((INTERNET4, HOST4) if family == 4 else (INTERNET6, HOST6)), port, 1000, self.ident, proto)

    def out(self, name, packet, kind):
        """kind: "protect", "bypass", or the reason of the drop."""
        if kind == "protect":
            self.session.out(name, self.out_sa, packet)
        elif kind == "bypass":
            self.session.out(name, None, packet, wants=lambda packet: [Plain("wan", lower_ttl(packet))])
        else:
            self.session.out_drop(name, kind, packet)

    def inward(self, name, packet, kind, reqid=None):
        """In clear, or by the SA of reqid; kind: None, or the reason of the drop."""
        probe = self.session.probe(name)
        packet = packet(probe.tag)
        if kind:
            self.session.drop(kind)
        else:
            probe.wants = [Plain("lan", lower_ttl(packet))]
        if reqid:
            self.numbers[reqid] += 1
            packet = self.in_sas[reqid].outer(self.in_sas[reqid].seal(self.numbers[reqid], packet))
        self.session.wan(packet)


# conformance: F6, G9
def decisions(report, name, **rest):
    case = Case(report, name, **rest)
    for family, (port, kind) in itertools.product((4, 6), ((5000, "protect"), (5001, "bypass"),
                                                           (6500, "spd_out_discard"))):
        flow = case.flow(port, True, family)
        case.out(f"IPv{family} {kind}: first", flow.first, kind)
        case.out(f"IPv{family} {kind}: middle", flow.middle, kind)
        case.out(f"IPv{family} {kind}: last", flow.last, kind)
        case.out(f"IPv{family} {kind}: the last once more", flow.last, kind)
    for family, (port, kind) in itertools.product((4, 6), ((5000, "spd_in_clear"), (7000, None),
                                                           (6500, "spd_in_discard"))):
        flow = case.flow(port, False, family)
        case.inward(f"IPv{family} in clear from {port}: first", flow.first, kind)
        case.inward(f"IPv{family} in clear from {port}: middle", flow.middle, kind)
        case.inward(f"IPv{family} in clear from {port}: last", flow.last, kind)
    for family, (port, reqid, kind) in itertools.product((4, 6), (
            (5000, 50, None), (5001, 60, None), (5001, 50, "spd_in_wrong_sa"), (5000, 60, "spd_in_wrong_sa"))):
        flow = case.flow(port, False, family)
        case.inward(f"IPv{family} from {port} by the SA of {reqid}: first", flow.first, kind, reqid)
        case.inward(f"IPv{family} from {port} by the SA of {reqid}: middle", flow.middle, kind, reqid)
        case.inward(f"IPv{family} from {port} by the SA of {reqid}: last", flow.last, kind, reqid)
    case.session.run().judge()


# conformance: G9
def hostile(report):
    case = Case(report, "later-fragments-hostile")
    for family in (4, 6):
        flow = case.flow(5001, True, family)
        case.out(f"IPv{family}: a later fragment without a first", flow.last, "spd_out_fragment")
        case.out(f"IPv{family}: the first after it", flow.first, "bypass")
        case.out(f"IPv{family}: and the later one again", flow.last, "bypass")
        flow.ident += 1000
        case.out(f"IPv{family}: of another identification", flow.last, "spd_out_fragment")
        flow = case.flow(5001, True, family)
        case.out(f"IPv{family}: a first one of 80 bytes", flow.first, "bypass")
        case.out(f"IPv{family}: one that begins inside it", lambda tag: flow.middle(tag, 72), "fragment_overlap")
        case.out(f"IPv{family}: one that would replace the ports", lambda tag: flow.middle(tag, 8), "fragment_overlap")
        case.out(f"IPv{family}: one that begins at its end", lambda tag: flow.middle(tag, 80), "bypass")
        # What is said in clear is no word about a tunnel, nor that of one tunnel about another.
        flow = case.flow(7000, False, family)
        case.inward(f"IPv{family}: a first one in clear", flow.first, None)
        case.inward(f"IPv{family}: a later one by a tunnel", flow.last, "spd_in_fragment", 60)
        flow = case.flow(5001, False, family)
        case.inward(f"IPv{family}: a first one by a tunnel", flow.first, None, 60)
        case.inward(f"IPv{family}: a later one in clear", flow.last, "spd_in_clear")
        case.inward(f"IPv{family}: a later one by another tunnel", flow.last, "spd_in_wrong_sa", 50)
        case.inward(f"IPv{family}: a later one by the same", flow.last, None, 60)
        # Identifications come round: the newest first one speaks.
        flow = case.flow(5001, True, family)
        other = Flow(flow.source, flow.destination, 1000, 5000, flow.ident)
        case.out(f"IPv{family}: to bypass", flow.first, "bypass")
        case.out(f"IPv{family}: the identification again, to protect", other.first, "protect")
        case.out(f"IPv{family}: a later one belongs to the newest", other.last, "protect")
    # A later fragment of IPv6 may name what it likes.
    flow = case.flow(5000, True, 6)
    case.out("IPv6: a first one to protect", flow.first, "protect")
    case.out("IPv6: a later one that claims to be TCP", lambda tag: flow.last(tag, named=6), "protect")
    case.out("IPv6: one that claims to hold options", lambda tag: flow.last(tag, 224, named=60), "protect")
    flow = case.flow(5000, True, 6)
    case.out("IPv6: TCP, says one that nobody knows", lambda tag: flow.last(tag, named=6), "spd_out_fragment")
    # A first fragment that leaves its upper-layer header to the next one shows nothing (RFC 7112).
    case.out("IPv6: a first one without its UDP header", lambda tag: flow.piece(
        0, True, bytes((17, 8, 0x1e, 68)) + tag * 7 + bytes(5), named=60), "spd_out_fragment")
    case.out("IPv6: the next one", lambda tag: flow.piece(72, False, flow.ports + tag * 7, named=60), "spd_out_fragment")
    # A protocol without ports hides nothing.
    flow = case.flow(0, True, 4, proto=47)
    case.out("GRE: a later fragment without a first", flow.last, "bypass")
    case.session.run().judge()


# conformance: G9
def precedence(report):
    """What decides before any policy that looks at ports needs no first fragment."""
    session = Session(report, "later-fragments-precedence")
    out_sa, in_sa = session.tunnel(10)
    session.policy("out", "discard", "10.1.0.0/16", "10.2.0.0/16", priority=2000, protocol="udp", destination_port=7)
    session.policy("in", "discard", "10.2.0.0/16", "10.1.0.0/16", priority=2000, protocol="udp", source_port="7-8")
    ours, theirs = Flow("10.1.10.5", "10.2.10.5", 1, 2, 5), Flow("10.2.10.5", "10.1.10.5", 1, 2, 5)
    session.out("outbound", out_sa, ours.last)
    probe = session.probe("inbound")
    packet = theirs.last(probe.tag)
    probe.wants = [Plain("lan", lower_ttl(packet))]
    session.wan(in_sa.outer(in_sa.seal(1, packet)))
    session.run().judge()


def run(report):
    decisions(report, "later-fragments")
    decisions(report, "later-fragments-two-workers", workers=(0, 1), lan={"rss": "software"}, wan={"rss": "software"})
    hostile(report)
    precedence(report)
