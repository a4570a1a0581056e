/*
 * tls_reason.c -- why it failed, for a person (pure).
 */
#include <stdio.h>
#include <string.h>

#include <mbedtls/error.h>

#include "server/tls/tls.h"
#include "server/tls/tls_mbedtls.h"
#include "server/tls/tls_reason.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

#define EXPIRED "the certificate has expired"
#define FUTURE "the certificate is not valid yet, or this clock is wrong"

/* The faults of a certificate; the first that applies is reported. */
static const struct {
	uint32_t flag;
	const char *text;
} certificates[] = {
	{ MBEDTLS_X509_BADCERT_EXPIRED, EXPIRED },
	{ MBEDTLS_X509_BADCERT_FUTURE, FUTURE },
	{ MBEDTLS_X509_BADCERT_CN_MISMATCH,
	    "the certificate is for another name" },
	{ MBEDTLS_X509_BADCERT_REVOKED, "the certificate is revoked" },
	{ MBEDTLS_X509_BADCERT_BAD_KEY,
	    "the certificate's key is too short or of a kind not accepted" },
	{ MBEDTLS_X509_BADCERT_BAD_MD,
	    "the certificate is signed with a hash that is not accepted" },
	{ MBEDTLS_X509_BADCERT_KEY_USAGE,
	    "the certificate is not one for servers" },
	{ MBEDTLS_X509_BADCERT_EXT_KEY_USAGE,
	    "the certificate is not one for servers" },
	{ MBEDTLS_X509_BADCERT_NOT_TRUSTED,
	    "the certificate's issuer is unknown" },
};

/* RFC 5246, section 7.2.2, and RFC 8446, section 6.2 */
static const struct {
	int alert;
	const char *text;
} alerts[] = {
	{ 10, "unexpected message" },
	{ 20, "bad record MAC" },
	{ 40, "no common parameters" },
	{ 42, "it does not accept our certificate" },
	{ 43, "it does not accept our kind of certificate" },
	{ 44, "our certificate is revoked" },
	{ 45, "our certificate has expired" },
	{ 46, "it does not accept our certificate" },
	{ 47, "illegal parameter" },
	{ 48, "it does not know our certificate's issuer" },
	{ 49, "access denied" },
	{ 50, "decode error" },
	{ 51, "decrypt error" },
	{ 70, "no common version of TLS" },
	{ 71, "insufficient security" },
	{ 80, "internal error" },
	{ 90, "given up by its user" },
	{ 112, "it does not know the name" },
	{ 116, "it wants a certificate of ours" },
	{ 120, "no common application protocol" },
};

static const struct {
	int rc;
	const char *text;
} errors[] = {
	{ TLS_ERR_VERSION, "speaks no version of TLS from 1.2 on" },
	{ TLS_ERR_NO_CIPHER, "offers no cipher that is accepted here" },
	{ MBEDTLS_ERR_SSL_INVALID_RECORD, "sent what is no TLS record" },
	{ MBEDTLS_ERR_SSL_INVALID_MAC, "sent a record that does not decrypt" },
	{ MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE,
	    "sent a TLS message that was not due" },
	{ MBEDTLS_ERR_SSL_ALLOC_FAILED, "out of memory" },
	{ MBEDTLS_ERR_SSL_CONN_EOF, "closed the connection" },
};

uint32_t
tls_reason_worst(uint32_t flags)
{
	for (size_t i = 0; i < LEN(certificates); i++) {
		if ((flags & certificates[i].flag) != 0)
			return (certificates[i].flag);
	}
	return (0);
}

bool
tls_reason_is_of_dates(const char *text)
{
	return (strstr(text, EXPIRED) != NULL || strstr(text, FUTURE) != NULL);
}

static const char *
certificate_text(uint32_t flags)
{
	for (size_t i = 0; i < LEN(certificates); i++) {
		if ((flags & certificates[i].flag) != 0)
			return (certificates[i].text);
	}
	return ("the certificate is not accepted");
}

static void
write_alert(int alert, size_t size, char *ret_text)
{
	for (size_t i = 0; i < LEN(alerts); i++) {
		if (alerts[i].alert == alert) {
			(void)snprintf(ret_text, size,
			    "the other side refused: %s", alerts[i].text);
			return;
		}
	}
	(void)snprintf(ret_text, size, "the other side refused: TLS alert %d",
	    alert);
}

void
tls_reason_write(const struct tls_failure *failure, size_t size, char *ret_text)
{
	char text[96];

	if (failure->rc == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED) {
		(void)snprintf(ret_text, size,
		    failure->detail[0] == '\0' ? "%s" : "%s (%s)",
		    certificate_text(failure->flags), failure->detail);
		return;
	}
	if (failure->rc == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE) {
		write_alert(failure->alert, size, ret_text);
		return;
	}
	for (size_t i = 0; i < LEN(errors); i++) {
		if (errors[i].rc == failure->rc) {
			(void)snprintf(ret_text, size, "%s", errors[i].text);
			return;
		}
	}
	mbedtls_strerror(failure->rc, text, sizeof(text));
	(void)snprintf(ret_text, size, "TLS failed: %s", text);
}
