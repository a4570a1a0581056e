#include "server/tls/tls_cert.h"

#include <arpa/inet.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <mbedtls/error.h>

#include "server/base/log.h"
#include "server/tls/tls_judge.h"
#include "server/tls/tls_mbedtls.h"

/* Tags of a GeneralName (RFC 5280, section 4.2.1.6). */
#define SAN_DNS 2
#define SAN_IP 7

struct tls_pair {
	mbedtls_x509_crt chain;
	mbedtls_pk_context key;
};

struct tls_roots {
	mbedtls_x509_crt chain;
};

/* -- Pairs -- */

static void
tell_key(struct tls_judge *j, const char *path, int rc, const char *bytes)
{
	char why[128];

	if (strstr(bytes, "ENCRYPTED") != NULL)
		tls_judge_report(j, TLS_BAD, TLS_PART_KEY, path,
		    "the key is encrypted, and nobody is there to type its "
		    "passphrase: write it without one (openssl pkey)");
	else if (bytes[0] == '\0')
		tls_judge_report(j, TLS_BAD, TLS_PART_KEY, path, "is empty");
	else if (strstr(bytes, "PRIVATE KEY-----") == NULL &&
		 strstr(bytes, "-----BEGIN CERTIFICATE-----") != NULL)
		tls_judge_report(j, TLS_BAD, TLS_PART_KEY, path,
		    "holds a certificate and no key");
	else if (strstr(bytes, "PRIVATE KEY-----") == NULL)
		tls_judge_report(j, TLS_BAD, TLS_PART_KEY, path,
		    "has no PEM key (-----BEGIN PRIVATE KEY-----)");
	else {
		mbedtls_strerror(rc, why, sizeof(why));
		tls_judge_report(j, TLS_BAD, TLS_PART_KEY, path,
		    "the key is damaged, or of a kind that is not known here: "
		    "%s",
		    why);
	}
}

static int
load_key(struct tls_judge *j, const char *path, mbedtls_pk_context *ret_key)
{
	size_t len;
	char *bytes;
	int rc;

	if ((bytes = tls_judge_read(j, TLS_PART_KEY, path, &len)) == NULL)
		return (-1);
	rc = strstr(bytes, "PRIVATE KEY-----") == NULL
		 ? MBEDTLS_ERR_PK_KEY_INVALID_FORMAT
		 : tls_pk_parse_key(ret_key, (const unsigned char *)bytes,
		       len + 1);
	if (rc != 0)
		tell_key(j, path, rc, bytes);
	tls_judge_wipe(bytes, len);
	return (rc == 0 ? 0 : -1);
}

static int
load_chain(struct tls_judge *j, const char *path, mbedtls_x509_crt *ret_chain)
{
	size_t len;
	char *bytes;
	int rc;

	bytes = tls_judge_read(j, TLS_PART_CERTIFICATE, path, &len);
	if (bytes == NULL)
		return (-1);
	rc = tls_judge_parse(j, TLS_PART_CERTIFICATE, path, bytes, len,
	    ret_chain);
	tls_judge_wipe(bytes, len); /* the key may stand in it as well */
	return (rc);
}

/* Does the key belong to the first certificate? If not, to which? */
static void
judge_match(struct tls_judge *j, const struct tls_pair_files *files,
    const struct tls_pair *pair)
{
	unsigned place = 1;

	if (tls_pk_check_pair(&pair->chain.pk, &pair->key) == 0)
		return;
	for (const mbedtls_x509_crt *crt = pair->chain.next; crt != NULL;
	     crt = crt->next) {
		place++;
		if (tls_pk_check_pair(&crt->pk, &pair->key) != 0)
			continue;
		tls_judge_report(j, TLS_BAD, TLS_PART_CERTIFICATE,
		    files->certificate,
		    "the order is wrong: the key belongs to certificate %u "
		    "(%s), which must come first",
		    place, tls_judge_name(crt));
		return;
	}
	tls_judge_report(j, TLS_BAD, TLS_PART_KEY, files->key,
	    "does not match the certificate of %s in %s: it is the key of "
	    "another one",
	    tls_judge_name(&pair->chain), log_text(files->certificate));
}

struct tls_pair *
tls_pair_load(const struct tls_pair_files *files, int64_t now_ms,
    tls_found_fn *found, void *arg)
{
	struct tls_judge j = { .now_ms = now_ms, .found = found, .arg = arg };
	struct tls_pair *pair;
	bool chain, key;

	if ((pair = calloc(1, sizeof(*pair))) == NULL) {
		tls_judge_report(&j, TLS_BAD, TLS_PART_CERTIFICATE,
		    files->certificate, "out of memory");
		return (NULL);
	}
	mbedtls_x509_crt_init(&pair->chain);
	mbedtls_pk_init(&pair->key);
	chain = load_chain(&j, files->certificate, &pair->chain) == 0;
	key = load_key(&j, files->key, &pair->key) == 0;
	if (chain && key)
		judge_match(&j, files, pair);
	if (chain)
		tls_judge_chain(&j, files->certificate, &pair->chain,
		    files->use);
	if (!j.bad)
		return (pair);
	tls_pair_free(pair);
	return (NULL);
}

void
tls_pair_free(struct tls_pair *pair)
{
	if (pair == NULL)
		return;
	mbedtls_x509_crt_free(&pair->chain);
	mbedtls_pk_free(&pair->key);
	free(pair);
}

mbedtls_x509_crt *
tls_pair_chain(struct tls_pair *pair)
{
	return (&pair->chain);
}

mbedtls_pk_context *
tls_pair_key(struct tls_pair *pair)
{
	return (&pair->key);
}

/* -- A pair for people -- */

