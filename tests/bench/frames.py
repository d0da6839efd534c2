# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""What the source (source.c) sends: packets to protect, or ESP to open, for any number of flows.

Addresses and SPIs have zeros where a flow's number stands. ESP with AES-GCM is made once for each size; for each bit
that varies from packet to packet, a table says what it does to the ICV, which is linear in it (GHASH is linear over
GF(2), and the key stream depends on the IV alone, which stays). With the other algorithms every packet of a size is the
same, so that replay protection has to be off.
"""

import dataclasses
import hashlib
import hmac
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms as ciphers, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

MAGIC = 0x31484342
MOST_VARIABLES = 16
SEQUENCE, FLOW, CHECKSUM = range(3)

HOST, REMOTE = "10.1.0.5", "10.16.0.0"  # hosts behind the gateway, and behind its peer: 2^20 of these
OURS, THEIRS = "192.0.2.1", "192.0.2.2"
OUT_SPI, IN_SPI = 0x100000, 0x200000  # 2^20 of each
MOST_FLOWS = 1 << 20
LAN_MAC, HOST_MAC = bytes.fromhex("020000000101"), bytes.fromhex("020000000102")
WAN_MAC, PEER_MAC = bytes.fromhex("020000000201"), bytes.fromhex("020000000202")

IMIX = (64,) * 7 + (594,) * 4 + (1420,)  # the simple mix, with the largest made to fit into a tunnel


@dataclasses.dataclass(frozen=True)
class Algorithm:
    """One choice of algorithms, and what everybody calls it."""

    name: str
    encryption: str  # of the control socket
    key: bytes  # with the salt
    block: int
    iv_bytes: int
    bare: tuple  # arguments of bench_crypto_bare
    secgw: tuple  # ipsec-secgw: cipher, integrity
    integrity: str = ""
    integrity_key: bytes = b""
    icv_bytes: int = 16
    linear: bool = False  # the ICV is linear in the packet

    def sa(self):
        """Members of an SA, as the control socket and the configuration take them."""
        members = {"encryption": {"algorithm": self.encryption, "key": self.key.hex()}}
        if self.integrity:
            members["integrity"] = {"algorithm": self.integrity, "key": self.integrity_key.hex()}
        return members


def secret(text, length):
    return hashlib.sha512(text.encode()).digest()[:length]


ALGORITHMS = {algorithm.name: algorithm for algorithm in (
    Algorithm("aes-gcm-128", "aes-gcm-16", secret("gcm", 20), 4, 8, ("gcm", "128"), ("aes-128-gcm",), linear=True),
    Algorithm("aes-gcm-256", "aes-gcm-16", secret("gcm", 36), 4, 8, ("gcm", "256"), ("aes-256-gcm",), linear=True),
    Algorithm("chacha20-poly1305", "chacha20-poly1305", secret("chacha", 36), 4, 8, ("chacha20", "256"), ()),
    Algorithm("aes-cbc-128-sha256", "aes-cbc", secret("cbc", 16), 16, 16, ("cbc-sha256", "128"),
              ("aes-128-cbc", "sha256-hmac"), "hmac-sha2-256-128", secret("mac", 32)),
    Algorithm("aes-cbc-128-sha1", "aes-cbc", secret("cbc", 16), 16, 16, ("cbc-sha1", "128"),
              ("aes-128-cbc", "sha1-hmac"), "hmac-sha1-96", secret("mac", 20), icv_bytes=12),
)}


def payload_bytes(algorithm, inner_bytes):
    """What is encrypted of an inner packet: itself, padding, trailer (RFC 4303 section 2.4)."""
    return -(-(inner_bytes + 2) // algorithm.block) * algorithm.block


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def address(text):
    return bytes(int(part) for part in text.split("."))


def ip_packet(source, destination, protocol, payload):
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0, address(source),
                         address(destination))
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + payload


def udp_packet(source, destination, size):
    """size bytes of IP; the UDP checksum is left out, so that addresses may vary."""
    data = bytes(range(256)) * 8
    return ip_packet(source, destination, 17, struct.pack("!HHHH", 1000, 2000, size - 20, 0) + data[:size - 28])


def seal(algorithm, aad, iv, plain):
    """(ciphertext, ICV); aad is SPI and sequence number, with ESN's high half in between."""
    if algorithm.encryption == "aes-gcm-16":
        sealed = AESGCM(algorithm.key[:-4]).encrypt(algorithm.key[-4:] + iv, plain, aad)
        return sealed[:-16], sealed[-16:]
    if algorithm.encryption == "chacha20-poly1305":
        sealed = ChaCha20Poly1305(algorithm.key[:-4]).encrypt(algorithm.key[-4:] + iv, plain, aad)
        return sealed[:-16], sealed[-16:]
    run = Cipher(ciphers.AES(algorithm.key), modes.CBC(iv)).encryptor()
    text = run.update(plain) + run.finalize()
    kind = "sha1" if "sha1" in algorithm.integrity else "sha256"
    return text, hmac.digest(algorithm.integrity_key, aad + iv + text, kind)[:algorithm.icv_bytes]


