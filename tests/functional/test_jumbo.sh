#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
#
# Jumbo frames at the hosts, over a wire that takes them and over one that does not: every frame of 9000 bytes is
# chained over several buffers in the gateways.
#
#   hostA e0 ── p0 [lan gwA wan] u0 ── u0 [wan gwB lan] p0 ── e0 hostB
#      MTU 9000                 9000 or 1500                MTU 9000

LAB_DEVICE=pcap
LAB_MTU=9000
. "$(dirname "$0")/lib.sh"

for LAB_WIRE_MTU in 9000 1500; do
	step "MTU of the wire: $LAB_WIRE_MTU"
	lab_up
	capture_wire "$LAB_DIR/wire"
	receiver hostA
	receiver hostB
	if [ "$LAB_WIRE_MTU" = 9000 ]; then
		check 'ping, IPv4, 8900 bytes, DF' all_answered hostA 10.2.0.2 20 -M 'do' -s 8872
		check 'ping, IPv6, 8900 bytes' all_answered hostA 2001:db8:b::2 20 -s 8852
	else
		check 'ping, IPv4, 9000 bytes, cut into seven' all_answered hostA 10.2.0.2 20 -M dont -s 8972
		# The first is answered by packet too big, and that on its way back too.
		wait_until 60 'the hosts to learn the MTU' in_ns hostA ping -c 1 -W 1 -s 8852 2001:db8:b::2
		check 'ping, IPv6, 8900 bytes, cut by the hosts' all_answered hostA 2001:db8:b::2 20 -s 8852
	fi
	check 'TCP, IPv4, from A to B' tcp hostA 10.2.0.2 8
	check 'TCP, IPv4, from B to A' tcp hostB 10.1.0.2 8
	check 'TCP, IPv6, from A to B' tcp hostA 2001:db8:b::2 8
	check 'TCP, IPv6, from B to A' tcp hostB 2001:db8:a::2 8
	check_nothing_clear "$LAB_DIR/wire"
	lab_down
done
