#include <sys/wait.h>

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "server/base/log.h"

static const char *
escape(const char *text)
{
	static char ret[LOG_TEXT_MAX];

	log_escape(text, strlen(text), ret, sizeof(ret));
	return (ret);
}

/* Text fit for a line comes through as it is, in any language. */
static void
test_log_escape_keeps_clean_text(void **state)
{
	(void)state;
	assert_string_equal(escape(""), "");
	assert_string_equal(escape("evt_01-a b/c"), "evt_01-a b/c");
	assert_string_equal(escape("Phở \xf0\x9f\x8d\x9c"),
	    "Phở \xf0\x9f\x8d\x9c");
}

/* What could forge a line or steer a terminal is shown as bytes. */
static void
test_log_escape_shows_dangerous_bytes(void **state)
{
	(void)state;
	assert_string_equal(escape("a\nb\r\t"), "a\\x0ab\\x0d\\x09");
	assert_string_equal(escape("\033[31m"), "\\x1b[31m");
	assert_string_equal(escape("\x7f"), "\\x7f");
	assert_string_equal(escape("\xff\xc3("), "\\xff\\xc3(");
	/* The second set of controls, and a change of writing direction. */
	assert_string_equal(escape("\xc2\x9b"), "\\xc2\\x9b");
	assert_string_equal(escape("\xe2\x80\xae"), "\\xe2\\x80\\xae");
}

/* A text that holds an escaped one is shown, and not escaped twice. */
static void
test_log_escape_is_done_once(void **state)
{
	const char *texts[] = { "{\"e\":\"caf\xe9\"}", "a\nb", "\\x0a",
		"C:\\d" };
	char once[LOG_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		strcpy(once, escape(texts[i]));
		assert_string_equal(escape(once), once);
	}
	assert_string_equal(escape(texts[0]), "{\"e\":\"caf\\xe9\"}");
}

/* A NUL inside is shown, not taken for the end. */
static void
test_log_escape_shows_nul(void **state)
{
	char ret[16];

	(void)state;
	log_escape("a\0b", 3, ret, sizeof(ret));
	assert_string_equal(ret, "a\\x00b");
}

/* Text too long is cut between characters, never inside one. */
static void
test_log_escape_cuts_whole_characters(void **state)
{
	char ret[9];

	(void)state;
	log_escape("12345678", 8, ret, sizeof(ret));
	assert_string_equal(ret, "12345678");
	log_escape("123456789", 9, ret, sizeof(ret));
	assert_string_equal(ret, "12345...");
	log_escape("1234\nabcdef", 11, ret, sizeof(ret));
	assert_string_equal(ret, "1234...");
	log_escape("1234\xf0\x9f\x8d\x9c"
		   "789",
	    11, ret, sizeof(ret));
	assert_string_equal(ret, "1234...");
}

/* Whatever the room, the result ends within it. */
static void
test_log_escape_stays_within_its_room(void **state)
{
	char ret[24];

	(void)state;
	for (size_t max = 1; max < 20; max++) {
		memset(ret, '#', sizeof(ret));
		log_escape("ab\n\xc3\xa9\xff\\\"cdefgh", 13, ret, max);
		assert_true(strnlen(ret, max) < max);
		for (size_t i = max; i < sizeof(ret); i++)
			assert_int_equal(ret[i], '#');
	}
}

/* Eight results live at once. */
static void
test_log_text_has_eight_buffers(void **state)
{
	const char *all[8];
	char text[2] = "0";

	(void)state;
	for (int i = 0; i < 8; i++) {
		text[0] = (char)('0' + i);
		all[i] = log_text(text);
	}
	for (int i = 0; i < 8; i++)
		assert_int_equal(all[i][0], '0' + i);
	assert_string_equal(log_text(NULL), "-");
}

/* Run log_warn() with stderr in a file, and give what it wrote. */
static char *
capture(enum log_level level, enum log_format format, const char *message)
{
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO);
	char *text = calloc(1, 16384);

	assert_non_null(file);
	assert_non_null(text);
	fflush(stderr);
	dup2(fileno(file), STDERR_FILENO);
	log_setup(level, format);
	log_warn("%s", message);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	assert_true(fread(text, 1, 16383, file) > 0 || feof(file));
	fclose(file);
	return (text);
}

/* A line in JSON is one object, whatever the message holds. */
static void
test_log_json_is_json(void **state)
{
	char *text = capture(LOG_INFO, LOG_JSON, "a\"b\\c\nd \xff é \x7f");
	json_t *line = json_loads(text, 0, NULL);

	(void)state;
	assert_non_null(line);
	assert_string_equal(json_string_value(json_object_get(line, "level")),
	    "warn");
	assert_string_equal(json_string_value(json_object_get(line, "message")),
	    "a\"b\\c\nd \xef\xbf\xbd é \x7f");
	assert_int_equal(text[strlen(text) - 1], '\n');
	json_decref(line);
	free(text);
}

