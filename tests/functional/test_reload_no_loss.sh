#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
# conformance: B6
#
# A reload changes what differs and loses no packet of what does not.
#
#   hostA e0 ── p0 [lan gwA wan] u0 ── u0 [wan gwB lan] p0 ── e0 hostB
#                     ↻ reloads, by SIGHUP and by command, with policies added and taken away

. "$(dirname "$0")/lib.sh"

lab_up
plain=$LAB_DIR/plain.conf
cp "$LAB_DIR/gwA.conf" "$plain"

policies() { ctl gwA --json policy list | jq '[.. | objects | select(.selector?)] | length'; }
count_is() { [ "$(policies)" = "$1" ]; }

# with_more COUNT: gateway A's configuration with so many more policies.
with_more() {
	local i
	for ((i = 0; i < $1; i++)); do
		printf '\t{ name = "more-%d"; direction = "out"; priority = 10; action = "discard";\n' "$i"
		printf '\t  selector = { source = "10.9.%d.0/24"; destination = "10.8.0.0/16"; }; },\n' "$i"
	done >"$LAB_DIR/more"
	sed "/^policies = (/r $LAB_DIR/more" "$plain" >"$LAB_DIR/gwA.conf"
}

before=$(policies)
lab_run hostA "$PROGRAMS/ping_all" -i 0.005 10.2.0.2 >"$LAB_DIR/ping4.txt" && four=$LAB_PID
start_pings hostA 2001:db8:b::2 -i 0.005 && six=$PINGS
for round in 1 2 3; do
	with_more $((round * 50))
	check "reload $round by command adds $((round * 50)) policies" ctl gwA config reload
	check_equal 'they are there' "$(policies)" $((before + round * 50))
	cp "$plain" "$LAB_DIR/gwA.conf"
	kill -HUP "$(cat "$LAB_DIR/gwA.pid")"
	check "reload $round by SIGHUP takes them away" wait_until 60 'policies to go' count_is "$before"
done

step 'a broken file changes nothing'
sed 's/priority = 1000/priority = "soon"/' "$plain" >"$LAB_DIR/gwA.conf"
if ctl gwA config reload >"$LAB_DIR/reload.txt" 2>&1; then
	fail 'a broken configuration is refused'
else
	pass 'a broken configuration is refused'
fi
check 'the error names the line' grep -E 'gwA.conf:[0-9]+' "$LAB_DIR/reload.txt"
check 'the error names the value' grep 'priority' "$LAB_DIR/reload.txt"
check_equal 'nothing was changed' "$(policies)" "$before"
cp "$plain" "$LAB_DIR/gwA.conf"

for pid in "$four" "$six"; do
	check 'traffic went on all the while' running "$pid"
	lab_end "$pid"
	check_equal 'no packet was lost' $? 0
done
cat "$LAB_DIR/ping4.txt" "$LAB_DIR/pings"
