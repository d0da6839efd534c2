# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
# shellcheck shell=bash disable=SC2034 # what is set here is used by those who source it
#
# The lab: two hosts and two gateways in four network namespaces, for the demo and the functional tests. Sourced
# after lib.sh.
#
#    hostA            gwA                              gwB            hostB
#   ┌──────┐      ┌─────────────┐                 ┌─────────────┐    ┌──────┐
#   │   e0 ├──────┤ p0  esp- u0 ├─────────────────┤ u0 esp-  p0 ├────┤ e0   │
#   └──────┘      │     lanade  │  192.0.2.0/24   │    lanade   │    └──────┘
#  10.1.0.2       │ lan     wan │  2001:db8:f::   │ wan     lan │   10.2.0.2
#  2001:db8:a::2  └─────────────┘                 └─────────────┘   2001:db8:b::2
#
# p0 and u0 are what the daemon drives: veth ends without addresses. lan and wan are the TAP interfaces that it makes;
# they bear the gateway's addresses, as on any Linux box. IPv4 goes in IPv4 by AES-GCM-16 with extended sequence
# numbers, IPv6 in IPv6 by AES-CBC with HMAC-SHA2-256-128. Keys are drawn anew each time: a counter mode must not meet
# a key twice.
#
# LAB names the namespaces, LAB_DIR holds configurations, logs, sockets and process ids.

LAB=${LAB:-lab}
LAB_DIR=${LAB_DIR:-/run/esplanade-$LAB}
LAB_DEVICE=${LAB_DEVICE:-af_packet} # af_packet, pcap or af_xdp
LAB_MTU=${LAB_MTU:-1500}            # of the hosts' networks
LAB_WIRE_MTU=${LAB_WIRE_MTU:-1500}  # between the gateways
LAB_WORKERS=${LAB_WORKERS:-${TEST_CPU:-0}} # CPUs of each gateway's workers; TEST_CPU is scripts/test's choice
LAB_QUEUES=${LAB_QUEUES:-1}         # rx queues of each port
LAB_SETTINGS=${LAB_SETTINGS:-}      # more groups of settings, in libconfig's grammar
LAB_EXTRA=${LAB_EXTRA:-}            # more policies, in libconfig's grammar, each followed by a comma

