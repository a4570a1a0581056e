#include <stdlib.h>
#include <string.h>

#include "server/cli/mount_info.h"
#include "test/fuzz/fuzz.h"

static void
promise(bool kept)
{
	if (!kept)
		abort();
}

/* The first line of the input is the path, the rest the mounts. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *mounts;
	struct mount_info mount;
	struct mount_flaw flaw;
	unsigned n = 0;

	if (text == NULL)
		return (0);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	mounts = text + strcspn(text, "\n");
	if (*mounts != '\0')
		*mounts++ = '\0';
	if (mount_info_find(mounts, text, &mount) == 0) {
		promise(mount.place[0] == '/');
		promise(strlen(mount.place) == 1 ||
			strncmp(text, mount.place, strlen(mount.place)) == 0);
		while (mount_info_flaw(&mount, n, &flaw))
			n++;
		promise(n < 8);
	}
	free(text);
	return (0);
}
