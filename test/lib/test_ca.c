#include "test/lib/test_ca.h"

#include <sys/stat.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/oid.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>

#include "test/lib/cmocka_all.h"

#define PEM_MAX 4096
#define SAN_MAX 128

struct test_ca {
	char dir[TEST_CA_PATH];
	char subject[64];
	mbedtls_entropy_context entropy;
	mbedtls_ctr_drbg_context drbg;
	mbedtls_pk_context key;
	int serial;
};

const char *
test_path(const char *dir, const char *name, const char *ext)
{
	static char paths[4][TEST_CA_PATH + 64];
	static unsigned next;
	char *path = paths[next++ % 4];

	(void)snprintf(path, sizeof(paths[0]), "%s/%s.%s", dir, name, ext);
	return (path);
}

void
test_dir_make(char ret_dir[TEST_CA_PATH])
{
	(void)strcpy(ret_dir, "/tmp/klikitd-test-XXXXXX");
	assert_non_null(mkdtemp(ret_dir));
}

void
test_dir_remove(const char *dir)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	char path[TEST_CA_PATH + 300];

	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (e->d_name[0] != '.')
			assert_int_equal(unlink(path), 0);
	}
	(void)closedir(d);
	assert_int_equal(rmdir(dir), 0);
}

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0600), 0);
}

static void
make_key(struct test_ca *ca, mbedtls_pk_context *key)
{
	mbedtls_pk_init(key);
	assert_int_equal(mbedtls_pk_setup(key,
			     mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)),
	    0);
	assert_int_equal(mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1,
			     mbedtls_pk_ec(*key), mbedtls_ctr_drbg_random,
			     &ca->drbg),
	    0);
}

/* subjectAltName in DER: a sequence of tagged names. */
static size_t
write_san(const struct test_leaf *leaf, unsigned char san[SAN_MAX])
{
	size_t len = 2;

	if (leaf->dns != NULL) {
		san[len++] = 0x82;
		san[len++] = (unsigned char)strlen(leaf->dns);
		memcpy(san + len, leaf->dns, strlen(leaf->dns));
		len += strlen(leaf->dns);
	}
	if (leaf->address != NULL) {
		san[len++] = 0x87;
		san[len++] = 4;
		memcpy(san + len, leaf->address, 4);
		len += 4;
	}
	san[0] = 0x30;
	san[1] = (unsigned char)(len - 2);
	return (len);
}

static void
write_date(time_t at, char ret_text[16])
{
	struct tm tm;

	assert_non_null(gmtime_r(&at, &tm));
	assert_int_equal(strftime(ret_text, 16, "%Y%m%d%H%M%S", &tm), 14);
}

/* Write NAME.pem: subject's, for key, signed by ca. leaf NULL: ca's own. */
static void
write_certificate(struct test_ca *ca, const char *name, mbedtls_pk_context *key,
    const struct test_leaf *leaf)
{
	static unsigned char pem[PEM_MAX];
	mbedtls_x509write_cert crt;
	mbedtls_mpi serial;
	unsigned char san[SAN_MAX];
	char subject[64], from[16], until[16];
	time_t now = time(NULL);
	bool expired = leaf != NULL && leaf->expired;

	write_date(now - 864000, from);
	write_date(expired ? now - 86400 : now + 864000, until);
	(void)snprintf(subject, sizeof(subject), "CN=%s", name);
	mbedtls_x509write_crt_init(&crt);
	mbedtls_mpi_init(&serial);
	assert_int_equal(mbedtls_mpi_lset(&serial, ++ca->serial), 0);
	mbedtls_x509write_crt_set_md_alg(&crt, MBEDTLS_MD_SHA256);
	mbedtls_x509write_crt_set_subject_key(&crt, key);
	mbedtls_x509write_crt_set_issuer_key(&crt, &ca->key);
	assert_int_equal(mbedtls_x509write_crt_set_subject_name(&crt, subject),
	    0);
	assert_int_equal(mbedtls_x509write_crt_set_issuer_name(&crt,
			     ca->subject),
	    0);
	assert_int_equal(mbedtls_x509write_crt_set_serial(&crt, &serial), 0);
	assert_int_equal(mbedtls_x509write_crt_set_validity(&crt, from, until),
	    0);
	assert_int_equal(mbedtls_x509write_crt_set_basic_constraints(&crt,
			     leaf == NULL, -1),
	    0);
	if (leaf != NULL && (leaf->dns != NULL || leaf->address != NULL))
		assert_int_equal(mbedtls_x509write_crt_set_extension(&crt,
				     MBEDTLS_OID_SUBJECT_ALT_NAME,
				     MBEDTLS_OID_SIZE(
					 MBEDTLS_OID_SUBJECT_ALT_NAME),
				     0, san, write_san(leaf, san)),
		    0);
	assert_int_equal(mbedtls_x509write_crt_pem(&crt, pem, sizeof(pem),
			     mbedtls_ctr_drbg_random, &ca->drbg),
	    0);
	write_file(test_path(ca->dir, name, "pem"), (const char *)pem);
	mbedtls_mpi_free(&serial);
	mbedtls_x509write_crt_free(&crt);
}

struct test_ca *
test_ca_new(const char *dir, const char *name)
{
	struct test_ca *ca = calloc(1, sizeof(*ca));

	assert_non_null(ca);
	(void)snprintf(ca->dir, sizeof(ca->dir), "%s", dir);
	(void)snprintf(ca->subject, sizeof(ca->subject), "CN=%s", name);
	mbedtls_entropy_init(&ca->entropy);
	mbedtls_ctr_drbg_init(&ca->drbg);
	assert_int_equal(mbedtls_ctr_drbg_seed(&ca->drbg, mbedtls_entropy_func,
			     &ca->entropy, NULL, 0),
	    0);
	make_key(ca, &ca->key);
	write_certificate(ca, name, &ca->key, NULL);
	return (ca);
}

void
test_ca_issue(struct test_ca *ca, const char *name,
    const struct test_leaf *leaf)
{
	static unsigned char pem[PEM_MAX];
	mbedtls_pk_context key;

	make_key(ca, &key);
	write_certificate(ca, name, &key, leaf);
	assert_int_equal(mbedtls_pk_write_key_pem(&key, pem, sizeof(pem)), 0);
	write_file(test_path(ca->dir, name, "key"), (const char *)pem);
	mbedtls_pk_free(&key);
}

void
test_ca_free(struct test_ca *ca)
{
	mbedtls_pk_free(&ca->key);
	mbedtls_ctr_drbg_free(&ca->drbg);
	mbedtls_entropy_free(&ca->entropy);
	free(ca);
}
