#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors

"""Writes esp_icv.def: ICVs of ESP packets of many lengths, computed with python3-cryptography.

The ICV covers the ciphertext, so that it proves both. Keys, IV and text follow from simple
formulas, which tests/unit/crypto_lengths.c repeats. Run it with Debian's python:
    /usr/bin/python3 tests/vectors/generate.py > tests/vectors/esp_icv.def
"""

import hmac

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

SPI = bytes.fromhex("c0ffee01")
HIGH = 0x00000005  # half of the sequence number
LONGEST = 2048
SINGLE = [4, 8, 12, 16, 28, 32, 48, 60, 64, 80, 84, 96, 112, 128, 192, 256, 272, 512, 1024, 1440]

CLASSES = [
    ("AES_GCM_16", "NONE", 16 + 4),
    ("AES_GCM_16", "NONE", 32 + 4),
    ("CHACHA20_POLY1305", "NONE", 32 + 4),
    ("AES_CBC", "HMAC_SHA2_256_128", 16),
    ("AES_CBC", "HMAC_SHA2_256_128", 32),
    ("AES_CBC", "HMAC_SHA1_96", 16),
    ("AES_CBC", "HMAC_SHA1_96", 32),
    ("NULL", "HMAC_SHA2_256_128", 0),
    ("NULL", "HMAC_SHA1_96", 0),
]
HMACS = {"HMAC_SHA2_256_128": (32, "sha256", 16), "HMAC_SHA1_96": (20, "sha1", 12)}


def pattern(count, factor, start):
    return bytes((i * factor + start) & 0xFF for i in range(count))


def icv(encryption, integrity, key_bytes, esn, length):
    key = pattern(key_bytes, 7, 3)
    text = pattern(length, 13, length)
    sequence = (HIGH << 32 | length) if esn else length
    low = sequence.to_bytes(8, "big")[4:]
    high = sequence.to_bytes(8, "big")[:4] if esn else b""
    if integrity == "NONE":
        cipher = (AESGCM if encryption == "AES_GCM_16" else ChaCha20Poly1305)(key[:-4])
        nonce = key[-4:] + sequence.to_bytes(8, "big")
        return cipher.encrypt(nonce, text, SPI + high + low)[-16:]
    body = text
    if encryption == "AES_CBC":
        iv = pattern(16, 17, length)
        encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
        body = iv + encryptor.update(text) + encryptor.finalize()
    hmac_key_bytes, name, icv_bytes = HMACS[integrity]
    message = SPI + low + body + high
    return hmac.new(pattern(hmac_key_bytes, 11, 5), message, name).digest()[:icv_bytes]


def main():
    print("// SPDX-License-Identifier: BSD-3-Clause")
    print("// SPDX-FileCopyrightText: 2026 The Esplanade authors")
    print()
    print("// Written by generate.py.")
    print("//")
    print("// ICV(encryption, integrity, bytes of the encryption key, esn, payload bytes, ICV)")
    print("// ALL(…): the same with the exclusive or of the ICVs of all lengths up to the one given.")
    for encryption, integrity, key_bytes in CLASSES:
        step = 16 if encryption == "AES_CBC" else 4
        for esn in (False, True):
            row = f"{encryption}, {integrity}, {key_bytes}, {str(esn).lower()}"
            total = 0
            for length in range(step, LONGEST + 1, step):
                value = icv(encryption, integrity, key_bytes, esn, length)
                total ^= int.from_bytes(value, "big")
                if length in SINGLE:
                    print(f'ICV({row}, {length}, "{value.hex()}")')
            print(f'ALL({row}, {LONGEST}, "{total.to_bytes(len(value), "big").hex()}")')


main()
