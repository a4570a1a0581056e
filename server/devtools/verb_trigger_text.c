#include <stdio.h>

#include "server/auth/signature.h"
#include "server/devtools/verb_trigger.h"
#include "store/base/hex.h"

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
	for (const char *p = text; *p != '\0'; p++)
		(void)putchar((unsigned char)*p < 0x20 || *p == 0x7f ||
				      (unsigned char)*p >= 0x80
				  ? '?'
				  : *p);
}
