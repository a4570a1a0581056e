/* An event out of a result, where it has the columns of the type event_row. */
#include <stdlib.h>
#include <string.h>

#include "store/postgres/postgres.h"
#include "store/postgres/row.h"

/* The columns of event_row, in their order. */
enum column {
	COLUMN_ID,
	COLUMN_EVENT_ID,
	COLUMN_SCOPE,
	COLUMN_TYPE,
	COLUMN_ORIGIN,
	COLUMN_REPEAT_OF,
	COLUMN_ORIGINAL,
	COLUMN_BRAND,
	COLUMN_BRANCH,
	COLUMN_SIGNATURE,
	COLUMN_SECRET,
	COLUMN_PEER,
	COLUMN_RECEIVED_AT,
	COLUMN_CAME_AT,
	COLUMN_BODY_SIZE,
	COLUMN_BODY,
	COLUMN_PLACES,
	COLUMN_ORDER_IDS,
	COLUMN_STATUSES,
	COLUMN_UPDATED_ATS,
	COLUMN_EXTERNAL_IDS,
	COLUMN_ENDPOINT,
	COLUMN_END
};
_Static_assert(COLUMN_END == EVENT_ROW_COLUMNS,
    "each column of event_row has a name");

/* Where the event stands in a result, and what holds its texts meanwhile. */
struct place {
	const PGresult *res;
	int row, first;
	struct arena mem;
};

static int
read_text(struct place *at, enum column column, const char **ret_text)
{
	return (pg_text(at->res, at->row, at->first + (int)column, &at->mem,
	    ret_text));
}

static int
read_texts(struct place *at, enum column column, size_t n,
    const char *const **ret_texts)
{
	size_t found;

	if (pg_texts(at->res, at->row, at->first + (int)column, &at->mem,
		ret_texts, &found) == -1)
		return (-1);
	return (found == n ? 0 : -1);
}

static int
read_orders(struct place *at, struct store_event *ev)
{
	const char *const *ids, *const *statuses, *const *times;
	const char *const *external;
	struct store_order *orders;
	const int64_t *places;
	size_t n;

	if (pg_ints(at->res, at->row, at->first + COLUMN_PLACES, &at->mem,
		&places, &n) == -1 ||
	    read_texts(at, COLUMN_ORDER_IDS, n, &ids) == -1 ||
	    read_texts(at, COLUMN_STATUSES, n, &statuses) == -1 ||
	    read_texts(at, COLUMN_UPDATED_ATS, n, &times) == -1 ||
	    read_texts(at, COLUMN_EXTERNAL_IDS, n, &external) == -1)
		return (-1);
	if (n == 0)
		return (0);
	if ((orders = arena_array(&at->mem, n, sizeof(*orders))) == NULL)
		return (-1);
	for (size_t i = 0; i < n; i++) {
		if (ids[i] == NULL)
			return (-1);
		orders[i].place = (int32_t)places[i];
		orders[i].order_id = ids[i];
		orders[i].status = statuses[i];
		orders[i].updated_at = times[i];
		orders[i].external_id = external[i];
	}
	ev->orders = orders;
	ev->norders = n;
	return (0);
}

/* All but the body; -1 also if what an event always has is missing. */
static int
read_event(struct place *at, struct store_event *ev)
{
	const char *origin;
	const void *digest;
	size_t len;

	if (read_text(at, COLUMN_EVENT_ID, &ev->event_id) == -1 ||
	    read_text(at, COLUMN_SCOPE, &ev->scope) == -1 ||
	    read_text(at, COLUMN_TYPE, &ev->type) == -1 ||
	    read_text(at, COLUMN_ORIGIN, &origin) == -1 ||
	    read_text(at, COLUMN_ORIGINAL, &ev->original) == -1 ||
	    read_text(at, COLUMN_BRAND, &ev->brand) == -1 ||
	    read_text(at, COLUMN_BRANCH, &ev->branch) == -1 ||
	    read_text(at, COLUMN_SECRET, &ev->secret) == -1 ||
	    read_text(at, COLUMN_PEER, &ev->peer) == -1 ||
	    read_text(at, COLUMN_ENDPOINT, &ev->endpoint) == -1)
		return (-1);
	if (ev->event_id == NULL || ev->type == NULL || ev->peer == NULL ||
	    origin == NULL || store_origin_parse(origin, &ev->origin) == -1)
		return (-1);
	digest = pg_bytes(at->res, at->row, at->first + COLUMN_SIGNATURE, &len);
	if (digest != NULL && len == sizeof(ev->digest))
		memcpy(ev->digest, digest, len);
	ev->repeat_of = pg_int(at->res, at->row, at->first + COLUMN_REPEAT_OF);
	ev->received_at_ms =
	    pg_int(at->res, at->row, at->first + COLUMN_RECEIVED_AT);
	ev->came_at.ms = pg_int(at->res, at->row, at->first + COLUMN_CAME_AT);
	ev->body_len =
	    (size_t)pg_int(at->res, at->row, at->first + COLUMN_BODY_SIZE);
	return (read_orders(at, ev));
}

static int
read_body(const struct place *at, struct store_event *ev)
{
	const void *body;
	size_t len;

	body = pg_bytes(at->res, at->row, at->first + COLUMN_BODY, &len);
	if (body == NULL)
		return (0);
	/* One byte more: an empty body is there, not absent. */
	if ((ev->body = malloc(len + 1)) == NULL)
		return (-1);
	if (len > 0)
		memcpy(ev->body, body, len);
	ev->body_len = len;
	return (0);
}

int
event_row_read(struct store_op *op, const PGresult *res, int row, int first,
    struct store_event **ret_ev)
{
	struct place at = { .res = res, .row = row, .first = first };
	struct store_event ev = { 0 };
	struct store_event *copy = NULL;
	int64_t id = pg_int(res, row, first + COLUMN_ID);

	if (id != 0 && read_event(&at, &ev) == 0 && read_body(&at, &ev) == 0 &&
	    (copy = store_event_new(&ev)) == NULL)
		free(ev.body);
	arena_fini(&at.mem);
	if (copy == NULL)
		return (-1);
	copy->id = id;
	if (store_op_keep(op, copy) == -1)
		return (-1);
	*ret_ev = copy;
	return (0);
}
