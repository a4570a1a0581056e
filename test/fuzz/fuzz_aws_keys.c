#include <stdlib.h>
#include <string.h>

#include "handlers/queue/aws_keys.h"
#include "test/fuzz/fuzz.h"

/* Keys are whole, and of printable ASCII; or nothing is left of them. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct aws_keys none;
	static struct aws_keys keys;

	if (aws_keys_read((const char *)data, size, &keys) == -1) {
		if (memcmp(&keys, &none, sizeof(none)) != 0)
			abort();
		return (0);
	}
	if (keys.id[0] == '\0' || keys.secret[0] == '\0' ||
	    strpbrk(keys.id, " \r\n") != NULL ||
	    strpbrk(keys.token, " \r\n") != NULL)
		abort();
	return (0);
}
