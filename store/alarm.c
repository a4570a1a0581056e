/* How an alarm stands, by its row. */
#include "store/store_read.h"

enum store_alarm
store_alarm_of(const struct store_job_info *job)
{
	if (job->guards == 0)
		return (STORE_ALARM_NONE);
	if (job->rang_at_ms == 0)
		return (job->state == JOB_DONE ? STORE_ALARM_NEEDLESS
					       : STORE_ALARM_SET);
	return (job->acknowledged_at_ms != 0 || job->discarded_at_ms != 0
		    ? STORE_ALARM_HEARD
		    : STORE_ALARM_RINGS);
}
