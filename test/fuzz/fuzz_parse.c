#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/http_date.h"
#include "store/base/parse.h"
#include "test/fuzz/fuzz.h"

static void
promise(bool kept)
{
	if (!kept)
		abort();
}

/* A time within four digits of years is written and read back the same. */
static void
check_time(const uint8_t *data, size_t size)
{
	char text[FORMAT_TIME_MAX];
	int64_t at_ms, back;

	if (parse_time((const char *)data, size, &at_ms) == -1)
		return;
	format_time(at_ms, text);
	/* An offset may lead just out of the years 0 to 9999. */
	if (strcmp(text, "-") == 0)
		return;
	promise(parse_time(text, strlen(text), &back) == 0 && back == at_ms);
}

/* A date of HTTP lies within the years 0 to 9999, and now leads no further. */
static void
check_http_date(const char *text)
{
	int64_t at_ms;

	if (http_date_parse(text, INT64_C(1767225600000), &at_ms) == 0)
		promise(at_ms >= INT64_C(-62167219200000) &&
			at_ms <= INT64_C(253402387200000));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;
	int64_t value;

	check_time(data, size);
	if ((text = malloc(size + 1)) == NULL)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	check_http_date(text);
	if (parse_int(text, INT64_MIN, INT64_MAX, &value) == 0)
		promise(value == strtoll(text, NULL, 10));
	if (parse_int(text, -7, 1000, &value) == 0)
		promise(value >= -7 && value <= 1000);
	if (parse_size(text, 10, 1 << 20, &value) == 0)
		promise(value >= 10 && value <= 1 << 20);
	if (parse_duration(text, &value) == 0)
		promise(value >= 0 && value <= INT64_C(315360000000));
	free(text);
	return (0);
}
