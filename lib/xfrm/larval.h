// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "xfrm/request.h"

// Larval SAs: what stands in the kernel for an SA that is being negotiated. ALLOCSPI makes one with
// the SPI that it gives, a packet without an SA (ACQUIRE) one without an SPI. They have no keys and
// carry nothing.

struct nl_msg;

struct gw_xfrm_larval {
	struct xfrm_usersa_info info;
	struct xfrm_mark mark;
	uint32_t if_id; // 0: none
};

// The one that ALLOCSPI asks for, still without an SPI.
void gw_xfrm_larval_of_spi(const struct gw_xfrm_request *request, struct gw_xfrm_larval *larval);
// The one that an acquire by a policy with that template begins.
void gw_xfrm_larval_of_acquire(const struct xfrm_user_acquire *acquire,
	const struct xfrm_user_tmpl *template, struct gw_xfrm_larval *larval);
// The one that an SA which comes (NEWSA) may have been, still without an SPI.
void gw_xfrm_larval_of_sa(const struct gw_xfrm_request *request, struct gw_xfrm_larval *larval);

// What follows xfrm_usersa_info in a message. 0 or -ENOMEM.
int gw_xfrm_larval_attributes_write(struct nl_msg *message, const struct gw_xfrm_larval *larval);

// All of them. Each ends some time after it began; until then it may be taken out.
struct gw_xfrm_larval_book;

// expected: how many there may be; more only cost time. hold_seconds: how long each stays. NULL: no
// memory.
struct gw_xfrm_larval_book *gw_xfrm_larval_book_new(uint32_t expected, uint32_t hold_seconds);
void gw_xfrm_larval_book_free(struct gw_xfrm_larval_book *book); // NULL is allowed
uint32_t gw_xfrm_larval_book_count(const struct gw_xfrm_larval_book *book);

// Adds a copy of larval, in place of one that is the same, and gives it its lifetime. now_ns: of
// the clock that ends it; calendar_seconds: what it shows of its beginning. NULL: no memory. What
// is returned here and below is the book's, and stays until it is removed or ends.
const struct gw_xfrm_larval *gw_xfrm_larval_book_put(struct gw_xfrm_larval_book *book,
	const struct gw_xfrm_larval *larval, uint64_t now_ns, uint64_t calendar_seconds);
// By destination, SPI and protocol, as the kernel finds it: one with a mark only for that mark.
// NULL: there is none. Those without an SPI are not found so.
const struct gw_xfrm_larval *gw_xfrm_larval_book_find(const struct gw_xfrm_larval_book *book,
	const struct xfrm_usersa_id *id, const struct xfrm_mark *mark);
// The same one as wanted: with that SPI; without an SPI, with that sequence (0: none), or else
// wanted for the same. NULL: there is none.
const struct gw_xfrm_larval *gw_xfrm_larval_book_match(const struct gw_xfrm_larval_book *book,
	const struct gw_xfrm_larval *wanted, uint32_t sequence);
// larval is the book's own.
void gw_xfrm_larval_book_remove(
	struct gw_xfrm_larval_book *book, const struct gw_xfrm_larval *larval);

// In the order in which they end; NULL after the last.
const struct gw_xfrm_larval *gw_xfrm_larval_book_first(const struct gw_xfrm_larval_book *book);
const struct gw_xfrm_larval *gw_xfrm_larval_book_next(const struct gw_xfrm_larval *larval);
// The first one whose time is over; NULL: there is none.
const struct gw_xfrm_larval *gw_xfrm_larval_book_over(
	const struct gw_xfrm_larval_book *book, uint64_t now_ns);
