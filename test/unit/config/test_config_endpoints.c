/* Endpoints: who opens what, and what is apart from what. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/config/config.h"
#include "test/lib/cmocka_all.h"
#include "test/lib/config_case.h"

#define TWO_SECRETS                                                            \
	"[secret a]\nfile = a\n[secret b]\nfile = b\n" /* lines 1 to 4 */

#define SIXTEEN "0123456789abcdef"
#define SIXTY_FOUR SIXTEEN SIXTEEN SIXTEEN SIXTEEN

/* The secret "default" and the files a, b and c. */
static int
setup(void **state)
{
	struct config_case *f;

	if (config_case_setup(state) == -1)
		return (-1);
	f = *state;
	config_case_write(f, "a", "aaa");
	config_case_write(f, "b", "bbb");
	config_case_write(f, "c", "aaa");
	return (0);
}

static const struct config_secret *
secret(const struct config *cfg, const char *name)
{
	for (size_t i = 0; i < cfg->nsecrets; i++) {
		if (strcmp(cfg->secrets[i].name, name) == 0)
			return (&cfg->secrets[i]);
	}
	fail_msg("no secret %s", name);
	return (NULL);
}

/* Does it open that endpoint, and sign events of that scope? */
static void
assert_opens(const struct config *cfg, const char *name, const char *endpoint,
    const char *scope)
{
	const struct config_secret *s = secret(cfg, name);

	assert_string_equal(s->scope, scope);
	if (endpoint == NULL)
		assert_null(s->endpoint);
	else
		assert_string_equal(s->endpoint, endpoint);
}

/* Without any section all secrets open the usual path, as ever. */
static void
test_without_a_section_all_open_the_usual_path(void **state)
{
	struct config_case *f = *state;
	struct config *cfg = config_case_load_good(f, TWO_SECRETS);

	assert_int_equal(cfg->nendpoints, 1);
	assert_string_equal(cfg->endpoints[0].name, "default");
	assert_int_equal(cfg->endpoints[0].line, 0);
	assert_int_equal(cfg->endpoints[0].paths.n, 1);
	assert_string_equal(cfg->endpoints[0].paths.items[0],
	    "/webhooks/klikit");
	assert_string_equal(cfg->endpoints[0].events.items[0], "*");
	assert_opens(cfg, "default", "default", "");
	assert_opens(cfg, "a", "default", "");
	assert_ptr_equal(config_endpoint_usual(cfg), &cfg->endpoints[0]);
	assert_int_equal(config_endpoint_secret(cfg, &cfg->endpoints[0]), 0);
	config_free(cfg);
}

/* A section's keys arrive; its name is the scope; the rest is as before. */
static void
test_a_secret_opens_what_names_it(void **state)
{
	struct config_case *f = *state;
	const struct config_endpoint *ep;
	struct config *cfg = config_case_load_good(f,
	    TWO_SECRETS "[endpoint burger]\npath = /burger, /Burger/,\n"
			"  /a.b/~c/$d=e\nsecrets = b\nbrands = 1, 2\n"
			"branches = 3\nevents = x\n");

	assert_int_equal(cfg->nendpoints, 2);
	assert_non_null(ep = config_endpoint_find(cfg, "burger"));
	assert_int_equal(ep->line, 5);
	assert_int_equal(ep->paths.n, 3);
	assert_string_equal(ep->paths.items[1], "/Burger/");
	assert_int_equal(ep->brands.n, 2);
	assert_int_equal(ep->branches.n, 1);
	assert_string_equal(ep->events.items[0], "x");
	assert_opens(cfg, "b", "burger", "burger");
	assert_opens(cfg, "a", "default", "");
	assert_opens(cfg, "default", "default", "");
	assert_ptr_equal(config_endpoint_at(cfg, "/Burger/", 8), ep);
	assert_null(config_endpoint_at(cfg, "/burger/", 8));
	assert_null(config_endpoint_at(cfg, "/burger", 6));
	assert_int_equal(config_endpoint_secret(cfg, ep), 2);
	assert_string_equal(config_endpoint_usual(cfg)->name, "default");
	config_free(cfg);
}

