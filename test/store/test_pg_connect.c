/*
 * connect.c: who answers, whom it lets in, and what a session is then.
 */
#include <sys/eventfd.h>
#include <sys/stat.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/store/pg_pipe_case.h"

static void
test_who_never_answers_is_away(void **state)
{
	struct pg_proxy *mute = pg_proxy_new(NULL);
	struct world *w = *state;
	char url[256];

	pg_proxy_url(mute, url, sizeof(url));
	assert_int_equal(try_connect(w, url, SHORT_MS), STORE_AWAY);
	assert_non_null(strstr(w->reason, "no answer in time"));
	pg_proxy_free(mute);
}

static void
test_an_interrupt_ends_connecting(void **state)
{
	struct pg_proxy *mute = pg_proxy_new(NULL);
	struct world *w = *state;
	char url[256];

	pg_proxy_url(mute, url, sizeof(url));
	assert_int_equal(eventfd_write(w->stop_fd, 1), 0);
	assert_int_equal(try_connect(w, url, LONG_MS), STORE_AWAY);
	assert_non_null(strstr(w->reason, "interrupted"));
	pg_proxy_free(mute); /* what is left alone learns that it may end */
}

/* It falls silent, or is cut off, between the login and its first answer. */
static void
test_a_session_that_fails_to_begin_is_away(void **state)
{
	struct world *w = *state;

	pg_proxy_play(w->proxy, PG_TRICK_SILENCE, "pg_backend_pid", NULL);
	assert_int_equal(try_connect(w, w->through, SHORT_MS), STORE_AWAY);
	pg_proxy_play(w->proxy, PG_TRICK_CUT, "pg_backend_pid", NULL);
	assert_int_equal(try_connect(w, w->through, LONG_MS), STORE_AWAY);
	pg_proxy_play(w->proxy, PG_TRICK_CUT, "set_config", NULL);
	assert_int_equal(try_connect(w, w->through, LONG_MS), STORE_AWAY);
	pg_proxy_play(w->proxy, PG_TRICK_RAISE, "set_config", "57P03");
	assert_int_equal(try_connect(w, w->through, LONG_MS), STORE_AWAY);
	assert_int_equal(pg_proxy_played(w->proxy), 4);
	pg_proxy_away(w->proxy, 1);
	assert_int_equal(try_connect(w, w->through, LONG_MS), STORE_AWAY);
	pg_proxy_away(w->proxy, 0);
	connect_through(w);
	assert_works(w);
}

/* One of several hosts that does not answer costs its share of the time. */
static void
test_another_host_is_tried(void **state)
{
	struct pg_proxy *mute = pg_proxy_new(NULL);
	struct world *w = *state;
	char url[256], *port, several[512], name[256];

	pg_proxy_url(mute, url, sizeof(url));
	assert_non_null(port = strstr(url, "127.0.0.1:"));
	port[strcspn(port, "/")] = '\0';
	(void)snprintf(name, sizeof(name), "%s", strrchr(w->url, '/') + 1);
	(void)snprintf(several, sizeof(several),
	    "postgres://klikitd@nowhere.invalid:1,%s,%s&connect_timeout=3",
	    port, strstr(w->through, "127.0.0.1:"));
	assert_int_equal(try_connect(w, several, LONG_MS), STORE_OK);
	assert_works(w);
	assert_non_null(strstr(pg_name(w->c), "nowhere.invalid:1,127.0.0.1:"));

	(void)snprintf(several, sizeof(several),
	    "postgres://klikitd@nowhere.invalid,127.0.0.1,localhost/%s?port=1",
	    name);
	assert_int_equal(try_connect(w, several, LONG_MS), STORE_AWAY);
	assert_non_null(strstr(w->reason, "Connection refused; "));
	assert_non_null(strstr(w->reason, ": nowhere.invalid: "));
	assert_int_equal(try_connect(w, "postgres://nowhere.invalid/d",
			     LONG_MS),
	    STORE_AWAY);
	pg_proxy_free(mute);
}

/* By what somebody has set wrongly, a start fails. */
static void
test_a_wrong_setting_is_told_apart(void **state)
{
	struct world *w = *state;
	char url[320];

	(void)snprintf(url, sizeof(url), "%s&dbname=none", w->through);
	assert_int_equal(try_connect(w, url, LONG_MS), STORE_REFUSED);
	assert_non_null(strstr(w->reason, "\"none\" does not exist"));
	(void)snprintf(url, sizeof(url), "%s&user=nobody_here", w->through);
	assert_int_equal(try_connect(w, url, LONG_MS), STORE_REFUSED);
	(void)snprintf(url, sizeof(url), "%s&sslkey=/x&sslmode=nonsense",
	    w->through);
	assert_int_equal(try_connect(w, url, LONG_MS), STORE_FAILED);
	assert_int_equal(try_connect(w, "postgres:?service=none", LONG_MS),
	    STORE_FAILED);
}

