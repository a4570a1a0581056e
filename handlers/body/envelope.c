/*
 * A body is copied once into a buffer of ours that ends with a NUL: SQLite's
 * JSON functions want one, and would otherwise copy the body for each call.
 *
 * `head' reads everything of a body with one order, which nearly all have,
 * from a single parse that its calls share. `few' does the same for small
 * batches. `rest' is for the others: it cuts the array into its elements and
 * parses each by itself, so that the work grows with the body's length and
 * not with its square, as it would if each order were looked up by its index.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "handlers/body/envelope.h"
#include "store/base/json_scan.h"

#define TEXT_SIZE (ENVELOPE_TEXT_MAX + 1)
#define FIELDS 4      /* texts of an order */
#define FEW 8         /* orders that `few' reads */
#define NODES_SIZE 16 /* of a node of SQLite's tree: at most one a byte */

struct envelope_reader {
	sqlite3 *db;
	sqlite3_stmt *head;
	sqlite3_stmt *few;
	sqlite3_stmt *rest;
	char *text; /* the body being scanned, with a NUL */
	size_t text_size;
};

/*
 * json_extract() of several paths gives one array of the values as they stand
 * in the body, null where it has none.
 */
/* clang-format off */
#define ORDER_PATHS(i) \
	"'$.orders[" #i "].id', '$.orders[" #i "].status'," \
	"'$.orders[" #i "].updated_at', '$.orders[" #i "].external_id'"

static const char head_sql[] =
    "SELECT json_type(?1), json_array_length(?1, '$.orders'),"
    " json_extract(?1, '$.brand_id', '$.branch_id', "
    ORDER_PATHS(0) ") WHERE json_valid(?1)";
enum { HEAD_TYPE, HEAD_NORDERS, HEAD_VALUES };

static const char few_sql[] =
    "SELECT json_extract(?1, "
    ORDER_PATHS(0) "," ORDER_PATHS(1) "," ORDER_PATHS(2) "," ORDER_PATHS(3) ","
    ORDER_PATHS(4) "," ORDER_PATHS(5) "," ORDER_PATHS(6) "," ORDER_PATHS(7) ")";
/* clang-format on */

static const char rest_sql[] =
    "SELECT key, json_extract(value, '$.id', '$.status', '$.updated_at',"
    " '$.external_id')"
    " FROM json_each(?1, '$.orders') WHERE type = 'object'";
enum { REST_PLACE, REST_VALUES };

