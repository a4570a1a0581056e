#include "server/base/clock_watch.h"

#include <sys/timerfd.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "server/base/clock.h"
#include "server/base/log.h"
#include "store/store_read.h"

/* Far enough ahead never to come; it is set again whenever it is cancelled. */
#define FAR_S (INT64_C(86400) * 365 * 200)

struct clock_watch {
	struct store *st;
	struct event_base *base;
	struct steady steady;
	bool taken_up; /* from the store; nothing is kept there before */
	char boot[STORE_BOOT_MAX];
	struct event *timer;
	int fd; /* readable when the clock was set, or after a sleep; or -1 */
	struct event *set;
	int64_t slept_ms; /* boot minus monotonic, at the last look */
	int64_t kept_ms;  /* boot, when the store was last asked to keep */
	uint64_t steps;
	enum steady_doubt logged; /* the last one */
	void (*moved)(void *arg);
	void *arg;
};

/* -- Reading -- */

/* The name of this run of the machine; "" where there is none. */
static void
boot_name(char ret_name[STORE_BOOT_MAX])
{
	FILE *in = fopen("/proc/sys/kernel/random/boot_id", "re");

	ret_name[0] = '\0';
	if (in == NULL)
		return;
	if (fgets(ret_name, STORE_BOOT_MAX, in) == NULL)
		ret_name[0] = '\0';
	ret_name[strcspn(ret_name, "\n")] = '\0';
	(void)fclose(in);
}

static struct steady_reading
reading(const char *boot)
{
	return ((struct steady_reading){
	    .wall = clock_wall(),
	    .boot_ms = clock_boot_ms(),
	    .boot = boot,
	});
}

/* Where what the store has kept goes. */
struct found {
	enum store_rc rc;
	struct store_clock kept;
	char *reason;
};

/* store_clock_fn: the readings that the store has kept. */
static void
clock_found_cb(enum store_rc rc, const struct store_clock *kept,
    const char *reason, void *arg)
{
	struct found *found = arg;

	found->rc = rc;
	if (rc == STORE_OK)
		found->kept = *kept;
	else
		(void)snprintf(found->reason, STORE_REASON_MAX, "%s", reason);
}

static enum store_rc
clock_take_up(struct store *st, const char *boot, struct steady *ret_steady,
    char reason[STORE_REASON_MAX])
{
	struct found found = { .rc = STORE_FAILED, .reason = reason };
	struct steady_reading now;

	(void)snprintf(reason, STORE_REASON_MAX, "out of memory");
	if (store_get_clock(st, clock_found_cb, &found) == 0)
		store_wait(st);
	if (found.rc != STORE_OK)
		return (found.rc);
	now = reading(boot);
	steady_start(ret_steady, &found.kept, &now);
	return (STORE_OK);
}

enum store_rc
clock_watch_read(struct store *st, struct steady *ret_steady,
    char reason[STORE_REASON_MAX])
{
	char boot[STORE_BOOT_MAX];

	boot_name(boot);
	return (clock_take_up(st, boot, ret_steady, reason));
}

void
clock_watch_renew(const struct store_clock *kept, struct store_clock *ret_now)
{
	char boot[STORE_BOOT_MAX];
	struct steady_reading now;
	struct steady steady;

	boot_name(boot);
	now = reading(boot);
	steady_start(&steady, kept, &now);
	steady_keep(&steady, &now, ret_now);
}

/* -- Watching -- */

/* store_done_fn: it is kept, or the next hour's is. */
static void
clock_kept_cb(const struct store_result *res, void *arg)
{
	(void)arg;
	if (res->rc != STORE_OK)
		log_debug("the clock is not kept: %s", res->reason);
}

void
clock_watch_keep(struct clock_watch *w)
{
	struct steady_reading now;
	struct store_clock kept;

	if (w == NULL || !w->taken_up)
		return;
	now = reading(w->boot);
	steady_keep(&w->steady, &now, &kept);
	w->kept_ms = now.boot_ms;
	(void)store_note_clock(w->st, &kept, clock_kept_cb, NULL);
}

static int64_t
slept_ms(void)
{
	return (clock_boot_ms() - clock_mono_us() / 1000);
}

