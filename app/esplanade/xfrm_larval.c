// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Larval SAs, as the kernel has them: listed and found like SAs until the SA takes their place;
// where none comes in time, listeners are told that they have come to their hard limit. Here they
// hold nothing: an SPI that was given is set aside in the database, for as long.

#include "esplanade/xfrm.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <time.h>

#include "base/clock.h"
#include "xfrm/selector.h"

// Nothing depends on one: without memory nobody will see it, or be told of its end.
static const struct gw_xfrm_larval *put(
	struct gateway *gateway, const struct gw_xfrm_larval *larval)
{
	return gw_xfrm_larval_book_put(
		gateway->xfrm->larvals, larval, gw_clock_ns(), (uint64_t)time(NULL));
}

void gateway_xfrm_larval_acquire(struct gateway *gateway, const struct gw_xfrm_larval *larval)
{
	put(gateway, larval);
}

const struct gw_xfrm_larval *gateway_xfrm_larval_find(const struct gateway *gateway,
	const struct gw_xfrm_request *request, const struct xfrm_usersa_id *wire)
{
	return gw_xfrm_larval_book_find(
		gateway->xfrm->larvals, wire, gw_xfrm_value(request, XFRMA_MARK));
}

// An SA has come to an SPI that was given, over whatever socket.
void gateway_xfrm_larval_come(struct gateway *gateway, const struct gw_sa *sa)
{
	struct gw_xfrm_larval_book *book = gateway->xfrm->larvals;
	struct gw_xfrm_larval wanted = { .info = {
						 .id = { .spi = htonl(sa->spec.spi),
							 .proto = (uint8_t)sa->spec.protocol },
						 .family = gw_xfrm_family(
							 sa->spec.destination.family),
					 } };
	const struct gw_xfrm_larval *larval;

	gw_xfrm_addr_write(&sa->spec.destination, &wanted.info.id.daddr);
	larval = gw_xfrm_larval_book_match(book, &wanted, 0);
	if (larval)
		gw_xfrm_larval_book_remove(book, larval);
}

// NEWSA answers an acquire.
void gateway_xfrm_larval_settle(struct gateway *gateway, const struct gw_xfrm_request *request)
{
	const struct xfrm_usersa_info *info = request->body;
	const struct gw_xfrm_larval *larval;
	struct gw_xfrm_larval wanted;

	gw_xfrm_larval_of_sa(request, &wanted);
	larval = gw_xfrm_larval_book_match(gateway->xfrm->larvals, &wanted, info->seq);
	if (larval)
		gw_xfrm_larval_book_remove(gateway->xfrm->larvals, larval);
}

static void release_spi(struct gateway *gateway, const struct xfrm_usersa_info *info)
{
	struct xfrm_usersa_id wire = { .daddr = info->id.daddr,
		.spi = info->id.spi,
		.family = info->family,
		.proto = info->id.proto };
	struct gw_sa_id id;

	if (info->id.spi && gw_xfrm_sa_id_read(&wire, &id))
		gw_spi_release(gateway->ipsec, &id);
}

void gateway_xfrm_larval_delete(struct gateway *gateway, const struct gw_xfrm_larval *larval)
{
	release_spi(gateway, &larval->info);
	gateway_xfrm_larval_deleted(gateway, larval);
	gw_xfrm_larval_book_remove(gateway->xfrm->larvals, larval);
}

void gateway_xfrm_larval_flush(struct gateway *gateway, uint8_t protocol)
{
	const struct gw_xfrm_larval *larval = gw_xfrm_larval_book_first(gateway->xfrm->larvals);
	const struct gw_xfrm_larval *next;

	for (; larval; larval = next) {
		next = gw_xfrm_larval_book_next(larval);
		if (!protocol || larval->info.id.proto == protocol)
			gateway_xfrm_larval_delete(gateway, larval);
	}
}

void gateway_xfrm_larval_tick(struct gateway *gateway)
{
	const struct gw_xfrm_larval *larval;
	uint64_t now_ns = gw_clock_ns();

	if (!gateway->xfrm)
		return;
	while ((larval = gw_xfrm_larval_book_over(gateway->xfrm->larvals, now_ns))) {
		gateway_xfrm_larval_expired(gateway, larval);
		gw_xfrm_larval_book_remove(gateway->xfrm->larvals, larval);
	}
}

// The larval SA that ALLOCSPI asks for: one that an acquire began for the same has it from now on.
static void begin(struct gateway *gateway, const struct gw_xfrm_request *request, uint32_t spi,
	struct gw_xfrm_larval *larval)
{
	const struct xfrm_userspi_info *wire = request->body;
	const struct gw_xfrm_larval *acquired;

	gw_xfrm_larval_of_spi(request, larval);
	acquired = gw_xfrm_larval_book_match(gateway->xfrm->larvals, larval, wire->info.seq);
	if (acquired) {
		*larval = *acquired;
		gw_xfrm_larval_book_remove(gateway->xfrm->larvals, acquired);
	}
	larval->info.id.spi = htonl(spi);
	acquired = put(gateway, larval);
	if (acquired)
		*larval = *acquired;
}

int gateway_xfrm_spi_allocate(struct gateway *gateway, struct gw_xfrm_client *client,
	const struct gw_xfrm_request *request, struct gw_error *err)
{
	const struct xfrm_userspi_info *wire = request->body;
	struct gw_spi_wanted wanted = { .protocol = (enum gw_protocol)wire->info.id.proto,
		.first = wire->min,
		.last = wire->max };
	struct gw_xfrm_larval larval;
	struct nl_msg *message;
	uint32_t spi;
	int rc;

	if (!gw_xfrm_addr_read(&wire->info.id.daddr, wire->info.family, &wanted.destination))
		return gw_error_set(err, EINVAL, "address family %u is neither IPv4 nor IPv6",
			wire->info.family);
	if (wire->info.id.proto != IPPROTO_ESP && wire->info.id.proto != IPPROTO_AH)
		return gw_error_set(err, EPROTONOSUPPORT, "protocol %u is neither ESP nor AH",
			wire->info.id.proto);
	rc = gw_spi_allocate(gateway->ipsec, &wanted, &spi, err);
	if (rc)
		return rc == -ENOSPC ? -ENOENT : rc; // the kernel's word for it
	begin(gateway, request, spi, &larval);
	message = gw_xfrm_reply_new(client, XFRM_MSG_NEWSA, &larval.info, sizeof(larval.info), 0);
	if (message) {
		gw_xfrm_larval_attributes_write(message, &larval);
		gw_xfrm_reply_send(client, message);
	}
	return 0;
}
