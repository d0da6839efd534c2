// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include "xfrm/sa.h"

// What the kernel's form of an SA has beside ours, for each SA that came over XFRM.
struct gw_xfrm_sa_book;

// expected: how many there may be. NULL: no memory.
struct gw_xfrm_sa_book *gw_xfrm_sa_book_new(uint32_t expected);
void gw_xfrm_sa_book_free(struct gw_xfrm_sa_book *book); // NULL is allowed

// NULL: the SA did not come over XFRM.
const struct gw_xfrm_sa_extra *gw_xfrm_sa_book_find(
	const struct gw_xfrm_sa_book *book, const struct gw_sa_id *id);
// Keeps a copy in place of what there was. 0 or -ENOMEM, and then what there was stays.
int gw_xfrm_sa_book_put(struct gw_xfrm_sa_book *book, const struct gw_sa_id *id,
	const struct gw_xfrm_sa_extra *extra);
// The SA has this id now, by a change in place: it keeps what the book has under the id of before,
// of the same SPI, which is the one that is not there any more.
void gw_xfrm_sa_book_follow(struct gw_xfrm_sa_book *book, const struct gw_sa_id *id,
	bool (*is_there)(void *ctx, const struct gw_sa_id *id), void *ctx);
void gw_xfrm_sa_book_remove(struct gw_xfrm_sa_book *book, const struct gw_sa_id *id);
