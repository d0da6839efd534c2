# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""ESP as RFC 4303 writes it, by python-cryptography and by scapy: two judges that share no code with the gateway.

Sa.seal and Sa.open work on bytes and leave nothing to defaults, so that malformed but authentic packets can be made
too. scapy_seal and scapy_open say the same through scapy where scapy can: its SecurityAssociation knows extended
sequence numbers for combined modes only, and of AES-GCM the whole tag only.
"""

import dataclasses
import hmac
import os
import socket
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.cmac import CMAC
from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6
from scapy.layers.ipsec import ESP, SecurityAssociation
from scapy.packet import Raw

IPPROTO_ESP = 50
IPPROTO_UDP = 17
NAT_T_PORT = 4500


@dataclasses.dataclass(frozen=True)
class Algorithm:
    """What the gateway calls it, what scapy calls it, and the lengths of its parts in bytes."""

    label: str
    encryption: str
    key_bytes: int  # with salt
    integrity: str = ""
    auth_bytes: int = 0
    iv_bytes: int = 8
    block_bytes: int = 4
    icv_bytes: int = 16
    scapy_crypt: str = ""  # where it can
    scapy_auth: str = "NULL"

    @property
    def aead(self):
        return not self.integrity


ALGORITHMS = (
    Algorithm("aes-gcm-16/128", "aes-gcm-16", 20, scapy_crypt="AES-GCM"),
    Algorithm("aes-gcm-16/192", "aes-gcm-16", 28, scapy_crypt="AES-GCM"),
    Algorithm("aes-gcm-16/256", "aes-gcm-16", 36, scapy_crypt="AES-GCM"),
    Algorithm("aes-gcm-12/256", "aes-gcm-12", 36, icv_bytes=12),
    Algorithm("aes-gcm-8/128", "aes-gcm-8", 20, icv_bytes=8),
    Algorithm("aes-ccm-16/128", "aes-ccm-16", 19, scapy_crypt="AES-CCM"),
    Algorithm("aes-ccm-8/256", "aes-ccm-8", 35, icv_bytes=8, scapy_crypt="AES-CCM"),
    Algorithm("aes-gmac/128", "aes-gmac", 20),
    Algorithm("aes-gmac/256", "aes-gmac", 36),
    Algorithm("chacha20-poly1305", "chacha20-poly1305", 36, scapy_crypt="CHACHA20-POLY1305"),
    Algorithm("aes-cbc/128 hmac-sha2-256-128", "aes-cbc", 16, "hmac-sha2-256-128", 32, 16, 16, 16,
              "AES-CBC", "SHA2-256-128"),
    Algorithm("aes-cbc/192 hmac-sha2-256-128", "aes-cbc", 24, "hmac-sha2-256-128", 32, 16, 16, 16,
              "AES-CBC", "SHA2-256-128"),
    Algorithm("aes-cbc/256 hmac-sha2-256-128", "aes-cbc", 32, "hmac-sha2-256-128", 32, 16, 16, 16,
              "AES-CBC", "SHA2-256-128"),
    Algorithm("aes-cbc/128 hmac-sha1-96", "aes-cbc", 16, "hmac-sha1-96", 20, 16, 16, 12, "AES-CBC", "HMAC-SHA1-96"),
    Algorithm("aes-cbc/256 hmac-sha1-96", "aes-cbc", 32, "hmac-sha1-96", 20, 16, 16, 12, "AES-CBC", "HMAC-SHA1-96"),
    Algorithm("aes-cbc/256 hmac-sha2-384-192", "aes-cbc", 32, "hmac-sha2-384-192", 48, 16, 16, 24,
              "AES-CBC", "SHA2-384-192"),
    Algorithm("aes-cbc/256 hmac-sha2-512-256", "aes-cbc", 32, "hmac-sha2-512-256", 64, 16, 16, 32,
              "AES-CBC", "SHA2-512-256"),
    Algorithm("aes-cbc/128 aes-xcbc-96", "aes-cbc", 16, "aes-xcbc-96", 16, 16, 16, 12),
    Algorithm("aes-cbc/128 aes-cmac-96", "aes-cbc", 16, "aes-cmac-96", 16, 16, 16, 12, "AES-CBC", "AES-CMAC-96"),
    Algorithm("aes-ctr/128 hmac-sha2-256-128", "aes-ctr", 20, "hmac-sha2-256-128", 32, 8, 4, 16,
              "AES-CTR", "SHA2-256-128"),
    Algorithm("aes-ctr/192 hmac-sha1-96", "aes-ctr", 28, "hmac-sha1-96", 20, 8, 4, 12, "AES-CTR", "HMAC-SHA1-96"),
    Algorithm("aes-ctr/256 aes-xcbc-96", "aes-ctr", 36, "aes-xcbc-96", 16, 8, 4, 12),
    Algorithm("null aes-cmac-96", "null", 0, "aes-cmac-96", 16, 0, 4, 12, "NULL", "AES-CMAC-96"),
    Algorithm("null hmac-sha2-256-128", "null", 0, "hmac-sha2-256-128", 32, 0, 4, 16, "NULL", "SHA2-256-128"),
)
BY_LABEL = {algorithm.label: algorithm for algorithm in ALGORITHMS}
GCM = BY_LABEL["aes-gcm-16/128"]
CBC = BY_LABEL["aes-cbc/256 hmac-sha2-256-128"]
NULL = BY_LABEL["null hmac-sha2-256-128"]


def hmac_by(name):
    return lambda key, message: hmac.new(key, message, name).digest()


def aes_cmac(key, message):
    mac = CMAC(algorithms.AES(key))
    mac.update(message)
    return mac.finalize()


def aes_xcbc(key, message):
    """RFC 3566 from the block cipher alone: python-cryptography has no XCBC."""
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    k1, k2, k3 = (encryptor.update(bytes((number,)) * 16) for number in (1, 2, 3))
    at = max(len(message) - 1, 0) // 16 * 16
    last, mask = message[at:], k2
    if len(last) < 16:
        last, mask = last + b"\x80" + bytes(15 - len(last)), k3
    chain = Cipher(algorithms.AES(k1), modes.CBC(bytes(16))).encryptor()
    return chain.update(message[:at] + bytes(a ^ b for a, b in zip(last, mask)))[-16:]


MACS = {
    "hmac-sha1-96": hmac_by("sha1"),
    "hmac-sha2-256-128": hmac_by("sha256"),
    "hmac-sha2-384-192": hmac_by("sha384"),
    "hmac-sha2-512-256": hmac_by("sha512"),
    "aes-xcbc-96": aes_xcbc,
    "aes-cmac-96": aes_cmac,
}


class NotAuthentic(Exception):
    """The integrity check value is wrong."""


@dataclasses.dataclass
class Opened:
    spi: int
    sequence: int  # the 32 bits of the packet
    iv: bytes
    inner: bytes
    padding: bytes
    next_header: int

    def padding_is_right(self):
        return self.padding == bytes(range(1, len(self.padding) + 1))


@dataclasses.dataclass
class Sa:
    name: str
    direction: str
    spi: int
    source: str
    destination: str
    reqid: int
    algorithm: Algorithm = GCM
    esn: bool = False
    key: bytes = b""
    auth_key: bytes = b""
    options: dict = dataclasses.field(default_factory=dict)  # further members of the gateway's object

    protocol = "esp"

    def __post_init__(self):
        self.key = self.key or os.urandom(self.algorithm.key_bytes)
        self.auth_key = self.auth_key or os.urandom(self.algorithm.auth_bytes)

    @property
    def outer_family(self):
        return 6 if ":" in self.source else 4

    def config(self):
        """The object as the gateway's configuration and control socket have it."""
        sa = {
            "name": self.name,
            "direction": self.direction,
            "spi": f"0x{self.spi:08x}",
            "source": self.source,
            "destination": self.destination,
            "reqid": self.reqid,
            "encryption": {"algorithm": self.algorithm.encryption, "key": self.key.hex()},
            "esn": self.esn,
        }
        if not self.algorithm.key_bytes:
            del sa["encryption"]["key"]
        if self.algorithm.integrity:
            sa["integrity"] = {"algorithm": self.algorithm.integrity, "key": self.auth_key.hex()}
        sa |= self.options
        if self.direction == "out" and "encapsulation" in sa:
            # A keepalive in a slow run would be a packet that nobody expects.
            sa["encapsulation"] = {"keepalive": 0} | sa["encapsulation"]
        return sa

    def overhead(self, inner_bytes):
        """Bytes of the outer packet, headers included, around an inner one of that size."""
        outer = (40 if self.outer_family == 6 else 20) + (8 if self.ports else 0)
        trailer = -(inner_bytes + 2) % self.algorithm.block_bytes + 2
        return outer + 8 + self.algorithm.iv_bytes + trailer + self.algorithm.icv_bytes

    def largest_inner(self, mtu):
        """The largest inner packet whose outer one has at most mtu bytes."""
        return next(size for size in range(mtu, -1, -1) if size + self.overhead(size) <= mtu)

    # --- one packet

    def seal_raw(self, sequence, plaintext, iv=None):
        """ESP header, IV, ciphertext and ICV around a plaintext that has its trailer already, if any."""
        high, low = sequence >> 32, sequence & 0xFFFFFFFF
        header = struct.pack("!II", self.spi, low)
        iv = os.urandom(self.algorithm.iv_bytes) if iv is None else iv
        if self.algorithm.aead:
            sealed = self._aead_seal(iv, plaintext, self._aad(header, high))
            return header + iv + sealed
        body = header + iv + self._encrypt(iv, plaintext)
        return body + self._tag(body, high)

    def seal(self, sequence, inner, next_header=None, padding=None, pad_bytes=None, iv=None):
        """An ESP packet around inner; padding as RFC 4303 section 2.4 has it unless given."""
        if next_header is None:
            next_header = 41 if inner[:1] and inner[0] >> 4 == 6 else 4
        if padding is None:
            count = -(len(inner) + 2) % self.algorithm.block_bytes
            padding = bytes(range(1, count + 1))
        pad_bytes = len(padding) if pad_bytes is None else pad_bytes
        return self.seal_raw(sequence, inner + padding + bytes((pad_bytes, next_header)), iv)

    def open(self, packet, high=0):
        """Opens an ESP packet (without its outer IP header); high is the upper half of its number."""
        algorithm = self.algorithm
        spi, low = struct.unpack_from("!II", packet)
        iv = packet[8:8 + algorithm.iv_bytes]
        if algorithm.aead:
            try:
                plain = self._aead_open(iv, packet[8 + len(iv):], self._aad(packet[:8], high))
            except Exception as error:
                raise NotAuthentic(f"SPI {spi:#x} sequence {low}: the tag is wrong") from error
        else:
            body, tag = packet[:-algorithm.icv_bytes], packet[-algorithm.icv_bytes:]
            if self._tag(body, high) != tag:
                raise NotAuthentic(f"SPI {spi:#x} sequence {low}: the ICV is wrong")
            plain = self._decrypt(iv, body[8 + len(iv):])
        pad_bytes, next_header = plain[-2], plain[-1]
        end = len(plain) - 2 - pad_bytes
        return Opened(spi, low, iv, plain[:end], plain[end:-2], next_header)

    @property
    def ports(self):
        """UDP source and destination port, or None where ESP stands bare."""
        ports = self.options.get("encapsulation")
        return None if ports is None else (ports.get("source_port", 4500), ports.get("destination_port", 4500))

    @property
    def transport(self):
        return self.options.get("mode") == "transport"

    def outer(self, esp, tos=0, ttl=64, df=False, identification=0, source=None, destination=None, options=b""):
        """The outer IP packet around an ESP packet, as bytes."""
        source, destination = source or self.source, destination or self.destination
        protocol = IPPROTO_ESP
        if self.ports:
            protocol, esp = IPPROTO_UDP, struct.pack("!HHHH", *self.ports, 8 + len(esp), 0) + esp
        if self.outer_family == 6:
            return bytes(IPv6(src=source, dst=destination, tc=tos, hlim=ttl, nh=protocol) / Raw(esp))
        header = IP(src=source, dst=destination, tos=tos, ttl=ttl, proto=protocol, id=identification,
                    flags="DF" if df else 0)
        if options:
            header.options = options
        return bytes(header / Raw(esp))

    def _split_key(self, iv):
        """The key, and the nonce that its salt makes with the IV."""
        salt_bytes = 3 if self.algorithm.encryption.startswith("aes-ccm") else 4
        return self.key[:-salt_bytes], self.key[-salt_bytes:] + iv

    def _aead_seal(self, iv, plaintext, aad):
        key, nonce = self._split_key(iv)
        if self.algorithm.encryption == "chacha20-poly1305":
            return ChaCha20Poly1305(key).encrypt(nonce, plaintext, aad)
        if self.algorithm.encryption == "aes-gmac":
            return plaintext + AESGCM(key).encrypt(nonce, b"", aad + iv + plaintext)
        if self.algorithm.encryption.startswith("aes-ccm"):
            return AESCCM(key, self.algorithm.icv_bytes).encrypt(nonce, plaintext, aad)
        # A short tag is the start of the whole one (NIST SP 800-38D section 7.1).
        return AESGCM(key).encrypt(nonce, plaintext, aad)[:len(plaintext) + self.algorithm.icv_bytes]

    def _aead_open(self, iv, sealed, aad):
        key, nonce = self._split_key(iv)
        if self.algorithm.encryption == "chacha20-poly1305":
            return ChaCha20Poly1305(key).decrypt(nonce, sealed, aad)
        if self.algorithm.encryption.startswith("aes-ccm"):
            return AESCCM(key, self.algorithm.icv_bytes).decrypt(nonce, sealed, aad)
        text, tag = sealed[:-self.algorithm.icv_bytes], sealed[-self.algorithm.icv_bytes:]
        if self.algorithm.encryption == "aes-gmac":
            AESGCM(key).decrypt(nonce, tag, aad + iv + text)
            return text
        decryptor = Cipher(algorithms.AES(key), modes.GCM(nonce, tag, min_tag_length=len(tag))).decryptor()
        decryptor.authenticate_additional_data(aad)
        return decryptor.update(text) + decryptor.finalize()

    def _aad(self, header, high):
        return header[:4] + struct.pack("!I", high) + header[4:] if self.esn else header

    def _tag(self, body, high):
        if self.esn:
            body += struct.pack("!I", high)
        return MACS[self.algorithm.integrity](self.auth_key, body)[:self.algorithm.icv_bytes]

    def _encrypt(self, iv, plaintext):
        if self.algorithm.encryption == "null":
            return plaintext
        if self.algorithm.encryption == "aes-ctr":
            return self._counter(iv, plaintext)
        # A ciphertext that is no whole number of blocks is what a test may want: pad, encrypt, cut.
        whole = plaintext + bytes(-len(plaintext) % 16)
        encryptor = Cipher(algorithms.AES(self.key), modes.CBC(iv)).encryptor()
        return (encryptor.update(whole) + encryptor.finalize())[:len(plaintext)]

    def _decrypt(self, iv, ciphertext):
        if self.algorithm.encryption == "null":
            return ciphertext
        if self.algorithm.encryption == "aes-ctr":
            return self._counter(iv, ciphertext)
        decryptor = Cipher(algorithms.AES(self.key), modes.CBC(iv)).decryptor()
        return decryptor.update(ciphertext) + decryptor.finalize()

    def _counter(self, iv, text):
        key, nonce = self._split_key(iv)
        encryptor = Cipher(algorithms.AES(key), modes.CTR(nonce + bytes((0, 0, 0, 1)))).encryptor()
        return encryptor.update(text) + encryptor.finalize()

    # --- scapy's opinion

    def scapy_can(self):
        return bool(self.algorithm.scapy_crypt) and (self.algorithm.aead or not self.esn)

    def _scapy(self):
        header = (IPv6 if self.outer_family == 6 else IP)(src=self.source, dst=self.destination)
        return SecurityAssociation(
            ESP, spi=self.spi, crypt_algo=self.algorithm.scapy_crypt, crypt_key=self.key or None,
            crypt_icv_size=self.algorithm.icv_bytes if self.algorithm.aead else None,
            auth_algo=self.algorithm.scapy_auth, auth_key=self.auth_key or None,
            tunnel_header=None if self.transport else header,
            esn_en=self.esn)

    def scapy_seal(self, sequence, inner):
        """The whole outer packet, made by scapy."""
        cls = IPv6 if inner[0] >> 4 == 6 else IP
        packet = self._scapy().encrypt(cls(inner), seq_num=sequence & 0xFFFFFFFF, esn=sequence >> 32)
        return bytes(packet)

    def scapy_bare(self, packet):
        """A whole outer packet without the UDP header, where there is one."""
        return rebuilt(packet, esp_of(packet), IPPROTO_ESP)

    def scapy_open(self, packet, high=0):
        """The inner packet of a whole outer one, as scapy sees it."""
        cls = IPv6 if packet[0] >> 4 == 6 else IP
        return bytes(self._scapy().decrypt(cls(packet), esn=high))


