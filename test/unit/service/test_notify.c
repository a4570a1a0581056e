#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <sys/socket.h>

#include <cmocka.h>

#include "server/service/notify.h"

static char text[NOTIFY_MAX];

static void
test_messages_are_lines(void **state)
{
	(void)state;
	assert_int_equal(notify_format(NOTIFY_READY, 0, "Receiving", text), 25);
	assert_string_equal(text, "READY=1\nSTATUS=Receiving\n");
	(void)notify_format(NOTIFY_RELOADING, 1234567, NULL, text);
	assert_string_equal(text, "RELOADING=1\nMONOTONIC_USEC=1234567\n");
	(void)notify_format(NOTIFY_STOPPING, 9, NULL, text);
	assert_string_equal(text, "STOPPING=1\n");
	(void)notify_format(NOTIFY_WATCHDOG, 9, NULL, text);
	assert_string_equal(text, "WATCHDOG=1\n");
	(void)notify_format(NOTIFY_STATUS, 9, "", text);
	assert_string_equal(text, "STATUS=\n");
}

/* A reason of the store may hold anything; it is one line all the same. */
static void
test_a_status_is_one_line(void **state)
{
	(void)state;
	(void)notify_format(NOTIFY_STATUS, 0, "a\nREADY=1\x1b[31m\x7f", text);
	assert_string_equal(text, "STATUS=a READY=1 [31m \n");
}

static void
test_a_long_status_is_cut_between_characters(void **state)
{
	char status[2 * NOTIFY_MAX];
	size_t n;

	(void)state;
	for (size_t shift = 0; shift < 3; shift++) {
		memset(status, 'x', sizeof(status));
		for (size_t i = shift; i + 3 < sizeof(status); i += 3)
			memcpy(status + i, "\xe2\x82\xac", 3);
		status[sizeof(status) - 1] = '\0';
		n = notify_format(NOTIFY_READY, 0, status, text);
		assert_int_equal(n, strlen(text));
		assert_true(n < NOTIFY_MAX && n > NOTIFY_MAX - 5);
		assert_int_equal(text[n - 1], '\n');
		assert_int_equal((unsigned char)text[n - 2], 0xac);
	}
}

static void
test_addresses_are_paths_or_abstract(void **state)
{
	char longest[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 1];
	struct sockaddr_un un;

	(void)state;
	assert_int_equal(notify_address("/run/n", &un),
	    offsetof(struct sockaddr_un, sun_path) + 7);
	assert_string_equal(un.sun_path, "/run/n");
	assert_int_equal(notify_address("@n/1", &un),
	    offsetof(struct sockaddr_un, sun_path) + 4);
	assert_memory_equal(un.sun_path, "\0n/1", 4);
	assert_int_equal(notify_address("", &un), 0);
	assert_int_equal(notify_address("@", &un), 0);
	assert_int_equal(notify_address("run/n", &un), 0);
	assert_int_equal(notify_address("vsock:2:9", &un), 0);
	memset(longest, 'x', sizeof(longest));
	longest[0] = '/';
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(notify_address(longest, &un), 0);
	longest[sizeof(longest) - 2] = '\0';
	assert_int_equal(notify_address(longest, &un), sizeof(un));
}

static void
test_without_a_manager_nothing_is_sent(void **state)
{
	struct notify n;

	(void)state;
	assert_true(notify_open(&n, NULL));
	notify_send(&n, NOTIFY_READY, 0, NULL);
	notify_close(&n);
	assert_false(notify_open(&n, "/nowhere/at/all"));
	assert_int_equal(n.fd, -1);
	notify_send(&n, NOTIFY_READY, 0, NULL);
	assert_false(notify_open(&n, "nowhere"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages_are_lines),
		cmocka_unit_test(test_a_status_is_one_line),
		cmocka_unit_test(test_a_long_status_is_cut_between_characters),
		cmocka_unit_test(test_addresses_are_paths_or_abstract),
		cmocka_unit_test(test_without_a_manager_nothing_is_sent),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
