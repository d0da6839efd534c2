#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
#
# The gateway's own traffic obeys the SPD like any other: by a bypass policy it passes, without one it does not.
#
#   hostA e0 ── p0 [lan gwA wan] u0 ── u0 [wan gwB lan] p0 ── e0 hostB
#                        └─ ping 192.0.2.2 ─┘

. "$(dirname "$0")/lib.sh"

# bypass GATEWAY NET: adds policies that let the gateways' own ICMP pass, both ways.
bypass() {
	local direction
	for direction in in out; do
		ctl "$1" policy add direction $direction priority 500 action bypass \
			source "$2" destination "$2" protocol "$3" || return
	done
}
unbypass() {
	local direction
	for direction in in out; do
		ctl "$1" policy delete direction $direction priority 500 \
			source "$2" destination "$2" protocol "$3" || return
	done
}

lab_up
capture_wire "$LAB_DIR/before"
before=$(drops gwA spd_out_no_policy)
in_ns gwA ping -n -c 3 -i 0.1 -W 1 192.0.2.2 >"$LAB_DIR/ping.txt" 2>&1
check 'without a policy: no answer' grep ' 0 received' "$LAB_DIR/ping.txt"
dropped() { [ "$(drops gwA spd_out_no_policy)" -ge $((before + 3)) ]; }
check 'the packets are counted' wait_until 60 'the counter' dropped
check 'ARP was answered all the same' in_ns gwA ip neighbour get 192.0.2.2 dev wan
check 'the tunnel is there' all_answered hostA 10.2.0.2 3
check_nothing_clear "$LAB_DIR/before"

for gateway in gwA gwB; do
	require "bypass policies for $gateway, IPv4" bypass $gateway 192.0.2.0/24 icmp
	require "bypass policies for $gateway, IPv6" bypass $gateway 2001:db8:f::/64 icmpv6
done
check 'with a bypass policy: answers, IPv4' all_answered gwA 192.0.2.2 10
check 'with a bypass policy: answers, IPv6' all_answered gwA 2001:db8:f::2 10
check 'from the other side too' all_answered gwB 192.0.2.1 10

for gateway in gwA gwB; do
	require "no more bypass for $gateway" unbypass $gateway 192.0.2.0/24 icmp
done
in_ns gwA ping -n -c 3 -i 0.1 -W 1 192.0.2.2 >"$LAB_DIR/ping.txt" 2>&1
check 'without the policy again: no answer' grep ' 0 received' "$LAB_DIR/ping.txt"
check 'the tunnel was there all the while' all_answered hostA 10.2.0.2 10
