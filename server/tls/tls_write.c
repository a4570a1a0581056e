#include "server/tls/tls_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/ecp.h>
#include <mbedtls/oid.h>
#include <mbedtls/pem.h>

#include "server/tls/tls_mbedtls.h"
#include "store/base/hex.h"
#include "store/base/parse.h"

#define PEM_MAX 4096
#define SERIAL_LEN 16
#define NAME_LEN 64

/* SEQUENCE { dNSName localhost, iPAddress 127.0.0.1, iPAddress ::1 } */
static const unsigned char loopback_names[] = { 0x30, 35, 0x82, 9, 'l', 'o',
	'c', 'a', 'l', 'h', 'o', 's', 't', 0x87, 4, 127, 0, 0, 1, 0x87, 16, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 };

/* SEQUENCE { [0] { each of those as a subtree, addresses with their masks } }
 */
static const unsigned char loopback_only[] = { 0x30, 63, 0xa0, 61, 0x30, 11,
	0x82, 9, 'l', 'o', 'c', 'a', 'l', 'h', 'o', 's', 't', 0x30, 10, 0x87, 8,
	127, 0, 0, 0, 255, 0, 0, 0, 0x30, 34, 0x87, 32, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 1, 255, 255, 255, 255, 255, 255, 255, 255, 255,
	255, 255, 255, 255, 255, 255, 255 };

/* SEQUENCE { id-kp-serverAuth } */
static const unsigned char for_servers[] = { 0x30, 10, 0x06, 8, 0x2b, 6, 1, 5,
	5, 7, 3, 1 };

#define OID_NAME_CONSTRAINTS "\x55\x1d\x1e"

/* What is being made. */
struct writing {
	const struct tls_write *w;
	mbedtls_x509write_cert crt;
	mbedtls_pk_context key;
	mbedtls_pk_context *signer;
};

/* "20260625091411", as X.509's writer wants it. */
static void
write_time(int64_t ms, char ret[16])
{
	char text[FORMAT_TIME_MAX];
	size_t n = 0;

	format_time(ms, text);
	for (const char *p = text; *p != '.' && *p != '\0'; p++) {
		if (*p >= '0' && *p <= '9' && n < 14)
			ret[n++] = *p;
	}
	ret[n] = '\0';
}

static int
make_key(mbedtls_pk_context *ret_key)
{
	int rc;

	rc = mbedtls_pk_setup(ret_key,
	    mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));
	if (rc != 0)
		return (rc);
	return (mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1,
	    mbedtls_pk_ec(*ret_key), tls_random, NULL));
}

/* Each CA has a name of its own, so that two of them are not mixed up. */
static int
set_names(struct writing *x)
{
	char subject[NAME_LEN], issuer[256];
	unsigned char bytes[4];
	char digits[2 * sizeof(bytes) + 1];
	int rc;

	if (x->w->issuer == NULL) {
		if (tls_random(NULL, bytes, sizeof(bytes)) != 0)
			return (MBEDTLS_ERR_ECP_RANDOM_FAILED);
		hex_encode(bytes, sizeof(bytes), digits);
		(void)snprintf(subject, sizeof(subject), "CN=klikitd dev CA %s",
		    digits);
		(void)snprintf(issuer, sizeof(issuer), "%s", subject);
	} else {
		(void)snprintf(subject, sizeof(subject), "CN=localhost");
		rc = mbedtls_x509_dn_gets(issuer, sizeof(issuer),
		    &tls_pair_chain(x->w->issuer)->subject);
		if (rc < 0)
			return (rc);
	}
	rc = mbedtls_x509write_crt_set_subject_name(&x->crt, subject);
	if (rc != 0)
		return (rc);
	return (mbedtls_x509write_crt_set_issuer_name(&x->crt, issuer));
}

static int
set_validity(struct writing *x)
{
	struct tls_pair_info info;
	int64_t until_ms = x->w->until_ms;
	char from[16], until[16];

	if (x->w->issuer != NULL) {
		tls_pair_info(x->w->issuer, &info);
		if (until_ms > info.until_ms)
			until_ms = info.until_ms;
	}
	write_time(x->w->from_ms, from);
	write_time(until_ms, until);
	return (mbedtls_x509write_crt_set_validity(&x->crt, from, until));
}

