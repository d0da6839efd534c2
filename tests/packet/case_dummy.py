# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""Dummy packets that the gateway sends on request (RFC 4303 section 2.6), between packets of hosts.

conformance: A16
"""

import session as rig
from esp import CBC, GCM, NULL, Sa
from gateway import Broken, Gateway
from session import Session, WAN4, INTERNET4, inner_addresses, udp_packet

COUNT = 40
FIXED = 333


class Asking(Gateway):
    orders = ()

    def settle(self):
        super().settle()
        for sa, more in self.orders:
            answer = self.control.call("sa.send_dummy", direction="out", spi=sa.spi, destination=sa.destination,
                                       count=COUNT, **more)
            assert answer == {"sent": COUNT}, answer
        for sa, _ in self.orders:
            self._wait("dummy packets", lambda s=sa: self.sa_state(s)["packets"] >= COUNT)
        self.refusals = [self.refused(sa) for sa, _ in self.orders]
        super().settle()

    def refused(self, sa):
        """One byte more than fits."""
        try:
            self.control.call("sa.send_dummy", direction="out", spi=sa.spi, destination=sa.destination, bytes=1500)
        except Broken as error:
            return str(error)
        return ""


def run(report):
    session = Session(report, "dummy")
    orders = []
    for number, (outer, algorithm, options, more) in enumerate((
            (4, GCM, {}, {}), (6, CBC, {}, {}), (4, NULL, {"encapsulation": {}}, {"bytes": FIXED}),
            (6, GCM, {"encapsulation": {}}, {"bytes": 0}), (4, CBC, {"tfc": 1000}, {"bytes": 10}))):
        sa, _ = session.tunnel(number, 4, outer, algorithm=algorithm, out_options=options)
        if "tfc" not in options:
            session.out(f"tunnel {number}: a host's packet", sa,
                        lambda tag, n=number: udp_packet(*inner_addresses(n, 4), tag))
        orders.append((sa, more))
    transport = Sa("transport", "out", 0x1900, WAN4, INTERNET4, 99, GCM, options={"mode": "transport"})
    session.sas.append(transport)
    orders.append((transport, {}))
    Asking.orders = orders
    rig.Gateway, usual = Asking, rig.Gateway
    try:
        session.run()
    finally:
        rig.Gateway = usual
    for sa, more in orders:
        dummies = [seen for seen in session.order["wan"] if seen.sa is sa and seen.opened.next_header == 59]
        numbers = [seen.sequence for seen in session.order["wan"] if seen.sa is sa]
        report.equal(f"{sa.name}: all leave", len(dummies), COUNT)
        report.equal(f"{sa.name}: numbers go on", numbers, list(range(1, len(numbers) + 1)))
        lengths = {len(seen.opened.inner) for seen in dummies}
        if sa.options.get("tfc"):
            report.equal(f"{sa.name}: padded like the others", lengths, {sa.options["tfc"]})
        elif "bytes" in more:
            report.equal(f"{sa.name}: as long as asked for", lengths, {more["bytes"]})
        else:
            report.check(f"{sa.name}: random lengths", len(lengths) > COUNT // 4, str(lengths))
        contents = {seen.opened.inner[:8] for seen in dummies if len(seen.opened.inner) >= 8}
        long = [seen for seen in dummies if len(seen.opened.inner) >= 8]
        report.equal(f"{sa.name}: random content", len(contents), len(long))
        report.check(f"{sa.name}: none longer than the path", all(len(seen.packet) <= 1500 for seen in dummies))
    report.check("what does not fit is refused", all("at most" in text for text in session.gateway.refusals),
                 str(session.gateway.refusals))
    for tag, many in list(session.seen.items()):
        session.seen[tag] = [seen for seen in many if not (seen.opened and seen.opened.next_header == 59)]
    session.judge()
