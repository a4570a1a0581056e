#include "server/intake/header_sets.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/auth/signature.h"
#include "server/diagnosis/diagnosis_input.h"
#include "server/diagnosis/redact.h"
#include "server/http/route.h"

#define FIELDS_MAX 64 /* of a delivery; more are not looked at */
#define SETS_MAX 32   /* remembered */
#define NAMES_MAX 64  /* whose values are watched */
#define CHANGES 4     /* of a value, then it is of each delivery its own */
#define TEXT_MAX 4096
#define HOUR_US (INT64_C(3600) * 1000 * 1000)

enum what {
	SHARED,
	OWN,  /* differs in each */
	KNOWN /* the event has it in its row */
};

struct field {
	char *name;
	char *value; /* NULL unless it is SHARED */
	enum what what;
};

/* One that came lately. */
struct set {
	struct field *fields; /* one block, with their texts behind it */
	size_t n;
	int64_t number;
	char *text;
};

struct watched {
	char *name;
	unsigned changes;
};

struct header_sets {
	struct set sets[SETS_MAX];
	size_t recent; /* the last one that came */
	size_t next;   /* to be forgotten */
	struct watched names[NAMES_MAX];
	size_t nnames;
	int64_t hour_us; /* when this hour of taking began */
	unsigned taken;  /* in it */
};

/* -- Names -- */

static bool
is_known(const char *name)
{
	static const char *const names[] = { "x-klikit-event-id",
		"x-klikit-event-type", "x-klikit-signature", "content-length" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcasecmp(name, names[i]) == 0)
			return (true);
	return (false);
}

/* Does it differ in each delivery, as everybody uses that name? */
static bool
is_own(const char *name)
{
	static const char *const words[] = { "trace", "request-id", "-ray",
		"correlation", "x-b3-", "baggage", "idempotency", "log-id",
		"request-start" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasestr(name, words[i]) != NULL)
			return (true);
	return (strcasecmp(name, "date") == 0);
}

static enum what
what_is(const struct header_sets *hs, const char *name)
{
	if (is_known(name))
		return (KNOWN);
	if (is_own(name))
		return (OWN);
	for (size_t i = 0; i < hs->nnames; i++)
		if (hs->names[i].changes >= CHANGES &&
		    strcasecmp(hs->names[i].name, name) == 0)
			return (OWN);
	return (SHARED);
}

/* -- Sets that came lately -- */

static void
set_forget(struct set *s)
{
	free(s->fields);
	free(s->text);
	*s = (struct set){ 0 };
}

/* Has it these fields? By their names alone, or by what they share as well. */
static bool
set_is(const struct set *s, const struct http_field *fields, size_t n,
    bool values)
{
	if (s->fields == NULL || s->n != n)
		return (false);
	for (size_t i = 0; i < n; i++) {
		const struct field *f = &s->fields[i];

		if (strcmp(f->name, fields[i].name) != 0 ||
		    (values && f->value != NULL &&
			strcmp(f->value, fields[i].value) != 0))
			return (false);
	}
	return (true);
}

/* The last one first: mostly it is that. */
static struct set *
find(struct header_sets *hs, const struct http_field *fields, size_t n,
    bool values)
{
	for (size_t i = 0; i < SETS_MAX; i++) {
		size_t at = (hs->recent + i) % SETS_MAX;

		if (set_is(&hs->sets[at], fields, n, values)) {
			hs->recent = at;
			return (&hs->sets[at]);
		}
	}
	return (NULL);
}

/* The value of that field is another one than the last time. */
static bool
has_changed(struct header_sets *hs, const char *name)
{
	for (size_t i = 0; i < hs->nnames; i++)
		if (strcasecmp(hs->names[i].name, name) == 0)
			return (++hs->names[i].changes == CHANGES);
	if (hs->nnames < NAMES_MAX &&
	    (hs->names[hs->nnames].name = strdup(name)) != NULL)
		hs->names[hs->nnames++].changes = 1;
	return (false);
}

/* Learn from a delivery that is like one before but for some values. */
static void
learn(struct header_sets *hs, const struct http_field *fields, size_t n)
{
	const struct set *like = find(hs, fields, n, false);
	bool learned = false;

	for (size_t i = 0; like != NULL && i < n; i++)
		if (like->fields[i].value != NULL &&
		    strcmp(like->fields[i].value, fields[i].value) != 0 &&
		    has_changed(hs, fields[i].name))
			learned = true;
	/* They have it among what they share. */
	for (size_t i = 0; learned && i < SETS_MAX; i++)
		set_forget(&hs->sets[i]);
}

