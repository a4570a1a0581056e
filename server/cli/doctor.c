#include "server/cli/doctor.h"

#include <stddef.h>

#include "server/base/clock.h"
#include "server/cli/doctor_private.h"
#include "store/store.h"

/* In this order: a check may need what an earlier one has found. */
static const struct {
	const char *name;
	void (*run)(struct doctor *d);
	bool config; /* needs to know what is configured */
	bool whole;  /* needs secrets and files, too */
} checks[] = {
	{ "configuration", doctor_configuration, false, false },
	{ "secrets", doctor_secrets, true, true },
	{ "certificates", doctor_certificates, true, true },
	{ "store", doctor_store, true, false },
	{ "integrity", doctor_integrity, true, false },
	{ "jobs", doctor_jobs, true, false },
	{ "space", doctor_space, true, false },
	{ "disk", doctor_disk, true, false },
	{ "backups", doctor_backups, true, false },
	{ "clock", doctor_clock, false, false },
	{ "ports", doctor_ports, true, false },
	{ "limits", doctor_limits, true, false },
	{ "handlers", doctor_handlers, true, false },
	{ "upstreams", doctor_upstreams, true, true },
	{ "pullers", doctor_pullers, true, false },
	{ "reconcile", doctor_reconcile, true, true },
	{ "needs", doctor_needs, true, false },
};

void
doctor_run(const struct doctor_options *opt, doctor_found_fn *found, void *arg)
{
	struct doctor d = { .opt = opt,
		.found = found,
		.arg = arg,
		.now_ms = clock_wall_ms() };

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		if ((checks[i].config && d.cfg == NULL) ||
		    (checks[i].whole && !d.whole))
			continue;
		d.check = checks[i].name;
		doctor_go_on(&d, 0);
		checks[i].run(&d);
	}
	store_close(d.st);
	config_free(d.cfg);
}
