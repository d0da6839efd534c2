#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors

"""ESP packets of every class of algorithms, computed with python3-cryptography.

    generate.py icvs     writes tests/vectors/esp_icv.def: ICVs of packets of all lengths
    generate.py answers  writes lib/crypto/known_answers.def: whole packets for the self-test at start
    generate.py auth     writes lib/crypto/auth_answers.def: the same for AH

The ICV covers the ciphertext, so that it proves both. Keys, IV and text follow from simple
formulas, which tests/unit/crypto_lengths.c repeats. Run it with Debian's python:
    /usr/bin/python3 tests/vectors/generate.py icvs > tests/vectors/esp_icv.def
"""

import hmac
import itertools
import sys

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.cmac import CMAC

SPI = bytes.fromhex("c0ffee01")
HIGH = 0x00000005  # half of the sequence number
LONGEST = 2048
SINGLE = [16, 64, 1440]
ANSWER_BYTES = 48  # of text in a known answer
LONG_ANSWER_BYTES = 404  # of another one for AES-GCM, which is computed in another way when it is long
AUTH_BYTES = 132  # of a message in a known answer of AH


def pattern(count, factor, start):
    return bytes((i * factor + start) & 0xFF for i in range(count))


# --- combined modes: cipher(key with salt, IV, associated data, text), text and tag


def gcm(key, iv, aad, text):
    return AESGCM(key[:-4]).encrypt(key[-4:] + iv, text, aad)


def ccm(icv_bytes):
    return lambda key, iv, aad, text: AESCCM(key[:-3], icv_bytes).encrypt(key[-3:] + iv, text, aad)


def gmac(key, iv, aad, text):
    return text + AESGCM(key[:-4]).encrypt(key[-4:] + iv, b"", aad + iv + text)


def chacha(key, iv, aad, text):
    return ChaCha20Poly1305(key[:-4]).encrypt(key[-4:] + iv, text, aad)


# --- ciphers: cipher(key, IV, text)


def cbc(key, iv, text):
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return encryptor.update(text) + encryptor.finalize()


def ctr(key, iv, text):
    encryptor = Cipher(algorithms.AES(key[:-4]), modes.CTR(key[-4:] + iv + bytes((0, 0, 0, 1)))).encryptor()
    return encryptor.update(text) + encryptor.finalize()


def null(_key, _iv, text):
    return text


# --- integrity: function(key, message)


def hmac_by(name):
    return lambda key, message: hmac.new(key, message, name).digest()


def xcbc(key, message):
    """AES-XCBC-MAC of RFC 3566, from the block cipher alone."""
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    k1, k2, k3 = (encryptor.update(bytes((number,)) * 16) for number in (1, 2, 3))
    at = max(len(message) - 1, 0) // 16 * 16
    last, mask = message[at:], k2
    if len(last) < 16:
        last, mask = last + b"\x80" + bytes(15 - len(last)), k3
    last = bytes(a ^ b for a, b in zip(last, mask))
    return cbc(k1, bytes(16), message[:at] + last)[-16:]


def cmac(key, message):
    mac = CMAC(algorithms.AES(key))
    mac.update(message)
    return mac.finalize()


# name: bytes of the keys with salt, of the IV, of the block, of the ICV; function
AEADS = {
    "AES_GCM_16": ((20, 28, 36), 8, 4, 16, gcm),
    "AES_GCM_12": ((20, 28, 36), 8, 4, 12, gcm),
    "AES_GCM_8": ((20, 28, 36), 8, 4, 8, gcm),
    "AES_CCM_16": ((19, 35), 8, 4, 16, ccm(16)),
    "AES_CCM_8": ((19, 35), 8, 4, 8, ccm(8)),
    "AES_GMAC": ((20, 28, 36), 8, 4, 16, gmac),
    "CHACHA20_POLY1305": ((36,), 8, 4, 16, chacha),
    # RFC 8750: the IV is not in the packet.
    "AES_GCM_16_IIV": ((20, 28, 36), 0, 4, 16, gcm),
    "AES_CCM_8_IIV": ((19, 35), 0, 4, 8, ccm(8)),
    "CHACHA20_POLY1305_IIV": ((36,), 0, 4, 16, chacha),
}
# name: bytes of the keys with salt, of the IV, of the block; function
CIPHERS = {
    "AES_CBC": ((16, 24, 32), 16, 16, cbc),
    "AES_CTR": ((20, 28, 36), 8, 4, ctr),
    "NULL": ((0,), 0, 4, null),
}
# name: bytes of the key, of the ICV; function
MACS = {
    "HMAC_SHA2_256_128": (32, 16, hmac_by("sha256")),
    "HMAC_SHA1_96": (20, 12, hmac_by("sha1")),
    "HMAC_SHA2_384_192": (48, 24, hmac_by("sha384")),
    "HMAC_SHA2_512_256": (64, 32, hmac_by("sha512")),
    "AES_XCBC_96": (16, 12, xcbc),
    "AES_CMAC_96": (16, 12, cmac),
}


