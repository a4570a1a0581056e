#include "server/cli/served.h"

#include "server/base/clock.h"
#include "server/cli/proc.h"
#include "server/config/config.h"
#include "store/store_read.h"

static void
add(struct served *served, pid_t pid)
{
	if (pid != 0 && served->n < SERVED_MAX)
		served->pids[served->n++] = pid;
}

/* store_receivers_fn */
static void
receivers_cb(enum store_rc rc, const struct store_receiver_info *rows, size_t n,
    const char *reason, void *arg)
{
	struct served *served = arg;

	(void)reason;
	for (size_t i = 0; rc == STORE_OK && i < n; i++) {
		if (rows[i].alive)
			add(served, proc_receiver(rows[i].name));
	}
}

void
served_find(const struct config *cfg, struct store *st,
    struct served *ret_served)
{
	const struct store_options opt = { .url = cfg->store_url,
		.mode = STORE_READ,
		.queue_max = (size_t)cfg->store_queue_max,
		.now_ms = clock_wall_ms() };
	char reason[STORE_REASON_MAX];
	struct store *opened = NULL;

	*ret_served = (struct served){ 0 };
	if (!store_traits(cfg->store_url)->is_shared) {
		add(ret_served, proc_server(cfg->store_url));
		return;
	}
	if (st == NULL && store_open(&opt, &opened, reason) != STORE_OK)
		return;
	st = st == NULL ? opened : st;
	if (store_list_receivers(st, receivers_cb, ret_served) == 0)
		store_wait(st);
	store_close(opened);
}

bool
served_has(const struct served *served, pid_t pid)
{
	for (size_t i = 0; i < served->n; i++) {
		if (served->pids[i] == pid)
			return (true);
	}
	return (false);
}
