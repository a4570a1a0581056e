#include "server/cli/verb_ask.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/base/when.h"
#include "store/base/parse.h"

#define ANSWER_MAX 64

const char *
verb_user(const struct verb_args *args)
{
	static const char *const names[] = { "SUDO_USER", "LOGNAME", "USER" };
	const char *name;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if ((name = getenv(names[i])) != NULL && *name != '\0')
			return (name);
	}
	return (getuid() == 0 ? "root" : args->verb->name);
}

bool
verb_asks(const struct verb_args *args)
{
	return (!verb_has(args, "yes") && isatty(STDIN_FILENO) &&
		isatty(STDERR_FILENO));
}

bool
verb_ask(const struct verb_args *args, const char *fmt, ...)
{
	char answer[ANSWER_MAX];
	va_list ap;

	if (!verb_asks(args))
		return (true);
	verb_flush(); /* what is asked about stands above */
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "? [y/N] ");
	if (fgets(answer, sizeof(answer), stdin) == NULL) {
		answer[0] = '\0';
		fputc('\n', stderr);
	}
	answer[strcspn(answer, "\n")] = '\0';
	if (strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0)
		return (true);
	fprintf(stderr, "klikitd %s: nothing was changed\n", args->verb->name);
	return (false);
}

char *
verb_span(const struct verb_args *args, const char *oldest, const char *newest,
    char ret_text[VERB_SPAN_MAX])
{
	bool utc = verb_has(args, "utc");
	char from[WHEN_MAX], to[WHEN_MAX];
	int64_t oldest_ms, newest_ms;

	ret_text[0] = '\0';
	if (parse_time(oldest, strlen(oldest), &oldest_ms) == -1 ||
	    parse_time(newest, strlen(newest), &newest_ms) == -1)
		return (ret_text);
	(void)when_format(oldest_ms, utc, WHEN_SECONDS, from);
	(void)when_format(newest_ms, utc, WHEN_SECONDS, to);
	if (strcmp(from, to) == 0)
		(void)snprintf(ret_text, VERB_SPAN_MAX, " (of %s)", from);
	else
		(void)snprintf(ret_text, VERB_SPAN_MAX,
		    " (the oldest of %s, the newest of %s)", from, to);
	return (ret_text);
}
