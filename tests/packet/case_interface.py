# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""Tunnel interfaces: routes lead into them, and each has policies and SAs of its own, though all of them are for everything."""

from session import INTERNET4, PEER4, WAN4, Plain, Session, udp_packet

from esp import Sa, lower_ttl

EVERY4, EVERY6 = "0.0.0.0/0", "::/0"
INTERFACES = {"esp1": 101, "esp2": 102, "mute": 103, "narrow": 105, "loop": 106}


class Tunnels:
    def __init__(self, report, outer):
        routes = [{"destination": "10.1.0.0/16", "gateway": "10.1.255.2", "port": "lan"},
                  {"destination": "2001:db8:1::/48", "gateway": "2001:db8:1:ffff::2", "port": "lan"},
                  {"destination": "198.51.100.0/24", "gateway": PEER4, "port": "wan"}]
        for number, name in enumerate(INTERFACES, 1):
            routes += [{"destination": f"10.2.{number}.0/24", "port": name},
                       {"destination": f"2001:db8:2:{number:x}::/64", "port": name}]
        interfaces = [{"name": name, "if_id": if_id} for name, if_id in INTERFACES.items()]
        self.session = Session(report, f"interface-{outer}", config={"interfaces": interfaces, "routes": routes})
        self.sas = {if_id: self.pair(if_id, outer) for if_id in (101, 102, 104)}
        self.sas[105] = self.pair(105, outer, networks=["10.2.4.0/25"])
        # Its peer lies behind an interface.
        self.session.sas.append(Sa("loop", "out", 0x1000 + 106, WAN4, "10.2.1.77", 7, options={"if_id": 106}))
        self.session.policy("out", "protect", EVERY4, EVERY4, reqid=7, more={"if_id": 106})
        # Of no interface, and of more precedence than any other: for traffic that a route leads elsewhere.
        self.session.policy("out", "discard", EVERY4, EVERY4, priority=1)
        self.session.policy("in", "discard", EVERY4, EVERY4, priority=1)

    def pair(self, if_id, outer, networks=(EVERY4, EVERY6)):
        """SAs of the same reqid as those of all others, and policies for everything, or these networks of the peer."""
        options = {"if_id": if_id}
        sas = [self.session.sa(f"{direction}{if_id}", direction, spi + if_id, 7, outer, options=options)
               for direction, spi in (("out", 0x1000), ("in", 0x2000))]
        for theirs in networks:
            ours = EVERY6 if ":" in theirs else EVERY4
            self.session.policy("out", "protect", ours, theirs, reqid=7, more=options)
            self.session.policy("in", "protect", theirs, ours, reqid=7, more=options)
        return sas

    def receive(self, name, if_id, packet, reason=None):
        probe = self.session.probe(name)
        inner = packet(probe.tag)
        if reason:
            self.session.drop(reason)
        else:
            probe.wants = [Plain("lan", lower_ttl(inner))]
        sa = self.sas[if_id][1]
        sa.next = getattr(sa, "next", 0) + 1
        self.session.wan(sa.outer(sa.seal(sa.next, inner)))


def udp(source, destination):
    return lambda tag: udp_packet(source, destination, tag)


# conformance: G12
def interfaces(report, outer):
    case = Tunnels(report, outer)
    session = case.session
    for number, if_id in ((1, 101), (2, 102)):
        sa = case.sas[if_id][0]
        session.out(f"into interface {number}", sa, udp("10.1.0.5", f"10.2.{number}.5"))
        session.out(f"into interface {number}, IPv6", sa, udp("2001:db8:1::5", f"2001:db8:2:{number}::5"))
        case.receive(f"out of interface {number}", if_id, udp(f"10.2.{number}.5", "10.1.0.5"))
        case.receive(f"out of interface {number}, IPv6", if_id, udp(f"2001:db8:2:{number}::5", "2001:db8:1::5"))
    # Policies for everything take every source: the SA says which interface it came out of, and no other is asked.
    case.receive("another's addresses", 102, udp("10.2.1.5", "10.1.0.5"))
    session.out_drop("no policy of the interface, and none of no interface", "interface_no_policy",
                     udp("10.1.0.5", "10.2.3.5"))
    session.out("the networks of its policies", case.sas[105][0], udp("10.1.0.5", "10.2.4.5"))
    session.out_drop("and no others", "interface_no_policy", udp("10.1.0.5", "10.2.4.200"))
    case.receive("their traffic", 105, udp("10.2.4.5", "10.1.0.5"))
    case.receive("by the wrong interface", 105, udp("10.2.1.5", "10.1.0.5"), "spd_in_wrong_sa")
    session.out_drop("a peer behind an interface", "interface_loop", udp("10.1.0.5", "10.2.5.5"))
    case.receive("an SA whose interface is not there", 104, udp("10.2.1.5", "10.1.0.5"), "interface_down")
    session.out_drop("a route elsewhere: the policies of no interface", "spd_out_discard", udp("10.1.0.5", INTERNET4))
    session.run().judge()


def run(report):
    interfaces(report, 4)
    interfaces(report, 6)
