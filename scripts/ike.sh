# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
# shellcheck shell=bash disable=SC2034 # what is set here is used by those who source it
#
# Gateways of the lab that strongSwan's charon drives, for the demo and the functional tests. Sourced after topology.sh.
#
# Gateway A is "west" and gateway B "east" in the samples of config/swanctl, which stand in NAME.swanctl/conf.d of LAB_DIR as
# they would in /etc/swanctl/conf.d.

CACHE=$ROOT/build-vm/strongswan
CHARON=$CACHE/usr/sbin/charon-systemd
XFRM_LIBRARY=$ESPLANADE_BUILD/app/xfrm-preload/libesplanade-xfrm.so
CHARON_PLUGINS='random nonce openssl aes sha1 sha2 hmac kdf gcm ctr chapoly curve25519 pem pkcs1 pkcs8 x509 pubkey constraints
	kernel-netlink socket-default eap-identity eap-mschapv2 vici'

# fetch_package DIRECTORY NAME PROGRAM: unpacks a Debian package there, if it has not brought the program yet, without installing it,
# which would start what it brings. One at a time: tests run side by side.
fetch_package() {
	local directory=$1 name=$2 program=$3
	[ -x "$program" ] && return
	mkdir -p "$directory/package" || return
	(
		flock 9
		[ -x "$program" ] && exit
		cd "$directory/package" && rm -f ./"$name"_*.deb || exit 1
		apt-get -q download "$name" </dev/null ||
			{ apt-get -q update </dev/null && apt-get -q download "$name" </dev/null; }
		dpkg -x "$name"_*.deb .. && give_back "$ROOT/build-vm"
	) 9>"$directory/lock"
}

# fetch_charon: the daemon without its package.
fetch_charon() { fetch_package "$CACHE" charon-systemd "$CHARON"; }

charon_answers() { swanctl --stats --uri "unix://$LAB_DIR/$1.vici"; }

# start_charon NAMESPACE: by the files NAMESPACE.charon.conf and NAMESPACE.swanctl.conf, or what is in the place of /etc/swanctl,
# NAMESPACE.swanctl; CHARON_BEFORE, if set, is a command that runs it.
CHARON_BEFORE=()
start_charon() {
	STRONGSWAN_CONF="$LAB_DIR/$1.charon.conf" lab_run "$1" "${CHARON_BEFORE[@]}" "$CHARON" >"$LAB_DIR/$1.charon.out" 2>&1
	echo "$LAB_PID" >"$LAB_DIR/$1.charon.pid"
	wait_until 60 "the charon of $1" charon_answers "$1" && load_charon "$1"
}

# load_charon NAMESPACE: its connections and credentials, anew.
load_charon() {
	local file=$LAB_DIR/$1.swanctl/swanctl.conf
	[ -f "$file" ] || file=$LAB_DIR/$1.swanctl.conf
	swanctl --load-all --clear --file "$file" --uri "unix://$LAB_DIR/$1.vici"
}

# end_charon NAMESPACE [SIGNAL]: ends it.
end_charon() {
	local pid
	pid=$(cat "$LAB_DIR/$1.charon.pid" 2>/dev/null) || return 0
	rm -f "$LAB_DIR/$1.charon.pid"
	lab_end "$pid" "${2:-TERM}"
	return 0
}

# preloaded_charon GATEWAY: the one that drives the gateway.
preloaded_charon() {
	CHARON_BEFORE=(env "LD_PRELOAD=$XFRM_LIBRARY" "ESPLANADE_XFRM_SOCKET=$LAB_DIR/$1.xfrm")
	start_charon "$1"
}

# swan NAMESPACE ARGUMENT...: its swanctl.
swan() {
	local name=$1
	shift
	timeout 60 swanctl "$@" --uri "unix://$LAB_DIR/$name.vici"
}

