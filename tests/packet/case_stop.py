# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""A signal in the middle of the traffic: the daemon ends at once and cleanly, and its output files are whole."""

import signal

from esp import CBC, lower_ttl
from gateway import Gateway
from session import Session, ether, inner_addresses, udp_packet, LAN_MAC, HOST_MAC

FRAMES = 60000  # more than the daemon is through with when the signal comes


def stopped_by(report, sig):
    session = Session(report, f"stop-{sig.name}")
    sa, _ = session.tunnel(0, algorithm=CBC)
    packet = udp_packet(*inner_addresses(0, 4), bytes(1000))
    session.config["sas"] = [one.config() for one in session.sas]
    session.config["policies"] = session.policies
    gateway = session.gateway = Gateway(session.name, session.config)
    gateway.frames["lan"] = [ether(LAN_MAC, HOST_MAC, packet)] * FRAMES
    try:
        gateway.start()
        gateway.stop(sig)  # reads the output files, which fails where one is not whole
    finally:
        gateway.close()
    report.equal(f"{sig.name}: exit code", gateway.exit_code, 0)
    report.check(f"{sig.name}: every packet buffer is returned",
                 "packet buffers of pool buffers were returned" in gateway.log
                 and "were not returned" not in gateway.log, gateway.log[-1500:])
    report.no_complaint(f"{sig.name}: no sanitizer complains", gateway.log)
    session.sort_outputs()
    wrong = [seen for seen in session.order["wan"] if seen.sa is not sa or seen.inner != lower_ttl(packet)]
    report.check(f"{sig.name}: what left is ESP and whole", not wrong, lambda: wrong[0].text())
    report.equal(f"{sig.name}: what left is in order", [seen.sequence for seen in session.order["wan"]],
                 list(range(1, len(session.order["wan"]) + 1)))
    report.equal(f"{sig.name}: nothing left on the protected side", len(session.order["lan"]), 0)


def run(report):
    for sig in (signal.SIGTERM, signal.SIGINT):
        stopped_by(report, sig)
