/*
 * The configuration file: its sections and keys against the table.
 */
#include "server/config/config_draft.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/auth/secrets.h"
#include "server/base/log.h"
#include "server/base/nearest.h"
#include "server/config/config_ini.h"
#include "server/config/config_named.h"

#define FILE_MAX (1024 * 1024)
#define KNOWN_MAX 256

static const struct section {
	const char *name;
	const struct config_kind *kind; /* NULL: there is one, without name */
} sections[] = {
	{ "http", NULL },
	{ "klikit", NULL },
	{ "tls", NULL },
	{ "store", NULL },
	{ "admin", NULL },
	{ "log", NULL },
	{ "retention", NULL },
	{ "alert", NULL },
	{ "backup", NULL },
	{ "probe", NULL },
	{ "reconcile", NULL },
	{ "process", NULL },
	{ "status", NULL },
	{ "secret", &config_secrets },
	{ "endpoint", &config_endpoints },
	{ "upstream", &config_upstreams },
	{ "handler", &config_handlers },
};

#define NSECTIONS (sizeof(sections) / sizeof(sections[0]))

static const struct section *
find_section(const char *name)
{
	for (size_t i = 0; i < NSECTIONS; i++) {
		if (strcmp(sections[i].name, name) == 0)
			return (&sections[i]);
	}
	return (NULL);
}

/* An error on the line of k. */
static void __attribute__((format(printf, 3, 4)))
line_error(struct config_draft *d, const struct config_ini_key *k,
    const char *fmt, ...)
{
	char text[KEY_REASON_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	config_draft_error(d, "%s:%u: %s", d->src->path, k->line, text);
}

static void
unknown_section(struct config_draft *d, const struct config_ini_key *k)
{
	struct nearest n;

	nearest_init(&n, k->section);
	for (size_t i = 0; i < NSECTIONS; i++)
		nearest_offer(&n, sections[i].name);
	line_error(d, k, "[%s]: unknown section%s", log_text(k->section),
	    nearest_hint(&n, "[", "]"));
}

/* The type of the handler of that section; NULL: it names none. */
static const struct config_typed *
find_typed(const struct config_draft *d, unsigned section)
{
	for (size_t i = 0; i < d->ntyped; i++) {
		if (d->typed[i].section == section)
			return (&d->typed[i]);
	}
	return (NULL);
}

/* Whether its type is known is seen before its keys are read. */
static bool
add_handler(struct config_draft *d, const struct config_ini_key *k)
{
	const struct config_typed *typed = find_typed(d, k->line);

	return (config_named_handler(d, k->name, k->line,
		    typed == NULL ? NULL : typed->type) != NULL);
}

/* The name "default" is the global secret's, and a place is left for it. */
static bool
add_secret(struct config_draft *d, const struct config_ini_key *k)
{
	if (strcmp(k->name, "default") == 0)
		line_error(d, k,
		    "[secret default]: this name is that of "
		    "klikit.secret_file; choose another");
	else if (d->cfg->nsecrets == SECRETS_MAX - 1)
		line_error(d, k, "[secret %s]: more than %d secrets", k->name,
		    SECRETS_MAX);
	else
		return (config_named_add(d, d->kind, k->name, k->line) != NULL);
	return (false);
}

/* [KIND NAME]: every name once. Returns whether there is one now. */
static bool
begin_named(struct config_draft *d, const struct config_ini_key *k)
{
	const struct config_kind *kind = d->kind;
	const void *other = config_named_find(d->cfg, kind, k->name);

	if (k->name[0] == '\0')
		line_error(d, k, "[%s]: needs a name: [%s NAME]", k->section,
		    k->section);
	else if (other != NULL)
		line_error(d, k, "[%s %s]: there is one already on line %u",
		    k->section, k->name, config_named_line(kind, other));
	else if (kind->name_max != 0 && strlen(k->name) > kind->name_max)
		line_error(d, k, "[%s %s]: a name has at most %zu characters",
		    k->section, k->name, kind->name_max);
	else if (kind == &config_handlers)
		return (add_handler(d, k));
	else if (kind == &config_secrets)
		return (add_secret(d, k));
	else
		return (config_named_add(d, kind, k->name, k->line) != NULL);
	return (false);
}

static void
begin_section(struct config_draft *d, const struct config_ini_key *k)
{
	const struct section *section = find_section(k->section);

	d->skip = true;
	if (section == NULL) {
		unknown_section(d, k);
		return;
	}
	d->kind = section->kind;
	d->section = d->kind == NULL ? 0 : k->line;
	if (d->kind != NULL)
		d->skip = !begin_named(d, k);
	else if (k->name[0] == '\0')
		d->skip = false;
	else
		line_error(d, k, "[%s %s]: this section takes no name",
		    k->section, k->name);
}

/* The value is never repeated: it may well be the secret. */
static bool
report_misplaced_secret(struct config_draft *d, const struct config_ini_key *k)
{
	static const char *const names[] = { "secret", "webhook_secret",
		"webhook_secret_key", "value", "key", "bytes" };
	bool global = strcmp(k->section, "klikit") == 0;

	if (!global && strcmp(k->section, "secret") != 0)
		return (false);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(k->key, names[i]) != 0)
			continue;
		line_error(d, k,
		    "%s.%s: a secret does not stand in this file; put "
		    "it into a file of its own and name that by %s%s",
		    k->section, k->key, global ? "secret_file" : "file",
		    global ? ", or set KLIKIT_WEBHOOK_SECRET" : "");
		return (true);
	}
	return (false);
}

