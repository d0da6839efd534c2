#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
#
# Links go and come back under traffic, at either end of a cable and by the administrator's hand: the gateway counts what it
# cannot send, loses no packet buffer, and goes on. conformance: M6
#
#   hostA e0 ── p0 [lan gwA wan] u0 ── u0 [wan gwB lan] p0 ── e0 hostB
#                ↓↑            ↓↑       ↓↑

. "$(dirname "$0")/lib.sh"

pings_pass() { wait_until 60 'ping' in_ns hostA ping -c 1 -W 1 10.2.0.2; }
transmitted() { in_ns "$1" cat /sys/class/net/e0/statistics/tx_packets; }
# sent HOST COUNT: so many more frames have left it; $before has what had.
sent() { [ "$(transmitted "$1")" -ge $((before + $2)) ]; }
link_is() { ctl "$1" --json port list | jq -e --arg port "$2" --argjson up "$3" '[.. | objects | select(.name? == $port).link.up] == [$up]'; }

lab_up
pids=()
for way in 'hostA 10.2.0.2' 'hostA 2001:db8:b::2' 'hostB 10.1.0.2'; do
	# shellcheck disable=SC2086 # two words
	set -- $way
	lab_run "$1" ping -q -n -i 0.005 -s 400 "$2" >/dev/null 2>&1
	pids+=("$LAB_PID")
done

# flap NAME INTERFACE HOST: down while the host sends some hundred packets that would go there.
flap() {
	in_ns "$1" ip link set dev "$2" down
	before=$(transmitted "$3")
	check "$3 goes on sending while $2 of $1 is down" wait_until 60 'frames' sent "$3" 200
	in_ns "$1" ip link set dev "$2" up
	check "traffic goes on when $2 of $1 is back" pings_pass
}

step 'cables'
flap gwB u0 hostA # the far end
flap gwA u0 hostA # the near end
flap gwA p0 hostB

step "the administrator's hand"
in_ns gwA ip link set dev wan down
check 'the port is down' wait_until 60 'the port' link_is gwA wan false
counted() { [ "$(drops gwA tx_link_down)" -gt 20 ]; }
# The route over a TAP that is down is gone as well, in Linux and so in the gateway.
unrouted() { [ "$(drops gwA no_route)" -gt 20 ] || counted; }
check 'what cannot be sent is counted' wait_until 60 'drops' unrouted
in_ns gwA ip link set dev wan up
check 'the port is up again' wait_until 60 'the port' link_is gwA wan true
in_ns gwA ip -6 address replace 2001:db8:f::1/64 dev wan nodad
check 'traffic goes on' pings_pass
check 'traffic goes on, IPv6' wait_until 60 'ping' in_ns hostA ping -c 1 -W 1 2001:db8:b::2

for pid in "${pids[@]}"; do
	lab_end "$pid"
done
check 'no ping is lost any more, IPv4' all_answered hostA 10.2.0.2 50
check 'no ping is lost any more, IPv6' all_answered hostA 2001:db8:b::2 50
