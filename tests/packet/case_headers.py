# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""Headers: what of the inner one shows outside and the reverse (RFC 4301 section 5.1.2, RFC 6040), TTL and ICMP."""

import signal
import struct

from scapy.layers.inet import ICMP, IPOption_NOP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrHopByHop, PadN
from scapy.packet import Raw

from esp import IPPROTO_ESP, checksum, lower_ttl, with_tos
from session import Icmp, Plain, Session, echo_packet, inner_addresses, ip_packet, udp_packet

NOT_ECT, ECT1, ECT0, CE = range(4)
# RFC 6040 figure 4: (inner, outer): what goes on; None: drop.
DECAPSULATE = {
    (NOT_ECT, NOT_ECT): NOT_ECT, (NOT_ECT, ECT0): NOT_ECT, (NOT_ECT, ECT1): NOT_ECT, (NOT_ECT, CE): None,
    (ECT0, NOT_ECT): ECT0, (ECT0, ECT0): ECT0, (ECT0, ECT1): ECT1, (ECT0, CE): CE,
    (ECT1, NOT_ECT): ECT1, (ECT1, ECT0): ECT1, (ECT1, ECT1): ECT1, (ECT1, CE): CE,
    (CE, NOT_ECT): CE, (CE, ECT0): CE, (CE, ECT1): CE, (CE, CE): CE,
}


# conformance: F2, H1, H2, H3, H4, H5, H6, H7, H8, H9, M2, M3
MAP = tuple((7 * number + 5) % 64 for number in range(64))
# Beside the one that is dropped, what RFC 6040 section 4.2 wants logged: (inner, outer).
SUSPECT = {(NOT_ECT, ECT0), (NOT_ECT, ECT1), (ECT1, ECT0), (CE, ECT1)}


def outer_wrong(seen, tos, df, ttl=64, label=0):
    """What is wrong with the outer header."""
    packet = seen.packet
    if packet[0] >> 4 == 6:
        word, length, next_header, ttl = struct.unpack_from("!IHBB", packet)
        got = {"class": word >> 20 & 0xFF, "flow label": word & 0xFFFFF, "length": length, "next header": next_header,
               "hop limit": ttl}
        want = {"class": tos, "flow label": label, "length": len(packet) - 40, "next header": IPPROTO_ESP,
                "hop limit": ttl}
    else:
        version, got_tos, length, ident, fragment, ttl, protocol = struct.unpack_from("!BBHHHBB", packet)
        got = {"version and length": version, "TOS": got_tos, "total length": length, "fragment": fragment, "TTL": ttl,
               "protocol": protocol, "checksum": checksum(packet[:20])}
        want = {"version and length": 0x45, "TOS": tos, "total length": len(packet), "fragment": 0x4000 if df else 0,
                "TTL": ttl, "protocol": IPPROTO_ESP, "checksum": 0}
    return "" if got == want else f"outer header {got}, expected {want}"


def outbound(report):
    session = Session(report, "headers-out")
    number = 0
    for inner in (4, 6):
        for outer in (4, 6):
            for options in ({}, {"dscp": 46}, {"df": "set"}, {"df": "clear"}, {"dscp": 0}):
                sa, _ = session.tunnel(number, inner, outer, out_options=options)
                addresses = inner_addresses(number, inner)
                number += 1
                for tos in (0, ECT1, ECT0, CE, 46 << 2, 10 << 2 | ECT0):
                    for df in (False, True):
                        want_tos = (options["dscp"] << 2 | tos & 3) if "dscp" in options else tos
                        want_df = {"set": True, "clear": False}.get(options.get("df"), df and inner == 4)
                        session.out(
                            f"v{inner} in v{outer} {options} TOS {tos:#04x}{' DF' if df else ''}", sa,
                            lambda tag, a=addresses, t=tos, d=df: udp_packet(*a, tag, tos=t, df=d),
                            look=lambda seen, t=want_tos, d=want_df: outer_wrong(seen, t, d))
    # An IPv6 packet above 1280 bytes must not be cut on its way in IPv4 either: its sender can be told.
    sa, _ = session.tunnel(number, 6, 4)
    for size in (1280, 1281):
        session.out(f"v6 in v4, {size} bytes", sa,
                    lambda tag, s=size: udp_packet(*inner_addresses(number, 6), tag + bytes(s - 48 - len(tag))),
                    look=lambda seen, s=size: outer_wrong(seen, 0, s > 1280))
    # IDs: unique where fragments are allowed (RFC 6864).
    sa, _ = session.tunnel(number + 1, 4, 4)
    for _ in range(300):
        session.out("outer IPv4 ID", sa, lambda tag: udp_packet(*inner_addresses(number + 1, 4), tag))
    session.run()
    idents = [struct.unpack_from("!H", seen.packet, 4)[0] for seen in session.order["wan"] if seen.sa is sa]
    report.equal("outer IPv4 IDs are all different", len(set(idents)), 300)
    session.judge()


