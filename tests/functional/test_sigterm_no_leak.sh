#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
#
# A gateway that ends, politely or not, leaks nothing: the wire carries ESP before, and nothing in clear after.
#
#   hostA e0 ── p0 [lan gwA wan] u0 ── u0 [wan gwB lan] p0 ── e0 hostB
#                     ↑ ends, under traffic from both sides

. "$(dirname "$0")/lib.sh"

# traffic HOST ADDRESS: floods pings until it is ended.
traffic() { lab_run "$1" ping -q -n -i 0.005 -s 200 "$2" >/dev/null 2>&1; }

# esp_passes FILE COUNT: the capture goes on growing.
esp_passes() { [ "$(frames "$1" "$ESP_FILTER")" -ge "$2" ]; }

lab_up
for signal in TERM KILL INT; do
	step "gateway A ends on SIG$signal"
	wire=$LAB_DIR/wire-$signal
	capture_wire "$wire"
	pids=()
	for address in 10.2.0.2 2001:db8:b::2; do
		traffic hostA $address && pids+=("$LAB_PID")
	done
	for address in 10.1.0.2 2001:db8:a::2; do
		traffic hostB $address && pids+=("$LAB_PID")
	done
	require 'traffic flows' wait_until 60 'ESP on the wire' esp_passes "$wire-gwB" 200
	lab_kill gwA $signal
	code=$?
	case $signal in
	KILL) check_equal 'killed' $code 137 ;;
	*) check_equal "it ends with 0 on SIG$signal" $code 0 ;;
	esac
	# The hosts go on sending to a gateway that is gone: so many frames reach it that anything that leaks would show.
	before=$(in_ns gwA cat /sys/class/net/p0/statistics/rx_packets)
	arrives() { [ "$(in_ns gwA cat /sys/class/net/p0/statistics/rx_packets)" -ge $((before + $1)) ]; }
	require 'its hosts go on sending' wait_until 60 'frames at the dead gateway' arrives 20
	check 'its TAP interfaces are gone' sh -c "! ip -n '$LAB-gwA' link show lan"
	for pid in "${pids[@]}"; do
		lab_end "$pid"
	done
	check_nothing_clear "$wire"
	require 'it starts again' lab_start gwA
	# A counter mode with a key that was used must not begin at 1 again: fresh keys on both sides.
	lab_kill gwA TERM
	lab_kill gwB TERM
	lab_keys && lab_config gwA && lab_config gwB
	require 'both start again with new keys' lab_start gwA
	lab_start gwB
	require 'and talk again' wait_until 60 'ping' in_ns hostA ping -c 1 -W 1 10.2.0.2
done
