#include <string.h>

#include "store/base/parse.h"
#include "store/order.h"

/* Write the low n bytes of value, the greatest first. Returns the end. */
static unsigned char *
put_big_endian(unsigned char *p, uint64_t value, int n)
{
	while (n-- > 0)
		*p++ = (unsigned char)(value >> 8 * n);
	return (p);
}

void
order_key(const struct order_version *v, unsigned char ret_key[ORDER_KEY_LEN])
{
	unsigned char *p = ret_key;
	uint64_t time_bits = 0;
	bool has_time = false;
	int64_t at_ms;

	if (v->updated_at != NULL &&
	    parse_time(v->updated_at, strlen(v->updated_at), &at_ms) == 0) {
		has_time = true;
		/* The sign bit flipped, negative numbers sort first. */
		time_bits = (uint64_t)at_ms ^ UINT64_C(1) << 63;
	}
	p = put_big_endian(p, has_time, 1);
	p = put_big_endian(p, time_bits, 8);
	p = put_big_endian(p, v->terminal, 1);
	p = put_big_endian(p, v->status_event, 1);
	memcpy(p, v->digest, ORDER_DIGEST_LEN);
	p += ORDER_DIGEST_LEN;
	(void)put_big_endian(p, v->place, 4);
}