@dataclasses.dataclass
class Template:
    frame: bytes
    checksum: int = 0
    icv_offset: int = 0
    variables: list = dataclasses.field(default_factory=list)  # (offset, what, shift, table or None)

    def pack(self):
        data = struct.pack("<IIII", len(self.frame), self.icv_offset, self.checksum, len(self.variables))
        data += self.frame.ljust(2048, b"\0")
        for offset, what, shift, table in self.variables:
            data += struct.pack("<IIII", offset, what, shift, table is not None) + (table or bytes(4096))
        return data + bytes(4112 * (MOST_VARIABLES - len(self.variables)))


def number_variables(offset, what, width):
    """(offset, what, shift) of each byte of a number of so many bytes, that is 0 in the frame."""
    return [(offset + i, what, 8 * (width - 1 - i)) for i in range(width)]


def outbound(size, flows):
    packet = udp_packet(HOST, REMOTE, size)
    template = Template(LAN_MAC + HOST_MAC + b"\x08\0" + packet, struct.unpack_from("!H", packet, 10)[0])
    if flows > 1:
        template.variables = [(*variable, None) for variable in
                              number_variables(14 + 16, FLOW, 4) + number_variables(14 + 10, CHECKSUM, 2)]
    return template


def table_of(bit_effects):
    """From what each bit of a byte does to the ICV: what each value does."""
    table = [0] * 256
    for value in range(1, 256):
        low = value & -value
        table[value] = table[value ^ low] ^ bit_effects[low.bit_length() - 1]
    return b"".join(effect.to_bytes(16, "big") for effect in table)


def inbound(algorithm, size, flows, sas, esn):
    inner = udp_packet(REMOTE, HOST, size)
    sum_of_inner = struct.unpack_from("!H", inner, 10)[0]
    padding = payload_bytes(algorithm, size) - size - 2
    plain = inner + bytes(range(1, padding + 1)) + bytes((padding, 4))
    iv = secret("iv", algorithm.iv_bytes)
    first = 0 if algorithm.linear else 1

    def aad_of(changed=bytes(8)):
        spi, sequence = IN_SPI.to_bytes(4, "big"), first.to_bytes(4, "big")
        spi = bytes(a ^ b for a, b in zip(spi, changed))
        sequence = bytes(a ^ b for a, b in zip(sequence, changed[4:]))
        return spi + (bytes(4) if esn else b"") + sequence

    text, icv = seal(algorithm, aad_of(), iv, plain)
    header = IN_SPI.to_bytes(4, "big") + first.to_bytes(4, "big") + iv
    frame = WAN_MAC + PEER_MAC + b"\x08\0" + ip_packet(THEIRS, OURS, 50, header + text + icv)
    template = Template(frame, sum_of_inner)
    if not algorithm.linear:
        return template
    esp, base = 14 + 20, int.from_bytes(icv, "big")
    payload = esp + 8 + algorithm.iv_bytes
    template.icv_offset = payload + len(text)
    wanted = number_variables(esp + 4, SEQUENCE, 4)
    if sas > 1:
        wanted += number_variables(esp, FLOW, 4)
    if flows > 1:
        wanted += number_variables(payload + 12, FLOW, 4) + number_variables(payload + 10, CHECKSUM, 2)
    for offset, what, shift in wanted:
        effects = []
        for bit in range(8):
            if offset < payload:
                changed = bytearray(8)
                changed[offset - esp] = 1 << bit
                tag = seal(algorithm, aad_of(bytes(changed)), iv, plain)[1]
            else:
                altered = bytearray(plain)
                altered[offset - payload] ^= 1 << bit
                tag = seal(algorithm, aad_of(), iv, bytes(altered))[1]
            effects.append(int.from_bytes(tag, "big") ^ base)
        template.variables.append((offset, what, shift, table_of(effects)))
    return template


def write(path, direction, algorithm, sizes, flows, sas, esn):
    """The source's file: sizes take turns packet by packet."""
    if flows & (flows - 1) or not 1 <= flows <= MOST_FLOWS:
        raise ValueError(f"{flows} flows: must be a power of two up to {MOST_FLOWS}")
    kinds = sorted(set(sizes))
    templates = [outbound(size, flows) if direction == "out" else inbound(algorithm, size, flows, sas, esn)
                 for size in kinds]
    # Spread evenly: the mix is the same however short the stretch that one looks at.
    turns = [kinds.index(size) for size in spread(sizes)]
    path.write_bytes(struct.pack("<IIIII", MAGIC, len(kinds), len(turns), flows, sas == 1)
                     + bytes(turns).ljust(60, b"\0")
                     + b"".join(template.pack() for template in templates))


def spread(sizes):
    """The sizes in an order in which each comes at even distances."""
    places = []
    for size in sorted(set(sizes)):
        count = sizes.count(size)
        places += [((i + 0.5) * len(sizes) / count, size) for i in range(count)]
    return [size for _, size in sorted(places)]