/* A key of the present section, and the struct that it is set in. */
static const struct key *
find_key(const struct config_draft *d, const struct config_ini_key *k,
    void **ret_base)
{
	struct config_handler *h;
	const struct key *key;
	bool own;

	if (d->kind == NULL) {
		*ret_base = d->cfg;
		return (
		    config_key_find(config_global_keys, k->section, k->key));
	}
	*ret_base = config_named_last(d->cfg, d->kind);
	if (d->kind != &config_handlers)
		return (config_key_find(d->kind->keys, k->section, k->key));
	h = *ret_base;
	key = config_handler_key(h->type, k->key, &own);
	if (own)
		*ret_base = h->settings;
	return (key);
}

/*
 * Is that a key of any type? If so, and the type of the handler that is being
 * read is known, reports that it is none of that.
 */
static bool
other_types_key(struct config_draft *d, const struct config_ini_key *k)
{
	const struct config_handler *h = config_named_last(d->cfg, d->kind);
	bool known = false, own;

	for (size_t i = 0; d->src->types[i] != NULL && !known; i++)
		known =
		    config_handler_key(d->src->types[i], k->key, &own) != NULL;
	if (known && h->type != NULL)
		line_error(d, k,
		    "handler.%s: is no key of a handler of type %s", k->key,
		    h->type->type);
	return (known);
}

static void
no_type(struct config_draft *d, const char *where, const char *name)
{
	const struct handler *const *types = d->src->types;
	const char *left_out = handler_left_out(name);
	char known[KNOWN_MAX] = "";
	size_t at = 0;

	if (left_out != NULL) {
		config_draft_error(d, "%sno type \"%s\": %s", where,
		    log_text(name), left_out);
		return;
	}
	for (size_t i = 0; types[i] != NULL && at < sizeof(known); i++)
		at += (size_t)snprintf(known + at, sizeof(known) - at, "%s%s",
		    i == 0 ? "" : ", ", types[i]->type);
	config_draft_error(d, "%sno type \"%s\"; there is: %s", where,
	    log_text(name), known);
}

static void
no_key(struct config_draft *d, const struct config_ini_key *k)
{
	const struct config_typed *typed = find_typed(d, d->section);

	/* Which keys that type has this build does not know. */
	if (typed != NULL && typed->left_out)
		return;
	if (d->kind == &config_handlers && other_types_key(d, k))
		return;
	if (!report_misplaced_secret(d, k))
		config_unknown_key(d, k->section, k->key, k->line);
}

