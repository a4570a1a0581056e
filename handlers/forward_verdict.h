/*
 * forward_verdict.h -- what an answer of the far side means for a job.
 *
 * Pure: an answer in, a result out.
 */
#ifndef HANDLERS_FORWARD_VERDICT_H
#define HANDLERS_FORWARD_VERDICT_H

#include <stdbool.h>

#include "handlers/handler.h"
#include "handlers/net/http_client.h"

/*
 * Fill in *ret_result, which is all zero, its verdict too; the table is in
 * DESIGN.md. name is the far side's, for reasons; with conflict_is_done a 409
 * says that it was done before. The result borrows the answer's body.
 */
void forward_verdict(const struct http_client_answer *answer, const char *name,
    bool conflict_is_done, struct handler_result *ret_result);

#endif /* HANDLERS_FORWARD_VERDICT_H */
