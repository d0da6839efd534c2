# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""Jumbo frames, in one buffer and chained over many small ones, in both directions."""

import os

from esp import CBC, GCM, NULL, BY_LABEL, lower_ttl
from session import Plain, Session, inner_addresses, udp_packet

# Around the places where a segment ends, wherever the IV, the trailer and the ICV fall.
SIZES = (100, 1500, 1960, 1974, 1975, 2030, 2046, 2047, 2048, 2049, 2100, 3900, 4000, 4095, 4096, 4097, 6144, 8192,
         8800, 8888)


def jumbo(report, buffer_bytes):
    session = Session(report, f"jumbo-{buffer_bytes}", mtu=9000,
                      config={"memory": {"buffer_bytes": buffer_bytes, "buffers": 12288}})
    for number, algorithm in enumerate((GCM, BY_LABEL["chacha20-poly1305"], CBC, NULL)):
        out_sa, in_sa = session.tunnel(number, 4, 4, algorithm=algorithm)
        ours, theirs = inner_addresses(number, 4), inner_addresses(number, 4, outbound=False)
        for sequence, size in enumerate(SIZES, 1):
            data = os.urandom(size).replace(b"<", b"-")
            session.out(f"{algorithm.label}, {size} bytes out", out_sa,
                        lambda tag, a=ours, d=data: udp_packet(*a, tag + d, df=True))
            probe = session.probe(f"{algorithm.label}, {size} bytes in")
            packet = udp_packet(*theirs, probe.tag + data)
            probe.wants = [Plain("lan", lower_ttl(packet))]
            session.wan(in_sa.outer(in_sa.seal(sequence, packet)))
            probe = session.probe(f"{algorithm.label}, {size} bytes in, wrong ICV")
            sealed = bytearray(in_sa.outer(in_sa.seal(sequence + 1000, udp_packet(*theirs, probe.tag + data))))
            sealed[-1] ^= 1
            session.wan(bytes(sealed))
            session.drop("esp_integrity")
    session.run().judge()


def run(report):
    jumbo(report, 2176)  # a frame of 9000 bytes takes five buffers
    jumbo(report, 9728)  # one
