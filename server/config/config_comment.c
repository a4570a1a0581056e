/*
 * A comment has a line of its own. Behind a value it would be a part of it,
 * so what looks like one there is an error where the value cannot hold it,
 * and is warned of where it can.
 */
#include <string.h>

#include "server/base/log.h"
#include "server/config/config_draft.h"

#define BLANKS " \t"
#define SIGNS ";#"

/* What a value of a kind may hold, of ; and #. */
enum room {
	ROOM_NONE, /* neither: numbers, names, lists of words */
	ROOM_URL,  /* within it, but not after a blank */
	ROOM_TEXT  /* anywhere */
};

/* Of all other kinds it is ROOM_NONE. */
static const enum room rooms[] = {
	[KEY_URL] = ROOM_URL, /* or a store would be a new one, and empty */
	[KEY_PATH] = ROOM_TEXT,
	[KEY_SECRET] = ROOM_TEXT,
	[KEY_TEXTS] = ROOM_TEXT,
	[KEY_COMMAND] = ROOM_TEXT,
};

/* Where a sign begins the text or stands after a blank; NULL: nowhere. */
static const char *
sign_after_blank(const char *text)
{
	for (const char *p = text; (p = strpbrk(p, SIGNS)) != NULL; p++) {
		if (p == text || strchr(BLANKS, p[-1]) != NULL)
			return (p);
	}
	return (NULL);
}

/* The same, but for what a command holds together in quotes. */
static const char *
sign_in_command(const char *text)
{
	char quote = '\0', before = ' ';

	for (const char *p = text; *p != '\0'; before = *p++) {
		if (quote == '"' && *p == '\\' && p[1] != '\0')
			p++;
		else if (quote != '\0')
			quote = *p == quote ? '\0' : quote;
		else if (*p == '"' || *p == '\'')
			quote = *p;
		else if (strchr(SIGNS, *p) != NULL &&
			 strchr(BLANKS, before) != NULL)
			return (p);
	}
	return (NULL);
}

int
config_comment_check(struct config_draft *d, const struct key *key,
    const char *where, const char *text)
{
	const char *sign = NULL;

	switch (rooms[key->kind]) {
	case ROOM_NONE:
		sign = strpbrk(text, SIGNS);
		break;
	case ROOM_URL:
		sign = sign_after_blank(text);
		break;
	case ROOM_TEXT:
		sign = key->kind == KEY_COMMAND ? sign_in_command(text)
						: sign_after_blank(text);
		if (sign == NULL)
			return (0);
		/* Not repeated: a header may hold a password. */
		config_draft_warn(d,
		    "%sthe %c and what follows it is part of the value; "
		    "comments need a line of their own, and quotes around the "
		    "value say that it is meant",
		    where, *sign);
		return (0);
	}
	if (sign == NULL)
		return (0);
	config_draft_error(d,
	    "%s\"%s\" cannot stand in this value; comments need a line of "
	    "their own",
	    where, log_text(sign));
	return (-1);
}
