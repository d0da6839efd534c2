# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""Every algorithm with every length of its keys, and inner packets of every size where something of a cipher begins or ends:
28 to 90 bytes, and around some that are whole blocks, both ways. The classes are read from the table of algorithms, so
that a new one is here by itself."""

import os
import re
import struct

from case_matrix import ip
from esp import Algorithm, lower_ttl
from gateway import ROOT
from session import Session, inner_addresses

AROUND = (128, 256, 512, 1024, 1280)
SIZES = (*range(28, 91), *(middle + away for middle in AROUND for away in (-2, -1, 0, 1, 2)))


def classes():
    """Of lib/spec/algorithm.def."""
    table = (ROOT / "lib/spec/algorithm.def").read_text()
    rows = {kind: [row.replace('"', "").split(", ") for row in re.findall(rf"^{kind}\((.*)\)$", table, re.M)]
            for kind in ("ENCRYPTION", "INTEGRITY")}
    for _, name, _, aead, *numbers, _ in rows["ENCRYPTION"]:
        *keys, salt, iv, block, icv = map(int, numbers)
        for key in filter(None, keys) if any(keys) else (0,):
            bits = f"/{8 * key}" if key else ""
            if aead == "true":
                yield Algorithm(f"{name}{bits}", name, key + salt, "", 0, iv, block, icv)
                continue
            for _, integrity, _, auth_key, auth_icv, _ in rows["INTEGRITY"]:
                yield Algorithm(f"{name}{bits} {integrity}", name, key + salt, integrity, int(auth_key), iv, block,
                                int(auth_icv))


def packet(addresses, size, tunnel):
    """Of so many bytes in all, which begin with the number of its tunnel."""
    return ip(*addresses, 99, struct.pack("!H", tunnel) + os.urandom(size - 22), ident=size)


# conformance: A1, A14, A15
def run(report):
    session = Session(report, "sizes", config={"memory": {"huge": False, "size_mb": 256, "buffers": 16384}})
    rows = []
    for number, algorithm in enumerate(classes()):
        rows.append((number, *session.tunnel(number, 4, 6 if number % 4 == 3 else 4, algorithm=algorithm,
                                             esn=bool(number % 2))))
    want = {"wan": [], "lan": []}
    for sequence, size in enumerate(SIZES, 1):
        for number, _, in_sa in rows:
            out = packet(inner_addresses(number, 4), size, number)
            session.lan(out)
            want["wan"].append(lower_ttl(out))
            back = packet(inner_addresses(number, 4, outbound=False), size, number)
            session.wan(in_sa.outer(in_sa.seal(sequence, back)))
            want["lan"].append(lower_ttl(back))
    session.run()
    report.check("every class is there", len(rows) >= 65, str(len(rows)))
    got = {"wan": [seen.inner for seen in session.order["wan"]], "lan": [seen.packet for seen in session.order["lan"]]}
    for number, out_sa, _ in rows:
        label = out_sa.algorithm.label
        for port, way in (("wan", "out"), ("lan", "in")):
            report.equal(f"{label} {way}: every size, byte for byte", [one for one in got[port] if is_of(one, number)],
                         [one for one in want[port] if is_of(one, number)])
        report.check(f"{label} out: padding", all(seen.opened.padding_is_right() for seen in session.order["wan"]
                                                  if seen.sa is out_sa))
    session.seen.clear()
    session.judge_rest()


def is_of(one, tunnel):
    return one is not None and one[20:22] == struct.pack("!H", tunnel)