/* -- Texts -- */

/*
 * What the fields of a kind say, by the set that has them; only what every
 * store takes.
 */
static void
write_text(const struct set *s, const struct http_field *fields, enum what what,
    char *ret_text, size_t size)
{
	struct diagnosis_header some[FIELDS_MAX];
	size_t nsome = 0;

	for (size_t i = 0; i < s->n; i++)
		if (s->fields[i].what == what)
			some[nsome++] =
			    (struct diagnosis_header){ fields[i].name,
				    fields[i].value };
	redact_headers(some, nsome, ret_text, size);
	for (char *p = ret_text; *p != '\0'; p++)
		if (*p != '\n' && (*p < ' ' || *p > '~'))
			*p = '?';
}

/* A number that no other text has, as far as anybody can tell. */
static int64_t
number_of(const char *text)
{
	unsigned char digest[SIGNATURE_LEN];
	uint64_t number = 0;

	if (*text == '\0' || signature_sha256(text, strlen(text), digest) == -1)
		return (0);
	for (size_t i = 0; i < sizeof(number); i++)
		number = number << 8 | digest[i];
	number &= INT64_MAX;
	return (number == 0 ? 1 : (int64_t)number);
}

static char *
put(char **at, const char *text)
{
	size_t size = strlen(text) + 1;
	char *to = memcpy(*at, text, size);

	*at += size;
	return (to);
}

/* Copies of the fields. Returns 0, or -1. */
static int
set_fields(const struct header_sets *hs, struct set *s,
    const struct http_field *fields, size_t n)
{
	size_t size = n * sizeof(*s->fields) + 1;
	char *at;

	for (size_t i = 0; i < n; i++)
		size += strlen(fields[i].name) + strlen(fields[i].value) + 2;
	if ((s->fields = malloc(size)) == NULL)
		return (-1);
	s->n = n;
	at = (char *)(s->fields + n);
	for (size_t i = 0; i < n; i++) {
		struct field *f = &s->fields[i];

		f->what = what_is(hs, fields[i].name);
		f->name = put(&at, fields[i].name);
		f->value = f->what == SHARED ? put(&at, fields[i].value) : NULL;
	}
	return (0);
}

/* Remember a set, in place of the oldest. NULL: no memory, or too many. */
static const struct set *
take_new(struct header_sets *hs, const struct http_field *fields, size_t n,
    int64_t now_us)
{
	struct set *s = &hs->sets[hs->next];
	char text[TEXT_MAX];

	if (now_us - hs->hour_us >= HOUR_US) {
		hs->hour_us = now_us;
		hs->taken = 0;
	}
	if (hs->taken == HEADER_SETS_AN_HOUR)
		return (NULL);
	set_forget(s);
	if (set_fields(hs, s, fields, n) == -1)
		return (NULL);
	write_text(s, fields, SHARED, text, sizeof(text));
	s->number = number_of(text);
	if ((s->text = strdup(text)) == NULL) {
		set_forget(s);
		return (NULL);
	}
	hs->taken++;
	hs->recent = hs->next;
	hs->next = (hs->next + 1) % SETS_MAX;
	return (s);
}

static bool
has_own(const struct set *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->fields[i].what == OWN)
			return (true);
	return (false);
}

void
header_sets_take(struct header_sets *hs, const struct http_field *fields,
    size_t n, int64_t now_us, struct kept_headers *ret_kept)
{
	const struct set *s;

	ret_kept->set = 0;
	ret_kept->text = NULL;
	ret_kept->own[0] = '\0';
	if (hs == NULL)
		return;
	if (n > FIELDS_MAX)
		n = FIELDS_MAX;
	if ((s = find(hs, fields, n, true)) == NULL) {
		learn(hs, fields, n);
		s = take_new(hs, fields, n, now_us);
	}
	if (s == NULL)
		return;
	ret_kept->set = s->number;
	ret_kept->text = s->text;
	if (has_own(s))
		write_text(s, fields, OWN, ret_kept->own,
		    sizeof(ret_kept->own));
}

struct header_sets *
header_sets_new(void)
{
	return (calloc(1, sizeof(struct header_sets)));
}

void
header_sets_free(struct header_sets *hs)
{
	if (hs == NULL)
		return;
	for (size_t i = 0; i < SETS_MAX; i++)
		set_forget(&hs->sets[i]);
	for (size_t i = 0; i < hs->nnames; i++)
		free(hs->names[i].name);
	free(hs);
}
