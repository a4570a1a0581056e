#include <stdlib.h>

#include "server/base/json.h"
#include "server/intake/rejection_json.h"
#include "store/base/base64.h"

/* Returns 0, or -1 when out of memory. */
static int
set_base64(json_t *o, const char *name, const void *bytes, size_t len)
{
	char *text;
	int rc = -1;

	if ((text = malloc(BASE64_SIZE(len))) == NULL)
		return (-1);
	rc = json_object_set_new(o, name,
	    json_stringn(text, base64_encode(bytes, len, text)));
	free(text);
	return (rc);
}

json_t *
rejection_json(const struct store_rejection_info *info, bool whole)
{
	const struct store_rejection *r = &info->r;
	json_t *o = json_object();
	int bad = 0;

	bad |= json_set_int(o, "id", info->id);
	bad |= json_set_time(o, "at", r->at_ms);
	bad |= json_set_text(o, "peer", r->peer);
	bad |= json_set_text(o, "cause", r->cause);
	bad |= json_set_text(o, "diagnosis_code", r->code);
	bad |= json_set_text(o, "diagnosis", r->diagnosis);
	bad |= json_set_int(o, "size", (int64_t)r->size);
	bad |= json_set_int(o, "repeats", (int64_t)r->repeats);
	bad |= json_set_time(o, "last_at", r->last_at_ms);
	bad |= json_set_int(o, "not_kept", (int64_t)r->not_kept);
	if (whole) {
		bad |= json_set_text(o, "headers", r->headers);
		bad |= set_base64(o, "body_base64", r->body, r->body_len);
	}
	if (bad == 0)
		return (o);
	json_decref(o);
	return (NULL);
}
