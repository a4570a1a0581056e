#include "handlers/queue/redis_verdict.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "handlers/queue/one_line.h"

/* Not now, and of no job in particular. */
#define LATER HANDLER_RETRY, HANDLER_FAULT_DOWN, false
/* Not before somebody has put it right. */
#define PAUSE HANDLER_RETRY, HANDLER_FAULT_DOWN, true
/* Never, of this job. */
#define NEVER HANDLER_DEAD, HANDLER_FAULT_JOB, false

/*
 * By first words: the longer stand before the shorter. Sources: the texts of
 * Redis 7.0 (src/server.c createSharedObjects(), acl.c, script.c, cluster.c,
 * networking.c), and what versions 5 and 6 say of the same.
 */
static const struct redis_ruling rulings[] = {
	/* It passes by itself, or when there is room again. */
	{ "LOADING", LATER, false, "it is still reading its data from disk" },
	{ "BUSY", LATER, false,
	    "it is busy with somebody's script; SCRIPT KILL ends one" },
	{ "OOM", LATER, false,
	    "its memory is full; raise maxmemory, or trim the stream" },
	{ "MISCONF", LATER, false,
	    "it cannot write its data to disk; see its disk and its log" },
	{ "READONLY", LATER, true,
	    "it is a replica; url has to name the master" },
	{ "MASTERDOWN", LATER, true, "it is a replica that lost its master" },
	{ "NOREPLICAS", LATER, false,
	    "it has fewer replicas than min-replicas-to-write" },
	{ "CLUSTERDOWN", LATER, false, "its cluster is down" },
	{ "TRYAGAIN", LATER, false, "its cluster is moving the stream" },
	{ "EXECABORT", LATER, false, "it gave up a transaction" },
	{ "NOSCRIPT", LATER, false,
	    "it forgets scripts as fast as they are loaded" },
	{ "ERR max number of clients", LATER, false,
	    "it has too many clients; raise maxclients" },

	/* Who may do what. */
	{ "NOAUTH", PAUSE, false, "it asks for a password; set password_file" },
	{ "WRONGPASS", PAUSE, false,
	    "wrong user or password; see url and password_file" },
	{ "ERR invalid password", PAUSE, false,
	    "wrong password; see password_file" },
	{ "ERR AUTH <password> called without any password", PAUSE, false,
	    "it has no password; take password_file away" },
	{ "ERR Client sent AUTH, but no password", PAUSE, false,
	    "it has no password; take password_file away" },
	{ "ERR wrong number of arguments for 'auth'", PAUSE, false,
	    "it is too old for users; take USER@ out of url" },
	{ "DENIED", PAUSE, false,
	    "it is in protected mode; give it a password or another bind" },
	{ "NOPERM", PAUSE, false,
	    "no right to add; its user needs +xadd +get +set +evalsha "
	    "+script|load, and both keys" },
	{ "ERR The user executing the script can't", PAUSE, false,
	    "no right to add; its user needs +xadd +get +set, and both keys" },

	/* Where it goes. */
	{ "WRONGTYPE", PAUSE, false,
	    "the key is there and is no stream; choose another stream" },
	{ "CROSSSLOT", PAUSE, false,
	    "the stream's name puts its keys apart; choose another stream" },
	{ "MOVED", PAUSE, false,
	    "its cluster has the stream elsewhere; url has to name that node" },
	{ "ASK", PAUSE, false,
	    "its cluster has the stream elsewhere; url has to name that node" },
	{ "ERR DB index is out of range", PAUSE, false,
	    "it has no such database; see the end of url" },
	{ "ERR SELECT is not allowed in cluster", PAUSE, false,
	    "a cluster has database 0 only; see the end of url" },
	{ "ERR invalid DB index", PAUSE, false,
	    "it has no such database; see the end of url" },
	{ "ERR unknown command", PAUSE, false,
	    "it lacks a command; klikitd needs Redis 5 or later" },
	{ "ERR Unknown Redis command", PAUSE, false,
	    "it lacks a command; klikitd needs Redis 5 or later" },
	{ "ERR The stream has exhausted", PAUSE, false,
	    "the stream takes no more entries; choose another stream" },

	/* What this one is. */
	{ "ERR Protocol error: invalid bulk length", NEVER, true,
	    "the body is larger than its proto-max-bulk-len" },
	{ "ERR string exceeds maximum allowed size", NEVER, false,
	    "the body is too large for it" },
	{ "ERR Elements are too large", NEVER, false,
	    "the body is too large for a stream" },

	/* Any other. */
	{ NULL, HANDLER_RETRY, HANDLER_FAULT_JOB, false, false,
	    "an error that klikitd does not know" },
};

/*
 * Redis 5 and 6 wrap what a script's call answered: "ERR Error running script
 * (call to f_...): @user_script:4: OOM command not allowed ...".
 */
static const char *
unwrap(const char *error)
{
	static const char wrap[] = "ERR Error running script";
	static const char mark[] = "@user_script:";
	const char *p;

	if (strncmp(error, wrap, strlen(wrap)) != 0)
		return (error);
	for (p = error; (p = strstr(p, mark)) != NULL; error = p)
		p += strlen(mark) + strspn(p + strlen(mark), "0123456789: -");
	return (error);
}

/* Does the error begin with these words? BUSYKEY is not BUSY. */
static bool
begins(const char *error, const char *words)
{
	size_t len = strlen(words);

	return (strncmp(error, words, len) == 0 &&
		!isalnum((unsigned char)error[len]));
}

const struct redis_ruling *
redis_ruling_of(const char *error)
{
	const struct redis_ruling *ruling = rulings;

	error = unwrap(error);
	while (ruling->begins != NULL && !begins(error, ruling->begins))
		ruling++;
	return (ruling);
}

void
redis_verdict(const struct redis_ruling *ruling, const char *name,
    const char *error, struct handler_result *ret_result)
{
	int first =
	    ruling->begins == NULL ? 0 : (int)strcspn(ruling->begins, " ");

	ret_result->verdict = ruling->verdict;
	ret_result->fault = ruling->fault;
	ret_result->pause = ruling->pause;
	(void)snprintf(ret_result->reason, HANDLER_REASON_MAX,
	    "%s answered %.*s%s%s", name, first,
	    first == 0 ? "" : ruling->begins, first == 0 ? "" : ": ",
	    ruling->text);
	one_line(error, ret_result->detail);
}
