// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "xfrm/larval.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <netlink/attr.h>
#include <rte_common.h>

#include "ipsec/index.h"
#include "ipsec/siphash.h"

#define NS_PER_SECOND UINT64_C(1000000000)

struct entry {
	struct gw_xfrm_larval larval; // first
	TAILQ_ENTRY(entry) next;
	struct gw_index_link by_id;
	uint64_t ends_ns;
};

struct gw_xfrm_larval_book {
	TAILQ_HEAD(, entry) entries; // that which ends first is first
	struct gw_index by_id;
	uint32_t count;
	uint32_t hold_seconds;
	uint8_t secret[GW_SIPHASH_SECRET_BYTES];
};

static void read_marks(const struct gw_xfrm_request *request, struct gw_xfrm_larval *larval)
{
	const struct xfrm_mark *mark = gw_xfrm_value(request, XFRMA_MARK);

	if (mark)
		larval->mark = *mark;
	larval->if_id = gw_xfrm_u32(request, XFRMA_IF_ID, 0);
}

// As in the kernel: what it was asked for, between its two hosts, and nothing else.
static void take_identity(const struct xfrm_usersa_info *wanted, struct gw_xfrm_larval *larval)
{
	uint8_t bits = wanted->family == AF_INET ? 32 : 128;

	*larval = (struct gw_xfrm_larval){ .info = {
						   .sel = { .saddr = wanted->saddr,
							   .daddr = wanted->id.daddr,
							   .prefixlen_s = bits,
							   .prefixlen_d = bits },
						   .id = { .daddr = wanted->id.daddr,
							   .proto = wanted->id.proto },
						   .saddr = wanted->saddr,
						   .reqid = wanted->reqid,
						   .family = wanted->family,
						   .mode = wanted->mode,
					   } };
}

void gw_xfrm_larval_of_spi(const struct gw_xfrm_request *request, struct gw_xfrm_larval *larval)
{
	const struct xfrm_userspi_info *wanted = request->body;

	take_identity(&wanted->info, larval);
	read_marks(request, larval);
}

void gw_xfrm_larval_of_sa(const struct gw_xfrm_request *request, struct gw_xfrm_larval *larval)
{
	take_identity(request->body, larval);
	read_marks(request, larval);
}

void gw_xfrm_larval_of_acquire(const struct xfrm_user_acquire *acquire,
	const struct xfrm_user_tmpl *template, struct gw_xfrm_larval *larval)
{
	*larval = (struct gw_xfrm_larval){ .info = {
						   .sel = acquire->sel,
						   .id = acquire->id,
						   .saddr = acquire->saddr,
						   .seq = acquire->seq,
						   .reqid = template->reqid,
						   .family = template->family ? template->family
									      : acquire->sel.family,
						   .mode = template->mode,
					   } };
}

int gw_xfrm_larval_attributes_write(struct nl_msg *message, const struct gw_xfrm_larval *larval)
{
	static const struct xfrm_replay_state nothing;

	if (((larval->mark.v | larval->mark.m) &&
		    nla_put(message, XFRMA_MARK, sizeof(larval->mark), &larval->mark) < 0) ||
		nla_put(message, XFRMA_REPLAY_VAL, sizeof(nothing), &nothing) < 0 ||
		(larval->if_id && nla_put_u32(message, XFRMA_IF_ID, larval->if_id) < 0))
		return -ENOMEM;
	return 0;
}

struct gw_xfrm_larval_book *gw_xfrm_larval_book_new(uint32_t expected, uint32_t hold_seconds)
{
	struct gw_xfrm_larval_book *book = calloc(1, sizeof(*book));

	if (!book)
		return NULL;
	TAILQ_INIT(&book->entries);
	book->hold_seconds = hold_seconds;
	if (getrandom(book->secret, sizeof(book->secret), 0) != sizeof(book->secret) ||
		gw_index_init(&book->by_id, expected) != 0) {
		free(book);
		return NULL;
	}
	return book;
}

void gw_xfrm_larval_book_free(struct gw_xfrm_larval_book *book)
{
	struct entry *entry;

	if (!book)
		return;
	while ((entry = TAILQ_FIRST(&book->entries)))
		gw_xfrm_larval_book_remove(book, &entry->larval);
	gw_index_fini(&book->by_id);
	free(book);
}

uint32_t gw_xfrm_larval_book_count(const struct gw_xfrm_larval_book *book)
{
	return book->count;
}

static bool same_address(const xfrm_address_t *a, const xfrm_address_t *b, uint16_t family)
{
	return memcmp(a, b, family == AF_INET ? sizeof(a->a4) : sizeof(*a)) == 0;
}

static uint64_t hash_of(
	const struct gw_xfrm_larval_book *book, const struct xfrm_id *id, uint16_t family)
{
	struct {
		xfrm_address_t destination;
		uint32_t spi, protocol;
	} key = { .spi = id->spi, .protocol = id->proto };

	memcpy(&key.destination, &id->daddr,
		family == AF_INET ? sizeof(id->daddr.a4) : sizeof(key.destination));
	return gw_siphash_128(book->secret, &key, sizeof(key)).low;
}

