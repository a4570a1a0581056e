/*
 * The tables of keys, printed for people: as help and as the example file.
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

/* -- Help -- */

/* A key as name, in a help text. */
static void
help_key(FILE *out, const char *name, const struct key *key, const char *def)
{
	fprintf(out, "  %s %s", name, key->value);
	if ((key->flags & KEY_REQUIRED) != 0)
		fprintf(out, " (required)");
	else if (def != NULL && def[0] != '\0')
		fprintf(out, " (default %s)", def);
	fprintf(out, "\n");
	print_wrapped(out, "      ", key->text);
}

static void
help_keys(FILE *out, const struct key *keys)
{
	for (const struct key *key = keys; key != NULL && key->name != NULL;
	     key++)
		help_key(out, config_key_short(key), key, key->def);
}

void
config_print_flags(FILE *out)
{
	char flag[CONFIG_ENV_MAX];

	for (const struct key *key = config_global_keys; key->name != NULL;
	     key++) {
		(void)snprintf(flag, sizeof(flag), "--%s", key->name);
		help_key(out, flag, key, key->def);
	}
}

void
config_print_flag_names(FILE *out)
{
	for (const struct key *key = config_global_keys; key->name != NULL;
	     key++)
		fprintf(out, " --%s", key->name);
}

static void
help_type(FILE *out, const struct handler *type)
{
	fprintf(out, "\nA handler of type %s %s. Its keys:\n\n", type->type,
	    type->text);
	help_keys(out, type->keys);
	if (config_events_def(type) != NULL)
		fprintf(out, "  events TYPE, ... (default %s)\n",
		    config_events_def(type));
	if (type->per_order)
		help_keys(out, config_unit_keys);
	for (const struct key *key = config_outlet_keys;
	     type->outlet && key->name != NULL; key++) {
		if (key->def == NULL && config_key_def(key, type) != NULL)
			fprintf(out, "  %s %s (default %s)\n",
			    config_key_short(key), key->value,
			    config_key_def(key, type));
	}
}

void
config_print_handlers(FILE *out, const struct handler *const *types)
{
	fprintf(out,
	    "A section [handler NAME] of the configuration says what is done "
	    "with events.\nKeys of every one:\n\n");
	help_keys(out, config_handler_keys);
	fprintf(out, "\nKeys of every type that calls out:\n\n");
	help_keys(out, config_outlet_keys);
	for (; *types != NULL; types++)
		help_type(out, *types);
}

/* -- The example -- */

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
    "# gap. The name is shown with each event; \"default\" is the first "
    "one's.\n";

static const char endpoint_head[] =
    "# Where klikit delivers to, one section for each brand or tenant that has "
    "its\n# own secret. What comes through one is apart from all others: its "
    "name is\n# the scope of its secrets, and the one with " CONFIG_WEBHOOK_PATH
    " has the empty\n# scope. Secrets that no section names open "
    "" CONFIG_WEBHOOK_PATH ", as long\n# as no section has that path; "
    "\"" CONFIG_ENDPOINT "\" is that one's name.\n";

static const char upstream_head[] =
    "# A hub from which events are fetched, over one connection that this "
    "machine\n# opens: for a box that klikit cannot reach. They come in as if "
    "klikit had\n# delivered them to the usual endpoint.\n";

/* "key" of "section.key", and its value in the example. */
static void
print_key(FILE *out, const struct key *key, const char *def)
{
	const char *value = key->example != NULL ? key->example : def;

	print_wrapped(out, "# ", key->text);
	fprintf(out, ";%s =%s%s\n", config_key_short(key),
	    value[0] == '\0' ? "" : " ", value);
}

static void
print_keys(FILE *out, const struct key *keys)
{
	for (const struct key *key = keys; key->name != NULL; key++)
		print_key(out, key, key->def);
}

static void
print_section(FILE *out, const char *name, int len)
{
	fprintf(out, "\n[%.*s]\n", len, name);
}

void
config_print_globals(FILE *out,
    void (*section)(FILE *out, const char *name, int len),
    void (*key)(FILE *out, const struct key *key, const char *def))
{
	const char *last = "";
	size_t len;

	for (const struct key *k = config_global_keys; k->name != NULL; k++) {
		len = strcspn(k->name, ".");
		if (strncmp(last, k->name, len + 1) != 0)
			section(out, k->name, (int)len);
		last = k->name;
		key(out, k, k->def);
	}
}

/* The keys that only some types have: at the first outlet with their texts. */
static void
print_shared(FILE *out, const struct handler *type, bool first)
{
	const char *def;

	if (!first)
		fprintf(out, "# As above:\n");
	for (const struct key *key = config_outlet_keys; key->name != NULL;
	     key++) {
		def = config_key_def(key, type);
		if (first)
			print_key(out, key, def);
		else if (def != NULL)
			fprintf(out, ";%s = %s\n", config_key_short(key), def);
	}
	if (type->per_order)
		print_keys(out, config_unit_keys);
}

/* The keys of every handler, in the section of that type. */
static void
print_common(FILE *out, const struct handler *type)
{
	for (const struct key *key = config_handler_keys; key->name != NULL;
	     key++)
		print_key(out, key, key->def == NULL ? type->type : key->def);
}

void
config_print_example(FILE *out, const struct handler *const *types)
{
	bool first = true;

	fprintf(out, "%s", head);
	config_print_globals(out, print_section, print_key);
	fprintf(out, "\n%s;[secret old]\n", secret_head);
	print_keys(out, config_secret_keys);
	fprintf(out, "\n%s;[endpoint burger]\n", endpoint_head);
	print_keys(out, config_endpoint_keys);
	fprintf(out, "\n%s;[upstream hub]\n", upstream_head);
	print_keys(out, config_upstream_keys);
	fprintf(out,
	    "\n# What is done with the events. Without any such section there "
	    "is one\n# named %s, of type %s, for every event.\n",
	    types[0]->type, types[0]->type);
	for (size_t i = 0; types[i] != NULL; i++) {
		fprintf(out, "%s# Of type %s: it %s.\n;[handler %s]\n",
		    i == 0 ? "" : "\n", types[i]->type, types[i]->text,
		    types[i]->example);
		if (i == 0)
			print_common(out, types[i]);
		else
			fprintf(out, ";type = %s\n", types[i]->type);
		if (config_events_def(types[i]) != NULL)
			fprintf(out, ";events = %s\n",
			    config_events_def(types[i]));
		if (types[i]->keys != NULL)
			print_keys(out, types[i]->keys);
		if (types[i]->outlet) {
			print_shared(out, types[i], first);
			first = false;
		}
	}
}
