/*
 * An event is one block: the struct, its orders, then all texts, so that one
 * free() ends it. Only the body stands apart: it is large and goes first.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/parse.h"
#include "store/store.h"

static const char *const origins[] = {
	[STORE_KLIKIT] = "klikit",
	[STORE_HUB] = "hub",
	[STORE_RECONCILE] = "reconcile",
	[STORE_INTERNAL] = "internal",
};
#define NORIGINS (sizeof(origins) / sizeof(origins[0]))

const char *
store_origin_name(enum store_origin origin)
{
	return (origins[origin]);
}

int
store_origin_parse(const char *word, enum store_origin *ret_origin)
{
	for (size_t i = 0; i < NORIGINS; i++) {
		if (strcmp(origins[i], word) == 0) {
			*ret_origin = (enum store_origin)i;
			return (0);
		}
	}
	return (-1);
}

/* Where the next text goes in the block. */
struct tail {
	char *p;
};

static size_t
text_size(const char *text)
{
	return (text == NULL ? 0 : strlen(text) + 1);
}

static const char *
tail_copy(struct tail *t, const char *text)
{
	size_t size = text_size(text);
	char *p = t->p;

	if (text == NULL)
		return (NULL);
	memcpy(p, text, size);
	t->p += size;
	return (p);
}

static size_t
event_texts_size(const struct store_event *ev)
{
	size_t size;

	size = text_size(ev->event_id) + 1 + text_size(ev->scope) +
	       text_size(ev->type) + text_size(ev->brand) +
	       text_size(ev->branch) + text_size(ev->secret) +
	       text_size(ev->peer) + text_size(ev->endpoint) +
	       text_size(ev->original) + text_size(ev->own_headers) +
	       text_size(ev->answers);
	for (size_t i = 0; i < ev->norders; i++) {
		const struct store_order *o = &ev->orders[i];

		size += text_size(o->order_id) + text_size(o->status) +
			text_size(o->updated_at) + text_size(o->external_id);
	}
	return (size);
}

struct store_event *
store_event_new(const struct store_event *src)
{
	size_t orders_size = src->norders * sizeof(struct store_order);
	struct store_event *ev;
	struct store_order *orders;
	struct tail t;

	ev = malloc(sizeof(*ev) + orders_size + event_texts_size(src));
	if (ev == NULL)
		return (NULL);
	*ev = *src;
	if (src->headers != NULL &&
	    (ev->headers = strdup(src->headers)) == NULL) {
		free(ev);
		return (NULL);
	}
	orders = (struct store_order *)(ev + 1);
	t.p = (char *)(orders + src->norders);
	for (size_t i = 0; i < src->norders; i++) {
		orders[i] = src->orders[i];
		orders[i].order_id = tail_copy(&t, src->orders[i].order_id);
		orders[i].status = tail_copy(&t, src->orders[i].status);
		orders[i].updated_at = tail_copy(&t, src->orders[i].updated_at);
		orders[i].external_id =
		    tail_copy(&t, src->orders[i].external_id);
	}
	ev->event_id = tail_copy(&t, src->event_id);
	ev->scope = tail_copy(&t, src->scope != NULL ? src->scope : "");
	ev->type = tail_copy(&t, src->type);
	ev->brand = tail_copy(&t, src->brand);
	ev->branch = tail_copy(&t, src->branch);
	ev->secret = tail_copy(&t, src->secret);
	ev->peer = tail_copy(&t, src->peer);
	ev->endpoint = tail_copy(&t, src->endpoint);
	ev->original = tail_copy(&t, src->original);
	ev->own_headers = tail_copy(&t, src->own_headers);
	ev->answers = tail_copy(&t, src->answers);
	ev->orders = orders;
	ev->id = 0;
	ev->refs = 1;
	return (ev);
}

struct store_event *
store_event_ref(struct store_event *ev)
{
	ev->refs++;
	return (ev);
}

void
store_event_unref(struct store_event *ev)
{
	if (ev == NULL)
		return;
	assert(ev->refs > 0);
	if (--ev->refs > 0)
		return;
	store_event_drop_body(ev);
	free(ev);
}

void
store_event_drop_body(struct store_event *ev)
{
	free(ev->body);
	free(ev->headers);
	ev->body = NULL;
	ev->headers = NULL;
}

void
store_event_narrow(struct store_event *ev, int32_t place)
{
	size_t i = 0;

	if (place == STORE_WHOLE_EVENT)
		return;
	while (i < ev->norders && ev->orders[i].place != place)
		i++;
	ev->norders = i < ev->norders ? 1 : 0;
	if (ev->norders > 0)
		ev->orders += i;
}

bool
store_event_has_time(const struct store_event *ev)
{
	for (size_t i = 0; i < ev->norders; i++) {
		const char *at = ev->orders[i].updated_at;
		int64_t at_ms;
		bool zone;

		if (at != NULL &&
		    parse_time_utc(at, strlen(at), &at_ms, &zone) == 0)
			return (true);
	}
	return (false);
}