struct envelope_reader *
envelope_reader_new(void)
{
	const int flags =
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
	struct envelope_reader *er;

	if ((er = calloc(1, sizeof(*er))) == NULL)
		return (NULL);
	if (sqlite3_open_v2(":memory:", &er->db, flags, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v3(er->db, head_sql, sizeof(head_sql),
		SQLITE_PREPARE_PERSISTENT, &er->head, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v3(er->db, few_sql, sizeof(few_sql),
		SQLITE_PREPARE_PERSISTENT, &er->few, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v3(er->db, rest_sql, sizeof(rest_sql),
		SQLITE_PREPARE_PERSISTENT, &er->rest, NULL) != SQLITE_OK) {
		envelope_reader_free(er);
		return (NULL);
	}
	return (er);
}

void
envelope_reader_free(struct envelope_reader *er)
{
	if (er == NULL)
		return;
	sqlite3_finalize(er->head);
	sqlite3_finalize(er->few);
	sqlite3_finalize(er->rest);
	sqlite3_close(er->db);
	free(er->text);
	free(er);
}

/* -- The bytes, before SQLite sees them -- */

/* Keep a copy of the body that ends with a NUL. Returns 0, or -1. */
static int
envelope_keep_text(struct envelope_reader *er, const void *body, size_t len)
{
	char *text;

	if (len >= er->text_size) {
		if ((text = malloc(len + 1)) == NULL)
			return (-1);
		free(er->text);
		er->text = text;
		er->text_size = len + 1;
	}
	memcpy(er->text, body, len);
	er->text[len] = '\0';
	return (0);
}

/* Does c stand in the text at least n times? */
static bool
has_many(const char *p, const char *end, char c, size_t n)
{
	for (; n > 0; n--, p++) {
		if ((p = memchr(p, c, (size_t)(end - p))) == NULL)
			return (false);
	}
	return (true);
}

/* Is p, but for blanks, before a colon? */
static bool
is_before_colon(const char *p, const char *end)
{
	p = json_scan_blanks(p, end);
	return (p < end && *p == ':');
}

/* Does c stand before a colon anywhere in the text, in a string or not? */
static bool
has_before_colon(const char *p, const char *end, char c)
{
	while ((p = memchr(p, c, (size_t)(end - p))) != NULL) {
		if (is_before_colon(++p, end))
			return (true);
	}
	return (false);
}

/*
 * Is this what SQLite must not see? It may be nested too deep: SQLite has a
 * limit too, but it is another one in each version. Or an object or array
 * stands for a key: 3.40 takes that for valid if it ends in a string, and
 * crashes when it compares the keys. Most bodies have so few brackets, and
 * none before a colon, that they need not be walked.
 */
static bool
is_refused_unseen(const char *text, const char *end)
{
	size_t depth = 0;

	if (!has_many(text, end, '[', ENVELOPE_DEPTH_MAX / 2) &&
	    !has_many(text, end, '{', ENVELOPE_DEPTH_MAX / 2) &&
	    !has_before_colon(text, end, ']') &&
	    !has_before_colon(text, end, '}'))
		return (false);
	for (const char *p = text; p < end;) {
		if (*p == '"') {
			if ((p = json_scan_string(p, end)) == NULL)
				return (true);
			continue;
		}
		if (*p == '[' || *p == '{') {
			if (++depth > ENVELOPE_DEPTH_MAX)
				return (true);
		} else if (*p == ']' || *p == '}') {
			if (depth == 0 || is_before_colon(p + 1, end))
				return (true);
			depth--;
		}
		p++;
	}
	return (false);
}

/* -- Rows to records -- */

/* What is read of a row, and where the texts go. */
struct cursor {
	const char *values; /* at the '[' or ',' before the next value */
	const char *end;
	char *text;
};

/* Go past the next value. Returns its text, or NULL if it counts as absent. */
static const char *
envelope_next(struct cursor *cur)
{
	const char *token = cur->values + 1;
	char *text = cur->text;
	int len;

	cur->values = json_scan_value(token, cur->end);
	len = json_scan_text(token, (size_t)(cur->values - token), TEXT_SIZE,
	    text);
	if (len == -1)
		return (NULL);
	cur->text += len + 1;
	return (text);
}

/* Add the order whose values come next, unless it is a stray. */
static void
envelope_add(struct envelope *env, int32_t place, struct cursor *cur)
{
	struct store_order *o = &env->orders[env->norders];

	o->place = place;
	o->order_id = envelope_next(cur);
	o->status = envelope_next(cur);
	o->updated_at = envelope_next(cur);
	o->external_id = envelope_next(cur);
	if (o->order_id != NULL && o->order_id[0] != '\0')
		env->norders++;
}

/* Begin with the array of values in a column. -1 when out of memory. */
static int
envelope_begin(struct cursor *cur, sqlite3_stmt *st, int column)
{
	cur->values = (const char *)sqlite3_column_text(st, column);
	if (cur->values == NULL)
		return (-1);
	cur->end = cur->values + sqlite3_column_bytes(st, column);
	return (0);
}

/* Read a batch of n orders, at most FEW. Returns 0, or -1 when out of memory.
 */
static int
envelope_read_few(struct envelope_reader *er, struct envelope *env, size_t n,
    struct cursor *cur)
{
	int rc = -1;

	(void)sqlite3_bind_text(er->few, 1, er->text, -1, SQLITE_STATIC);
	if (sqlite3_step(er->few) == SQLITE_ROW &&
	    envelope_begin(cur, er->few, 0) == 0) {
		for (size_t i = 0; i < n; i++)
			envelope_add(env, (int32_t)i, cur);
		rc = 0;
	}
	(void)sqlite3_reset(er->few);
	return (rc);
}

/* Read a batch of any size. Returns 0, or -1 when out of memory. */
static int
envelope_read_rest(struct envelope_reader *er, struct envelope *env,
    struct cursor *cur)
{
	int rc;

	(void)sqlite3_bind_text(er->rest, 1, er->text, -1, SQLITE_STATIC);
	while ((rc = sqlite3_step(er->rest)) == SQLITE_ROW) {
		if (envelope_begin(cur, er->rest, REST_VALUES) == -1)
			break;
		envelope_add(env, sqlite3_column_int(er->rest, REST_PLACE),
		    cur);
	}
	(void)sqlite3_reset(er->rest);
	return (rc == SQLITE_DONE ? 0 : -1);
}

/* Make the record from the row at which `head' stands. */
static enum envelope_rc
envelope_read(struct envelope_reader *er, struct envelope *ret_env)
{
	struct envelope env = { .norders = 0 };
	struct cursor cur;
	const char *type;
	int rc = 0;
	size_t n;

	type = (const char *)sqlite3_column_text(er->head, HEAD_TYPE);
	if (type == NULL || envelope_begin(&cur, er->head, HEAD_VALUES) == -1)
		return (ENVELOPE_NOMEM);
	if (strcmp(type, "object") != 0 && strcmp(type, "array") != 0)
		return (ENVELOPE_INVALID);
	n = (size_t)sqlite3_column_int64(er->head, HEAD_NORDERS);
	if (n > ENVELOPE_ORDERS_MAX)
		return (ENVELOPE_TOO_MANY);

	/* The orders, then all their texts at their longest. */
	env.memory =
	    malloc(n * sizeof(*env.orders) + (2 + n * FIELDS) * TEXT_SIZE);
	if (env.memory == NULL)
		return (ENVELOPE_NOMEM);
	env.orders = env.memory;
	cur.text = (char *)(env.orders + n);
	env.brand = envelope_next(&cur);
	env.branch = envelope_next(&cur);
	if (n == 1)
		envelope_add(&env, 0, &cur);
	else
		(void)sqlite3_reset(er->head); /* its parse makes room */
	if (n > 1 && n <= FEW)
		rc = envelope_read_few(er, &env, n, &cur);
	else if (n > FEW)
		rc = envelope_read_rest(er, &env, &cur);
	if (rc == -1) {
		envelope_fini(&env);
		return (ENVELOPE_NOMEM);
	}
	env.strays = n - env.norders;
	*ret_env = env;
	return (ENVELOPE_OK);
}

/* Scan the text that was kept. */
static enum envelope_rc
envelope_scan_text(struct envelope_reader *er, struct envelope *ret_env)
{
	enum envelope_rc rc = ENVELOPE_NOMEM;

	(void)sqlite3_bind_text(er->head, 1, er->text, -1, SQLITE_STATIC);
	switch (sqlite3_step(er->head)) {
	case SQLITE_ROW:
		rc = envelope_read(er, ret_env);
		break;
	case SQLITE_DONE:
	case SQLITE_ERROR: /* malformed JSON, seen before json_valid() was */
		rc = ENVELOPE_INVALID;
		break;
	}
	(void)sqlite3_reset(er->head);
	return (rc);
}

/* Is there as much memory as SQLite may need for a text of that length? */
static bool
has_memory(size_t len)
{
	void *p = malloc(len * NODES_SIZE + TEXT_SIZE);

	free(p);
	return (p != NULL);
}

enum envelope_rc
envelope_scan(struct envelope_reader *er, const void *body, size_t body_len,
    struct envelope *ret_env)
{
	enum envelope_rc rc;

	/* SQLite would take a NUL for the end. */
	if (body_len == 0 || memchr(body, '\0', body_len) != NULL)
		return (ENVELOPE_INVALID);
	if (envelope_keep_text(er, body, body_len) == -1)
		return (ENVELOPE_NOMEM);
	if (is_refused_unseen(er->text, er->text + body_len))
		return (ENVELOPE_INVALID);
	rc = envelope_scan_text(er, ret_env);
	/* SQLite may also call a text malformed for which it has no memory. */
	if (rc == ENVELOPE_INVALID && !has_memory(body_len))
		return (ENVELOPE_NOMEM);
	return (rc == ENVELOPE_INVALID ? envelope_scan_text(er, ret_env) : rc);
}

void
envelope_fini(struct envelope *env)
{
	free(env->memory);
	memset(env, 0, sizeof(*env));
}
