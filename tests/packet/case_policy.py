# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""The SPD: protect, bypass and discard by ranges, protocols, ports and priority, and both inbound checks of RFC 4301."""

import struct

from session import (INTERNET4, INTERNET6, PEER4, Plain, Session, echo_packet, inner_addresses, inner_networks,
                     ip_packet, tcp_packet, udp_packet)

from esp import lower_ttl


# conformance: G2, G3, G5, G6
def outbound(report):
    session = Session(report, "policy-out")
    a_sa, _ = session.tunnel(10)
    b_sa, _ = session.tunnel(11)
    six_sa, _ = session.tunnel(12, inner=6, outer=6)
    ours, theirs = inner_networks(10, 4)

    # Priority: the lower number wins; among equals the one that was added first.
    session.policy("out", "discard", ours, "10.2.10.128/25", priority=10)
    session.policy("out", "protect", ours, "10.2.10.192/26", priority=5, reqid=12)
    session.policy("out", "protect", "10.1.13.0/24", "10.2.13.0/24", priority=50, reqid=11)
    session.policy("out", "discard", "10.1.13.0/24", "10.2.13.0/25", priority=50)
    # Alike in everything but priority, added in either order.
    session.policy("out", "discard", "10.1.14.0/24", "10.2.14.0/24", priority=60)
    session.policy("out", "protect", "10.1.14.0/24", "10.2.14.0/24", priority=61, reqid=11)
    session.policy("out", "discard", "10.1.15.0/24", "10.2.15.0/24", priority=61)
    session.policy("out", "protect", "10.1.15.0/24", "10.2.15.0/24", priority=60, reqid=11)
    # Address ranges that are no prefixes.
    session.policy("out", "protect", "10.1.20.10-10.1.20.20", "10.2.20.3-10.2.21.7", priority=100, reqid=11)
    # Protocols and ports.
    session.policy("out", "protect", "10.1.30.0/24", "10.2.30.0/24", priority=100, reqid=11, protocol="udp",
                   destination_port="2000-2999")
    session.policy("out", "protect", "10.1.30.0/24", "10.2.30.0/24", priority=110, reqid=12, protocol="tcp",
                   source_port=1000, destination_port=443)
    session.policy("out", "protect", "10.1.30.0/24", "10.2.30.0/24", priority=120, reqid=12, protocol="icmp",
                   icmp_type=8, icmp_code=0)
    session.policy("out", "discard", "10.1.30.0/24", "10.2.30.0/24", priority=130)
    # Bypass, to the Internet: only DNS.
    session.policy("out", "bypass", "10.1.0.0/16", "198.51.100.0/24", priority=200, protocol=17, destination_port=53)
    session.policy("out", "bypass", "2001:db8:1::/48", "2001:db8:e::/48", priority=200, protocol="udp",
                   destination_port=53)
    # An SA that is not there.
    session.policy("out", "protect", "10.1.40.0/24", "10.2.40.0/24", priority=100, reqid=9999)

    def udp(source, destination, **rest):
        return lambda tag: udp_packet(source, destination, tag, **rest)

    session.out("protect", a_sa, udp(*inner_addresses(10, 4)))
    session.out("protect, IPv6", six_sa, udp(*inner_addresses(12, 6)))
    session.out_drop("priority: discard before protect", "spd_out_discard", udp("10.1.10.5", "10.2.10.130"))
    session.out("priority: a better one inside of it", b_sa, udp("10.1.10.5", "10.2.10.200"))
    session.out("priority: just below the discarded half", a_sa, udp("10.1.10.5", "10.2.10.127"))
    session.out("equal priority: the first added", a_sa, udp("10.1.13.5", "10.2.13.5"))
    session.out_drop("alike but for priority: discard", "spd_out_discard", udp("10.1.14.5", "10.2.14.5"))
    session.out("alike but for priority: protect", a_sa, udp("10.1.15.5", "10.2.15.5"))
    for address, inside in (("10.1.20.9", 0), ("10.1.20.10", 1), ("10.1.20.20", 1), ("10.1.20.21", 0)):
        name = f"source range: {address}"
        if inside:
            session.out(name, a_sa, udp(address, "10.2.20.3"))
        else:
            session.out_drop(name, "spd_out_no_policy", udp(address, "10.2.20.3"))
    for address, inside in (("10.2.20.2", 0), ("10.2.20.255", 1), ("10.2.21.7", 1), ("10.2.21.8", 0)):
        name = f"destination range: {address}"
        if inside:
            session.out(name, a_sa, udp("10.1.20.15", address))
        else:
            session.out_drop(name, "spd_out_no_policy", udp("10.1.20.15", address))
    for port, inside in ((1999, 0), (2000, 1), (2999, 1), (3000, 0)):
        name = f"UDP port range: {port}"
        if inside:
            session.out(name, a_sa, udp("10.1.30.5", "10.2.30.5", dport=port))
        else:
            session.out_drop(name, "spd_out_discard", udp("10.1.30.5", "10.2.30.5", dport=port))
    session.out("TCP ports", b_sa, lambda tag: tcp_packet("10.1.30.5", "10.2.30.5", tag, dport=443))
    session.out_drop("TCP, another source port", "spd_out_discard",
                     lambda tag: tcp_packet("10.1.30.5", "10.2.30.5", tag, sport=1001, dport=443))
    session.out("ICMP echo request", b_sa, lambda tag: echo_packet("10.1.30.5", "10.2.30.5", tag))
    session.out_drop("ICMP echo reply", "spd_out_discard", lambda tag: echo_packet("10.1.30.5", "10.2.30.5", tag, 0))
    session.out_drop("a later fragment has no ports (RFC 4301 section 7)", "spd_out_discard",
                     lambda tag: ip_packet("10.1.30.5", "10.2.30.5", tag * 8, proto=17, fragment=100))
    session.out("a later fragment where ports do not matter", a_sa,
                lambda tag: ip_packet("10.1.10.5", "10.2.10.5", tag * 8, proto=17, fragment=100, ident=77))
    for source, internet in (("10.1.1.5", INTERNET4), ("2001:db8:1::5", INTERNET6)):
        session.out(f"bypass to {internet}", None, udp(source, internet, dport=53),
                    wants=lambda packet: [Plain("wan", lower_ttl(packet))])
        session.out_drop(f"no policy to {internet}", "spd_out_no_policy", udp(source, internet, dport=54))
    session.out_drop("no policy at all", "spd_out_no_policy", udp("10.1.99.5", "10.2.99.5"))
    session.out_drop("IPv4 policies do not cover IPv6", "spd_out_no_policy", udp("2001:db8:1:a::5", "2001:db8:2:a::5"))
    # Two SAs of one reqid: the newest carries the traffic.
    session.sa("older", "out", 0x1501, 60)
    newer = session.sa("newer", "out", 0x1502, 60)
    session.policy("out", "protect", "10.1.60.0/24", "10.2.60.0/24", priority=100, reqid=60)
    session.out("the newest SA of a reqid", newer, udp("10.1.60.5", "10.2.60.5"))
    session.out_drop("no SA for the reqid", "spd_out_no_sa", udp("10.1.40.5", "10.2.40.5"))
    session.run().judge()


