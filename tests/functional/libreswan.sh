# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
# shellcheck shell=bash
#
# libreswan's IKE daemon in a namespace of the lab. Sourced after strongswan.sh. Its package is unpacked, not installed, because it
# conflicts with strongSwan's.

PLUTO_CACHE=$ROOT/build-vm/libreswan
PLUTO_PROGRAMS=$PLUTO_CACHE/usr/libexec/ipsec

fetch_pluto() { fetch_package "$PLUTO_CACHE" libreswan "$PLUTO_PROGRAMS/pluto"; }

# whack GATEWAY ARGUMENT...: orders for its pluto.
whack() {
	local directory=$LAB_DIR/$1.pluto
	shift
	timeout 60 "$PLUTO_PROGRAMS/whack" --ctlsocket "$directory/pluto.ctl" "$@"
}

# start_pluto GATEWAY: by its ipsec.conf and ipsec.secrets in GATEWAY.pluto; it drives the gateway.
start_pluto() {
	local directory=$LAB_DIR/$1.pluto
	mkdir -p "$directory/nss"
	[ -f "$directory/nss/cert9.db" ] || certutil -N -d "sql:$directory/nss" --empty-password || return
	# shellcheck disable=SC2016 # for the inner shell
	# pluto calls its helpers by the paths of the package. The namespace of mounts is its own (ip netns exec).
	lab_run "$1" env "LD_PRELOAD=$XFRM_LIBRARY" "ESPLANADE_XFRM_SOCKET=$LAB_DIR/$1.xfrm" ESPLANADE_XFRM_PROGRAMS=pluto \
		sh -c 'mount -t tmpfs none /usr/libexec && mkdir /usr/libexec/ipsec && mount --bind "$1" /usr/libexec/ipsec &&
			shift && exec "$@"' sh "$PLUTO_PROGRAMS" \
		/usr/libexec/ipsec/pluto --nofork --use-xfrm --config "$directory/ipsec.conf" --secretsfile "$directory/ipsec.secrets" \
		--ipsecdir "$directory" --nssdir "$directory/nss" --rundir "$directory" --no-dnssec --stderrlog >"$LAB_DIR/$1.pluto.log" 2>&1
	echo "$LAB_PID" >"$LAB_DIR/$1.pluto.pid"
	wait_until 60 "the pluto of $1" pluto_ready "$1"
}

# pluto_ready GATEWAY: it listens and has read its connections, of which "net6" is the last.
pluto_ready() { whack "$1" --status | grep -q '"net6"'; }

# end_pluto GATEWAY: ends it; it takes its SAs with it.
end_pluto() {
	local pid
	pid=$(cat "$LAB_DIR/$1.pluto.pid" 2>/dev/null) || return 0
	rm -f "$LAB_DIR/$1.pluto.pid"
	whack "$1" --shutdown >/dev/null
	wait "$pid" 2>/dev/null
	return 0
}
