# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
# shellcheck shell=bash disable=SC2034 # what is set here is used by those who source it
#
# strongSwan's IKE daemon in a namespace of the lab. Sourced after lib.sh.

CACHE=$ROOT/build-vm/strongswan
CHARON=$CACHE/usr/sbin/charon-systemd

# fetch_charon: the daemon without its package, which would start it.
fetch_charon() {
	[ -x "$CHARON" ] && return
	mkdir -p "$CACHE/package" || return
	(
		cd "$CACHE/package" && rm -f ./*.deb || exit 1
		apt-get -q download charon-systemd </dev/null ||
			{ apt-get -q update </dev/null && apt-get -q download charon-systemd </dev/null; }
	) && dpkg -x "$CACHE"/package/charon-systemd_*.deb "$CACHE" && give_back "$ROOT/build-vm"
}

charon_answers() { swanctl --stats --uri "unix://$LAB_DIR/$1.vici"; }

# start_charon NAMESPACE: by the files NAMESPACE.charon.conf and NAMESPACE.swanctl.conf; CHARON_BEFORE, if set, is a
# command that runs it.
CHARON_BEFORE=()
start_charon() {
	STRONGSWAN_CONF="$LAB_DIR/$1.charon.conf" lab_run "$1" "${CHARON_BEFORE[@]}" "$CHARON" >"$LAB_DIR/$1.charon.out" 2>&1
	wait_until 60 "the charon of $1" charon_answers "$1" &&
		swanctl --load-all --file "$LAB_DIR/$1.swanctl.conf" --uri "unix://$LAB_DIR/$1.vici"
}
