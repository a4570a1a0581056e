#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "server/auth/signature.h"
#include "store/base/hex.h"
#include "test/fuzz/fuzz.h"

static void
promise(bool kept)
{
	if (!kept)
		abort();
}

/* A value that parses is the lower-case hex of what it gave. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned char zero[SIGNATURE_LEN];
	unsigned char mac[SIGNATURE_LEN];
	char text[SIGNATURE_TEXT_LEN + 1];
	char *value;

	if ((value = malloc(size + 1)) == NULL)
		abort();
	memcpy(value, data, size);
	value[size] = '\0';
	if (signature_parse(value, mac) == 0) {
		hex_encode(mac, sizeof(mac), text);
		promise(strcmp(value, text) == 0);
	} else {
		promise(signature_equal(mac, zero));
	}
	free(value);
	return (0);
}
