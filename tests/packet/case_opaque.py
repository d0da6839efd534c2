# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""Selectors that are OPAQUE: they match packets whose field cannot be seen (RFC 4301 sections 4.4.1.1 and 7)."""

import struct

from session import INTERNET4, INTERNET6, Plain, Session, echo_packet, ip_packet, tcp_packet, udp_packet

from esp import lower_ttl


def first(source, destination, dport, ident=9, proto=17):
    return lambda tag: ip_packet(source, destination, struct.pack("!HHHH", 1000, dport, 200, 0) + tag * 8, proto=proto,
                                 more=True, ident=ident)


def later(source, destination, proto=17, ident=9):
    return lambda tag: ip_packet(source, destination, tag * 8, proto=proto, fragment=100, ident=ident)


def later_six(source, destination, named):
    """A later fragment of IPv6, whose fragment header names this header."""
    return lambda tag: ip_packet(source, destination, struct.pack("!BBHI", named, 0, 800, 7) + tag * 8, proto=44)


# conformance: G8
def outbound(report):
    session = Session(report, "opaque-out")
    ports = session.sa("ports", "out", 0x3000, 50)
    opaque = session.sa("opaque", "out", 0x3001, 51)
    ours, theirs, ours6, theirs6 = "10.1.1.0/24", "198.51.100.0/24", "2001:db8:1::/64", "2001:db8:e::/48"
    session.policy("out", "protect", ours, theirs, priority=100, reqid=50, protocol="udp", destination_port=5000)
    session.policy("out", "discard", ours, theirs, priority=110, protocol="icmp", icmp_type="opaque", icmp_code="any")
    session.policy("out", "protect", ours, theirs, priority=150, reqid=51, source_port="opaque",
                   destination_port="opaque")
    session.policy("out", "bypass", ours, theirs, priority=200)
    session.policy("out", "discard", ours6, theirs6, priority=100, protocol="opaque")
    session.policy("out", "protect", ours6, theirs6, priority=110, reqid=51, protocol="udp", destination_port="opaque")
    session.policy("out", "bypass", ours6, theirs6, priority=200)
    host, host6 = "10.1.1.5", "2001:db8:1::5"
    wan = lambda packet: [Plain("wan", lower_ttl(packet))]

    session.out("a port is no OPAQUE one", None, lambda tag: udp_packet(host, INTERNET4, tag, dport=5001), wants=wan)
    session.out("port 0 is none either", None, lambda tag: udp_packet(host, INTERNET4, tag, sport=0, dport=0), wants=wan)
    session.out("a first fragment shows its port", ports, first(host, INTERNET4, 5000))
    session.out("its later fragments do not", opaque, later(host, INTERNET4))
    session.out("a later fragment of TCP", opaque, later(host, INTERNET4, proto=6))
    session.out("a protocol without ports", opaque, lambda tag: ip_packet(host, INTERNET4, tag * 2, proto=47))
    session.out("an echo request shows its type", None, lambda tag: echo_packet(host, INTERNET4, tag), wants=wan)
    session.out_drop("a later fragment of ICMP does not", "spd_out_discard", later(host, INTERNET4, proto=1))
    session.out("IPv6: a port is no OPAQUE one", None, lambda tag: udp_packet(host6, INTERNET6, tag, dport=7), wants=wan)
    session.out("IPv6: TCP is seen", None, lambda tag: tcp_packet(host6, INTERNET6, tag, dport=7), wants=wan)
    session.out("IPv6: a later fragment that names UDP", opaque, later_six(host6, INTERNET6, 17))
    session.out_drop("IPv6: a later fragment that hides its protocol", "spd_out_discard", later_six(host6, INTERNET6, 60))
    session.run().judge()


# conformance: G8
def inbound(report):
    session = Session(report, "opaque-in")
    sa = session.sa("opaque", "in", 0x3001, 51)
    ours, theirs = "10.1.1.0/24", "10.2.1.0/24"
    session.policy("in", "protect", theirs, ours, priority=100, reqid=51, source_port="opaque")
    session.policy("in", "protect", theirs, ours, priority=200, reqid=52)

    def tunnelled(number, name, packet, reason=None):
        probe = session.probe(name)
        packet = packet(probe.tag)
        if reason:
            session.drop(reason)
        else:
            probe.wants = [Plain("lan", lower_ttl(packet))]
        session.wan(sa.outer(sa.seal(number, packet)))

    tunnelled(1, "a later fragment comes by the SA for what is OPAQUE", later("10.2.1.5", "10.1.1.5"))
    tunnelled(2, "a port does not", lambda tag: udp_packet("10.2.1.5", "10.1.1.5", tag), "spd_in_wrong_sa")
    tunnelled(3, "a first fragment does not", first("10.2.1.5", "10.1.1.5", 7), "spd_in_wrong_sa")
    session.run().judge()


def run(report):
    outbound(report)
    inbound(report)
