#include "handlers/queue/redis_entry.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handlers/queue/digest.h"
#include "store/base/hex.h"

/*
 * KEYS: the stream, the message's dedup key. ARGV: how long that is kept, in
 * ms, then what XADD gets behind the stream. The SET in the middle changes
 * nothing, since there is no such key; it fails, before anything is added, if
 * the last one would not be allowed.
 */
const char redis_entry_script[] =
    "local id = redis.call('GET', KEYS[2])\n"
    "if id then return {id, 1} end\n"
    "redis.call('SET', KEYS[2], '', 'XX', 'PX', ARGV[1])\n"
    "id = redis.call('XADD', KEYS[1], unpack(ARGV, 2))\n"
    "redis.call('SET', KEYS[2], id, 'PX', ARGV[1])\n"
    "return {id, 0}\n";

int
redis_entry_sha(char ret_hex[REDIS_SHA_LEN + 1])
{
	unsigned char digest[SHA1_LEN];

	if (digest_sha1(redis_entry_script, strlen(redis_entry_script),
		digest) == -1)
		return (-1);
	hex_encode(digest, sizeof(digest), ret_hex);
	return (0);
}

/* -- Keys -- */

/*
 * Does the name choose its slot by a part in braces, the first that is not
 * empty? (https://redis.io/docs/latest/operate/oss_and_stack/reference/
 * cluster-spec/, "Hash tags")
 */
static bool
has_tag(const char *stream)
{
	const char *open = strchr(stream, '{');
	const char *close = open == NULL ? NULL : strchr(open, '}');

	return (close != NULL && close > open + 1);
}

bool
redis_entry_name_ok(const char *stream)
{
	return (strpbrk(stream, "{}") == NULL || has_tag(stream));
}

int
redis_entry_key(const struct redis_stream *stream, const char *key,
    char **ret_key)
{
	bool tag = has_tag(stream->name);

	return (asprintf(ret_key, "%s%s%s:d:%s", tag ? "" : "{", stream->name,
		    tag ? "" : "}", key) == -1
		    ? -1
		    : 0);
}

/* -- The command -- */

/* Numbers of a command, as text. */
struct numbers {
	char dedup_ms[24];
	char maxlen[24];
};

/* What XADD gets behind the stream. Returns how many words there are then. */
static size_t
add_entry(struct redis_word *words, size_t n, const struct redis_stream *stream,
    const struct message *m, struct numbers *numbers)
{
	if (stream->maxlen != 0) {
		(void)snprintf(numbers->maxlen, sizeof(numbers->maxlen),
		    "%" PRId64, stream->maxlen);
		words[n++] = redis_text("MAXLEN");
		words[n++] = redis_text("~");
		words[n++] = redis_text(numbers->maxlen);
	}
	words[n++] = redis_text("*");
	words[n++] = redis_text("body");
	words[n++] = (struct redis_word){ m->body, m->body_len };
	for (size_t i = 0; i < m->nattributes; i++) {
		words[n++] = redis_text(m->attributes[i].name);
		words[n++] = redis_text(m->attributes[i].value);
	}
	return (n);
}

_Static_assert(12 + 2 * MESSAGE_ATTRIBUTES_MAX <= REDIS_WORDS_MAX,
    "a command has room for all attributes");

int
redis_entry_make(const struct redis_stream *stream, const char *sha,
    const struct message *m, void **ret_bytes, size_t *ret_len)
{
	struct redis_word words[REDIS_WORDS_MAX];
	struct numbers numbers;
	char *key = NULL;
	size_t n = 0;
	int rc;

	if (stream->dedup_ms == 0) {
		words[n++] = redis_text("XADD");
		words[n++] = redis_text(stream->name);
	} else {
		if (redis_entry_key(stream, m->key, &key) == -1)
			return (-1);
		(void)snprintf(numbers.dedup_ms, sizeof(numbers.dedup_ms),
		    "%" PRId64, stream->dedup_ms);
		words[n++] = redis_text("EVALSHA");
		words[n++] = redis_text(sha);
		words[n++] = redis_text("2");
		words[n++] = redis_text(stream->name);
		words[n++] = redis_text(key);
		words[n++] = redis_text(numbers.dedup_ms);
	}
	n = add_entry(words, n, stream, m, &numbers);
	rc = redis_command(words, n, ret_bytes, ret_len);
	free(key);
	return (rc);
}

/* -- Its answer -- */

/* Is it an entry's id, "MS-NUMBER"? */
static bool
is_id(const struct redis_value *value)
{
	size_t dashes = 0;

	if (value->kind != REDIS_STRING || value->len < 3 || value->len > 41)
		return (false);
	for (size_t i = 0; i < value->len; i++) {
		if (value->text[i] == '-')
			dashes++;
		else if (value->text[i] < '0' || value->text[i] > '9')
			return (false);
	}
	return (dashes == 1);
}

enum redis_added
redis_entry_added(const struct redis_stream *stream,
    const struct redis_answer *answer, char ret_text[REDIS_ADDED_MAX])
{
	const struct redis_value *id = &answer->value;
	bool before = false;

	if (stream->dedup_ms != 0) {
		if (answer->nitems != 2 ||
		    answer->items[1].kind != REDIS_INTEGER)
			return (REDIS_ADDED_NOT);
		id = &answer->items[0];
		before = answer->items[1].number != 0;
	}
	if (!is_id(id))
		return (REDIS_ADDED_NOT);
	(void)snprintf(ret_text, REDIS_ADDED_MAX, "%s%s", id->text,
	    before ? ", added before" : "");
	return (before ? REDIS_ADDED_BEFORE : REDIS_ADDED);
}
