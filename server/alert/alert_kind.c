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
	[ALERT_STORE] = { ALERT_TYPE "store",
	    "Deliveries are answered 503 meanwhile. klikit sends them again, "
	    "but not for ever. The log and klikitd doctor say what to do.",
	    .common = true },
	[ALERT_DISK] = { ALERT_TYPE "disk",
	    "Make room: below the floor no event is taken. klikitd purge "
	    "removes what is old; see also logs and backups." },
	[ALERT_CLOCK] = { ALERT_TYPE "clock",
	    "Set it, by NTP best. Jobs keep their time; dates, certificates "
	    "and retention do not." },
	[ALERT_CERTIFICATE] = { ALERT_TYPE "certificate",
	    "Renew it, and send klikitd a HUP." },
	[ALERT_REJECTIONS] = { ALERT_TYPE "rejections",
	    "Orders may be lost. klikitd rejections shows what was refused, "
	    "and why." },
	[ALERT_BRANCH_SILENT] = { ALERT_TYPE "branch_silent",
	    "It may be closed. Else see that klikit reaches this address: "
	    "the tunnel or proxy in front, klikitd rejections.",
	    .common = true },
	[ALERT_BACKUP] = { ALERT_TYPE "backup",
	    "Orders are taken all the same. klikitd doctor says what is wrong "
	    "with the directory or its disk; klikitd backup --scheduled tries "
	    "it now." },
	[ALERT_PROBE] = { ALERT_TYPE "probe",
	    "Orders are lost meanwhile, if klikit sees the same. klikitd "
	    "doctor --probe URL says what to look at." },
	[ALERT_UPSTREAM] = { ALERT_TYPE "upstream",
	    "Events wait at the hub, and are fetched when it is reached again. "
	    "See this box's network; klikitd doctor says what is wrong." },
	[ALERT_RECONCILE] = { ALERT_TYPE "reconcile",
	    "Deliveries come in all the same; what klikit could not deliver "
	    "stays missing until the list can be read again. klikitd doctor "
	    "says what is wrong." },
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
