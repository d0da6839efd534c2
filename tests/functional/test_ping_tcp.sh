#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
#
# Ping and TCP through the tunnel, both families, at several MTUs; packets larger than the path.
#
#   hostA e0 ── p0 [lan gwA wan] u0 ── u0 [wan gwB lan] p0 ── e0 hostB
#   10.1.0.2, 2001:db8:a::2    ESP     10.2.0.2, 2001:db8:b::2
#
# The ports are libpcap's: AF_PACKET would put fragments together before the gateway sees them.

LAB_DEVICE=pcap
. "$(dirname "$0")/lib.sh"

lab_up
capture_wire "$LAB_DIR/wire"
receiver hostA
receiver hostB

for mtu in 1500 1400 1280; do
	step "MTU of the hosts: $mtu"
	for host in hostA hostB; do
		in_ns $host ip link set dev e0 mtu $mtu
		in_ns $host ip route flush cache
		in_ns $host ip -6 route flush cache
	done
	check "ping, IPv4, 56 bytes" all_answered hostA 10.2.0.2 20
	check "ping, IPv6, 56 bytes" all_answered hostA 2001:db8:b::2 20
	# Without DF, packets of the whole MTU are cut before they are encrypted; IPv6 learns the MTU from packet too big.
	check "ping, IPv4, packets of $mtu bytes, fragments allowed" \
		all_answered hostA 10.2.0.2 10 -M dont -s $((mtu - 28))
	check "ping, IPv4, packets of three fragments" all_answered hostA 10.2.0.2 10 -M dont -s 3500
	wait_until 60 'the hosts to learn the MTU' in_ns hostA ping -c 1 -W 1 -s $((mtu - 48)) 2001:db8:b::2
	check "ping, IPv6, packets of $mtu bytes" all_answered hostA 2001:db8:b::2 10 -s $((mtu - 48))
	check "ping, IPv6, packets of three fragments" all_answered hostA 2001:db8:b::2 10 -s 3500
	check 'TCP, IPv4, from A to B' tcp hostA 10.2.0.2 8
	check 'TCP, IPv4, from B to A' tcp hostB 10.1.0.2 8
	check 'TCP, IPv6, from A to B' tcp hostA 2001:db8:b::2 8
	check 'TCP, IPv6, from B to A' tcp hostB 2001:db8:a::2 8
done

step 'path MTU discovery'
for host in hostA hostB; do
	in_ns $host ip link set dev e0 mtu 1500
	in_ns $host ip route flush cache
	in_ns $host ip -6 route flush cache
done
# 1446 bytes of inner packet: 1500 less outer header 20, ESP 8, IV 8, trailer 2, ICV 16.
check 'DF, one byte below the limit passes' all_answered hostA 10.2.0.2 5 -M 'do' -s $((1446 - 28))
too_long() { in_ns hostA ping -c 1 -W 2 -M 'do' -s $((1446 - 28 + 1)) 10.2.0.2 2>&1 | grep -E 'mtu ?= ?1446'; }
check 'DF, above the limit: the gateway says which MTU fits' wait_until 60 'the gateway to say so' too_long
learnt() { in_ns hostA ip route get 10.2.0.2 | grep -o 'mtu [0-9]*'; }
check_settles 'the host has learnt it' 'mtu 1446' learnt

check_nothing_clear "$LAB_DIR/wire"
