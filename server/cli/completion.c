#include "server/cli/completion.h"

/* -- bash -- */

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
    "\t\t\tmapfile -t COMPREPLY < <(compgen -W \"$_klikitd_verbs config "
    "handler\" "
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

/* -- Texts in quotes -- */

/* Print text within single quotes of a shell. */
static void
print_quoted(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			fprintf(out, "'\\''");
		else
			fputc(*text, out);
	}
}

/* "'NAME:TEXT'", as zsh's _describe takes it. */
static void
print_described(FILE *out, const char *before, const char *name,
    const char *text)
{
	fprintf(out, " '%s%s:", before, name);
	print_quoted(out, text);
	fprintf(out, "'");
}

/* -- zsh -- */

static const char zsh_end[] =
    "\tesac\n"
    "\tif (( CURRENT == 2 )); then\n"
    "\t\t_describe verb verbs\n"
    "\telif [[ $words[2] == help ]]; then\n"
    "\t\tverbs+=('config:all keys' 'handler:the keys of handlers')\n"
    "\t\t_describe verb verbs\n"
    "\telif [[ $PREFIX == -* ]]; then\n"
    "\t\t_describe -o flag flags\n"
    "\t\t# The keys are many: they come once a letter is there.\n"
    "\t\t[[ $PREFIX == --?* && -n $keys ]] && compadd -- ${=keys}\n"
    "\telse\n"
    "\t\t_files\n"
    "\tfi\n"
    "}\n"
    "\n"
    "_klikitd \"$@\"\n";

void
completion_print_zsh(FILE *out, const struct verb *const *table)
{
	fprintf(out,
	    "#compdef klikitd\n"
	    "# zsh completion for klikitd; made by \"klikitd manual zsh\"\n"
	    "_klikitd_keys='");
	config_print_flag_names(out);
	fprintf(out,
	    "'\n\n_klikitd()\n{\n\tlocal keys=\n\tlocal -a verbs flags\n"
	    "\tverbs=(");
	for (const struct verb *const *v = table; *v != NULL; v++)
		print_described(out, "", (*v)->name, (*v)->text);
	fprintf(out, ")\n\tcase $words[2] in\n");
	for (; *table != NULL; table++) {
		fprintf(out, "\t%s)\n\t\tflags=(", (*table)->name);
		for (const struct verb_flag *f = (*table)->flags;
		     f != NULL && f->name != NULL; f++)
			print_described(out, "--", f->name, f->text);
		if ((*table)->config)
			print_described(out, "--", "config",
			    "the configuration");
		print_described(out, "--", "help", "this text");
		fprintf(out, ")\n");
		if ((*table)->config)
			fprintf(out, "\t\tkeys=$_klikitd_keys\n");
		fprintf(out, "\t\t;;\n");
	}
	fprintf(out, "%s", zsh_end);
}

/* -- fish -- */

static void
print_fish_flag(FILE *out, const char *verb, const struct verb_flag *f)
{
	fprintf(out,
	    "complete -c klikitd -n '__fish_seen_subcommand_from %s' -l %s%s "
	    "-d '",
	    verb, f->name, f->value == NULL ? "" : " -r");
	print_quoted(out, f->text);
	fprintf(out, "'\n");
}

static void
print_fish_verb(FILE *out, const struct verb *verb)
{
	static const struct verb_flag every[] = {
		{ "config", "FILE", "the configuration", false },
		{ "help", NULL, "the flags of the verb", false },
	};

	fprintf(out,
	    "complete -c klikitd -f -n __fish_use_subcommand -a %s -d '",
	    verb->name);
	print_quoted(out, verb->text);
	fprintf(out, "'\n");
	for (const struct verb_flag *f = verb->flags;
	     f != NULL && f->name != NULL; f++)
		print_fish_flag(out, verb->name, f);
	print_fish_flag(out, verb->name, &every[1]);
	if (!verb->config)
		return;
	print_fish_flag(out, verb->name, &every[0]);
	fprintf(out,
	    "complete -c klikitd -n '__fish_seen_subcommand_from %s' -a "
	    "'(__klikitd_keys)'\n",
	    verb->name);
}

void
completion_print_fish(FILE *out, const struct verb *const *table)
{
	fprintf(out,
	    "# fish completion for klikitd; made by \"klikitd manual fish\"\n"
	    "\n# The keys are many: they come once a letter is there.\n"
	    "function __klikitd_keys\n"
	    "\tstring match -q -- '--?*' (commandline -ct)\n"
	    "\tand string split ' ' -- '");
	config_print_flag_names(out);
	fprintf(out,
	    "'\nend\n\n"
	    "complete -c klikitd -n '__fish_seen_subcommand_from help' "
	    "-a 'config handler'\n");
	for (const struct verb *const *v = table; *v != NULL; v++) {
		fprintf(out,
		    "complete -c klikitd -f -n '__fish_seen_subcommand_from "
		    "help' -a %s\n",
		    (*v)->name);
		print_fish_verb(out, *v);
	}
}
