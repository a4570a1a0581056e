#include "handlers/queue/amqp_suspects.h"

#include <string.h>

/* FNV-1a. */
static uint64_t
hash_of(const char *text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return (hash);
}

/* Its place; s->n: it has none. */
static size_t
place_of(const struct amqp_suspects *s, const char *message_id)
{
	uint64_t hash;
	size_t i;

	if (s->n == 0)
		return (0);
	hash = hash_of(message_id);
	for (i = 0; i < s->n && s->hashes[i] != hash; i++)
		;
	return (i);
}

static void
remove_at(struct amqp_suspects *s, size_t place)
{
	s->n--;
	memmove(&s->hashes[place], &s->hashes[place + 1],
	    (s->n - place) * sizeof(s->hashes[0]));
}

void
amqp_suspects_add(struct amqp_suspects *s, const char *message_id)
{
	if (amqp_suspects_has(s, message_id))
		return;
	if (s->n == AMQP_SUSPECTS_MAX)
		remove_at(s, 0);
	s->hashes[s->n++] = hash_of(message_id);
}

bool
amqp_suspects_has(const struct amqp_suspects *s, const char *message_id)
{
	return (place_of(s, message_id) < s->n);
}

void
amqp_suspects_remove(struct amqp_suspects *s, const char *message_id)
{
	size_t place = place_of(s, message_id);

	if (place < s->n)
		remove_at(s, place);
}