# conformance: B5, C3, F3, F4, G1, L3
def inbound(report):
    session = Session(report, "policy-in")
    _, a_sa = session.tunnel(10)
    _, b_sa = session.tunnel(11)
    _, six_sa = session.tunnel(12, inner=6, outer=4)
    narrow = session.sa("narrow", "in", 0x3000, 50)
    session.policy("in", "protect", "10.2.50.0/24", "10.1.50.0/24", priority=100, reqid=50, protocol="tcp",
                   destination_port="80-81")
    session.policy("in", "bypass", "198.51.100.0/24", "10.1.60.0/24", priority=100, protocol="udp", source_port=53)
    session.policy("in", "bypass", "2001:db8:e::/48", "2001:db8:1:60::/64", priority=100)
    session.policy("in", "discard", "198.51.100.0/24", "10.1.60.0/24", priority=200)
    session.policy("in", "bypass", "10.2.70.0/24", "10.1.70.0/24", priority=100)
    # One SPI for two destinations is two SAs.
    same4 = session.sa("same SPI, IPv4", "in", 0x5555, 80)
    same6 = session.sa("same SPI, IPv6", "in", 0x5555, 81, outer=6)
    session.policy("in", "protect", "10.2.80.0/24", "10.1.80.0/24", reqid=80)
    session.policy("in", "protect", "10.2.81.0/24", "10.1.81.0/24", reqid=81)
    counters = {}

    def clear(name, packet, reason=None):
        probe = session.probe(name)
        packet = packet(probe.tag)
        if reason:
            session.drop(reason)
        else:
            probe.wants = [Plain("lan", lower_ttl(packet))]
        session.wan(packet)

    def tunnelled(name, sa, packet, reason=None):
        probe = session.probe(name)
        packet = packet(probe.tag)
        counters[sa.name] = counters.get(sa.name, 0) + 1
        if reason:
            session.drop(reason)
        else:
            probe.wants = [Plain("lan", lower_ttl(packet))]
        session.wan(sa.outer(sa.seal(counters[sa.name], packet)))

    def udp(source, destination, **rest):
        return lambda tag: udp_packet(source, destination, tag, **rest)

    to_a, to_b = inner_addresses(10, 4, outbound=False), inner_addresses(11, 4, outbound=False)
    to_six = inner_addresses(12, 6, outbound=False)
    # RFC 4301 section 5.2, step 3: clear text.
    clear("clear text that should have been protected", udp(*to_a), "spd_in_clear")
    clear("the same, IPv6", udp(*to_six), "spd_in_clear")
    clear("clear text by a bypass rule", udp(INTERNET4, "10.1.60.5", sport=53))
    clear("clear text by a bypass rule, IPv6", udp(INTERNET6, "2001:db8:1:60::5"))
    clear("clear text to discard", udp(INTERNET4, "10.1.60.5", sport=54), "spd_in_discard")
    clear("clear text without a policy", udp(INTERNET4, "10.1.61.5", sport=53), "spd_in_no_policy")
    clear("clear text to the gateway itself", lambda tag: echo_packet(PEER4, "192.0.2.1", tag), "spd_in_no_policy")
    # Step 4: the packet out of the tunnel.
    tunnelled("the SA's own policy", a_sa, udp(*to_a))
    tunnelled("the SA's own policy, IPv6", six_sa, udp(*to_six))
    tunnelled("another SA's traffic", a_sa, udp(*to_b), "spd_in_wrong_sa")
    tunnelled("source and destination swapped", a_sa, udp(*reversed(to_a)), "spd_in_wrong_sa")
    tunnelled("traffic that a bypass rule covers", a_sa, udp("10.2.70.5", "10.1.70.5"), "spd_in_wrong_sa")
    tunnelled("traffic that is to be discarded", a_sa, udp(INTERNET4, "10.1.60.5"), "spd_in_wrong_sa")
    tunnelled("traffic without a policy", a_sa, udp("10.2.99.5", "10.1.99.5"), "spd_in_wrong_sa")
    tunnelled("the other family", a_sa, udp(*to_six), "spd_in_wrong_sa")
    tunnelled("ports inside the range", narrow,
              lambda tag: tcp_packet("10.2.50.5", "10.1.50.5", tag, dport=81))
    tunnelled("ports outside the range", narrow,
              lambda tag: tcp_packet("10.2.50.5", "10.1.50.5", tag, dport=82), "spd_in_wrong_sa")
    tunnelled("another protocol", narrow, udp("10.2.50.5", "10.1.50.5", dport=80), "spd_in_wrong_sa")
    tunnelled("a later fragment against ports", narrow,
              lambda tag: ip_packet("10.2.50.5", "10.1.50.5", tag * 8, proto=6, fragment=50), "spd_in_wrong_sa")
    tunnelled("one SPI, IPv4 destination", same4, udp("10.2.80.5", "10.1.80.5"))
    tunnelled("one SPI, IPv6 destination", same6, udp("10.2.81.5", "10.1.81.5"))
    tunnelled("one SPI, the traffic of the other", same4, udp("10.2.81.5", "10.1.81.5"), "spd_in_wrong_sa")
    probe = session.probe("the SPI of one SA with the keys of another")
    mixed = a_sa.seal(77, udp_packet(*to_a, probe.tag))
    session.wan(b_sa.outer(struct.pack("!I", b_sa.spi) + mixed[4:]))
    session.drop("esp_integrity")
    tunnelled("the other tunnel still works", b_sa, udp(*to_b))
    session.run().judge()


