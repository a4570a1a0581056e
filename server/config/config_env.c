/*
 * The environment: PORT, and KLIKITD_SECTION_KEY for each global key.
 *
 * Others write there too: Kubernetes and docker set variables for each service
 * that a container may call, named after it, and a service may well be called
 * klikitd. So a variable that is no key is never an error.
 */
#include <stdlib.h>
#include <string.h>

#include "server/base/log.h"
#include "server/base/nearest.h"
#include "server/config/config_draft.h"
#include "server/config/config_env.h"
#include "store/base/parse.h"

#define ENV_PREFIX "KLIKITD_"

/* "tcp://10.0.0.1:8080", as services are announced. */
static bool
is_service_url(const char *value)
{
	return (strncmp(value, "tcp://", 6) == 0 ||
		strncmp(value, "udp://", 6) == 0 ||
		strncmp(value, "sctp://", 7) == 0);
}

static bool
ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return (len >= end_len && strcmp(text + len - end_len, end) == 0);
}

/* Does "_PORT_<digits>_<TCP, UDP or SCTP>" stand in it, with an end or not? */
static bool
is_port_of_service(const char *name)
{
	static const char *const protocols[] = { "_TCP", "_UDP", "_SCTP" };
	const char *p = name;
	size_t digits, len;

	while ((p = strstr(p, "_PORT_")) != NULL) {
		p += strlen("_PORT_");
		digits = strspn(p, "0123456789");
		for (size_t i = 0; digits > 0 && i < 3; i++) {
			len = strlen(protocols[i]);
			if (strncmp(p + digits, protocols[i], len) == 0 &&
			    (p[digits + len] == '\0' || p[digits + len] == '_'))
				return (true);
		}
	}
	return (false);
}

bool
config_env_is_foreign(const char *name, const char *value)
{
	/* What follows the service's name, of which KLIKITD may be all. */
	name += strlen(ENV_PREFIX) - 1;
	return (strstr(name, "_SERVICE_") != NULL || is_port_of_service(name) ||
		/* Docker's links: the container's name and its environment. */
		(ends_with(name, "_NAME") && value[0] == '/') ||
		strstr(name, "_ENV_") != NULL ||
		(ends_with(name, "_PORT") && is_service_url(value)));
}

const char *
config_env_get(const char *const *env, const char *name)
{
	size_t len = strlen(name);

	for (; *env != NULL; env++) {
		if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
			return (
			    (*env)[len + 1] == '\0' ? NULL : *env + len + 1);
	}
	return (NULL);
}

char *
config_env_state(const char *const *env)
{
	const char *dir = config_env_get(env, "STATE_DIRECTORY");

	if (dir == NULL || *(dir += strspn(dir, ":")) == '\0')
		return (NULL);
	return (strndup(dir, strcspn(dir, ":")));
}

/* PORT replaces the port of every address; those that become equal are one. */
static void
set_port(struct config_draft *d)
{
	const char *port = config_env_get(d->src->env, "PORT");
	struct key_list *list = &d->cfg->http_listen;
	int64_t number;
	size_t n = 0;
	char *item;

	if (port == NULL)
		return;
	if (is_service_url(port)) {
		config_draft_warn(d,
		    "PORT: \"%s\" is not a port from 0 to 65535 but a "
		    "service's address, so it is ignored",
		    log_text(port));
		return;
	}
	if (parse_int(port, 0, 65535, &number) == -1) {
		config_draft_error(d,
		    "PORT: http.listen: \"%s\" is not a port from 0 to 65535",
		    log_text(port));
		return;
	}
	for (size_t i = 0; i < list->n; i++) {
		item = list->items[i];
		*strrchr(item, ':') = '\0';
		if (asprintf(&list->items[i], "%s:%lld", item,
			(long long)number) == -1) {
			config_draft_error(d, "out of memory");
			list->items[i] = item;
			return;
		}
		free(item);
	}
	for (size_t i = 0; i < list->n; i++) {
		bool known = false;

		for (size_t j = 0; j < n; j++)
			known |= strcmp(list->items[i], list->items[j]) == 0;
		if (known)
			free(list->items[i]);
		else
			list->items[n++] = list->items[i];
	}
	list->n = n;
}

static void
unknown_variable(struct config_draft *d, const char *name)
{
	static const char *const others[] = { "PORT", "KLIKIT_WEBHOOK_SECRET",
		"KLIKIT_WEBHOOK_SECRET_FILE" };
	char candidate[CONFIG_ENV_MAX], best[CONFIG_ENV_MAX];
	struct nearest n;

	nearest_init(&n, name);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		nearest_offer(&n, others[i]);
	for (const struct key *key = config_global_keys; key->name != NULL;
	     key++) {
		nearest_offer(&n, config_key_env(key, candidate));
		if (n.best == candidate) /* which the next one overwrites */
			n.best = strcpy(best, candidate);
	}
	config_draft_warn(d, "%s: unknown variable, ignored%s", log_text(name),
	    nearest_hint(&n, "", ""));
}

static void
set_variable(struct config_draft *d, const char *name, const char *value)
{
	char env[CONFIG_ENV_MAX], where[2 * CONFIG_ENV_MAX];

	for (const struct key *key = config_global_keys; key->name != NULL;
	     key++) {
		if (strcmp(config_key_env(key, env), name) != 0)
			continue;
		(void)snprintf(where, sizeof(where), "%s: %s: ", env,
		    key->name);
		config_given_add(d,
		    &(struct config_given){ .key = key, .where = where });
		if (config_comment_check(d, key, where, value) == 0)
			config_draft_set(d, key, d->cfg, where, value);
		return;
	}
	if (!config_env_is_foreign(name, value))
		unknown_variable(d, name);
}

void
config_env_read(struct config_draft *d)
{
	const char *equals;
	char *name;

	set_port(d);
	for (const char *const *env = d->src->env; *env != NULL; env++) {
		if (strncmp(*env, ENV_PREFIX, strlen(ENV_PREFIX)) != 0 ||
		    (equals = strchr(*env, '=')) == NULL || equals[1] == '\0')
			continue; /* empty is as good as not set */
		if (strncmp(*env, CONFIG_ENV_FILE "=",
			sizeof(CONFIG_ENV_FILE)) == 0 ||
		    strncmp(*env, CONFIG_ENV_TOKEN "=",
			sizeof(CONFIG_ENV_TOKEN)) == 0)
			continue; /* these are for verbs */
		name = strndup(*env, (size_t)(equals - *env));
		if (name == NULL) {
			config_draft_error(d, "out of memory");
			return;
		}
		set_variable(d, name, equals + 1);
		free(name);
	}
}
