# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""Wireshark's dissector opens what the gateway sends: its ESP is nobody's here, and it says where it finds each field.

conformance: A1, H8
"""

import pathlib
import subprocess
import tempfile

from esp import BY_LABEL
from gateway import write_pcap
from session import Session, inner_addresses, udp_packet

# The names in tshark's table esp_sa. It knows neither ChaCha20-Poly1305 nor GMAC, and of an AEAD it does not check the ICV.
ENCRYPTION = {"aes-gcm-16": "AES-GCM with 16 octet ICV [RFC4106]", "aes-cbc": "AES-CBC [RFC3602]",
              "aes-ctr": "AES-CTR [RFC3686]", "null": "NULL"}
INTEGRITY = {"": "NULL", "hmac-sha1-96": "HMAC-SHA-1-96 [RFC2404]", "hmac-sha2-256-128": "HMAC-SHA-256-128 [RFC4868]",
             "hmac-sha2-384-192": "HMAC-SHA-384-192 [RFC4868]", "hmac-sha2-512-256": "HMAC-SHA-512-256 [RFC4868]"}
LABELS = ("aes-gcm-16/128", "aes-gcm-16/256", "aes-cbc/128 hmac-sha1-96", "aes-cbc/256 hmac-sha2-256-128",
          "aes-cbc/256 hmac-sha2-384-192", "aes-cbc/256 hmac-sha2-512-256", "aes-ctr/128 hmac-sha2-256-128",
          "aes-ctr/192 hmac-sha1-96", "null hmac-sha2-256-128")
FIELDS = ("esp.spi", "esp.sequence", "esp.icv_good", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "udp.dstport", "data.data")


def row(sa, outer):
    """An SA as a row of esp_sa."""
    algorithm = sa.algorithm
    crypt = "0x" + sa.key.hex() if sa.key else ""
    auth = "0x" + sa.auth_key.hex() if algorithm.integrity else ""
    columns = (f"IPv{outer}", "*", "*", f"0x{sa.spi:08x}", ENCRYPTION[algorithm.encryption], crypt,
               INTEGRITY[algorithm.integrity], auth)
    return "uat:esp_sa:" + ",".join(f'"{column}"' for column in columns)


def dissect(frames, rows):
    """The fields of each frame, each a list of values from the outermost header inwards."""
    with tempfile.TemporaryDirectory() as directory:
        capture = pathlib.Path(directory) / "sent.pcap"
        write_pcap(capture, frames)
        command = ["tshark", "-n", "-r", capture, "-T", "fields", "-E", "separator=|", "-o",
                   "esp.enable_encryption_decode:TRUE", "-o", "esp.enable_authentication_check:TRUE"]
        for text in rows:
            command += ["-o", text]
        for field in FIELDS:
            command += ["-e", field]
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return [dict(zip(FIELDS, (value.split(",") if value else [] for value in line.split("|")))) for line in lines]


def wrong(sa, outer, inner, number, data, found):
    """What tshark's view of a packet lacks; empty when it is all there."""
    family = "ipv6" if inner == 6 else "ip"
    source, destination = inner_addresses(number, inner)
    expected = {"esp.spi": f"0x{sa.spi:08x}", "esp.sequence": "1", f"{family}.src": source,
                f"{family}.dst": destination, "udp.dstport": "2000", "data.data": data.hex()}
    if sa.algorithm.integrity:
        expected["esp.icv_good"] = "1"
    problems = [f"{name}: {found[name]}, not {value}" for name, value in expected.items() if found[name][-1:] != [value]]
    if outer == inner and len(found[f"{family}.src"]) != 2:
        problems.append("not two IP headers")
    return "\n".join(problems)


def run(report):
    session = Session(report, "tshark")
    cases = []
    for label in LABELS:
        for outer, inner in ((4, 4), (6, 6), (4, 6), (6, 4)):
            number = len(cases)
            sa, _ = session.tunnel(number, inner, outer, algorithm=BY_LABEL[label])
            probe = session.out(f"{label}, IPv{inner} in IPv{outer}", sa,
                                lambda tag, a=inner_addresses(number, inner): udp_packet(*a, tag + b"payload"))
            cases.append((label, sa, outer, inner, probe.tag + b"payload"))
    session.run().judge()
    frames = session.gateway.outputs["wan"]
    views = dissect(frames, [row(sa, outer) for _, sa, outer, _, _ in cases])
    report.equal("tshark sees every packet", len(views), len(cases))
    by_spi = {view["esp.spi"][0]: view for view in views if view["esp.spi"]}
    for number, (label, sa, outer, inner, data) in enumerate(cases):
        view = by_spi.get(f"0x{sa.spi:08x}")
        problem = "no such ESP" if view is None else wrong(sa, outer, inner, number, data, view)
        report.check(f"tshark opens {label}, IPv{inner} in IPv{outer}", not problem, problem)
