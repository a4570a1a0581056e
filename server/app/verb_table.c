#include "server/app/verb_table.h"

#include <stddef.h>

#include "server/cli/verbs.h"
#include "server/devtools/verbs.h"

const struct verb *const verb_table[] = {
	&verb_serve,
	&verb_dev,
	&verb_listen,
	&verb_trigger,
	&verb_sink,
	&verb_events,
	&verb_orders,
	&verb_order,
	&verb_rejections,
	&verb_jobs,
	&verb_handlers,
	&verb_alarms,
	&verb_acknowledge,
	&verb_replay,
	&verb_retry,
	&verb_discard,
	&verb_pause,
	&verb_resume,
	&verb_purge,
	&verb_backup,
	&verb_restore,
	&verb_migrate_store,
	&verb_sign,
	&verb_verify,
	&verb_check_config,
	&verb_doctor,
	&verb_manual,
	&verb_version,
	&verb_help,
	NULL,
};
