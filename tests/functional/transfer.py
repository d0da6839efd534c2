#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""Sends random bytes over TCP and compares what the other end says has arrived.

usage: transfer.py serve                       takes connections until it is ended; prints "ready" when it listens
       transfer.py send ADDRESS MEGABYTES [STREAMS]
"""

import hashlib
import os
import socket
import sys
import threading

PORT = 7000
PATIENCE = 100  # seconds without any progress


def take(connection):
    """Answers everything up to the end with its digest."""
    digest = hashlib.sha256()
    with connection:
        connection.settimeout(PATIENCE)
        while data := connection.recv(1 << 16):
            digest.update(data)
        connection.sendall(digest.digest())


def serve():
    with socket.create_server(("::", PORT), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64) as listener:
        print("ready", flush=True)
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=take, args=(connection,), daemon=True).start()


def send_one(address, size, wrong):
    block = os.urandom(1 << 16)
    digest = hashlib.sha256()
    try:
        with socket.create_connection((address, PORT), PATIENCE) as connection:
            for number in range(size >> 16):
                piece = number.to_bytes(8, "big") + block[8:]  # no two blocks alike
                digest.update(piece)
                connection.sendall(piece)
            connection.shutdown(socket.SHUT_WR)
            answer = b""
            while len(answer) < 32 and (data := connection.recv(64)):
                answer += data
            if answer != digest.digest():
                wrong.append("what arrived is not what was sent")
    except OSError as error:
        wrong.append(str(error))


def send(address, megabytes, streams=1):
    wrong = []
    threads = [threading.Thread(target=send_one, args=(address, (megabytes << 20) // streams, wrong))
               for _ in range(streams)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"{megabytes} MB to {address} in {streams} stream(s): {'; '.join(wrong) or 'all as it was sent'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve()
    sys.exit(send(sys.argv[2], *map(int, sys.argv[3:])))
