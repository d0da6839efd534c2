#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
#
# Two workers in each gateway, two queues a port: everything arrives, and both workers do some of it.
#
#   hostA e0 ── p0 [lan gwA wan] u0 ── u0 [wan gwB lan] p0 ── e0 hostB
#                  2 workers              2 workers

LAB_WORKERS='0, 1'
. "$(dirname "$0")/lib.sh"

if [ "$(nproc)" -lt 2 ]; then
	skip 'two workers' 'this machine has one CPU'
	exit
fi

# both_worked GATEWAY: each of its workers has taken in or passed on packets.
both_worked() {
	ctl "$1" --json worker list |
		jq -e '[.. | objects | select(has("polls")) | .polls - .idle_polls] | length == 2 and all(. > 0)'
}

for queues in 1 2; do
	step "$queues queue(s) a port"
	LAB_QUEUES=$queues
	lab_up
	capture_wire "$LAB_DIR/wire"
	receiver hostA
	receiver hostB
	check 'TCP in 8 streams, IPv4' tcp hostA 10.2.0.2 32 8
	check 'TCP in 8 streams, IPv6, the other way' tcp hostB 2001:db8:a::2 32 8
	check 'no ping is lost' all_answered hostA 10.2.0.2 100
	check 'both workers of gateway A worked' both_worked gwA
	check 'both workers of gateway B worked' both_worked gwB
	check_equal 'gateway B saw no replay' "$(drops gwB esp_replay)" 0
	check_equal 'gateway B saw no wrong ICV' "$(drops gwB esp_integrity)" 0
	check_nothing_clear "$LAB_DIR/wire"
	if [ "$queues" = 1 ]; then
		lab_kill gwA TERM
		check_equal 'gateway A ends cleanly' $? 0
		lab_kill gwB TERM
		check_equal 'gateway B ends cleanly' $? 0
		lab_destroy
	fi
done