case ${BUILD:-build} in
/*) ESPLANADE_BUILD=$BUILD ;;
*) ESPLANADE_BUILD=$ROOT/${BUILD:-build} ;;
esac
ESPLANADE=$ESPLANADE_BUILD/app/esplanade/esplanade
ESPCTL=$ESPLANADE_BUILD/app/espctl/espctl

LAB_NAMES=(hostA gwA gwB hostB)

# in_ns NAME COMMAND...: runs the command in that namespace of the lab.
in_ns() {
	local name=$1
	shift
	ip netns exec "$LAB-$name" "$@"
}

# ctl GATEWAY ARGUMENT...: its espctl.
ctl() {
	local gateway=$1
	shift
	"$ESPCTL" -s "$LAB_DIR/$gateway.sock" "$@"
}

# quiet_kernel NAME INTERFACE: the kernel leaves the interface's packets to the daemon. It gets a copy of each from
# AF_PACKET and libpcap; without ARP, IPv6 and reverse path it answers none.
quiet_kernel() {
	in_ns "$1" sysctl -q -w "net.ipv6.conf.$2.disable_ipv6=1" "net.ipv4.conf.$2.rp_filter=1"
	in_ns "$1" ip link set dev "$2" arp off
}

lab_namespace() {
	ip netns add "$LAB-$1" || return
	in_ns "$1" sysctl -q -w net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0 net.ipv4.conf.all.rp_filter=0 \
		net.ipv6.conf.default.accept_ra=0 net.ipv6.conf.default.accept_dad=0
	in_ns "$1" ip link set dev lo up
}

# lab_host NAME GATEWAY NET4 NET6: one host, its cable to the gateway and its routes.
lab_host() {
	local host=$1 gateway=$2 net4=$3 net6=$4
	ip link add e0 netns "$LAB-$host" type veth peer name p0 netns "$LAB-$gateway" || return
	in_ns "$host" ip link set dev e0 mtu "$LAB_MTU" up
	in_ns "$gateway" ip link set dev p0 mtu "$LAB_MTU" up
	# A veth leaves checksums and segments to a network card that is not there: the gateway would encrypt
	# unfinished packets.
	in_ns "$host" ethtool -K e0 tx off >/dev/null
	in_ns "$host" ip address add "$net4.2/24" dev e0
	in_ns "$host" ip address add "$net6::2/64" dev e0 nodad
	in_ns "$host" ip route add default via "$net4.1"
	in_ns "$host" ip route add default via "$net6::1"
	quiet_kernel "$gateway" p0
}

lab_make() {
	local name
	for name in "${LAB_NAMES[@]}"; do
		[ ! -e "/run/netns/$LAB-$name" ] ||
			die "the namespace $LAB-$name exists: scripts/lab destroy removes a lab that was left (LAB=$LAB)"
	done
	need_tun
	install -d -m 0700 "$LAB_DIR"
	for name in "${LAB_NAMES[@]}"; do
		lab_namespace "$name" || return
	done
	ip link add u0 netns "$LAB-gwA" type veth peer name u0 netns "$LAB-gwB" || return
	for name in gwA gwB; do
		in_ns "$name" ip link set dev u0 mtu "$LAB_WIRE_MTU" up
		quiet_kernel "$name" u0
	done
	lab_host hostA gwA 10.1.0 2001:db8:a || return
	lab_host hostB gwB 10.2.0 2001:db8:b || return
	lab_keys
	lab_config gwA
	lab_config gwB
}

random_hex() { head -c "$1" /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }

# lab_keys: draws the keys of the four SAs.
lab_keys() {
	local name
	(
		umask 077
		for name in A4 B4; do
			echo "KEY_$name=$(random_hex 20)"
		done
		for name in A6 B6; do
			echo "KEY_$name=$(random_hex 32) AUTH_$name=$(random_hex 32)"
		done
	) >"$LAB_DIR/keys"
}

# device_of INTERFACE MTU: the DPDK device that drives it.
device_of() {
	local frame
	case $LAB_DEVICE in
	af_packet)
		if [ "$2" -gt 1500 ]; then
			echo "net_af_packet_$1,iface=$1,framesz=9216,blocksz=36864,framecnt=1024,qpairs=$LAB_QUEUES"
		else
			echo "net_af_packet_$1,iface=$1,framecnt=4096,qpairs=$LAB_QUEUES"
		fi
		;;
	pcap) echo "net_pcap_$1,iface=$1,phy_mac=1" ;;
	af_xdp) echo "net_af_xdp_$1,iface=$1" ;;
	*) die "LAB_DEVICE is af_packet, pcap or af_xdp, not '$LAB_DEVICE'" ;;
	esac
}

# huge_free MB: whether that much memory in 2 MB pages is free.
huge_free() {
	local free
	free=$(cat /sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages 2>/dev/null || echo 0)
	[ $((free * 2)) -ge "$1" ]
}

# lab_config GATEWAY: writes its configuration.
lab_config() {
	local gateway=$1 huge=false here peer net_here net_peer site_here site_peer wan_here wan_peer largest bytes
	local KEY_A4 KEY_B4 KEY_A6 KEY_B6 AUTH_A6 AUTH_B6
	# shellcheck source=/dev/null
	. "$LAB_DIR/keys"
	huge_free 600 && huge=true
	case $gateway in
	gwA) here=A peer=B net_here=10.1.0 net_peer=10.2.0 site_here=a site_peer=b wan_here=1 wan_peer=2 ;;
	gwB) here=B peer=A net_here=10.2.0 net_peer=10.1.0 site_here=b site_peer=a wan_here=2 wan_peer=1 ;;
	esac
	largest=$((LAB_MTU > LAB_WIRE_MTU ? LAB_MTU : LAB_WIRE_MTU))
	bytes=2304
	[ "$LAB_DEVICE" = af_packet ] && [ $largest -gt 1500 ] && bytes=9728
	spi() { printf '"0x%08x"' $((($1 == 1 ? 0xa000 : 0xb000) + $2)); }
	key() { local name="$1_$2"; echo "${!name}"; }
	sa4() {
		cat <<END
	{ name = "$1-v4"; direction = "$2"; spi = $(spi "$5" 4); source = "192.0.2.$3"; destination = "192.0.2.$4"; reqid = 4;
	  encryption = { algorithm = "aes-gcm-16"; key = "$(key KEY "$6"4)"; }; esn = true; }
END
	}
	sa6() {
		cat <<END
	{ name = "$1-v6"; direction = "$2"; spi = $(spi "$5" 6); source = "2001:db8:f::$3"; destination = "2001:db8:f::$4"; reqid = 6;
	  encryption = { algorithm = "aes-cbc"; key = "$(key KEY "$6"6)"; };
	  integrity = { algorithm = "hmac-sha2-256-128"; key = "$(key AUTH "$6"6)"; }; }
END
	}
	policy() {
		cat <<END
	{ name = "$1"; direction = "$2"; priority = 1000; action = "protect"; reqid = $5;
	  selector = { source = "$3"; destination = "$4"; }; }
END
	}
	(
		umask 077
		cat >"$LAB_DIR/$gateway.conf" <<END
# Gateway $here of the lab.
log = { level = "${LAB_LOG:-info}"; };
control = { socket = "$LAB_DIR/$gateway.sock"; };
memory = { huge = $huge; size_mb = ${LAB_MEMORY:-192}; buffers = ${LAB_BUFFERS:-16384}; buffer_bytes = $bytes; };
workers = { cpus = [ $LAB_WORKERS ]; idle = "sleep"; };
$LAB_SETTINGS
ports = (
	{ name = "lan"; device = "$(device_of p0 "$LAB_MTU")"; side = "protected"; mtu = $LAB_MTU; rx_queues = $LAB_QUEUES; },
	{ name = "wan"; device = "$(device_of u0 "$LAB_WIRE_MTU")"; side = "unprotected"; mtu = $LAB_WIRE_MTU; rx_queues = $LAB_QUEUES; }
);
sas = (
$(sa4 "to-$peer" out $wan_here $wan_peer $wan_here $here),
$(sa4 "from-$peer" in $wan_peer $wan_here $wan_peer $peer),
$(sa6 "to-$peer" out $wan_here $wan_peer $wan_here $here),
$(sa6 "from-$peer" in $wan_peer $wan_here $wan_peer $peer)
);
policies = (
$LAB_EXTRA
$(policy "to-$peer-v4" out $net_here.0/24 $net_peer.0/24 4),
$(policy "from-$peer-v4" in $net_peer.0/24 $net_here.0/24 4),
$(policy "to-$peer-v6" out 2001:db8:$site_here::/64 2001:db8:$site_peer::/64 6),
$(policy "from-$peer-v6" in 2001:db8:$site_peer::/64 2001:db8:$site_here::/64 6)
);
END
	)
}

# lab_start GATEWAY: starts its daemon and gives its TAP interfaces their addresses.
lab_start() {
	local gateway=$1 net site wan
	case $gateway in
	gwA) net=10.1.0 site=a wan=1 ;;
	gwB) net=10.2.0 site=b wan=2 ;;
	esac
	setsid ip netns exec "$LAB-$gateway" "$ESPLANADE" -c "$LAB_DIR/$gateway.conf" \
		>>"$LAB_DIR/$gateway.log" 2>&1 </dev/null &
	echo $! >"$LAB_DIR/$gateway.pid"
	wait_until 60 "$gateway to answer on its control socket, or to end" lab_settled "$gateway" || return
	lab_alive "$gateway" || {
		bad "$gateway ended at start: $(tail -n 3 "$LAB_DIR/$gateway.log")"
		return 1
	}
	in_ns "$gateway" ip address add "$net.1/24" dev lan &&
		in_ns "$gateway" ip address add "2001:db8:$site::1/64" dev lan nodad &&
		in_ns "$gateway" ip address add "192.0.2.$wan/24" dev wan &&
		in_ns "$gateway" ip address add "2001:db8:f::$wan/64" dev wan nodad
}

lab_settled() { lab_dead "$1" || ctl "$1" status; }
lab_alive() { running "$(cat "$LAB_DIR/$1.pid" 2>/dev/null)"; }
lab_dead() { ! lab_alive "$1"; }

# running PID: whether it does; one that has ended and waits for its parent does not.
running() { [ -n "$1" ] && grep -qs '^State:[[:space:]]*[^ZX]' "/proc/$1/status"; }

# lab_kill GATEWAY SIGNAL: sends it the signal and waits for its end. Its exit code, 128 + signal where that killed it.
lab_kill() {
	local pid code
	pid=$(cat "$LAB_DIR/$1.pid" 2>/dev/null) || return 0
	kill "-$2" "$pid" 2>/dev/null
	wait_until 60 "$1 to end on SIG$2" lab_dead "$1" || kill -KILL "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	code=$?
	rm -f "$LAB_DIR/$1.pid"
	return $code
}

# lab_run NAME COMMAND...: starts a helper in a namespace; lab_destroy ends it. Its process id is in LAB_PID.
lab_run() {
	local name=$1
	shift
	setsid ip netns exec "$LAB-$name" "$@" </dev/null &
	LAB_PID=$!
	echo $LAB_PID >>"$LAB_DIR/helpers"
}

# lab_end PID [SIGNAL]: ends a helper and waits for it.
lab_end() {
	kill "-${2:-INT}" "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}

# lab_ours PID: whether the process still is one of ours: numbers are given again, and a lab may be destroyed late.
lab_ours() { running "$1" && ip netns identify "$1" 2>/dev/null | grep -q "^$LAB-"; }

lab_destroy() {
	local pid name pids tries
	mapfile -t pids < <(cat "$LAB_DIR"/*.pid "$LAB_DIR/helpers" 2>/dev/null)
	for pid in "${pids[@]}"; do
		lab_ours "$pid" && kill -TERM "$pid" 2>/dev/null
	done
	for pid in "${pids[@]}"; do
		for ((tries = 0; tries < 100; tries++)); do
			lab_ours "$pid" || break
			[ $tries -eq 60 ] && kill -KILL "$pid" 2>/dev/null
			sleep 0.1
		done
	done
	for name in "${LAB_NAMES[@]}"; do
		[ ! -e "/run/netns/$LAB-$name" ] || ip netns delete "$LAB-$name"
	done
	rm -rf "$LAB_DIR"
}

# capture NAME INTERFACE FILE [FILTER]: starts tcpdump and waits until it listens. Its process id is in LAB_PID.
capture() {
	local name=$1 interface=$2 file=$3
	shift 3
	lab_run "$name" tcpdump -i "$interface" -n -U --immediate-mode -B 16384 -Z root -w "$file" "$@" 2>"$file.log"
	wait_until 60 "tcpdump on $interface of $name" grep -q 'listening on' "$file.log"
}

# capture_wire FILE [TCPDUMP ARGUMENT...]: captures at both ends of the wire into FILE-gwA and FILE-gwB, because a port on
# AF_PACKET shows tcpdump only what arrives. end_capture ends it.
capture_wire() {
	local file=$1 gateway
	shift
	LAB_CAPTURES=()
	for gateway in gwA gwB; do
		capture $gateway u0 "$file-$gateway" "$@" || return
		LAB_CAPTURES+=("$LAB_PID")
	done
}

end_capture() {
	local pid
	for pid in "${LAB_CAPTURES[@]}"; do
		lab_end "$pid"
	done
	LAB_CAPTURES=()
}

# What may be on the wire between the gateways: ESP (fragments of it too), and what finds neighbours.
ESP_FILTER='(ip proto 50 or ip6 proto 50 or (ip6[6] == 44 and ip6[40] == 50))'
NEIGHBOUR_FILTER='(arp or (ip6 and ip6[6] == 58 and ip6[40] >= 133 and ip6[40] <= 136))'
CLEAR_FILTER="not $ESP_FILTER and not $NEIGHBOUR_FILTER"

# frames FILE [FILTER]: how many frames of a capture match.
frames() {
	local file=$1
	shift
	tcpdump -n -r "$file" "$@" 2>/dev/null | wc -l
}

# iperf_server HOST: starts one that serves until it is ended, and waits for it.
iperf_server() {
	lab_run "$1" iperf3 --server --forceflush >"$LAB_DIR/iperf-$1.log" 2>&1
	wait_until 60 "iperf3 on $1" in_ns "$1" sh -c 'ss -Hltn sport = 5201 | grep -q .'
}

# lab_statistics: everything that helps to see why something failed.
lab_statistics() {
	local gateway namespace what
	for gateway in gwA gwB; do
		[ -f "$LAB_DIR/$gateway.log" ] || continue
		printf '\n--- %s: log\n' $gateway
		tail -n 60 "$LAB_DIR/$gateway.log"
		lab_alive $gateway || {
			printf -- '--- %s does not run\n' $gateway
			continue
		}
		for what in sa policy port neighbour drops; do
			printf -- '--- %s: espctl %s\n' $gateway $what
			ctl $gateway $what
		done
		printf -- '--- %s: addresses, neighbours\n' $gateway
		in_ns $gateway ip -brief address
		in_ns $gateway ip neighbour
	done
	for namespace in "${LAB_NAMES[@]}"; do
		[ -e "/run/netns/$LAB-$namespace" ] || continue
		printf -- '--- %s: what its kernel has counted\n' "$namespace"
		in_ns "$namespace" nstat -as 'Ip*' 'Icmp*' | grep -v '^#\|Octets'
		in_ns "$namespace" ip -s link
	done
	printf -- '--- frames that the kernel had no room for, each CPU\n'
	cut -d ' ' -f 2 /proc/net/softnet_stat
}
