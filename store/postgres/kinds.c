/* The kinds of operations: how each is written or read. */
#include "store/postgres/postgres.h"

const struct pg_kind pg_kinds[STORE_NOPS] = {
	[STORE_OP_APPEND] = { PG_APPENDS, .add = append_add },
	[STORE_OP_FINISH] = { PG_FINISHES, .add = finish_add },
	[STORE_OP_START] = { PG_STARTS, .add = start_add },
	[STORE_OP_ACT] = { PG_IN_PLACE, .add = act_add },
	[STORE_OP_PAUSE] = { PG_IN_PLACE, .add = pause_add },
	[STORE_OP_UNGUARD] = { PG_IN_PLACE, .add = unguard_add },
	[STORE_OP_RUNNABLE] = { PG_IN_PLACE, .add = runnable_add },
	[STORE_OP_REGISTER] = { PG_IN_PLACE, .add = register_add },
	[STORE_OP_CLOCK_NOTE] = { PG_IN_PLACE, .add = clock_note_add },
	[STORE_OP_REJECT] = { PG_IN_PLACE, .add = reject_add },
	[STORE_OP_PURGE] = { PG_IN_PLACE },
	[STORE_OP_LIST_JOBS] = { .read = list_jobs },
	[STORE_OP_LIST_ATTEMPTS] = { .read = list_attempts },
	[STORE_OP_LIST_EVENT_ATTEMPTS] = { .read = list_event_attempts },
	[STORE_OP_LIST_HANDLERS] = { .read = list_handlers },
	[STORE_OP_CLOCK_GET] = { .read = clock_read },
	[STORE_OP_BACKUP] = { .read = backup_refuse },
	[STORE_OP_CHECK] = { .read = check_read },
};