# conformance: F6, G7
def fragments(report, narrow):
    """A later fragment shows no ports: it is not bypassed while a policy that looks at ports may mean its packet."""
    session = Session(report, f"policy-fragments-{'narrow' if narrow else 'wide'}", config={"fragments": "refuse"})
    sa = session.sa("narrow", "out", 0x3000, 50)
    ours, theirs = "10.1.1.0/24", "198.51.100.0/24"
    ours6, theirs6 = "2001:db8:1::/64", "2001:db8:e::/48"
    if narrow:
        session.policy("out", "protect", ours, theirs, priority=100, reqid=50, protocol="udp", destination_port=5000)
        session.policy("in", "protect", theirs, ours, priority=100, reqid=50, protocol="udp", source_port=5000)
        # Of IPv6 the protocol may be hidden too.
        session.policy("out", "discard", ours6, theirs6, priority=100, protocol="tcp")
        session.policy("in", "discard", theirs6, ours6, priority=100, protocol="tcp")
    for one, other in ((ours, theirs), (ours6, theirs6)):
        session.policy("out", "bypass", one, other, priority=200)
        session.policy("in", "bypass", other, one, priority=200)

    def first(source, destination, sport, dport):
        return lambda tag: ip_packet(source, destination, struct.pack("!HHHH", sport, dport, 200, 0) + tag * 8, proto=17,
                                     more=True, ident=9)

    def later(source, destination):
        if ":" in source:  # behind a fragment header, whose packet begins with a header that this piece does not have
            return lambda tag: ip_packet(source, destination, struct.pack("!BBHI", 60, 0, 800, 7) + tag * 8, proto=44)
        return lambda tag: ip_packet(source, destination, tag * 8, proto=17, fragment=100, ident=9)

    def inward(name, packet, reason=None):
        probe = session.probe(name)
        packet = packet(probe.tag)
        if reason:
            session.drop(reason)
        else:
            probe.wants = [Plain("lan", lower_ttl(packet))]
        session.wan(packet)

    wan = lambda packet: [Plain("wan", lower_ttl(packet))]
    if narrow:
        session.out("the first fragment shows the port", sa, first("10.1.1.5", INTERNET4, 1000, 5000))
        inward("and in clear it is not let in", first(INTERNET4, "10.1.1.5", 5000, 1000), "spd_in_clear")
    session.out("a first fragment for another port", None, first("10.1.1.5", INTERNET4, 1000, 5001), wants=wan)
    inward("a first fragment from another port", first(INTERNET4, "10.1.1.5", 5001, 1000))
    for inside, outside in (("10.1.1.5", INTERNET4), ("2001:db8:1::5", INTERNET6)):
        if narrow:
            session.out_drop(f"a later fragment to {outside}", "spd_out_fragment", later(inside, outside))
            inward(f"a later fragment from {outside}", later(outside, inside), "spd_in_fragment")
        else:
            session.out(f"a later fragment to {outside}", None, later(inside, outside), wants=wan)
            inward(f"a later fragment from {outside}", later(outside, inside))
    session.run().judge()


def run(report):
    fragments(report, narrow=True)
    fragments(report, narrow=False)
    outbound(report)
    inbound(report)
