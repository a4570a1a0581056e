#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/base/line_writer.h"

#define TEXT_MAX ((size_t)4 << 20)

/* A pipe, what has been read of it, and its writer. */
struct world {
	int there;
	int here;
	struct line_writer *w;
	char *text;
	size_t len;
};

static size_t
report(uint64_t n, int error, char ret[LINE_WRITER_REPORT_MAX])
{
	return ((size_t)snprintf(ret, LINE_WRITER_REPORT_MAX,
	    "missing %" PRIu64 " (%d)\n", n, error));
}

static int
setup(void **state)
{
	struct world *x = calloc(1, sizeof(*x));
	int fd[2];

	assert_non_null(x);
	assert_int_equal(pipe(fd), 0);
	x->there = fd[0];
	x->here = fd[1];
	assert_true(fcntl(x->here, F_SETPIPE_SZ, 4096) > 0);
	x->text = calloc(1, TEXT_MAX);
	assert_non_null(x->text);
	x->w = line_writer_new(x->here, report);
	assert_non_null(x->w);
	*state = x;
	return (0);
}

static int
teardown(void **state)
{
	struct world *x = *state;

	(void)line_writer_free(x->w);
	if (x->there != -1)
		(void)close(x->there);
	(void)close(x->here);
	free(x->text);
	free(x);
	return (0);
}

static void
add(struct world *x, unsigned i)
{
	char line[64];
	int len = snprintf(line, sizeof(line), "line %u\n", i);

	line_writer_add(x->w, line, (size_t)len, 1);
}

/* Read on until text is there. */
static void
read_until(struct world *x, const char *text)
{
	ssize_t n;

	while (strstr(x->text, text) == NULL) {
		n = read(x->there, x->text + x->len, TEXT_MAX - 1 - x->len);
		assert_true(n > 0);
		x->len += (size_t)n;
	}
}

/* What is read comes whole and in order. */
static void
test_line_writer_writes_all_in_order(void **state)
{
	struct world *x = *state;
	char *at;
	unsigned i, n = 0;

	for (i = 0; i < 20000; i++)
		add(x, i);
	while (line_writer_dropped(x->w) == 0)
		add(x, i++); /* nobody reads, so it ends */
	n = i - (unsigned)line_writer_dropped(x->w);
	read_until(x, "missing ");
	at = x->text;
	for (i = 0; i < n; i++) {
		char line[64];

		(void)snprintf(line, sizeof(line), "line %u\n", i);
		assert_memory_equal(at, line, strlen(line));
		at += strlen(line);
	}
	assert_memory_equal(at, "missing ", 8);
}

/* The report stands where lines are missing, and counts each once. */
static void
test_line_writer_reports_in_place(void **state)
{
	struct world *x = *state;
	uint64_t sum = 0, n;
	char *at;

	for (unsigned i = 0; i < 60000; i++)
		add(x, i);
	assert_true(line_writer_dropped(x->w) > 0);
	read_until(x, "missing ");
	add(x, 999999);
	read_until(x, "line 999999\n");
	for (at = x->text; (at = strstr(at, "missing ")) != NULL; at++) {
		assert_int_equal(sscanf(at, "missing %" PRIu64 " (0)", &n), 1);
		sum += n;
	}
	assert_int_equal(sum, line_writer_dropped(x->w));
	assert_true(
	    strstr(x->text, "missing ") < strstr(x->text, "line 999999"));
	assert_null(strstr(x->text, "line 59999\n"));
}

/* Many lines that were added at once are dropped, and counted, at once. */
static void
test_line_writer_counts_lines_not_calls(void **state)
{
	struct world *x = *state;
	static char many[8000];

	for (size_t i = 0; i < sizeof(many); i += 2)
		memcpy(many + i, "x\n", 2);
	for (int i = 0; i < 200; i++)
		line_writer_add(x->w, many, sizeof(many), sizeof(many) / 2);
	assert_true(line_writer_dropped(x->w) > 0);
	assert_int_equal(line_writer_dropped(x->w) % (sizeof(many) / 2), 0);
	read_until(x, "missing ");
}

/* A reader that is gone ends nothing but its lines. */
static void
test_line_writer_survives_a_reader_that_is_gone(void **state)
{
	struct world *x = *state;

	(void)close(x->there);
	x->there = -1;
	for (unsigned i = 0; i < 100; i++)
		add(x, i);
	line_writer_wait(x->w);
	assert_int_equal(line_writer_dropped(x->w), 100);
}

/* The flags of the descriptor are other processes' too: they stay. */
static void
test_line_writer_changes_no_flags(void **state)
{
	struct world *x = *state;
	int before = fcntl(x->here, F_GETFL);

	add(x, 1);
	read_until(x, "line 1\n");
	assert_int_equal(fcntl(x->here, F_GETFL), before);
	assert_int_equal(before & O_NONBLOCK, 0);
}

/* One that does not block is waited for, not hammered nor given up. */
static void
test_line_writer_waits_for_one_that_does_not_block(void **state)
{
	struct world *x = *state;

	assert_int_equal(fcntl(x->here, F_SETFL, O_NONBLOCK), 0);
	for (unsigned i = 0; i < 5000; i++)
		add(x, i);
	read_until(x, "line 4999\n");
	assert_int_equal(line_writer_dropped(x->w), 0);
}

/* On a full disk the last line may be cut; the next one begins anew. */
static void
test_line_writer_ends_a_line_that_was_cut(void **state)
{
	char path[] = "/tmp/line_writer.XXXXXX", text[256] = "";
	struct rlimit old, tight;
	struct line_writer *w;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd != -1);
	(void)unlink(path);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	tight = (struct rlimit){ 10, old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	w = line_writer_new(fd, report);
	line_writer_add(w, "first\n", 6, 1);
	line_writer_wait(w);
	line_writer_add(w, "second\n", 7, 1);
	line_writer_wait(w);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	line_writer_add(w, "third\n", 6, 1);
	assert_true(line_writer_free(w));
	assert_true(pread(fd, text, sizeof(text) - 1, 0) > 0);
	assert_string_equal(text, "first\nseco\nmissing 1 (27)\nthird\n");
	(void)close(fd);
}

/* A reader that has stopped is not waited for at the end. */
static void
test_line_writer_end_does_not_wait_for_ever(void **state)
{
	int fd[2];
	struct line_writer *w;

	(void)state;
	assert_int_equal(pipe(fd), 0);
	w = line_writer_new(fd[1], report);
	for (unsigned i = 0; i < 20000; i++)
		line_writer_add(w, "some line\n", 10, 1);
	assert_false(line_writer_free(w));
	/* Its thread is let go, so that nothing outlives the test. */
	(void)close(fd[0]);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_line_writer_writes_all_in_order),
		T(test_line_writer_reports_in_place),
		T(test_line_writer_counts_lines_not_calls),
		T(test_line_writer_survives_a_reader_that_is_gone),
		T(test_line_writer_changes_no_flags),
		T(test_line_writer_waits_for_one_that_does_not_block),
		cmocka_unit_test(test_line_writer_ends_a_line_that_was_cut),
		cmocka_unit_test(test_line_writer_end_does_not_wait_for_ever),
	};
#undef T

	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
