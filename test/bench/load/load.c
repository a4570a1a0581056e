/* The run and the report. */
#include <sys/epoll.h>
#include <sys/resource.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "load.h"

#define GRACE_US 15000000 /* for answers when nothing more is sent */

/* What the run was, for the report. */
struct run {
	int64_t us; /* how long the window was */
	int64_t load_cpu_us;
	struct proc before, after;
	unsigned idle_open;
};

/* A few descriptors more than the connections need. */
static void
raise_files(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) == 0) {
		lim.rlim_cur = lim.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &lim);
	}
}

static int64_t
own_cpu_us(void)
{
	struct rusage use;

	(void)getrusage(RUSAGE_SELF, &use);
	return ((int64_t)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000000 +
		use.ru_utime.tv_usec + use.ru_stime.tv_usec);
}

/* Turn until then, or until all are sent and answered. */
static int
turn_until(struct load *l, int64_t until_us)
{
	while (load_now_us() < until_us && !(l->stopping && l->nbusy == 0))
		if (conns_turn(l, until_us) == -1)
			return (-1);
	return (0);
}

static int
run_load(struct load *l, struct run *run)
{
	const struct options *opt = l->opt;
	int64_t start_us = load_now_us();
	int64_t from_us, until_us;

	l->counted_from_us =
	    opt->warm_us > 0 ? start_us + opt->warm_us : start_us;
	if (conns_open(l) == -1 || turn_until(l, l->counted_from_us) == -1)
		return (-1);
	proc_read(opt->pid, &run->before);
	run->load_cpu_us = own_cpu_us();
	from_us = load_now_us();
	if (opt->warm_us > 0)
		l->counted_from_us = from_us;
	else
		from_us = start_us;
	until_us = from_us + opt->run_us;
	if (turn_until(l, until_us) == -1)
		return (-1);
	run->us = load_now_us() - from_us;
	run->load_cpu_us = own_cpu_us() - run->load_cpu_us;
	proc_read(opt->pid, &run->after);
	l->stopping = true;
	l->over = true;
	return (turn_until(l, load_now_us() + GRACE_US));
}

/* Nothing is sent: the server is looked at when they are open, and later. */
static void
run_idle(struct load *l, struct run *run)
{
	proc_read(l->opt->pid, &run->before);
	(void)usleep((useconds_t)l->opt->run_us);
	run->us = l->opt->run_us;
	proc_read(l->opt->pid, &run->after);
}

static void
report(const struct load *l, const struct run *run)
{
	double s = (double)(run->us > 0 ? run->us : 1) / 1e6;
	double n = (double)l->hist.n;

	(void)printf("{\"requests\": %" PRIu64 ", \"seconds\": %.6f, "
		     "\"rate\": %.2f, ",
	    l->hist.n, s, n / s);
	(void)printf("\"latency_us\": {\"mean\": %.1f, \"p50\": %" PRIu64
		     ", \"p90\": %" PRIu64 ", \"p99\": %" PRIu64
		     ", \"p999\": %" PRIu64 ", \"max\": %" PRIu64 "}, ",
	    n > 0 ? (double)l->hist.sum_us / n : 0, hist_at(&l->hist, 0.5),
	    hist_at(&l->hist, 0.9), hist_at(&l->hist, 0.99),
	    hist_at(&l->hist, 0.999), l->hist.max_us);
	(void)printf("\"answered\": %" PRIu64 ", \"unexpected\": %" PRIu64
		     ", \"later\": %" PRIu64 ", \"cut\": %" PRIu64
		     ", \"refused\": %" PRIu64 ", \"unanswered\": %" PRIu64
		     ", \"idle_open\": %u, ",
	    l->all.answered, l->all.unexpected, l->all.later, l->all.cut,
	    l->all.refused, l->nbusy, run->idle_open);
	(void)printf("\"load_cpu_us\": %" PRId64 ", \"server\": "
		     "{\"cpu_us\": %" PRId64 ", \"rss_kb\": %" PRId64
		     ", \"peak_kb\": %" PRId64 ", \"threads\": %" PRId64
		     ", \"written\": %" PRId64 "}}\n",
	    run->load_cpu_us, run->after.cpu_us - run->before.cpu_us,
	    run->after.rss_kb, run->after.peak_kb, run->after.threads,
	    run->after.written - run->before.written);
}

/* Whether the run was as it had to be; says on stderr why not. */
static bool
verdict(const struct load *l, const struct run *run)
{
	const struct options *opt = l->opt;
	bool good = true;

	if (l->all.unexpected > 0) {
		(void)fprintf(stderr,
		    "load: %" PRIu64 " answers were not the expected one; the "
		    "first:\n%s\n",
		    l->all.unexpected, l->first_bad);
		good = false;
	}
	if (l->all.cut > 0 && !opt->reopen) {
		(void)fprintf(stderr,
		    "load: %" PRIu64 " connections were cut\n", l->all.cut);
		good = false;
	}
	if (l->nbusy > 0) {
		(void)fprintf(stderr,
		    "load: %" PRIu64 " requests were not answered\n", l->nbusy);
		good = false;
	}
	if (opt->nrequests != 0 && l->next < opt->nrequests) {
		(void)fprintf(stderr,
		    "load: time was up after %" PRIu64 " requests\n", l->next);
		good = false;
	}
	if (run->idle_open != opt->nidle) {
		(void)fprintf(stderr,
		    "load: of %u idle connections %u are open\n", opt->nidle,
		    run->idle_open);
		good = false;
	}
	return (good);
}

static int
load_run(const struct options *opt)
{
	static struct load l;
	struct run run = { 0 };
	int *idle = NULL;
	int rc = 1;

	l.opt = opt;
	if ((l.epoll = epoll_create1(EPOLL_CLOEXEC)) == -1 ||
	    parcels_init(&l.parcels, opt) == -1)
		return (1);
	if (opt->ids_file != NULL &&
	    (l.ids = fopen(opt->ids_file, "w")) == NULL) {
		(void)fprintf(stderr, "load: cannot write %s\n", opt->ids_file);
		goto out;
	}
	if ((idle = idle_open(opt)) == NULL)
		goto out;
	if (opt->nconns == 0)
		run_idle(&l, &run);
	else if (run_load(&l, &run) == -1)
		goto out;
	run.idle_open = idle_count(idle, opt->nidle);
	report(&l, &run);
	rc = verdict(&l, &run) ? 0 : 1;
out:
	conns_close(&l);
	if (idle != NULL)
		idle_close(idle, opt->nidle);
	if (l.ids != NULL && fclose(l.ids) != 0)
		rc = 1;
	parcels_fini(&l.parcels);
	(void)close(l.epoll);
	return (rc);
}

int
main(int argc, char **argv)
{
	struct options opt;

	switch (options_read(&opt, argc, argv)) {
	case 0:
		break;
	case 1:
		return (0);
	default:
		return (2);
	}
	raise_files();
	return (load_run(&opt));
}
