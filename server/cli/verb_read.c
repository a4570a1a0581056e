#include "server/cli/verb_read.h"

#include <stdlib.h>
#include <string.h>

#include "server/base/log.h"
#include "server/base/nearest.h"

/* Room for an argument's name: longer ones are unknown anyway. */
#define NAME_MAX_LEN 64

struct reading {
	struct verb_args *args;
	int argc; /* what is left */
	char **argv;
};

/* One argument, split: "--name=value" or "--name". */
struct argument {
	char name[NAME_MAX_LEN];
	const char *value; /* NULL: not in this argument */
};

static const struct verb_flag *
find_flag(const struct verb *verb, const char *name)
{
	for (const struct verb_flag *f = verb->flags;
	     f != NULL && f->name != NULL; f++) {
		if (strcmp(f->name, name) == 0)
			return (f);
	}
	return (NULL);
}

static enum verb_read_rc
unknown_flag(const struct verb_args *args, const char *text)
{
	const struct verb *verb = args->verb;
	size_t len = strcspn(text, "="), dashes = strspn(text, "-");
	char name[NAME_MAX_LEN] = "";
	const char *near = NULL;
	struct nearest n;

	if (len > dashes && len - dashes < sizeof(name))
		memcpy(name, text + dashes, len - dashes);
	nearest_init(&n, name);
	for (const struct verb_flag *f = verb->flags;
	     f != NULL && f->name != NULL; f++)
		nearest_offer(&n, f->name);
	nearest_offer(&n, "help");
	if (verb->config)
		nearest_offer(&n, "config");
	near = nearest_get(&n);
	if (near == NULL && verb->config) {
		near = config_nearest_flag(name);
	}
	/* What stands after = may be anything, even a secret. */
	log_escape(text, len, name, sizeof(name));
	(void)verb_usage(args, "%s: unknown flag%s%s%s", name,
	    near == NULL ? "" : "; did you mean --", near == NULL ? "" : near,
	    near == NULL ? "" : "?");
	return (VERB_READ_BAD);
}

/* The value of a flag: its own argument's, or the next argument. */
static const char *
take_value(struct reading *r, const struct argument *a, const char *called)
{
	if (a->value != NULL)
		return (a->value);
	if (r->argc == 0) {
		(void)verb_usage(r->args, "%s%s: needs a value: %s",
		    strlen(a->name) == 1 ? "-" : "--", a->name, called);
		return (NULL);
	}
	r->argc--;
	return (*r->argv++);
}

static enum verb_read_rc
read_own(struct reading *r, const struct argument *a,
    const struct verb_flag *flag)
{
	struct verb_given *given = (struct verb_given *)r->args->given;
	const char *value = "";

	if (!flag->repeats && verb_has(r->args, flag->name)) {
		(void)verb_usage(r->args, "--%s: given twice", flag->name);
		return (VERB_READ_BAD);
	}
	if (flag->value == NULL && a->value != NULL) {
		(void)verb_usage(r->args, "--%s: takes no value", flag->name);
		return (VERB_READ_BAD);
	}
	if (flag->value != NULL &&
	    (value = take_value(r, a, flag->value)) == NULL)
		return (VERB_READ_BAD);
	given[r->args->ngiven].flag = flag;
	given[r->args->ngiven].value = value;
	r->args->ngiven++;
	return (VERB_READ_OK);
}

static bool
is_config(const struct verb *verb, const char *name)
{
	return (verb->config &&
		(strcmp(name, "c") == 0 || strcmp(name, "config") == 0 ||
		    config_flag(name) != NULL));
}

