/*
 * admin_query.h -- the parts of a request's target.
 *
 * Pure. Percent-encoding is strict: "%" needs two hex digits, and nothing may
 * stand for NUL. "+" stands for itself in a path, for a blank in a query.
 */
#ifndef SERVER_ADMIN_QUERY_H
#define SERVER_ADMIN_QUERY_H

#include <stdbool.h>
#include <stddef.h>

#define ADMIN_VALUE_MAX 512 /* of a decoded name or value, its NUL included */

/*
 * Does path fit pattern, in which one segment may be "*"? That segment is
 * then written, decoded, to ret_value; without "*" that is empty. A segment
 * that cannot be decoded, is empty or too long fits nothing.
 */
bool admin_path_match(const char *pattern, const char *path,
    char ret_value[ADMIN_VALUE_MAX]);

/*
 * Take the next "name=value" off *query (NULL: there is no query), decoded.
 * Returns 1; 0 at the end; -1 if it has no "=", cannot be decoded or is too
 * long.
 */
int admin_query_next(const char **query, char ret_name[ADMIN_VALUE_MAX],
    char ret_value[ADMIN_VALUE_MAX]);

/*
 * Write text, encoded for a path or a query, to ret. Returns 0; -1 if it does
 * not fit in max bytes.
 */
int admin_query_encode(const char *text, char *ret, size_t max);

#endif /* SERVER_ADMIN_QUERY_H */
