/* Hubs that events are fetched from, and what they make needless. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/config/config.h"
#include "test/lib/cmocka_all.h"
#include "test/lib/config_case.h"

#define TOKEN "a-token-of-the-tests"
#define HUB(name, n)                                                           \
	"[upstream " name "]\nurl = https://hub.example/pull/" n               \
	"\ntoken_file = token\n"

/* No secret, and the file token. */
static int
setup(void **state)
{
	struct config_case *f;

	if (config_case_setup(state) == -1)
		return (-1);
	f = *state;
	f->env[0] = NULL;
	f->src.env = f->env;
	config_case_write(f, "token", TOKEN "\n");
	return (0);
}

/* A hub whose word is enough makes a secret needless. */
static void
test_with_trusted_hubs_no_secret_is_needed(void **state)
{
	struct config_case *f = *state;
	struct config *cfg;

	cfg = config_case_load_good(f,
	    HUB("a", "a") "trust = hub\n" HUB("b", "b") "trust = hub\n");
	assert_int_equal(cfg->nsecrets, 0);
	assert_int_equal(cfg->nendpoints, 1);
	assert_string_equal(cfg->endpoints[0].name, CONFIG_ENDPOINT);
	assert_string_equal(cfg->endpoints[0].paths.items[0],
	    CONFIG_WEBHOOK_PATH);
	assert_ptr_equal(config_endpoint_usual(cfg), &cfg->endpoints[0]);
	assert_int_equal(config_endpoint_secret(cfg, &cfg->endpoints[0]), 0);
	assert_string_equal(cfg->upstreams[1].token, TOKEN);
	config_free(cfg);
}

/* One that only hands on what is signed needs what verifies it. */
static void
test_each_hub_is_to_be_trusted_then(void **state)
{
	static const char no_secret[] =
	    "no webhook secret: set KLIKIT_WEBHOOK_SECRET or "
	    "KLIKIT_WEBHOOK_SECRET_FILE, name its file by klikit.secret_file "
	    "in the configuration, or have the service manager hand it over "
	    "as the credential klikit-secret";
	struct config_case *f = *state;
	char text[512];

	(void)snprintf(text, sizeof(text),
	    "%s; a box that only fetches needs none if each [upstream] has "
	    "trust = hub\n",
	    no_secret);
	config_case_errors(f, HUB("a", "a") "trust = hub\n" HUB("b", "b"),
	    text);
	(void)snprintf(text, sizeof(text), "%s\n", no_secret);
	config_case_errors(f, "", text);
}

/* klikitd listen's stands in no file. */
static void
test_a_hub_of_its_own(void **state)
{
	struct config_case *f = *state;
	struct config_hub hub = { .name = "hub",
		.keys = { { "url", "https://hub.example/pull/x", "URL: " },
		    { "trust", "hub", "" } },
		.token = TOKEN };
	struct config *cfg;

	f->src.hub = &hub;
	cfg = config_case_load_good(f, "");
	assert_int_equal(cfg->nupstreams, 1);
	assert_string_equal(cfg->upstreams[0].url, hub.keys[0].value);
	assert_string_equal(cfg->upstreams[0].token, TOKEN);
	assert_null(cfg->upstreams[0].token_file);
	assert_true(cfg->upstreams[0].trust);
	config_free(cfg);

	hub.token = "short";
	config_case_errors(f, "",
	    "KLIKITD_LISTEN_TOKEN: holds no token: 16 to 256 printable "
	    "characters without blanks\n");
	hub.token = TOKEN;
	config_case_errors(f, HUB("hub", "y") "trust = hub\n",
	    "the configuration has an [upstream hub] already\n");
	hub.keys[0].value = "http://hub.example/pull/x";
	assert_null(config_case_load(f, ""));
	assert_ptr_equal(strstr(f->reported, "URL: "), f->reported);
}

#define CASE(name)                                                             \
	cmocka_unit_test_setup_teardown(name, setup, config_case_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_with_trusted_hubs_no_secret_is_needed),
		CASE(test_each_hub_is_to_be_trusted_then),
		CASE(test_a_hub_of_its_own),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
