#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
#
# Two gateways whose network lets only TCP through (RFC 9329): A opens the connections, B listens. Ping and TCP, both
# families, up to the whole MTU; then B ends, and A says nothing more.
#
#   hostA e0 ── p0 [lan gwA wan] u0 ── u0 [wan gwB lan] p0 ── e0 hostB
#   10.1.0.2, 2001:db8:a::2   TCP 4500     10.2.0.2, 2001:db8:b::2
#
# conformance: J21, G5

LAB_EXTRA='
	{ direction = "out"; priority = 10; action = "bypass";
	  selector = { source = "192.0.2.1"; destination = "192.0.2.2"; protocol = "tcp"; destination_port = "4500"; }; },
	{ direction = "in"; priority = 10; action = "bypass";
	  selector = { source = "192.0.2.2"; destination = "192.0.2.1"; protocol = "tcp"; source_port = "4500"; }; },
	{ direction = "out"; priority = 10; action = "bypass";
	  selector = { source = "2001:db8:f::1"; destination = "2001:db8:f::2"; protocol = "tcp"; destination_port = "4500"; }; },
	{ direction = "in"; priority = 10; action = "bypass";
	  selector = { source = "2001:db8:f::2"; destination = "2001:db8:f::1"; protocol = "tcp"; source_port = "4500"; }; },'
. "$(dirname "$0")/lib.sh"

SECRET=c1ea47e87c1e # what every ping carries, and what must not be seen on the wire

# in_tcp GATEWAY: its SAs are in TCP.
in_tcp() {
	sed -i -e 's/\(direction = "out"; spi[^;]*;\)/\1 encapsulation = { protocol = "tcp"; '"$2"' };/' \
		-e 's/\(direction = "in"; spi[^;]*;\)/\1 encapsulation = { protocol = "tcp"; };/' "$LAB_DIR/$1.conf"
}

connections() { ctl "$1" --json tcp list | jq "[.connections[] | select(.state == \"open\" and .authentic)] | length"; }
has_connections() { [ "$(connections "$1")" = "$2" ]; }

lab_make || exit 1
in_tcp gwA 'connect = true;'
in_tcp gwB ''
echo 'tcp_encapsulation = { listen = [ 4500 ]; };' >>"$LAB_DIR/gwB.conf"
require 'gateway A starts' lab_start gwA
require 'gateway B starts' lab_start gwB
capture_wire "$LAB_DIR/wire"
require 'a first ping gets through, IPv4' wait_until 60 'ping' in_ns hostA ping -c 1 -W 1 10.2.0.2
require 'a first ping gets through, IPv6' wait_until 60 'ping' in_ns hostA ping -c 1 -W 1 2001:db8:b::2
check_settles 'A has a connection for each family' 2 connections gwA
check_settles 'B has a connection for each family' 2 connections gwB

step 'traffic'
check 'ping, IPv4' all_answered hostA 10.2.0.2 20 -p $SECRET
check 'ping, IPv6' all_answered hostB 2001:db8:a::2 20 -p $SECRET
check 'ping, IPv4, the whole MTU with DF' all_answered hostA 10.2.0.2 10 -M 'do' -s 1472 -p $SECRET
check 'ping, IPv6, the whole MTU' all_answered hostA 2001:db8:b::2 10 -M 'do' -s 1452 -p $SECRET
receiver hostA
receiver hostB
check 'TCP, IPv4, from A to B' tcp hostA 10.2.0.2 2
check 'TCP, IPv4, from B to A' tcp hostB 10.1.0.2 2
check 'TCP, IPv6, from B to A' tcp hostB 2001:db8:a::2 2

step 'the other gateway ends'
lost=$(drops gwA tcp_no_connection)
lab_kill gwB TERM
check_equal 'B ends cleanly' $? 0
require 'A has noticed' wait_until 60 'A to notice' has_connections gwA 0
in_ns hostA ping -c 3 -i 0.1 -W 1 -p $SECRET 10.2.0.2 >/dev/null
unconnected() { [ "$(drops gwA tcp_no_connection)" -gt "$lost" ]; }
check 'what has no connection is dropped' wait_until 60 'the drop' unconnected

step 'the wire'
end_capture
for gateway in gwA gwB; do
	file=$LAB_DIR/wire-$gateway
	check_equal "at $gateway: TCP, and what finds neighbours" \
		"$(frames "$file" "not tcp port 4500 and not $NEIGHBOUR_FILTER and not icmp6")" 0
	check "at $gateway: there is TCP" test "$(frames "$file" 'tcp port 4500')" -gt 100
	check_equal "at $gateway: nothing in clear" "$(LC_ALL=C grep -caP '\xc1\xea\x47\xe8\x7c\x1e' "$file")" 0
done
