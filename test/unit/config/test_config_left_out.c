/* What a build without an option says of a configuration that needs it:
   registry.c is built in here anew, without HAVE_REDIS. */
#include "server/config/config.h"
#include "test/lib/cmocka_all.h"
#include "test/lib/config_case.h"

/* That the type is not in this build is all that is said of its section. */
static void
test_its_keys_are_no_further_errors(void **state)
{
	struct config_case *f = *state;

	config_case_errors(f,
	    "[handler a]\nstream = orders\ntype = redis\nmaxlen = 5\n"
	    "[handler b]\ntype = reddis\nstream = orders\n",
	    "%:3: handler.type: no type \"redis\": this klikitd was built "
	    "without redis\n"
	    "%:6: handler.type: no type \"reddis\"; there is: ^\n"
	    "%:7: handler.stream: unknown key\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_its_keys_are_no_further_errors, config_case_setup,
		    config_case_teardown),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
