#include <sys/stat.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/cli/admin_link.h"

struct fixture {
	char dir[64];
	char store[96]; /* "sqlite:DIR/s.db" */
	char link[96];
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return (-1);
	strcpy(f->dir, "/tmp/test_admin_link.XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return (-1);
	(void)snprintf(f->store, sizeof(f->store), "sqlite:%s/s.db", f->dir);
	(void)snprintf(f->link, sizeof(f->link), "%s/s.db.admin", f->dir);
	*state = f;
	return (0);
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	(void)unlink(f->link);
	(void)rmdir(f->dir);
	free(f);
	return (0);
}

static void
write_file(const char *path, const char *text)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
}

/* What was written is read, by the owner alone, until it is removed. */
static void
test_admin_link_is_read_back(void **state)
{
	struct fixture *f = *state;
	char url[HTTP_URL_MAX], reason[ADMIN_LINK_REASON_MAX];
	struct stat sb;

	write_file(f->link, "http://of.a.dead.server:1\n");
	assert_int_equal(chmod(f->link, 0644), 0);
	assert_int_equal(admin_link_write(f->store, "http://127.0.0.1:8081",
			     reason),
	    0);
	assert_int_equal(stat(f->link, &sb), 0);
	assert_int_equal(sb.st_mode & 0777, 0600);
	assert_int_equal(admin_link_read(f->store, url, reason), 0);
	assert_string_equal(url, "http://127.0.0.1:8081");
	admin_link_remove(f->store);
	assert_int_equal(admin_link_read(f->store, url, reason), -1);
	assert_non_null(strstr(reason, f->link));
}

/* An empty file names no server. */
static void
test_admin_link_refuses_nothing(void **state)
{
	struct fixture *f = *state;
	char url[HTTP_URL_MAX], reason[ADMIN_LINK_REASON_MAX];

	write_file(f->link, "");
	assert_int_equal(admin_link_read(f->store, url, reason), -1);
	assert_non_null(strstr(reason, "holds no address"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_admin_link_is_read_back,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_admin_link_refuses_nothing,
		    setup, teardown),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
