#include "handlers/queue/aws_sign.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "handlers/queue/digest.h"
#include "store/base/hex.h"

#define DAY_LEN 8 /* "20150830" */
#define HEX_MAX (2 * SHA256_LEN + 1)
#define SCOPE_MAX 128
#define NAMES_MAX 192
/* Headers and, once, a session token. */
#define CANONICAL_MAX (AWS_TOKEN_MAX + 2048)

/* A text that is written piece by piece. */
struct text {
	char *at;
	size_t left;
	bool full;
};

static void __attribute__((format(printf, 2, 3)))
text_add(struct text *t, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(t->at, t->left, format, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= t->left) {
		t->full = true;
		return;
	}
	t->at += n;
	t->left -= (size_t)n;
}

void
aws_sign_date(int64_t now_ms, char ret_date[AWS_SIGN_DATE_LEN + 1])
{
	time_t seconds = (time_t)(now_ms / 1000);
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL ||
	    strftime(ret_date, AWS_SIGN_DATE_LEN + 1, "%Y%m%dT%H%M%SZ", &tm) ==
		0)
		(void)strcpy(ret_date, "19700101T000000Z");
}

/* The names of what is signed, as they stand between semicolons. */
static int
sign_names(const struct aws_sign_request *req, char ret_names[NAMES_MAX])
{
	struct text t = { ret_names, NAMES_MAX, false };

	for (size_t i = 0; i < req->nheaders; i++)
		text_add(&t, "%s%s", i == 0 ? "" : ";", req->headers[i].name);
	return (t.full ? -1 : 0);
}

/* The digest of the canonical request, in hex. */
static int
sign_canonical(const struct aws_sign_request *req, const char *names,
    char ret_hex[HEX_MAX])
{
	unsigned char digest[SHA256_LEN];
	char canonical[CANONICAL_MAX], hex[HEX_MAX];
	struct text t = { canonical, sizeof(canonical), false };
	int rc = -1;

	if (digest_sha256(req->body, req->body_len, digest) == -1)
		return (-1);
	hex_encode(digest, sizeof(digest), hex);
	text_add(&t, "%s\n/\n\n", req->method);
	for (size_t i = 0; i < req->nheaders; i++)
		text_add(&t, "%s:%s\n", req->headers[i].name,
		    req->headers[i].value);
	text_add(&t, "\n%s\n%s", names, hex);
	if (!t.full &&
	    digest_sha256(canonical, (size_t)(t.at - canonical), digest) == 0) {
		hex_encode(digest, sizeof(digest), ret_hex);
		rc = 0;
	}
	explicit_bzero(canonical, sizeof(canonical)); /* it has the token */
	return (rc);
}

/* key = HMAC(key, text) */
static int
sign_step(unsigned char key[SHA256_LEN], const char *text, size_t len)
{
	unsigned char next[SHA256_LEN];

	if (digest_hmac_sha256(key, SHA256_LEN, text, len, next) == -1)
		return (-1);
	memcpy(key, next, sizeof(next));
	explicit_bzero(next, sizeof(next));
	return (0);
}

/* Sign text with the key of that day, region and service. */
static int
sign_text(const struct aws_sign_request *req, const struct aws_keys *keys,
    const char *text, char ret_hex[HEX_MAX])
{
	char first[4 + AWS_SECRET_MAX + 1];
	unsigned char key[SHA256_LEN];
	int n, rc = -1;

	n = snprintf(first, sizeof(first), "AWS4%s", keys->secret);
	if (digest_hmac_sha256(first, (size_t)n, req->date, DAY_LEN, key) ==
		0 &&
	    sign_step(key, req->region, strlen(req->region)) == 0 &&
	    sign_step(key, req->service, strlen(req->service)) == 0 &&
	    sign_step(key, "aws4_request", strlen("aws4_request")) == 0 &&
	    sign_step(key, text, strlen(text)) == 0) {
		hex_encode(key, sizeof(key), ret_hex);
		rc = 0;
	}
	explicit_bzero(first, sizeof(first));
	explicit_bzero(key, sizeof(key));
	return (rc);
}

int
aws_sign(const struct aws_sign_request *req, const struct aws_keys *keys,
    char ret_authorization[AWS_SIGN_MAX])
{
	char names[NAMES_MAX], scope[SCOPE_MAX], canonical[HEX_MAX];
	char text[SCOPE_MAX + 128], signature[HEX_MAX];
	int n;

	n = snprintf(scope, sizeof(scope), "%.*s/%s/%s/aws4_request", DAY_LEN,
	    req->date, req->region, req->service);
	if (n < 0 || (size_t)n >= sizeof(scope) ||
	    sign_names(req, names) == -1 ||
	    sign_canonical(req, names, canonical) == -1)
		return (-1);
	(void)snprintf(text, sizeof(text), "AWS4-HMAC-SHA256\n%s\n%s\n%s",
	    req->date, scope, canonical);
	if (sign_text(req, keys, text, signature) == -1)
		return (-1);
	n = snprintf(ret_authorization, AWS_SIGN_MAX,
	    "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, "
	    "Signature=%s",
	    keys->id, scope, names, signature);
	return (n < 0 || n >= AWS_SIGN_MAX ? -1 : 0);
}
