#include "store/move/tables.h"

#define INT(n)                                                                 \
	{                                                                      \
		.name = n, .type = MOVE_INT                                    \
	}
#define STEADY(n)                                                              \
	{                                                                      \
		.name = n, .type = MOVE_INT, .steady = true                    \
	}
#define BOOL(n)                                                                \
	{                                                                      \
		.name = n, .type = MOVE_BOOL                                   \
	}
#define TEXT(n)                                                                \
	{                                                                      \
		.name = n, .type = MOVE_TEXT                                   \
	}
#define NAME(n)                                                                \
	{                                                                      \
		.name = n, .type = MOVE_TEXT, .names = true                    \
	}
#define BYTES(n)                                                               \
	{                                                                      \
		.name = n, .type = MOVE_BYTES                                  \
	}

const struct move_table move_tables[MOVE_TABLES] = {
	{ "handlers", 1,
	    { INT("id"), NAME("name"), INT("first_seen"), INT("last_seen"),
		INT("paused_at"), TEXT("paused_by"), TEXT("paused_why") } },
	{ "events", 1,
	    { INT("id"), NAME("event_id"), NAME("scope"), NAME("type"),
		NAME("origin"), NAME("brand"), NAME("branch"),
		BYTES("signature"), NAME("secret"), TEXT("peer"),
		INT("received_at"), INT("body_size"), INT("duplicates"),
		INT("last_duplicate_at"), INT("purged_at"), INT("repeat_of"),
		STEADY("came_at"), BOOL("date_doubted"), NAME("endpoint"),
		INT("header_set"), TEXT("own_headers"), TEXT("answers") } },
	{ "header_sets", 1,
	    { INT("id"), TEXT("headers"), INT("used_at"), STEADY("came_at"),
		BOOL("shared") } },
	{ "bodies", 1, { INT("event"), BYTES("body") } },
	{ "event_orders", 2,
	    { INT("event"), INT("place"), NAME("order_id"), NAME("scope"),
		TEXT("status"), TEXT("updated_at"), NAME("external_id") } },
	{ "jobs", 1,
	    { INT("id"), INT("event"), INT("place"), INT("handler"),
		NAME("state"), INT("attempts"), STEADY("due_at"), INT("behind"),
		BOOL("ordered"), INT("finished_at"), TEXT("outcome"),
		INT("guards"), INT("replay_of"), INT("discarded_at"),
		INT("acknowledged_at"), TEXT("acknowledged_by"),
		INT("key_of") } },
	{ "lanes", 4,
	    { INT("handler"), NAME("lane"), NAME("scope"), INT("job") } },
	{ "attempts", 2,
	    { INT("job"), INT("number"), INT("started_at"), INT("duration"),
		TEXT("outcome"), INT("code"), BYTES("answer"),
		TEXT("detail") } },
	{ "served", 3,
	    { INT("handler"), NAME("order_id"), NAME("scope"), INT("job") } },
	{ "orders", 2,
	    { NAME("order_id"), NAME("scope"), NAME("brand"), NAME("branch"),
		NAME("external_id"), TEXT("status"), TEXT("updated_at"),
		BYTES("version_key"), INT("event"), INT("place") } },
	{ "carts", 2,
	    { NAME("order_id"), NAME("scope"), BYTES("version_key"),
		INT("event"), INT("place") } },
	{ "rejections", 1,
	    { INT("id"), INT("at"), TEXT("peer"), NAME("cause"),
		TEXT("diagnosis"), TEXT("headers"), INT("size"), BYTES("body"),
		NAME("code"), STEADY("came_at"), INT("class"), BYTES("digest"),
		INT("repeats"), INT("last_at"), INT("not_kept"),
		NAME("endpoint") } },
	{ "counts", 4,
	    { INT("step"), INT("at"), NAME("kind"), NAME("name"),
		TEXT("numbers"), INT("peak") } },
};

size_t
move_table_columns(const struct move_table *t)
{
	size_t n = 0;

	while (t->columns[n].name != NULL)
		n++;
	return (n);
}
