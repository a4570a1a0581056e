#include "server/diagnosis/reject_cause.h"

static const char *const cause_names[] = {
	[REJECT_HEADERS_MISSING] = "headers_missing",
	[REJECT_HEADERS_INVALID] = "headers_invalid",
	[REJECT_SIGNATURE] = "signature",
	[REJECT_INVALID_JSON] = "invalid_json",
	[REJECT_TOO_MANY_ORDERS] = "too_many_orders",
	[REJECT_ID_CONFLICT] = "id_conflict",
	[REJECT_NOT_FOR_ENDPOINT] = "not_for_endpoint",
};
_Static_assert(sizeof(cause_names) / sizeof(cause_names[0]) == REJECT_NCAUSES,
    "every cause has a name");

const char *
reject_cause_name(enum reject_cause cause)
{
	return (cause_names[cause]);
}

bool
reject_cause_is_authentic(enum reject_cause cause)
{
	switch (cause) {
	case REJECT_INVALID_JSON:
	case REJECT_TOO_MANY_ORDERS:
	case REJECT_ID_CONFLICT:
	case REJECT_NOT_FOR_ENDPOINT:
		return (true);
	case REJECT_HEADERS_MISSING:
	case REJECT_HEADERS_INVALID:
	case REJECT_SIGNATURE:
	case REJECT_NCAUSES:
		break;
	}
	return (false);
}
