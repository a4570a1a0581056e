#include "handlers/queue/digest.h"

#include <mbedtls/md.h>

static int
digest_of(mbedtls_md_type_t type, const void *bytes, size_t len,
    unsigned char *ret)
{
	return (
	    mbedtls_md(mbedtls_md_info_from_type(type), bytes, len, ret) == 0
		? 0
		: -1);
}

int
digest_sha256(const void *bytes, size_t len, unsigned char ret[SHA256_LEN])
{
	return (digest_of(MBEDTLS_MD_SHA256, bytes, len, ret));
}

int
digest_hmac_sha256(const void *key, size_t key_len, const void *bytes,
    size_t len, unsigned char ret[SHA256_LEN])
{
	return (mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256),
		    key, key_len, bytes, len, ret) == 0
		    ? 0
		    : -1);
}

int
digest_sha1(const void *bytes, size_t len, unsigned char ret[SHA1_LEN])
{
	return (digest_of(MBEDTLS_MD_SHA1, bytes, len, ret));
}

int
digest_md5(const void *bytes, size_t len, unsigned char ret[MD5_LEN])
{
	return (digest_of(MBEDTLS_MD_MD5, bytes, len, ret));
}
