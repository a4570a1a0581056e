/*
 * What is checked in the certificates of a file. Every fault is reported, not
 * just the first one: then a pair can be put right in one go.
 */
#include "server/tls/tls_judge.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <mbedtls/error.h>
#include <mbedtls/oid.h>

#include "server/base/log.h"
#include "server/tls/tls_mbedtls.h"
#include "store/base/parse.h"

#define FILE_SIZE_MAX (4L * 1024 * 1024) /* a system's store has 0.2 MiB */
#define RSA_BITS_MIN 2048
#define NAME_MAX_LEN 160

void
tls_judge_report(struct tls_judge *j, enum tls_level level, enum tls_part part,
    const char *path, const char *fmt, ...)
{
	char line[TLS_FINDING_MAX];
	va_list ap;
	int n;

	n = snprintf(line, sizeof(line), "%s: ", log_text(path));
	if (n > 0 && (size_t)n < sizeof(line)) {
		va_start(ap, fmt);
		(void)vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap);
		va_end(ap);
	}
	j->bad |= level == TLS_BAD;
	j->found(level, part, line, j->arg);
}

/* -- Files -- */

/* Read fd to its end. Returns 0, or -1 with errno. */
static int
read_whole(int fd, char *bytes, size_t size, size_t *ret_len)
{
	ssize_t n;

	*ret_len = 0;
	while (*ret_len < size) {
		n = read(fd, bytes + *ret_len, size - *ret_len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return (-1);
		if (n == 0)
			return (0);
		*ret_len += (size_t)n;
	}
	return (0);
}

static void
warn_open_key(struct tls_judge *j, const char *path, const struct stat *st)
{
	if ((st->st_mode & (S_IROTH | S_IWOTH)) != 0)
		tls_judge_report(j, TLS_WARN, TLS_PART_KEY, path,
		    "every user of this machine can %s the key; chmod 600 it",
		    (st->st_mode & S_IROTH) != 0 ? "read" : "replace");
}

char *
tls_judge_read(struct tls_judge *j, enum tls_part part, const char *path,
    size_t *ret_len)
{
	char *bytes = NULL;
	struct stat st;
	int fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) == -1 ||
	    fstat(fd, &st) == -1) {
		tls_judge_report(j, TLS_BAD, part, path, "cannot be read: %s",
		    strerror(errno));
		goto fail;
	}
	if (!S_ISREG(st.st_mode)) {
		tls_judge_report(j, TLS_BAD, part, path, "is not a file");
		goto fail;
	}
	if (st.st_size > FILE_SIZE_MAX) {
		tls_judge_report(j, TLS_BAD, part, path,
		    "is larger than %ld bytes", FILE_SIZE_MAX);
		goto fail;
	}
	bytes = malloc((size_t)st.st_size + 1);
	if (bytes == NULL ||
	    read_whole(fd, bytes, (size_t)st.st_size, ret_len) == -1) {
		tls_judge_report(j, TLS_BAD, part, path, "cannot be read: %s",
		    strerror(errno));
		goto fail;
	}
	bytes[*ret_len] = '\0';
	if (part == TLS_PART_KEY)
		warn_open_key(j, path, &st);
	(void)close(fd);
	return (bytes);
fail:
	free(bytes);
	if (fd != -1)
		(void)close(fd);
	return (NULL);
}

void
tls_judge_wipe(char *bytes, size_t len)
{
	if (bytes != NULL)
		explicit_bzero(bytes, len);
	free(bytes);
}

/* -- What stands in them -- */

/* There is no certificate in it: what else is it? */
static void
tell_no_certificate(struct tls_judge *j, enum tls_part part, const char *path,
    const char *bytes, size_t len)
{
	if (len == 0)
		tls_judge_report(j, TLS_BAD, part, path, "is empty");
	else if (strstr(bytes, "PRIVATE KEY-----") != NULL)
		tls_judge_report(j, TLS_BAD, part, path,
		    "holds a key and no certificate");
	else if (strstr(bytes, "-----BEGIN CERTIFICATE REQUEST-----") != NULL)
		tls_judge_report(j, TLS_BAD, part, path,
		    "holds a request for a certificate: what the CA answered "
		    "to it is needed");
	else if ((unsigned char)bytes[0] == 0x30)
		tls_judge_report(j, TLS_BAD, part, path,
		    "is not PEM but DER: convert it with openssl x509 -inform "
		    "der");
	else
		tls_judge_report(j, TLS_BAD, part, path,
		    "has no PEM certificate (-----BEGIN CERTIFICATE-----)");
}

