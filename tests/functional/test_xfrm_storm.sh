#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
#
# Clients log in and go by the hundred, over XFRM, and what others send meanwhile is not lost.
#
#   hostA e0 ── p0 [lan gwA wan] u0 ── u0 [wan gwB lan] p0 ── e0 hostB
#                     ↑ SAs and policies of other peers

. "$(dirname "$0")/lib.sh"

lab_make || exit 1
sed -i "s|^control = {|control = { xfrm_socket = \"$LAB_DIR/gwA.xfrm\";|" "$LAB_DIR/gwA.conf"
require 'gateway A starts' lab_start gwA
require 'gateway B starts' lab_start gwB
require 'a first ping gets through' wait_until 20 'ping' in_ns hostA ping -c 1 -W 1 10.2.0.2

/usr/bin/python3 "$(dirname "$0")/storm.py" "$LAB_DIR/gwA.xfrm" "$LAB_DIR/stop" >"$LAB_DIR/storm.txt" 2>&1 &
storm=$!
check 'no packet is lost meanwhile, IPv4' unless_missed gwA all_answered hostA 10.2.0.2 600 -i 0.005
check 'no packet is lost meanwhile, IPv6' unless_missed gwA all_answered hostA 2001:db8:b::2 300 -i 0.005
running "$storm"
check_equal 'clients came and went all the while' $? 0
touch "$LAB_DIR/stop"
wait "$storm"
check_equal 'none was refused' "$(cut -d' ' -f2 "$LAB_DIR/storm.txt")" 0
check 'they were more than a few' [ "$(cut -d' ' -f1 "$LAB_DIR/storm.txt")" -gt 200 ]
