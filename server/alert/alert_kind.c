#include "server/alert/alert_kind.h"

static const struct {
	const char *type;
	const char *advice;
	bool common;
} kinds[] = {
	[ALERT_JOB_DEAD] = { ALERT_TYPE "job_dead",
	    "Look why with klikitd jobs --state dead; then klikitd replay "
	    "does them again, or klikitd discard ends them.",
	    .common = true },
	[ALERT_HANDLER_FAILING] = { ALERT_TYPE "handler_failing",
	    "See that its far side runs and can be reached; klikitd doctor "
	    "tries it. What waits is sent by itself when it works again." },
};
_Static_assert(sizeof(kinds) / sizeof(kinds[0]) == ALERT_NKINDS,
    "every kind has a row");

const char *
alert_kind_name(enum alert_kind kind)
{
	return (kinds[kind].type + sizeof(ALERT_TYPE) - 1);
}

const char *
alert_kind_type(enum alert_kind kind)
{
	return (kinds[kind].type);
}

const char *
alert_kind_advice(enum alert_kind kind)
{
	return (kinds[kind].advice);
}

bool
alert_kind_is_common(enum alert_kind kind)
{
	return (kinds[kind].common);
}
