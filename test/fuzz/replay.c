/*
 * Run a fuzz target over every file of the directories named as arguments.
 * Exits 1 if a directory cannot be read or holds no file.
 */
#include <dirent.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/fuzz/fuzz.h"

#define INPUT_MAX (4 * 1024 * 1024)

/* In memory of exactly its length, so that reading past the end is seen. */
static void
replay_file(const char *path)
{
	static uint8_t bytes[INPUT_MAX];
	uint8_t *input;
	size_t len;
	FILE *fp;

	if ((fp = fopen(path, "rb")) == NULL)
		err(1, "%s", path);
	len = fread(bytes, 1, sizeof(bytes), fp);
	if (ferror(fp) || !feof(fp))
		errx(1, "%s: cannot be read, or too large", path);
	fclose(fp);
	if ((input = malloc(len == 0 ? 1 : len)) == NULL)
		err(1, NULL);
	memcpy(input, bytes, len);
	(void)LLVMFuzzerTestOneInput(input, len);
	free(input);
}

static size_t
replay_dir(const char *name)
{
	const struct dirent *entry;
	char path[4096];
	size_t n = 0;
	DIR *dir;

	if ((dir = opendir(name)) == NULL)
		err(1, "%s", name);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", name, entry->d_name);
		replay_file(path);
		n++;
	}
	closedir(dir);
	return (n);
}

int
main(int argc, char **argv)
{
	if (argc < 2)
		errx(1, "name a directory of inputs");
	for (int i = 1; i < argc; i++) {
		if (replay_dir(argv[i]) == 0)
			errx(1, "%s: holds no input", argv[i]);
	}
	return (0);
}
