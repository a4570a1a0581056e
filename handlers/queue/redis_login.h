/*
 * redis_login.h -- the first words with Redis: who we are, which database, what
 * we are called, and the script.
 *
 * Owns: nothing; pure. One step at a time: a command, its answer, the next.
 *
 *   AUTH --> SELECT --> NAME --> SCRIPT --> DONE     steps that are not needed
 *                                                    are passed over
 *
 * It speaks RESP2 only: no HELLO 3, whose answers our codec cannot read.
 */
#ifndef HANDLERS_QUEUE_REDIS_LOGIN_H
#define HANDLERS_QUEUE_REDIS_LOGIN_H

#include <stdbool.h>

#include "handlers/queue/redis_codec.h"

/* What is said; all borrowed. */
struct redis_account {
	const char *user; /* NULL: the server's default */
	const void *password;
	size_t password_len;  /* 0: none is asked for, or known */
	const char *database; /* NULL or "0": the one that one begins with */
	const char *name;     /* of the handler; for CLIENT LIST */
	const char *script;   /* NULL: none is needed */
};

enum redis_login {
	REDIS_LOGIN_AUTH,
	REDIS_LOGIN_SELECT,
	REDIS_LOGIN_NAME,
	REDIS_LOGIN_SCRIPT,
	REDIS_LOGIN_DONE
};

#define REDIS_LOGIN_WORDS_MAX 4
#define REDIS_LOGIN_TEXT_MAX 80

/* The first step that is needed, from that one on. */
enum redis_login redis_login_next(const struct redis_account *account,
    enum redis_login step);

/*
 * The command of a step; text is room for what it has to make. Returns how many
 * words it has.
 */
size_t redis_login_words(const struct redis_account *account,
    enum redis_login step, char text[REDIS_LOGIN_TEXT_MAX],
    struct redis_word words[REDIS_LOGIN_WORDS_MAX]);

enum redis_login_verdict {
	REDIS_LOGIN_GOOD,    /* on to the next step */
	REDIS_LOGIN_REFUSED, /* the answer is an error that counts */
	REDIS_LOGIN_BROKEN   /* the answer is none to that command */
};

enum redis_login_verdict redis_login_judge(enum redis_login step,
    const struct redis_answer *answer);

#endif /* HANDLERS_QUEUE_REDIS_LOGIN_H */
