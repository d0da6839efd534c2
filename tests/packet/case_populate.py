# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""SAs with selectors of their own, and policies that populate from the packet (RFC 4301 sections 4.4.1.2 and 4.4.2.1)."""

from session import Plain, Session, echo_packet, tcp_packet, udp_packet

from esp import lower_ttl


def selector(source, destination, **rest):
    return {"source": source, "destination": destination} | rest


def udp(source, destination, **rest):
    return lambda tag: udp_packet(source, destination, tag, **rest)


# conformance: G10
def outbound(report):
    session = Session(report, "populate-out")
    ours, theirs, ours6, theirs6 = "10.1.0.0/16", "10.2.0.0/16", "2001:db8:1::/48", "2001:db8:2::/48"
    number = iter(range(0x3000, 0x4000))

    def sa(name, reqid, *selectors):
        return session.sa(name, "out", next(number), reqid, options={"selectors": list(selectors)} if selectors else {})

    # One reqid, several SAs: the newest that matches carries.
    wide = sa("wide", 50)
    ports = sa("ports", 50, selector(ours, theirs, protocol="udp", destination_port="2000-2999"),
               selector("10.1.50.0/24", theirs, protocol="tcp"), selector(ours6, theirs6))
    narrow = sa("narrow", 50, selector("10.1.50.7", "10.2.50.0/24", protocol="udp", destination_port=2500))
    session.policy("out", "protect", "10.1.50.0/24", theirs, reqid=50)
    session.policy("out", "protect", "10.1.51.0/24", theirs, reqid=50)
    session.policy("out", "protect", ours6, theirs6, reqid=50)
    for again in ("", ", remembered"):
        session.out(f"no selectors match but those of the wide SA{again}", wide, udp("10.1.50.5", "10.2.1.1", dport=53))
        session.out(f"the first of an SA's selectors{again}", ports, udp("10.1.50.5", "10.2.1.1"))
        session.out(f"the second{again}", ports, lambda tag: tcp_packet("10.1.50.5", "10.2.1.1", tag))
        session.out(f"the second, but not from there{again}", wide, lambda tag: tcp_packet("10.1.51.5", "10.2.1.1", tag))
        session.out(f"the third, of the other family{again}", ports, udp("2001:db8:1::5", "2001:db8:2::5", dport=9))
        session.out(f"the newest of two that match{again}", narrow, udp("10.1.50.7", "10.2.50.1", dport=2500))
        session.out(f"one address beside it{again}", ports, udp("10.1.50.8", "10.2.50.1", dport=2500))

    # Populated: only SAs made for their packets.
    sa("of all", 60)
    one = sa("one", 60, selector("10.1.60.1", "10.2.60.1", protocol="udp", source_port=1000, destination_port=2000))
    two = sa("two", 60, selector("10.1.60.2", "10.2.60.0/24"))
    ping = sa("ping", 60, selector("10.1.60.1", "10.2.60.1", protocol="icmp", icmp_type=8, icmp_code=0))
    session.policy("out", "protect", "10.1.60.0/24", theirs, reqid=60,
                   more={"populate": ["source", "destination", "protocol", "source_port", "destination_port"]})
    for again in ("", ", remembered"):
        session.out(f"populated: its own SA{again}", one, udp("10.1.60.1", "10.2.60.1"))
        session.out(f"populated: another's{again}", two, udp("10.1.60.2", "10.2.60.1"))
        session.out(f"populated: by ICMP type{again}", ping, lambda tag: echo_packet("10.1.60.1", "10.2.60.1", tag))
        session.out_drop(f"populated: another port{again}", "spd_out_no_sa", udp("10.1.60.1", "10.2.60.1", dport=2001))
        session.out_drop(f"populated: another host{again}", "spd_out_no_sa", udp("10.1.60.3", "10.2.60.1"))
    # None of the reqid has selectors: none is made for its packets.
    sa("of everybody", 70)
    session.policy("out", "protect", "10.1.70.0/24", theirs, reqid=70, more={"populate": ["source"]})
    session.out_drop("populated: an SA that is for all", "spd_out_no_sa", udp("10.1.70.1", "10.2.60.1"))
    session.run().judge()


# conformance: F3, G10
def inbound(report):
    session = Session(report, "populate-in")
    session.policy("in", "protect", "10.2.0.0/16", "10.1.0.0/16", reqid=50)
    session.policy("in", "protect", "2001:db8:2::/48", "2001:db8:1::/48", reqid=50)
    sa = session.sa("narrow", "in", 0x3000, 50, options={"selectors": [
        selector("10.2.1.0/24", "10.1.1.5", protocol="udp", source_port="100-199"),
        selector("2001:db8:2::/64", "2001:db8:1::/64")]})
    wide = session.sa("wide", "in", 0x3001, 50)
    numbers = {}

    def tunnelled(name, sa, packet, reason=None):
        probe = session.probe(name)
        packet = packet(probe.tag)
        if reason:
            session.drop(reason)
        else:
            probe.wants = [Plain("lan", lower_ttl(packet))]
        numbers[sa.name] = numbers.get(sa.name, 0) + 1
        session.wan(sa.outer(sa.seal(numbers[sa.name], packet)))

    tunnelled("what the SA's selectors say", sa, udp("10.2.1.9", "10.1.1.5", sport=150))
    tunnelled("the other family", sa, udp("2001:db8:2::9", "2001:db8:1::5"))
    tunnelled("another source", sa, udp("10.2.2.9", "10.1.1.5", sport=150), "spd_in_wrong_sa")
    tunnelled("another destination", sa, udp("10.2.1.9", "10.1.1.6", sport=150), "spd_in_wrong_sa")
    tunnelled("another port", sa, udp("10.2.1.9", "10.1.1.5", sport=200), "spd_in_wrong_sa")
    tunnelled("another protocol", sa, lambda tag: tcp_packet("10.2.1.9", "10.1.1.5", tag, sport=150), "spd_in_wrong_sa")
    tunnelled("outside of the second", sa, udp("2001:db8:2:1::9", "2001:db8:1::5"), "spd_in_wrong_sa")
    tunnelled("all of it by the SA without selectors", wide, udp("10.2.2.9", "10.1.1.6", sport=200))
    session.run().judge()


def run(report):
    outbound(report)
    inbound(report)
