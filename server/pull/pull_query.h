/*
 * pull_query.h -- what a puller asks for, out of the target of its request.
 *
 * Pure.
 */
#ifndef SERVER_PULL_QUERY_H
#define SERVER_PULL_QUERY_H

#include <stdbool.h>
#include <stdint.h>

#define PULL_PATH "/pull/"
#define PULL_NAME_MAX 128 /* with the NUL */

struct pull_query {
	int64_t wait_ms;
	unsigned max;
};

/*
 * Whose jobs, and is it a report of them: "/pull/NAME", "/pull/NAME/done". A
 * name that is too long is cut off, and is nobody's then.
 */
void pull_query_path(const char *path, char ret_name[PULL_NAME_MAX],
    bool *ret_done);

/*
 * "wait=25&max=32", each of which may be missing, as may all of it (NULL).
 * Returns NULL; or what is wrong, for people.
 */
const char *pull_query_read(const char *query, struct pull_query *ret);

#endif /* SERVER_PULL_QUERY_H */