/* A file with that text and mode; the caller removes it. */
static void
write_file(char *ret_path, size_t room, const char *text, mode_t mode)
{
	int fd;

	(void)snprintf(ret_path, room, "/tmp/test_pg_connect.XXXXXX");
	assert_true((fd = mkstemp(ret_path)) != -1);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	(void)close(fd);
}

/* try_connect(); how many bytes were written to stderr meanwhile. */
static off_t
try_aloud(struct world *w, const char *url, enum store_rc rc)
{
	FILE *out = tmpfile();
	int old = dup(STDERR_FILENO);
	enum store_rc got;
	struct stat sb;

	assert_true(out != NULL && old != -1);
	assert_true(dup2(fileno(out), STDERR_FILENO) != -1);
	got = try_connect(w, url, LONG_MS);
	assert_true(dup2(old, STDERR_FILENO) != -1);
	(void)close(old);
	assert_int_equal(fstat(fileno(out), &sb), 0);
	(void)fclose(out);
	assert_int_equal(got, rc);
	return (sb.st_size);
}

/* A user who has to give a password; the URL is without it. */
static void
add_guarded(struct world *w, char *ret_url, size_t room)
{
	char sql[256];

	(void)snprintf(sql, sizeof(sql),
	    "CREATE ROLE pipe_%d LOGIN PASSWORD 'sEcret' IN ROLE guarded",
	    (int)getpid());
	case_database_sql(w->db, sql);
	(void)snprintf(ret_url, room, "%s&user=pipe_%d", w->through,
	    (int)getpid());
}

static void
drop_guarded(struct world *w)
{
	char sql[64];

	pg_conn_free(w->c);
	w->c = NULL;
	(void)snprintf(sql, sizeof(sql), "DROP ROLE pipe_%d", (int)getpid());
	case_database_sql(w->db, sql);
}

static void
test_a_password_is_asked_for(void **state)
{
	struct world *w = *state;
	char url[400], with[480], sql[128];

	add_guarded(w, url, sizeof(url));
	assert_int_equal(try_connect(w, url, LONG_MS), STORE_REFUSED);
	assert_non_null(strstr(w->reason, "PGPASSFILE"));
	(void)snprintf(with, sizeof(with), "%s&password=wRong", url);
	assert_int_equal(try_connect(w, with, LONG_MS), STORE_REFUSED);
	assert_non_null(strstr(w->reason, "password authentication failed"));
	assert_null(strstr(w->reason, "wRong"));
	(void)snprintf(with, sizeof(with), "%s&password=sEcret", url);
	assert_int_equal(try_connect(w, with, LONG_MS), STORE_OK);
	assert_null(strstr(pg_name(w->c), "sEcret"));

	(void)snprintf(sql, sizeof(sql),
	    "ALTER ROLE pipe_%d VALID UNTIL 'yesterday'", (int)getpid());
	case_database_sql(w->db, sql);
	assert_int_equal(try_connect(w, with, LONG_MS), STORE_REFUSED);
	assert_null(strstr(w->reason, "sEcret"));
	drop_guarded(w);
}

/* libpq would say on stderr that others may read it: with each try. */
static void
test_a_file_of_passwords_is_for_one_reader(void **state)
{
	struct world *w = *state;
	char url[400], with[512], path[64];

	add_guarded(w, url, sizeof(url));
	write_file(path, sizeof(path), "*:*:*:*:sEcret\n", 0644);
	(void)snprintf(with, sizeof(with), "%s&passfile=%s", url, path);
	assert_int_equal(try_aloud(w, with, STORE_REFUSED), 0);
	assert_non_null(strstr(w->reason, path));
	assert_non_null(strstr(w->reason, "chmod 600"));
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(try_aloud(w, with, STORE_OK), 0);
	assert_works(w);
	(void)unlink(path);
	drop_guarded(w);
}