/* To describe the usual endpoint changes no scope: no id is forgotten. */
static void
test_the_usual_path_has_the_empty_scope(void **state)
{
	struct config_case *f = *state;
	struct config *cfg = config_case_load_good(f,
	    TWO_SECRETS "[endpoint main]\npath = /x, /webhooks/klikit\n"
			"secrets = default, a\n"
			"[endpoint b]\npath = /b\nsecrets = b\n");

	assert_int_equal(cfg->nendpoints, 2);
	assert_opens(cfg, "default", "main", "");
	assert_opens(cfg, "a", "main", "");
	assert_opens(cfg, "b", "b", "b");
	assert_string_equal(config_endpoint_usual(cfg)->name, "main");
	config_free(cfg);
	cfg = config_case_load_good(f,
	    "[endpoint default]\npath = /webhooks/klikit\n"
	    "secrets = default\n");
	assert_opens(cfg, "default", "default", "");
	config_free(cfg);
}

/* A secret's own scope wins, at each endpoint. */
static void
test_a_secrets_own_scope_wins(void **state)
{
	struct config_case *f = *state;
	struct config *cfg = config_case_load_good(f,
	    "[secret a]\nfile = a\nscope = old\n"
	    "[secret b]\nfile = b\nscope = sandbox\n"
	    "[endpoint burger]\npath = /a\nsecrets = a\n");

	assert_opens(cfg, "a", "burger", "old");
	assert_opens(cfg, "b", "default", "sandbox");
	config_free(cfg);
}

/* The usual path is gone when no secret is left for it. */
static void
test_what_is_left_over_is_seen(void **state)
{
	struct config_case *f = *state;
	struct config *cfg;

	cfg = config_case_load_good(f,
	    "[endpoint burger]\npath = /a\nsecrets = default\n");
	assert_int_equal(cfg->nendpoints, 1);
	assert_opens(cfg, "default", "burger", "burger");
	assert_string_equal(config_endpoint_usual(cfg)->name, "burger");
	config_free(cfg);
	cfg = config_case_warnings(f,
	    TWO_SECRETS "[endpoint main]\npath = /webhooks/klikit\n"
			"secrets = default, a\n",
	    "secret b: no [endpoint] names it, so it opens nothing\n");
	assert_opens(cfg, "b", NULL, "");
	config_free(cfg);
}

static void
test_bad_sections_are_reported(void **state)
{
	struct config_case *f = *state;

	config_case_errors(f,
	    "[endpoint burger]\n"
	    "[endpoint x" SIXTY_FOUR "]\npath = /x\n"
	    "[endpoint]\n"
	    "[endpoint default]\npath = /x\nsecrets = default\n"
	    "[endpoint burger]\npath = /y\n"
	    "[endpoint e]\npath = /e\nsecrets = default\nevents =\n"
	    "pahts = /f\n"
	    "[endpoint f]\npath =\nsecrets =\n",
	    "%:2: [endpoint x" SIXTY_FOUR "]: a name has at most 64 "
	    "characters\n"
	    "%:4: [endpoint]: needs a name: [endpoint NAME]\n"
	    "%:8: [endpoint burger]: there is one already on line 1\n"
	    "%:14: endpoint.pahts: unknown key; did you mean endpoint.path?\n"
	    "%:16: endpoint.path: names no path\n"
	    "%:17: endpoint.secrets: names none\n"
	    "%:1: endpoint.path: is missing in [endpoint burger]\n"
	    "%:1: endpoint.secrets: is missing in [endpoint burger]\n"
	    "%:6: endpoint.path: [endpoint default]: this name is that of the "
	    "endpoint with /webhooks/klikit; list that path, or choose another "
	    "name\n"
	    "%:12: endpoint.secrets: default opens [endpoint default] "
	    "already, and a secret opens one endpoint: list the paths of both "
	    "in one section, or have klikit use another secret\n"
	    "%:13: endpoint.events: names none, so that nothing would be "
	    "taken; * is every event\n");
}

