#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
#
# A route-based tunnel: bird speaks BGP over it and learns the networks behind the other gateway, charon makes its SAs
# with an if_id and selectors for everything. docs/route-based.md tells an operator to do what this test does.
#
#   hostA e0 ── p0 [lan gwA wan] u0 ── u0 [wan gwB lan] p0 ── e0 hostB
#   10.1.0.2       bird    esp0 ═══════════ esp0     bird     10.2.0.2
#                          10.255.0.1       10.255.0.2
#
# conformance: G12

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/strongswan.sh"

IF_ID=42
BIRDS=() CHARONS=()

write_gateway() {
	local huge=false
	huge_free 600 && huge=true
	cat >"$LAB_DIR/$1.conf" <<END
log = { level = "info"; };
control = { socket = "$LAB_DIR/$1.sock"; xfrm_socket = "$LAB_DIR/$1.xfrm"; };
memory = { huge = $huge; size_mb = 192; buffers = 16384; };
workers = { cpus = [ $LAB_WORKERS ]; idle = "sleep"; };
limits = { sa_queue = 8; };
interfaces = ( { name = "esp0"; if_id = $IF_ID; } );
ports = (
	{ name = "lan"; device = "$(device_of p0 1500)"; side = "protected"; },
	{ name = "wan"; device = "$(device_of u0 1500)"; side = "unprotected"; }
);
END
}

