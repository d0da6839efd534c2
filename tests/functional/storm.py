#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
"""Clients that log in and go again, as an IKE daemon installs them over XFRM: no two at the same address.

usage: storm.py SOCKET COUNT: so many come; prints how many requests were refused.
"""

import sys
import types

import xfrm_wire as wire

HERE = "192.0.2.1"
STAY = 100  # at once


def requests(number):
    """What makes CHILD_SA number, and what takes it away."""
    low = f"{number >> 8 & 255}.{number & 255}"
    peer, inner, reqid, spi = f"198.18.{low}", f"10.77.{low}/32", 100 + number, 0x10000 + 2 * number
    there, back, ends = ("10.1.0.0/16", inner), (inner, "10.1.0.0/16"), (HERE, peer)
    make = [(wire.NEWSA, wire.sa(peer, HERE, spi, reqid, window=32)), (wire.NEWSA, wire.sa(HERE, peer, spi + 1, reqid))]
    make += [(wire.NEWPOLICY, wire.policy(direction, back, ends[::-1], reqid)) for direction in (0, 2)]
    make += [(wire.NEWPOLICY, wire.policy(1, there, ends, reqid))]
    take = [(wire.DELPOLICY, wire.policy_id(direction, back)) for direction in (0, 2)]
    take += [(wire.DELPOLICY, wire.policy_id(1, there))]
    take += [(wire.DELSA, wire.sa_id(peer, spi + 1)), (wire.DELSA, wire.sa_id(HERE, spi))]
    return make, take


def main():
    controller = wire.Controller(types.SimpleNamespace(xfrm_path=sys.argv[1]), "storm")
    refused = 0
    for number in range(int(sys.argv[2])):
        make, _ = requests(number)
        _, take = requests(number - STAY) if number >= STAY else ([], [])
        refused += sum(controller.ask(*request) != 0 for request in make + take)
    print(refused)


main()
