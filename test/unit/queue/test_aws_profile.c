/* AWS's shared files, as its own programs write and people edit them. */
#include <stdlib.h>
#include <string.h>

#include "test/lib/cmocka_all.h"

#include "handlers/queue/aws_profile.h"

static struct aws_profile p;

static void
read_as(const char *text, const char *name, enum aws_profile_file file)
{
	aws_profile_read(&p, text, strlen(text), name, file);
}

static void
read_new(const char *text, const char *name)
{
	aws_profile_wipe(&p);
	read_as(text, name, AWS_PROFILE_CREDENTIALS);
}

#define TWO                                                                    \
	"[default]\n"                                                          \
	"aws_access_key_id = AKIADEFAULT\n"                                    \
	"aws_secret_access_key=secret/default+\n"                              \
	"\n"                                                                   \
	"[shop]\r\n"                                                           \
	"; the shop's\r\n"                                                     \
	"aws_access_key_id=AKIASHOP # old\r\n"                                 \
	"aws_secret_access_key\t=\tsecret#shop  \r\n"                          \
	"aws_session_token = token==\r\n"

static void
test_a_profile_is_found_by_its_name(void **state)
{
	(void)state;
	read_new(TWO, "default");
	assert_true(p.found);
	assert_string_equal(p.id, "AKIADEFAULT");
	assert_string_equal(p.secret, "secret/default+");
	assert_string_equal(p.token, "");
	read_new(TWO, "shop");
	assert_string_equal(p.id, "AKIASHOP");
	assert_string_equal(p.secret, "secret#shop");
	assert_string_equal(p.token, "token==");
	read_new(TWO, "sho");
	assert_false(p.found);
	assert_string_equal(p.id, "");
}

/* The other file calls a section [profile NAME], but for the default. */
static void
test_both_files_have_sections_of_their_own(void **state)
{
	static const char config[] =
	    "[default]\nregion = us-east-1\n[profile shop]\n"
	    "region = eu-west-1\n[profile \"my shop\"]\nregion=eu-west-2\n"
	    "[bare]\nregion = eu-west-3\n";

	(void)state;
	aws_profile_wipe(&p);
	read_as(config, "default", AWS_PROFILE_CONFIG);
	assert_string_equal(p.region, "us-east-1");
	aws_profile_wipe(&p);
	read_as(config, "shop", AWS_PROFILE_CONFIG);
	assert_string_equal(p.region, "eu-west-1");
	aws_profile_wipe(&p);
	read_as(config, "my shop", AWS_PROFILE_CONFIG);
	assert_string_equal(p.region, "eu-west-2");
	aws_profile_wipe(&p);
	read_as(config, "bare", AWS_PROFILE_CONFIG);
	assert_false(p.found);
	read_new(config, "bare");
	assert_true(p.found);
	read_new(config, "shop");
	assert_false(p.found);
}

/* What the first file says stands; a key and its secret are of one file. */
static void
test_the_first_file_wins(void **state)
{
	(void)state;
	read_new(TWO, "shop");
	read_as("[profile shop]\naws_access_key_id=OTHER\nregion=eu-west-1\n"
		"aws_secret_access_key=other\n",
	    "shop", AWS_PROFILE_CONFIG);
	assert_string_equal(p.id, "AKIASHOP");
	assert_string_equal(p.secret, "secret#shop");
	assert_string_equal(p.region, "eu-west-1");
	read_new("[shop]\naws_access_key_id=HALF\n", "shop");
	read_as("[profile shop]\naws_access_key_id=OTHER\n"
		"aws_secret_access_key=other\n",
	    "shop", AWS_PROFILE_CONFIG);
	assert_string_equal(p.id, "OTHER");
	assert_string_equal(p.secret, "other");
}

/* Settings of a setting are indented, and none of ours. */
static void
test_what_is_indented_is_not_read(void **state)
{
	(void)state;
	read_new("[a]\ns3 =\n  aws_access_key_id = NO\n [b]\n"
		 "aws_access_key_id = YES\n",
	    "a");
	assert_string_equal(p.id, "YES");
}

static void
test_the_last_of_several_lines_counts(void **state)
{
	(void)state;
	read_new("[a]\naws_access_key_id = ONE\n[b]\n[a]\n"
		 "aws_access_key_id = TWO",
	    "a");
	assert_string_equal(p.id, "TWO");
}

static void
test_an_editors_mark_is_read_over(void **state)
{
	(void)state;
	read_new("\xef\xbb\xbf[a]\naws_access_key_id = A\n", "a");
	assert_string_equal(p.id, "A");
}

static void
test_a_value_that_fits_nowhere_is_said(void **state)
{
	static char text[AWS_SECRET_MAX + 64] = "[a]\naws_secret_access_key = ";
	size_t len = strlen(text);

	(void)state;
	read_new("[a]\naws_access_key_id = A B\n", "a");
	assert_true(p.odd);
	assert_string_equal(p.id, "");
	memset(text + len, 's', AWS_SECRET_MAX + 1);
	read_new(text, "a");
	assert_true(p.odd);
	assert_string_equal(p.secret, "");
	text[len + AWS_SECRET_MAX] = '\0';
	read_new(text, "a");
	assert_false(p.odd);
	assert_int_equal(strlen(p.secret), AWS_SECRET_MAX);
}

static void
test_what_is_not_done_here_is_named(void **state)
{
	(void)state;
	read_new("[a]\ncredential_process = /bin/x\n", "a");
	assert_string_equal(p.beyond, "credential_process");
	read_new("[a]\nrole_arn = arn:aws:iam::1:role/x\n", "a");
	assert_string_equal(p.beyond, "role_arn");
	read_new(TWO, "shop");
	assert_null(p.beyond);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_profile_is_found_by_its_name),
		cmocka_unit_test(test_both_files_have_sections_of_their_own),
		cmocka_unit_test(test_the_first_file_wins),
		cmocka_unit_test(test_what_is_indented_is_not_read),
		cmocka_unit_test(test_the_last_of_several_lines_counts),
		cmocka_unit_test(test_an_editors_mark_is_read_over),
		cmocka_unit_test(test_a_value_that_fits_nowhere_is_said),
		cmocka_unit_test(test_what_is_not_done_here_is_named),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
