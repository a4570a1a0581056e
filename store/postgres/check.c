/* Whether what is stored agrees with itself; and how it is not backed up. */
#include <stdio.h>

#include "store/postgres/postgres.h"
#include "store/postgres/row.h"

static const struct pg_statement find_fault = { "find_fault",
	"SELECT find_fault()" };

enum store_rc
check_read(struct pg_conn *c, struct store_op *op,
    char reason[STORE_REASON_MAX])
{
	struct arena mem = { 0 };
	const char *fault = NULL;
	struct pg_args args;
	PGresult *res;
	enum store_rc rc;

	(void)op;
	pg_args_init(&args, &mem);
	if ((rc = pg_query(c, &find_fault, &args, &res, reason)) == STORE_OK) {
		if (pg_text(res, 0, 0, &mem, &fault) == -1) {
			(void)snprintf(reason, STORE_REASON_MAX,
			    "out of memory");
			rc = STORE_FAILED;
		} else if (fault != NULL) {
			(void)snprintf(reason, STORE_REASON_MAX, "%s", fault);
			rc = STORE_NOTADB;
		}
		PQclear(res);
	}
	arena_fini(&mem);
	return (rc);
}

enum store_rc
backup_refuse(struct pg_conn *c, struct store_op *op,
    char reason[STORE_REASON_MAX])
{
	(void)c;
	(void)op;
	(void)snprintf(reason, STORE_REASON_MAX,
	    "klikitd backup copies a file; a PostgreSQL database is backed up "
	    "by pg_dump, or by an archive of its log");
	return (STORE_REFUSED);
}
