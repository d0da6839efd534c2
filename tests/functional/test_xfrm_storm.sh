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
require 'a first ping gets through' wait_until 60 'ping' in_ns hostA ping -c 1 -W 1 10.2.0.2

CLIENTS=800
lab_run hostA "$PROGRAMS/ping_all" -i 0.005 2001:db8:b::2 >"$LAB_DIR/ping6.txt" && six=$LAB_PID
start_pings hostA 10.2.0.2 -i 0.005 && four=$PINGS
check_equal 'clients come and go, of which none is refused' "$("$PYTHON" "$ROOT/tests/functional/storm.py" "$LAB_DIR/gwA.xfrm" $CLIENTS)" 0
for pid in "$four" "$six"; do
	check 'packets went all the while' running "$pid"
	lab_end "$pid"
	check_equal 'none was lost' $? 0
done
cat "$LAB_DIR/pings" "$LAB_DIR/ping6.txt"