/* -c and --section.key. */
static enum verb_read_rc
read_config(struct reading *r, const struct argument *a)
{
	struct verb_args *args = r->args;
	const char *value;

	if (strcmp(a->name, "c") == 0 || strcmp(a->name, "config") == 0) {
		if (args->config_path != NULL) {
			(void)verb_usage(args, "--config: given twice");
			return (VERB_READ_BAD);
		}
		args->config_path = take_value(r, a, "FILE");
		return (
		    args->config_path == NULL ? VERB_READ_BAD : VERB_READ_OK);
	}
	for (size_t i = 0; i < args->nconfig_flags; i++) {
		if (strcmp(args->config_flags[2 * i], a->name) == 0) {
			(void)verb_usage(args, "--%s: given twice", a->name);
			return (VERB_READ_BAD);
		}
	}
	if ((value = take_value(r, a, "see klikitd help config")) == NULL)
		return (VERB_READ_BAD);
	/* The key's own name: a->name does not live as long as args. */
	args->config_flags[2 * args->nconfig_flags] = config_flag(a->name);
	args->config_flags[2 * args->nconfig_flags + 1] = value;
	args->nconfig_flags++;
	return (VERB_READ_OK);
}

/* Split an argument that begins with a dash. Returns -1 if it is no flag. */
static int
split(const char *text, struct argument *ret_a)
{
	const char *name = text + (text[1] == '-' ? 2 : 1);
	size_t len = strcspn(name, "=");

	if (len == 0 || len >= sizeof(ret_a->name))
		return (-1);
	/* Of one dash there are only -c and -h. */
	if (text[1] != '-' && strcmp(text, "-c") != 0 &&
	    strcmp(text, "-h") != 0)
		return (-1);
	if (text[1] == '-' && len == 1)
		return (-1);
	memcpy(ret_a->name, name, len);
	ret_a->name[len] = '\0';
	ret_a->value = name[len] == '=' ? name + len + 1 : NULL;
	return (0);
}

static enum verb_read_rc
read_flag(struct reading *r, const char *text)
{
	const struct verb_flag *flag;
	struct argument a;

	if (split(text, &a) == -1)
		return (unknown_flag(r->args, text));
	if ((strcmp(a.name, "help") == 0 || strcmp(a.name, "h") == 0) &&
	    a.value == NULL)
		return (VERB_READ_HELP);
	if ((flag = find_flag(r->args->verb, a.name)) != NULL)
		return (read_own(r, &a, flag));
	if (is_config(r->args->verb, a.name))
		return (read_config(r, &a));
	return (unknown_flag(r->args, text));
}

enum verb_read_rc
verb_read(const struct verb *verb, int argc, char **argv,
    struct verb_args *ret_args)
{
	struct reading r = { ret_args, argc, argv };
	size_t most = (size_t)argc + 1;
	enum verb_read_rc rc;
	bool only_words = false;
	char *text;

	memset(ret_args, 0, sizeof(*ret_args));
	ret_args->verb = verb;
	ret_args->given = calloc(most, sizeof(*ret_args->given));
	ret_args->words = calloc(most, sizeof(*ret_args->words));
	ret_args->config_flags = calloc(2 * most, sizeof(char *));
	if (ret_args->given == NULL || ret_args->words == NULL ||
	    ret_args->config_flags == NULL) {
		(void)verb_usage(ret_args, "out of memory");
		return (VERB_READ_BAD);
	}
	while (r.argc > 0) {
		text = *r.argv++;
		r.argc--;
		if (only_words || text[0] != '-' || text[1] == '\0') {
			ret_args->words[ret_args->nwords++] = text;
			continue;
		}
		if (strcmp(text, "--") == 0) {
			only_words = true;
			continue;
		}
		if ((rc = read_flag(&r, text)) != VERB_READ_OK)
			return (rc);
	}
	if (ret_args->nwords > verb->words_max) {
		(void)verb_usage(ret_args, "\"%s\": one word too many",
		    log_text(ret_args->words[verb->words_max]));
		return (VERB_READ_BAD);
	}
	if (ret_args->nwords < verb->words_min) {
		(void)verb_usage(ret_args, "needs %s", verb->words);
		return (VERB_READ_BAD);
	}
	return (VERB_READ_OK);
}

void
verb_args_fini(struct verb_args *args)
{
	free((void *)args->given);
	free(args->words);
	free(args->config_flags);
	memset(args, 0, sizeof(*args));
}
