#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/upstream/upstream_batch.h"

#define JOB                                                                    \
	"{\"id\":\"81\",\"lease\":\"L-1\",\"lease_ms\":60000,\"attempt\":2,"   \
	"\"event_id\":\"ev-1\",\"received_at\":1764441600000,"                 \
	"\"headers\":[[\"Content-Type\",\"application/json\"],"                \
	"[\"X-Klikit-Signature\",\"00\"]],\"body\":\"eyJhIjoxfQ==\"}"

static int
read_text(const char *text, struct upstream_batch *b, char *reason)
{
	return (upstream_batch_read(text, strlen(text), b, reason));
}

/* Its parts come out as they went in, with whatever else beside them. */
static void
test_upstream_batch_reads_jobs(void **state)
{
	static const char text[] =
	    " { \"more\" : [ {} , \"]\" ], \"jobs\" : [ " JOB " , " JOB
	    " ], \"last\":null } \n";
	char reason[HANDLER_REASON_MAX];
	struct upstream_batch b;
	size_t len;
	void *body;

	(void)state;
	assert_int_equal(read_text(text, &b, reason), 0);
	assert_int_equal(b.njobs, 2);
	for (size_t i = 0; i < b.njobs; i++) {
		const struct upstream_job *job = &b.jobs[i];

		assert_string_equal(job->id, "81");
		assert_string_equal(job->lease, "L-1");
		assert_string_equal(job->event_id, "ev-1");
		assert_int_equal(job->lease_ms, 60000);
		assert_int_equal(job->attempt, 2);
		assert_int_equal(job->received_at_ms, 1764441600000);
		assert_string_equal(upstream_job_header(job,
					"x-klikit-signature"),
		    "00");
		assert_null(upstream_job_header(job, "x-klikit"));
		assert_int_equal(upstream_job_body(job, &body, &len), 0);
		assert_int_equal(len, 7);
		assert_memory_equal(body, "{\"a\":1}", 7);
		free(body);
	}
	upstream_batch_fini(&b);
}

static void
test_upstream_batch_may_be_empty(void **state)
{
	char reason[HANDLER_REASON_MAX];
	struct upstream_batch b;

	(void)state;
	assert_int_equal(read_text("{\"jobs\":[]}", &b, reason), 0);
	assert_int_equal(b.njobs, 0);
	upstream_batch_fini(&b);
}

/* "/" may be written as "\/", and no other escape stands for base64. */
static void
test_upstream_batch_reads_escaped_bodies(void **state)
{
	struct upstream_job job = { .body = "\"\\/\\/8=\"", .body_len = 8 };
	size_t len;
	void *body;

	(void)state;
	assert_int_equal(upstream_job_body(&job, &body, &len), 0);
	assert_int_equal(len, 2);
	assert_memory_equal(body, "\xff\xff", 2);
	free(body);
	job = (struct upstream_job){ .body = "\"\\n\"", .body_len = 4 };
	assert_int_equal(upstream_job_body(&job, &body, &len), -1);
	job = (struct upstream_job){ .body = "\"{}\"", .body_len = 4 };
	assert_int_equal(upstream_job_body(&job, &body, &len), -1);
	job = (struct upstream_job){ .body = "\"\"", .body_len = 2 };
	assert_int_equal(upstream_job_body(&job, &body, &len), 0);
	assert_int_equal(len, 0);
	free(body);
}

