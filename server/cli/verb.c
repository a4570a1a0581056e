#include "server/cli/verb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/base/log.h"
#include "server/base/nearest.h"
#include "server/cli/process_guard.h"
#include "store/base/parse.h"

const struct verb *
verb_find(const struct verb *const *table, const char *name)
{
	for (; *table != NULL; table++) {
		if (strcmp((*table)->name, name) == 0)
			return (*table);
	}
	return (NULL);
}

enum verb_exit
verb_unknown(const struct verb *const *table, const char *name)
{
	struct nearest n;

	nearest_init(&n, name);
	for (; *table != NULL; table++)
		nearest_offer(&n, (*table)->name);
	fprintf(stderr, "klikitd: %s: unknown verb%s\n", log_text(name),
	    nearest_hint(&n, "", ""));
	fprintf(stderr, "Try: klikitd help\n");
	return (VERB_USAGE);
}

const char *
verb_flag(const struct verb_args *args, const char *name, size_t i)
{
	for (size_t j = 0; j < args->ngiven; j++) {
		if (strcmp(args->given[j].flag->name, name) == 0 && i-- == 0)
			return (args->given[j].value);
	}
	return (NULL);
}

bool
verb_has(const struct verb_args *args, const char *name)
{
	return (verb_flag(args, name, 0) != NULL);
}

int
verb_int(const struct verb_args *args, const char *name, long long min,
    long long max, long long *inout_value)
{
	const char *text = verb_flag(args, name, 0);
	int64_t value;

	if (text == NULL)
		return (0);
	if (parse_int(text, min, max, &value) == -1) {
		(void)verb_usage(args,
		    "--%s: \"%s\" is not a number from %lld to %lld", name,
		    log_text(text), min, max);
		return (-1);
	}
	*inout_value = value;
	return (0);
}

enum verb_exit
verb_usage(const struct verb_args *args, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "klikitd %s: ", args->verb->name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nTry: klikitd %s --help\n", args->verb->name);
	return (VERB_USAGE);
}

/* config_error_fn */
static void
tell_cb(const char *line, void *arg)
{
	(void)arg;
	fprintf(stderr, "%s\n", line);
}

struct config_source
verb_config_source(const struct verb_args *args, enum config_need need,
    bool dev)
{
	return ((struct config_source){
	    .types = args->types,
	    .path = args->config_path,
	    .env = process_environment(),
	    .flags = args->config_flags,
	    .nflags = args->nconfig_flags,
	    .need = need,
	    .dev = dev,
	});
}

struct config *
verb_config(const struct verb_args *args, enum config_need need, bool dev)
{
	struct config_source src = verb_config_source(args, need, dev);

	return (verb_config_load(&src));
}

struct config *
verb_config_serve(const struct config_source *src)
{
	return (config_load(src, tell_cb, NULL));
}

struct config *
verb_config_load(const struct config_source *src)
{
	struct config *cfg = verb_config_serve(src);

	for (size_t i = 0; cfg != NULL && i < cfg->warnings.n; i++)
		fprintf(stderr, "warning: %s\n", cfg->warnings.items[i]);
	return (cfg);
}
