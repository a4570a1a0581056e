/*
 * The manual verb: the man pages and what shells complete, made of the same
 * tables as the help.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "server/base/roff.h"
#include "server/cli/completion.h"
#include "server/cli/verbs.h"

/* The title, in capitals as man has them, and the line that whatis finds. */
static void
print_head(FILE *out, const char *name, unsigned section, const char *text)
{
	fprintf(out, ".TH ");
	for (const char *c = name; *c != '\0'; c++)
		fputc(toupper((unsigned char)*c), out);
	fprintf(out,
	    " %u \"\" \"klikitd %s\"\n.nh\n.ad l\n.SH NAME\n%s \\- %s\n",
	    section, KLIKITD_VERSION, name, text);
}

static void
print_verb(FILE *out, const struct verb *verb)
{
	char flag[64];

	fprintf(out, ".SS \"klikitd %s", verb->name);
	if (verb->words[0] != '\0') {
		fputc(' ', out);
		roff_text(out, verb->words);
	}
	fprintf(out, "\"\n");
	roff_text(out, verb->text);
	fprintf(out, ".\n");
	for (const struct verb_flag *f = verb->flags;
	     f != NULL && f->name != NULL; f++) {
		(void)snprintf(flag, sizeof(flag), "--%s", f->name);
		roff_entry(out, flag, f->value);
		roff_text(out, f->text);
		fputc('\n', out);
	}
	if (verb->config)
		fprintf(out,
		    ".TP\n\\fB\\-c\\fR, \\fB\\-\\-config\\fR FILE\n"
		    "the configuration; every key of\n.BR klikitd.ini (5)\n"
		    "is a flag too\n");
	if (verb->more != NULL)
		roff_verbatim(out, verb->more);
}

static const char before_verbs[] =
    ".SH SYNOPSIS\n"
    ".B klikitd\n"
    ".I VERB\n"
    "[\\fIflags\\fR]\n"
    ".SH DESCRIPTION\n"
    "klikitd receives klikit\\(aqs webhooks, verifies their signatures, keeps "
    "each\nevent on disk exactly once, answers, and hands it to where it "
    "belongs.\n"
    ".B klikitd serve\n"
    "is the server; the other verbs look at its store, act on it, or help to "
    "set\nit up. Each has \\fB\\-\\-help\\fR.\n"
    ".SH VERBS\n";

static const char after_verbs[] =
    ".SH ENVIRONMENT\n"
    ".TP\n"
    "\\fBKLIKIT_WEBHOOK_SECRET\\fR, \\fBKLIKIT_WEBHOOK_SECRET_FILE\\fR\n"
    "klikit\\(aqs secret, or the file that holds it; they win over\n"
    "klikit.secret_file.\n"
    ".TP\n"
    ".B PORT\n"
    "The port of http.listen.\n"
    ".TP\n"
    ".B KLIKITD_CONFIG\n"
    "The configuration where \\-c names none; empty: there is none. \"dev\", "
    "\"trigger\"\nand \"sink\" take only one that \\-c names.\n"
    ".TP\n"
    ".B KLIKITD_SECTION_KEY\n"
    "Any key of the configuration.\n"
    ".TP\n"
    ".B NO_COLOR\n"
    "Set to anything: no colours on a terminal.\n"
    ".SH FILES\n"
    ".TP\n"
    ".I /etc/klikitd/klikitd.ini\n"
    "The configuration of the service; read by every verb that is given no "
    "other.\n"
    ".TP\n"
    ".I /var/lib/klikitd/klikitd.db\n"
    "Its store, with copies made before each migration beside it\n"
    "(klikitd.db.before\\-v\\fIN\\fR).\n"
    ".SH \"EXIT STATUS\"\n"
    "0: done. 1: failed. 2: called in a wrong way.\n"
    ".SH \"SEE ALSO\"\n"
    ".BR klikitd.ini (5)\n";

static void
print_klikitd(const struct verb_args *args)
{
	print_head(stdout, "klikitd", 8, "receive klikit\\(aqs webhooks");
	printf("%s", before_verbs);
	for (const struct verb *const *v = args->table; *v != NULL; v++)
		print_verb(stdout, *v);
	printf("%s", after_verbs);
}

static void
print_ini(const struct verb_args *args)
{
	print_head(stdout, "klikitd.ini", 5, "configuration of klikitd");
	printf(".SH DESCRIPTION\n");
	config_print_man(stdout, args->types);
	printf(".SH \"SEE ALSO\"\n.BR klikitd (8)\n");
}

static enum verb_exit
manual_run(const struct verb_args *args)
{
	const char *page = args->nwords == 0 ? "klikitd" : args->words[0];

	if (strcmp(page, "klikitd") == 0)
		print_klikitd(args);
	else if (strcmp(page, "klikitd.ini") == 0)
		print_ini(args);
	else if (strcmp(page, "bash") == 0)
		completion_print_bash(stdout, args->table);
	else if (strcmp(page, "zsh") == 0)
		completion_print_zsh(stdout, args->table);
	else if (strcmp(page, "fish") == 0)
		completion_print_fish(stdout, args->table);
	else
		return (verb_usage(args, "there is no page \"%s\"", page));
	return (VERB_DONE);
}

const struct verb verb_manual = {
	.name = "manual",
	.words = "[klikitd | klikitd.ini | bash | zsh | fish]",
	.text = "Print a man page, or what a shell completes",
	.more =
	    "The packages hold all of them. Where klikitd was copied by hand:\n"
	    "\n"
	    "  klikitd manual >klikitd.8; man ./klikitd.8\n"
	    "  . <(klikitd manual bash)\n"
	    "  klikitd manual zsh >_klikitd, in a folder of $fpath\n"
	    "  klikitd manual fish >~/.config/fish/completions/klikitd.fish\n",
	.words_max = 1,
	.run = manual_run,
};
