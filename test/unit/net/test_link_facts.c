#include <string.h>

#include "test/lib/cmocka_all.h"

#include "handlers/net/link_facts.h"

/* The pauses double, are spread over half of themselves, and have a limit. */
static void
test_link_pauses_double(void **state)
{
	static const int64_t most[] = { 200, 400, 800, 1600, 3200, 6400, 12800,
		25600, 30000, 30000 };

	(void)state;
	for (unsigned i = 0; i < sizeof(most) / sizeof(most[0]); i++) {
		assert_int_equal(link_pause_after(i + 1, 0), most[i] / 2);
		assert_int_equal(link_pause_after(i + 1, 0x80000000),
		    most[i] * 3 / 4);
		assert_in_range(link_pause_after(i + 1, UINT32_MAX),
		    most[i] - 1, most[i]);
	}
	assert_int_equal(link_pause_after(UINT32_MAX, 0), 15000);
}

/* A time of being up that is long enough makes the failures before void. */
static void
test_link_pause_counts_failures(void **state)
{
	struct link_pause p = { .failures = 0 };

	(void)state;
	assert_int_equal(link_pause_begin(&p, 0, 1000, 0), 100);
	assert_int_equal(p.until_ms, 1100);
	assert_int_equal(link_pause_begin(&p, 0, 2000, 0), 200);
	assert_int_equal(link_pause_begin(&p, 9999, 2000, 0), 400);
	assert_int_equal(link_pause_begin(&p, 10000, 2000, 0), 100);
	assert_int_equal(p.until_ms, 2100);
	assert_int_equal(p.failures, 1);
	assert_int_equal(link_pause_left(&p, 2000), 100);
	assert_int_equal(link_pause_left(&p, 2100), 1); /* its timer is late */
	p.until_ms = 0;
	assert_int_equal(link_pause_left(&p, 2000), 0);
}

/* Silence is asked about, once; only then is it death. */
static void
test_link_silence_is_judged(void **state)
{
	struct link_silence s = { .limit_ms = 100 };
	int64_t wait_ms;

	(void)state;
	link_silence_heard(&s, 1000);
	assert_int_equal(link_silence_judge(&s, 1060, &wait_ms), SILENCE_WAIT);
	assert_int_equal(wait_ms, 40);
	assert_int_equal(link_silence_judge(&s, 5000, &wait_ms), SILENCE_ASK);
	assert_int_equal(wait_ms, 100);
	assert_int_equal(link_silence_judge(&s, 5099, &wait_ms), SILENCE_WAIT);
	assert_int_equal(wait_ms, 1);
	assert_int_equal(link_silence_judge(&s, 5100, &wait_ms), SILENCE_DEAD);
	link_silence_heard(&s, 5100);
	assert_int_equal(link_silence_judge(&s, 5199, &wait_ms), SILENCE_WAIT);
	assert_int_equal(link_silence_judge(&s, 5200, &wait_ms), SILENCE_ASK);
}

/* How it ends is recorded. */
static void
test_link_facts_end(void **state)
{
	struct link_facts f = { .ended = false };
	char detail[2 * HANDLER_REASON_MAX];

	(void)state;
	link_facts_end(&f, LINK_REFUSED, 403, NULL);
	assert_true(f.ended);
	assert_int_equal(f.fault, LINK_REFUSED);
	assert_int_equal(f.code, 403);
	assert_string_equal(f.detail, "");
	memset(detail, 'x', sizeof(detail));
	detail[sizeof(detail) - 1] = '\0';
	link_facts_end(&f, LINK_BROKEN, 0, detail);
	assert_int_equal(strlen(f.detail), HANDLER_REASON_MAX - 1);
}

/* What was being waited for, or lost, is named. */
static void
test_link_texts(void **state)
{
	char text[HANDLER_REASON_MAX];

	(void)state;
	link_late_text(LINK_DIALING, NULL, "q.test", 5000, text);
	assert_string_equal(text, "no name server answered for q.test within "
				  "5s");
	link_late_text(LINK_DIALING, "1.2.3.4:5", "q.test", 250, text);
	assert_string_equal(text, "no connection to 1.2.3.4:5 within 250ms");
	link_late_text(LINK_SHAKING, "1.2.3.4:5", "q.test", 1500, text);
	assert_string_equal(text,
	    "TLS handshake with 1.2.3.4:5 not done within 1.5s");
	link_late_text(LINK_LOGIN, "1.2.3.4:5", "q.test", 5000, text);
	assert_string_equal(text, "login at 1.2.3.4:5 not done within 5s");
	link_lost_text(LINK_SHAKING, "1.2.3.4:5", NULL, text);
	assert_string_equal(text,
	    "no TLS with 1.2.3.4:5: it closed the connection");
	link_lost_text(LINK_SHAKING, "1.2.3.4:5", "so", text);
	assert_string_equal(text, "no TLS with 1.2.3.4:5: so");
	link_lost_text(LINK_LOGIN, "1.2.3.4:5", NULL, text);
	assert_string_equal(text,
	    "1.2.3.4:5 closed the connection during the login");
	link_lost_text(LINK_UP, "1.2.3.4:5", "so", text);
	assert_string_equal(text, "the connection to 1.2.3.4:5 was lost: so");
	link_silence_text("1.2.3.4:5", 120000, text);
	assert_string_equal(text, "nothing has come from 1.2.3.4:5 for 120s");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_link_pauses_double),
		cmocka_unit_test(test_link_pause_counts_failures),
		cmocka_unit_test(test_link_silence_is_judged),
		cmocka_unit_test(test_link_facts_end),
		cmocka_unit_test(test_link_texts),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
