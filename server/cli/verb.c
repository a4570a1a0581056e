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
#include "server/cli/verb_table.h"
#include "store/base/parse.h"

static const struct verb *const verbs[] = {
	&verb_serve,
	&verb_dev,
	&verb_trigger,
	&verb_sink,
	&verb_events,
	&verb_orders,
	&verb_rejections,
	&verb_jobs,
	&verb_handlers,
	&verb_replay,
	&verb_retry,
	&verb_discard,
	&verb_pause,
	&verb_resume,
	&verb_purge,
	&verb_backup,
	&verb_restore,
	&verb_sign,
	&verb_verify,
	&verb_check_config,
	&verb_doctor,
	&verb_version,
	&verb_help,
};

const struct verb *
verb_at(size_t i)
{
	return (i < sizeof(verbs) / sizeof(verbs[0]) ? verbs[i] : NULL);
}

const struct verb *
verb_find(const char *name)
{
	const struct verb *verb;

	for (size_t i = 0; (verb = verb_at(i)) != NULL; i++) {
		if (strcmp(verb->name, name) == 0)
			return (verb);
	}
	return (NULL);
}

enum verb_exit
verb_unknown(const char *name)
{
	const struct verb *verb;
	struct nearest n;
	const char *near;

	nearest_init(&n, name);
	for (size_t i = 0; (verb = verb_at(i)) != NULL; i++)
		nearest_offer(&n, verb->name);
	near = nearest_get(&n);
	fprintf(stderr, "klikitd: %s: unknown verb%s%s%s\n", log_text(name),
	    near == NULL ? "" : "; did you mean ", near == NULL ? "" : near,
	    near == NULL ? "" : "?");
	fprintf(stderr, "Try: klikitd help\n");
	return (VERB_USAGE);
}

/* --help, -h and --version stand for the verbs of that name. */
static const char *
verb_name(const char *word)
{
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		return ("help");
	if (strcmp(word, "--version") == 0)
		return ("version");
	return (word);
}

/*
 * A file or a socket that we open must not become the standard output, nor
 * must its absence go unnoticed: it is one that cannot be written.
 */
static void
hold_standard_files(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) != -1 || errno != EBADF)
			continue;
		if (open("/dev/null",
			fd == STDERR_FILENO ? O_WRONLY : O_RDONLY) == -1)
			return;
	}
}

/* Why the standard output could not be written; 0: it could. */
static int output_errno;

void
verb_flush(void)
{
	errno = EIO;
	if (fflush(stdout) == EOF && output_errno == 0)
		output_errno = errno;
}

/*
 * A full disk must not look like success. A reader that has seen enough, as
 * head does, needs no message.
 */
static enum verb_exit
close_output(const char *name, enum verb_exit rc)
{
	verb_flush();
	if (ferror(stdout) && output_errno == 0)
		output_errno = EIO;
	if (fclose(stdout) == EOF && output_errno == 0)
		output_errno = errno;
	if (output_errno == 0)
		return (rc);
	if (output_errno != EPIPE)
		fprintf(stderr,
		    "klikitd %s: cannot write to the standard output: %s\n",
		    name, strerror(output_errno));
	return (rc == VERB_DONE ? VERB_FAILED : rc);
}

int
verb_main(int argc, char **argv)
{
	const struct verb *verb;
	struct verb_args args;
	enum verb_exit rc = VERB_USAGE;

	hold_standard_files();
	if (process_guard_environment() == -1) {
		fprintf(stderr, "klikitd: out of memory\n");
		return (VERB_FAILED);
	}
	if (argc < 2) {
		verb_print_list(stderr);
		return (VERB_USAGE);
	}
	if ((verb = verb_find(verb_name(argv[1]))) == NULL)
		return ((int)verb_unknown(argv[1]));
	switch (verb_read(verb, argc - 2, argv + 2, &args)) {
	case VERB_READ_OK:
		rc = verb->run(&args);
		break;
	case VERB_READ_HELP:
		verb_print_help(verb, stdout);
		rc = VERB_DONE;
		break;
	case VERB_READ_BAD:
		break;
	}
	verb_args_fini(&args);
	return ((int)close_output(verb->name, rc));
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
	    .path = args->config_path,
	    .env = process_environment(),
	    .flags = args->config_flags,
	    .nflags = args->nconfig_flags,
	    .need = need,
	    .dev = dev,
	    .forward_to = dev ? verb_flag(args, "forward-to", 0) : NULL,
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
