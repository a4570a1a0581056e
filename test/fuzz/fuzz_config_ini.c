#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/config/config_ini.h"
#include "test/fuzz/fuzz.h"

/* What was read, written again with every value in quotes. */
struct canon {
	FILE *out;
	unsigned line;
};

static void
promise(bool kept)
{
	if (!kept)
		abort();
}

static bool
is_name(const char *text)
{
	return (
	    text[0] != '\0' &&
	    strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			 "0123456789-_.") == strlen(text));
}

/* config_ini_fn */
static int
write_cb(const struct config_ini_key *k, void *arg)
{
	struct canon *c = arg;

	promise(k->line >= 1 && k->line >= c->line);
	c->line = k->line;
	promise(k->section[0] == '\0' || is_name(k->section));
	promise(k->name[0] == '\0' || is_name(k->name));
	if (k->key == NULL) {
		fprintf(c->out, "[%s %s]\n", k->section, k->name);
		return (0);
	}
	promise(is_name(k->key));
	fprintf(c->out, "%s = \"", k->key);
	for (const char *p = k->value; *p != '\0'; p++) {
		promise((unsigned char)*p >= 0x20 || *p == '\t');
		if (*p == '"' || *p == '\\')
			fputc('\\', c->out);
		fputc(*p, c->out);
	}
	fprintf(c->out, "\"\n");
	return (0);
}

/* Read text and give its canonical form; NULL if it is malformed. */
static char *
canonical(const char *text, size_t len, size_t *ret_len)
{
	struct canon c = { .line = 0 };
	const char *error = NULL;
	unsigned line = 0;
	char *form = NULL;

	if ((c.out = open_memstream(&form, ret_len)) == NULL)
		abort();
	if (config_ini_read(text, len, write_cb, &c, &error, &line) == -1) {
		promise(error != NULL && line >= c.line);
		fclose(c.out);
		free(form);
		return (NULL);
	}
	fclose(c.out);
	return (form);
}

/* What was read reads the same when it is written in the plainest form. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *once, *twice;
	size_t len, again;

	if ((once = canonical((const char *)data, size, &len)) == NULL)
		return (0);
	twice = canonical(once, len, &again);
	promise(twice != NULL && len == again && memcmp(once, twice, len) == 0);
	free(once);
	free(twice);
	return (0);
}