# write_charon NAME HERE THERE
write_charon() {
	local name=$1 here=$2 there=$3
	cat >"$LAB_DIR/$name.charon.conf" <<END
charon-systemd {
	load = random nonce openssl aes sha1 sha2 hmac kdf gcm curve25519 kernel-netlink socket-default vici
	install_routes = no
	plugins { vici { socket = unix://$LAB_DIR/$name.vici } }
	filelog { log {
		path = $LAB_DIR/$name.charon.log
		default = 1
		knl = 2
		flush_line = yes
	} }
}
END
	cat >"$LAB_DIR/$name.swanctl.conf" <<END
connections { peer {
	version = 2
	local_addrs = $here
	remote_addrs = $there
	proposals = aes128-sha256-x25519
	local { auth = psk
		id = $here
	}
	remote { auth = psk
		id = $there
	}
	children { tunnel {
		local_ts = 0.0.0.0/0, ::/0
		remote_ts = 0.0.0.0/0, ::/0
		esp_proposals = aes128gcm16-esn
		if_id_in = $IF_ID
		if_id_out = $IF_ID
		rekey_time = 0
	} }
} }
secrets { ike { secret = $SECRET
} }
END
}

preloaded_charon() {
	CHARON_BEFORE=(env "LD_PRELOAD=$ESPLANADE_BUILD/app/xfrm-preload/libesplanade-xfrm.so"
		"ESPLANADE_XFRM_SOCKET=$LAB_DIR/$1.xfrm")
	start_charon "$1" && CHARONS+=("$LAB_PID")
}

# start_bird GATEWAY NUMBER PEER'S-NUMBER: BGP with the other end of esp0; what lan is connected to is announced.
start_bird() {
	local gateway=$1 here=$2 there=$3
	cat >"$LAB_DIR/$gateway.bird.conf" <<END
router id 10.255.0.$here;
protocol device {
	scan time 1;
}
protocol direct site {
	ipv4;
	interface "lan";
}
protocol kernel {
	ipv4 { export where source = RTS_BGP; };
}
protocol bgp peer {
	local 10.255.0.$here as 6500$here;
	neighbor 10.255.0.$there as 6500$there;
	direct;
	hold time 60;
	connect delay time 1;
	connect retry time 2;
	ipv4 {
		import all;
		export where source = RTS_DEVICE;
	};
}
END
	lab_run "$gateway" bird -f -c "$LAB_DIR/$gateway.bird.conf" -s "$LAB_DIR/$gateway.birdctl" 2>"$LAB_DIR/$gateway.bird.log"
	BIRDS+=("$LAB_PID")
}

bird() {
	local gateway=$1
	shift
	birdc -s "$LAB_DIR/$gateway.birdctl" "$@"
}

established() { bird "$1" show protocols peer | grep -q Established; }
has_route() { ctl "$1" --json route | jq -e --arg to "$2" '.routes[] | select(.destination == $to and .port == "esp0")'; }
has_no_route() { ! has_route "$@" >/dev/null; }
both() {
	local command=$1
	"$command" gwA "${@:2}" && "$command" gwB "${@:2}"
}
from_host() { ctl gwA --json interface | jq '.interfaces[0].from_host'; }
policy_packets() { ctl gwA --json policy list | jq "[.policies[] | select(.if_id == $IF_ID) | .packets] | add"; }
mtu_of() { in_ns "$1" cat /sys/class/net/esp0/mtu; }
mtu_is_that_of_sa() { [ "$(mtu_of gwA)" = "$(ctl gwA --json sa list | jq '[.sas[] | select(.direction == "out").inner_mtu][0]')" ]; }
no_answer() { ! in_ns hostA ping -n -c 2 -i 0.2 -W 1 "$1"; }
dropped_as() { [ "$(drops gwA "$1")" -gt "$2" ]; }

require 'charon is at hand' fetch_charon
command -v bird >/dev/null || die 'no bird: apt-get install bird2'
require 'the lab is made' lab_make
SECRET=$(random_hex 16)
write_gateway gwA
write_gateway gwB
require 'gateway A starts' lab_start gwA
require 'gateway B starts' lab_start gwB
in_ns gwA ip address add 10.255.0.1/30 dev esp0
in_ns gwB ip address add 10.255.0.2/30 dev esp0
write_charon gwA 192.0.2.1 192.0.2.2
write_charon gwB 192.0.2.2 192.0.2.1
require "A's charon starts" preloaded_charon gwA
require "B's charon starts" preloaded_charon gwB
capture_wire "$LAB_DIR/wire" not udp port 500 and not udp port 4500

step 'a route into an interface without SAs'
in_ns gwA ip route add 10.2.0.0/24 dev esp0
check 'it is there' wait_until 60 'the route' has_route gwA 10.2.0.0/24
before=$(drops gwA interface_no_policy)
check 'nothing gets through' no_answer 10.2.0.2
check 'because no policy has the if_id' wait_until 60 'the drop' dropped_as interface_no_policy "$before"
in_ns gwA ip route del 10.2.0.0/24 dev esp0

step 'SAs'
check 'negotiated' timeout 120 swanctl --initiate --child tunnel --uri "unix://$LAB_DIR/gwA.vici"
of_interface() { ctl gwA --json sa list | jq "[.sas[] | select(.if_id == $IF_ID)] | length"; }
check_settles 'SAs with the if_id at A' 2 of_interface
check 'the ends meet' all_answered gwA 10.255.0.2 5
check 'the MTU follows the SAs' wait_until 60 'the MTU' mtu_is_that_of_sa

step 'BGP'
start_bird gwA 1 2
start_bird gwB 2 1
require 'the session is up' wait_until 60 'BGP' both established
check 'A learns a route' wait_until 60 'the route' has_route gwA 10.2.0.0/24
check 'B learns a route' wait_until 60 'the route' has_route gwB 10.1.0.0/24
receiver hostB
host_before=$(from_host) packets_before=$(policy_packets)
check 'ping' all_answered hostA 10.2.0.2 100
check 'TCP' tcp hostA 10.2.0.2 1
check 'the host knows the MTU of the tunnel' wait_until 60 'the MTU' in_ns hostA sh -c 'ping -n -c 3 -i 0.3 -W 1 -M do -s 1472 10.2.0.2 2>&1 | grep -Eq "mtu ?= ?'"$(mtu_of gwA)"'"'
check 'ICMP from the last hop before the host' wait_until 60 'ICMP' in_ns hostA sh -c 'ping -n -c 1 -t 2 -W 2 10.2.0.2 | grep -q "From 10.255.0.2"'
check 'workers carry it, not Linux' test $(($(policy_packets) - packets_before)) -gt $((20 * ($(from_host) - host_before)))

step 'IPv6'
in_ns gwA ip -6 route add 2001:db8:b::/64 dev esp0
in_ns gwB ip -6 route add 2001:db8:a::/64 dev esp0
check 'ping' wait_until 60 'a ping' all_answered hostA 2001:db8:b::2 20

step 'a route that is withdrawn'
bird gwB disable site >/dev/null
check 'A forgets it' wait_until 60 'the route to go' has_no_route gwA 10.2.0.0/24
check 'nothing gets through' no_answer 10.2.0.2
check 'the session stays up' both established
bird gwB enable site >/dev/null
check 'it comes back' wait_until 60 'the route' has_route gwA 10.2.0.0/24
check 'ping' all_answered hostA 10.2.0.2 20

step 'an interface that is set down'
in_ns gwA ip link set dev esp0 down
check 'its routes go' wait_until 60 'the route to go' has_no_route gwA 10.2.0.0/24
before=$(drops gwA interface_down)
in_ns gwB ping -n -c 2 -i 0.2 -W 1 10.255.0.1 >/dev/null
check 'what the peer sends is dropped' wait_until 60 'the drop' dropped_as interface_down "$before"
check_nothing_clear "$LAB_DIR/wire"

step 'the control socket'
check 'an interface is added' ctl gwA interface add esp1 if-id 43
check 'Linux has it' in_ns gwA ip link show dev esp1
check 'it is deleted' ctl gwA interface delete esp1
check 'Linux has it no more' eval '! in_ns gwA ip link show dev esp1'
# Each ends in its own time only while what it speaks to is there: charon the gateway, bird its neighbour.
for pid in "${CHARONS[@]}"; do
	lab_end "$pid" TERM || true
done
for pid in "${BIRDS[@]}"; do
	lab_end "$pid" KILL || true # it tells of the signal
done
