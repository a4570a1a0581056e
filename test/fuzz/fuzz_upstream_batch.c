#include <stdlib.h>
#include <string.h>

#include "server/upstream/upstream_batch.h"
#include "test/fuzz/fuzz.h"

/* Of any bytes: a reason, or jobs that are whole, in bounds and within them. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	char reason[HANDLER_REASON_MAX] = "";
	struct upstream_batch b;
	size_t len;
	void *body;

	if (upstream_batch_read(bytes, size, &b, reason) == -1) {
		if (reason[0] == '\0')
			abort();
		return (0);
	}
	if (b.njobs > UPSTREAM_JOBS_MAX)
		abort();
	for (size_t i = 0; i < b.njobs; i++) {
		const struct upstream_job *job = &b.jobs[i];

		if (strlen(job->id) > UPSTREAM_ID_MAX ||
		    strlen(job->lease) > UPSTREAM_LEASE_MAX ||
		    strlen(job->event_id) > UPSTREAM_EVENT_MAX ||
		    job->nheaders > UPSTREAM_HEADERS_MAX || job->body < bytes ||
		    job->body + job->body_len > bytes + size)
			abort();
		(void)upstream_job_header(job, "x-klikit-signature");
		if (upstream_job_body(job, &body, &len) == 0) {
			if (len > job->body_len)
				abort();
			free(body);
		}
	}
	upstream_batch_fini(&b);
	return (0);
}
