# SPDX-License-Identifier: BSD-3-Clause
# SPDX-FileCopyrightText: 2026 The Esplanade authors
# shellcheck shell=bash disable=SC2034 # what is set here is used by those who source it
#
# strongSwan's IKE daemon in a namespace of the lab: scripts/ike.sh, and what only tests need. Sourced after lib.sh.

. "$ROOT/scripts/ike.sh"

# sas GATEWAY COUNT: whether it has so many. sas_everywhere COUNT: at both gateways.
sas() { [ "$(count_sas "$1")" = "$2" ]; }
sas_everywhere() { sas gwA "$1" && sas gwB "$1"; }
# Numbers as check_settles wants them: of gateways A and B, and of one gateway's SAs and policies.
both_sas() { echo "$(count_sas gwA) $(count_sas gwB)"; }
both_policies() { echo "$(count_policies gwA) $(count_policies gwB)"; }
sas_and_policies() { echo "$(count_sas "$1") $(count_policies "$1")"; }
