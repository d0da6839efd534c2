#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
#
# Debian's libreswan, unmodified, drives gateway B, strongSwan gateway A by the sample of config/swanctl: two IKE daemons of
# different make that take the gateways for their kernels.
#
#   hostA e0 ── p0 [lan gwA wan] u0 ── u0 [wan gwB lan] p0 ── e0 hostB
#   10.1.0.2     charon "west"   192.0.2.0/24   pluto "east"     10.2.0.2

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/strongswan.sh"
. "$(dirname "$0")/libreswan.sh"

# pluto_connections: a child of each family, as pluto has it; by a proposal of the sample.
pluto_connections() {
	cat <<'END'
config setup
	ikev1-policy=accept

conn %default
	authby=secret
	left=192.0.2.2
	right=192.0.2.1
	leftupdown=/bin/true
	ikelifetime=4h
	salifetime=1h
	rekeymargin=1m
	auto=add

conn site
	leftid=@east.example.net
	rightid=@west.example.net
	ike=aes128-sha2_256-dh31
	ikev2=insist

conn net
	also=site
	leftsubnet=10.2.0.0/24
	rightsubnet=10.1.0.0/24
	esp=aes_gcm128-null-dh31

conn v1
	ikev2=no
	ike=aes128-sha2_256-modp2048
	esp=aes128-sha2_256
	pfs=no
	leftsubnet=10.2.0.2/32
	rightsubnet=10.1.0.2/32

conn net6
	also=site
	leftsubnet=2001:db8:b::/64
	rightsubnet=2001:db8:a::/64
	esp=aes_gcm128-null-dh31
END
}

# charon_v1: the other end of "v1". In main mode a pre-shared key is found by addresses.
charon_v1() {
	cat <<END
connections {
	v1 {
		version = 1
		local_addrs = 192.0.2.1
		remote_addrs = 192.0.2.2
		proposals = aes128-sha256-modp2048
		local { auth = psk
		}
		remote { auth = psk
		}
		children {
			v1 {
				local_ts = 10.1.0.2/32
				remote_ts = 10.2.0.2/32
				esp_proposals = aes128-sha256
			}
		}
	}
}
secrets {
	ike-v1 {
		id-1 = 192.0.2.1
		id-2 = 192.0.2.2
		secret = $(cat "$LAB_DIR/secret")
	}
}
END
}

require 'charon is at hand' fetch_charon
require 'pluto is at hand' fetch_pluto
require 'the lab is made' lab_make
ike_gateway gwA
ike_gateway gwB
require 'gateway A starts' lab_start gwA
require 'gateway B starts' lab_start gwB
ike_charon gwA 'retransmit_tries = 3'
ike_sample gwA site-to-site-psk.conf
ike_secret gwA
charon_v1 >"$LAB_DIR/gwA.swanctl/conf.d/v1.conf"
mkdir -p "$LAB_DIR/gwB.pluto"
pluto_connections >"$LAB_DIR/gwB.pluto/ipsec.conf"
(umask 077 && echo ": PSK \"$(cat "$LAB_DIR/secret")\"" >"$LAB_DIR/gwB.pluto/ipsec.secrets")
require "A's charon starts" preloaded_charon gwA
check "B's pluto starts" start_pluto gwB || {
	tail -n 20 "$LAB_DIR/gwB.pluto.log" >&2
	exit 1
}
require 'the wire is watched' capture_wire "$LAB_DIR/clear" net 10.0.0.0/8 or net 2001:db8:a::/64 or net 2001:db8:b::/64

step 'libreswan asks'
check 'negotiated' whack gwB --initiate --name net
check 'ping' all_answered hostA 10.2.0.2 10
check 'ping, from the other side' all_answered hostB 10.1.0.2 10
check 'a child for IPv6 beside it' whack gwB --initiate --name net6
check 'ping, IPv6' all_answered hostB 2001:db8:a::2 10
check_settles 'SAs at B' 4 count_sas gwB
check 'new keys, asked by libreswan' whack gwB --rekey-ipsec --name net
check 'ping' all_answered hostA 10.2.0.2 10
check 'end' whack gwB --terminate --name net6
check 'end' whack gwB --terminate --name net
check 'SAs go' wait_until 60 'the SAs to go' sas_everywhere 0

step 'IKEv1'
check 'negotiated, main mode' whack gwB --initiate --name v1
check_settles 'SAs at A and B' '2 2' both_sas
check 'ping' all_answered hostA 10.2.0.2 10
check 'ping, from the other side' all_answered hostB 10.1.0.2 10
check 'AES-CBC with SHA-256' eval "ctl gwB --json sa list | jq -e 'all(.sas[]; .integrity.algorithm == \"hmac-sha2-256-128\")'"
check 'end' whack gwB --terminate --name v1
check 'SAs go' wait_until 60 'the SAs to go' sas_everywhere 0

step 'all the while'
end_pluto gwB
end_capture
for gateway in gwA gwB; do
	check_equal "in clear on the wire at $gateway" "$(frames "$LAB_DIR/clear-$gateway")" 0
done
# Those that let neighbour discovery pass, pluto leaves.
protecting() { ctl gwB --json policy list | jq '[.policies[] | select(.action == "protect")] | length'; }
check_settles 'policies left at B' 0 protecting
end_charon gwA
[ $FAILED -eq 0 ] || tail -n 60 "$LAB_DIR/gwB.pluto.log" >&2
