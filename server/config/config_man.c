/*
 * The tables of keys as the man page klikitd.ini(5).
 */
#include "server/config/config.h"

#include "server/base/roff.h"
#include "server/config/config_table.h"

static void
man_key(FILE *out, const struct key *key, const char *def)
{
	roff_entry(out, config_key_short(key), key->value);
	roff_text(out, key->text);
	if ((key->flags & KEY_REQUIRED) != 0)
		fprintf(out, "\nIt must be given.");
	else if (def != NULL && def[0] != '\0') {
		fprintf(out, "\nDefault: \\fB");
		roff_text(out, def);
		fprintf(out, "\\fR.");
	}
	if ((key->flags & KEY_RESTART) != 0)
		fprintf(out, "\nA change needs a restart.");
	fputc('\n', out);
}

static void
man_keys(FILE *out, const struct key *keys)
{
	for (const struct key *key = keys; key != NULL && key->name != NULL;
	     key++)
		man_key(out, key, key->def);
}

static void
man_section(FILE *out, const char *name, int len)
{
	fprintf(out, ".SH \"[%.*s]\"\n", len, name);
}

static void
man_type(FILE *out, const struct handler *type)
{
	fprintf(out, ".SS \"type = %s\"\nIt ", type->type);
	roff_text(out, type->text);
	fprintf(out, ".\n");
	man_keys(out, type->keys);
	if (config_events_def(type) != NULL)
		man_key(out,
		    config_key_find(config_handler_keys, "handler", "events"),
		    config_events_def(type));
	if (type->per_order)
		man_keys(out, config_unit_keys);
	for (const struct key *key = config_outlet_keys;
	     type->outlet && key->name != NULL; key++) {
		if (key->def == NULL && config_key_def(key, type) != NULL)
			man_key(out, key, config_key_def(key, type));
	}
}

static const char head[] =
    "A file of sections, keys and values, read by\n.BR klikitd (8).\n"
    "Every key of the first sections can also stand in the environment\n"
    "(KLIKITD_SECTION_KEY) or on the command line (\\-\\-section.key): that "
    "wins\nover the environment, which wins over the file.\n"
    "Unknown sections and keys are errors.\n"
    ".PP\n"
    "A comment begins with ; or # and has a line of its own.\n"
    "A line that begins with a blank goes on with the list before it.\n"
    "Quotes hold a value together.\n"
    "Relative paths begin in the folder of the file; the one of the store\n"
    "begins in /var/lib/klikitd where the file is below /etc.\n";

void
config_print_man(FILE *out, const struct handler *const *types)
{
	fprintf(out, "%s", head);
	config_print_globals(out, man_section, man_key);
	fprintf(out,
	    ".SH \"[secret NAME]\"\n"
	    "A secret that is valid beside the first. The name is shown with "
	    "each\nevent.\n");
	man_keys(out, config_secret_keys);
	fprintf(out,
	    ".SH \"[endpoint NAME]\"\n"
	    "Paths with secrets of their own, for a brand or a tenant. What "
	    "comes\nthrough one is apart from all others: its name is the "
	    "scope.\n");
	man_keys(out, config_endpoint_keys);
	fprintf(out,
	    ".SH \"[upstream NAME]\"\n"
	    "A hub from which events are fetched, for a box that klikit cannot "
	    "reach.\n");
	man_keys(out, config_upstream_keys);
	fprintf(out, ".SH \"[handler NAME]\"\n"
		     "What is done with events. Keys of every type:\n");
	man_keys(out, config_handler_keys);
	fprintf(out, ".PP\nKeys of every type that calls out:\n");
	for (const struct key *key = config_outlet_keys; key->name != NULL;
	     key++)
		man_key(out, key, key->def);
	for (; *types != NULL; types++)
		man_type(out, *types);
}
