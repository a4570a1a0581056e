/*
 * A move, whatever the backends: each table is read from one and written to
 * the other, a piece at a time; what is there by then is where it goes on if it
 * was cut short. Then all is read from both, and compared.
 */
#include <stdio.h>
#include <string.h>

#include "store/move/rows.h"
#include "store/store_move.h"
#include "store/store_private.h"

struct move {
	const struct store_move *what;
	struct store *from, *to;
	struct move_change change;
	struct store_move_facts facts;
	struct move_digest *digest;
	struct store_move_result *ret;
	char *reason;
};

static enum store_rc
move_nomem(char *reason)
{
	(void)snprintf(reason, STORE_REASON_MAX, "out of memory");
	return (STORE_FAILED);
}

/* -- The rows of a table, out of one store -- */

struct stream {
	struct store *st;
	const struct move_table *t;
	const struct move_change *change; /* NULL: as they are */
	struct move_rows raw;             /* as the store has them */
	struct move_rows rows;            /* changed */
	struct move_rows key;             /* of the last of them */
	size_t at;                        /* in rows: what next() is at */
	int64_t mended;
	char *reason;
};

static void
stream_fini(struct stream *s)
{
	move_rows_fini(&s->raw);
	move_rows_fini(&s->rows);
	move_rows_fini(&s->key);
}

/* Change what was read, and remember the last key. */
static enum store_rc
stream_change(struct stream *s)
{
	static const struct move_change as_it_is = { 0 };
	const struct move_change *how =
	    s->change != NULL ? s->change : &as_it_is;
	size_t columns = move_table_columns(s->t), len, key;
	char text[MOVE_KEY_MAX];
	const char *column;

	for (size_t at = 0; at < s->raw.len; at += len) {
		const unsigned char *p = s->raw.bytes + at;

		len = move_length(p, s->raw.len - at, columns);
		column =
		    move_change_row(s->t, how, p, len, &s->rows, &s->mended);
		if (column != NULL) {
			move_key_text(s->t, p, len, text);
			(void)snprintf(s->reason, STORE_REASON_MAX,
			    "%s %s: its %s is no UTF-8, and the new store "
			    "takes nothing else; nothing can be found by it "
			    "if it is changed",
			    s->t->name, text, column);
			return (STORE_REFUSED);
		}
		key = move_length(p, len, s->t->nkeys);
		move_rows_clear(&s->key);
		move_put_row(&s->key, p, key);
	}
	return (
	    s->rows.failed || s->key.failed ? move_nomem(s->reason) : STORE_OK);
}

/* Read the next piece. No rows: that was all. */
static enum store_rc
stream_fill(struct stream *s)
{
	enum store_rc rc;

	s->at = 0;
	move_rows_clear(&s->raw);
	move_rows_clear(&s->rows);
	rc = s->st->ops->move->read(s->st->be, s->t, &s->key, &s->raw,
	    s->reason);
	if (rc != STORE_OK)
		return (rc);
	return (s->raw.failed ? move_nomem(s->reason) : stream_change(s));
}

/* The next row; *ret_len is 0 after the last. Valid until the next call. */
static enum store_rc
stream_next(struct stream *s, const unsigned char **ret_p, size_t *ret_len)
{
	enum store_rc rc;

	if (s->at == s->rows.len && (rc = stream_fill(s)) != STORE_OK)
		return (rc);
	*ret_p = s->rows.bytes + s->at;
	*ret_len =
	    move_length(*ret_p, s->rows.len - s->at, move_table_columns(s->t));
	s->at += *ret_len;
	return (STORE_OK);
}

/* -- Copying -- */

static void
move_progress(const struct move *m, enum store_move_step step,
    const struct move_table *t, int64_t done, int64_t total)
{
	if (m->what->progress != NULL)
		m->what->progress(step, t->name, done, total, m->what->arg);
}

