#include "test/lib/config_case.h"

#include <sys/stat.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "handlers/registry.h"
#include "test/lib/cmocka_all.h"

/* config_error_fn */
static void
case_error_cb(const char *line, void *arg)
{
	struct config_case *c = arg;
	size_t len = strlen(c->reported);

	(void)snprintf(c->reported + len, sizeof(c->reported) - len, "%s\n",
	    line);
}

int
config_case_setup(void **state)
{
	struct config_case *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return (-1);
	strcpy(c->dir, "/tmp/test_config.XXXXXX");
	if (mkdtemp(c->dir) == NULL)
		return (-1);
	(void)snprintf(c->file, sizeof(c->file), "%s/c.ini", c->dir);
	c->src.types = handler_types;
	c->src.env = c->env;
	c->src.flags = c->flags;
	c->env[0] = CONFIG_CASE_SECRET;
	*state = c;
	return (0);
}

int
config_case_teardown(void **state)
{
	struct config_case *c = *state;
	DIR *dir = opendir(c->dir);
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		(void)unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir != NULL)
		(void)closedir(dir);
	(void)rmdir(c->dir);
	free(c);
	return (0);
}

void
config_case_write(struct config_case *c, const char *name, const char *text)
{
	char path[128];
	FILE *out;

	(void)snprintf(path, sizeof(path), "%s/%s", c->dir, name);
	out = fopen(path, "w");
	assert_non_null(out);
	assert_int_equal(fputs(text, out) >= 0, 1);
	assert_int_equal(fclose(out), 0);
}

struct config *
config_case_load(struct config_case *c, const char *ini)
{
	struct config *cfg;

	if (ini != NULL) {
		config_case_write(c, "c.ini", ini);
		c->src.path = c->file;
	}
	c->reported[0] = '\0';
	cfg = config_load(&c->src, case_error_cb, c);
	for (size_t i = 0; cfg != NULL && i < cfg->warnings.n; i++)
		case_error_cb(cfg->warnings.items[i], c);
	return (cfg);
}

struct config *
config_case_load_good(struct config_case *c, const char *ini)
{
	struct config *cfg = config_case_load(c, ini);

	if (cfg == NULL)
		fail_msg("%s", c->reported);
	assert_string_equal(c->reported, "");
	return (cfg);
}

/* "orders, forward, exec": which there are depends on the build. */
static size_t
put_types(const struct config_case *c, size_t size, char *ret_text)
{
	const struct handler *const *types = c->src.types;
	size_t at = 0;

	for (size_t i = 0; types[i] != NULL; i++)
		at += (size_t)snprintf(ret_text + at, size - at, "%s%s",
		    i == 0 ? "" : ", ", types[i]->type);
	return (at);
}

static void
assert_reported(struct config_case *c, const char *lines)
{
	char expected[CONFIG_CASE_TEXT_MAX] = "";
	size_t at = 0;

	for (; *lines != '\0'; lines++) {
		if (*lines == '%')
			at += (size_t)snprintf(expected + at,
			    sizeof(expected) - at, "%s", c->file);
		else if (*lines == '^')
			at +=
			    put_types(c, sizeof(expected) - at, expected + at);
		else {
			expected[at++] = *lines;
			expected[at] = '\0';
		}
	}
	assert_string_equal(c->reported, expected);
}

void
config_case_errors(struct config_case *c, const char *ini, const char *lines)
{
	assert_null(config_case_load(c, ini));
	assert_reported(c, lines);
}

struct config *
config_case_warnings(struct config_case *c, const char *ini, const char *lines)
{
	struct config *cfg = config_case_load(c, ini);

	if (cfg == NULL)
		fail_msg("%s", c->reported);
	assert_reported(c, lines);
	return (cfg);
}
