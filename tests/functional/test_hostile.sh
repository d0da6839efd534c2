#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
#
# Ten hostile packets to one good one: the good ones pass, every hostile one is counted, memory and log stay bounded.
# conformance: M9
#
#   hostA e0 ── p0 [lan gwA wan] u0 ──┬── u0 [wan gwB lan] p0 ── e0 hostB
#                                     └ attacker, in gateway B's namespace

LAB_SETTINGS='limits = { punt_pps = 200; reassembly_seconds = 2; };'
. "$(dirname "$0")/lib.sh"

HOSTILE=$ROOT/tests/functional/hostile.py
RATE=4000
PINGS=200 DATAGRAMS=150

# counters FILE: gateway A's, and how many frames its kernel has had from the wire.
counters() {
	{
		ctl gwA --json drops all && ctl gwA --json port list &&
			echo "{\"kernel\": $(in_ns gwA cat /sys/class/net/u0/statistics/rx_packets)}"
	} >"$1"
}
buffers_in_use() { ctl gwA --json status | jq '[.. | objects | select(has("buffers")) | .buffers.in_use] | first'; }
resident_kb() { awk '/^VmRSS/ { print $2 }' "/proc/$(cat "$LAB_DIR/gwA.pid")/status"; }
log_lines() { wc -l <"$LAB_DIR/gwA.log"; }
at_most() { [ "$1" -le "$2" ] || ! echo "$1 is more than $2"; }
at_least() { [ "$1" -ge "$2" ] || ! echo "$1 is less than $2"; }
received_in_all() { ctl gwA --json port list | jq '[.. | objects | select(.name? == "wan").rx_packets] | add'; }
# unseen: what has come to gateway A by the wire and found no room, because the machine did not let it run.
unseen() { echo $(($(in_ns gwA cat /sys/class/net/u0/statistics/rx_packets) - $(received_in_all))); }
# nearly_all COUNT: 99 of a hundred; none of those that the gateway has never seen can be answered.
nearly_all() { echo $(($1 * 99 / 100 - unseen)); }
# received FILE: how many pings were answered.
received() { sed -n 's/.* \([0-9]*\) received.*/\1/p' "$1"; }
decrypted() {
	ctl gwA --json sa list | jq '[.. | objects | select(.name? == "from-B-v4" or .name? == "from-B-v6").packets] | add'
}

lab_up
key=$(random_hex 20)
check 'a peer gone bad has an SA' ctl gwA sa add direction in spi 0xc0de source 192.0.2.2 destination 192.0.2.1 \
	reqid 66 encryption aes-gcm-16 "0x$key"
check 'and a policy' ctl gwA policy add direction in priority 900 action protect reqid 66 source 10.66.0.0/24 destination 10.1.0.0/24
mac=$(in_ns gwA cat /sys/class/net/u0/address)
receiver hostB
lab_run hostB "$HOSTILE" sink >"$LAB_DIR/sink"
wait_until 60 'the UDP sink' grep -q ready "$LAB_DIR/sink"
in_ns hostA "$HOSTILE" source 10.2.0.2 1 >/dev/null # neighbours are known

step 'good traffic under attack'
counters "$LAB_DIR/before"
received=$(received_in_all) unseen=$(unseen) in_use=$(buffers_in_use) memory=$(resident_kb) lines=$(log_lines) good=$(decrypted)
lab_run gwB "$HOSTILE" flood u0 "$mac" "$key" $RATE >"$LAB_DIR/sent"
attack=$LAB_PID
under_attack() { [ "$(drops gwA esp_integrity)" -gt 100 ]; }
require 'the attack has begun' wait_until 60 'the counter' under_attack
pids=()
lab_run hostA "$PROGRAMS/ping_all" -c $PINGS -i 0.015 -W 5 10.2.0.2 >"$LAB_DIR/ping4" && pids+=("$LAB_PID")
lab_run hostA "$PROGRAMS/ping_all" -c $PINGS -i 0.015 -W 5 -s 1200 2001:db8:b::2 >"$LAB_DIR/ping6" && pids+=("$LAB_PID")
lab_run hostA "$HOSTILE" source 10.2.0.2 $DATAGRAMS >"$LAB_DIR/udp" && pids+=("$LAB_PID")
check 'TCP' tcp hostA 10.2.0.2 1
wait "${pids[@]}"
good=$(($(decrypted) - good))
tenfold() { [ $(($(received_in_all) - received)) -ge $((11 * good)) ]; }
require 'the attack is still on' running "$attack"
require 'it has been strong enough' wait_until 60 'ten hostile packets for each good one' tenfold
lab_end "$attack" TERM
unseen=$(($(unseen) - unseen))
check 'pings are answered, IPv4' at_least "$(received "$LAB_DIR/ping4")" "$(nearly_all $PINGS)"
check 'pings are answered, IPv6' at_least "$(received "$LAB_DIR/ping6")" "$(nearly_all $PINGS)"
check 'UDP comes back' at_least "$(cat "$LAB_DIR/udp")" "$(nearly_all $DATAGRAMS)"
bad=$(jq add "$LAB_DIR/sent")
check "ten hostile packets to a good one: $bad to $good" at_least "$bad" $((10 * good))

step 'afterwards'
# Incomplete packets are waited for, and then given up.
drained() { at_most "$(buffers_in_use)" "$in_use"; }
check 'packet buffers are back' wait_until 60 'fragments to be given up' drained
counters "$LAB_DIR/after"
check 'every hostile packet is accounted for' "$HOSTILE" account "$LAB_DIR/sent" "$LAB_DIR/before" "$LAB_DIR/after"
most=16384
case $BUILD in
*san*) most=262144 ;; # freed memory is kept for a while there
esac
check 'memory stays bounded' at_most $(($(resident_kb) - memory)) $most
check 'so does the log' at_most $(($(log_lines) - lines)) 50
check_equal 'no forged ICMP error was believed' \
	"$(ctl gwA --json status | jq '[.. | objects | select(has("path_mtu")) | .path_mtu.learned] | first')" 0
check 'pings pass as before, IPv4' all_answered hostA 10.2.0.2 50
check 'pings pass as before, IPv6' all_answered hostA 2001:db8:b::2 50
