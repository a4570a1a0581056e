/*
 * The text is read line by line. A key's value is gathered in `value' until
 * the next line that does not go on with it, and then handed out.
 */
#include "server/config/config_ini.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/utf8.h"

struct reader {
	config_ini_fn *fn;
	void *arg;
	const char *error;
	unsigned line;

	char *section;
	char *name;

	char *key; /* NULL: none is being gathered */
	unsigned key_line;
	bool quoted;
	char *value;
	size_t value_len;
	size_t value_max;
};

struct span {
	const char *text;
	size_t len;
};

static bool
is_blank(char c)
{
	return (c == ' ' || c == '\t');
}

static struct span
trim(struct span s)
{
	while (s.len > 0 && is_blank(s.text[0])) {
		s.text++;
		s.len--;
	}
	while (s.len > 0 && is_blank(s.text[s.len - 1]))
		s.len--;
	return (s);
}

static bool
is_name(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.text[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c >= '0' && c <= '9') || c == '-' || c == '_' ||
			c == '.'))
			return (false);
	}
	return (s.len > 0);
}

/* Remember the first reason; always -1. */
static int
fail(struct reader *r, const char *error)
{
	r->error = error;
	return (-1);
}

static int
set(struct reader *r, char **field, struct span s)
{
	char *copy;

	/* No strndup: the text is bytes with a length, not a string. */
	if ((copy = malloc(s.len + 1)) == NULL)
		return (fail(r, "out of memory"));
	memcpy(copy, s.text, s.len);
	copy[s.len] = '\0';
	free(*field);
	*field = copy;
	return (0);
}

/* It may be a header with a token, so no copy stays behind. */
static void
value_free(struct reader *r)
{
	if (r->value != NULL)
		explicit_bzero(r->value, r->value_max);
	free(r->value);
}

/* Add bytes to the value; it stays a string throughout. */
static int
value_add(struct reader *r, const char *text, size_t len)
{
	char *grown;
	size_t max;

	if (r->value_len + len + 1 > r->value_max) {
		max = 2 * (r->value_len + len + 1);
		if ((grown = malloc(max)) == NULL)
			return (fail(r, "out of memory"));
		if (r->value_len > 0)
			memcpy(grown, r->value, r->value_len);
		value_free(r);
		r->value = grown;
		r->value_max = max;
	}
	memcpy(r->value + r->value_len, text, len);
	r->value_len += len;
	r->value[r->value_len] = '\0';
	return (0);
}

/* The value is whole: hand it out. */
static int
flush(struct reader *r)
{
	struct config_ini_key key;
	int rc;

	if (r->key == NULL)
		return (0);
	key.section = r->section;
	key.name = r->name;
	key.key = r->key;
	key.value = r->value;
	key.quoted = r->quoted;
	key.line = r->key_line;
	rc = r->fn(&key, r->arg);
	free(r->key);
	r->key = NULL;
	return (rc);
}

/* Is there nothing in it, or only a comment? */
static bool
means_nothing(struct span s)
{
	s = trim(s);
	return (s.len == 0 || s.text[0] == ';' || s.text[0] == '#');
}

/* After the opening quote: the value up to the closing one, then nothing. */
static int
read_quoted(struct reader *r, struct span s)
{
	size_t i = 1;

	while (i < s.len && s.text[i] != '"') {
		if (s.text[i] == '\\') {
			if (++i == s.len ||
			    (s.text[i] != '"' && s.text[i] != '\\'))
				return (fail(r,
				    "in quotes, \\ may stand only before "
				    "\" or \\"));
		}
		if (value_add(r, s.text + i, 1) == -1)
			return (-1);
		i++;
	}
	if (i == s.len)
		return (fail(r, "the closing quote is missing"));
	s.text += i + 1;
	s.len -= i + 1;
	if (!means_nothing(s))
		return (fail(r, "text after the closing quote"));
	r->quoted = true;
	return (0);
}

static int
read_continuation(struct reader *r, struct span s)
{
	if (r->key == NULL)
		return (
		    fail(r, "an indented line goes on with the value before "
			    "it, and there is none"));
	if (r->quoted || s.text[0] == '"')
		return (fail(r, "a quoted value cannot go over lines"));
	if (r->value_len > 0 && value_add(r, " ", 1) == -1)
		return (-1);
	return (value_add(r, s.text, s.len));
}

