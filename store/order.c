#include <string.h>

#include "store/base/parse.h"
#include "store/order.h"

/* Where the parts of a key begin. */
#define AT_TERMINAL 9
#define AT_STATUS_EVENT 14

/* The same in a key of before schema 5, whose digest follows. */
#define OLD_KEY_LEN (1 + 8 + 1 + 1 + ORDER_DIGEST_LEN + 4)
#define OLD_AT_TERMINAL 9
#define OLD_AT_STATUS_EVENT 10

/* Write the low n bytes of value, the greatest first. Returns the end. */
static unsigned char *
put_big_endian(unsigned char *p, uint64_t value, int n)
{
	while (n-- > 0)
		*p++ = (unsigned char)(value >> 8 * n);
	return (p);
}

/* Read a time. Returns 0, or -1 if there is none. */
static int
read_time(const char *text, int64_t *ret_ms, bool *ret_zone)
{
	return (text == NULL
		    ? -1
		    : parse_time_utc(text, strlen(text), ret_ms, ret_zone));
}

void
order_key(const struct order_version *v, unsigned char ret_key[ORDER_KEY_LEN])
{
	unsigned char *p = ret_key;
	uint64_t time_bits = 0;
	bool has_time = false, zone;
	int64_t at_ms;

	if (read_time(v->updated_at, &at_ms, &zone) == 0) {
		has_time = true;
		/* The sign bit flipped, negative numbers sort first. */
		time_bits = (uint64_t)at_ms ^ UINT64_C(1) << 63;
	}
	p = put_big_endian(p, has_time, 1);
	p = put_big_endian(p, time_bits, 8);
	p = put_big_endian(p, v->terminal, 1);
	p = put_big_endian(p, v->rank, 4);
	p = put_big_endian(p, v->status_event, 1);
	p = put_big_endian(p, (uint64_t)v->event, 8);
	(void)put_big_endian(p, v->place, 4);
}

uint32_t
order_rank(const char *status, const char *const *codes, size_t n)
{
	int64_t number;

	if (status == NULL)
		return (0);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(codes[i], status) == 0)
			return ((uint32_t)i + 1);
	}
	if (n > 0 || status[0] == '\0' ||
	    status[strspn(status, "0123456789")] != '\0')
		return (0);
	return (parse_int(status, 0, UINT32_MAX, &number) == 0
		    ? (uint32_t)number
		    : UINT32_MAX);
}

bool
order_time_lacks_zone(const char *updated_at)
{
	int64_t at_ms;
	bool zone;

	return (read_time(updated_at, &at_ms, &zone) == 0 && !zone);
}

void
order_key_renew(const void *old, size_t old_len, const struct order_version *v,
    unsigned char ret_key[ORDER_KEY_LEN])
{
	unsigned char was[OLD_KEY_LEN] = { 0 };

	if (old_len == sizeof(was))
		memcpy(was, old, sizeof(was));
	order_key(v, ret_key);
	if (ret_key[0] == 0)
		memcpy(ret_key, was, AT_TERMINAL); /* the time */
	ret_key[AT_TERMINAL] = was[OLD_AT_TERMINAL];
	ret_key[AT_STATUS_EVENT] = was[OLD_AT_STATUS_EVENT];
}
