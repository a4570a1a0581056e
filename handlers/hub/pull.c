/*
 * The handler of type "pull": its jobs wait until somebody comes for them, with
 * a token, over a connection that he has opened himself.
 */
#include "handlers/hub/pull.h"

#include <stdio.h>
#include <stdlib.h>

#include "handlers/body/message.h"
#include "handlers/hub/hub.h"
#include "handlers/hub/hub_text.h"
#include "store/base/parse.h"

struct pull_settings {
	struct key_secret tokens;
	int64_t lease_ms;
};

struct pull {
	struct handler_instance base; /* first: what dispatch holds */
	const struct handler_env *env;
	struct hub_member *member;
};

/* -- An instance -- */

static void
pull_close(struct handler_instance *h)
{
	struct pull *p = (struct pull *)h;

	hub_leave(p->member);
	free(p);
}

static struct handler_instance *
pull_open(const struct handler_env *env, const struct handler_options *opt,
    char reason[HANDLER_REASON_MAX])
{
	const struct pull_settings *set = opt->settings;
	struct hub_tokens tokens;
	const struct hub_terms terms = {
		.name = opt->name,
		.tokens = &tokens,
		.lease_ms = set->lease_ms,
		.env = env,
	};
	const char *why;
	struct pull *p;

	why = hub_tokens_read(set->tokens.bytes, set->tokens.len, &tokens);
	if (why != NULL) {
		(void)snprintf(reason, HANDLER_REASON_MAX, "token_file %s",
		    why);
		return (NULL);
	}
	(void)snprintf(reason, HANDLER_REASON_MAX, "out of memory");
	if ((p = calloc(1, sizeof(*p))) != NULL) {
		p->base.type = &handler_pull;
		p->env = env;
		p->member = hub_join(env->hub, &terms);
	}
	hub_tokens_wipe(&tokens);
	if (p != NULL && p->member == NULL) {
		free(p);
		p = NULL;
	}
	return (p == NULL ? NULL : &p->base);
}

/* -- An attempt -- */

static enum handler_verdict
pull_run(struct handler_instance *h, const struct handler_job *job,
    struct handler_result *ret_result)
{
	static const struct message_signer klikit;
	struct pull *p = (struct pull *)h;
	enum handler_verdict verdict;
	struct hub_offer offer = { .call = job->call };
	struct message m;

	verdict = message_make(&m, p->env, &klikit, job, ret_result);
	if (verdict != HANDLER_DONE)
		return (verdict);
	offer.what =
	    (struct hub_marked){ job->id, job->ev->received_at_ms, m.key };
	if (hub_is_done(p->member, &offer.what)) {
		(void)snprintf(ret_result->detail, sizeof(ret_result->detail),
		    "reported when its lease was no more");
		message_fini(&m);
		return (HANDLER_DONE);
	}
	verdict = HANDLER_PENDING;
	offer.text = hub_text_new(job, &m, &offer.len);
	if (offer.text == NULL || hub_offer(p->member, &offer) == -1) {
		free(offer.text);
		verdict = message_no_memory(ret_result);
	}
	message_fini(&m);
	return (verdict);
}

static void
pull_flush(struct handler_instance *h)
{
	hub_flush(((struct pull *)h)->member);
}

static void
pull_cancel(struct handler_instance *h, struct handler_call *call)
{
	hub_cancel(((struct pull *)h)->member, call);
}

/* -- Who comes for them -- */

static size_t
pull_room(const struct handler_instance *h)
{
	return (hub_room(((const struct pull *)h)->member));
}

static bool
pull_away(const struct handler_instance *h)
{
	return (hub_is_away(((const struct pull *)h)->member));
}

static void
pull_retire(struct handler_instance *h)
{
	hub_retire(((struct pull *)h)->member);
}

static bool
pull_connected(const struct handler_instance *h)
{
	struct hub_stats stats;

	hub_member_stats(((const struct pull *)h)->member, &stats);
	return (stats.pullers > 0);
}

static const struct handler_lasting pull_lasting = {
	.connected = pull_connected,
};

static int64_t
pull_pullers(const struct handler_instance *h,
    char ret_text[HANDLER_REASON_MAX])
{
	char when[FORMAT_TIME_MAX];
	struct hub_stats stats;

	hub_member_stats(((const struct pull *)h)->member, &stats);
	if (stats.seen_ms == 0)
		(void)snprintf(ret_text, HANDLER_REASON_MAX,
		    "not pulled since the start");
	else
		(void)snprintf(ret_text, HANDLER_REASON_MAX,
		    "pulled by %zu, last seen %s", stats.pullers,
		    format_time(stats.seen_ms, when));
	return (stats.seen_ms);
}

static const struct handler_pulled pulled = {
	.room = pull_room,
	.away = pull_away,
	.retire = pull_retire,
	.pullers = pull_pullers,
};

/* -- What the configuration may say -- */

static void
pull_check(void *settings, const struct handler_check *c)
{
	const struct pull_settings *set = settings;
	struct hub_tokens tokens;
	const char *why;

	if (set->tokens.bytes == NULL) /* not read, or that was refused */
		return;
	why = hub_tokens_read(set->tokens.bytes, set->tokens.len, &tokens);
	hub_tokens_wipe(&tokens);
	if (why != NULL)
		c->wrong(c->arg, "token_file", why);
}

/* Of a server that is not running nobody knows who pulls. */
static void
pull_target(const void *settings, char ret_text[HANDLER_REASON_MAX])
{
	(void)settings;
	(void)snprintf(ret_text, HANDLER_REASON_MAX, "a puller");
}

#define IN_PULL(field) offsetof(struct pull_settings, field)

static const struct key pull_keys[] = {
	{ "handler.token_file", KEY_SECRET, IN_PULL(tokens),
	    .flags = KEY_REQUIRED, .value = "FILE",
	    .example = "/etc/klikitd/branch-token",
	    .exposed = "who reads it can fetch this branch's orders",
	    .text = "File with the token that a puller shows: 16 to 256 "
		    "printable characters without blanks. A second line is a "
		    "second token, valid as well, while they change." },
	{ "handler.lease", KEY_DURATION, IN_PULL(lease_ms), .def = "60s",
	    .min = 1000, .max = INT64_C(24) * 3600 * 1000, .value = "DURATION",
	    .text = "So long a job that was handed out may go without a "
		    "report; then its attempt is `unknown', and it is tried "
		    "again." },
	{ 0 },
};

const struct handler handler_pull = {
	.type = "pull",
	.text = "waits for a puller, who fetches events from GET /pull/NAME",
	.example = "branch",
	.keys = pull_keys,
	.settings_size = sizeof(struct pull_settings),
	.check = pull_check,
	.target = pull_target,
	.ordered = true,
	.outlet = true,
	.concurrency = "128",
	.per_order = true,
	.open = pull_open,
	.run = pull_run,
	.flush = pull_flush,
	.lasting = &pull_lasting,
	.cancel = pull_cancel,
	.pulled = &pulled,
	.close = pull_close,
};
