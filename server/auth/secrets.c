#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/auth/secrets.h"
#include "store/base/hex.h"

#define REASON_MAX 256

struct secret {
	char *name;
	char *scope;
	struct signature_key *key;
	size_t len;
	int64_t valid_until_ms; /* 0: for ever */
	int64_t last_used_ms;   /* 0: not yet */
	char fingerprint[SECRETS_FINGERPRINT_LEN + 1];
};

struct secrets {
	struct secret list[SECRETS_MAX];
	size_t count;
};

struct secrets *
secrets_new(void)
{
	return (calloc(1, sizeof(struct secrets)));
}

/* Also for one that is only half made. */
static void
secret_fini(struct secret *s)
{
	free(s->name);
	free(s->scope);
	signature_key_free(s->key);
	memset(s, 0, sizeof(*s));
}

void
secrets_free(struct secrets *sec)
{
	if (sec == NULL)
		return;
	for (size_t i = 0; i < sec->count; i++)
		secret_fini(&sec->list[i]);
	free(sec);
}

/*
 * Name the secret without telling anything of it: a digest of a MAC that no
 * delivery carries. Returns 0, or -1.
 */
static int
secret_set_fingerprint(struct secret *s)
{
	static char label[] = "klikitd";
	const struct iovec seg = { .iov_base = label, .iov_len = 7 };
	unsigned char mac[SIGNATURE_LEN], digest[SIGNATURE_LEN];

	if (signature_mac(s->key, &seg, 1, mac) == -1 ||
	    signature_sha256(mac, sizeof(mac), digest) == -1)
		return (-1);
	hex_encode(digest, SECRETS_FINGERPRINT_LEN / 2, s->fingerprint);
	return (0);
}

int
secrets_add(struct secrets *sec, const char *name, const void *bytes,
    size_t len, int64_t valid_until_ms)
{
	struct secret *s;

	if (sec->count == SECRETS_MAX || len == 0)
		return (-1);
	s = &sec->list[sec->count];
	s->len = len;
	s->valid_until_ms = valid_until_ms;
	if ((s->name = strdup(name)) == NULL ||
	    (s->scope = strdup("")) == NULL ||
	    (s->key = signature_key_new(bytes, len)) == NULL ||
	    secret_set_fingerprint(s) == -1) {
		secret_fini(s);
		return (-1);
	}
	sec->count++;
	return (0);
}

int
secrets_set_scope(struct secrets *sec, const char *scope)
{
	struct secret *s = &sec->list[sec->count - 1];
	char *copy;

	if ((copy = strdup(scope)) == NULL)
		return (-1);
	free(s->scope);
	s->scope = copy;
	return (0);
}

size_t
secrets_count(const struct secrets *sec)
{
	return (sec->count);
}

size_t
secrets_count_of(const struct secrets *sec, secrets_some which)
{
	size_t n = 0;

	for (size_t i = 0; i < sec->count; i++)
		n += (which & (secrets_some)1 << i) != 0;
	return (n);
}

void
secrets_info(const struct secrets *sec, size_t i, struct secrets_info *ret_info)
{
	const struct secret *s = &sec->list[i];

	ret_info->name = s->name;
	ret_info->scope = s->scope;
	ret_info->len = s->len;
	ret_info->valid_until_ms = s->valid_until_ms;
	ret_info->last_used_ms = s->last_used_ms;
	memcpy(ret_info->fingerprint, s->fingerprint, sizeof(s->fingerprint));
}

void
secrets_used(struct secrets *sec, const char *name, int64_t at_ms)
{
	for (size_t i = 0; i < sec->count; i++) {
		struct secret *s = &sec->list[i];

		if (strcmp(s->name, name) == 0 && s->last_used_ms < at_ms)
			s->last_used_ms = at_ms;
	}
}

void
secrets_inherit(struct secrets *sec, const struct secrets *old)
{
	for (size_t i = 0; i < old->count; i++)
		secrets_used(sec, old->list[i].name, old->list[i].last_used_ms);
}

bool
secrets_verify(struct secrets *sec, secrets_some which,
    const struct secrets_claim *claim, struct secrets_match *ret_match)
{
	int64_t now_ms = claim->now_ms;
	unsigned char claimed[SIGNATURE_LEN], mac[SIGNATURE_LEN];
	bool well_formed;

	/* A malformed value is compared all the same: as long as a wrong one.
	 */
	well_formed = signature_parse(claim->value, claimed) == 0;
	for (size_t i = 0; i < sec->count; i++) {
		struct secret *s = &sec->list[i];

		if ((which & (secrets_some)1 << i) == 0 ||
		    (s->valid_until_ms != 0 && s->valid_until_ms < now_ms))
			continue;
		if (signature_mac(s->key, claim->segs, claim->nsegs, mac) == -1)
			continue;
		if (signature_equal(mac, claimed) && well_formed) {
			s->last_used_ms = now_ms;
			ret_match->name = s->name;
			ret_match->scope = s->scope;
			memcpy(ret_match->mac, mac, SIGNATURE_LEN);
			return (true);
		}
	}
	return (false);
}

int
secrets_mac(struct secrets *sec, size_t i, const struct iovec *segs,
    size_t nsegs, unsigned char ret_mac[SIGNATURE_LEN])
{
	return (signature_mac(sec->list[i].key, segs, nsegs, ret_mac));
}

/* -- Files -- */

/*
 * Read fd to its end, at most max bytes. Returns their number, or -1 with
 * errno set.
 */
static ssize_t
read_all(int fd, char *bytes, size_t max)
{
	size_t len = 0;
	ssize_t n;

	while (len < max) {
		n = read(fd, bytes + len, max - len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return (-1);
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return ((ssize_t)len);
}

int
secrets_read_file(const char *path, char **ret_bytes, size_t *ret_len,
    bool *ret_newline, char reason[REASON_MAX])
{
	const size_t max = SECRETS_FILE_MAX + 1; /* one more: it is too large */
	char *bytes = NULL;
	bool newline;
	ssize_t len;
	int fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1 ||
	    (bytes = malloc(max)) == NULL ||
	    (len = read_all(fd, bytes, max)) == -1) {
		snprintf(reason, REASON_MAX, "%s: %s", path, strerror(errno));
		goto fail;
	}
	if (len > SECRETS_FILE_MAX) {
		snprintf(reason, REASON_MAX, "%s: larger than %d bytes", path,
		    SECRETS_FILE_MAX);
		goto fail;
	}
	newline = len > 0 && bytes[len - 1] == '\n';
	len -= newline;
	if (len == 0) {
		snprintf(reason, REASON_MAX, "%s: the file is empty", path);
		goto fail;
	}
	close(fd);
	*ret_bytes = bytes;
	*ret_len = (size_t)len;
	*ret_newline = newline;
	return (0);
fail:
	if (bytes != NULL)
		explicit_bzero(bytes, max);
	free(bytes);
	if (fd != -1)
		close(fd);
	return (-1);
}
