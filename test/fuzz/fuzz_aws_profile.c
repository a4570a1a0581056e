#include <stdlib.h>
#include <string.h>

#include "handlers/queue/aws_profile.h"
#include "test/fuzz/fuzz.h"

/* Of any bytes: what is read is one word, and belongs to a section. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum aws_profile_file files[] = { AWS_PROFILE_CREDENTIALS,
		AWS_PROFILE_CONFIG };
	static const char *const names[] = { "default", "shop" };
	static struct aws_profile p;

	for (size_t i = 0; i < 4; i++) {
		memset(&p, 0, sizeof(p));
		aws_profile_read(&p, (const char *)data, size, names[i % 2],
		    files[i / 2]);
		if (!p.found && (p.id[0] != '\0' || p.region[0] != '\0' ||
				    p.beyond != NULL))
			abort();
		if (strpbrk(p.id, " \t\r\n") != NULL ||
		    strpbrk(p.secret, " \t\r\n") != NULL ||
		    strpbrk(p.token, " \t\r\n") != NULL)
			abort();
	}
	return (0);
}
