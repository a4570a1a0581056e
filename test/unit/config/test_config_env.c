#include <string.h>

#include "server/config/config_env.h"
#include "server/config/config_place.h"
#include "server/config/config_table.h"
#include "test/lib/cmocka_all.h"
#include "test/lib/config_case.h"

/* PORT changes the port of the file's addresses, and nothing else does. */
static void
test_config_env_port(void **state)
{
	struct config_case *f = *state;
	struct config *cfg;

	f->env[1] = "PORT=9000";
	cfg = config_case_load_good(f,
	    "[http]\nlisten = 10.0.0.1:1, [::1]:2, 10.0.0.1:3\n");
	assert_int_equal(cfg->http_listen.n, 2);
	assert_string_equal(cfg->http_listen.items[0], "10.0.0.1:9000");
	assert_string_equal(cfg->http_listen.items[1], "[::1]:9000");
	config_free(cfg);

	f->env[2] = "KLIKITD_HTTP_LISTEN=*:7000";
	cfg = config_case_load_good(f, NULL);
	assert_string_equal(cfg->http_listen.items[0], "*:7000");
	config_free(cfg);

	f->env[2] = NULL;
	f->flags[0] = "http.listen";
	f->flags[1] = "*:7001";
	f->src.nflags = 1;
	cfg = config_case_load_good(f, NULL);
	assert_string_equal(cfg->http_listen.items[0], "*:7001");
	config_free(cfg);

	f->env[1] = "PORT=http";
	f->src.path = NULL;
	config_case_errors(f, NULL,
	    "PORT: http.listen: \"http\" is not a port from 0 to 65535\n");
}

/* A misspelt variable stops nothing, and is named with the nearest. */
static void
test_config_env_warns_of_unknown_variables(void **state)
{
	struct config_case *f = *state;

	f->env[1] = "KLIKITD_HTTP_LISTN=*:1";
	f->env[2] = "KLIKITD_ZZZZZZZZZZZZZZ=1";
	f->env[3] = "KLIKITD=1";
	f->env[4] = "KLIKITD_WEBHOOK_SECRET=x";
	f->env[5] = "KLIKITD_PORT=8080";
	f->env[6] = "KLIKITD_ADMIN_LISTEN_PORT=8080";
	config_free(config_case_warnings(f, "[http]\n",
	    "KLIKITD_HTTP_LISTN: unknown variable, ignored; did you mean "
	    "KLIKITD_HTTP_LISTEN?\n"
	    "KLIKITD_ZZZZZZZZZZZZZZ: unknown variable, ignored\n"
	    "KLIKITD_WEBHOOK_SECRET: unknown variable, ignored; did you mean "
	    "KLIKIT_WEBHOOK_SECRET?\n"
	    "KLIKITD_PORT: unknown variable, ignored\n"
	    "KLIKITD_ADMIN_LISTEN_PORT: unknown variable, ignored; did you "
	    "mean KLIKITD_ADMIN_LISTEN?\n"));
}

/* What is wrong beside it may come of it: both are reported. */
static void
test_config_env_warns_beside_errors(void **state)
{
	struct config_case *f = *state;

	f->env[0] = "KLIKITD_WEBHOOK_SECRET=x";
	config_case_errors(f, "[http]\n",
	    "no webhook secret: set KLIKIT_WEBHOOK_SECRET or "
	    "KLIKIT_WEBHOOK_SECRET_FILE, name its file by "
	    "klikit.secret_file in the configuration, or have the service "
	    "manager hand it over as the credential klikit-secret\n"
	    "warning: KLIKITD_WEBHOOK_SECRET: unknown variable, ignored; did "
	    "you mean KLIKIT_WEBHOOK_SECRET?\n");
}

/* What Kubernetes and docker say of services named klikitd... is passed. */
static const char *const foreign[] = {
	"KLIKITD_SERVICE_HOST=10.0.0.1",
	"KLIKITD_SERVICE_PORT=8080",
	"KLIKITD_SERVICE_PORT_WEBHOOK=8080",
	"KLIKITD_PORT=tcp://10.0.0.1:8080",
	"KLIKITD_PORT_8080_TCP=tcp://10.0.0.1:8080",
	"KLIKITD_PORT_8080_TCP_PROTO=tcp",
	"KLIKITD_PORT_8080_TCP_PORT=8080",
	"KLIKITD_PORT_8080_TCP_ADDR=10.0.0.1",
	"KLIKITD_PORT_53_UDP_ADDR=10.0.0.1",
	"KLIKITD_PORT_9_SCTP=sctp://10.0.0.1:9",
	"KLIKITD_ADMIN_SERVICE_HOST=10.0.0.1",
	"KLIKITD_ADMIN_PORT=tcp://10.0.0.1:8081",
	"KLIKITD_ADMIN_PORT_8081_TCP_ADDR=10.0.0.1",
	"KLIKITD_NAME=/web/klikitd",
	"KLIKITD_ENV_KLIKITD_LOG_LEVEL=loud",
};
#define NFOREIGN (sizeof(foreign) / sizeof(foreign[0]))