static void
set_key(struct config_draft *d, const struct config_ini_key *k)
{
	const struct config_given *before;
	const struct key *key;
	char where[CONFIG_WHERE_MAX];
	void *base;

	if ((key = find_key(d, k, &base)) == NULL) {
		no_key(d, k);
		return;
	}
	(void)snprintf(where, sizeof(where), "%s:%u: %s: ", d->src->path,
	    k->line, key->name);
	before = config_given_find(d, d->section, key->name);
	if (before != NULL && before->line != 0) {
		config_draft_error(d, "%sgiven twice", where);
		return;
	}
	config_given_add(d,
	    &(struct config_given){ d->section, key, k->line, where });
	if (!k->quoted && config_comment_check(d, key, where, k->value) == -1)
		return;
	config_draft_set(d, key, base, where, k->value);
	if (strcmp(key->name, "handler.type") == 0 &&
	    handler_find(d->src->types, k->value) == NULL)
		no_type(d, where, k->value);
}

/* config_ini_fn: one section line or key of the file. */
static int
config_file_cb(const struct config_ini_key *k, void *arg)
{
	struct config_draft *d = arg;

	if (k->key == NULL)
		begin_section(d, k);
	else if (k->section[0] == '\0')
		line_error(d, k, "%s: stands before any [section]",
		    log_text(k->key));
	else if (!d->skip)
		set_key(d, k);
	return (0);
}

/*
 * config_ini_fn: the types of handlers, wherever in its section the key stands:
 * which others it may have depends on that.
 */
static int
config_types_cb(const struct config_ini_key *k, void *arg)
{
	struct config_draft *d = arg;
	struct config_typed *grown;

	if (k->key == NULL)
		d->section = k->line;
	if (k->key == NULL || strcmp(k->section, "handler") != 0 ||
	    strcmp(k->key, "type") != 0 ||
	    (d->ntyped > 0 && d->typed[d->ntyped - 1].section == d->section))
		return (0);
	grown = realloc(d->typed, (d->ntyped + 1) * sizeof(*grown));
	if (grown == NULL) {
		config_draft_error(d, "out of memory");
		return (-1);
	}
	d->typed = grown;
	grown[d->ntyped++] = (struct config_typed){ d->section,
		handler_find(d->src->types, k->value),
		handler_left_out(k->value) != NULL };
	return (0);
}

/* The whole file; owned by the caller. NULL, with errno, on failure. */
static char *
read_whole(const char *path, size_t *ret_len)
{
	char *text = NULL;
	size_t len = 0;
	FILE *in;
	int error;

	if ((in = fopen(path, "re")) == NULL)
		return (NULL);
	(void)setvbuf(in, NULL, _IONBF, 0); /* no copy but ours */
	if ((text = malloc(FILE_MAX + 1)) != NULL)
		len = fread(text, 1, FILE_MAX + 1, in);
	error = errno;
	if (text == NULL || ferror(in) || len > FILE_MAX) {
		if (len > FILE_MAX)
			error = EFBIG;
		if (text != NULL)
			explicit_bzero(text, len);
		free(text);
		text = NULL;
	}
	(void)fclose(in);
	errno = error;
	*ret_len = len;
	return (text);
}

void
config_file_read(struct config_draft *d)
{
	const char *path = d->src->path, *error;
	unsigned line;
	size_t len;
	char *text;

	if ((text = read_whole(path, &len)) == NULL) {
		config_draft_error(d, "%s: cannot be read: %s", path,
		    strerror(errno));
		return;
	}
	(void)config_ini_read(text, len, config_types_cb, d, &error, &line);
	if (config_ini_read(text, len, config_file_cb, d, &error, &line) == -1)
		config_draft_error(d, "%s:%u: %s", path, line, error);
	explicit_bzero(text, len); /* a header may hold a token */
	free(text);
}
