#include "server/cli/verb_run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/cli/process_guard.h"
#include "server/cli/verb_help.h"
#include "server/cli/verb_read.h"

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
verb_run(const struct verb *const *table, const struct handler *const *types,
    int argc, char **argv)
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
		verb_print_list(table, stderr);
		return (VERB_USAGE);
	}
	if ((verb = verb_find(table, verb_name(argv[1]))) == NULL)
		return ((int)verb_unknown(table, argv[1]));
	switch (verb_read(verb, argc - 2, argv + 2, &args)) {
	case VERB_READ_OK:
		args.table = table;
		args.types = types;
		verb_find_config(&args);
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
