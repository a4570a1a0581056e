/*
 * HMAC(key, text) = H(key ^ opad || H(key ^ ipad || text)). The states of H
 * after the two pads depend on the key alone: they are computed once, and
 * each MAC starts from copies of them.
 *
 * Only such functions of mbedTLS are used as are the same in 2.28 and 3.x. In
 * builds of 3.x that hash through PSA a context can be cloned onto only while
 * it is idle: after its setup, after mbedtls_md_finish(), and after any call
 * on it that failed. So the work context is idle whenever signature_mac()
 * begins.
 */
#include <sys/random.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/constant_time.h>
#include <mbedtls/md.h>

#include "server/auth/signature.h"
#include "store/base/hex.h"

#define BLOCK_LEN 64 /* of SHA-256, in bytes */

struct signature_key {
	mbedtls_md_context_t inner; /* after key ^ ipad */
	mbedtls_md_context_t outer; /* after key ^ opad */
	mbedtls_md_context_t work;  /* idle between MACs */
};

/* Feed ctx a block of key ^ pad. Returns 0, or -1. */
static int
signature_start_pad(mbedtls_md_context_t *ctx,
    const unsigned char key[BLOCK_LEN], unsigned char pad)
{
	unsigned char block[BLOCK_LEN];
	int rc = 0;

	for (size_t i = 0; i < BLOCK_LEN; i++)
		block[i] = key[i] ^ pad;
	if (mbedtls_md_starts(ctx) != 0 ||
	    mbedtls_md_update(ctx, block, BLOCK_LEN) != 0)
		rc = -1;
	explicit_bzero(block, sizeof(block));
	return (rc);
}

int
signature_sha256(const void *bytes, size_t len,
    unsigned char ret_digest[SIGNATURE_LEN])
{
	return (mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), bytes,
		    len, ret_digest) == 0
		    ? 0
		    : -1);
}

struct signature_key *
signature_key_new(const void *secret, size_t len)
{
	const mbedtls_md_info_t *sha256;
	struct signature_key *key;
	unsigned char block[BLOCK_LEN] = { 0 };

	if ((key = calloc(1, sizeof(*key))) == NULL)
		return (NULL);
	mbedtls_md_init(&key->inner);
	mbedtls_md_init(&key->outer);
	mbedtls_md_init(&key->work);
	sha256 = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);
	if (mbedtls_md_setup(&key->inner, sha256, 0) != 0 ||
	    mbedtls_md_setup(&key->outer, sha256, 0) != 0 ||
	    mbedtls_md_setup(&key->work, sha256, 0) != 0)
		goto fail;

	/* A key longer than a block stands for its hash. */
	if (len <= BLOCK_LEN)
		memcpy(block, secret, len);
	else if (signature_sha256(secret, len, block) == -1)
		goto fail;
	if (signature_start_pad(&key->inner, block, 0x36) == -1 ||
	    signature_start_pad(&key->outer, block, 0x5c) == -1)
		goto fail;
	explicit_bzero(block, sizeof(block));
	return (key);
fail:
	explicit_bzero(block, sizeof(block));
	signature_key_free(key);
	return (NULL);
}

void
signature_key_free(struct signature_key *key)
{
	if (key == NULL)
		return;
	/* Each wipes the hash state it frees. */
	mbedtls_md_free(&key->inner);
	mbedtls_md_free(&key->outer);
	mbedtls_md_free(&key->work);
	free(key);
}

int
signature_mac(struct signature_key *key, const struct iovec *segs, size_t nsegs,
    unsigned char ret_mac[SIGNATURE_LEN])
{
	unsigned char digest[SIGNATURE_LEN];

	if (mbedtls_md_clone(&key->work, &key->inner) != 0)
		return (-1);
	for (size_t i = 0; i < nsegs; i++) {
		if (mbedtls_md_update(&key->work, segs[i].iov_base,
			segs[i].iov_len) != 0)
			return (-1);
	}
	if (mbedtls_md_finish(&key->work, digest) != 0 ||
	    mbedtls_md_clone(&key->work, &key->outer) != 0 ||
	    mbedtls_md_update(&key->work, digest, sizeof(digest)) != 0 ||
	    mbedtls_md_finish(&key->work, ret_mac) != 0)
		return (-1);
	return (0);
}

int
signature_parse(const char *value, unsigned char ret_mac[SIGNATURE_LEN])
{
	/* The decoder stops at the NUL of a text that is too short. */
	if (hex_decode(value, SIGNATURE_LEN, ret_mac) == 0 &&
	    value[SIGNATURE_TEXT_LEN] == '\0')
		return (0);
	memset(ret_mac, 0, SIGNATURE_LEN);
	return (-1);
}

bool
signature_equal(const unsigned char a[SIGNATURE_LEN],
    const unsigned char b[SIGNATURE_LEN])
{
	return (mbedtls_ct_memcmp(a, b, SIGNATURE_LEN) == 0);
}

int
signature_random(void *ret, size_t len)
{
	unsigned char *p = ret;
	ssize_t n;

	while (len > 0) {
		if ((n = getrandom(p, len, 0)) == -1) {
			if (errno == EINTR)
				continue;
			return (-1);
		}
		p += n;
		len -= (size_t)n;
	}
	return (0);
}
