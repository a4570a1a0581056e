/*
 * One pass checks every byte of a body and notes where the few values stand
 * that are wanted; their texts are made when all of it was found well-formed.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "handlers/body/envelope.h"
#include "store/base/json_check.h"
#include "store/base/json_scan.h"

#define TEXT_SIZE (ENVELOPE_TEXT_MAX + 1)
#define FEW 4 /* orders: nearly always there is one */

/* A value as it stands; at NULL: there is none. */
struct place {
	const char *at;
	const char *end;
};

enum field { FIELD_ID, FIELD_STATUS, FIELD_UPDATED, FIELD_EXTERNAL, NFIELDS };
enum head { HEAD_BRAND, HEAD_BRANCH, HEAD_ORDERS, NHEADS };

struct name {
	const char *text;
	size_t len;
};
#define NAME(text)                                                             \
	{                                                                      \
		text, sizeof(text) - 1                                         \
	}

static const struct name field_names[] = {
	[FIELD_ID] = NAME("id"),
	[FIELD_STATUS] = NAME("status"),
	[FIELD_UPDATED] = NAME("updated_at"),
	[FIELD_EXTERNAL] = NAME("external_id"),
};
static const struct name head_names[] = {
	[HEAD_BRAND] = NAME("brand_id"),
	[HEAD_BRANCH] = NAME("branch_id"),
	[HEAD_ORDERS] = NAME("orders"),
};

/* An element of the array that is an object. */
struct found {
	int32_t place;
	struct place fields[NFIELDS];
};

struct scan {
	const char *end;
	enum envelope_rc rc; /* why it went no further, when it did not */
	struct place head[NHEADS];
	size_t norders; /* elements, of any kind */
	size_t nfound;
	struct found few[FEW];
	struct found *many; /* those behind them */
	struct found beyond;
};

/* -- Where everything stands -- */

/* Which of the names a key is, as it is written; n: none. */
static size_t
which_name(const char *key, size_t len, const struct name names[], size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (names[i].len == len && memcmp(key, names[i].text, len) == 0)
			break;
	}
	return (i);
}

/*
 * p is at an opening bracket: past it and blanks. *ret_closed: nothing is in
 * it, and closer was passed as well.
 */
static const char *
enter(const char *p, const char *end, char closer, bool *ret_closed)
{
	p = json_scan_blanks(p + 1, end);
	*ret_closed = p < end && *p == closer;
	return (*ret_closed ? p + 1 : p);
}

/*
 * *p is at the key of a member: go to its value, or NULL. Returns where that is
 * to be noted: in places, if the key is one of n names for the first time;
 * NULL: nowhere.
 */
static struct place *
read_key(const char **p, const char *end, const struct name names[], size_t n,
    struct place places[])
{
	const char *key = *p, *key_end;
	size_t i;

	if ((*p = json_check_key(key, end, &key_end)) == NULL)
		return (NULL);
	i = which_name(key + 1, (size_t)(key_end - key - 2), names, n);
	return (i == n || places[i].at != NULL ? NULL : &places[i]);
}

/* The i-th that was noted. */
static struct found *
found_at(struct scan *s, size_t i)
{
	return (i < FEW ? &s->few[i] : &s->many[i - FEW]);
}

/* Room for one more; beyond the limit it is noted nowhere. Returns NULL when
   out of memory. */
static struct found *
next_found(struct scan *s)
{
	struct found *f;

	if (s->nfound == ENVELOPE_ORDERS_MAX)
		return (&s->beyond);
	if (s->nfound == FEW && (s->many = malloc((ENVELOPE_ORDERS_MAX - FEW) *
						  sizeof(*s->many))) == NULL) {
		s->rc = ENVELOPE_NOMEM;
		return (NULL);
	}
	f = found_at(s, s->nfound++);
	*f = (struct found){ (int32_t)s->norders, { { 0 } } };
	return (f);
}

/* Past the order at p, an object; NULL if it is none. */
static const char *
scan_order(struct scan *s, const char *p)
{
	struct found *f = next_found(s);
	struct place *place;
	const char *at;
	bool closed;

	if (f == NULL)
		return (NULL);
	p = enter(p, s->end, '}', &closed);
	while (p != NULL && !closed) {
		place = read_key(&p, s->end, field_names, NFIELDS, f->fields);
		if ((at = p) == NULL)
			break;
		p = json_check_value(p, s->end, ENVELOPE_DEPTH_MAX - 3);
		if (p == NULL)
			break;
		if (place != NULL)
			*place = (struct place){ at, p };
		p = json_check_next(p, s->end, '}', &closed);
	}
	return (p);
}

