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
	struct secrets *sec = secrets_new();
	const struct config_secret *s;

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

int
verb_secret_index(const struct verb_args *args, const struct secrets *sec,
    size_t *ret_i)
{
	const char *name = verb_flag(args, "secret-name", 0);
	struct secrets_info info;

	for (size_t i = 0; i < secrets_count(sec); i++) {
		secrets_info(sec, i, &info);
		if (name == NULL || strcmp(info.name, name) == 0) {
			*ret_i = i;
			return (0);
		}
	}
	fprintf(stderr,
	    "klikitd %s: --secret-name: no secret \"%s\" is "
	    "configured\n",
	    args->verb->name, log_text(name));
	return (-1);
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
