# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""ICMP errors of routers that are in no traffic selector, and what errors quote (RFC 4301 section 6.2)."""

from scapy.layers.inet import ICMP
from scapy.layers.inet6 import ICMPv6DestUnreach, ICMPv6PacketTooBig, ICMPv6TimeExceeded
from scapy.packet import Raw

from esp import lower_ttl
from session import (INTERNET4, LAN4, LAN6, Icmp, Plain, Session, echo_packet, inner_addresses, inner_networks,
                     ip_packet, tcp_packet, udp_packet)

ROUTER4, ROUTER6 = "10.1.200.1", "2001:db8:1:200::1"        # behind the gateway, in no policy
FAR4, FAR6 = "10.2.200.1", "2001:db8:2:200::1"              # behind the peer, likewise
PLAIN = 40


def error(source, destination, quoted, kind=3, code=1, tag=b"", v6=None, **header):
    """An ICMP error about the packet quoted, of which what is not IP is the whole rest; the tag behind it."""
    if ":" in source:
        return ip_packet(source, destination, (v6 or ICMPv6DestUnreach(code=3)) / Raw(quoted + tag), **header)
    return ip_packet(source, destination, ICMP(type=kind, code=code) / Raw(quoted + tag), **header)


def selector(source, destination, **rest):
    return {"source": source, "destination": destination} | rest


def rig(report, name, config=None):
    """Tunnel 10 and 12 carry anything between two networks, of IPv4 and IPv6, 11 only what its policy's ports say."""
    session = Session(report, name, config=config)
    pairs = {number: session.tunnel(number, inner, outer) for number, inner, outer in ((10, 4, 4), (12, 6, 6))}
    ours, theirs = inner_networks(11, 4)
    pairs[11] = (session.sa("out11", "out", 0x100B, 12), session.sa("in11", "in", 0x200B, 12))
    session.policy("out", "protect", ours, theirs, reqid=12, protocol="udp", source_port=1000)
    session.policy("in", "protect", theirs, ours, reqid=12, protocol="udp", destination_port=1000)
    session.policy("out", "protect", ours, theirs, reqid=12, protocol="icmp", icmp_type=0)
    session.policy("in", "protect", theirs, ours, reqid=12, protocol="icmp", icmp_type=8)
    # No SA at all, an SA narrower than its policy, and clear text.
    session.policy("out", "protect", *inner_networks(13, 4), reqid=99)
    session.policy("in", "protect", *inner_networks(13, 4)[::-1], reqid=99)
    hosts = inner_addresses(14, 4)
    pairs[14] = (session.sa("out14", "out", 0x100E, 15, options={"selectors": [selector(*hosts)]}),
                 session.sa("in14", "in", 0x200E, 15, options={"selectors": [selector(*hosts[::-1])]}))
    session.policy("out", "protect", *inner_networks(14, 4), reqid=15)
    session.policy("in", "protect", *inner_networks(14, 4)[::-1], reqid=15)
    session.policy("out", "bypass", inner_networks(PLAIN, 4)[0], "198.51.100.0/24")
    session.policy("in", "bypass", "198.51.100.0/24", inner_networks(PLAIN, 4)[0])
    return session, pairs


