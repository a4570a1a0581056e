#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/auth/secrets.h"
#include "server/base/clock.h"
#include "server/base/exposure.h"
#include "server/base/log.h"
#include "server/cli/handler_try.h"
#include "server/cli/start_check.h"
#include "server/cli/verb_input.h"
#include "server/cli/verbs.h"
#include "server/tls/tls_cert.h"
#include "store/base/parse.h"

#define DAY_MS 86400000LL

static void
print_list(const struct key_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		printf("%s%s", i == 0 ? "" : ", ", log_text(list->items[i]));
}

static void
print_globals(const struct config *cfg)
{
	printf("file        %s\n",
	    cfg->path == NULL ? "none: defaults" : log_text(cfg->path));
	printf("listen      ");
	print_list(&cfg->http_listen);
	printf("%s", cfg->tls_certificate == NULL ? "" : ", HTTPS");
	if (cfg->http_plain_listen.n > 0) {
		printf("\nplain       ");
		print_list(&cfg->http_plain_listen);
	}
	if (cfg->http_proxy_listen.n > 0) {
		printf("\nproxies     ");
		print_list(&cfg->http_proxy_listen);
	}
	printf("\nstore       %s\n", log_text(cfg->store_name));
}

/* What is known of a secret's bytes, never they. */
static void
print_secret(const struct config_secret *secret)
{
	struct secrets *sec = secrets_new();
	struct secrets_info info;
	char stamp[FORMAT_TIME_MAX];

	printf("secret      %s: from %s, %zu bytes", log_text(secret->name),
	    log_text(secret->source), secret->len);
	if (sec != NULL && secrets_add(sec, secret->name, secret->bytes,
			       secret->len, 0) == 0) {
		secrets_info(sec, 0, &info);
		printf(", fingerprint %s", info.fingerprint);
	}
	secrets_free(sec);
	if (secret->scope[0] != '\0')
		printf(", scope %s", secret->scope);
	if (secret->valid_until_ms != 0)
		printf(", valid until %s",
		    format_time(secret->valid_until_ms, stamp));
	printf("\n");
}

/* Legal, but probably not meant. */
static void
warn_secret(const struct config_secret *secret)
{
	const char *name = log_text(secret->name);
	enum exposure exposed;

	if (secret->valid_until_ms != 0 &&
	    secret->valid_until_ms <= clock_wall_ms())
		fprintf(stderr, "warning: secret %s: has expired\n", name);
	if (secret->newline_dropped)
		fprintf(stderr,
		    "warning: secret %s: the newline at the end of %s is not "
		    "part of it\n",
		    name, log_text(secret->source));
	if (secret->source[0] != '/')
		return;
	exposed = exposure_look(secret->source);
	if (exposed != EXPOSURE_NONE)
		fprintf(stderr, "warning: secret %s: others can read %s; %s\n",
		    name, log_text(secret->source), exposure_advice(exposed));
}

/* tls_found_fn: what is an error was reported before, by the configuration. */
static void
warn_pair_cb(enum tls_level level, enum tls_part part, const char *text,
    void *arg)
{
	(void)level;
	(void)part;
	(void)arg;
	fprintf(stderr, "warning: %s\n", text);
}

/* A pair that can be used: whom it is for, and how long yet. */
static void
print_pair(const char *label, const struct tls_pair_files *files)
{
	int64_t now_ms = clock_wall_ms();
	char from[FORMAT_TIME_MAX], until[FORMAT_TIME_MAX];
	struct tls_pair *pair;
	struct tls_pair_info info;

	verb_flush();
	pair = tls_pair_load(files, now_ms, warn_pair_cb, NULL);
	if (pair == NULL)
		return;
	tls_pair_info(pair, &info);
	tls_pair_free(pair);
	printf("%-12s%s: for %s; %s; %u in the file; valid from %s "
	       "until %s, %lld days from now\n",
	    label, log_text(files->certificate), info.subject, info.key_type,
	    info.count, format_time(info.from_ms, from),
	    format_time(info.until_ms, until),
	    (long long)(info.until_ms - now_ms) / DAY_MS);
}

/* What its type shows of its own keys. */
static void
print_settings(const struct config_handler *h)
{
	const char *text;

	for (const struct key *key = h->type->keys;
	     key != NULL && key->name != NULL; key++) {
		text = config_shown(key, h->settings);
		if (text != NULL)
			printf(", %s %s", key->shown, log_text(text));
	}
}

/* Which events something is for, of those that it could be. */
static void
print_some(const char *what, const struct key_list *list)
{
	if (list->n == 0)
		return;
	printf(", %s ", what);
	print_list(list);
}

static void
print_endpoint(const struct config_endpoint *ep)
{
	printf("endpoint    %s: ", ep->name);
	print_list(&ep->paths);
	print_some("secrets", &ep->secrets);
	print_some("events", &ep->events);
	print_some("brands", &ep->brands);
	print_some("branches", &ep->branches);
	printf("\n");
}

