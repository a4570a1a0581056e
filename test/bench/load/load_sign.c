/*
 * Of texts that begin alike the hash of the beginning is computed once: with
 * the order's number near the end a signature costs little, however long the
 * body is.
 *
 * Only such functions of mbedTLS are used as are the same in 2.28 and 3.x. A
 * clone copies the hash's state, not the key: both contexts have the key of
 * their own, and the one that is cloned onto must be idle, as it is after its
 * end.
 */
#include <stdlib.h>
#include <string.h>

#include <mbedtls/md.h>

#include "load.h"

struct signer {
	mbedtls_md_context_t begun; /* has the key and the beginning */
	mbedtls_md_context_t work;  /* idle between signatures */
};

struct signer *
signer_new(const struct iovec *key, const struct iovec *beginning)
{
	const mbedtls_md_info_t *sha256 =
	    mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);
	unsigned char mac[MAC_LEN];
	struct signer *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return (NULL);
	mbedtls_md_init(&s->begun);
	mbedtls_md_init(&s->work);
	if (mbedtls_md_setup(&s->begun, sha256, 1) == 0 &&
	    mbedtls_md_setup(&s->work, sha256, 1) == 0 &&
	    mbedtls_md_hmac_starts(&s->begun, key->iov_base, key->iov_len) ==
		0 &&
	    mbedtls_md_hmac_update(&s->begun, beginning->iov_base,
		beginning->iov_len) == 0 &&
	    mbedtls_md_hmac_starts(&s->work, key->iov_base, key->iov_len) ==
		0 &&
	    mbedtls_md_hmac_finish(&s->work, mac) == 0)
		return (s);
	signer_free(s);
	return (NULL);
}

void
signer_free(struct signer *s)
{
	if (s == NULL)
		return;
	mbedtls_md_free(&s->begun);
	mbedtls_md_free(&s->work);
	free(s);
}

int
signer_sign(struct signer *s, const struct iovec *segs, size_t nsegs,
    unsigned char ret_mac[MAC_LEN])
{
	if (mbedtls_md_clone(&s->work, &s->begun) != 0)
		return (-1);
	for (size_t i = 0; i < nsegs; i++) {
		if (mbedtls_md_hmac_update(&s->work, segs[i].iov_base,
			segs[i].iov_len) != 0)
			return (-1);
	}
	return (mbedtls_md_hmac_finish(&s->work, ret_mac) == 0 ? 0 : -1);
}