/* Past the array of orders at p; NULL if it is none, or has too many. */
static const char *
scan_orders(struct scan *s, const char *p)
{
	bool closed;

	p = enter(p, s->end, ']', &closed);
	while (p != NULL && !closed) {
		if (p < s->end && *p == '{')
			p = scan_order(s, p);
		else
			p = json_check_value(p, s->end, ENVELOPE_DEPTH_MAX - 2);
		s->norders++;
		if (p != NULL)
			p = json_check_next(p, s->end, ']', &closed);
	}
	return (p);
}

/* Past the object at p, with or without orders; NULL if it is none. */
static const char *
scan_object(struct scan *s, const char *p)
{
	struct place *place;
	const char *at;
	bool closed;

	p = enter(p, s->end, '}', &closed);
	while (p != NULL && !closed) {
		place = read_key(&p, s->end, head_names, NHEADS, s->head);
		if ((at = p) == NULL)
			break;
		if (place == &s->head[HEAD_ORDERS] && p < s->end && *p == '[')
			p = scan_orders(s, p);
		else
			p = json_check_value(p, s->end, ENVELOPE_DEPTH_MAX - 1);
		if (p == NULL)
			break;
		if (place != NULL)
			*place = (struct place){ at, p };
		p = json_check_next(p, s->end, '}', &closed);
	}
	return (p);
}

/* Is the text a body, and all of it noted? */
static bool
scan_body(struct scan *s, const char *p)
{
	p = json_scan_blanks(p, s->end);
	if (p < s->end && *p == '{')
		p = scan_object(s, p);
	else if (p < s->end && *p == '[')
		p = json_check_value(p, s->end, ENVELOPE_DEPTH_MAX);
	else
		return (false);
	return (p != NULL && json_scan_blanks(p, s->end) == s->end);
}

/* -- Places to texts -- */

/* How much room the text of a value needs at most, its NUL as well. */
static size_t
text_room(const struct place *v)
{
	size_t len = v->at == NULL ? 0 : (size_t)(v->end - v->at);

	return (len < TEXT_SIZE ? len + 1 : TEXT_SIZE);
}

/* Write its text to *at, and go past that. NULL if it counts as absent. */
static const char *
take_text(const struct place *v, char **at)
{
	char *text = *at;
	int len = v->at == NULL
		      ? -1
		      : json_scan_text(v->at, (size_t)(v->end - v->at),
			    text_room(v), text);

	if (len == -1)
		return (NULL);
	*at += len + 1;
	return (text);
}

/* Add the order, unless it is a stray. */
static void
take_order(struct envelope *env, const struct found *f, char **at)
{
	struct store_order *o = &env->orders[env->norders];

	o->place = f->place;
	o->order_id = take_text(&f->fields[FIELD_ID], at);
	o->status = take_text(&f->fields[FIELD_STATUS], at);
	o->updated_at = take_text(&f->fields[FIELD_UPDATED], at);
	o->external_id = take_text(&f->fields[FIELD_EXTERNAL], at);
	if (o->order_id != NULL && o->order_id[0] != '\0')
		env->norders++;
}

/* Make the record of what was noted. */
static enum envelope_rc
make_envelope(struct scan *s, struct envelope *ret_env)
{
	size_t orders = s->nfound * sizeof(struct store_order), texts;
	struct envelope env = { .norders = 0 };
	char *at;

	texts =
	    text_room(&s->head[HEAD_BRAND]) + text_room(&s->head[HEAD_BRANCH]);
	for (size_t i = 0; i < s->nfound; i++) {
		for (size_t k = 0; k < NFIELDS; k++)
			texts += text_room(&found_at(s, i)->fields[k]);
	}
	if ((env.memory = malloc(orders + texts)) == NULL)
		return (ENVELOPE_NOMEM);
	env.orders = env.memory;
	at = (char *)env.memory + orders;
	env.brand = take_text(&s->head[HEAD_BRAND], &at);
	env.branch = take_text(&s->head[HEAD_BRANCH], &at);
	for (size_t i = 0; i < s->nfound; i++)
		take_order(&env, found_at(s, i), &at);
	env.strays = s->norders - env.norders;
	*ret_env = env;
	return (ENVELOPE_OK);
}

enum envelope_rc
envelope_scan(const void *body, size_t body_len, struct envelope *ret_env)
{
	enum envelope_rc rc;
	struct scan s;

	memset(&s, 0, offsetof(struct scan, few));
	s.end = (const char *)body + body_len;
	s.rc = ENVELOPE_INVALID;
	s.many = NULL;
	s.beyond = (struct found){ 0 };
	if (!scan_body(&s, body))
		rc = s.rc;
	else if (s.norders > ENVELOPE_ORDERS_MAX)
		rc = ENVELOPE_TOO_MANY;
	else
		rc = make_envelope(&s, ret_env);
	free(s.many);
	return (rc);
}

void
envelope_fini(struct envelope *env)
{
	free(env->memory);
	memset(env, 0, sizeof(*env));
}
