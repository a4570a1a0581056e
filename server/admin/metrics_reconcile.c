/*
 * metrics_reconcile.c -- what klikit's list of orders had and the store had
 * not. Nothing is printed while no list is compared.
 */
#include <stdio.h>

#include "server/admin/metrics_parts.h"
#include "server/admin/metrics_print.h"
#include "server/admin/metrics_text.h"
#include "server/reconcile/reconcile.h"

/* When something was last; none: nothing. */
static void
print_time(FILE *f, const char *name, const char *help, int64_t at_ms)
{
	metrics_family(f, name, METRICS_GAUGE, help);
	if (at_ms != 0)
		metrics_real(f, name, NULL, (double)at_ms / 1e3);
}

void
metrics_print_reconcile(FILE *f, const struct metrics_sources *from)
{
	static const char filled[] = "klikitd_reconcile_filled_total";
	static const char runs[] = "klikitd_reconcile_runs_total";
	struct reconcile_status st;

	reconcile_status(from->reconcile, &st);
	if (st.url == NULL)
		return;
	metrics_family(f, filled, METRICS_COUNTER,
	    "Orders of klikit's list that were filled in.");
	metrics_count(f, filled, LABELS("kind", "unknown"), st.unknown);
	metrics_count(f, filled, LABELS("kind", "newer"), st.newer);
	metrics_family(f, runs, METRICS_COUNTER,
	    "Comparisons with klikit's list, by how they ended.");
	metrics_count(f, runs, LABELS("end", "passed"), st.runs - st.failures);
	metrics_count(f, runs, LABELS("end", "failed"), st.failures);
	print_time(f, "klikitd_reconcile_last_run_timestamp_seconds",
	    "When the last comparison began.", st.run_ms);
	print_time(f, "klikitd_reconcile_last_success_timestamp_seconds",
	    "When one last went through.", st.success_ms);
}
