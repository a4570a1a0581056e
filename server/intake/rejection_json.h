/*
 * rejection_json.h -- a rejection as programs are told of it, on the command
 * line and by the admin API alike.
 *
 * Pure, over jansson.
 */
#ifndef SERVER_REJECTION_JSON_H
#define SERVER_REJECTION_JSON_H

#include <stdbool.h>

#include <jansson.h>

#include "store/store_read.h"

/*
 * {id, at, peer, cause, diagnosis_code, diagnosis, size}, and with whole also
 * {headers, body_base64}. Owned by the caller; NULL when out of memory.
 */
json_t *rejection_json(const struct store_rejection_info *info, bool whole);

#endif /* SERVER_REJECTION_JSON_H */