static void
test_config_env_passes_what_services_announce(void **state)
{
	struct config_case *f = *state;

	for (size_t i = 0; i < NFOREIGN; i++) {
		f->env[1] = foreign[i];
		config_free(config_case_load_good(f, "[http]\n"));
	}
	f->src.need = CONFIG_STORE; /* as the verbs load it */
	config_free(config_case_load_good(f, NULL));
}

/* No key may get a name that is passed: nobody could set it then. */
static void
test_config_env_keys_are_not_foreign(void **state)
{
	char name[CONFIG_ENV_MAX];

	(void)state;
	for (const struct key *key = config_global_keys; key->name != NULL;
	     key++) {
		config_key_env(key, name);
		assert_false(config_env_is_foreign(name, "/web/klikitd"));
		assert_false(config_env_is_foreign(name, "tcp://10.0.0.1:80"));
	}
}

/* An empty variable is as good as none, whatever its kind of value. */
static void
test_config_env_passes_empty_variables(void **state)
{
	struct config_case *f = *state;
	struct config *cfg;

	f->env[1] = "KLIKITD_HTTP_LISTEN=";
	f->env[2] = "KLIKITD_LOG_LEVEL=";
	f->env[3] = "KLIKITD_STORE_URL=";
	f->env[4] = "KLIKITD_ADMIN_LISTEN=";
	f->env[5] = "PORT=";
	f->env[6] = "KLIKIT_WEBHOOK_SECRET_FILE=";
	f->env[7] = "KLIKITD_TLS_CERTIFICATE=";
	f->env[8] = "KLIKITD_NO_SUCH_KEY=";
	f->env[9] = "STATE_DIRECTORY=";
	cfg = config_case_load_good(f, "[http]\nlisten = *:81\n");
	assert_string_equal(cfg->http_listen.items[0], "*:81");
	assert_int_equal(cfg->admin_listen.n, 1);
	config_free(cfg);
}

/* PORT of another's making does not keep the server from starting. */
static void
test_config_env_port_of_a_service(void **state)
{
	struct config_case *f = *state;
	struct config *cfg;

	f->env[1] = "PORT=tcp://10.0.0.1:9000";
	cfg = config_case_warnings(f, "[http]\nlisten = *:81\n",
	    "PORT: \"tcp://10.0.0.1:9000\" is not a port from 0 to 65535 but "
	    "a service's address, so it is ignored\n");
	assert_string_equal(cfg->http_listen.items[0], "*:81");
	config_free(cfg);
}

/* systemd may name several directories, and none of them may be empty. */
static void
test_config_env_state_directories(void **state)
{
	struct config_case *f = *state;
	static const struct {
		const char *variable;
		const char *url; /* NULL: as without the variable */
	} cases[] = {
		{ "STATE_DIRECTORY=/a", "sqlite:/a/klikitd.db" },
		{ "STATE_DIRECTORY=/a:/b", "sqlite:/a/klikitd.db" },
		{ "STATE_DIRECTORY=:/b", "sqlite:/b/klikitd.db" },
		{ "STATE_DIRECTORY=:", NULL },
	};
	struct config *cfg, *without = config_case_load_good(f, NULL);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		f->env[1] = cases[i].variable;
		cfg = config_case_load_good(f, NULL);
		assert_string_equal(cfg->store_url,
		    cases[i].url == NULL ? without->store_url : cases[i].url);
		config_free(cfg);
	}
	config_free(without);
}

/* What stands beside the configuration is never overlooked. */
static void
test_config_place_overlooks_no_store(void **state)
{
	(void)state;
	assert_int_equal(config_place_choose(false, false, false),
	    CONFIG_PLACE_HERE);
	assert_int_equal(config_place_choose(true, false, false),
	    CONFIG_PLACE_HERE);
	assert_int_equal(config_place_choose(false, true, false),
	    CONFIG_PLACE_BEFORE);
	assert_int_equal(config_place_choose(true, true, false),
	    CONFIG_PLACE_TWO);
	assert_int_equal(config_place_choose(true, true, true),
	    CONFIG_PLACE_HERE);
	assert_true(config_place_is_etc("/etc"));
	assert_true(config_place_is_etc("/etc/klikitd"));
	assert_false(config_place_is_etc("/etcetera"));
	assert_false(config_place_is_etc("/srv/etc"));
}

#define TEST(fn)                                                               \
	cmocka_unit_test_setup_teardown(fn, config_case_setup,                 \
	    config_case_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_config_env_port),
		TEST(test_config_env_warns_of_unknown_variables),
		TEST(test_config_env_warns_beside_errors),
		TEST(test_config_env_passes_what_services_announce),
		TEST(test_config_env_keys_are_not_foreign),
		TEST(test_config_env_passes_empty_variables),
		TEST(test_config_env_port_of_a_service),
		TEST(test_config_env_state_directories),
		cmocka_unit_test(test_config_place_overlooks_no_store),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