static void
test_a_service_may_be_named(void **state)
{
	struct world *w = *state;
	char text[512], path[64];

	(void)snprintf(text, sizeof(text),
	    "[kitchen]\nhost=127.0.0.1\nport=%.*s\nuser=klikitd\n"
	    "dbname=%s\nsslmode=disable\n",
	    (int)strcspn(strrchr(w->url, ':') + 1, "/"),
	    strrchr(w->url, ':') + 1, strrchr(w->url, '/') + 1);
	write_file(path, sizeof(path), text, 0600);
	assert_int_equal(setenv("PGSERVICEFILE", path, 1), 0);
	assert_int_equal(try_connect(w, "postgres:?service=kitchen", LONG_MS),
	    STORE_OK);
	assert_works(w);
	assert_string_equal(pg_name(w->c), "postgres:///?service=kitchen");
	assert_int_equal(try_connect(w, "postgres:?service=bar", LONG_MS),
	    STORE_FAILED);
	assert_non_null(strstr(w->reason, "service \"bar\" not found"));
	assert_int_equal(unsetenv("PGSERVICEFILE"), 0);
	(void)unlink(path);
}

/* What the session needs is set, whatever the role or the URL say. */
static void
test_the_session_is_set_up(void **state)
{
	static const struct pg_statement look = { "look",
		"SELECT current_setting('synchronous_commit'), "
		"current_setting('enable_seqscan'), "
		"current_setting('plan_cache_mode'), "
		"current_setting('search_path'), "
		"current_setting('client_encoding'), "
		"current_setting('application_name'), "
		"current_setting('default_transaction_isolation'), "
		"current_setting('statement_timeout')" };
	static const char *const values[] = { "on", "off", "force_generic_plan",
		"klikitd, pg_temp", "UTF8", "klikitd", "read committed",
		"1min" };
	struct world *w = *state;
	PGresult *res = NULL;
	const char *text;
	char url[400];

	(void)snprintf(url, sizeof(url),
	    "%s&client_encoding=LATIN1&options=-c%%20enable_seqscan%%3Don",
	    w->through);
	assert_int_equal(try_connect(w, url, LONG_MS), STORE_OK);
	assert_int_equal(pg_query(w->c, &look, NULL, &res, w->reason),
	    STORE_OK);
	for (int i = 0; i < (int)(sizeof(values) / sizeof(values[0])); i++) {
		assert_int_equal(pg_text(res, 0, i, &w->mem, &text), 0);
		assert_string_equal(text, values[i]);
	}
	PQclear(res);
}

/* A connection for lists only cannot write. */
static void
test_a_reader_does_not_write(void **state)
{
	struct world *w = *state;
	struct pg_connect what = { .url = w->through,
		.read_only = true,
		.deadline_ms = pg_now_ms() + LONG_MS,
		.statement_ms = LONG_MS,
		.idle_ms = LONG_MS,
		.stop_fd = -1 };

	assert_int_equal(pg_connect(&what, &w->c, w->reason), STORE_OK);
	assert_works(w);
	assert_int_equal(pg_script(w->c, "CREATE TABLE public.x (n int8)", 0,
			     w->reason),
	    STORE_AWAY);
	assert_non_null(strstr(w->reason, "25006"));
}

/* A statement that takes too long is ended by the server, and the connection
 * lives. */
static void
test_a_slow_statement_is_ended(void **state)
{
	struct world *w = *state;
	struct pg_connect what = { .url = w->through,
		.deadline_ms = pg_now_ms() + LONG_MS,
		.statement_ms = 50,
		.idle_ms = LONG_MS,
		.stop_fd = -1 };

	assert_int_equal(pg_connect(&what, &w->c, w->reason), STORE_OK);
	assert_int_equal(pg_script(w->c, "SELECT pg_sleep(60)", LONG_MS,
			     w->reason),
	    STORE_BUSY);
	assert_non_null(strstr(w->reason, "57014"));
	assert_int_equal(pg_script(w->c, "SELECT 1", LONG_MS, w->reason),
	    STORE_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_who_never_answers_is_away),
		TEST(test_an_interrupt_ends_connecting),
		TEST(test_a_session_that_fails_to_begin_is_away),
		TEST(test_another_host_is_tried),
		TEST(test_a_wrong_setting_is_told_apart),
		TEST(test_a_password_is_asked_for),
		TEST(test_a_file_of_passwords_is_for_one_reader),
		TEST(test_a_service_may_be_named),
		TEST(test_the_session_is_set_up),
		TEST(test_a_reader_does_not_write),
		TEST(test_a_slow_statement_is_ended),
	};

	return (cmocka_run_group_tests(tests, pg_pipe_setup_all,
	    pg_pipe_teardown_all));
}
