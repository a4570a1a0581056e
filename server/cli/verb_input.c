#include "server/cli/verb_input.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/clock.h"
#include "server/base/log.h"

/* Grow by doubling; what the file's size is does not matter (pipes). */
static char *
read_stream(FILE *in, size_t *ret_len)
{
	size_t max = 16384, len = 0, n;
	char *body = malloc(max), *grown;

	while (body != NULL && (n = fread(body + len, 1, max - len, in)) > 0) {
		len += n;
		if (len > VERB_BODY_MAX) {
			errno = EFBIG;
			break;
		}
		if (len < max)
			continue;
		max *= 2;
		if ((grown = realloc(body, max)) == NULL)
			free(body);
		body = grown;
	}
	if (body != NULL && (ferror(in) || len > VERB_BODY_MAX)) {
		free(body);
		body = NULL;
	}
	*ret_len = len;
	return (body);
}

int
verb_read_body(const char *path, char **ret_body, size_t *ret_len)
{
	FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	size_t len = 0;
	char *body;

	errno = in == NULL ? errno : 0;
	body = in == NULL ? NULL : read_stream(in, &len);
	if (body == NULL)
		fprintf(stderr, "%s: cannot be read: %s\n", log_text(path),
		    strerror(errno == 0 ? EIO : errno));
	if (in != NULL && in != stdin)
		(void)fclose(in);
	if (body == NULL)
		return (-1);
	*ret_body = body;
	*ret_len = len;
	return (0);
}

struct secrets *
verb_secrets(const struct config *cfg)
{
	struct secrets *sec;
	const struct config_secret *s;

	if (cfg->nsecrets == 0) {
		fprintf(stderr,
		    "klikitd: no webhook secret is configured: events come "
		    "from hubs only\n");
		return (NULL);
	}
	sec = secrets_new();
	for (size_t i = 0; sec != NULL && i < cfg->nsecrets; i++) {
		s = &cfg->secrets[i];
		if (secrets_add(sec, s->name, s->bytes, s->len,
			s->valid_until_ms) == -1 ||
		    secrets_set_scope(sec, s->scope) == -1) {
			secrets_free(sec);
			sec = NULL;
		}
	}
	if (sec == NULL)
		fprintf(stderr, "klikitd: out of memory\n");
	return (sec);
}

/* Its number among the secrets. Returns 0, or -1, said on stderr. */
static int
secret_index(const struct verb_args *args, const struct config *cfg,
    const char *name, size_t *ret_i)
{
	for (size_t i = 0; i < cfg->nsecrets; i++) {
		if (strcmp(cfg->secrets[i].name, name) == 0) {
			*ret_i = i;
			return (0);
		}
	}
	fprintf(stderr,
	    "klikitd %s: --secret-name: no secret \"%s\" is configured\n",
	    args->verb->name, log_text(name));
	return (-1);
}

const char *
verb_url_path(const char *url, size_t *ret_len)
{
	const char *scheme = strstr(url, "://");
	const char *path = scheme == NULL ? url : scheme + 3;

	path += strcspn(path, "/?#");
	*ret_len = strcspn(path, "?#");
	return (path);
}

/* The endpoint that is meant, if none is named. */
static const struct config_endpoint *
target_by(const struct config *cfg, const struct config_secret *secret,
    const char *url)
{
	const struct config_endpoint *ep = NULL;
	const char *path;
	size_t len;

	if (secret != NULL && secret->endpoint != NULL)
		ep = config_endpoint_find(cfg, secret->endpoint);
	else if (url != NULL) {
		path = verb_url_path(url, &len);
		ep = config_endpoint_at(cfg, path, len);
	}
	return (ep != NULL ? ep : config_endpoint_usual(cfg));
}

int
verb_target(const struct verb_args *args, const struct config *cfg,
    const char *url, struct verb_target *ret_target)
{
	const char *name = verb_flag(args, "endpoint", 0);
	const char *secret_name = verb_flag(args, "secret-name", 0);
	const struct config_endpoint *ep;
	size_t i = 0;

	if (secret_name != NULL &&
	    secret_index(args, cfg, secret_name, &i) == -1)
		return (-1);
	ep = name != NULL
		 ? config_endpoint_find(cfg, name)
		 : target_by(cfg, secret_name != NULL ? &cfg->secrets[i] : NULL,
		       url);
	if (ep == NULL) {
		fprintf(stderr,
		    "klikitd %s: --endpoint: no endpoint \"%s\" is "
		    "configured\n",
		    args->verb->name, log_text(name));
		return (-1);
	}
	ret_target->endpoint = ep;
	ret_target->secret =
	    secret_name != NULL ? i : config_endpoint_secret(cfg, ep);
	return (0);
}

struct store *
verb_store_named(const struct verb_args *args, struct verb_store_name *ret_name)
{
	struct config *cfg;
	struct store_options opt = { .mode = STORE_READ };
	char reason[STORE_REASON_MAX];
	struct store *st = NULL;

	cfg = verb_config(args, CONFIG_STORE, verb_dev_store(args));
	if (cfg == NULL)
		return (NULL);
	opt.url = cfg->store_url;
	opt.queue_max = (size_t)cfg->store_queue_max;
	opt.now_ms = clock_wall_ms();
	(void)snprintf(ret_name->path, sizeof(ret_name->path), "%s",
	    config_store_place(cfg));
	if (store_open(&opt, &st, reason) != STORE_OK)
		fprintf(stderr, "klikitd %s: %s\n", args->verb->name, reason);
	else
		fprintf(stderr, "store: %s\n", log_text(cfg->store_name));
	config_free(cfg);
	return (st);
}