/* One name of a certificate; false for kinds that are no host. */
static bool
san_text(const mbedtls_x509_buf *san, char *ret, size_t size)
{
	int family = san->len == 4 ? AF_INET : AF_INET6;

	switch (san->tag & MBEDTLS_ASN1_TAG_VALUE_MASK) {
	case SAN_DNS:
		log_escape((const char *)san->p, san->len, ret, size);
		return (true);
	case SAN_IP:
		return (
		    (san->len == 4 || san->len == 16) &&
		    inet_ntop(family, san->p, ret, (socklen_t)size) != NULL);
	default:
		return (false);
	}
}

/* The hosts it is for, as many as fit; without any, its subject. */
static void
write_names(const mbedtls_x509_crt *leaf, char *ret, size_t size)
{
	char one[INET6_ADDRSTRLEN + 256];
	size_t len = 0;

	ret[0] = '\0';
	for (const mbedtls_x509_sequence *san = &leaf->subject_alt_names;
	     san != NULL && san->buf.p != NULL; san = san->next) {
		if (!san_text(&san->buf, one, sizeof(one)))
			continue;
		if (len + strlen(one) + sizeof(", ...") + 2 > size) {
			(void)strcpy(ret + len, len == 0 ? "..." : ", ...");
			return;
		}
		len += (size_t)snprintf(ret + len, size - len, "%s%s",
		    len == 0 ? "" : ", ", one);
	}
	if (len == 0)
		(void)snprintf(ret, size, "%s", tls_judge_name(leaf));
}

void
tls_pair_info(const struct tls_pair *pair, struct tls_pair_info *ret_info)
{
	const mbedtls_x509_crt *crt = &pair->chain;
	int64_t ms;

	write_names(crt, ret_info->subject, sizeof(ret_info->subject));
	(void)snprintf(ret_info->key_type, sizeof(ret_info->key_type), "%s %zu",
	    mbedtls_pk_get_name(&crt->pk), mbedtls_pk_get_bitlen(&crt->pk));
	ret_info->count = 0;
	ret_info->from_ms = INT64_MIN;
	ret_info->until_ms = INT64_MAX;
	for (; crt != NULL; crt = crt->next) {
		ret_info->count++;
		if ((ms = tls_judge_ms(&crt->valid_from)) > ret_info->from_ms)
			ret_info->from_ms = ms;
		if ((ms = tls_judge_ms(&crt->valid_to)) < ret_info->until_ms)
			ret_info->until_ms = ms;
	}
}

/* -- Roots -- */

static const char *
system_roots(void)
{
	static const char *const paths[] = {
		"/etc/ssl/certs/ca-certificates.crt", /* Debian, Alpine */
		"/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora */
		"/etc/ssl/ca-bundle.pem",             /* SUSE */
		"/etc/ssl/cert.pem",
	};
	const char *path = getenv("SSL_CERT_FILE");

	if (path != NULL && path[0] != '\0')
		return (path);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (access(paths[i], R_OK) == 0)
			return (paths[i]);
	}
	return (NULL);
}

/* One valid root is enough; a bundle may have old ones in it. */
static void
judge_roots(struct tls_judge *j, const char *path,
    const mbedtls_x509_crt *chain)
{
	for (const mbedtls_x509_crt *crt = chain; crt != NULL;
	     crt = crt->next) {
		if (tls_judge_ms(&crt->valid_from) <= j->now_ms &&
		    tls_judge_ms(&crt->valid_to) >= j->now_ms)
			return;
	}
	tls_judge_report(j, TLS_DATE, TLS_PART_CA, path,
	    "%s valid at this time: expired, or this machine's clock is wrong",
	    chain->next == NULL ? "its certificate is not"
				: "none of its certificates is");
}

struct tls_roots *
tls_roots_load(const char *ca_file, int64_t now_ms, tls_found_fn *found,
    void *arg)
{
	struct tls_judge j = { .now_ms = now_ms, .found = found, .arg = arg };
	const char *path = ca_file == NULL ? system_roots() : ca_file;
	struct tls_roots *roots = NULL;
	char *bytes = NULL;
	size_t len = 0;

	if (path == NULL) {
		tls_judge_report(&j, TLS_BAD, TLS_PART_CA, "CA certificates",
		    "this system has none: install ca-certificates, or name a "
		    "ca_file");
		return (NULL);
	}
	if ((bytes = tls_judge_read(&j, TLS_PART_CA, path, &len)) == NULL)
		return (NULL);
	if ((roots = calloc(1, sizeof(*roots))) == NULL) {
		tls_judge_report(&j, TLS_BAD, TLS_PART_CA, path,
		    "out of memory");
		goto out;
	}
	mbedtls_x509_crt_init(&roots->chain);
	if (ca_file != NULL)
		(void)tls_judge_parse(&j, TLS_PART_CA, path, bytes, len,
		    &roots->chain);
	else if (mbedtls_x509_crt_parse(&roots->chain,
		     (const unsigned char *)bytes, len + 1) < 0)
		tls_judge_report(&j, TLS_BAD, TLS_PART_CA, path,
		    "has no certificate that can be read");
	if (!j.bad && ca_file != NULL)
		judge_roots(&j, path, &roots->chain);
out:
	tls_judge_wipe(bytes, len);
	if (!j.bad)
		return (roots);
	tls_roots_free(roots);
	return (NULL);
}

void
tls_roots_free(struct tls_roots *roots)
{
	if (roots == NULL)
		return;
	mbedtls_x509_crt_free(&roots->chain);
	free(roots);
}

mbedtls_x509_crt *
tls_roots_chain(struct tls_roots *roots)
{
	return (&roots->chain);
}
