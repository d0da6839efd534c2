// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include "base/error.h"
#include "vici/child.h"

// Listens to charon over its VICI socket, for the names of its CHILD_SAs: all that there are when
// it has connected, then each that comes or changes its keys. VICI carries no keys. Where no charon
// listens, or one goes, it tries again every few seconds and says nothing; one that does not speak
// the protocol is told of in the log, once.

struct event_base;

struct gw_vici_client_options {
	struct event_base *events;
	const char *path; // of charon's socket
	void (*child)(void *ctx, const struct gw_vici_child *child);
	void *ctx;
	unsigned int retry_ms;
};

struct gw_vici_client;

// NULL with err filled. path is copied.
struct gw_vici_client *gw_vici_client_new(
	const struct gw_vici_client_options *options, struct gw_error *err);
void gw_vici_client_free(struct gw_vici_client *client); // NULL is allowed