int
tls_judge_parse(struct tls_judge *j, enum tls_part part, const char *path,
    const char *bytes, size_t len, mbedtls_x509_crt *ret_chain)
{
	char why[128];
	int rc;

	if (strstr(bytes, "-----BEGIN CERTIFICATE-----") == NULL) {
		tell_no_certificate(j, part, path, bytes, len);
		return (-1);
	}
	/* PEM is counted with its NUL. */
	rc = mbedtls_x509_crt_parse(ret_chain, (const unsigned char *)bytes,
	    len + 1);
	if (rc < 0) {
		mbedtls_strerror(rc, why, sizeof(why));
		tls_judge_report(j, TLS_BAD, part, path,
		    "the certificate is damaged: %s", why);
	} else if (rc > 0)
		tls_judge_report(j, TLS_BAD, part, path,
		    "%d of the certificates in it %s damaged", rc,
		    rc == 1 ? "is" : "are");
	return (rc == 0 ? 0 : -1);
}

int64_t
tls_judge_ms(const mbedtls_x509_time *t)
{
	char text[FORMAT_TIME_MAX];
	int64_t ms = 0;

	(void)snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02dZ",
	    t->year, t->mon, t->day, t->hour, t->min, t->sec);
	(void)parse_time(text, strlen(text), &ms);
	return (ms);
}

const char *
tls_judge_name(const mbedtls_x509_crt *crt)
{
	char name[NAME_MAX_LEN];

	if (mbedtls_x509_dn_gets(name, sizeof(name), &crt->subject) <= 0)
		(void)strcpy(name, "without a name");
	return (log_text(name));
}

/* -- Order -- */

/* The one certificate, without those behind it. */
static int
copy_one(mbedtls_x509_crt *ret_one, const mbedtls_x509_crt *crt)
{
	mbedtls_x509_crt_init(ret_one);
	return (mbedtls_x509_crt_parse_der(ret_one, crt->raw.p, crt->raw.len));
}

bool
tls_judge_signed(const mbedtls_x509_crt *crt, const mbedtls_x509_crt *by)
{
	mbedtls_x509_crt one, issuer;
	uint32_t flags = 0;
	int rc;

	rc = copy_one(&one, crt);
	if (copy_one(&issuer, by) == 0 && rc == 0)
		(void)mbedtls_x509_crt_verify(&one, &issuer, NULL, NULL, &flags,
		    NULL, NULL);
	else
		flags = MBEDTLS_X509_BADCERT_NOT_TRUSTED;
	mbedtls_x509_crt_free(&one);
	mbedtls_x509_crt_free(&issuer);
	return ((flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) == 0);
}

static bool
same_name(const mbedtls_x509_buf *a, const mbedtls_x509_buf *b)
{
	return (a->len == b->len && memcmp(a->p, b->p, a->len) == 0);
}

static void
judge_link(struct tls_judge *j, const char *path, const mbedtls_x509_crt *crt,
    unsigned place)
{
	const mbedtls_x509_crt *next = crt->next;

	if (same_name(&crt->issuer_raw, &next->subject_raw) &&
	    tls_judge_signed(crt, next))
		return;
	if (same_name(&crt->issuer_raw, &crt->subject_raw))
		tls_judge_report(j, TLS_BAD, TLS_PART_CERTIFICATE, path,
		    "the order is wrong: certificate %u (%s) signed itself and "
		    "ends a chain, but %u (%s) comes after it",
		    place, tls_judge_name(crt), place + 1,
		    tls_judge_name(next));
	else
		tls_judge_report(j, TLS_BAD, TLS_PART_CERTIFICATE, path,
		    "the order is wrong: certificate %u (%s) is not signed by "
		    "the one after it, %u (%s); first this server's own, then "
		    "its issuer's, and so on",
		    place, tls_judge_name(crt), place + 1,
		    tls_judge_name(next));
}

