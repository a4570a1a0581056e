/* The example file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handlers/registry.h"
#include "server/config/config.h"
#include "test/lib/cmocka_all.h"
#include "test/lib/config_case.h"

/* The example says every default: uncommented, nothing changes. */
static void
test_config_example_holds_the_defaults(void **state)
{
	struct config_case *f = *state;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct config *cfg;
	const char *key;
	size_t ntypes = 0;

	assert_non_null(out);
	config_print_example(out, handler_types);
	assert_int_equal(fclose(out), 0);
	for (char *p = strstr(text, "\n;"); p != NULL; p = strstr(p, "\n;"))
		p[1] = ' ';
	/* Blanks would continue a value: take them away as well. */
	for (char *from = text, *to = text;; from++) {
		if (from[0] == '\n' && from[1] == ' ') {
			*to++ = '\n';
			from++;
			continue;
		}
		if ((*to++ = *from) == '\0')
			break;
	}
	/* The files that the example names are not there. */
	f->src.need = CONFIG_STORE;
	cfg = config_case_load_good(f, text);
	while (handler_types[ntypes] != NULL)
		ntypes++;
	assert_int_equal(cfg->nhandlers, ntypes);
	assert_int_equal(cfg->handlers[0].retry.n, 6);
	assert_string_equal(cfg->secret_file, "/etc/klikitd/secret");
	{
		/* These are set only to show how. */
		struct config *plain = config_case_load_good(f,
		    "[tls]\ncertificate = /etc/klikitd/cert.pem\n"
		    "key = /etc/klikitd/key.pem\n"
		    "[process]\nuser = klikitd\nsandbox = yes\n");

		assert_false(config_needs_restart(plain, cfg, &key));
		assert_int_equal(plain->http_max_body, cfg->http_max_body);
		assert_int_equal(plain->http_request_timeout_ms,
		    cfg->http_request_timeout_ms);
		config_free(plain);
	}
	config_free(cfg);
	free(text);
}

#define TEST(fn)                                                               \
	cmocka_unit_test_setup_teardown(fn, config_case_setup,                 \
	    config_case_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_config_example_holds_the_defaults),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
