/*
 *   IDLE -- due, and the store is well --> ask -> a page -> its orders --+
 *    ^                                      ^                            |
 *    |                                      +------ there are more ------+
 *    +-- all of it: in `every'  <----------------------------------------+
 *    +-- it failed: after a pause <-- the answer, the list or the store -+
 *
 * reconcile_timer_cb() looks every few seconds while it is idle: timers do not
 * count the sleep of a machine, and what is cut says nothing when it no longer
 * is.
 */
#include "server/reconcile/reconcile.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "handlers/net/link_facts.h"
#include "server/alert/alerts.h"
#include "server/auth/signature.h"
#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/base/rate.h"
#include "server/reconcile/reconcile_page.h"
#include "server/reconcile/reconcile_walk.h"
#include "server/reconcile/reconcile_words.h"
#include "store/base/timeval.h"

#define LOOK_MS 5000
#define START_MS 1000             /* a hub's events may be on their way */
#define LASTING_MS (5 * 60000)    /* between tries that will fail alike */
#define AFTER_MAX_MS (60 * 60000) /* that the API may keep one waiting */
#define FIRST_FAILURES 1          /* a first pause of some 300 ms */
#define SKEW_MS 60000             /* less is no wrong clock */
#define LOG_EVERY_S 60
#define SUBJECT "list of orders"
#define SENTENCE_MAX 512

/* What it does now. */
struct run {
	bool on;
	bool asking; /* a question is under way; else its page is filled */
	struct reconcile_walk walk;
	struct reconcile_page page;
	enum reconcile_step step;     /* what comes after that page */
	char why[HANDLER_REASON_MAX]; /* it is RECONCILE_BROKEN */
	int64_t from_ms;
	int64_t to_ms;
	struct reconcile_count count;
};

struct reconcile {
	struct reconcile_options opt;
	struct reconcile_settings set; /* of it only the numbers */
	char *url;                     /* NULL: it is off */
	struct reconcile_link *link;
	struct reconcile_fill *fill;
	struct event *timer;

	struct run run;
	int64_t due_boot;     /* clock_boot_ms() */
	int64_t failing_boot; /* since when it fails; only if it does */
	int64_t skew_ms;      /* of the API's clock, while ours is doubted */
	unsigned failures;    /* in a row */
	bool was_cut;
	bool stopped;

	struct reconcile_status status;
	char error[HANDLER_REASON_MAX];
	struct rate said_rate;
	char said[HANDLER_REASON_MAX];
};

static void
reconcile_wake(struct reconcile *r, int64_t ms)
{
	const struct timeval tv = timeval_of_ms(ms < 0 ? 0 : ms);

	(void)evtimer_add(r->timer, &tv);
}

/* -- The end of a run -- */

/* It is over, or given up; what follows is due in so many ms. */
static void
run_end(struct reconcile *r, int64_t due_ms)
{
	reconcile_fill_cancel(r->fill);
	reconcile_page_fini(&r->run.page);
	reconcile_walk_fini(&r->run.walk);
	if (r->link != NULL)
		reconcile_link_drop(r->link);
	r->run.on = false;
	r->status.running = false;
	r->due_boot = clock_boot_ms() + due_ms;
	reconcile_wake(r, due_ms < LOOK_MS ? due_ms : LOOK_MS);
}

static void
look_at_alert(struct reconcile *r)
{
	char subject[ALERT_SUBJECT_MAX], sentence[SENTENCE_MAX];

	alerts_here(r->opt.alerts, SUBJECT, subject);
	if (r->url == NULL || r->failures == 0) {
		alerts_clear(r->opt.alerts, ALERT_RECONCILE, subject);
		return;
	}
	if (clock_boot_ms() - r->failing_boot < r->set.alert_after_ms)
		return;
	(void)snprintf(sentence, sizeof(sentence),
	    "klikit's list of orders cannot be compared: %.250s", r->error);
	alerts_raise(r->opt.alerts, ALERT_RECONCILE, subject, sentence);
}

/* What was filled is said, whether the run went through or not. */
static void
run_tell(const struct reconcile *r)
{
	const struct reconcile_count *c = &r->run.count;

	if (c->unknown + c->newer > 0)
		log_info("reconcile: filled %zu orders that klikit lists: %zu "
			 "were not here, %zu are newer",
		    c->unknown + c->newer, c->unknown, c->newer);
	if (r->run.walk.seen != NULL)
		log_debug("reconcile: %zu orders on %" PRId64 " pages: %zu are "
			  "too young, %zu are of others",
		    r->run.walk.orders, r->run.walk.page, c->young, c->foreign);
}

static void
run_passed(struct reconcile *r)
{
	run_tell(r);
	if (r->failures > 0)
		log_info("reconcile: klikit's list can be read again");
	r->failures = 0;
	r->error[0] = '\0';
	r->said[0] = '\0';
	r->status.advice = NULL;
	r->status.runs++;
	r->status.success_ms = clock_wall_ms();
	look_at_alert(r);
	run_end(r, r->set.every_ms);
}

