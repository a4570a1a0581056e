/* The table of SQLSTATEs, and words of the server made fit to be shown. */
#include <string.h>

#include "store/base/utf8.h"
#include "store/postgres/errors.h"

/*
 * The longest that fits the beginning decides: a class has two characters, a
 * condition five.
 */
static const struct {
	const char *begins;
	enum pg_verdict verdict;
} errors[] = {
	{ "08", PG_AWAY },  /* connection exception */
	{ "0A", PG_AWAY },  /* a plan whose tables have changed: prepare anew */
	{ "22", PG_ALONE }, /* data: 22021 is no UTF-8, or has a NUL */
	{ "23", PG_ALONE }, /* a constraint */
	{ "25", PG_AWAY },  /* the state of the transaction is another */
	{ "25006", PG_AWAY }, /* read-only: a standby, or no primary any more */
	{ "25P03", PG_AWAY }, /* idle in a transaction for too long */
	{ "26", PG_AWAY },    /* the statement is not prepared: a pooler */
	{ "28", PG_AWAY },    /* the login, also of a password that expired */
	{ "3D", PG_AWAY },    /* no such database */
	{ "40", PG_AGAIN },   /* 40001 serialization, 40P01 deadlock */
	{ "40003", PG_AWAY }, /* nobody knows whether it was completed */
	{ "53", PG_BUSY },    /* 53200 memory, 53400 a configured limit */
	{ "53100", PG_FULL }, /* the disk */
	{ "53300", PG_BUSY }, /* too many connections: pg_connect() waits */
	{ "54", PG_ALONE },   /* a limit of the program: a key too long */
	{ "55", PG_BUSY },    /* an object is not in the state for it */
	{ "55P03", PG_AGAIN }, /* a lock was not to be had in time */
	{ "57", PG_AWAY },    /* 57P01 to 57P05: shut down, crashed, starting */
	{ "57014", PG_BUSY }, /* cancelled: by statement_timeout, by an admin */
	{ "KL001", PG_FENCED }, /* beat(): schema/006_lease.sql */
	{ "KL002", PG_ALONE },  /* it was moved: schema/008_moving.sql */
};
#define NERRORS (sizeof(errors) / sizeof(errors[0]))

enum pg_verdict
pg_judge(const char *sqlstate)
{
	enum pg_verdict verdict = PG_FAILED;
	size_t longest = 0;

	if (sqlstate == NULL || sqlstate[0] == '\0')
		return (PG_AWAY);
	for (size_t i = 0; i < NERRORS; i++) {
		size_t len = strlen(errors[i].begins);

		if (len > longest &&
		    strncmp(sqlstate, errors[i].begins, len) == 0) {
			longest = len;
			verdict = errors[i].verdict;
		}
	}
	return (verdict);
}

enum store_rc
pg_rc(enum pg_verdict verdict)
{
	switch (verdict) {
	case PG_ALONE:
		return (STORE_REFUSED);
	case PG_AGAIN:
	case PG_BUSY:
		return (STORE_BUSY);
	case PG_FULL:
		return (STORE_FULL);
	case PG_AWAY:
	case PG_FENCED:
		return (STORE_AWAY);
	case PG_FAILED:
		break;
	}
	return (STORE_FAILED);
}

bool
pg_is_setting(const char *sqlstate)
{
	return (sqlstate != NULL && (strncmp(sqlstate, "28", 2) == 0 ||
					strncmp(sqlstate, "3D", 2) == 0));
}

void
pg_clean(char *text)
{
	char *from = text, *to = text;
	size_t left = strlen(text), len;
	uint32_t code;

	while (left > 0) {
		len = utf8_next(from, left, &code);
		if (len == 0 || !utf8_is_plain(code)) {
			len = len == 0 ? 1 : len;
			/* Lines and tabs part words; what is odd is shown. */
			if (*from != '\n' && *from != '\t' && *from != '\r')
				*to++ = '?';
			else if (to > text && to[-1] != ' ')
				*to++ = ' ';
		} else {
			memmove(to, from, len);
			to += len;
		}
		from += len;
		left -= len;
	}
	while (to > text && (to[-1] == ' ' || to[-1] == '.'))
		to--;
	*to = '\0';
}

#define SQLSTATE_LEN 5

/* Where "SEVERITY:  SQLSTATE: " stands in the line; NULL: nowhere. */
static char *
find_sqlstate(char *line)
{
	static const char sign[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char *p = line;

	while ((p = strstr(p, ":  ")) != NULL) {
		p += 3;
		if (strspn(p, sign) == SQLSTATE_LEN && p[5] == ':' &&
		    p[6] == ' ')
			return (p);
	}
	return (NULL);
}

void
pg_connect_words(char *text, char ret_sqlstate[6])
{
	char *from = text, *at;

	ret_sqlstate[0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (strncmp(text, "connection to server ", 21) == 0 &&
	    (at = strstr(text, " failed: ")) != NULL)
		from = at + 9;
	if ((at = find_sqlstate(from)) != NULL) {
		memcpy(ret_sqlstate, at, SQLSTATE_LEN);
		ret_sqlstate[SQLSTATE_LEN] = '\0';
		from = at + SQLSTATE_LEN + 2;
	}
	memmove(text, from, strlen(from) + 1);
	pg_clean(text);
}
