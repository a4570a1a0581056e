#include "server/base/when.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "store/base/parse.h"

#define DATE_LEN (sizeof("2026-11-28") - 1)
#define MINUTE_LEN (sizeof("2026-11-28T14:00") - 1)
#define SECOND_LEN (sizeof("2026-11-28T14:00:00") - 1)

/* A time without a zone, made whole: its hours and seconds may be missing. */
static int
fill_up(const char *text, char ret_whole[SECOND_LEN + 1])
{
	static const char rest[] = "0000-00-00T00:00:00";
	size_t len = strlen(text);

	if (len != DATE_LEN && len != MINUTE_LEN && len != SECOND_LEN)
		return (-1);
	memcpy(ret_whole, rest, sizeof(rest));
	memcpy(ret_whole, text, len);
	return (0);
}

/* The wall time that was read as if it were UTC, in the zone of the machine. */
static int
to_local(int64_t utc_ms, int64_t *ret_ms)
{
	time_t at = (time_t)(utc_ms / 1000);
	struct tm tm;

	if (gmtime_r(&at, &tm) == NULL)
		return (-1);
	tm.tm_isdst = -1;
	if ((at = mktime(&tm)) == (time_t)-1)
		return (-1);
	*ret_ms = (int64_t)at * 1000;
	return (0);
}

int
when_parse(const char *text, int64_t now_ms, bool utc, int64_t *ret_ms)
{
	char whole[SECOND_LEN + 1];
	int64_t ms;
	bool zone;

	if (parse_time(text, strlen(text), ret_ms) == 0)
		return (0);
	if (parse_duration(text, &ms) == 0) {
		*ret_ms = now_ms - ms;
		return (0);
	}
	if (fill_up(text, whole) == -1 ||
	    parse_time_utc(whole, strlen(whole), &ms, &zone) == -1)
		return (-1);
	if (!utc)
		return (to_local(ms, ret_ms));
	*ret_ms = ms;
	return (0);
}

/* Returns false where the year is beyond what the C library knows. */
static bool
broken_down(int64_t at_ms, bool utc, struct tm *ret_tm)
{
	time_t at = (time_t)(at_ms / 1000 - (at_ms % 1000 < 0));

	return (
	    (utc ? gmtime_r(&at, ret_tm) : localtime_r(&at, ret_tm)) != NULL);
}

char *
when_zone(int64_t at_ms, bool utc, char ret_zone[WHEN_ZONE_MAX])
{
	struct tm tm;

	if (utc || !broken_down(at_ms, utc, &tm) ||
	    strftime(ret_zone, WHEN_ZONE_MAX, "%Z", &tm) == 0)
		(void)snprintf(ret_zone, WHEN_ZONE_MAX, "UTC");
	return (ret_zone);
}

char *
when_format(int64_t at_ms, bool utc, enum when_form form,
    char ret_text[WHEN_MAX])
{
	char zone[WHEN_ZONE_MAX];
	struct tm tm;
	size_t len;

	if (!broken_down(at_ms, utc, &tm) ||
	    (len = strftime(ret_text, WHEN_MAX, "%Y-%m-%d %H:%M:%S", &tm)) ==
		0) {
		(void)snprintf(ret_text, WHEN_MAX, "-");
		return (ret_text);
	}
	if (form == WHEN_WHOLE)
		(void)snprintf(ret_text + len, WHEN_MAX - len, ".%03d %s",
		    (int)(((at_ms % 1000) + 1000) % 1000),
		    when_zone(at_ms, utc, zone));
	return (ret_text);
}

char *
when_words(int64_t duration_ms, char ret_text[WHEN_WORDS_MAX])
{
	static const struct {
		int64_t ms;
		const char *name;
	} units[] = {
		{ 86400000, "day" },
		{ 3600000, "hour" },
		{ 60000, "minute" },
		{ 1000, "second" },
		{ 1, "millisecond" },
	};
	size_t len = 0, said = 0;
	char count[24];
	int64_t n;

	ret_text[0] = '\0';
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]) && said < 2;
	     i++) {
		n = duration_ms / units[i].ms;
		duration_ms %= units[i].ms;
		if (n == 0 && (said > 0 || units[i].ms > 1))
			continue;
		(void)snprintf(count, sizeof(count), "%" PRId64, n);
		len += (size_t)snprintf(ret_text + len, WHEN_WORDS_MAX - len,
		    "%s%s %s%s", said++ > 0 ? " " : "", n == 1 ? "one" : count,
		    units[i].name, n == 1 ? "" : "s");
	}
	return (ret_text);
}
