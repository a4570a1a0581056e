/*
 * A search goes through the places in their order. Those in memory and in files
 * answer at once, the metadata services later.
 */
#include "handlers/queue/aws_credentials.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "handlers/queue/aws_metadata.h"
#include "store/base/timeval.h"

#define AHEAD_MS (5 * 60 * 1000) /* so long before they end: renewed */
#define AGAIN_MS (60 * 1000)     /* if that fails */
#define RENEW_MAX_MS (12 * 3600000LL)

struct aws_credentials {
	const struct handler_env *env;
	struct aws_settings set; /* owned */
	aws_credentials_fn *done;
	void *arg;
	struct event *ended; /* made active: a search has ended */
	struct event *renew; /* the time to look anew */

	struct aws_keys keys;
	bool found;
	unsigned changes;
	const char *source;
	char failure[HANDLER_REASON_MAX]; /* empty: none */
	bool lasting;

	bool looking;
	struct aws_metadata *metadata;
};

/* -- The end of a search -- */

static void
arm(struct event *timer, int64_t ms)
{
	const struct timeval tv = timeval_of_ms(ms);

	(void)evtimer_add(timer, &tv);
}

static void
search_end(struct aws_credentials *c)
{
	event_active(c->ended, EV_READ, 0);
}

static void __attribute__((format(printf, 3, 4)))
search_fail(struct aws_credentials *c, bool lasting, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(c->failure, sizeof(c->failure), format, ap);
	va_end(ap);
	c->lasting = lasting;
	if (c->found && c->keys.expires_ms != 0)
		arm(c->renew, AGAIN_MS);
	search_end(c);
}

static void
search_found(struct aws_credentials *c, const struct aws_keys *keys,
    const char *source)
{
	int64_t left_ms;

	if (strcmp(keys->id, c->keys.id) != 0 ||
	    strcmp(keys->secret, c->keys.secret) != 0 ||
	    strcmp(keys->token, c->keys.token) != 0)
		c->changes++;
	c->found = true;
	c->keys = *keys;
	c->source = source;
	c->failure[0] = '\0';
	if (c->keys.expires_ms != 0) {
		left_ms =
		    c->keys.expires_ms - c->env->now_ms(c->env->arg) - AHEAD_MS;
		arm(c->renew, left_ms < AGAIN_MS       ? AGAIN_MS
			      : left_ms > RENEW_MAX_MS ? RENEW_MAX_MS
						       : left_ms);
	} else {
		(void)evtimer_del(c->renew);
	}
	search_end(c);
}

/* event: answer those who asked, from the loop. */
static void
ended_cb(evutil_socket_t fd, short what, void *arg)
{
	struct aws_credentials *c = arg;

	(void)fd;
	(void)what;
	c->looking = false;
	c->done(c->arg);
}

/* evtimer: they end soon. */
static void
renew_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	aws_credentials_look(arg);
}

/* -- The places in their order -- */

/* The environment. Returns whether the search has ended by that. */
static bool
environment_look(struct aws_credentials *c)
{
	const char *id = aws_variable(c->env, "AWS_ACCESS_KEY_ID");
	const char *secret = aws_variable(c->env, "AWS_SECRET_ACCESS_KEY");
	struct aws_keys keys;

	if (id == NULL && secret == NULL)
		return (false);
	if (aws_keys_set(&keys, id, secret,
		aws_variable(c->env, "AWS_SESSION_TOKEN")) == 0)
		search_found(c, &keys, "the environment");
	else
		search_fail(c, true,
		    "no AWS credentials: AWS_ACCESS_KEY_ID, "
		    "AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN in the "
		    "environment are not whole");
	aws_keys_wipe(&keys);
	return (true);
}

/* The profile has no key, or none of use: is that the end? */
static bool
files_lack(struct aws_credentials *c, const struct aws_profile *p)
{
	const char *name = aws_files_profile(c->env, &c->set);
	bool only = c->set.profile != NULL || c->set.file != NULL;

	if (p->odd || (p->id[0] != '\0') != (p->secret[0] != '\0'))
		search_fail(c, true,
		    "no AWS credentials: those of the profile %.60s are not "
		    "whole",
		    name);
	else if (p->beyond != NULL)
		search_fail(c, true,
		    "no AWS credentials: the profile %.60s has %s, which "
		    "klikitd does not use: give it keys, or a role to the "
		    "machine",
		    name, p->beyond);
	else if (only)
		search_fail(c, true,
		    "no AWS credentials: there is no profile %.60s with keys "
		    "in the files: see to profile and credentials_file",
		    name);
	else
		return (false);
	return (true);
}

