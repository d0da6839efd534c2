// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/error.h"
#include "base/txn.h"

// JSON-RPC 2.0: requests in, replies out, no sockets. One message is one line: an object, or an
// array of them (a batch).
//
// All changes in one message take effect together or not at all: when one call of a batch fails,
// every other change of that batch is answered with "not applied" (ECANCELED). Calls that only read
// see the state before the batch.

struct gw_rpc_call {
	void *ctx;          // the server's
	void *client;       // who asks, for subscriptions; NULL without a connection
	struct gw_txn *txn; // for methods that change: stage into it
	struct gw_error *err;
};

struct gw_rpc_method {
	const char *name; // "sa.add"
	bool changes;     // stages into call->txn; runs in a transaction
	bool alone;       // refused inside a batch
	// A new reference, or NULL with call->err filled. params is an object, empty when the
	// request had none.
	json_t *(*handle)(struct gw_rpc_call *call, json_t *params);
	const char *help; // one sentence
};

#define GW_RPC_MAX_MESSAGE (4u << 20) // bytes in one line
#define GW_RPC_MAX_BATCH   20000      // calls in one batch
#define GW_RPC_MAX_DEPTH   16

// Error codes: JSON-RPC's own, and for what a method refuses the positive errno (EEXIST, ENOENT,
// …), with its name in data.errno and the offending value's path in data.where. -EINVAL becomes
// GW_RPC_INVALID_PARAMS.
enum {
	GW_RPC_PARSE_ERROR = -32700,
	GW_RPC_INVALID_REQUEST = -32600,
	GW_RPC_METHOD_NOT_FOUND = -32601,
	GW_RPC_INVALID_PARAMS = -32602,
};

// Handles one message. Returns the reply as text without newline, to be freed with free(), or NULL
// when none is due (notifications only). The text in message is wiped.
char *gw_rpc_handle(const struct gw_rpc_method *methods, size_t count, void *ctx, void *client,
	char *message, size_t size);

// "{"jsonrpc":"2.0","method":"event","params":…}" as text to free(); takes no reference.
char *gw_rpc_notification(const char *method, json_t *params);
