/*
 * reconcile_page.h -- a page of klikit's list of orders, read from bytes.
 *
 * Pure apart from memory: bytes in, orders or a reason out. Ids, statuses and
 * times are read by the envelope's reader, as of any delivery, so that one
 * order has one id whichever way it came. Nothing recurses; beside the bytes a
 * copy of its orders is made.
 */
#ifndef SERVER_RECONCILE_PAGE_H
#define SERVER_RECONCILE_PAGE_H

#include <stddef.h>
#include <stdint.h>

#include "handlers/body/envelope.h"
#include "handlers/body/json_part.h"
#include "handlers/handler.h"
#include "server/reconcile/reconcile_dialect.h"

#define RECONCILE_PAGE_ORDERS_MAX 500
#define RECONCILE_CURSOR_MAX 480 /* bytes of one */
#define RECONCILE_NAME_MAX 64    /* of a brand's or branch's id */

/* An order of it; what it points to lives as long as the page. */
struct reconcile_item {
	const struct store_order *order; /* id, status, updated_at */
	struct json_part raw;            /* as klikit's API gave it */
	struct json_part brand;          /* its id, as it stands; or none */
	struct json_part branch;
	char brand_id[RECONCILE_NAME_MAX + 1]; /* the same as text; "": none */
	char branch_id[RECONCILE_NAME_MAX + 1];
	int64_t changed_ms; /* updated, or created, or placed; 0: not said */
};

struct reconcile_page {
	struct reconcile_item *items;
	size_t nitems;
	size_t strays;                       /* elements without a usable id */
	int64_t total;                       /* on all pages; -1: not said */
	int64_t length;                      /* of its pages; -1: not said */
	char next[RECONCILE_CURSOR_MAX + 1]; /* cursor; "": this is the last */
	struct envelope envelope;            /* private */
	char *frame;                         /* private */
};

/*
 * Read the bytes. header is the value of the answer's header
 * RECONCILE_NEXT_HEADER; NULL: it has none. Returns 0, and the page is to be
 * given back; -1, with one line of what is wrong in reason.
 */
int reconcile_page_read(const struct reconcile_dialect *d,
    struct json_part bytes, const char *header, struct reconcile_page *ret_page,
    char reason[HANDLER_REASON_MAX]);

/* Accepts one that is all zero; it is all zero then. */
void reconcile_page_fini(struct reconcile_page *page);

/*
 * The body that carries that order: {"brand_id":...,"branch_id":...,
 * "orders":[...]}, byte for byte; an id that is not known is left out. Owned by
 * the caller. NULL when out of memory.
 */
char *reconcile_page_body(const struct reconcile_item *item, size_t *ret_len);

#endif /* SERVER_RECONCILE_PAGE_H */