/* AWS's shared files. Likewise. */
static bool
files_look(struct aws_credentials *c)
{
	char reason[HANDLER_REASON_MAX];
	struct aws_profile *p;
	struct aws_keys keys;
	bool ended = true;

	if ((p = malloc(sizeof(*p))) == NULL) {
		search_fail(c, false, "no AWS credentials: out of memory");
		return (true);
	}
	memset(&keys, 0, sizeof(keys));
	if (aws_files_read(c->env, &c->set, p, reason) == -1)
		search_fail(c, true, "no AWS credentials: %.200s", reason);
	else if (!p->odd &&
		 aws_keys_set(&keys, p->id, p->secret, p->token) == 0)
		search_found(c, &keys, "the shared files");
	else
		ended = files_lack(c, p);
	aws_keys_wipe(&keys);
	aws_profile_wipe(p);
	free(p);
	return (ended);
}

/* aws_metadata */
static void
metadata_done_cb(const struct aws_metadata_end *end, void *arg)
{
	struct aws_credentials *c = arg;

	if (end->keys != NULL)
		search_found(c, end->keys, end->source);
	else if (aws_metadata_is_container(c->metadata))
		search_fail(c, end->lasting, "no AWS credentials: %.200s",
		    end->reason);
	else
		search_fail(c, end->lasting,
		    "no AWS credentials: none in the environment or the "
		    "profile %.40s (set credentials_file), and %.110s",
		    aws_files_profile(c->env, &c->set), end->reason);
}

static void
metadata_look(struct aws_credentials *c)
{
	const char *off = aws_variable(c->env, "AWS_EC2_METADATA_DISABLED");

	if (!aws_metadata_is_container(c->metadata) && off != NULL &&
	    strcasecmp(off, "true") == 0)
		search_fail(c, true,
		    "no AWS credentials: none in the environment or the "
		    "profile %.60s: set credentials_file",
		    aws_files_profile(c->env, &c->set));
	else
		aws_metadata_ask(c->metadata);
}

void
aws_credentials_look(struct aws_credentials *c)
{
	bool named = c->set.profile != NULL || c->set.file != NULL;

	if (c->looking)
		return;
	c->looking = true;
	if ((named || !environment_look(c)) && !files_look(c))
		metadata_look(c);
}

/* -- Its life -- */

struct aws_credentials *
aws_credentials_new(const struct handler_env *env,
    const struct aws_settings *set, aws_credentials_fn *done, void *arg)
{
	struct aws_credentials *c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return (NULL);
	c->env = env;
	c->done = done;
	c->arg = arg;
	if ((set->profile != NULL &&
		(c->set.profile = strdup(set->profile)) == NULL) ||
	    (set->file != NULL && (c->set.file = strdup(set->file)) == NULL) ||
	    (c->ended = event_new(env->base, -1, 0, ended_cb, c)) == NULL ||
	    (c->renew = evtimer_new(env->base, renew_cb, c)) == NULL ||
	    (c->metadata = aws_metadata_new(env, metadata_done_cb, c)) ==
		NULL) {
		aws_credentials_free(c);
		return (NULL);
	}
	aws_credentials_look(c);
	return (c);
}

void
aws_credentials_free(struct aws_credentials *c)
{
	if (c == NULL)
		return;
	aws_metadata_free(c->metadata);
	if (c->ended != NULL)
		event_free(c->ended);
	if (c->renew != NULL)
		event_free(c->renew);
	free((void *)(uintptr_t)c->set.profile);
	free((void *)(uintptr_t)c->set.file);
	explicit_bzero(c, sizeof(*c));
	free(c);
}

const struct aws_keys *
aws_credentials_keys(const struct aws_credentials *c)
{
	return (c->found ? &c->keys : NULL);
}

unsigned
aws_credentials_changes(const struct aws_credentials *c)
{
	return (c->changes);
}

const char *
aws_credentials_failure(const struct aws_credentials *c, bool *ret_lasting)
{
	*ret_lasting = c->lasting;
	return (c->failure[0] == '\0' ? NULL : c->failure);
}

const char *
aws_credentials_source(const struct aws_credentials *c)
{
	return (c->source);
}
