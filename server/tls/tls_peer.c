/*
 * tls_peer.c -- what a person needs to see of a certificate that is refused:
 * the part of it that is at fault (pure).
 */
#include <arpa/inet.h>

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "server/base/log.h"
#include "server/tls/tls_judge.h"
#include "server/tls/tls_mbedtls.h"
#include "server/tls/tls_reason.h"
#include "store/base/parse.h"

#define NAME_MAX_LEN 64 /* shown of one name */
#define NAMES_MAX 3     /* shown of a certificate */

static void __attribute__((format(printf, 3, 4)))
append(size_t size, char *text, const char *format, ...)
{
	size_t len = strlen(text);
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text + len, size - len, format, ap);
	va_end(ap);
}

/* One name or address. False: it is of a kind that is not shown. */
static bool
name_text(const mbedtls_x509_buf *san, char ret_text[NAME_MAX_LEN])
{
	size_t len = san->len;

	if (san->tag == TLS_SAN_ADDRESS && (len == 4 || len == 16))
		return (inet_ntop(len == 4 ? AF_INET : AF_INET6, san->p,
			    ret_text, NAME_MAX_LEN) != NULL);
	if (san->tag != TLS_SAN_NAME)
		return (false);
	if (len >= NAME_MAX_LEN)
		len = NAME_MAX_LEN - 1;
	for (size_t i = 0; i < len; i++)
		ret_text[i] = isgraph(san->p[i]) ? (char)san->p[i] : '?';
	ret_text[len] = '\0';
	return (true);
}

/* Whom it is for; without any such name the old way, by its subject. */
static void
write_names(const mbedtls_x509_crt *crt, size_t size, char *text)
{
	const mbedtls_x509_sequence *san = &crt->subject_alt_names;
	char name[NAME_MAX_LEN];
	unsigned n = 0;

	for (; san != NULL && n <= NAMES_MAX; san = san->next) {
		if (!name_text(&san->buf, name))
			continue;
		append(size, text, "%s%s", n == 0 ? "" : ", ",
		    n == NAMES_MAX ? "..." : name);
		n++;
	}
	if (n == 0)
		append(size, text, "%.80s", tls_judge_name(crt));
}

void
tls_peer_describe(const mbedtls_x509_crt *crt, uint32_t flag, size_t size,
    char *ret_text)
{
	char stamp[FORMAT_TIME_MAX], issuer[96];

	ret_text[0] = '\0';
	if (flag == MBEDTLS_X509_BADCERT_CN_MISMATCH) {
		write_names(crt, size, ret_text);
		return;
	}
	append(size, ret_text, "%.80s", tls_judge_name(crt));
	if (flag == MBEDTLS_X509_BADCERT_EXPIRED)
		append(size, ret_text, " until %s",
		    format_time(tls_judge_ms(&crt->valid_to), stamp));
	else if (flag == MBEDTLS_X509_BADCERT_FUTURE)
		append(size, ret_text, " from %s",
		    format_time(tls_judge_ms(&crt->valid_from), stamp));
	else if (flag == MBEDTLS_X509_BADCERT_NOT_TRUSTED &&
		 mbedtls_x509_dn_gets(issuer, sizeof(issuer), &crt->issuer) > 0)
		append(size, ret_text, " by %.80s", log_text(issuer));
}