# ike_gateway GATEWAY: its configuration. All that it protects comes from its charon.
ike_gateway() {
	cat >"$LAB_DIR/$1.conf" <<END
log = { level = "info"; };
control = { socket = "$LAB_DIR/$1.sock"; xfrm_socket = "$LAB_DIR/$1.xfrm"; vici_socket = "$LAB_DIR/$1.vici"; };
memory = { huge = false; size_mb = 192; buffers = 16384; };
workers = { cpus = [ $LAB_WORKERS ]; idle = "sleep"; };
limits = { sa_queue = 8; };
ports = (
	{ name = "lan"; device = "$(device_of p0 1500)"; side = "protected"; },
	{ name = "wan"; device = "$(device_of u0 1500)"; side = "unprotected"; }
);
END
}

# ike_charon NAMESPACE [SETTING...]: charon's own configuration, and an empty one of its connections.
ike_charon() {
	local name=$1
	shift
	cat >"$LAB_DIR/$name.charon.conf" <<END
include $ROOT/config/strongswan-charon.conf
charon-systemd {
	load = $(tr -s '\n\t' ' ' <<<"$CHARON_PLUGINS")
	delete_rekeyed_delay = 1
	plugins { vici { socket = unix://$LAB_DIR/$name.vici } }
	filelog { log {
		path = $LAB_DIR/$name.charon.log
		default = 1
		knl = 2
		flush_line = yes
	} }
$(printf '\t%s\n' "$@")
}
END
	(
		umask 077
		mkdir -p "$LAB_DIR/$name.swanctl"/{conf.d,x509,x509ca,private}
	)
	echo 'include conf.d/*.conf' >"$LAB_DIR/$name.swanctl/swanctl.conf"
}

# ike_sample GATEWAY FILE: a sample of config/swanctl, for gateway B with the sides exchanged.
ike_sample() {
	local script='' pair from to
	if [ "$1" = gwB ]; then
		for pair in 192.0.2.1=192.0.2.2 10.1.0=10.2.0 db8:a=db8:b west=east; do
			from=${pair%=*} to=${pair#*=}
			script+="s/$from/@/g; s/$to/$from/g; s/@/$to/g; "
		done
	fi
	sed "$script" "$ROOT/config/swanctl/$2" >"$LAB_DIR/$1.swanctl/conf.d/$2"
}

# ike_authority: makes a certificate authority. ike_certificate NAMESPACE NAME: gives NAME.example.net a certificate.
ike_authority() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj '/O=Example/CN=Example CA' \
		-keyout "$LAB_DIR/ca.key" -out "$LAB_DIR/ca.pem"
}

ike_certificate() {
	local directory=$LAB_DIR/$1.swanctl name=$2
	cp "$LAB_DIR/ca.pem" "$directory/x509ca/ca.pem" || return
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/O=Example/CN=$name.example.net" \
		-keyout "$directory/private/$name.key" -out "$directory/$name.csr" &&
		printf 'subjectAltName = DNS:%s.example.net\nextendedKeyUsage = serverAuth\n' "$name" >"$directory/$name.ext" &&
		openssl x509 -req -in "$directory/$name.csr" -CA "$LAB_DIR/ca.pem" -CAkey "$LAB_DIR/ca.key" -CAcreateserial \
			-days 30 -extfile "$directory/$name.ext" -out "$directory/x509/$name.pem"
}

# ike_secret GATEWAY: the key that the gateways share.
ike_secret() {
	[ -f "$LAB_DIR/secret" ] || (umask 077 && random_hex 16 >"$LAB_DIR/secret")
	cat >"$LAB_DIR/$1.swanctl/conf.d/secrets.conf" <<END
secrets {
	ike-site {
		id-1 = west.example.net
		id-2 = east.example.net
		secret = $(cat "$LAB_DIR/secret")
	}
}
END
}

# count_sas GATEWAY, count_policies GATEWAY: those that came from its charon.
count_sas() { ctl "$1" --json sa list | jq '.sas | length'; }
count_policies() { ctl "$1" --json policy list | jq '[.policies[] | select(.origin == "xfrm")] | length'; }
