/*
 * The key table, printed for people: as flags and as the example file.
 */
#include "server/config/config.h"

#include <string.h>

#include "server/config/config_table.h"

#define WIDTH 78

/* Print text broken at blanks, each line after indent. */
static void
print_wrapped(FILE *out, const char *indent, const char *text)
{
	size_t room = WIDTH - strlen(indent), len;

	while (*text != '\0') {
		len = strlen(text);
		if (len > room) {
			len = room;
			while (len > 0 && text[len] != ' ')
				len--;
			if (len == 0)
				len = strcspn(text, " ");
		}
		fprintf(out, "%s%.*s\n", indent, (int)len, text);
		text += len;
		text += strspn(text, " ");
	}
}

void
config_print_flags(FILE *out)
{
	for (const struct key *key = config_global_keys; key->name != NULL;
	     key++) {
		fprintf(out, "  --%s %s", key->name, key->value);
		if (key->def[0] != '\0')
			fprintf(out, " (default %s)", key->def);
		fprintf(out, "\n");
		print_wrapped(out, "      ", key->text);
	}
}

static const char head[] =
    "# The configuration of klikitd: every key, with its default.\n"
    "#\n"
    "# A flag (--http.listen ...) wins over the environment\n"
    "# (KLIKITD_HTTP_LISTEN=...), which wins over this file. Relative paths\n"
    "# begin in this file's directory. A line that begins with a blank goes\n"
    "# on with the list before it. A comment has a line of its own: behind a\n"
    "# value ; and # are part of it. Quotes hold a value together:\n"
    "# \"a ; b\". \"klikitd check-config -c FILE\" checks a file; unknown\n"
    "# sections and keys are errors.\n";

static const char secret_head[] =
    "# More secrets that are valid beside the first, for a change without a\n"
    "# gap. The name is told with each event; \"default\" is the first "
    "one's.\n";

static const char handler_head[] =
    "# What is done with the events. Without any such section there is one\n"
    "# named orders, of type orders, for every event.\n";

/* The line that opens a section; commented out if it is only an example. */
static void
print_section(FILE *out, const char *section, size_t len)
{
	fprintf(out, "\n");
	if (strncmp(section, "secret.", len + 1) == 0)
		fprintf(out, "%s;[secret old]\n", secret_head);
	else if (strncmp(section, "handler.", len + 1) == 0)
		fprintf(out, "%s;[handler orders]\n", handler_head);
	else
		fprintf(out, "[%.*s]\n", (int)len, section);
}

/* The sections that show the keys of one type alone. */
static const struct {
	const char *type; /* first among the types of its keys */
	const char *text;
} typed[] = {
	{ "forward", "# Another, of type forward; timeout, concurrency, "
		     "once_per_order and\n# repeats are exec's as well.\n"
		     ";[handler pos]\n;type = forward\n" },
	{ "exec", "# Another, of type exec; without events it only rings.\n"
		  ";[handler bell]\n;type = exec\n;events =\n" },
};

/* Open the section of the key's type if *at is not there yet. */
static void
print_typed(FILE *out, const struct key *key, size_t *at)
{
	for (size_t i = *at; key->types != NULL && i < 2; i++) {
		if (strncmp(key->types, typed[i].type, strlen(typed[i].type)) ==
		    0) {
			fprintf(out, "\n%s", typed[i].text);
			*at = i + 1;
		}
	}
}

static void
print_keys(FILE *out, const struct key *keys)
{
	const char *last = "", *value;
	size_t at = 0, len;

	for (const struct key *key = keys; key->name != NULL; key++) {
		len = strcspn(key->name, ".");
		if (strncmp(last, key->name, len + 1) != 0)
			print_section(out, key->name, len);
		last = key->name;
		print_typed(out, key, &at);
		value = key->example != NULL ? key->example : key->def;
		print_wrapped(out, "# ", key->text);
		fprintf(out, ";%s =%s%s\n", config_key_short(key),
		    value[0] == '\0' ? "" : " ", value);
	}
}

void
config_print_example(FILE *out)
{
	fprintf(out, "%s", head);
	print_keys(out, config_global_keys);
	print_keys(out, config_secret_keys);
	print_keys(out, config_handler_keys);
}
