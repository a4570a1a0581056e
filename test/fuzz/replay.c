/*
 * A main() for fuzz targets in ordinary builds: each file of the directories
 * given is one input. Fails if there was none.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Run one file. Returns 0, or -1 if it cannot be read. */
static int
replay(const char *path)
{
	FILE *file;
	uint8_t *data = NULL;
	long len;
	int rc = -1;

	if ((file = fopen(path, "rb")) == NULL)
		return (-1);
	if (fseek(file, 0, SEEK_END) == 0 && (len = ftell(file)) >= 0 &&
	    fseek(file, 0, SEEK_SET) == 0 &&
	    (data = malloc((size_t)len + 1)) != NULL &&
	    fread(data, 1, (size_t)len, file) == (size_t)len) {
		(void)LLVMFuzzerTestOneInput(data, (size_t)len);
		rc = 0;
	}
	free(data);
	(void)fclose(file);
	return (rc);
}

/* Run every file of a directory. Returns how many; -1 on an error. */
static int
replay_all(const char *dir)
{
	char path[4096];
	struct dirent *entry;
	DIR *d;
	int n = 0;

	if ((d = opendir(dir)) == NULL)
		return (-1);
	while (n != -1 && (entry = readdir(d)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		n = replay(path) == 0 ? n + 1 : -1;
		if (n == -1)
			perror(path);
	}
	(void)closedir(d);
	return (n);
}

int
main(int argc, char **argv)
{
	int n;

	for (int i = 1; i < argc; i++)
		if ((n = replay_all(argv[i])) <= 0) {
			fprintf(stderr, "%s: no inputs\n", argv[i]);
			return (EXIT_FAILURE);
		}
	return (argc > 1 ? EXIT_SUCCESS : EXIT_FAILURE);
}
