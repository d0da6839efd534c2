// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// What the kernel's XFRM protocol tells of SAs, larval ones among them: one, all of them, how many.

#include "esplanade/xfrm.h"

#include <errno.h>
#include <stdlib.h>

#include <netlink/attr.h>

static void send_sa(struct gateway *gateway, struct gw_xfrm_client *client, const struct gw_sa *sa,
	uint16_t flags)
{
	struct xfrm_usersa_info info;
	struct nl_msg *message;

	gateway_xfrm_sa_describe(gateway, sa, &info);
	message = gw_xfrm_reply_new(client, XFRM_MSG_NEWSA, &info, sizeof(info), flags);
	if (!message)
		return;
	gateway_xfrm_sa_attributes(gateway, sa, message);
	gw_xfrm_reply_send(client, message);
}

static void send_larval(
	struct gw_xfrm_client *client, const struct gw_xfrm_larval *larval, uint16_t flags)
{
	struct nl_msg *message = gw_xfrm_reply_new(
		client, XFRM_MSG_NEWSA, &larval->info, sizeof(larval->info), flags);

	if (!message)
		return;
	gw_xfrm_larval_attributes_write(message, larval);
	gw_xfrm_reply_send(client, message);
}

// A list of the SAs of one moment, larval ones after the others; those that go meanwhile are left
// out.
struct list {
	struct gw_xfrm_dump dump; // first
	struct gateway *gateway;
	struct gw_sa_id *ids;
	uint32_t count, room, next;
	struct gw_xfrm_larval *larvals;
	uint32_t larval_count, next_larval;
	uint8_t protocol; // 0: all
};

static int note(void *ctx, struct gw_sa *sa, enum gw_origin)
{
	struct list *list = ctx;

	if (list->count < list->room && (!list->protocol || list->protocol == sa->protocol))
		list->ids[list->count++] = gw_sa_spec_id(&sa->spec);
	return 0;
}

static bool next_sa(struct gw_xfrm_dump *dump, struct gw_xfrm_client *client)
{
	struct list *list = (struct list *)dump;

	while (list->next < list->count) {
		struct gw_sa *sa = gw_sa_find(list->gateway->ipsec, &list->ids[list->next++]);

		if (!sa)
			continue;
		send_sa(list->gateway, client, sa, NLM_F_MULTI);
		return true;
	}
	while (list->next_larval < list->larval_count) {
		const struct gw_xfrm_larval *larval = gw_xfrm_larval_book_match(
			list->gateway->xfrm->larvals, &list->larvals[list->next_larval++], 0);

		if (!larval)
			continue;
		send_larval(client, larval, NLM_F_MULTI);
		return true;
	}
	return false;
}

static void list_free(struct gw_xfrm_dump *dump)
{
	free(((struct list *)dump)->larvals);
	free(((struct list *)dump)->ids);
	free(dump);
}

static void note_larvals(struct list *list)
{
	const struct gw_xfrm_larval *larval =
		gw_xfrm_larval_book_first(list->gateway->xfrm->larvals);

	for (; larval; larval = gw_xfrm_larval_book_next(larval))
		if (!list->protocol || list->protocol == larval->info.id.proto)
			list->larvals[list->larval_count++] = *larval;
}

static int dump_sas(struct gateway *gateway, struct gw_xfrm_client *client,
	const struct gw_xfrm_request *request, struct gw_error *err)
{
	const uint8_t *protocol = gw_xfrm_value(request, XFRMA_PROTO);
	struct list *list = calloc(1, sizeof(*list));

	if (!list)
		return gw_error_set(err, ENOMEM, "out of memory");
	list->dump = (struct gw_xfrm_dump){ .next = next_sa, .free = list_free };
	list->gateway = gateway;
	list->protocol = protocol && *protocol != 255 ? *protocol : 0;
	list->room = gw_sa_count(gateway->ipsec);
	list->ids = calloc(list->room + 1, sizeof(*list->ids));
	list->larvals = calloc(
		gw_xfrm_larval_book_count(gateway->xfrm->larvals) + 1, sizeof(*list->larvals));
	if (!list->ids || !list->larvals) {
		list_free(&list->dump);
		return gw_error_set(err, ENOMEM, "out of memory");
	}
	gw_sa_each(gateway->ipsec, note, list);
	note_larvals(list);
	gw_xfrm_dump_start(client, &list->dump);
	return 0;
}

int gateway_xfrm_sa_get(struct gateway *gateway, struct gw_xfrm_client *client,
	const struct gw_xfrm_request *request, struct gw_error *err)
{
	const struct gw_xfrm_larval *larval;
	struct gw_sa *sa;

	if (request->header->nlmsg_flags & NLM_F_DUMP)
		return dump_sas(gateway, client, request, err);
	sa = gateway_xfrm_sa_find(gateway, request, request->body);
	larval = sa ? NULL : gateway_xfrm_larval_find(gateway, request, request->body);
	if (sa)
		send_sa(gateway, client, sa, 0);
	else if (larval)
		send_larval(client, larval, 0);
	else
		return gw_error_set(err, ESRCH, "there is no such SA");
	return 0;
}

int gateway_xfrm_sa_info(struct gateway *gateway, struct gw_xfrm_client *client,
	const struct gw_xfrm_request *request, struct gw_error *)
{
	struct xfrmu_sadhinfo hash = { .sadhcnt = gateway->config->max_sas,
		.sadhmcnt = gateway->config->max_sas };
	struct nl_msg *message =
		gw_xfrm_reply_new(client, XFRM_MSG_NEWSADINFO, request->body, sizeof(uint32_t), 0);

	if (!message)
		return -ENOMEM;
	nla_put_u32(message, XFRMA_SAD_CNT,
		gw_sa_count(gateway->ipsec) + gw_xfrm_larval_book_count(gateway->xfrm->larvals));
	nla_put(message, XFRMA_SAD_HINFO, sizeof(hash), &hash);
	gw_xfrm_reply_send(client, message);
	return 0;
}
