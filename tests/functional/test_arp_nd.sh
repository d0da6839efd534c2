#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
#
# The kernel finds neighbours for the gateway: packets wait for it in a bounded queue, and none is lost.
#
#   hostA e0 ── p0 [lan gwA wan] u0 ── u0 [wan gwB lan] p0 ── e0 hostB
#                    kernel's neighbours, mirrored

. "$(dirname "$0")/lib.sh"

lab_up

# forget GATEWAY: its kernel knows no neighbour any more.
forget() {
	in_ns "$1" ip neighbour flush dev lan
	in_ns "$1" ip neighbour flush dev wan
}

# known GATEWAY ADDRESS: the daemon has its MAC address.
known() {
	ctl "$1" --json neighbour list |
		jq -e --arg address "$2" '[.. | objects | select(.address? == $address)] | length == 1'
}

# address of host B, of gateway B on the wire
for pair in '10.2.0.2 192.0.2.2' '2001:db8:b::2 2001:db8:f::2'; do
	read -r address next_hop <<<"$pair"
	step "to $address with empty neighbour tables"
	forget gwA && forget gwB
	# The burst leaves before any answer can have come: its packets have to wait.
	check 'a burst of 8 packets arrives whole' all_answered hostA "$address" 8 -i 0
	check "the daemon mirrors the kernel's neighbour on the wire" known gwA "$next_hop"
	check 'and the one on the protected side' known gwB "$address"
done

step 'a neighbour that does not exist'
before=$(drops gwB neighbour_unresolved)
in_ns hostA ping -n -c 3 -i 0.05 -W 1 10.2.0.77 >/dev/null
more_unresolved() { [ "$(drops gwB neighbour_unresolved)" -gt "$before" ]; }
check 'packets for it are counted as unresolved' wait_until 60 'the counter' more_unresolved

step 'more packets than the queue holds'
full() { [ "$(drops gwB neighbour_queue_full)" -gt 0 ]; }
in_ns hostA ping -n -l 2000 -c 2000 -W 1 10.2.0.78 >/dev/null
check 'the queue is bounded' wait_until 60 'the counter' full
check 'traffic to others goes on' all_answered hostA 10.2.0.2 20

step 'a neighbour with a new MAC address'
# The kernel doubts what it knows after half a minute by itself; here sooner.
for family in ipv4 ipv6; do
	in_ns gwB sysctl -q -w net.$family.neigh.lan.base_reachable_time_ms=1000 net.$family.neigh.lan.delay_first_probe_time=1 \
		net.$family.neigh.lan.retrans_time_ms=200
done
in_ns hostB ip link set dev e0 down
in_ns hostB ip link set dev e0 address 02:00:00:00:77:01 up
in_ns hostB ip -6 address replace 2001:db8:b::2/64 dev e0 nodad
in_ns hostB ip route replace default via 10.2.0.1
in_ns hostB ip -6 route replace default via 2001:db8:b::1
wait_until 60 'the host to be heard' ping_passes hostB 10.2.0.1
check 'the gateway follows, IPv4' wait_until 120 'ping' in_ns hostA ping -c 1 -W 1 10.2.0.2
check 'the gateway follows, IPv6' wait_until 120 'ping' in_ns hostA ping -c 1 -W 1 2001:db8:b::2

step 'the host itself'
check 'ping from gateway A to its own host' all_answered gwA 10.1.0.2 2
check 'ping from host A to the gateway' all_answered hostA 10.1.0.1 2
check 'ping from host A to the gateway, IPv6' all_answered hostA 2001:db8:a::1 2