/* The longest message, each byte escaped, still is one whole object. */
static void
test_log_json_is_whole_when_long(void **state)
{
	char message[4000];
	char *text;
	json_t *line;

	(void)state;
	memset(message, '\x01', sizeof(message) - 1);
	message[sizeof(message) - 1] = '\0';
	text = capture(LOG_INFO, LOG_JSON, message);
	line = json_loads(text, 0, NULL);
	assert_non_null(line);
	json_decref(line);
	free(text);
}

static char sunk[64]; /* the last message, with its level */

/* log_sink_fn */
static void
sink(enum log_level level, const char *message)
{
	(void)snprintf(sunk, sizeof(sunk), "%d %s", (int)level, message);
}

/* A sink gets what any level hides, and stderr nothing, until it is gone. */
static void
test_log_goes_to_a_sink(void **state)
{
	char *text;

	(void)state;
	log_set_sink(sink);
	text = capture(LOG_ERROR, LOG_TEXT, "for the sink");
	assert_string_equal(text, "");
	free(text);
	assert_int_equal(sunk[0], '0' + LOG_WARN);
	assert_string_equal(sunk + 1, " for the sink");
	log_debug("seen, too");
	assert_non_null(strstr(sunk, "seen, too"));
	log_set_sink(NULL);
	text = capture(LOG_WARN, LOG_TEXT, "for stderr");
	assert_non_null(strstr(text, " warn for stderr\n"));
	free(text);
	assert_null(strstr(sunk, "stderr"));
}

/* Held lines come out whole and in order, when released or when many wait. */
static void
test_log_holds_lines_back_for_a_while(void **state)
{
	char *text;

	(void)state;
	log_hold();
	log_hold();
	text = capture(LOG_INFO, LOG_TEXT, "first");
	assert_string_equal(text, "");
	free(text);
	log_release();
	text = capture(LOG_INFO, LOG_TEXT, "second");
	assert_string_equal(text, "");
	free(text);
	for (int i = 0; i < 1000; i++) {
		text = capture(LOG_INFO, LOG_TEXT, "more");
		if (text[0] != '\0')
			break;
		free(text);
	}
	assert_non_null(strstr(text, " warn first\n"));
	assert_true(
	    strstr(text, " warn first\n") < strstr(text, " warn second\n"));
	assert_int_equal(text[strlen(text) - 1], '\n');
	free(text);
	log_release();
	text = capture(LOG_INFO, LOG_TEXT, "last");
	assert_null(strstr(text, "first"));
	assert_non_null(strstr(text, " warn last\n"));
	free(text);
}

/* In a child: log more than the pipe holds, then fail. */
static void
crash(int here)
{
	(void)dup2(here, STDERR_FILENO);
	(void)close(here);
	(void)signal(SIGABRT, SIG_DFL);
	log_setup(LOG_INFO, LOG_TEXT);
	if (log_start() == -1)
		_exit(1);
	for (unsigned i = 0; i < 500; i++)
		log_info("before the end: %u", i);
	log_error("the last line");
	abort();
}

/* What was logged before an assertion failed is read, also by a slow one. */
static void
test_log_last_lines_come_out_of_a_crash(void **state)
{
	static char text[65536];
	size_t len = 0;
	int fd[2], status;
	ssize_t n;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(fd), 0);
	assert_true(fcntl(fd[1], F_SETPIPE_SZ, 4096) > 0);
	if ((pid = fork()) == 0)
		crash(fd[1]);
	assert_true(pid > 0);
	(void)close(fd[1]);
	while ((n = read(fd[0], text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	(void)close(fd[0]);
	assert_non_null(strstr(text, "before the end: 0\n"));
	assert_non_null(strstr(text, "before the end: 499\n"));
	assert_non_null(strstr(text, "error the last line\n"));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_log_escape_keeps_clean_text),
		cmocka_unit_test(test_log_escape_shows_dangerous_bytes),
		cmocka_unit_test(test_log_escape_is_done_once),
		cmocka_unit_test(test_log_escape_shows_nul),
		cmocka_unit_test(test_log_escape_cuts_whole_characters),
		cmocka_unit_test(test_log_escape_stays_within_its_room),
		cmocka_unit_test(test_log_text_has_eight_buffers),
		cmocka_unit_test(test_log_json_is_json),
		cmocka_unit_test(test_log_json_is_whole_when_long),
		cmocka_unit_test(test_log_goes_to_a_sink),
		cmocka_unit_test(test_log_holds_lines_back_for_a_while),
		cmocka_unit_test(test_log_last_lines_come_out_of_a_crash),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