/* What a login page, a proxy or a broken hub may answer is not believed. */
static void
test_upstream_batch_refuses_what_is_none(void **state)
{
	static const char *const texts[] = {
		"",
		"<html><body>Please log in</body></html>",
		"null",
		"[]",
		"{}",
		"{\"error\":\"unauthorized\"}",
		"{\"jobs\":{}}",
		"{\"jobs\":[}",
		"{\"jobs\":[]",
		"{\"jobs\":[]}}",
		"{\"jobs\":[],\"jobs\":[]}",
		"{\"jobs\":[,]}",
		"{\"jobs\":[" JOB ",]}",
		"{\"jobs\":[" JOB,
		"{\"jobs\":[1]}",
		"{\"jobs\":[{}]}",
		"{\"jobs\":[{\"id\":81}]}",
		"{\"jobs\":[{\"id\":\"\"}]}",
		"{\"jobs\":[{\"id\":\"a\\nb\"}]}",
		"{\"jobs\":[{\"lease_ms\":-1}]}",
		"{\"jobs\":[{\"lease_ms\":1e9}]}",
		"{\"jobs\":[{\"headers\":[[\"a\"]]}]}",
		"{\"jobs\":[{\"headers\":[[\"a\",\"b\",\"c\"]]}]}",
		"{\"jobs\":[{\"headers\":{\"a\":\"b\"}}]}",
		"{\"jobs\":[{\"body\":{}}]}",
		"{\"jobs\":[{\"body\":\"a",
		"{\"x\"}",
		"{\"x\":",
		"{\"x\":]}",
	};
	char reason[HANDLER_REASON_MAX];
	struct upstream_batch b;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		reason[0] = '\0';
		assert_int_equal(read_text(texts[i], &b, reason), -1);
		assert_string_not_equal(reason, "");
	}
}

/* Every place at which it may be cut is found. */
static void
test_upstream_batch_refuses_what_was_cut(void **state)
{
	static const char text[] = "{\"jobs\":[" JOB "]}";
	char reason[HANDLER_REASON_MAX];
	struct upstream_batch b;

	(void)state;
	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		char *exact = malloc(len + 1);

		assert_non_null(exact);
		memcpy(exact, text, len);
		assert_int_equal(upstream_batch_read(exact, len, &b, reason),
		    -1);
		free(exact);
	}
}

/* Not more jobs, headers or memory than there is room for. */
static void
test_upstream_batch_is_bounded(void **state)
{
	char reason[HANDLER_REASON_MAX];
	struct upstream_batch b;
	char *text = NULL;
	size_t size = 0;
	FILE *f;

	(void)state;
	f = open_memstream(&text, &size);
	assert_non_null(f);
	fprintf(f, "{\"jobs\":[" JOB);
	for (int i = 0; i < UPSTREAM_JOBS_MAX; i++)
		fprintf(f, "," JOB);
	fprintf(f, "]}");
	fclose(f);
	assert_int_equal(read_text(text, &b, reason), -1);
	assert_non_null(strstr(reason, "more jobs"));
	free(text);

	f = open_memstream(&text, &size);
	assert_non_null(f);
	fprintf(f, "{\"jobs\":[{\"headers\":[[\"a\",\"\"]");
	for (int i = 0; i < UPSTREAM_HEADERS_MAX; i++)
		fprintf(f, ",[\"a\",\"\"]");
	fprintf(f, "]}]}");
	fclose(f);
	assert_int_equal(read_text(text, &b, reason), -1);
	assert_non_null(strstr(reason, "too many headers"));
	free(text);

	/* One member over and over. */
	f = open_memstream(&text, &size);
	assert_non_null(f);
	fprintf(f, "{\"jobs\":[{\"id\":\"1\"");
	for (int i = 0; i < 60000; i++)
		fprintf(f, ",\"headers\":[[\"a\",\"\"],[\"b\",\"\"]]");
	fprintf(f, "}]}");
	fclose(f);
	assert_int_equal(read_text(text, &b, reason), -1);
	assert_non_null(strstr(reason, "too large"));
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_upstream_batch_reads_jobs),
		cmocka_unit_test(test_upstream_batch_may_be_empty),
		cmocka_unit_test(test_upstream_batch_reads_escaped_bodies),
		cmocka_unit_test(test_upstream_batch_refuses_what_is_none),
		cmocka_unit_test(test_upstream_batch_refuses_what_was_cut),
		cmocka_unit_test(test_upstream_batch_is_bounded),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