/* -- Dates and strength -- */

static void
judge_dates(struct tls_judge *j, const char *path, const mbedtls_x509_crt *crt)
{
	int64_t from_ms = tls_judge_ms(&crt->valid_from);
	int64_t until_ms = tls_judge_ms(&crt->valid_to);
	char stamp[FORMAT_TIME_MAX];

	if (until_ms < j->now_ms)
		tls_judge_report(j, TLS_DATE, TLS_PART_CERTIFICATE, path,
		    "the certificate of %s expired at %s", tls_judge_name(crt),
		    format_time(until_ms, stamp));
	else if (from_ms > j->now_ms)
		tls_judge_report(j, TLS_DATE, TLS_PART_CERTIFICATE, path,
		    "the certificate of %s is not valid before %s: is this "
		    "machine's clock right?",
		    tls_judge_name(crt), format_time(from_ms, stamp));
}

static void
judge_strength(struct tls_judge *j, const char *path,
    const mbedtls_x509_crt *crt)
{
	size_t bits = mbedtls_pk_get_bitlen(&crt->pk);
	mbedtls_md_type_t md = crt->TLS_FIELD(sig_md);

	if (mbedtls_pk_get_type(&crt->pk) == MBEDTLS_PK_RSA &&
	    bits < RSA_BITS_MIN)
		tls_judge_report(j, TLS_WARN, TLS_PART_CERTIFICATE, path,
		    "the key of %s is weak: RSA with %zu bits, which most "
		    "clients refuse",
		    tls_judge_name(crt), bits);
	/* Nobody looks at what a root has signed itself with. */
	if ((md == MBEDTLS_MD_SHA1 || md == MBEDTLS_MD_MD5) &&
	    !same_name(&crt->issuer_raw, &crt->subject_raw))
		tls_judge_report(j, TLS_WARN, TLS_PART_CERTIFICATE, path,
		    "the signature of %s is weak: %s, which most clients "
		    "refuse",
		    tls_judge_name(crt),
		    md == MBEDTLS_MD_SHA1 ? "SHA-1" : "MD5");
}

/* -- The first one -- */

static void
judge_leaf(struct tls_judge *j, const char *path, const mbedtls_x509_crt *leaf,
    enum tls_use use)
{
	bool server = use == TLS_USE_SERVER;
	const char *oid = MBEDTLS_OID_CLIENT_AUTH;
	size_t len = MBEDTLS_OID_SIZE(MBEDTLS_OID_CLIENT_AUTH);

	if (server) {
		oid = MBEDTLS_OID_SERVER_AUTH;
		len = MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH);
	}
	if (mbedtls_x509_crt_check_extended_key_usage(leaf, oid, len) != 0)
		tls_judge_report(j, server ? TLS_BAD : TLS_WARN,
		    TLS_PART_CERTIFICATE, path,
		    "the certificate of %s was not made for a %s (extended key "
		    "usage)",
		    tls_judge_name(leaf), server ? "server" : "client");
	if (leaf->TLS_FIELD(ca_istrue) != 0)
		tls_judge_report(j, TLS_WARN, TLS_PART_CERTIFICATE, path,
		    "the first certificate (%s) is that of a CA, not of a %s",
		    tls_judge_name(leaf), server ? "server" : "client");
	if (server && leaf->subject_alt_names.buf.p == NULL)
		tls_judge_report(j, TLS_WARN, TLS_PART_CERTIFICATE, path,
		    "the certificate of %s names no host (subject alternative "
		    "name): clients refuse it",
		    tls_judge_name(leaf));
}

void
tls_judge_chain(struct tls_judge *j, const char *path,
    const mbedtls_x509_crt *chain, enum tls_use use)
{
	unsigned place = 1;

	judge_leaf(j, path, chain, use);
	for (const mbedtls_x509_crt *crt = chain; crt != NULL;
	     crt = crt->next) {
		judge_dates(j, path, crt);
		judge_strength(j, path, crt);
		if (crt->next != NULL)
			judge_link(j, path, crt, place);
		place++;
	}
}