def esp_place(packet):
    """Where ESP stands in a packet, bare or in UDP from port 4500: (offset of the byte that names it, end of the headers,
    its own begin and end), or None.

    By hand, because scapy 2.5 takes the whole frame for ESP where the UDP length says less.
    """
    if packet[0] >> 4 == 6:
        next_at, headers, end = 6, 40, 40 + struct.unpack_from("!H", packet, 4)[0]
        while packet[next_at] in (0, 43, 60):
            next_at, headers = headers, headers + 8 + 8 * packet[headers + 1]
    else:
        next_at, headers, end = 9, (packet[0] & 15) * 4, struct.unpack_from("!H", packet, 2)[0]
    if packet[next_at] == IPPROTO_ESP:
        return next_at, headers, headers, end
    if packet[next_at] == IPPROTO_UDP and end - headers > 12 and packet[headers + 8:headers + 12] != bytes(4) and \
            struct.unpack_from("!H", packet, headers)[0] == NAT_T_PORT:
        return next_at, headers, headers + 8, headers + struct.unpack_from("!H", packet, headers + 4)[0]
    return None


def esp_of(packet):
    """The ESP packet inside an IP packet, or None."""
    place = esp_place(packet)
    return packet[place[2]:place[3]] if place else None


def rebuilt(packet, payload, next_header):
    """The packet with this payload in the place of ESP, or of UDP with ESP in it."""
    next_at, headers, _, _ = esp_place(packet)
    made = bytearray(packet[:headers] + payload)
    made[next_at] = next_header
    if made[0] >> 4 == 6:
        made[4:6] = struct.pack("!H", len(made) - 40)
    else:
        made[2:4] = struct.pack("!H", len(made))
        made[10:12] = b"\0\0"
        made[10:12] = struct.pack("!H", checksum(bytes(made[:headers])))
    return bytes(made)


def checksum(data):
    """The Internet checksum; 0 over a header that holds a right one."""
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def lower_ttl(packet):
    """The packet as a router passes it on."""
    packet = bytearray(packet)
    if packet[0] >> 4 == 6:
        packet[7] -= 1
        return bytes(packet)
    packet[8] -= 1
    packet[10:12] = b"\0\0"
    packet[10:12] = struct.pack("!H", checksum(bytes(packet[:(packet[0] & 15) * 4])))
    return bytes(packet)


def with_tos(packet, tos):
    """The packet with another TOS or traffic class."""
    packet = bytearray(packet)
    if packet[0] >> 4 == 6:
        packet[0] = 0x60 | tos >> 4
        packet[1] = (tos & 15) << 4 | packet[1] & 15
        return bytes(packet)
    packet[1] = tos
    packet[10:12] = b"\0\0"
    packet[10:12] = struct.pack("!H", checksum(bytes(packet[:(packet[0] & 15) * 4])))
    return bytes(packet)


def address_bytes(text):
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)
