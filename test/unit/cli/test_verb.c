#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/cli/verb_read.h"

#define WORDS_MAX 8

static const struct verb_flag flags[] = {
	{ "count", "N", "how many", false },
	{ "json", NULL, "as JSON", false },
	{ "override", "PATH=VALUE", "change", true },
	{ 0 },
};

static const struct verb verb = {
	.name = "try",
	.words = "FILE [OTHER]",
	.text = "A verb for these tests",
	.flags = flags,
	.words_min = 1,
	.words_max = 2,
	.config = true,
};

/* What one reading gave, and what it told on stderr. */
struct outcome {
	struct verb_args args;
	enum verb_read_rc rc;
	char told[1024];
};

static void
read_words(struct outcome *o, const char *const *words)
{
	char *argv[WORDS_MAX];
	int argc = 0, saved = dup(STDERR_FILENO);
	FILE *file = tmpfile();

	assert_non_null(file);
	while (words[argc] != NULL) {
		argv[argc] = (char *)words[argc];
		argc++;
	}
	memset(o, 0, sizeof(*o));
	fflush(stderr);
	dup2(fileno(file), STDERR_FILENO);
	o->rc = verb_read(&verb, argc, argv, &o->args);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	assert_true(
	    fread(o->told, 1, sizeof(o->told) - 1, file) > 0 || feof(file));
	fclose(file);
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void
assert_refused(const char *const *words, const char *reason)
{
	struct outcome o;

	read_words(&o, words);
	assert_int_equal(o.rc, VERB_READ_BAD);
	if (strstr(o.told, reason) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", reason, o.told);
	assert_non_null(strstr(o.told, "Try: klikitd try --help\n"));
	verb_args_fini(&o.args);
}

/* Values stand after = or in the next word; flags and words may mix. */
static void
test_verb_reads_flags(void **state)
{
	struct outcome o;

	(void)state;
	read_words(&o, WORDS("--count", "3", "a", "--json", "b"));
	assert_int_equal(o.rc, VERB_READ_OK);
	assert_string_equal(verb_flag(&o.args, "count", 0), "3");
	assert_true(verb_has(&o.args, "json"));
	assert_false(verb_has(&o.args, "override"));
	assert_int_equal(o.args.nwords, 2);
	assert_string_equal(o.args.words[1], "b");
	verb_args_fini(&o.args);

	read_words(&o, WORDS("--count=--json", "a"));
	assert_int_equal(o.rc, VERB_READ_OK);
	assert_string_equal(verb_flag(&o.args, "count", 0), "--json");
	assert_false(verb_has(&o.args, "json"));
	verb_args_fini(&o.args);

	read_words(&o, WORDS("--count=", "a"));
	assert_int_equal(o.rc, VERB_READ_OK);
	assert_string_equal(verb_flag(&o.args, "count", 0), "");
	verb_args_fini(&o.args);
}

/* A flag that repeats keeps all its values, in order. */
static void
test_verb_keeps_repeated_flags(void **state)
{
	struct outcome o;

	(void)state;
	read_words(&o, WORDS("--override", "a=1", "--override=b=2", "x"));
	assert_int_equal(o.rc, VERB_READ_OK);
	assert_string_equal(verb_flag(&o.args, "override", 0), "a=1");
	assert_string_equal(verb_flag(&o.args, "override", 1), "b=2");
	assert_null(verb_flag(&o.args, "override", 2));
	verb_args_fini(&o.args);
}

/* After -- all are words, and a single - always is one. */
static void
test_verb_ends_flags(void **state)
{
	struct outcome o;

	(void)state;
	read_words(&o, WORDS("-", "--", "--json"));
	assert_int_equal(o.rc, VERB_READ_OK);
	assert_false(verb_has(&o.args, "json"));
	assert_string_equal(o.args.words[0], "-");
	assert_string_equal(o.args.words[1], "--json");
	verb_args_fini(&o.args);
}

/* Keys of the configuration are flags, given on as pairs. */
static void
test_verb_reads_config_flags(void **state)
{
	struct outcome o;

	(void)state;
	read_words(&o, WORDS("-c", "f.ini", "--http.listen=*:1", "--log.level",
			   "debug", "a"));
	assert_int_equal(o.rc, VERB_READ_OK);
	assert_string_equal(o.args.config_path, "f.ini");
	assert_int_equal(o.args.nconfig_flags, 2);
	assert_string_equal(o.args.config_flags[0], "http.listen");
	assert_string_equal(o.args.config_flags[1], "*:1");
	assert_string_equal(o.args.config_flags[2], "log.level");
	assert_string_equal(o.args.config_flags[3], "debug");
	verb_args_fini(&o.args);

	read_words(&o, WORDS("--config=g.ini", "a"));
	assert_string_equal(o.args.config_path, "g.ini");
	verb_args_fini(&o.args);
}

/* Each wrong flag is named, with the nearest if there is one. */
static void
test_verb_refuses_bad_flags(void **state)
{
	(void)state;
	assert_refused(WORDS("--cuont", "3", "a"),
	    "--cuont: unknown flag; did you mean --count?");
	assert_refused(WORDS("--http.lisen=1", "a"),
	    "--http.lisen: unknown flag; did you mean --http.listen?");
	assert_refused(WORDS("--zzzzzz", "a"), "--zzzzzz: unknown flag\n");
	assert_refused(WORDS("-j", "a"), "-j: unknown flag\n");
	assert_refused(WORDS("-count", "a"),
	    "-count: unknown flag; did you mean --count?");
	assert_refused(WORDS("--handler.type=orders", "a"),
	    "--handler.type: unknown flag\n");
	assert_refused(WORDS("a", "--count"), "--count: needs a value: N");
	assert_refused(WORDS("a", "-c"), "-c: needs a value: FILE");
	assert_refused(WORDS("a", "--json=1"), "--json: takes no value");
	assert_refused(WORDS("--count=1", "--count=2", "a"),
	    "--count: given twice");
	assert_refused(WORDS("-c", "a", "--config", "b", "a"),
	    "--config: given twice");
	assert_refused(WORDS("--log.level=info", "--log.level=warn", "a"),
	    "--log.level: given twice");
}

/* A value that follows an unknown flag may be a secret: it is not told. */
static void
test_verb_does_not_repeat_values(void **state)
{
	struct outcome o;

	(void)state;
	read_words(&o, WORDS("--klikit.secret=hunter2", "a"));
	assert_int_equal(o.rc, VERB_READ_BAD);
	assert_null(strstr(o.told, "hunter2"));
	verb_args_fini(&o.args);
}

/* Too many or too few words are told. */
static void
test_verb_counts_words(void **state)
{
	(void)state;
	assert_refused(WORDS("a", "b", "c"), "\"c\": one word too many");
	assert_refused(WORDS("--json"), "needs FILE [OTHER]");
}

/* --help wins over everything that comes after it. */
static void
test_verb_helps(void **state)
{
	struct outcome o;

	(void)state;
	read_words(&o, WORDS("--help", "--nonsense"));
	assert_int_equal(o.rc, VERB_READ_HELP);
	verb_args_fini(&o.args);
	read_words(&o, WORDS("-h"));
	assert_int_equal(o.rc, VERB_READ_HELP);
	verb_args_fini(&o.args);
}

/* An integer is read within its bounds; without the flag it stays. */
static void
test_verb_reads_integers(void **state)
{
	struct outcome o;
	long long value = 7;
	int saved = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY);

	(void)state;
	read_words(&o, WORDS("a"));
	assert_int_equal(verb_int(&o.args, "count", 1, 9, &value), 0);
	assert_int_equal(value, 7);
	verb_args_fini(&o.args);

	read_words(&o, WORDS("a", "--count=9"));
	assert_int_equal(verb_int(&o.args, "count", 1, 9, &value), 0);
	assert_int_equal(value, 9);
	dup2(null, STDERR_FILENO);
	assert_int_equal(verb_int(&o.args, "count", 1, 8, &value), -1);
	dup2(saved, STDERR_FILENO);
	assert_int_equal(value, 9);
	verb_args_fini(&o.args);
	close(saved);
	close(null);
}

static const struct verb other = { .name = "sink", .words = "", .text = "T" };
static const struct verb *const table[] = { &verb, &other, NULL };

/* A verb is found by its whole name; a near one is offered. */
static void
test_verb_is_found_in_its_table(void **state)
{
	char text[256] = "";
	int saved = dup(STDERR_FILENO);
	FILE *file = tmpfile();

	(void)state;
	assert_ptr_equal(verb_find(table, "try"), &verb);
	assert_ptr_equal(verb_find(table, "sink"), &other);
	assert_null(verb_find(table, "sin"));
	assert_non_null(file);
	fflush(stderr);
	dup2(fileno(file), STDERR_FILENO);
	assert_int_equal(verb_unknown(table, "sinc"), VERB_USAGE);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
	fclose(file);
	assert_non_null(strstr(text, "sinc: unknown verb; did you mean sink?"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verb_reads_flags),
		cmocka_unit_test(test_verb_keeps_repeated_flags),
		cmocka_unit_test(test_verb_ends_flags),
		cmocka_unit_test(test_verb_reads_config_flags),
		cmocka_unit_test(test_verb_refuses_bad_flags),
		cmocka_unit_test(test_verb_does_not_repeat_values),
		cmocka_unit_test(test_verb_counts_words),
		cmocka_unit_test(test_verb_helps),
		cmocka_unit_test(test_verb_reads_integers),
		cmocka_unit_test(test_verb_is_found_in_its_table),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
