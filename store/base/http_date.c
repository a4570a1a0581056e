#include "store/base/http_date.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

static const char *const days[] = { "Sunday", "Monday", "Tuesday", "Wednesday",
	"Thursday", "Friday", "Saturday" };
static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

/* What has been read of a date, and where the rest begins. */
struct date {
	const char *at;
	struct tm tm;
	bool short_year; /* tm_year is only its last two digits */
};

static bool
take_text(struct date *d, const char *text, size_t len)
{
	if (strncmp(d->at, text, len) != 0)
		return (false);
	d->at += len;
	return (true);
}

/* A number of n digits, up to max. */
static bool
take_number(struct date *d, int n, int max, int *ret_value)
{
	int value = 0;

	for (; n > 0; n--, d->at++) {
		if (*d->at < '0' || *d->at > '9')
			return (false);
		value = 10 * value + (*d->at - '0');
	}
	*ret_value = value;
	return (value <= max);
}

/* A weekday, whole or its first three letters. */
static bool
take_weekday(struct date *d, bool whole)
{
	for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
		if (take_text(d, days[i], whole ? strlen(days[i]) : 3))
			return (true);
	}
	return (false);
}

static bool
take_month(struct date *d)
{
	for (int i = 0; i < 12; i++) {
		if (take_text(d, months[i], 3)) {
			d->tm.tm_mon = i;
			return (true);
		}
	}
	return (false);
}

static bool
take_year(struct date *d, bool whole)
{
	d->short_year = !whole;
	if (!take_number(d, whole ? 4 : 2, 9999, &d->tm.tm_year))
		return (false);
	d->tm.tm_year -= whole ? 1900 : 0;
	return (true);
}

static bool
take_day(struct date *d)
{
	return (take_number(d, 2, 31, &d->tm.tm_mday) && d->tm.tm_mday > 0);
}

/* "08:49:37" */
static bool
take_clock(struct date *d)
{
	return (take_number(d, 2, 23, &d->tm.tm_hour) && take_text(d, ":", 1) &&
		take_number(d, 2, 59, &d->tm.tm_min) && take_text(d, ":", 1) &&
		take_number(d, 2, 60, &d->tm.tm_sec));
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
static bool
take_fixdate(struct date *d)
{
	return (take_weekday(d, false) && take_text(d, ", ", 2) &&
		take_day(d) && take_text(d, " ", 1) && take_month(d) &&
		take_text(d, " ", 1) && take_year(d, true) &&
		take_text(d, " ", 1) && take_clock(d) &&
		take_text(d, " GMT", 4));
}

/* "Sunday, 06-Nov-94 08:49:37 GMT" */
static bool
take_rfc850(struct date *d)
{
	return (take_weekday(d, true) && take_text(d, ", ", 2) && take_day(d) &&
		take_text(d, "-", 1) && take_month(d) && take_text(d, "-", 1) &&
		take_year(d, false) && take_text(d, " ", 1) && take_clock(d) &&
		take_text(d, " GMT", 4));
}

/* "Sun Nov  6 08:49:37 1994" */
static bool
take_asctime(struct date *d)
{
	if (!take_weekday(d, false) || !take_text(d, " ", 1) ||
	    !take_month(d) || !take_text(d, " ", 1))
		return (false);
	if (take_text(d, " ", 1)
		? !take_number(d, 1, 9, &d->tm.tm_mday) || d->tm.tm_mday == 0
		: !take_day(d))
		return (false);
	return (take_text(d, " ", 1) && take_clock(d) && take_text(d, " ", 1) &&
		take_year(d, true));
}

/* The whole year of one with two digits, seen at now. */
static int
whole_year(int year, int64_t now_ms)
{
	time_t now = (time_t)(now_ms / 1000);
	struct tm tm;
	int this_year;

	if (gmtime_r(&now, &tm) == NULL)
		return (year);
	this_year = tm.tm_year;
	year += this_year - this_year % 100;
	if (year - this_year >= 50)
		year -= 100;
	else if (this_year - year > 50)
		year += 100;
	return (year);
}

int
http_date_parse(const char *text, int64_t now_ms, int64_t *ret_ms)
{
	static bool (*const forms[])(
	    struct date *) = { take_fixdate, take_rfc850, take_asctime };
	struct date d;

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		d = (struct date){ .at = text };
		if (!forms[i](&d) || *d.at != '\0')
			continue;
		if (d.short_year)
			d.tm.tm_year = whole_year(d.tm.tm_year, now_ms);
		*ret_ms = (int64_t)timegm(&d.tm) * 1000;
		return (0);
	}
	return (-1);
}