# conformance: G11
def outbound(report):
    session, pairs = rig(report, "icmp-transit-out")
    here, there = inner_addresses(10, 4)
    here6, there6 = inner_addresses(12, 6)

    def came(source, destination, **rest):
        """What the peer's host sent to ours, the rest of which does not matter."""
        return udp_packet(source, destination, bytes(8), **rest)

    def goes(name, sa, packet):
        session.out(name, sa, lambda tag: packet(tag))

    def lost(name, packet, reason="spd_out_icmp_error"):
        session.out_drop(name, reason, packet)

    about, about6 = came(there, here), came(there6, here6)
    for what, kind, code in (("host unreachable", 3, 1), ("too big", 3, 4), ("time exceeded", 11, 0), ("parameter", 12, 0)):
        goes(f"a router's {what}", pairs[10][0], lambda tag: error(ROUTER4, there, about, kind, code, tag))
    for what, kind in (("unreachable", ICMPv6DestUnreach(code=0)), ("too big", ICMPv6PacketTooBig(mtu=1280)),
                       ("time exceeded", ICMPv6TimeExceeded())):
        goes(f"IPv6: a router's {what}", pairs[12][0], lambda tag: error(ROUTER6, there6, about6, tag=tag, v6=kind))
    goes("a header that the policies let pass", pairs[10][0], lambda tag: error("10.1.10.1", there, about, tag=tag))
    goes("behind IPv4 options", pairs[10][0],
         lambda tag: error(ROUTER4, there, ip_packet(there, here, Raw(bytes(16)), proto=17, options=b"\1\1\1\1"), tag=tag))
    goes("the quote's header and eight bytes", pairs[10][0], lambda tag: error(ROUTER4, there, about[:28] + tag))

    # By ports, which are the quoted packet's reversed; an echo's answer has another type.
    ours, theirs = inner_addresses(11, 4)
    goes("by ports", pairs[11][0], lambda tag: error(ROUTER4, theirs, came(theirs, ours, sport=7, dport=1000), tag=tag))
    lost("by other ports", lambda tag: error(ROUTER4, theirs, came(theirs, ours, sport=1000, dport=7), tag=tag))
    lost("by another protocol", lambda tag: error(ROUTER4, theirs, tcp_packet(theirs, ours, b"", 7, 1000), tag=tag))
    goes("about an echo request", pairs[11][0],
         lambda tag: error(ROUTER4, theirs, echo_packet(theirs, ours, bytes(8)), tag=tag))
    lost("about an echo reply", lambda tag: error(ROUTER4, theirs, echo_packet(theirs, ours, bytes(8), kind=0), tag=tag))
    lost("about a later fragment, which shows no ports",
         lambda tag: error(ROUTER4, theirs, came(theirs, ours, sport=7, dport=1000, fragment=3), tag=tag))
    goes("about a later fragment where no ports matter", pairs[10][0],
         lambda tag: error(ROUTER4, there, came(there, here, fragment=3), tag=tag))

    one, other = inner_addresses(14, 4)
    goes("by an SA's own selectors", pairs[14][0], lambda tag: error(ROUTER4, other, came(other, one), tag=tag))
    lost("outside of the SA's selectors",
         lambda tag: error(ROUTER4, other, came(other, "10.1.14.6"), tag=tag))

    # What names no SA.
    lost("a quote that was not turned round", lambda tag: error(ROUTER4, there, came(here, there), tag=tag))
    lost("to another than the quoted packet's source", lambda tag: error(ROUTER4, "10.2.10.6", about, tag=tag))
    lost("about traffic of no policy", lambda tag: error(ROUTER4, FAR4, came(FAR4, here), tag=tag))
    lost("about traffic in clear",
         lambda tag: error(ROUTER4, INTERNET4, came(INTERNET4, inner_addresses(PLAIN, 4)[0]), tag=tag))
    lost("a policy without an SA: none is asked for",
         lambda tag: error(ROUTER4, inner_addresses(13, 4)[1], came(*inner_addresses(13, 4, False)), tag=tag))
    lost("a quote cut short", lambda tag: error(ROUTER4, there, about[:19]))
    lost("no quote at all", lambda tag: error(ROUTER4, there, b""))
    lost("a quote of the other family", lambda tag: error(ROUTER4, there, about6, tag=tag))
    lost("no error: a redirect", lambda tag: error(ROUTER4, there, about, 5, 1, tag), "spd_out_no_policy")
    lost("no error: an echo", lambda tag: echo_packet(ROUTER4, there, about + tag), "spd_out_no_policy")

    # A policy that discards ICMP means errors; one that discards whatever comes does not.
    session.policy("out", "discard", "10.1.201.0/24", "0.0.0.0/0", protocol="icmp", priority=10)
    session.policy("out", "discard", "10.1.202.0/24", "0.0.0.0/0", priority=10)
    lost("discarded as ICMP", lambda tag: error("10.1.201.1", there, about, tag=tag), "spd_out_discard")
    goes("discarded with all else", pairs[10][0], lambda tag: error("10.1.202.1", there, about, tag=tag))
    session.run().judge()


# conformance: G11
def own(report):
    """The gateway's errors about packets out of a tunnel, from an address that is in no policy."""
    session, pairs = rig(report, "icmp-transit-own")
    for name, number, source, kind, code in (("IPv4", 10, LAN4, 11, 0), ("IPv6", 12, LAN6, 3, 0)):
        probe = session.probe(f"{name}: time exceeded, through the tunnel")
        packet = udp_packet(*inner_addresses(number, 6 if number == 12 else 4, False), probe.tag, ttl=1)
        probe.wants = [Icmp("wan", packet, kind, code, source=source, sa=pairs[number][0])]
        session.wan(pairs[number][1].outer(pairs[number][1].seal(1, packet)))
        session.drop("ip_ttl")
    session.run().judge()