static int
read_section(struct reader *r, struct span s)
{
	const char *end = memchr(s.text, ']', s.len);
	struct config_ini_key key;
	struct span section, name, rest;
	size_t i;

	if (end == NULL)
		return (fail(r, "the section's ] is missing"));
	rest.text = end + 1;
	rest.len = s.len - (size_t)(rest.text - s.text);
	if (!means_nothing(rest))
		return (fail(r, "text after the section's ]"));

	section.text = s.text + 1;
	section.len = (size_t)(end - section.text);
	section = trim(section);
	for (i = 0; i < section.len && !is_blank(section.text[i]); i++)
		continue;
	name.text = section.text + i;
	name.len = section.len - i;
	name = trim(name);
	section.len = i;
	if (!is_name(section) || (name.len > 0 && !is_name(name)))
		return (fail(r, "a section is [name] or [name name], of "
				"letters, digits, - _ and ."));
	if (set(r, &r->section, section) == -1 || set(r, &r->name, name) == -1)
		return (-1);

	memset(&key, 0, sizeof(key));
	key.section = r->section;
	key.name = r->name;
	key.value = "";
	key.line = r->line;
	return (r->fn(&key, r->arg));
}

static int
read_key(struct reader *r, struct span s)
{
	const char *equals = memchr(s.text, '=', s.len);
	struct span key, value;

	if (equals == NULL)
		return (fail(r, "neither a [section] nor key = value"));
	key.text = s.text;
	key.len = (size_t)(equals - s.text);
	key = trim(key);
	if (!is_name(key))
		return (fail(r, "a key is made of letters, digits, - _ and ."));
	value.text = equals + 1;
	value.len = s.len - (size_t)(value.text - s.text);

	if (set(r, &r->key, key) == -1)
		return (-1);
	r->key_line = r->line;
	r->quoted = false;
	r->value_len = 0;
	if (value_add(r, "", 0) == -1)
		return (-1);
	value = trim(value);
	if (value.len > 0 && value.text[0] == '"')
		return (read_quoted(r, value));
	return (value_add(r, value.text, value.len));
}

/* Only clean text is read further. */
static int
check_text(struct reader *r, struct span s)
{
	uint32_t code;
	size_t n;

	for (; s.len > 0; s.text += n, s.len -= n) {
		if ((n = utf8_next(s.text, s.len, &code)) == 0)
			return (fail(r, "not valid UTF-8"));
		if ((code < 0x20 && code != '\t') || code == 0x7f)
			return (fail(r, "a control character"));
	}
	return (0);
}

static int
read_line(struct reader *r, struct span s)
{
	bool indented = s.len > 0 && is_blank(s.text[0]);
	struct span bare = trim(s);

	if (check_text(r, s) == -1)
		return (-1);
	if (means_nothing(bare))
		return (0);
	if (indented)
		return (read_continuation(r, bare));
	if (flush(r) == -1)
		return (-1);
	return (
	    bare.text[0] == '[' ? read_section(r, bare) : read_key(r, bare));
}

static int
read_lines(struct reader *r, const char *text, size_t len)
{
	const char *end;
	struct span s;

	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		len -= 3;
	}
	while (len > 0) {
		end = memchr(text, '\n', len);
		s.text = text;
		s.len = end == NULL ? len : (size_t)(end - text);
		text += s.len + (end == NULL ? 0 : 1);
		len -= s.len + (end == NULL ? 0 : 1);
		if (s.len > 0 && s.text[s.len - 1] == '\r')
			s.len--;
		r->line++;
		if (read_line(r, s) == -1)
			return (-1);
	}
	return (flush(r));
}

int
config_ini_read(const char *text, size_t len, config_ini_fn *fn, void *arg,
    const char **ret_error, unsigned *ret_line)
{
	struct reader r;
	int rc = -1;

	memset(&r, 0, sizeof(r));
	r.fn = fn;
	r.arg = arg;
	r.section = strdup("");
	r.name = strdup("");
	if (r.section == NULL || r.name == NULL)
		(void)fail(&r, "out of memory");
	else
		rc = read_lines(&r, text, len);
	if (rc == -1) {
		*ret_error = r.error;
		*ret_line = r.line;
	}
	free(r.section);
	free(r.name);
	free(r.key);
	value_free(&r);
	return (rc);
}
