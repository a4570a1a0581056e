/*
 * The help verb, and the texts that --help prints.
 */
#include <stdio.h>
#include <string.h>

#include "server/cli/verb_help.h"
#include "server/cli/verbs.h"

#define FLAG_COLUMN 22

void
verb_print_list(const struct verb *const *table, FILE *out)
{
	fprintf(out,
	    "usage: klikitd VERB [flags]\n\n"
	    "klikitd receives klikit's webhooks, keeps each event on disk "
	    "exactly once,\nand hands it to where it belongs.\n\n");
	for (; *table != NULL; table++)
		fprintf(out, "  %-14s%s\n", (*table)->name, (*table)->text);
	fprintf(out, "\nklikitd VERB --help lists a verb's flags, klikitd "
		     "help config all keys.\n");
}

static void
print_flag(FILE *out, const char *flag, const char *value, const char *text)
{
	int len;

	len = fprintf(out, "  %s%s%s", flag, value == NULL ? "" : " ",
	    value == NULL ? "" : value);
	if (len < FLAG_COLUMN)
		fprintf(out, "%*s%s\n", FLAG_COLUMN - len, "", text);
	else
		fprintf(out, "\n%*s%s\n", FLAG_COLUMN, "", text);
}

void
verb_print_help(const struct verb *verb, FILE *out)
{
	char flag[64];

	fprintf(out, "usage: klikitd %s [flags]%s%s\n\n%s.\n\n", verb->name,
	    verb->words[0] == '\0' ? "" : " ", verb->words, verb->text);
	for (const struct verb_flag *f = verb->flags;
	     f != NULL && f->name != NULL; f++) {
		(void)snprintf(flag, sizeof(flag), "--%s", f->name);
		print_flag(out, flag, f->value, f->text);
	}
	if (verb->config)
		print_flag(out, "-c, --config", "FILE",
		    verb->alone
			? "the configuration"
			: "the configuration (default: see help config)");
	print_flag(out, "-h, --help", NULL, "this text");
	if (verb->more != NULL)
		fprintf(out, "\n%s", verb->more);
	if (verb->config)
		fprintf(out, "\nEvery key of the configuration is a flag too, "
			     "as --http.listen:\n"
			     "klikitd help config.\n");
}

static void
print_config(void)
{
	printf(
	    "The configuration is the file that -c names, else the one that\n"
	    "$" CONFIG_ENV_FILE " names, else " VERB_CONFIG_FILE
	    " if it is there.\n"
	    "An empty $" CONFIG_ENV_FILE
	    " is none. klikitd dev, listen, trigger and\n"
	    "sink take only a file that -c names.\n"
	    "\n"
	    "Every key is a flag of each verb that takes -c, and a variable\n"
	    "(--http.listen is KLIKITD_HTTP_LISTEN). A flag wins over the\n"
	    "variable, which wins over the file. klikitd help handler has the\n"
	    "keys of the sections [handler NAME].\n"
	    "\n");
	config_print_flags(stdout);
}

static enum verb_exit
help_run(const struct verb_args *args)
{
	const struct verb *verb;

	if (args->nwords == 0) {
		verb_print_list(args->table, stdout);
		return (VERB_DONE);
	}
	if (strcmp(args->words[0], "config") == 0) {
		print_config();
		return (VERB_DONE);
	}
	if (strcmp(args->words[0], "handler") == 0) {
		config_print_handlers(stdout, args->types);
		return (VERB_DONE);
	}
	if ((verb = verb_find(args->table, args->words[0])) == NULL)
		return (verb_unknown(args->table, args->words[0]));
	verb_print_help(verb, stdout);
	return (VERB_DONE);
}

const struct verb verb_help = {
	.name = "help",
	.words = "[VERB | config | handler]",
	.text = "Show the verbs, one verb's flags, or the configuration's keys",
	.words_max = 1,
	.run = help_run,
};
