#include <stdlib.h>
#include <string.h>

#include "handlers/queue/redis_codec.h"
#include "test/fuzz/fuzz.h"

/* A value's text is all there. */
static size_t
touch(const struct redis_value *value)
{
	size_t sum = 0;

	for (size_t i = 0; i < value->len; i++)
		sum += (unsigned char)value->text[i];
	if (value->text != NULL && value->text[value->len] != '\0')
		abort();
	return (sum);
}

/* All answers of the bytes; *ret_at is where reading ended, and how. */
static enum redis_read
read_all(const char *bytes, size_t size, size_t step, size_t *ret_at)
{
	struct redis_reader *r = redis_reader_new();
	size_t at = 0, len = 0, taken = 0, sum = 0;
	enum redis_read rc = REDIS_READ_MORE;
	struct redis_answer answer;
	const char *reason = NULL;

	while (r != NULL && (rc == REDIS_READ_ONE || len < size - at)) {
		if (rc != REDIS_READ_ONE)
			len += step < size - at - len ? step : size - at - len;
		rc = redis_reader_next(r, bytes + at, len, &taken, &answer,
		    &reason);
		if (rc == REDIS_READ_WRONG || rc == REDIS_READ_NO_MEMORY)
			break;
		if (rc == REDIS_READ_MORE && len > REDIS_ANSWER_MAX)
			abort(); /* it would grow without an end */
		if (rc == REDIS_READ_MORE)
			continue;
		if (taken == 0 || taken > len)
			abort();
		sum += touch(&answer.value);
		for (size_t i = 0; i < answer.nitems; i++)
			sum += touch(&answer.items[i]);
		at += taken;
		len -= taken;
	}
	if (rc == REDIS_READ_WRONG && (reason == NULL || reason[0] == '\0'))
		abort();
	redis_reader_free(r);
	*ret_at = at + (sum == SIZE_MAX);
	return (rc);
}

/* In whatever pieces answers come, they are the same answers. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	size_t whole_at, drip_at;
	enum redis_read whole, drip;

	whole = read_all(bytes, size, size, &whole_at);
	drip = read_all(bytes, size, size < 4096 ? 1 : 97, &drip_at);
	if (whole != drip || whole_at != drip_at)
		abort();
	return (0);
}