/* How long until the next try? */
static int64_t
pause_after(const struct reconcile *r, const struct http_client_answer *answer)
{
	uint32_t rnd = 0;
	int64_t ms, after_ms;

	(void)signature_random(&rnd, sizeof(rnd));
	ms = link_pause_after(r->failures + FIRST_FAILURES, rnd);
	if (answer == NULL)
		return (ms);
	if (reconcile_is_lasting(answer))
		ms =
		    r->set.every_ms < LASTING_MS ? r->set.every_ms : LASTING_MS;
	after_ms = answer->retry_after_ms < AFTER_MAX_MS
		       ? answer->retry_after_ms
		       : AFTER_MAX_MS;
	/* Others wait for that, too: not all at once. */
	return (ms < after_ms ? after_ms + (int64_t)(rnd % 1000) : ms);
}

/* answer: by which it failed; NULL: by none. */
static void
run_failed(struct reconcile *r, const struct http_client_answer *answer,
    const char *text)
{
	char more[RATE_MORE_MAX];

	run_tell(r);
	(void)snprintf(r->error, sizeof(r->error), "%s", text);
	r->status.advice = answer == NULL ? NULL : reconcile_advice(answer);
	r->status.error_ms = clock_wall_ms();
	r->status.runs++;
	r->status.failures++;
	if (r->failures++ == 0)
		r->failing_boot = clock_boot_ms();
	reconcile_link_doubt(r->link);
	if (strcmp(r->said, r->error) != 0 &&
	    rate_ask_every(&r->said_rate, LOG_EVERY_S, more)) {
		(void)strcpy(r->said, r->error);
		log_warn("reconcile: klikit's list cannot be compared: %s: it "
			 "is tried again%s",
		    r->error, more);
	}
	look_at_alert(r);
	run_end(r, pause_after(r, answer));
}

/* -- A run -- */

static void run_ask(struct reconcile *r);

/* reconcile_filled_fn */
static void
run_filled_cb(bool over, const struct reconcile_count *count, void *arg)
{
	struct reconcile *r = arg;
	struct reconcile_count *sum = &r->run.count;

	sum->unknown += count->unknown;
	sum->newer += count->newer;
	sum->young += count->young;
	sum->foreign += count->foreign;
	r->status.unknown += count->unknown;
	r->status.newer += count->newer;
	if (!over) {
		run_failed(r, NULL, "the store is not well");
		return;
	}
	reconcile_page_fini(&r->run.page);
	reconcile_link_drop(r->link);
	switch (r->run.step) {
	case RECONCILE_MORE:
		run_ask(r);
		break;
	case RECONCILE_OVER:
		run_passed(r);
		break;
	case RECONCILE_BROKEN:
		run_failed(r, NULL, r->run.why);
		break;
	}
}

/*
 * A wrong clock of ours would ask for a time in which there are no orders: go
 * by the API's. Returns whether the run is to begin anew by that.
 */
static bool
learn_time(struct reconcile *r, const struct http_client_answer *answer)
{
	int64_t skew_ms = answer->date_ms - clock_wall_ms(), was = r->skew_ms;

	if (answer->date_ms == 0 || !r->opt.clock_doubted(r->opt.arg))
		return (false);
	if (skew_ms - was < SKEW_MS && was - skew_ms < SKEW_MS)
		return (false);
	r->skew_ms = skew_ms;
	return (true);
}

/* http_client_fn */
static void
run_answered_cb(const struct http_client_answer *answer, void *arg)
{
	struct reconcile *r = arg;
	struct run *run = &r->run;
	struct json_part bytes = { answer->body,
		(const char *)answer->body + answer->body_len };
	char text[HANDLER_REASON_MAX], why[HANDLER_REASON_MAX] = "";

	run->asking = false;
	if (reconcile_is_answer(answer) && learn_time(r, answer)) {
		run_end(r, 0);
		return;
	}
	if (!reconcile_is_answer(answer) ||
	    reconcile_page_read(reconcile_link_dialect(r->link), bytes,
		answer->wanted, &run->page, why) == -1) {
		reconcile_words(answer, why[0] == '\0' ? NULL : why, text);
		run_failed(r, answer, text);
		return;
	}
	run->step = reconcile_walk_page(&run->walk, &run->page,
	    answer->body_len, run->why);
	reconcile_fill_page(r->fill, &run->page, run->to_ms - r->set.grace_ms,
	    run_filled_cb, r);
}

static void
run_ask(struct reconcile *r)
{
	const struct reconcile_walk *walk = &r->run.walk;
	const struct reconcile_ask ask = {
		.from_ms = r->run.from_ms,
		.to_ms = r->run.to_ms,
		.page = walk->page + 1,
		.size = r->set.size,
		.cursor = walk->cursor[0] == '\0' ? NULL : walk->cursor,
	};

	r->run.asking = true;
	if (reconcile_link_ask(r->link, &ask, run_answered_cb, r) == 0)
		return;
	r->run.asking = false;
	run_failed(r, NULL, "out of memory");
}

