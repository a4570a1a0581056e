#include <stdlib.h>

#include <mbedtls/md.h>

#include "store/base/hex.h"
#include "store/move/digest.h"

#define SHA256_LEN 32

struct move_digest {
	mbedtls_md_context_t md;
	int failed; /* what the library said, or 0 */
};

struct move_digest *
move_digest_new(void)
{
	const mbedtls_md_info_t *sha256 =
	    mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);
	struct move_digest *d;

	if ((d = calloc(1, sizeof(*d))) == NULL)
		return (NULL);
	mbedtls_md_init(&d->md);
	if (mbedtls_md_setup(&d->md, sha256, 0) == 0 &&
	    mbedtls_md_starts(&d->md) == 0)
		return (d);
	move_digest_free(d);
	return (NULL);
}

void
move_digest_add(struct move_digest *d, const void *p, size_t len)
{
	d->failed |= mbedtls_md_update(&d->md, p, len);
}

int
move_digest_end(struct move_digest *d, char ret_text[MOVE_DIGEST_TEXT_MAX])
{
	unsigned char sha256[SHA256_LEN];

	d->failed |= mbedtls_md_finish(&d->md, sha256);
	d->failed |= mbedtls_md_starts(&d->md);
	if (d->failed != 0)
		return (-1);
	hex_encode(sha256, sizeof(sha256), ret_text);
	return (0);
}

void
move_digest_free(struct move_digest *d)
{
	if (d == NULL)
		return;
	mbedtls_md_free(&d->md);
	free(d);
}