def outbound_settings(report):
    """DSCP by a map, ECN hidden, another TTL, flow labels."""
    session = Session(report, "headers-settings-out")
    number = 0
    for inner in (4, 6):
        for outer in (4, 6):
            for options in ({"dscp": MAP}, {"ecn": "no"}, {"dscp": 46, "ecn": "no"}, {"ttl": 1}, {"ttl": 255},
                            {"flow_label": 0xABCDE}, {"flow_label": "copy", "dscp": MAP}):
                sa, _ = session.tunnel(number, inner, outer, out_options=options)
                addresses = inner_addresses(number, inner)
                number += 1
                for tos in (0, CE, 46 << 2 | ECT0, 63 << 2 | ECT1):
                    dscp = options.get("dscp", tos >> 2)
                    dscp = dscp[tos >> 2] if isinstance(dscp, tuple) else dscp
                    ecn = 0 if options.get("ecn") == "no" else tos & 3
                    label = options.get("flow_label", 0)
                    label = (0x54321 if inner == 6 else 0) if label == "copy" else label
                    session.out(
                        f"v{inner} in v{outer} {', '.join(options)} TOS {tos:#04x}", sa,
                        lambda tag, a=addresses, t=tos: udp_packet(*a, tag, tos=t, flow=0x54321),
                        look=lambda seen, t=dscp << 2 | ecn, o=options, f=label:
                        outer_wrong(seen, t, False, o.get("ttl", 64), f))
    session.run().judge()


def inbound_settings(report):
    """The inner DSCP kept, copied from outside, set, or taken from a map; ECN as always; suspect ECN is counted."""
    session = Session(report, "headers-settings-in")
    number, sas, alarms = 0, [], {}
    for inner in (4, 6):
        for outer in (4, 6):
            for setting in ("keep", "copy", 12, MAP):
                _, sa = session.tunnel(number, inner, outer, in_options={"inner_dscp": setting})
                sas.append(sa)
                alarms[sa.name] = len(SUSPECT)
                for sequence, ((ours, theirs), after) in enumerate(sorted(DECAPSULATE.items()), 1):
                    label = "a map" if setting is MAP else setting
                    probe = session.probe(f"DSCP {label} v{inner} in v{outer}: ECN inner {ours}, outer {theirs}")
                    packet = udp_packet(*inner_addresses(number, inner, outbound=False), probe.tag, tos=10 << 2 | ours)
                    session.wan(sa.outer(sa.seal(sequence, packet), tos=46 << 2 | theirs))
                    if after is None:
                        session.drop("esp_ecn")
                        continue
                    dscp = {"keep": 10, "copy": 46, 12: 12}[setting] if setting is not MAP else MAP[46]
                    probe.wants = [Plain("lan", lower_ttl(with_tos(packet, dscp << 2 | after)))]
                number += 1
    session.run(sig=signal.SIGTERM, states=sas)
    session.judge()
    report.equal("suspect ECN fields are counted",
                 {sa.name: session.gateway.sas[sa.name].get("ecn_alarms", 0) for sa in sas}, alarms)
    report.equal("the first of each SA is logged", session.gateway.log.count("RFC 6040"), len(sas))


