/* Lists of what was refused, and why. */
#include <stdio.h>
#include <string.h>

#include "test/lib/cmocka_all.h"
#include "test/lib/store_case.h"

#define NOW 1750000000000
#define ROWS_MAX 16

static struct store_case c;

/* The rows of a list; what the first of them says. */
struct rows {
	unsigned calls;
	size_t n;
	int64_t ids[ROWS_MAX];
	struct store_rejection first; /* its numbers only */
	char text[512];
	char body[32];
	char endpoint[16];
};

static const char *
or_none(const char *text)
{
	return (text == NULL ? "none" : text);
}

/* store_rejections_fn */
static void
rows_cb(enum store_rc rc, const struct store_rejection_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct rows *got = arg;
	const struct store_rejection *r;

	assert_int_equal(rc, STORE_OK);
	assert_null(reason);
	assert_in_range(n, 0, ROWS_MAX);
	got->calls++;
	got->n = n;
	for (size_t i = 0; i < n; i++)
		got->ids[i] = rows[i].id;
	if (n == 0)
		return;
	r = &rows[0].r;
	got->first = *r;
	(void)snprintf(got->text, sizeof(got->text), "%s %s %s %s %s", r->peer,
	    r->cause, or_none(r->code), or_none(r->diagnosis),
	    or_none(r->headers));
	(void)snprintf(got->endpoint, sizeof(got->endpoint), "%s",
	    or_none(r->endpoint));
	if (r->body_len > 0 && r->body_len <= sizeof(got->body))
		memcpy(got->body, r->body, r->body_len);
}

static struct rows
list(const struct store_rejection_filter *filter)
{
	struct rows got = { 0 };

	assert_int_equal(store_list_rejections(c.st, filter, rows_cb, &got), 0);
	assert_int_equal(got.calls, 0);
	store_wait(c.st);
	assert_int_equal(got.calls, 1);
	return (got);
}

static struct rows
get(int64_t id)
{
	struct rows got = { 0 };

	assert_int_equal(store_get_rejection(c.st, id, rows_cb, &got), 0);
	store_wait(c.st);
	assert_int_equal(got.calls, 1);
	return (got);
}

static void
reject(const struct store_rejection *rej, size_t n)
{
	struct case_result r = { 0 };

	assert_int_equal(store_reject(c.st, rej, n, case_done_cb, &r), 0);
	store_wait(c.st);
	assert_int_equal(r.rc, STORE_OK);
}

static const struct store_rejection found = {
	.at_ms = NOW,
	.peer = "127.0.0.1:5",
	.endpoint = "burger",
	.cause = "signature",
	.code = "body_crlf",
	.diagnosis = "the line ends were changed",
	.headers = "a: b\n",
	.size = 9,
	.body = "{\0}",
	.body_len = 3,
};

/* All that was written is read back; a list leaves out what is long. */
static void
test_rejection_is_read_back_whole(void **state)
{
	const struct store_rejection_filter any = { 0 };
	struct rows got;

	(void)state;
	reject(&found, 1);
	got = get(1);
	assert_int_equal(got.n, 1);
	assert_int_equal(got.ids[0], 1);
	assert_string_equal(got.text,
	    "127.0.0.1:5 signature body_crlf the line ends were changed "
	    "a: b\n");
	assert_int_equal(got.first.at_ms, NOW);
	assert_int_equal(got.first.size, 9);
	assert_int_equal(got.first.body_len, 3);
	assert_memory_equal(got.body, "{\0}", 3);
	assert_string_equal(got.endpoint, "burger");
	got = list(&any);
	assert_int_equal(got.n, 1);
	assert_string_equal(got.text,
	    "127.0.0.1:5 signature body_crlf the line ends were changed none");
	assert_int_equal(got.first.size, 9);
	assert_string_equal(got.endpoint, "burger");
	assert_null(got.first.body);
}

/* One without a diagnosis has none; one that is not there is none. */
static void
test_missing_parts_are_null(void **state)
{
	struct store_rejection bare = { .at_ms = NOW,
		.peer = "p",
		.cause = "headers_missing" };

	(void)state;
	assert_int_equal(get(1).n, 0);
	reject(&bare, 1);
	assert_string_equal(get(1).text, "p headers_missing none none none");
	assert_string_equal(get(1).endpoint, "none");
	assert_null(get(1).first.body);
	assert_int_equal(get(2).n, 0);
	assert_int_equal(get(-1).n, 0);
}

