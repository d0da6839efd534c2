// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/rpc.h"
#include "esplanade/gateway.h"
#include "spec/fields.h"

// The handlers of the control socket's methods, a file a family. docs/control-api.md says what each
// takes and answers, and a test runs its examples.

typedef json_t *gateway_method(struct gw_rpc_call *call, json_t *params);

gateway_method gateway_sa_update, gateway_sa_send_dummy;
gateway_method gateway_sa_add, gateway_sa_delete, gateway_sa_get, gateway_sa_list, gateway_sa_flush;
gateway_method gateway_spi_allocate;
gateway_method gateway_policy_add, gateway_policy_delete, gateway_policy_get, gateway_policy_list,
	gateway_policy_flush;
gateway_method gateway_route_add, gateway_route_delete, gateway_route_list;
gateway_method gateway_neighbour_add, gateway_neighbour_delete, gateway_neighbour_list;
gateway_method gateway_port_list;
gateway_method gateway_interface_add_call, gateway_interface_delete_call,
	gateway_interface_list_call;
gateway_method gateway_tcp_list;
gateway_method gateway_worker_list, gateway_node_list, gateway_drop_list;
gateway_method gateway_event_subscribe, gateway_event_unsubscribe;
gateway_method gateway_config_reload, gateway_status_get, gateway_crypto_list,
	gateway_crypto_measured, gateway_method_list;

// Whether a method that takes no parameters got none.
bool gateway_no_params(struct gw_rpc_call *call, json_t *params);

// Parameters that several list methods share. A handler embeds this structure first.
struct gateway_page {
	int direction;   // enum gw_direction; -1: both
	uint32_t offset; // how many to skip
	uint32_t limit;  // how many to list at most
};
#define GATEWAY_PAGE_DEFAULT                                                                       \
	{                                                                                          \
		.direction = -1, .limit = UINT32_MAX                                               \
	}

// Whether the next of the matching entries belongs on the page: counts it.
bool gateway_page_take(struct gateway_page *page);

// Readers for tables of parameters; the target's type is in brackets.
int gateway_read_port(json_t *value, const char *name, void *target,
	struct gw_error *err); // (char[GW_PORT_NAME_SIZE])

// Sets a member; without memory it stays away. Takes the value's reference.
void gateway_put(json_t *object, const char *name, json_t *value);
// Who it belongs to: origin, or the IKE daemon of that number (xfrm_owner.c; 0: none).
void gateway_put_owner(
	const struct gateway *gateway, json_t *object, const char *origin, uint32_t controller);
// What charon calls it, where that is known: connection and child (xfrm_names.c).
void gateway_put_names(const struct gateway *gateway, json_t *object, const struct gw_sa *sa);
void gateway_put_count(json_t *object, const char *name, uint64_t count);

// {"member": list}, which takes the list's reference.
json_t *gateway_list(const char *member, json_t *list);

// {"member": count}, the result of methods that change something.
json_t *gateway_result(const char *member, uint64_t count);