def options_and_headers(session, report):
    """Packets with options and extension headers go through the tunnel as they are."""
    four, _ = session.tunnel(90, 4)
    six, _ = session.tunnel(91, 6)
    v4, v6 = inner_addresses(90, 4), inner_addresses(91, 6)
    session.out("IPv4 options inside", four,
                lambda tag: udp_packet(*v4, tag, options=[IPOption_NOP()] * 8))
    session.out("hop-by-hop options inside", six,
                lambda tag: bytes(IPv6(src=v6[0], dst=v6[1], hlim=9) / IPv6ExtHdrHopByHop(options=PadN(optdata=b"\0" * 4))
                                  / UDP(sport=1, dport=2) / Raw(tag)))
    session.out("flow label inside", six, lambda tag: udp_packet(*v6, tag, flow=0xABCDE))
    del report


def inbound(report):
    session = Session(report, "headers-in", config={"limits": {"icmp_pps": 100000}})
    number = 0
    for inner in (4, 6):
        for outer in (4, 6):
            _, sa = session.tunnel(number, inner, outer)
            for sequence, ((ours, theirs), after) in enumerate(sorted(DECAPSULATE.items()), 1):
                probe = session.probe(f"ECN v{inner} in v{outer}: inner {ours}, outer {theirs}")
                packet = udp_packet(*inner_addresses(number, inner, outbound=False), probe.tag, tos=10 << 2 | ours)
                session.wan(sa.outer(sa.seal(sequence, packet), tos=46 << 2 | theirs))
                if after is None:
                    session.drop("esp_ecn")
                else:
                    probe.wants = [Plain("lan", lower_ttl(with_tos(packet, 10 << 2 | after)))]
            number += 1
    _, four = session.tunnel(20, 4, 4)
    _, six = session.tunnel(21, 4, 6)

    def arrives(name, sa, sequence, tunnel, make):
        probe = session.probe(name)
        packet = udp_packet(*inner_addresses(tunnel, 4, outbound=False), probe.tag)
        probe.wants = [Plain("lan", lower_ttl(packet))]
        session.wan(make(sa.seal(sequence, packet)))

    arrives("outer TTL 1", four, 1, 20, lambda esp: four.outer(esp, ttl=1))
    arrives("outer IPv4 options", four, 2, 20, lambda esp: four.outer(esp, options=[IPOption_NOP()] * 40))
    arrives("outer hop limit 1", six, 1, 21, lambda esp: six.outer(esp, ttl=1))
    arrives("outer hop-by-hop and destination options", six, 2, 21, lambda esp: bytes(
        IPv6(src=six.source, dst=six.destination) / IPv6ExtHdrHopByHop(options=PadN(optdata=b"\0" * 4))
        / IPv6ExtHdrDestOpt(options=PadN(optdata=b"\0" * 12), nh=IPPROTO_ESP) / Raw(esp)))
    for name, length, count in (("that is longer than the packet", 200, 1), ("too many times", 0, 20)):
        headers = b"".join(bytes((60 if place + 1 < count else IPPROTO_ESP, length)) + bytes((1, 4)) + bytes(4)
                           for place in range(count))
        session.wan(bytes(IPv6(src=six.source, dst=six.destination, nh=60) /
                          Raw(headers + six.seal(3, udp_packet(*inner_addresses(21, 4, outbound=False), name.encode())))))
        session.drop("ip_header")
    options_and_headers(session, report)
    session.run().judge()