/* The newest first, page by page, of one cause, of some time. */
static void
test_rejections_are_filtered_and_paged(void **state)
{
	struct store_rejection_filter f = { .limit = 2 };
	struct store_rejection rej[5];
	struct rows got;

	(void)state;
	for (int i = 0; i < 5; i++) {
		rej[i] = found;
		rej[i].at_ms = NOW + i;
		rej[i].cause = i == 1 ? "id_conflict" : "signature";
	}
	reject(rej, 5);
	got = list(&f);
	assert_int_equal(got.n, 2);
	assert_int_equal(got.ids[0], 5);
	assert_int_equal(got.ids[1], 4);
	f.before = 2;
	got = list(&f);
	assert_int_equal(got.n, 1);
	assert_int_equal(got.ids[0], 1);
	f = (struct store_rejection_filter){ .cause = "id_conflict" };
	got = list(&f);
	assert_int_equal(got.n, 1);
	assert_int_equal(got.ids[0], 2);
	f = (struct store_rejection_filter){ .since_ms = NOW + 2,
		.until_ms = NOW + 4 };
	got = list(&f);
	assert_int_equal(got.n, 2);
	assert_int_equal(got.ids[0], 4);
}

/* What groups were found, as lines. */
static char groups[1024];

/* store_rejection_groups_fn */
static void
groups_cb(enum store_rc rc, const struct store_rejection_group *rows, size_t n,
    const char *reason, void *arg)
{
	size_t len = 0;

	(void)arg;
	if (rc != STORE_OK)
		fail_msg("%s", reason);
	groups[0] = '\0';
	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(groups + len, sizeof(groups) - len,
		    "%s %s: %llu of %llu rows, %lld to %lld, %lld %s\n",
		    rows[i].cause, or_none(rows[i].code),
		    (unsigned long long)rows[i].deliveries,
		    (unsigned long long)rows[i].rows,
		    (long long)(rows[i].first_ms - NOW),
		    (long long)(rows[i].last_ms - NOW),
		    (long long)rows[i].newest, or_none(rows[i].diagnosis));
}

static const char *
group(struct store_rejection_filter filter)
{
	assert_int_equal(store_group_rejections(c.st, &filter, groups_cb, NULL),
	    0);
	store_wait(c.st);
	return (groups);
}

/*
 * Those of which the same was found are one group, the greatest first, which
 * counts what came again and what was not kept.
 */
static void
test_rejections_are_grouped(void **state)
{
	struct store_rejection_filter f = { .code = "body_crlf" };
	struct store_rejection r = found;
	struct rows got;

	(void)state;
	assert_string_equal(group((struct store_rejection_filter){ 0 }), "");
	reject(&r, 1);
	r.at_ms = NOW + 20;
	r.not_kept = 5;
	r.diagnosis = "the newest one";
	reject(&r, 1);
	r = found;
	r.at_ms = NOW + 5;
	r.code = r.diagnosis = NULL;
	reject(&r, 1);
	r.at_ms = NOW + 7;
	r.cause = "invalid_json";
	reject(&r, 1);
	assert_string_equal(group((struct store_rejection_filter){ 0 }),
	    "signature body_crlf: 7 of 2 rows, 0 to 20, 2 the newest one\n"
	    "invalid_json none: 1 of 1 rows, 7 to 7, 4 none\n"
	    "signature none: 1 of 1 rows, 5 to 5, 3 none\n");
	assert_string_equal(group((struct store_rejection_filter){
				.cause = "signature",
				.code = STORE_NO_CODE }),
	    "signature none: 1 of 1 rows, 5 to 5, 3 none\n");
	assert_string_equal(group((struct store_rejection_filter){ .since_ms =
								       NOW + 6,
				.until_ms = NOW + 20 }),
	    "invalid_json none: 1 of 1 rows, 7 to 7, 4 none\n");

	got = list(&f);
	assert_int_equal(got.n, 2);
	assert_int_equal(got.ids[0], 2);
	f.before = 2;
	got = list(&f);
	assert_int_equal(got.n, 1);
	assert_int_equal(got.ids[0], 1);
	f = (struct store_rejection_filter){ .code = STORE_NO_CODE,
		.limit = 1 };
	got = list(&f);
	assert_int_equal(got.n, 1);
	assert_int_equal(got.ids[0], 4);
	f.code = "nothing_like_it";
	assert_int_equal(list(&f).n, 0);
}

#define CASE(name)                                                             \
	cmocka_unit_test_prestate_setup_teardown(name, store_case_setup_open,  \
	    store_case_teardown, &c)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_rejection_is_read_back_whole),
		CASE(test_missing_parts_are_null),
		CASE(test_rejections_are_filtered_and_paged),
		CASE(test_rejections_are_grouped),
	};

	return (store_case_run("store_rejections", tests));
}