static bool same_place(
	const struct xfrm_usersa_info *info, const struct xfrm_id *id, uint16_t family)
{
	return info->family == family && info->id.spi == id->spi && info->id.proto == id->proto &&
	       same_address(&info->id.daddr, &id->daddr, family);
}

// Those without an SPI are told apart by what they were wanted for.
static bool same_purpose(const struct gw_xfrm_larval *a, const struct gw_xfrm_larval *b)
{
	return a->info.mode == b->info.mode && a->info.reqid == b->info.reqid &&
	       a->if_id == b->if_id && a->mark.v == b->mark.v && a->mark.m == b->mark.m &&
	       same_address(&a->info.saddr, &b->info.saddr, a->info.family);
}

static struct entry *find(const struct gw_xfrm_larval_book *book,
	const struct gw_xfrm_larval *larval, uint32_t sequence)
{
	const struct xfrm_usersa_info *info = &larval->info;
	struct gw_index_link *link =
		gw_index_first(&book->by_id, hash_of(book, &info->id, info->family));
	struct entry *found = NULL;

	for (; link; link = gw_index_next(link)) {
		struct entry *entry = container_of(link, struct entry, by_id);

		if (!same_place(&entry->larval.info, &info->id, info->family))
			continue;
		if (sequence && entry->larval.info.seq == sequence)
			return entry;
		if (info->id.spi || same_purpose(&entry->larval, larval))
			found = entry;
	}
	return found;
}

const struct gw_xfrm_larval *gw_xfrm_larval_book_put(struct gw_xfrm_larval_book *book,
	const struct gw_xfrm_larval *larval, uint64_t now_ns, uint64_t calendar_seconds)
{
	struct entry *old = find(book, larval, 0), *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return NULL;
	if (old)
		gw_xfrm_larval_book_remove(book, &old->larval);
	entry->larval = *larval;
	entry->larval.info.lft = (struct xfrm_lifetime_cfg){
		.soft_byte_limit = XFRM_INF,
		.hard_byte_limit = XFRM_INF,
		.soft_packet_limit = XFRM_INF,
		.hard_packet_limit = XFRM_INF,
		.hard_add_expires_seconds = book->hold_seconds,
	};
	entry->larval.info.curlft = (struct xfrm_lifetime_cur){ .add_time = calendar_seconds };
	entry->ends_ns = now_ns + book->hold_seconds * NS_PER_SECOND;
	gw_index_insert(
		&book->by_id, &entry->by_id, hash_of(book, &larval->info.id, larval->info.family));
	TAILQ_INSERT_TAIL(&book->entries, entry, next);
	book->count++;
	return &entry->larval;
}

const struct gw_xfrm_larval *gw_xfrm_larval_book_find(const struct gw_xfrm_larval_book *book,
	const struct xfrm_usersa_id *id, const struct xfrm_mark *mark)
{
	struct gw_xfrm_larval wanted = {
		.info = { .family = id->family,
			.id = { .daddr = id->daddr, .spi = id->spi, .proto = id->proto } }
	};
	const struct entry *entry = id->spi ? find(book, &wanted, 0) : NULL;

	if (!entry ||
		((mark ? mark->v & mark->m : 0) & entry->larval.mark.m) != entry->larval.mark.v)
		return NULL;
	return &entry->larval;
}

const struct gw_xfrm_larval *gw_xfrm_larval_book_match(const struct gw_xfrm_larval_book *book,
	const struct gw_xfrm_larval *wanted, uint32_t sequence)
{
	const struct entry *entry = find(book, wanted, sequence);

	return entry ? &entry->larval : NULL;
}

void gw_xfrm_larval_book_remove(
	struct gw_xfrm_larval_book *book, const struct gw_xfrm_larval *larval)
{
	// The entry is the book's; who looks at larvals only reads them.
	struct entry *entry = (struct entry *)(uintptr_t)larval;

	gw_index_remove(&book->by_id, &entry->by_id);
	TAILQ_REMOVE(&book->entries, entry, next);
	book->count--;
	free(entry);
}

const struct gw_xfrm_larval *gw_xfrm_larval_book_first(const struct gw_xfrm_larval_book *book)
{
	return (const struct gw_xfrm_larval *)TAILQ_FIRST(&book->entries);
}

const struct gw_xfrm_larval *gw_xfrm_larval_book_next(const struct gw_xfrm_larval *larval)
{
	return (const struct gw_xfrm_larval *)TAILQ_NEXT((const struct entry *)larval, next);
}

const struct gw_xfrm_larval *gw_xfrm_larval_book_over(
	const struct gw_xfrm_larval_book *book, uint64_t now_ns)
{
	const struct entry *entry = TAILQ_FIRST(&book->entries);

	return entry && entry->ends_ns <= now_ns ? &entry->larval : NULL;
}