static int
set_extension(struct writing *x, const char *oid, const unsigned char *bytes,
    size_t len)
{
	return (mbedtls_x509write_crt_set_extension(&x->crt, oid, strlen(oid),
	    0, bytes, len));
}

static int
set_extensions(struct writing *x)
{
	bool ca = x->w->issuer == NULL;
	int rc;

	rc = mbedtls_x509write_crt_set_basic_constraints(&x->crt, ca,
	    ca ? 0 : -1);
	if (rc == 0)
		rc = mbedtls_x509write_crt_set_subject_key_identifier(&x->crt);
	if (rc == 0)
		rc =
		    mbedtls_x509write_crt_set_authority_key_identifier(&x->crt);
	if (rc == 0)
		rc = mbedtls_x509write_crt_set_key_usage(&x->crt,
		    ca ? MBEDTLS_X509_KU_KEY_CERT_SIGN |
			     MBEDTLS_X509_KU_CRL_SIGN
		       : MBEDTLS_X509_KU_DIGITAL_SIGNATURE);
	if (rc == 0 && ca)
		rc = set_extension(x, OID_NAME_CONSTRAINTS, loopback_only,
		    sizeof(loopback_only));
	if (rc == 0 && !ca)
		rc = set_extension(x, MBEDTLS_OID_SUBJECT_ALT_NAME,
		    loopback_names, sizeof(loopback_names));
	if (rc == 0 && !ca)
		rc = set_extension(x, MBEDTLS_OID_EXTENDED_KEY_USAGE,
		    for_servers, sizeof(for_servers));
	return (rc);
}

static int
set_all(struct writing *x)
{
	unsigned char serial[SERIAL_LEN];
	int rc;

	if (tls_random(NULL, serial, sizeof(serial)) != 0)
		return (MBEDTLS_ERR_ECP_RANDOM_FAILED);
	serial[0] &= 0x7f; /* positive, and no byte longer for it */
	serial[0] |= 0x40;
	mbedtls_x509write_crt_set_version(&x->crt, MBEDTLS_X509_CRT_VERSION_3);
	mbedtls_x509write_crt_set_md_alg(&x->crt, MBEDTLS_MD_SHA256);
	mbedtls_x509write_crt_set_subject_key(&x->crt, &x->key);
	mbedtls_x509write_crt_set_issuer_key(&x->crt, x->signer);
	if ((rc = tls_write_serial(&x->crt, serial, sizeof(serial))) != 0 ||
	    (rc = set_names(x)) != 0 || (rc = set_validity(x)) != 0)
		return (rc);
	return (set_extensions(x));
}

int
tls_write_pair(const struct tls_write *w, char ret_text[TLS_WRITE_MAX])
{
	struct writing x = { .w = w };
	size_t len;
	int rc;

	memset(ret_text, 0, TLS_WRITE_MAX);
	mbedtls_x509write_crt_init(&x.crt);
	mbedtls_pk_init(&x.key);
	x.signer = w->issuer == NULL ? &x.key : tls_pair_key(w->issuer);
	rc = tls_mbedtls_init();
	if (rc == 0)
		rc = make_key(&x.key);
	if (rc == 0)
		rc = set_all(&x);
	if (rc == 0)
		rc = mbedtls_pk_write_key_pem(&x.key, (unsigned char *)ret_text,
		    PEM_MAX);
	len = strlen(ret_text);
	if (rc == 0)
		rc = mbedtls_x509write_crt_pem(&x.crt,
		    (unsigned char *)ret_text + len, PEM_MAX, tls_random, NULL);
	if (rc != 0)
		explicit_bzero(ret_text, TLS_WRITE_MAX);
	mbedtls_x509write_crt_free(&x.crt);
	mbedtls_pk_free(&x.key);
	return (rc);
}

int
tls_write_certificate(struct tls_pair *pair, char ret_text[TLS_WRITE_MAX])
{
	const mbedtls_x509_crt *crt = tls_pair_chain(pair);
	size_t len;

	return (mbedtls_pem_write_buffer("-----BEGIN CERTIFICATE-----\n",
	    "-----END CERTIFICATE-----\n", crt->raw.p, crt->raw.len,
	    (unsigned char *)ret_text, TLS_WRITE_MAX, &len));
}
