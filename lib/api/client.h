// Called by: espctl and tests (no EAL)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <jansson.h>

#include "base/error.h"

// The other end of the control socket: connects, calls, waits for events. Blocking; one thread.
struct gw_api_client;

struct gw_api_client *gw_api_client_new(const char *path, struct gw_error *err);
void gw_api_client_free(struct gw_api_client *client);

// Calls method with params (a reference is not taken; NULL: none). The result is a new reference,
// or NULL with err filled from the error object (err->code is the errno where there is one).
json_t *gw_api_client_call(
	struct gw_api_client *client, const char *method, json_t *params, struct gw_error *err);

// Sends calls, an array of {"method", "params"}, as one batch and returns the array of results or
// errors in the order of calls.
json_t *gw_api_client_batch(struct gw_api_client *client, json_t *calls, struct gw_error *err);

// Waits for the next event's params: a new reference, or NULL with err filled (ETIMEDOUT after
// timeout_ms; -1: for ever; EINTR when a signal came).
json_t *gw_api_client_event(struct gw_api_client *client, int timeout_ms, struct gw_error *err);