def classes():
    for name, (keys, *_) in AEADS.items():
        for key in keys:
            yield name, "NONE", key
    for name, (keys, *_) in CIPHERS.items():
        for mac in MACS:
            for key in keys:
                yield name, mac, key


def block_of(encryption):
    return (AEADS.get(encryption) or CIPHERS[encryption])[2]


def keys_of(integrity, key_bytes):
    return pattern(key_bytes, 7, 3), pattern(MACS[integrity][0] if integrity in MACS else 0, 11, 5)


def number_of(esn, length):
    return (HIGH << 32 | length) if esn else length


def seal(encryption, integrity, key_bytes, esn, length):
    """The packet from the SPI to the ICV, and the bytes of the ICV."""
    key, mac_key = keys_of(integrity, key_bytes)
    text = pattern(length, 13, length)
    sequence = number_of(esn, length).to_bytes(8, "big")
    high, low = sequence[:4] if esn else b"", sequence[4:]
    if encryption in AEADS:
        _, iv_bytes, _, icv_bytes, function = AEADS[encryption]
        body = function(key, sequence, SPI + high + low, text)
        return SPI + low + sequence[:iv_bytes] + body[:length + icv_bytes], icv_bytes
    _, iv_bytes, _, function = CIPHERS[encryption]
    iv = pattern(16, 17, length) if iv_bytes == 16 else sequence[:iv_bytes]
    packet = SPI + low + iv + function(key, iv, text)
    _, icv_bytes, mac = MACS[integrity]
    return packet + mac(mac_key, packet + high)[:icv_bytes], icv_bytes


def head(*lines):
    print("// SPDX-License-Identifier: BSD-3-Clause")
    print("// SPDX-FileCopyrightText: 2026 The Esplanade authors")
    print()
    for line in lines:
        print(f"// {line}".rstrip())


def icvs():
    head("Written by generate.py.", "",
         "ICV(encryption, integrity, bytes of the encryption key, esn, payload bytes, ICV)",
         "ALL(…): the same with the exclusive or of the ICVs of all lengths up to the one given.")
    for encryption, integrity, key_bytes in classes():
        step = block_of(encryption)
        for esn in (False, True):
            row = f"{encryption}, {integrity}, {key_bytes}, {str(esn).lower()}"
            total = 0
            for length in range(step, LONGEST + 1, step):
                packet, icv_bytes = seal(encryption, integrity, key_bytes, esn, length)
                value = packet[-icv_bytes:]
                total ^= int.from_bytes(value, "big")
                if length in SINGLE:
                    print(f'ICV({row}, {length}, "{value.hex()}")')
            print(f'ALL({row}, {LONGEST}, "{total.to_bytes(icv_bytes, "big").hex()}")')


def answers():
    head("Written by tests/vectors/generate.py with python3-cryptography: packets of every class.", "",
         "ANSWER(encryption, integrity, esn, number, encryption key, integrity key, text, packet)")
    for encryption, integrity, key_bytes in classes():
        keys = ", ".join(f'"{key.hex()}"' for key in keys_of(integrity, key_bytes))
        lengths = (ANSWER_BYTES, LONG_ANSWER_BYTES) if encryption == "AES_GCM_16" else (ANSWER_BYTES,)
        for esn, length in itertools.product((False, True), lengths):
            packet, _ = seal(encryption, integrity, key_bytes, esn, length)
            number = number_of(esn, length)
            print(f"ANSWER({encryption}, {integrity}, {str(esn).lower()}, 0x{number:x}, {keys},")
            print(f'       "{pattern(length, 13, length).hex()}",')
            print(f'       "{packet.hex()}")')


def auth():
    """Of AH: a message, and the value that authenticates it; under ESN the high half stands behind the message."""
    head("Written by tests/vectors/generate.py with python3-cryptography: values of every integrity algorithm of AH.",
         "", "AUTH(encryption, integrity, esn, number, key, message, value)")
    for encryption, integrity, key_bytes in classes():
        if encryption not in ("NULL", "AES_GMAC"):
            continue
        key = keys_of(integrity, key_bytes)[integrity in MACS]
        for esn in (False, True):
            for length in (AUTH_BYTES, AUTH_BYTES + 16 - 4):  # the latter, with the high half, fills whole blocks
                number = number_of(esn, length)
                message = pattern(length, 13, length)
                covered = message + (HIGH.to_bytes(4, "big") if esn else b"")
                if encryption == "AES_GMAC":
                    iv = number.to_bytes(8, "big")
                    value = iv + AESGCM(key[:-4]).encrypt(key[-4:] + iv, b"", covered)
                else:
                    _, icv_bytes, mac = MACS[integrity]
                    value = mac(key, covered)[:icv_bytes]
                print(f"AUTH({encryption}, {integrity}, {str(esn).lower()}, 0x{number:x}, \"{key.hex()}\",")
                print(f'     "{message.hex()}",')
                print(f'     "{value.hex()}")')


{"icvs": icvs, "answers": answers, "auth": auth}[sys.argv[1]]()