/* The old store is marked, so the new one has everything; this one has not. */
static enum store_rc
copy_is_late(struct move *m)
{
	char name[STORE_NAME_MAX];

	store_url_name(m->what->from, name);
	(void)snprintf(m->reason, STORE_REASON_MAX,
	    "it was moved to another store before, which may have been served "
	    "since; move that one, or take this one back as it was then by "
	    "klikitd migrate-store --reopen %.*s",
	    STORE_REASON_MAX / 2, name);
	return (STORE_REFUSED);
}

static enum store_rc
copy_pieces(struct move *m, struct stream *in, int64_t done)
{
	const struct store_move_ops *to = m->to->ops->move;
	enum store_rc rc;
	int64_t total;

	rc = m->from->ops->move->count(m->from->be, in->t, &total, m->reason);
	while (rc == STORE_OK && (rc = stream_fill(in)) == STORE_OK &&
	       in->rows.n > 0) {
		if (m->facts.moved)
			return (copy_is_late(m));
		rc = to->write(m->to->be, in->t, &in->rows, m->reason);
		done += (int64_t)in->rows.n;
		if (rc == STORE_OK)
			move_progress(m, STORE_MOVE_COPIES, in->t, done, total);
	}
	return (rc);
}

/* From behind the last row that is there already. */
static enum store_rc
copy_table(struct move *m, const struct move_table *t)
{
	const struct store_move_ops *to = m->to->ops->move;
	struct stream in = { .st = m->from,
		.t = t,
		.change = &m->change,
		.reason = m->reason };
	enum store_rc rc;
	int64_t done = 0;

	rc = to->last(m->to->be, t, &in.key, m->reason);
	if (rc == STORE_OK && in.key.failed)
		rc = move_nomem(m->reason);
	if (rc == STORE_OK && in.key.len > 0) {
		m->ret->resumed = true;
		rc = to->count(m->to->be, t, &done, m->reason);
	}
	if (rc == STORE_OK)
		rc = copy_pieces(m, &in, done);
	stream_fini(&in);
	return (rc);
}

/* -- Comparing -- */

static enum store_rc
check_differs(struct move *m, const struct move_table *t,
    const unsigned char *p, size_t len)
{
	char key[MOVE_KEY_MAX];

	move_key_text(t, p, len, key);
	(void)snprintf(m->reason, STORE_REASON_MAX,
	    "%s %s: is not in the new store as it is in the old one, which "
	    "may have been served since the move began; remove the new store "
	    "(of a database: DROP SCHEMA klikitd CASCADE) and begin anew",
	    t->name, key);
	return (STORE_REFUSED);
}

/* Compare row by row what both give. *inout_n counts them. */
static enum store_rc
check_rows(struct move *m, struct stream *a, struct stream *b, int64_t *inout_n)
{
	const unsigned char *p, *q;
	size_t plen, qlen;
	enum store_rc rc;
	int64_t total;

	rc = m->from->ops->move->count(m->from->be, a->t, &total, m->reason);
	while (rc == STORE_OK) {
		if ((rc = stream_next(a, &p, &plen)) != STORE_OK ||
		    (rc = stream_next(b, &q, &qlen)) != STORE_OK)
			break;
		if (plen != qlen || (plen > 0 && memcmp(p, q, plen) != 0))
			return (plen > 0 ? check_differs(m, a->t, p, plen)
					 : check_differs(m, a->t, q, qlen));
		if (b->at == b->rows.len)
			move_progress(m, STORE_MOVE_CHECKS, a->t, *inout_n,
			    total);
		if (qlen == 0)
			break;
		move_digest_add(m->digest, q, qlen);
		++*inout_n;
	}
	return (rc);
}

static enum store_rc
check_table(struct move *m, const struct move_table *t,
    struct store_move_table *ret)
{
	struct stream a = { .st = m->from,
		.t = t,
		.change = &m->change,
		.reason = m->reason };
	struct stream b = { .st = m->to, .t = t, .reason = m->reason };
	enum store_rc rc;

