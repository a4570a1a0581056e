/*
 * klikit_api_envelope.c -- the envelope of every answer.
 */
#include "server/devtools/klikit_api_private.h"

void
klikit_api_data(struct klikit_call_now *now, json_t *data)
{
	now->status = 200;
	now->json =
	    json_pack("{s:s, s:o}", "request_id", now->id, "data", data);
}

void
klikit_api_error(struct klikit_call_now *now, int status, const char *code,
    const char *message)
{
	now->status = status;
	now->json = json_pack("{s:s, s:{s:s, s:s}}", "request_id", now->id,
	    "error", "code", code, "message", message);
}
