/* What is read of a body, and that SQLite reads the same. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "handlers/body/envelope.h"
#include "test/fuzz/fuzz.h"

#define SQLITE_DEPTH 900 /* below the limits of both */

static void
promise(bool kept)
{
	if (!kept)
		abort();
}

static void
check_text(const char *text)
{
	promise(text == NULL || strlen(text) <= ENVELOPE_TEXT_MAX);
}

/* -- SQLite's answer -- */

static sqlite3_stmt *
prepare(const char *sql)
{
	static sqlite3 *db;
	sqlite3_stmt *st;

	if (db == NULL)
		promise(sqlite3_open(":memory:", &db) == SQLITE_OK);
	promise(sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK);
	return (st);
}

/*
 * What both must judge alike: SQLite takes a NUL for the end, has a limit of
 * its own for the depth, takes an object for a key if that ends in a string
 * (3.40), and compares keys as they are written or not, by its version.
 */
static bool
is_comparable(const char *text, size_t len)
{
	size_t depth = 0, next;

	for (size_t i = 0; i < len; i++) {
		depth += text[i] == '[' || text[i] == '{';
		if (text[i] == '\0' || text[i] == '\\' || depth > SQLITE_DEPTH)
			return (false);
		if (text[i] != ']' && text[i] != '}')
			continue;
		next = i + 1 + strspn(text + i + 1, " \t\r\n");
		if (text[next] == ':')
			return (false);
	}
	return (true);
}

static bool
says_sqlite(const char *text)
{
	static sqlite3_stmt *st;
	bool valid;

	if (st == NULL)
		st = prepare("SELECT json_valid(?1) AND "
			     "json_type(?1) IN ('object', 'array')");
	(void)sqlite3_bind_text(st, 1, text, -1, SQLITE_TRANSIENT);
	valid = sqlite3_step(st) == SQLITE_ROW && sqlite3_column_int(st, 0);
	(void)sqlite3_reset(st);
	return (valid);
}

/* That number, digit for digit, or nothing; strings have forms of their own. */
static void
check_number(const char *text, const char *path, const char *got)
{
	static sqlite3_stmt *st;
	const char *want;

	if (st == NULL)
		st = prepare("SELECT ?1 -> ?2 WHERE json_type(?1, ?2) IN "
			     "('integer', 'real')");
	(void)sqlite3_bind_text(st, 1, text, -1, SQLITE_TRANSIENT);
	(void)sqlite3_bind_text(st, 2, path, -1, SQLITE_TRANSIENT);
	if (sqlite3_step(st) == SQLITE_ROW) {
		want = (const char *)sqlite3_column_text(st, 0);
		promise(strlen(want) > ENVELOPE_TEXT_MAX ||
			(got != NULL && strcmp(got, want) == 0));
	}
	(void)sqlite3_reset(st);
}

static void
check_numbers(const char *text, const struct envelope *env)
{
	check_number(text, "$.brand_id", env->brand);
	check_number(text, "$.branch_id", env->branch);
	if (env->norders == 0 || env->orders[0].place != 0)
		return;
	check_number(text, "$.orders[0].id", env->orders[0].order_id);
	check_number(text, "$.orders[0].status", env->orders[0].status);
	check_number(text, "$.orders[0].updated_at", env->orders[0].updated_at);
}

static void
compare(const uint8_t *data, size_t size, enum envelope_rc rc,
    const struct envelope *env)
{
	char *text = malloc(size + 1);

	promise(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	if (rc != ENVELOPE_TOO_MANY && is_comparable(text, size)) {
		promise((rc == ENVELOPE_OK) == says_sqlite(text));
		if (rc == ENVELOPE_OK)
			check_numbers(text, env);
	}
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct envelope env = { .norders = 0 };
	enum envelope_rc rc = envelope_scan(data, size, &env);
	int32_t place = -1;

	compare(data, size, rc, &env);
	if (rc != ENVELOPE_OK)
		return (0);
	promise(env.norders + env.strays <= ENVELOPE_ORDERS_MAX);
	check_text(env.brand);
	check_text(env.branch);
	for (size_t i = 0; i < env.norders; i++) {
		const struct store_order *o = &env.orders[i];

		promise(o->place > place);
		place = o->place;
		promise(o->order_id != NULL && o->order_id[0] != '\0');
		check_text(o->order_id);
		check_text(o->status);
		check_text(o->updated_at);
		check_text(o->external_id);
	}
	promise((size_t)place + 1 <= env.norders + env.strays);
	envelope_fini(&env);
	return (0);
}
