#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/auth/signature.h"
#include "server/base/log.h"
#include "server/devtools/verb_trigger.h"
#include "store/base/hex.h"

/* As long as klikit's are, and unlikely to be those of another run. */
#define ORDER_ID_MIN 10000000
#define ORDER_ID_MAX 90000000

int
trigger_event_id(char ret_id[TRIGGER_EVENT_ID_LEN])
{
	unsigned char bytes[16];
	char hex[2 * sizeof(bytes) + 1];

	if (signature_random(bytes, sizeof(bytes)) == -1)
		return (-1);
	bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40);
	bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
	hex_encode(bytes, sizeof(bytes), hex);
	(void)snprintf(ret_id, TRIGGER_EVENT_ID_LEN,
	    "test-%.8s-%.4s-%.4s-%.4s-%s", hex, hex + 8, hex + 12, hex + 16,
	    hex + 20);
	return (0);
}

/* JSON on one line is printed as it is; quotes are no danger here. */
void
trigger_print_text(const char *text)
{
	size_t max = 4 * strlen(text) + 1; /* every byte as \xNN */
	char *shown = malloc(max);

	if (shown == NULL)
		return;
	log_escape(text, strlen(text), shown, max);
	(void)fputs(shown, stdout);
	free(shown);
}

int64_t
trigger_order_id(size_t n)
{
	static int64_t next;
	unsigned char random[4];
	int64_t id;

	if (next == 0) {
		if (signature_random(random, sizeof(random)) == -1)
			return (-1);
		next = ORDER_ID_MIN;
		for (size_t i = 0; i < sizeof(random); i++)
			next += (int64_t)random[i] << (8 * i);
		next = ORDER_ID_MIN + next % (ORDER_ID_MAX - ORDER_ID_MIN);
	}
	id = next;
	next += n == 0 ? 1 : (int64_t)n;
	return (id);
}