# conformance: F7
def inbound(report, checked):
    name = "icmp-transit-in" + ("" if checked else "-unchecked")
    session, pairs = rig(report, name, {} if checked else {"check_icmp_quotes": False})
    session.policy("in", "discard", "10.2.201.0/24", "0.0.0.0/0", protocol="icmp", priority=10)
    session.policy("in", "discard", "10.2.202.0/24", "0.0.0.0/0", priority=10)
    session.policy("in", "bypass", "10.2.203.0/24", "0.0.0.0/0", priority=10)
    numbers = {}

    def tunnelled(name, number, packet, reason=None):
        sa = pairs[number][1]
        probe = session.probe(name)
        packet = packet(probe.tag)
        if reason:
            session.drop(reason)
        else:
            probe.wants = [Plain("lan", lower_ttl(packet))]
        numbers[number] = numbers.get(number, 0) + 1
        session.wan(sa.outer(sa.seal(numbers[number], packet)))

    def went(source, destination, **rest):
        return udp_packet(source, destination, bytes(8), **rest)

    here, there = inner_addresses(10, 4)
    here6, there6 = inner_addresses(12, 6)
    about, about6, no = went(here, there), went(here6, there6), "spd_in_icmp_error"
    for what, kind, code in (("host unreachable", 3, 1), ("too big", 3, 4), ("time exceeded", 11, 0)):
        tunnelled(f"a far router's {what}", 10, lambda tag: error(FAR4, here, about, kind, code, tag))
    tunnelled("IPv6: a far router's too big", 12,
              lambda tag: error(FAR6, here6, about6, tag=tag, v6=ICMPv6PacketTooBig(mtu=1280)))
    tunnelled("the same by another SA", 11, lambda tag: error(FAR4, here, about, tag=tag), no)
    tunnelled("a quote that was not turned round", 10, lambda tag: error(FAR4, here, went(there, here), tag=tag), no)
    tunnelled("to another than the quoted packet's source", 10, lambda tag: error(FAR4, "10.1.10.6", about, tag=tag), no)
    tunnelled("about traffic of another tunnel", 10,
              lambda tag: error(FAR4, inner_addresses(11, 4)[0], went(*inner_addresses(11, 4)), tag=tag), no)
    tunnelled("about traffic in clear", 10,
              lambda tag: error(FAR4, inner_addresses(PLAIN, 4)[0], went(inner_addresses(PLAIN, 4)[0], INTERNET4), tag=tag),
              no)
    tunnelled("a quote cut short", 10, lambda tag: error(FAR4, here, about[:19]), no)
    tunnelled("a redirect", 10, lambda tag: error(FAR4, here, about, 5, 1, tag), "spd_in_wrong_sa")
    ours, theirs = inner_addresses(11, 4)
    tunnelled("by ports", 11, lambda tag: error(FAR4, ours, went(ours, theirs, sport=1000, dport=9), tag=tag))
    tunnelled("by other ports", 11, lambda tag: error(FAR4, ours, went(ours, theirs, sport=9, dport=1000), tag=tag), no)
    tunnelled("about an echo reply", 11,
              lambda tag: error(FAR4, ours, echo_packet(ours, theirs, bytes(8), kind=0), tag=tag))
    one, other = inner_addresses(14, 4)
    tunnelled("by the SA's own selectors", 14, lambda tag: error(FAR4, one, went(one, other), tag=tag))
    tunnelled("outside of them", 14, lambda tag: error(FAR4, "10.1.14.6", went("10.1.14.6", other), tag=tag), no)
    tunnelled("discarded as ICMP", 10, lambda tag: error("10.2.201.1", here, about, tag=tag), "spd_in_discard")
    tunnelled("discarded with all else", 10, lambda tag: error("10.2.202.1", here, about, tag=tag))
    tunnelled("bypassed if it came in clear", 10, lambda tag: error("10.2.203.1", here, about, tag=tag))

    # What policies and selectors let pass: its quote matters where it is to be checked.
    unless = no if checked else None
    tunnelled("an error of the other host", 10, lambda tag: error(there, here, about, tag=tag))
    tunnelled("about traffic of another tunnel, from within", 10,
              lambda tag: error(there, here, went(here, theirs), tag=tag), unless)
    tunnelled("about what nobody sent, from within", 10, lambda tag: error(there, here, tag + bytes(60)), unless)
    session.run().judge()


def run(report):
    outbound(report)
    own(report)
    inbound(report, True)
    inbound(report, False)
