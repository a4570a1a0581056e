/*
 * parse.h -- strict numbers, sizes, durations and times from text.
 *
 * Pure: libc only, no locale, no state. Each takes a whole string: anything
 * before or after the value is an error. Results are written only on success.
 */
#ifndef STORE_BASE_PARSE_H
#define STORE_BASE_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A decimal integer of digits only (one leading '-' is allowed when min is
 * negative), within [min, max]. Returns 0, or -1.
 */
int parse_int(const char *text, int64_t min, int64_t max, int64_t *ret_value);

/*
 * Bytes: digits and an optional k, m or g (powers of 1024, either case),
 * within [min, max]. Returns 0, or -1.
 */
int parse_size(const char *text, int64_t min, int64_t max, int64_t *ret_bytes);

/*
 * A duration in ms: digits and one of ms, s, m, h, d; a bare 0 is allowed,
 * any other number needs its unit. At most 10 years. Returns 0, or -1.
 */
int parse_duration(const char *text, int64_t *ret_ms);

/*
 * A point in time in ms since the epoch, UTC, from RFC 3339 (section 5.6) as
 * systems write it: 'T', 't' or a blank between date and time, any number of
 * fraction digits (cut to ms), 'Z', 'z' or an offset with or without its
 * colon. A time without an offset is refused: it names no point in time.
 * Leap second :60 is read as the following second. Returns 0, or -1.
 */
int parse_time(const char *text, size_t len, int64_t *ret_ms);

/*
 * The same, but a time without an offset is taken for UTC; *ret_zone says
 * whether it had one. Returns 0, or -1.
 */
int parse_time_utc(const char *text, size_t len, int64_t *ret_ms,
    bool *ret_zone);

/* Room for what format_time() writes, its NUL included. */
#define FORMAT_TIME_MAX 32

/*
 * Write at_ms as RFC 3339 in UTC with milliseconds, "2026-06-25T09:14:11.000Z".
 * Times outside the years 0 to 9999 are written as "-". Returns ret_text.
 */
char *format_time(int64_t at_ms, char ret_text[FORMAT_TIME_MAX]);

#endif /* STORE_BASE_PARSE_H */