def ttl(report):
    session = Session(report, "ttl", config={"limits": {"icmp_pps": 100000}})
    for family, kind in ((4, 11), (6, 3)):
        out_sa, in_sa = session.tunnel(30 + family, family, family)
        ours = inner_addresses(30 + family, family)
        session.out(f"v{family} TTL 2 passes", out_sa, lambda tag, a=ours: udp_packet(*a, tag, ttl=2))
        session.out_drop(f"v{family} TTL 1: time exceeded", "ip_ttl",
                         lambda tag, a=ours: udp_packet(*a, tag, ttl=1),
                         lambda packet, k=kind: [Icmp("lan", packet, k, 0)])
        session.out_drop(f"v{family} TTL 1, an ICMP error: no error about it", "ip_ttl",
                         lambda tag, a=ours, f=family: error_packet(a, f, tag))
        session.out_drop(f"v{family} TTL 1, a later fragment: no error about it", "ip_ttl",
                         lambda tag, a=ours, f=family: later_fragment(a, f, tag))
        session.out(f"v{family} TTL 1, echo request: an error is due", None,
                    lambda tag, a=ours: echo_packet(*a, tag, ttl=1),
                    wants=lambda packet, k=kind: [Icmp("lan", packet, k, 0)])
        session.drop("ip_ttl")
        # Out of the tunnel, the error goes back through it: here by the tunnel that covers the gateway's own address.
        own_out, own_in = session.tunnel(0xFF if family == 4 else 0xFFFF, family, 4)
        for sequence, hops in enumerate((1, 2), 1):
            probe = session.probe(f"v{family} TTL {hops} out of the tunnel")
            source, destination = (f"10.2.255.{sequence}", "10.1.255.2") if family == 4 else \
                (f"2001:db8:2:ffff::{sequence}", "2001:db8:1:ffff::2")
            packet = udp_packet(source, destination, probe.tag, ttl=hops)
            session.wan(own_in.outer(own_in.seal(sequence, packet)))
            if hops == 1:
                session.drop("ip_ttl")
                probe.wants = [Icmp("wan", packet, kind, 0, sa=own_out)]
            else:
                probe.wants = [Plain("lan", lower_ttl(packet))]
        del in_sa
    session.run().judge()


def error_packet(addresses, family, tag):
    """An ICMP error with a TTL that runs out here."""
    about = udp_packet(addresses[1], addresses[0], tag)
    if family == 6:
        body = bytes((3, 0, 0, 0)) + bytes(4) + about
        source, destination = addresses
        pseudo = bytes(IPv6(src=source, dst=destination))[8:40] + struct.pack("!II", len(body), 58)
        return ip_packet(*addresses, body[:2] + struct.pack("!H", checksum(pseudo + body)) + body[4:], proto=58, ttl=1)
    return ip_packet(*addresses, ICMP(type=11) / Raw(about), ttl=1)


def later_fragment(addresses, family, tag):
    if family == 6:
        return ip_packet(*addresses, struct.pack("!BBHI", 17, 0, 800, 7) + tag * 4, proto=44, ttl=1)
    return ip_packet(*addresses, tag * 4, proto=17, fragment=100, ttl=1)


# conformance: I6
def rate(report):
    """ICMP errors are limited to a rate; what they were about is counted all the same."""
    session = Session(report, "icmp-rate", config={"limits": {"icmp_pps": 10}})
    session.tunnel(0)
    packets = 500
    for _ in range(packets):
        session.lan(udp_packet(*inner_addresses(0, 4), bytes(20), ttl=1))
    session.run()
    sent = len(session.order["lan"])
    limited = session.gateway.drops.get("icmp_rate", 0)
    report.check("errors are limited to the rate", 1 <= sent <= 100 and limited >= packets - 100,
                 f"{sent} errors sent, {limited} withheld of {packets}")
    report.equal("every packet is counted once", sent + limited, packets)
    session.seen.clear()
    session.drops.update({reason: count for reason, count in (("ip_ttl", sent), ("icmp_rate", limited)) if count})
    session.judge_rest()


def run(report):
    outbound(report)
    outbound_settings(report)
    inbound(report)
    inbound_settings(report)
    ttl(report)
    rate(report)