/* Say what became of the wall clock. */
static void
clock_log(struct clock_watch *w, int64_t step_ms)
{
	enum steady_doubt doubt = w->steady.doubt;

	if (step_ms != 0)
		log_info("the clock was set %s by %" PRId64 " s; jobs and "
			 "alarms keep their time",
		    step_ms > 0 ? "ahead" : "back",
		    (int64_t)llabs(step_ms) / 1000);
	if (doubt == w->logged)
		return;
	w->logged = doubt;
	if (doubt == STEADY_FINE)
		log_info("the clock is believed again");
	else
		log_warn("the clock is not believed: %s",
		    steady_doubt_text(doubt));
}

static void
clock_watch_look(struct clock_watch *w)
{
	const struct steady_reading now = reading(w->boot);
	enum steady_doubt before = w->steady.doubt;
	int64_t step_ms = steady_look(&w->steady, &now);
	int64_t slept = slept_ms();

	w->steps += step_ms != 0;
	clock_log(w, step_ms);
	if (step_ms != 0 || w->steady.doubt != before ||
	    now.boot_ms - w->kept_ms >= CLOCK_WATCH_KEEP_MS)
		clock_watch_keep(w);
	if (slept - w->slept_ms > 1000 && w->moved != NULL)
		w->moved(w->arg);
	w->slept_ms = slept;
}

/* evtimer: a minute has passed. */
static void
clock_watch_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval minute = { CLOCK_WATCH_LOOK_MS / 1000, 0 };
	struct clock_watch *w = arg;

	(void)fd;
	(void)what;
	clock_watch_look(w);
	(void)evtimer_add(w->timer, &minute);
}

/* Have the timerfd say when the clock is set, which cancels it. */
static int
clock_watch_arm(struct clock_watch *w)
{
	const struct itimerspec far = {
		.it_value.tv_sec = (time_t)(clock_wall_ms() / 1000 + FAR_S),
	};

	return (timerfd_settime(w->fd,
	    TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far, NULL));
}

/* event: the clock was set, or the machine has slept. */
static void
clock_watch_set_cb(evutil_socket_t fd, short what, void *arg)
{
	struct clock_watch *w = arg;
	uint64_t n;

	(void)what;
	if (read(fd, &n, sizeof(n)) == -1 && errno == EAGAIN)
		return;
	if (clock_watch_arm(w) == -1) /* the look every minute is left */
		(void)event_del(w->set);
	clock_watch_look(w);
}

/* What cannot be had here is done without: see clock_watch.h. */
static void
clock_watch_ask(struct clock_watch *w, struct event_base *base)
{
	w->fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (w->fd == -1 || clock_watch_arm(w) == -1)
		return;
	w->set =
	    event_new(base, w->fd, EV_READ | EV_PERSIST, clock_watch_set_cb, w);
	if (w->set != NULL)
		(void)event_add(w->set, NULL);
}

void
clock_watch_take_up(struct clock_watch *w, const struct store_clock *kept)
{
	const struct steady_reading now = reading(w->boot);

	steady_start(&w->steady, kept, &now);
	w->taken_up = true;
	w->slept_ms = slept_ms();
	w->kept_ms = clock_boot_ms();
	clock_watch_ask(w, w->base);
	clock_watch_timer_cb(-1, 0, w);
	clock_watch_keep(w);
}

struct clock_watch *
clock_watch_new(struct event_base *base, struct store *st)
{
	static const struct store_clock nothing = { 0 };
	struct clock_watch *w;
	struct steady_reading now;

	if ((w = calloc(1, sizeof(*w))) == NULL)
		return (NULL);
	w->fd = -1;
	w->st = st;
	w->base = base;
	boot_name(w->boot);
	now = reading(w->boot);
	steady_start(&w->steady, &nothing, &now);
	if ((w->timer = evtimer_new(base, clock_watch_timer_cb, w)) == NULL) {
		clock_watch_free(w);
		return (NULL);
	}
	return (w);
}

void
clock_watch_on_move(struct clock_watch *w, void (*moved)(void *arg), void *arg)
{
	w->moved = moved;
	w->arg = arg;
}

const struct steady *
clock_watch_steady(const struct clock_watch *w)
{
	return (&w->steady);
}

struct wall_time
clock_watch_wall(const struct clock_watch *w)
{
	return (steady_wall(&w->steady, clock_wall(), steady_now(&w->steady)));
}

uint64_t
clock_watch_steps(const struct clock_watch *w)
{
	return (w->steps);
}

void
clock_watch_free(struct clock_watch *w)
{
	if (w == NULL)
		return;
	if (w->timer != NULL)
		event_free(w->timer);
	if (w->set != NULL)
		event_free(w->set);
	if (w->fd != -1)
		(void)close(w->fd);
	free(w);
}
