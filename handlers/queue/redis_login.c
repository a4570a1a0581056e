#include "handlers/queue/redis_login.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static bool
is_needed(const struct redis_account *account, enum redis_login step)
{
	switch (step) {
	case REDIS_LOGIN_AUTH:
		return (account->user != NULL || account->password_len > 0);
	case REDIS_LOGIN_SELECT:
		return (account->database != NULL &&
			strcmp(account->database, "0") != 0);
	case REDIS_LOGIN_SCRIPT:
		return (account->script != NULL);
	case REDIS_LOGIN_NAME:
	case REDIS_LOGIN_DONE:
		break;
	}
	return (true);
}

enum redis_login
redis_login_next(const struct redis_account *account, enum redis_login step)
{
	while (!is_needed(account, step))
		step++;
	return (step);
}

/* "klikitd:NAME"; a blank in it would be refused. */
static void
client_name(const char *name, char ret_text[REDIS_LOGIN_TEXT_MAX])
{
	(void)snprintf(ret_text, REDIS_LOGIN_TEXT_MAX, "klikitd:%s", name);
	for (char *p = ret_text; *p != '\0'; p++) {
		if (!isgraph((unsigned char)*p))
			*p = '_';
	}
}

size_t
redis_login_words(const struct redis_account *account, enum redis_login step,
    char text[REDIS_LOGIN_TEXT_MAX],
    struct redis_word words[REDIS_LOGIN_WORDS_MAX])
{
	size_t n = 0;

	switch (step) {
	case REDIS_LOGIN_AUTH:
		words[n++] = redis_text("AUTH");
		if (account->user != NULL)
			words[n++] = redis_text(account->user);
		words[n++] = (struct redis_word){ account->password,
			account->password_len };
		break;
	case REDIS_LOGIN_SELECT:
		words[n++] = redis_text("SELECT");
		words[n++] = redis_text(account->database);
		break;
	case REDIS_LOGIN_NAME:
		client_name(account->name, text);
		words[n++] = redis_text("CLIENT");
		words[n++] = redis_text("SETNAME");
		words[n++] = redis_text(text);
		break;
	case REDIS_LOGIN_SCRIPT:
		words[n++] = redis_text("SCRIPT");
		words[n++] = redis_text("LOAD");
		words[n++] = redis_text(account->script);
		break;
	case REDIS_LOGIN_DONE:
		break;
	}
	return (n);
}

enum redis_login_verdict
redis_login_judge(enum redis_login step, const struct redis_answer *answer)
{
	const struct redis_value *value = &answer->value;

	/* Who may not set a name can do without, unless nothing is allowed. */
	if (value->kind == REDIS_ERROR && step == REDIS_LOGIN_NAME &&
	    (strncmp(value->text, "NOPERM", 6) == 0 ||
		strncmp(value->text, "ERR unknown", 11) == 0))
		return (REDIS_LOGIN_GOOD);
	if (value->kind == REDIS_ERROR)
		return (REDIS_LOGIN_REFUSED);
	if (step == REDIS_LOGIN_SCRIPT)
		return (value->kind == REDIS_STRING ? REDIS_LOGIN_GOOD
						    : REDIS_LOGIN_BROKEN);
	return (value->kind == REDIS_STATUS && strcmp(value->text, "OK") == 0
		    ? REDIS_LOGIN_GOOD
		    : REDIS_LOGIN_BROKEN);
}
