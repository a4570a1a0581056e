#include "server/cli/completion.h"

static void
print_names(FILE *out, const struct verb *const *table)
{
	for (; *table != NULL; table++)
		fprintf(out, " %s", (*table)->name);
}

/* One verb's case: its flags, and whether the keys are flags as well. */
static void
print_verb(FILE *out, const struct verb *verb)
{
	fprintf(out, "\t%s)\n\t\tflags='--help", verb->name);
	for (const struct verb_flag *f = verb->flags;
	     f != NULL && f->name != NULL; f++)
		fprintf(out, " --%s", f->name);
	fprintf(out, "%s'\n", verb->config ? " --config" : "");
	if (verb->config)
		fprintf(out, "\t\tkeys=$_klikitd_keys\n");
	fprintf(out, "\t\t;;\n");
}

/* What a flag wants behind it is not guessed at: files are offered. */
static const char begin[] =
    "_klikitd()\n"
    "{\n"
    "\tlocal word=${COMP_WORDS[COMP_CWORD]} flags= keys=\n"
    "\tCOMPREPLY=()\n"
    "\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n"
    "\t\tmapfile -t COMPREPLY < <(compgen -W \"$_klikitd_verbs\" -- "
    "\"$word\")\n"
    "\t\treturn\n"
    "\tfi\n"
    "\tcase ${COMP_WORDS[1]} in\n";

static const char end[] =
    "\tesac\n"
    "\tcase $word in\n"
    "\t-*)\n"
    "\t\t# The keys are many: they come once a letter is there.\n"
    "\t\t[ \"${#word}\" -gt 2 ] || keys=\n"
    "\t\tmapfile -t COMPREPLY < <(compgen -W \"$flags $keys\" -- "
    "\"$word\")\n"
    "\t\t;;\n"
    "\t*)\n"
    "\t\t[ \"${COMP_WORDS[1]}\" != help ] ||\n"
    "\t\t\tmapfile -t COMPREPLY < <(compgen -W \"$_klikitd_verbs handler\" "
    "\\\n"
    "\t\t\t\t-- \"$word\")\n"
    "\t\t;;\n"
    "\tesac\n"
    "}\n"
    "complete -o default -F _klikitd klikitd\n";

void
completion_print_bash(FILE *out, const struct verb *const *table)
{
	fprintf(out,
	    "# bash completion for klikitd; made by \"klikitd manual bash\"\n"
	    "_klikitd_verbs='");
	print_names(out, table);
	fprintf(out, "'\n_klikitd_keys='");
	config_print_flag_names(out);
	fprintf(out, "'\n\n%s", begin);
	for (; *table != NULL; table++)
		print_verb(out, *table);
	fprintf(out, "%s", end);
}
