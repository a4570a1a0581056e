#include <stdbool.h>
#include <string.h>

#include "store/base/parse.h"

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

#define DURATION_MAX (INT64_C(10) * 365 * DAY_MS)

/* -- Numbers -- */

static bool
is_digit(char c)
{
	return (c >= '0' && c <= '9');
}

/*
 * Read the digits at text, at least one, up to limit (10 or more). Returns
 * where they end, or NULL.
 */
static const char *
read_digits(const char *text, uint64_t limit, uint64_t *ret_value)
{
	uint64_t value = 0;
	const char *p = text;

	for (; is_digit(*p); p++) {
		uint64_t digit = (uint64_t)(*p - '0');

		if (value > (limit - digit) / 10)
			return (NULL);
		value = value * 10 + digit;
	}
	if (p == text)
		return (NULL);
	*ret_value = value;
	return (p);
}

int
parse_int(const char *text, int64_t min, int64_t max, int64_t *ret_value)
{
	bool negative = min < 0 && *text == '-';
	uint64_t magnitude;
	const char *end;
	int64_t value;

	/* The smallest integer has no positive counterpart. */
	end = read_digits(text + negative,
	    (uint64_t)INT64_MAX + (negative ? 1 : 0), &magnitude);
	if (end == NULL || *end != '\0')
		return (-1);
	if (!negative)
		value = (int64_t)magnitude;
	else if (magnitude > (uint64_t)INT64_MAX)
		value = INT64_MIN;
	else
		value = -(int64_t)magnitude;
	if (value < min || value > max)
		return (-1);
	*ret_value = value;
	return (0);
}

/*
 * A number times the factor of the unit that is the rest of the text, within
 * [min, max]. Units are tried in the table's order.
 */
struct unit {
	const char *name;
	int64_t factor;
};

static int
parse_units(const char *text, const struct unit *units, int64_t max,
    int64_t *ret_value)
{
	const char *end;
	uint64_t number;

	end = read_digits(text, (uint64_t)INT64_MAX, &number);
	if (end == NULL)
		return (-1);
	for (const struct unit *u = units; u->name != NULL; u++) {
		if (strcmp(end, u->name) != 0)
			continue;
		if (max < 0 || number > (uint64_t)(max / u->factor))
			return (-1);
		*ret_value = (int64_t)number * u->factor;
		return (0);
	}
	return (-1);
}

int
parse_size(const char *text, int64_t min, int64_t max, int64_t *ret_bytes)
{
	static const struct unit units[] = {
		{ "", 1 },
		{ "k", INT64_C(1) << 10 },
		{ "K", INT64_C(1) << 10 },
		{ "m", INT64_C(1) << 20 },
		{ "M", INT64_C(1) << 20 },
		{ "g", INT64_C(1) << 30 },
		{ "G", INT64_C(1) << 30 },
		{ NULL, 0 },
	};
	int64_t bytes;

	if (parse_units(text, units, max, &bytes) == -1 || bytes < min)
		return (-1);
	*ret_bytes = bytes;
	return (0);
}

int
parse_duration(const char *text, int64_t *ret_ms)
{
	static const struct unit units[] = {
		{ "ms", 1 },
		{ "s", SECOND_MS },
		{ "m", MINUTE_MS },
		{ "h", HOUR_MS },
		{ "d", DAY_MS },
		{ NULL, 0 },
	};

	if (strcmp(text, "0") == 0) {
		*ret_ms = 0;
		return (0);
	}
	return (parse_units(text, units, DURATION_MAX, ret_ms));
}

/* -- Times -- */

/* What is left to read of a time. */
struct cursor {
	const char *at;
	const char *end;
};

/* Exactly n digits. Returns their value, or -1. */
static int
take_number(struct cursor *cur, int n)
{
	int value = 0;

	if (cur->end - cur->at < n)
		return (-1);
	for (; n > 0; n--, cur->at++) {
		if (!is_digit(*cur->at))
			return (-1);
		value = value * 10 + (*cur->at - '0');
	}
	return (value);
}

/* Does one of these characters come next? If so go past it. */
static bool
take_char(struct cursor *cur, const char *set)
{
	if (cur->at == cur->end || *cur->at == '\0' ||
	    strchr(set, *cur->at) == NULL)
		return (false);
	cur->at++;
	return (true);
}

static bool
is_leap(int64_t year)
{
	return (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
}

static int
month_days(int64_t year, int month)
{
	static const signed char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30,
		31, 30, 31 };

	return (days[month - 1] + (month == 2 && is_leap(year)));
}

/*
 * Days from 1970-01-01 in the Gregorian calendar, for years from 0. Years are
 * counted from March, so that the leap day is the last one of its year and
 * the days before a month follow one line: (153 m + 2) / 5.
 */
static int64_t
days_from_date(int64_t year, int month, int day)
{
	int64_t y = year + 399 + (month > 2); /* never negative */
	int64_t m = (month + 9) % 12;

	return (y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 +
		(day - 1) - (719468 + 146097));
}

