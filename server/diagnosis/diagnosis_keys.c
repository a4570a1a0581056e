#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "server/auth/secrets.h"
#include "server/config/config.h"
#include "server/diagnosis/diagnosis_keys.h"

struct diagnosis_keys {
	struct diagnosis_secret secrets[SECRETS_MAX];
	size_t nsecrets;
	struct diagnosis_key list[SECRETS_MAX * SECRET_NVARIANTS];
	size_t count;
};

void
diagnosis_keys_free(struct diagnosis_keys *keys)
{
	if (keys == NULL)
		return;
	for (size_t i = 0; i < keys->count; i++)
		signature_key_free(keys->list[i].key);
	for (size_t i = 0; i < keys->nsecrets; i++) {
		free((void *)keys->secrets[i].name);
		free((void *)keys->secrets[i].source);
		free((void *)keys->secrets[i].endpoint);
	}
	free(keys);
}

/* All variants that there are; scratch has room for any. Returns 0, or -1. */
static int
add_variants(struct diagnosis_keys *keys, const struct diagnosis_secret *secret,
    const struct iovec *bytes, char *scratch)
{
	struct diagnosis_key *k;
	size_t len;

	for (int v = SECRET_AS_IS; v < SECRET_NVARIANTS; v++) {
		if (secret_variant_make(v, bytes->iov_base, bytes->iov_len,
			scratch, &len) == -1)
			continue;
		k = &keys->list[keys->count];
		k->secret = secret;
		k->variant = v;
		if ((k->key = signature_key_new(scratch, len)) == NULL)
			return (-1);
		keys->count++;
	}
	return (0);
}

/* A secret with all its variants. Returns 0, or -1 when out of memory. */
static int
add_secret(struct diagnosis_keys *keys, const struct config_secret *cs)
{
	const struct iovec seg = { cs->bytes, cs->len };
	struct diagnosis_secret *s = &keys->secrets[keys->nsecrets++];
	char *scratch;
	int rc = -1;

	s->valid_until_ms = cs->valid_until_ms;
	s->name = strdup(cs->name);
	s->source = strdup(cs->source);
	if (cs->endpoint != NULL &&
	    (s->endpoint = strdup(cs->endpoint)) == NULL)
		return (-1);
	scratch = malloc(SECRET_VARIANT_SIZE(cs->len));
	if (s->name != NULL && s->source != NULL && scratch != NULL)
		rc = add_variants(keys, s, &seg, scratch);
	if (scratch != NULL)
		explicit_bzero(scratch, SECRET_VARIANT_SIZE(cs->len));
	free(scratch);
	return (rc);
}

struct diagnosis_keys *
diagnosis_keys_new(const struct config *cfg)
{
	struct diagnosis_keys *keys;

	assert(cfg->nsecrets <= SECRETS_MAX);
	if ((keys = calloc(1, sizeof(*keys))) == NULL)
		return (NULL);
	for (size_t i = 0; i < cfg->nsecrets; i++) {
		if (add_secret(keys, &cfg->secrets[i]) == -1) {
			diagnosis_keys_free(keys);
			return (NULL);
		}
	}
	return (keys);
}

size_t
diagnosis_keys_count(const struct diagnosis_keys *keys)
{
	return (keys->count);
}

size_t
diagnosis_keys_secrets(const struct diagnosis_keys *keys)
{
	return (keys->nsecrets);
}

const struct diagnosis_key *
diagnosis_keys_at(const struct diagnosis_keys *keys, size_t i)
{
	return (&keys->list[i]);
}
