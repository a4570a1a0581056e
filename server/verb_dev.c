#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/http.h"
#include "server/server.h"
#include "server/signature.h"
#include "server/verb.h"
#include "store/base/hex.h"

/* Random bytes of the secret that dev makes. */
#define DEV_SECRET_BYTES 24

/*
 * Write a new random secret to path, so that nobody ever sees half a file.
 * Returns 0, also if somebody else was faster; or -1 with errno.
 */
static int
secret_make(const char *path)
{
	unsigned char bytes[DEV_SECRET_BYTES];
	char text[2 * DEV_SECRET_BYTES + 1];
	char tmp[PATH_MAX];
	int fd = -1;
	int rc = -1;

	if (snprintf(tmp, sizeof(tmp), "%s.%ld", path, (long)getpid()) >=
	    (int)sizeof(tmp)) {
		errno = ENAMETOOLONG;
		return (-1);
	}
	if (signature_random(bytes, sizeof(bytes)) == -1) {
		errno = EIO;
		return (-1);
	}
	hex_encode(bytes, sizeof(bytes), text);
	if ((fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) ==
	    -1)
		return (-1);
	if (write(fd, text, strlen(text)) == (ssize_t)strlen(text) &&
	    fsync(fd) == 0 && (link(tmp, path) == 0 || errno == EEXIST))
		rc = 0;
	(void)close(fd);
	(void)unlink(tmp);
	return (rc);
}

/* Make dev's directory and its secret, unless they are there. */
static int
dev_prepare(const struct verb_args *args)
{
	char *dir;
	char path[PATH_MAX];
	int rc = -1;

	if ((dir = config_dev_dir((const char *const *)environ)) == NULL)
		return (-1);
	if (mkdir(dir, 0700) == -1 && errno != EEXIST) {
		(void)fprintf(stderr,
		    "klikitd %s: cannot make the directory %s: %s\n",
		    args->verb->name, dir, strerror(errno));
		goto out;
	}
	if (snprintf(path, sizeof(path), "%s/%s", dir, CONFIG_DEV_SECRET) >=
	    (int)sizeof(path)) {
		(void)fprintf(stderr, "klikitd %s: %s: path too long\n",
		    args->verb->name, dir);
		goto out;
	}
	if (access(path, F_OK) == -1 && secret_make(path) == -1) {
		(void)fprintf(stderr,
		    "klikitd %s: cannot write a secret to %s: %s\n",
		    args->verb->name, path, strerror(errno));
		goto out;
	}
	rc = 0;
out:
	free(dir);
	return (rc);
}

/* Print a word so that a shell reads it as it is. */
static void
print_word(const char *word)
{
	(void)putchar('\'');
	for (; *word != '\0'; word++) {
		if (*word == '\'')
			(void)printf("'\\''");
		else
			(void)putchar(*word);
	}
	(void)putchar('\'');
}

/* server_options: tell the developer what to do now. */
static void
dev_ready(const char *url, const struct config *cfg)
{
	char program[PATH_MAX];
	const char *source = cfg->secrets[0].source;
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);

	if (n <= 0)
		(void)strcpy(program, "klikitd");
	else
		program[n] = '\0';
	(void)printf("\n"
		     "klikitd dev receives klikit's deliveries at\n"
		     "    %s" HTTP_WEBHOOK_PATH "\n"
		     "and keeps them in\n"
		     "    %s\n"
		     "The secret that signs them is in\n"
		     "    %s\n"
		     "Send one, from another terminal:\n    ",
	    url, cfg->store_url + strcspn(cfg->store_url, ":") + 1, source);
	/* As --dev does, but from any directory. */
	if (source[0] == '/') {
		(void)printf("KLIKIT_WEBHOOK_SECRET_FILE=");
		print_word(source);
		(void)putchar(' ');
	}
	print_word(program);
	(void)printf(" trigger created --to %s" HTTP_WEBHOOK_PATH "\n"
		     "Stop with Ctrl-C.\n\n",
	    url);
	(void)fflush(stdout);
}

static enum verb_exit
verb_dev_run(const struct verb_args *args)
{
	const struct config_source source =
	    verb_config_source(args, CONFIG_SERVER, true);
	struct server_options opt = { .source = &source,
		.dev = true,
		.ready = dev_ready };

	if (dev_prepare(args) == -1)
		return (VERB_FAILED);
	if ((opt.cfg = verb_config(args, CONFIG_SERVER, true)) == NULL)
		return (VERB_FAILED);
	return (server_run(&opt) == 0 ? VERB_DONE : VERB_FAILED);
}

static const struct verb_flag flags[] = {
	{ "forward-to", "URL",
	    "POST each event to URL as well, and show the answers", false },
	{ 0 },
};

const struct verb verb_dev = {
	.name = "dev",
	.words = "",
	.text =
	    "Serve on this machine only, with a store and secret of its own",
	.more =
	    "Listens on 127.0.0.1:8080 (PORT or --http.listen change the port, "
	    "not\n"
	    "the address). Store and secret live in $STATE_DIRECTORY, else in\n"
	    "./.klikitd; the secret is made at the first start, unless\n"
	    "KLIKIT_WEBHOOK_SECRET gives one. One line per event on stderr.\n"
	    "\n"
	    "--forward-to is for a program under development: it gets the raw "
	    "body with\n"
	    "klikit's own headers, also for an order that it had before.\n",
	.flags = flags,
	.words_max = 0,
	.config = true,
	.run = verb_dev_run,
};
