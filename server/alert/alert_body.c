#include "server/alert/alert_body.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "server/base/json.h"
#include "store/base/parse.h"
#include "store/record.h"

#define TURN_DIGITS 8
/* Room in an id for a subject whose bytes may need three each. */
#define SUBJECT_MAX (ALERT_ID_MAX - 64)
#define TEXT_MAX 1024

static const char *const words[] = {
	[ALERT_NOTHING] = "",
	[ALERT_RAISED] = "raised",
	[ALERT_REMINDER] = "reminder",
	[ALERT_CLEARED] = "cleared",
};

/* -- Ids -- */

/* Write subject so that it has no byte that needs quotes, nor a '/'. */
static void
encode(const char *subject, char ret_text[SUBJECT_MAX])
{
	size_t at = 0;

	for (; *subject != '\0' && at + 4 < SUBJECT_MAX; subject++) {
		unsigned char c = (unsigned char)*subject;

		if (isalnum(c) || strchr("-_.@", c) != NULL)
			ret_text[at++] = (char)c;
		else
			at += (size_t)sprintf(ret_text + at, "%%%02X", c);
	}
	ret_text[at] = '\0';
}

void
alert_id_prefix(const struct alert *a, char ret_prefix[ALERT_ID_MAX])
{
	char subject[SUBJECT_MAX];

	encode(a->subject, subject);
	(void)snprintf(ret_prefix, ALERT_ID_MAX, "%s/%s/",
	    alert_kind_type(a->kind), subject);
}

void
alert_id_next(const struct alert *a, char ret_id[ALERT_ID_MAX])
{
	size_t len;

	alert_id_prefix(a, ret_id);
	len = strlen(ret_id);
	(void)snprintf(ret_id + len, ALERT_ID_MAX - len, "%0*u", TURN_DIGITS,
	    a->sent.turn + 1);
}

const char *
alert_type(const struct alert *a, enum alert_word word)
{
	return (word == ALERT_CLEARED ? ALERT_TYPE_CLEARED
				      : alert_kind_type(a->kind));
}

/* -- Bodies -- */

/* All of it in one text, as a chat shows it. */
static void
write_text(const struct alert *a, enum alert_word word,
    const struct alert_sender *from, char ret_text[TEXT_MAX])
{
	int64_t minutes = (from->now_ms - a->since_ms) / 60000;
	int host = (int)strcspn(from->receiver, "/"); /* without the process */
	char since[FORMAT_TIME_MAX];

	(void)format_time(a->since_ms, since);
	switch (word) {
	case ALERT_CLEARED:
		(void)snprintf(ret_text, TEXT_MAX,
		    "klikitd on %.*s: over: %s (it began at %s)", host,
		    from->receiver, a->sentence, since);
		break;
	case ALERT_REMINDER:
		(void)snprintf(ret_text, TEXT_MAX,
		    "klikitd on %.*s: for %lld minutes now: %s. %s", host,
		    from->receiver, (long long)(minutes > 0 ? minutes : 0),
		    a->sentence, alert_kind_advice(a->kind));
		break;
	case ALERT_RAISED:
	case ALERT_NOTHING:
		(void)snprintf(ret_text, TEXT_MAX, "klikitd on %.*s: %s. %s",
		    host, from->receiver, a->sentence,
		    alert_kind_advice(a->kind));
		break;
	}
}

char *
alert_body(const struct alert *a, enum alert_word word,
    const struct alert_sender *from, size_t *ret_len)
{
	char text[TEXT_MAX], *body = NULL;
	json_t *o = json_object();
	int bad = 0;

	write_text(a, word, from, text);
	bad |= json_set_text(o, "text", text);
	bad |= json_set_text(o, "state", words[word]);
	bad |= json_set_text(o, "kind", alert_kind_name(a->kind));
	bad |= json_set_text(o, "subject", a->subject);
	bad |= json_set_text(o, "sentence", a->sentence);
	bad |= json_set_text(o, "advice", alert_kind_advice(a->kind));
	bad |= json_set_time(o, "since", a->since_ms);
	bad |= json_set_time(o, "at", from->now_ms);
	bad |= json_set_int(o, "reminder",
	    word == ALERT_REMINDER ? a->sent.reminders + 1 : 0);
	bad |= json_set_text(o, "receiver", from->receiver);
	if (bad == 0)
		body = json_text(o);
	json_decref(o);
	if (body != NULL)
		*ret_len = strlen(body);
	return (body);
}

/* What only the body has. */
static void
read_body(const char *body, size_t len, struct alert_sent *sent)
{
	json_t *o = json_loadb(body, len, 0, NULL);
	const char *since = NULL, *receiver = NULL, *sentence = NULL;
	json_int_t reminder = 0;

	if (json_unpack(o, "{s:s, s:I, s:s, s:s}", "since", &since, "reminder",
		&reminder, "receiver", &receiver, "sentence", &sentence) == 0) {
		(void)parse_time(since, strlen(since), &sent->since_ms);
		(void)snprintf(sent->sentence, sizeof(sent->sentence), "%s",
		    sentence);
		sent->reminders = (unsigned)reminder;
		(void)snprintf(sent->receiver, sizeof(sent->receiver), "%s",
		    receiver);
		if (sent->word == ALERT_RAISED && reminder > 0)
			sent->word = ALERT_REMINDER;
	}
	json_decref(o);
}

void
alert_read(const struct store_event *ev, struct alert_sent *ret_sent)
{
	const char *turn = strrchr(ev->event_id, '/');

	*ret_sent = (struct alert_sent){
		.turn =
		    turn == NULL ? 0 : (unsigned)strtoul(turn + 1, NULL, 10),
		.word = strcmp(ev->type, ALERT_TYPE_CLEARED) == 0
			    ? ALERT_CLEARED
			    : ALERT_RAISED,
		.at = ev->came_at,
		.since_ms = ev->received_at_ms,
	};
	if (ev->body != NULL)
		read_body(ev->body, ev->body_len, ret_sent);
}