static void
print_upstream(const struct config_upstream *up)
{
	printf("upstream    %s: from %s, %s\n", log_text(up->name),
	    log_text(up->url),
	    up->trust ? "its word is enough"
		      : "each signature is verified again");
}

static void
print_handler(const struct config *cfg, const struct config_handler *h)
{
	const struct handler_tls_files *files = config_handler_tls(h);
	char target[HANDLER_REASON_MAX];

	printf("handler     %s: %s, events ", log_text(h->name), h->type->type);
	if (h->events.n == 0)
		printf("none");
	print_list(&h->events);
	print_some("brands", &h->brands);
	print_some("branches", &h->branches);
	print_some("endpoints", &h->endpoints);
	config_target(cfg, h->name, target);
	if (target[0] != '\0')
		printf(", to %s", log_text(target));
	print_settings(h);
	if (h->on_deadline != NULL)
		printf(", after %lld s %s rings",
		    (long long)h->deadline_ms / 1000, log_text(h->on_deadline));
	printf("\n");
	if (files != NULL && files->client_certificate != NULL)
		print_pair("  shows",
		    &(struct tls_pair_files){ files->client_certificate,
			files->client_key, TLS_USE_CLIENT });
}

/* What came of trying a handler. */
struct tried {
	const char *name;
	bool wrong;
};

/* handler_tried_fn */
static void
tried_cb(enum handler_level level, const char *text, const char *advice,
    void *arg)
{
	struct tried *t = arg;

	if (level == HANDLER_FINE) {
		printf("tried       %s: %s\n", log_text(t->name),
		    log_text(text));
		verb_flush();
		return;
	}
	fprintf(stderr, "%shandler %s: %s; %s\n",
	    level == HANDLER_WRONG ? "" : "warning: ", log_text(t->name),
	    log_text(text), advice);
	t->wrong = t->wrong || level == HANDLER_WRONG;
}

/* Try all far sides. Returns how many handlers cannot do their work. */
static size_t
try_handlers(const struct config *cfg)
{
	size_t wrong = 0;

	for (size_t i = 0; i < cfg->nhandlers; i++) {
		struct tried t = { .name = cfg->handlers[i].name };

		(void)handler_try(cfg, &cfg->handlers[i], tried_cb, &t);
		wrong += t.wrong;
	}
	return (wrong);
}

/* config_error_fn */
static void
error_cb(const char *line, void *arg)
{
	(void)arg;
	fprintf(stderr, "%s\n", line);
}

static enum verb_exit
check_config_run(const struct verb_args *args)
{
	struct config_source source;
	enum verb_exit rc = VERB_DONE;
	struct config *cfg;

	if (verb_has(args, "print-example")) {
		config_print_example(stdout, args->types);
		return (VERB_DONE);
	}
	source = verb_config_source(args, CONFIG_SERVER, verb_dev_secret(args));
	source.dates = true;
	if ((cfg = verb_config_load(&source)) == NULL)
		return (VERB_FAILED);
	if (start_check(cfg, NULL, error_cb, NULL) > 0)
		rc = VERB_FAILED;
	print_globals(cfg);
	if (cfg->tls_certificate != NULL)
		print_pair("certificate",
		    &(struct tls_pair_files){ cfg->tls_certificate,
			cfg->tls_key, TLS_USE_SERVER });
	if (cfg->nsecrets == 0)
		printf("secret      none: events come from hubs only, and "
		       "every delivery is answered 401\n");
	for (size_t i = 0; i < cfg->nsecrets; i++)
		print_secret(&cfg->secrets[i]);
	for (size_t i = 0; i < cfg->nendpoints; i++)
		print_endpoint(&cfg->endpoints[i]);
	for (size_t i = 0; i < cfg->nupstreams; i++)
		print_upstream(&cfg->upstreams[i]);
	for (size_t i = 0; i < cfg->nhandlers; i++)
		print_handler(cfg, &cfg->handlers[i]);
	verb_flush();
	for (size_t i = 0; i < cfg->nsecrets; i++)
		warn_secret(&cfg->secrets[i]);
	if (verb_has(args, "network") && try_handlers(cfg) > 0)
		rc = VERB_FAILED;
	config_free(cfg);
	return (rc);
}

static const struct verb_flag flags[] = {
	{ "dev", NULL, "with the defaults of klikitd dev", false },
	{ "network", NULL, "try the handlers' far sides, as doctor does",
	    false },
	{ "print-example", NULL, "print config.example.ini", false },
	{ 0 },
};

static const char more[] =
    "Exits 0 if klikitd would start with it, else 1, with one line for each\n"
    "thing wrong, of the store and the ports, too. A server may run beside "
    "it.\n"
    "An expired certificate is wrong as well, though klikitd would start with\n"
    "it. Of secrets only name, length and fingerprint are shown. Nothing is\n"
    "called without --network; with it, a far side that cannot be worked with\n"
    "is wrong, too, and events would wait for it.\n";

const struct verb verb_check_config = {
	.name = "check-config",
	.words = "",
	.text = "Check the configuration and show what is in force",
	.more = more,
	.flags = flags,
	.config = true,
	.run = check_config_run,
};
