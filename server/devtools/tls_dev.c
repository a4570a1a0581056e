#include "server/devtools/tls_dev.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mbedtls/error.h>

#include "server/base/log.h"
#include "server/tls/tls_judge.h"
#include "server/tls/tls_write.h"

#define DAY_MS INT64_C(86400000)

/* One run of tls_dev_make(). */
struct dev {
	const char *dir;
	int64_t now_ms;
	char *reason;
	struct tls_pair *ca;
};

static int
dev_fail(struct dev *dev, const char *path, const char *why)
{
	(void)snprintf(dev->reason, TLS_DEV_REASON_MAX, "%s: %s",
	    log_text(path), why);
	return (-1);
}

static int
dev_path(struct dev *dev, const char *name, char ret_path[PATH_MAX])
{
	if (snprintf(ret_path, PATH_MAX, "%s/%s", dev->dir, name) < PATH_MAX)
		return (0);
	return (dev_fail(dev, dev->dir, "path too long"));
}

/* tls_found_fn: the first thing that is wrong. */
static void
dev_tell_cb(enum tls_level level, enum tls_part part, const char *text,
    void *arg)
{
	struct dev *dev = arg;

	(void)part;
	if (level == TLS_BAD && dev->reason[0] == '\0')
		(void)snprintf(dev->reason, TLS_DEV_REASON_MAX, "%s", text);
}

/* The pair of one file; NULL, with a reason, if it cannot be used. */
static struct tls_pair *
dev_load(struct dev *dev, const char *path, enum tls_use use)
{
	const struct tls_pair_files files = { path, path, use };

	dev->reason[0] = '\0';
	return (tls_pair_load(&files, dev->now_ms, dev_tell_cb, dev));
}

/* -- Files -- */

static int
write_all(int fd, const char *text)
{
	size_t len = strlen(text);
	ssize_t n;

	while (len > 0) {
		if ((n = write(fd, text, len)) == -1) {
			if (errno == EINTR)
				continue;
			return (-1);
		}
		text += n;
		len -= (size_t)n;
	}
	return (0);
}

/*
 * Put text into a file, so that it is there whole or as it was before. Without
 * replace one that is there already stays, which is no failure.
 */
static int
dev_write(struct dev *dev, const char *path, const char *text, mode_t mode,
    bool replace)
{
	char tmp[PATH_MAX];
	int fd = -1, rc = -1;

	if (snprintf(tmp, sizeof(tmp), "%s.%ld", path, (long)getpid()) >=
	    PATH_MAX)
		return (dev_fail(dev, path, "path too long"));
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
	    mode);
	if (fd != -1 && fchmod(fd, mode) == 0 && write_all(fd, text) == 0 &&
	    fsync(fd) == 0 &&
	    (replace ? rename(tmp, path) == 0
		     : link(tmp, path) == 0 || errno == EEXIST))
		rc = 0;
	if (rc == -1)
		(void)dev_fail(dev, path, strerror(errno));
	if (fd != -1)
		(void)close(fd);
	(void)unlink(tmp);
	return (rc);
}

/* -- What is made -- */

/*
 * Write a pair made by tls_write_pair() to one file. An issuer, if there is
 * one, signs it; else it is a CA.
 */
static int
dev_make_pair(struct dev *dev, const char *path, struct tls_pair *issuer)
{
	const struct tls_write w = {
		.issuer = issuer,
		.from_ms = dev->now_ms - DAY_MS,
		.until_ms =
		    dev->now_ms + (issuer == NULL ? TLS_DEV_CA_DAYS
						  : TLS_DEV_SERVER_DAYS - 1) *
				      DAY_MS,
	};
	char text[TLS_WRITE_MAX], why[128];
	int rc;

	if ((rc = tls_write_pair(&w, text)) != 0) {
		mbedtls_strerror(rc, why, sizeof(why));
		return (dev_fail(dev, path, why));
	}
	rc = dev_write(dev, path, text, 0600, issuer != NULL);
	explicit_bzero(text, sizeof(text));
	return (rc);
}

static bool
ends_soon(const struct dev *dev, const struct tls_pair *pair)
{
	struct tls_pair_info info;

	tls_pair_info(pair, &info);
	return (info.until_ms < dev->now_ms + TLS_DEV_RENEW_DAYS * DAY_MS ||
		info.from_ms > dev->now_ms);
}

/* Load the CA into dev->ca; make it first if it is not there. */
static int
dev_ca(struct dev *dev)
{
	char path[PATH_MAX], text[TLS_WRITE_MAX];

	if (dev_path(dev, TLS_DEV_CA_KEY, path) == -1)
		return (-1);
	if (access(path, F_OK) == -1 && dev_make_pair(dev, path, NULL) == -1)
		return (-1);
	if ((dev->ca = dev_load(dev, path, TLS_USE_CLIENT)) == NULL)
		return (-1);
	if (ends_soon(dev, dev->ca)) {
		(void)dev_fail(dev, path,
		    "the CA is not valid for long enough by this machine's "
		    "clock: if that is right remove the file, and a new CA is "
		    "made");
		return (-1);
	}
	/* Its certificate alone is what clients are given. */
	if (tls_write_certificate(dev->ca, text) != 0)
		return (dev_fail(dev, path, "out of memory"));
	if (dev_path(dev, TLS_DEV_CA, path) == -1)
		return (-1);
	return (dev_write(dev, path, text, 0644, true));
}

/* The server's pair, unless one from this CA is there for long enough. */
static int
dev_server(struct dev *dev)
{
	char path[PATH_MAX];
	struct tls_pair *pair = NULL;
	bool good;

	if (dev_path(dev, TLS_DEV_SERVER, path) == -1)
		return (-1);
	if (access(path, F_OK) == 0)
		pair = dev_load(dev, path, TLS_USE_SERVER);
	good = pair != NULL && !ends_soon(dev, pair) &&
	       tls_judge_signed(tls_pair_chain(pair), tls_pair_chain(dev->ca));
	tls_pair_free(pair);
	return (good ? 0 : dev_make_pair(dev, path, dev->ca));
}

int
tls_dev_make(const char *dir, int64_t now_ms, char reason[TLS_DEV_REASON_MAX])
{
	struct dev dev = { .dir = dir, .now_ms = now_ms, .reason = reason };
	int rc = -1;

	if (dev_ca(&dev) == 0)
		rc = dev_server(&dev);
	tls_pair_free(dev.ca);
	return (rc);
}
