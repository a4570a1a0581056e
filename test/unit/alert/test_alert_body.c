/* An alert's event: what is written is what is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "server/alert/alert_body.h"
#include "store/record.h"

#define WALL 1750000000000

static const struct alert_sender from = { "box/17", WALL + 600000 };

static struct alert
alert_of(const char *subject, unsigned turn)
{
	struct alert a = { .since_ms = WALL, .sent = { .turn = turn } };

	alert_init(&a, ALERT_JOB_DEAD, subject);
	(void)snprintf(a.sentence, sizeof(a.sentence), "3 jobs are dead");
	return (a);
}

/* Ids of a subject grow byte by byte, and none begins like another's. */
static void
test_ids(void **state)
{
	struct alert nine = alert_of("pos", 8), ten = alert_of("pos", 9);
	struct alert odd = alert_of("a/b \xc3\xa9", 0);
	char prefix[ALERT_ID_MAX], a[ALERT_ID_MAX], b[ALERT_ID_MAX];

	(void)state;
	alert_id_prefix(&nine, prefix);
	assert_string_equal(prefix, "klikitd.alert.job_dead/pos/");
	alert_id_next(&nine, a);
	alert_id_next(&ten, b);
	assert_string_equal(a, "klikitd.alert.job_dead/pos/00000009");
	assert_true(strcmp(a, b) < 0);
	alert_id_next(&odd, a);
	assert_string_equal(a,
	    "klikitd.alert.job_dead/a%2Fb%20%C3%A9/00000001");
}

/* Whatever the subject, an id is one that a delivery could have. */
static void
test_ids_fit(void **state)
{
	char subject[400], id[ALERT_ID_MAX];
	struct alert a;

	(void)state;
	memset(subject, '/', sizeof(subject) - 1);
	subject[sizeof(subject) - 1] = '\0';
	a = alert_of(subject, 99999998);
	alert_id_next(&a, id);
	assert_true(strlen(id) <= 255);
	assert_string_equal(id + strlen(id) - 9, "/99999999");
}

/* As the store gives it back. */
static struct alert_sent
read_back(const struct alert *a, enum alert_word word, bool purged)
{
	char id[ALERT_ID_MAX];
	struct store_event ev = { .event_id = id,
		.type = alert_type(a, word),
		.received_at_ms = WALL + 5,
		.came_at = { 77 } };
	struct alert_sent sent;
	char *body;

	alert_id_next(a, id);
	body = alert_body(a, word, &from, &ev.body_len);
	assert_non_null(body);
	ev.body = purged ? NULL : body;
	alert_read(&ev, &sent);
	free(body);
	return (sent);
}

static void
test_what_is_told_is_read(void **state)
{
	struct alert a = alert_of("pos", 4);
	struct alert_sent sent;

	(void)state;
	a.sent.reminders = 2;
	sent = read_back(&a, ALERT_REMINDER, false);
	assert_int_equal(sent.turn, 5);
	assert_int_equal(sent.word, ALERT_REMINDER);
	assert_int_equal(sent.reminders, 3);
	assert_int_equal(sent.since_ms, WALL);
	assert_int_equal(sent.at.ms, 77);
	assert_string_equal(sent.receiver, "box/17");
	assert_string_equal(sent.sentence, "3 jobs are dead");
	assert_int_equal(read_back(&a, ALERT_RAISED, false).word, ALERT_RAISED);
	assert_int_equal(read_back(&a, ALERT_CLEARED, false).word,
	    ALERT_CLEARED);
}

/* Without its body the row says how it stands. */
static void
test_a_purged_one_is_read(void **state)
{
	struct alert a = alert_of("pos", 4);
	struct alert_sent sent = read_back(&a, ALERT_REMINDER, true);

	(void)state;
	assert_int_equal(sent.turn, 5);
	assert_int_equal(sent.word, ALERT_RAISED);
	assert_int_equal(sent.since_ms, WALL + 5);
	assert_int_equal(read_back(&a, ALERT_CLEARED, true).word,
	    ALERT_CLEARED);
}

/* One member is a sentence for people, whatever the word. */
static void
test_text_is_whole(void **state)
{
	const struct alert a = alert_of("pos", 0);
	size_t len;
	char *body = alert_body(&a, ALERT_REMINDER, &from, &len);
	json_t *o = json_loadb(body, len, 0, NULL);
	const char *text = json_string_value(json_object_get(o, "text"));

	(void)state;
	assert_non_null(text);
	assert_non_null(strstr(text, "klikitd on box: for 10 minutes now: "
				     "3 jobs are dead. "));
	assert_non_null(strstr(text, alert_kind_advice(ALERT_JOB_DEAD)));
	assert_string_equal(json_string_value(json_object_get(o, "state")),
	    "reminder");
	json_decref(o);
	free(body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_ids_fit),
		cmocka_unit_test(test_what_is_told_is_read),
		cmocka_unit_test(test_a_purged_one_is_read),
		cmocka_unit_test(test_text_is_whole),
	};

	return (cmocka_run_group_tests_name("alert_body", tests, NULL, NULL));
}