	ret->name = t->name;
	ret->rows = 0;
	rc = check_rows(m, &a, &b, &ret->rows);
	if (rc == STORE_OK && move_digest_end(m->digest, ret->digest) == -1)
		rc = move_nomem(m->reason);
	m->ret->mended += a.mended;
	stream_fini(&a);
	stream_fini(&b);
	return (rc);
}

/* -- The whole -- */

/* No thread is started: the caller's works with the backend itself. */
static enum store_rc
move_open(const struct store_move *what, const char *url,
    enum store_moving moving, struct store **ret_st, char *reason)
{
	static const struct store_stand_in nobody = { 0 };
	const struct store_options opt = { .url = url,
		.mode = STORE_CHANGE,
		.now_ms = what->now_ms,
		.note = what->note,
		.note_arg = what->arg };
	const struct store_setup setup = { .stand_in = &nobody,
		.moving = moving };

	return (store_open_with(&opt, &setup, ret_st, reason));
}

/* Are both names of one file, or the same text? */
static bool
move_is_same(const struct store_move *what)
{
	char a[PATH_MAX], b[PATH_MAX];

	if (store_locate(what->from, a) == -1 ||
	    store_locate(what->to, b) == -1)
		return (strcmp(what->from, what->to) == 0);
	return (strcmp(a, b) == 0);
}

/* How rows have to change, and what the new store's clock is to say. */
static enum store_rc
move_prepare(struct move *m)
{
	const struct store_move_ops *from = m->from->ops->move;
	const struct store_move_ops *to = m->to->ops->move;
	struct store_clock now;
	enum store_rc rc;

	rc = from->facts(m->from->be, &m->facts, m->reason);
	if (rc != STORE_OK)
		return (rc);
	m->change.utf8 = to->utf8;
	m->what->renew(&m->facts.clock, &now);
	if (to->shift != NULL)
		return (to->shift(m->to->be, now.steady, &m->change.shift_ms,
		    m->reason));
	if (m->facts.clock.shared)
		m->facts.clock = now;
	return (STORE_OK);
}

static enum store_rc
move_all(struct move *m)
{
	enum store_rc rc;

	rc = move_open(m->what, m->what->from, STORE_MOVING_FROM, &m->from,
	    m->reason);
	if (rc == STORE_OK)
		rc = move_open(m->what, m->what->to, STORE_MOVING_TO, &m->to,
		    m->reason);
	if (rc == STORE_OK)
		rc = move_prepare(m);
	for (size_t i = 0; i < MOVE_TABLES && rc == STORE_OK; i++)
		rc = copy_table(m, &move_tables[i]);
	for (size_t i = 0; i < MOVE_TABLES && rc == STORE_OK; i++)
		rc = check_table(m, &move_tables[i], &m->ret->tables[i]);
	if (rc == STORE_OK)
		rc = m->from->ops->move->end(m->from->be, NULL, m->reason);
	if (rc == STORE_OK)
		rc = m->to->ops->move->end(m->to->be, &m->facts, m->reason);
	return (rc);
}

enum store_rc
store_move(const struct store_move *what, struct store_move_result *ret,
    char reason[STORE_REASON_MAX])
{
	struct move m = { .what = what, .ret = ret, .reason = reason };
	enum store_rc rc;

	memset(ret, 0, sizeof(*ret));
	if (move_is_same(what)) {
		(void)snprintf(reason, STORE_REASON_MAX,
		    "both are the same store");
		return (STORE_REFUSED);
	}
	if ((m.digest = move_digest_new()) == NULL)
		return (move_nomem(reason));
	rc = move_all(&m);
	store_close(m.to);
	store_close(m.from);
	move_digest_free(m.digest);
	return (rc);
}

enum store_rc
store_move_back(const char *url, int64_t now_ms, char reason[STORE_REASON_MAX])
{
	const struct store_move what = { .now_ms = now_ms };
	struct store *st;
	enum store_rc rc;

	rc = move_open(&what, url, STORE_MOVING_BACK, &st, reason);
	if (rc != STORE_OK)
		return (rc);
	rc = st->ops->move->end(st->be, NULL, reason);
	store_close(st);
	return (rc);
}