static void
test_bad_paths_are_reported(void **state)
{
	static const char *const bad[] = { "a", "/a?b", "/a#b", "http://x/y",
		"/a b", "/a//b", "//", "/./a", "/a/..", "/caf\xc3\xa9",
		"/a\\b" };
	struct config_case *f = *state;
	char text[256];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		(void)snprintf(text, sizeof(text),
		    "[endpoint x]\npath = %s\nsecrets = default\n", bad[i]);
		assert_null(config_case_load(f, text));
		(void)snprintf(text, sizeof(text),
		    "%s:2: endpoint.path: ", f->file);
		assert_memory_equal(f->reported, text, strlen(text));
	}
	config_free(config_case_load_good(f,
	    "[endpoint x]\npath = /, /a/b/, /...\nsecrets = default\n"));
	config_case_errors(f,
	    TWO_SECRETS "[endpoint x]\npath = /healthz\nsecrets = a\n"
			"[endpoint y]\npath = /y, /y, /z\nsecrets = b\n"
			"[endpoint z]\nsecrets = default\npath = /z\n",
	    "%:6: endpoint.path: /healthz says that klikitd lives, to proxies "
	    "and balancers; choose another path\n"
	    "%:9: endpoint.path: /y is listed twice\n"
	    "%:13: endpoint.path: /z is taken already, by [endpoint y] on line "
	    "8\n");
}

static void
test_bad_secrets_are_reported(void **state)
{
	struct config_case *f = *state;

	f->env[0] = NULL;
	config_case_errors(f,
	    TWO_SECRETS "[endpoint x]\npath = /x\nsecrets = aa, a, a, default\n"
			"[endpoint y]\npath = /y\nsecrets = b, a\n",
	    "%:7: endpoint.secrets: there is no [secret aa]; did you mean a?\n"
	    "%:7: endpoint.secrets: a is listed twice\n"
	    "%:7: endpoint.secrets: there is no secret default: set "
	    "KLIKIT_WEBHOOK_SECRET, or name its file by klikit.secret_file\n"
	    "%:10: endpoint.secrets: a opens [endpoint x] already, and a "
	    "secret "
	    "opens one endpoint: list the paths of both in one section, or "
	    "have klikit use another secret\n");
	config_case_errors(f,
	    "[secret a]\nfile = a\n[secret c]\nfile = c\n"
	    "[endpoint x]\npath = /x\nsecrets = a\n",
	    "secret c: has the same bytes as secret a, which opens endpoint x: "
	    "a secret opens one endpoint\n");
}

/* No id that came through one may be a duplicate at the other. */
static void
test_scopes_of_two_endpoints_differ(void **state)
{
	struct config_case *f = *state;

	config_case_errors(f,
	    "[secret a]\nfile = a\n[secret b]\nfile = b\nscope = x\n"
	    "[endpoint x]\npath = /x\nsecrets = a\n",
	    "secret b: has the scope \"x\", which endpoint x has by secret a: "
	    "an id that came through one would be a duplicate at the other; "
	    "choose another scope\n");
}

/* Handlers may name endpoints, also the one that no section describes. */
static void
test_handlers_name_endpoints(void **state)
{
	struct config_case *f = *state;
	struct config *cfg;

	cfg = config_case_load_good(f,
	    TWO_SECRETS "[endpoint x]\npath = /x\nsecrets = a\n"
			"[handler h]\ntype = orders\nendpoints = x, default\n");
	assert_int_equal(cfg->handlers[0].endpoints.n, 2);
	config_free(cfg);
	config_case_errors(f,
	    TWO_SECRETS
	    "[endpoint burger]\npath = /x\nsecrets = a\n"
	    "[handler h]\ntype = orders\nendpoints = burgers, other\n",
	    "%:10: handler.endpoints: there is no [endpoint burgers]; did you "
	    "mean burger?\n"
	    "%:10: handler.endpoints: there is no [endpoint other]\n");
}

#define CASE(name)                                                             \
	cmocka_unit_test_setup_teardown(name, setup, config_case_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_without_a_section_all_open_the_usual_path),
		CASE(test_a_secret_opens_what_names_it),
		CASE(test_the_usual_path_has_the_empty_scope),
		CASE(test_a_secrets_own_scope_wins),
		CASE(test_what_is_left_over_is_seen),
		CASE(test_bad_sections_are_reported),
		CASE(test_bad_paths_are_reported),
		CASE(test_bad_secrets_are_reported),
		CASE(test_scopes_of_two_endpoints_differ),
		CASE(test_handlers_name_endpoints),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