static void
run_begin(struct reconcile *r)
{
	struct run *run = &r->run;
	int64_t now_ms = clock_wall_ms();

	r->status.run_ms = now_ms;
	if (!r->opt.clock_doubted(r->opt.arg))
		r->skew_ms = 0;
	*run = (struct run){ .on = true,
		.to_ms = now_ms + r->skew_ms,
		.from_ms = now_ms + r->skew_ms - r->set.window_ms };
	r->status.running = true;
	if (reconcile_walk_init(&run->walk,
		reconcile_link_dialect(r->link)->paging) == 0)
		run_ask(r);
	else
		run_failed(r, NULL, "out of memory");
}

/* -- When -- */

/* evtimer: look at what is due, and at what is cut. */
static void
reconcile_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct reconcile *r = arg;
	int64_t left_ms;
	bool cut;

	(void)fd;
	(void)what;
	if (r->stopped || r->url == NULL || r->run.on)
		return;
	cut = r->opt.cut(r->opt.arg);
	if (r->was_cut && !cut && r->failures == 0)
		r->due_boot = clock_boot_ms();
	r->was_cut = cut;
	look_at_alert(r);
	left_ms = r->due_boot - clock_boot_ms();
	if (left_ms <= 0 && r->opt.well(r->opt.arg))
		run_begin(r);
	else
		reconcile_wake(r,
		    left_ms > 0 && left_ms < LOOK_MS ? left_ms : LOOK_MS);
}

/* -- Its life -- */

struct reconcile *
reconcile_new(const struct reconcile_options *opt)
{
	struct reconcile *r;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return (NULL);
	r->opt = *opt;
	r->status.error = r->error;
	r->fill = reconcile_fill_new(&opt->filler);
	r->timer = evtimer_new(opt->env->base, reconcile_timer_cb, r);
	if (r->fill != NULL && r->timer != NULL)
		return (r);
	reconcile_free(r);
	return (NULL);
}

/* Nothing is under way any more. */
static void
run_give_up(struct reconcile *r)
{
	if (r->run.on)
		run_end(r, 0);
	(void)evtimer_del(r->timer);
}

/* A link by these settings, and a copy of the url. Returns 0, or -1. */
static int
open_link(struct reconcile *r, const struct reconcile_settings *set,
    struct reconcile_link **ret_link, char **ret_url,
    char reason[HANDLER_REASON_MAX])
{
	(void)snprintf(reason, HANDLER_REASON_MAX, "out of memory");
	*ret_link = NULL;
	*ret_url = NULL;
	if (set->far.url == NULL)
		return (0);
	if ((*ret_url = strdup(set->far.url)) == NULL)
		return (-1);
	*ret_link = reconcile_link_new(r->opt.env, &set->far, reason);
	if (*ret_link != NULL)
		return (0);
	free(*ret_url);
	return (-1);
}

int
reconcile_set(struct reconcile *r, const struct reconcile_settings *set,
    char reason[HANDLER_REASON_MAX])
{
	struct reconcile_link *link;
	char *url;

	if (open_link(r, set, &link, &url, reason) == -1)
		return (-1);
	if (reconcile_fill_set(r->fill, &set->takes, &set->codes) == -1) {
		(void)snprintf(reason, HANDLER_REASON_MAX, "out of memory");
		reconcile_link_free(link);
		free(url);
		return (-1);
	}
	run_give_up(r);
	reconcile_link_free(r->link);
	free(r->url);
	r->link = link;
	r->url = url;
	r->set = *set;
	r->set.far = (struct reconcile_far){ 0 }; /* the link has a copy */
	r->set.takes = (struct selection){ 0 };   /* and fill of these */
	r->set.codes = (struct status_codes){ 0 };
	r->failures = 0;
	r->error[0] = '\0';
	r->due_boot = clock_boot_ms() + START_MS;
	r->status.url = url;
	if (url != NULL)
		reconcile_wake(r, START_MS);
	else
		look_at_alert(r); /* who stops looking clears first */
	return (0);
}

void
reconcile_status(const struct reconcile *r, struct reconcile_status *ret_status)
{
	*ret_status = r->status;
}

void
reconcile_stop(struct reconcile *r)
{
	if (r == NULL)
		return;
	run_give_up(r);
	r->stopped = true;
	reconcile_link_free(r->link);
	r->link = NULL;
}

void
reconcile_free(struct reconcile *r)
{
	if (r == NULL)
		return;
	if (r->run.on)
		run_end(r, 0);
	if (r->timer != NULL)
		event_free(r->timer);
	reconcile_fill_free(r->fill);
	reconcile_link_free(r->link);
	free(r->url);
	free(r);
}
