#include "server/reconcile/reconcile_try.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/base/clock.h"
#include "server/reconcile/reconcile_page.h"
#include "server/reconcile/reconcile_words.h"

struct reconcile_try {
	struct reconcile_link *link;
	int64_t since_us;
	reconcile_try_fn *done;
	void *arg;
};

/* http_client_fn */
static void
try_answered_cb(const struct http_client_answer *answer, void *arg)
{
	struct reconcile_try *t = arg;
	struct json_part bytes = { answer->body,
		(const char *)answer->body + answer->body_len };
	char text[HANDLER_REASON_MAX], why[HANDLER_REASON_MAX] = "";
	struct reconcile_page page;

	if (reconcile_is_answer(answer) &&
	    reconcile_page_read(reconcile_link_dialect(t->link), bytes,
		answer->wanted, &page, why) == 0) {
		(void)snprintf(text, sizeof(text),
		    "answers with a list of orders, and knows the "
		    "credentials, after %" PRId64 " ms",
		    (clock_mono_us() - t->since_us) / 1000);
		reconcile_page_fini(&page);
		t->done(text, NULL, t->arg);
		return;
	}
	reconcile_words(answer, why[0] == '\0' ? NULL : why, text);
	t->done(text, reconcile_advice(answer), t->arg);
}

struct reconcile_try *
reconcile_try_start(const struct handler_env *env,
    const struct reconcile_far *far, int64_t window_ms, reconcile_try_fn *done,
    void *arg, char reason[HANDLER_REASON_MAX])
{
	int64_t now_ms = clock_wall_ms();
	const struct reconcile_ask ask = { .from_ms = now_ms - window_ms,
		.to_ms = now_ms,
		.page = 1,
		.size = 1 };
	struct reconcile_try *t;

	(void)snprintf(reason, HANDLER_REASON_MAX, "out of memory");
	if ((t = calloc(1, sizeof(*t))) == NULL)
		return (NULL);
	t->done = done;
	t->arg = arg;
	t->since_us = clock_mono_us();
	if ((t->link = reconcile_link_new(env, far, reason)) != NULL &&
	    reconcile_link_ask(t->link, &ask, try_answered_cb, t) == 0)
		return (t);
	reconcile_try_free(t);
	return (NULL);
}

void
reconcile_try_free(struct reconcile_try *t)
{
	if (t == NULL)
		return;
	reconcile_link_free(t->link);
	free(t);
}
