#include "server/cli/commands.h"

#include <stdio.h>
#include <stdlib.h>

#include "handlers/exec/program.h"
#include "store/base/arena.h"

/* Print a word so that a shell reads it as it is. */
static void
print_word(FILE *f, const char *word)
{
	(void)fputc('\'', f);
	for (; *word != '\0'; word++) {
		if (*word == '\'')
			(void)fputs("'\\''", f);
		else
			(void)fputc(*word, f);
	}
	(void)fputc('\'', f);
}

/* The program, with where it finds the secret. */
static void
print_program(FILE *f, const struct commands_place *place)
{
	if (place->secret_file != NULL) {
		(void)fputs("KLIKIT_WEBHOOK_SECRET_FILE=", f);
		print_word(f, place->secret_file);
		(void)fputc(' ', f);
	}
	print_word(f, place->program);
}

/* Whom trigger is to trust, if that is not known anyway. */
static void
print_trust(FILE *f, const struct commands_place *place)
{
	if (place->ca_file != NULL) {
		(void)fputs(" --ca-file ", f);
		print_word(f, place->ca_file);
	} else if (place->certificate != NULL) {
		(void)fputs(" --server-certificate ", f);
		print_word(f, place->certificate);
	}
}

static void
print_trigger(FILE *f, const struct commands_place *place)
{
	print_program(f, place);
	(void)fputs(" trigger created --to ", f);
	(void)fputs(place->url, f);
	print_trust(f, place);
}

static void
print_trigger_all(FILE *f, const struct commands_place *place)
{
	print_program(f, place);
	(void)fputs(" trigger --all --to ", f);
	(void)fputs(place->url, f);
	print_trust(f, place);
}

static void
print_sign(FILE *f, const struct commands_place *place)
{
	print_program(f, place);
	(void)fputs(" sign --header", f);
}

static void
print_curl(FILE *f, const struct commands_place *place)
{
	(void)fputs("body='{\"brand_id\":1,\"branch_id\":1,\"orders\":"
		    "[{\"id\":1,\"status\":1}]}'; curl -sS ",
	    f);
	(void)fputs(place->url, f);
	if (place->ca_file != NULL) {
		(void)fputs(" --cacert ", f);
		print_word(f, place->ca_file);
	}
	(void)fputs(" -H 'content-type: application/json'"
		    " -H \"x-klikit-event-id: curl-$(date +%s%N)\""
		    " -H 'x-klikit-event-type: klikit.order.created.v2'"
		    " -H \"$(printf %s \"$body\" | ",
	    f);
	print_sign(f, place);
	(void)fputs(" -)\" --data-binary \"$body\"", f);
}

/* What print prints. */
static char *
command(void (*print)(FILE *f, const struct commands_place *place),
    const struct commands_place *place)
{
	char *text = NULL;
	size_t len;
	FILE *f;

	if ((f = open_memstream(&text, &len)) == NULL)
		return (NULL);
	print(f, place);
	if (fclose(f) == 0)
		return (text);
	free(text);
	return (NULL);
}

char *
commands_trigger(const struct commands_place *place)
{
	return (command(print_trigger, place));
}

char *
commands_sign(const struct commands_place *place)
{
	return (command(print_sign, place));
}

char *
commands_trigger_all(const struct commands_place *place)
{
	return (command(print_trigger_all, place));
}

static void
print_one_word(FILE *f, const struct commands_place *place)
{
	print_word(f, place->program);
}

char *
commands_word(const char *word)
{
	const struct commands_place place = { .program = word };

	return (command(print_one_word, &place));
}

bool
commands_have_curl(void)
{
	struct arena memory = { 0 };
	char reason[HANDLER_REASON_MAX];
	const char *path;
	int rc = program_find(&memory, "curl", &path, reason);

	arena_fini(&memory);
	return (rc == 0);
}

char *
commands_curl(const struct commands_place *place)
{
	if (place->ca_file == NULL && place->certificate != NULL)
		return (NULL);
	return (commands_have_curl() ? command(print_curl, place) : NULL);
}