/* "2026-06-25" as days from 1970-01-01. */
static int
take_date(struct cursor *cur, int64_t *ret_days)
{
	int year, month, day;

	if ((year = take_number(cur, 4)) == -1 || !take_char(cur, "-") ||
	    (month = take_number(cur, 2)) == -1 || !take_char(cur, "-") ||
	    (day = take_number(cur, 2)) == -1)
		return (-1);
	if (month < 1 || month > 12 || day < 1 || day > month_days(year, month))
		return (-1);
	*ret_days = days_from_date(year, month, day);
	return (0);
}

/* "09:14:11.25" as ms from midnight. */
static int
take_clock(struct cursor *cur, int64_t *ret_ms)
{
	int hour, minute, second;
	int64_t weight = SECOND_MS / 10;
	int64_t fraction = 0;

	if ((hour = take_number(cur, 2)) == -1 || !take_char(cur, ":") ||
	    (minute = take_number(cur, 2)) == -1 || !take_char(cur, ":") ||
	    (second = take_number(cur, 2)) == -1)
		return (-1);
	if (hour > 23 || minute > 59 || second > 60)
		return (-1);
	if (take_char(cur, ".")) {
		if (cur->at == cur->end || !is_digit(*cur->at))
			return (-1);
		for (; cur->at < cur->end && is_digit(*cur->at); cur->at++) {
			fraction += weight * (*cur->at - '0');
			weight /= 10; /* 0 after the third */
		}
	}
	*ret_ms =
	    hour * HOUR_MS + minute * MINUTE_MS + second * SECOND_MS + fraction;
	return (0);
}

/* "Z", "+07:00" or "-0330" as ms east of UTC. */
static int
take_offset(struct cursor *cur, int64_t *ret_ms)
{
	int hour, minute;
	bool west;

	if (take_char(cur, "Zz")) {
		*ret_ms = 0;
		return (0);
	}
	west = take_char(cur, "-");
	if (!west && !take_char(cur, "+"))
		return (-1);
	if ((hour = take_number(cur, 2)) == -1)
		return (-1);
	(void)take_char(cur, ":");
	if ((minute = take_number(cur, 2)) == -1 || hour > 23 || minute > 59)
		return (-1);
	*ret_ms = hour * HOUR_MS + minute * MINUTE_MS;
	if (west)
		*ret_ms = -*ret_ms;
	return (0);
}

int
parse_time_utc(const char *text, size_t len, int64_t *ret_ms, bool *ret_zone)
{
	struct cursor cur = { text, text + len };
	int64_t days, clock, offset = 0;
	bool zone;

	if (take_date(&cur, &days) == -1 || !take_char(&cur, "Tt ") ||
	    take_clock(&cur, &clock) == -1)
		return (-1);
	zone = cur.at != cur.end;
	if (zone && (take_offset(&cur, &offset) == -1 || cur.at != cur.end))
		return (-1);
	*ret_ms = days * DAY_MS + clock - offset;
	*ret_zone = zone;
	return (0);
}

int
parse_time(const char *text, size_t len, int64_t *ret_ms)
{
	int64_t ms;
	bool zone;

	if (parse_time_utc(text, len, &ms, &zone) == -1 || !zone)
		return (-1);
	*ret_ms = ms;
	return (0);
}

/* Write value as n digits and then sep. Returns where the text goes on. */
static char *
put_number(char *p, int64_t value, int n, char sep)
{
	for (int i = n - 1; i >= 0; i--) {
		p[i] = (char)('0' + value % 10);
		value /= 10;
	}
	p[n] = sep;
	return (p + n + 1);
}

/* The inverse of days_from_date(), for days from the year 0 on. */
static void
date_from_days(int64_t days, int64_t *ret_year, int64_t *ret_month,
    int64_t *ret_day)
{
	int64_t shifted = days + 719468 + 146097; /* from 1 March -400 */
	int64_t era = shifted / 146097;           /* of 400 years */
	int64_t doe = shifted % 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t m = (5 * doy + 2) / 153; /* from March */

	*ret_day = doy - (153 * m + 2) / 5 + 1;
	*ret_month = m < 10 ? m + 3 : m - 9;
	*ret_year = yoe + era * 400 - 400 + (*ret_month <= 2);
}

char *
format_time(int64_t at_ms, char ret_text[FORMAT_TIME_MAX])
{
	int64_t year, month, day, days, ms;
	char *p = ret_text;

	days = at_ms / DAY_MS - (at_ms % DAY_MS < 0);
	if (days < days_from_date(0, 1, 1) ||
	    days > days_from_date(9999, 12, 31)) {
		memcpy(ret_text, "-", sizeof("-"));
		return (ret_text);
	}
	ms = at_ms - days * DAY_MS;
	date_from_days(days, &year, &month, &day);
	p = put_number(p, year, 4, '-');
	p = put_number(p, month, 2, '-');
	p = put_number(p, day, 2, 'T');
	p = put_number(p, ms / HOUR_MS, 2, ':');
	p = put_number(p, ms / MINUTE_MS % 60, 2, ':');
	p = put_number(p, ms / SECOND_MS % 60, 2, '.');
	p = put_number(p, ms % SECOND_MS, 3, 'Z');
	*p = '\0';
	return (ret_text);
}
