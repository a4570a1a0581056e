/* What is kept of refused deliveries: whose data it may hold. */
#include <string.h>

#include "store/base/mention.h"
#include "store/ring.h"

static bool
names(const char *text, size_t len, const char *order_id)
{
	return (text != NULL && mention_finds(text, len, order_id));
}

/*
 * Can nobody say which orders the body is of? It was cut, or does not look like
 * the text of JSON.
 */
static bool
is_obscure(const struct ring_row *row)
{
	const char *body = row->body;
	size_t i = 0;

	if (row->body_len < row->size)
		return (true);
	while (i < row->body_len && body[i] != '\0' &&
	       strchr(" \t\r\n", body[i]) != NULL)
		i++;
	return (i < row->body_len &&
		((body[i] != '{' && body[i] != '[') ||
		    memchr(body, '\0', row->body_len) != NULL));
}

bool
ring_may_hold(const struct ring_row *row, const char *order_id)
{
	return (is_obscure(row) || names(row->body, row->body_len, order_id) ||
		names(row->headers, row->headers_len, order_id) ||
		names(row->diagnosis, row->diagnosis_len, order_id));
}
