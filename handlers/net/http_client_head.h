/*
 * http_client_head.h -- values of an answer's head (pure).
 */
#ifndef HANDLERS_HTTP_CLIENT_HEAD_H
#define HANDLERS_HTTP_CLIENT_HEAD_H

#include <stddef.h>
#include <stdint.h>

#define HTTP_CLIENT_WAIT_MAX (86400 * 1000LL) /* of Retry-After, in ms */

/*
 * What time it was where the answer was made, by its Date, in ms since the
 * epoch; 0 if that is empty or makes no sense. now_ms is for years of two
 * digits.
 */
int64_t client_head_date(const char *date, int64_t now_ms);

/*
 * The wait that a Retry-After asks for, seconds or an HTTP date, in ms, capped
 * to HTTP_CLIENT_WAIT_MAX; 0 if it asks for none or makes no sense.
 */
int64_t client_head_wait(const char *value, int64_t now_ms);

/*
 * Copy a header's value, cut to what fits, with '?' for what is not printable
 * ASCII.
 */
void client_head_copy(const char *value, size_t size, char *ret_text);

#endif /* HANDLERS_HTTP_CLIENT_HEAD_H */
