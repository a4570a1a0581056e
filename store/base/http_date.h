/*
 * http_date.h -- points in time as HTTP writes them.
 *
 * Pure: libc only, no locale, no state.
 */
#ifndef STORE_BASE_HTTP_DATE_H
#define STORE_BASE_HTTP_DATE_H

#include <stdint.h>

/*
 * A date in any of the three forms of RFC 9110, section 5.6.7, of which the
 * whole of text must be one:
 *
 *	Sun, 06 Nov 1994 08:49:37 GMT
 *	Sunday, 06-Nov-94 08:49:37 GMT
 *	Sun Nov  6 08:49:37 1994
 *
 * A year of two digits is the one that lies less than 50 years after now_ms,
 * else in the past. The weekday is not compared with the date. A leap second
 * is read as the following second. Returns 0 and the ms since the epoch, or
 * -1.
 */
int http_date_parse(const char *text, int64_t now_ms, int64_t *ret_ms);

#endif /* STORE_BASE_HTTP_DATE_H */
