/*
 * alert.h -- one subject that may need help: what is so, and what of it has
 * been sent.
 *
 * Pure: takes facts and times, says which message is due. alerts.h sends it.
 *
 *            raise                  RAISED is sent
 *   QUIET ----------> UP, not sent ------------------> UP, sent <--. REMINDER
 *     ^                  | clear                         | clear  '--' is sent
 *     |                  v            RAISED is sent     v
 *     |               OVER, not sent ----------------> OVER, sent
 *     |                                                  | CLEARED is sent
 *     '--------------------------------------------------'
 *
 * Where nobody takes alerts, what is over is QUIET at once.
 *
 * What was sent is an event of the store. Those of one subject are numbered:
 * so after a restart, or at another receiver of the same store, the last one
 * says how it stands, and none is sent twice.
 */
#ifndef SERVER_ALERT_H
#define SERVER_ALERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/alert/alert_kind.h"
#include "store/base/times.h"

#define ALERT_SUBJECT_MAX 96 /* its NUL included; longer ones are cut */
#define ALERT_SENTENCE_MAX 256
#define ALERT_RECEIVER_MAX 128

/* What an event tells. */
enum alert_word { ALERT_NOTHING, ALERT_RAISED, ALERT_REMINDER, ALERT_CLEARED };

/* What was sent last. */
struct alert_sent {
	unsigned turn;        /* of the events of the subject; 0: none was */
	enum alert_word word; /* ALERT_NOTHING: none was */
	struct steady_time at;
	int64_t since_ms; /* of what was raised, by the wall clock */
	unsigned reminders;
	char receiver[ALERT_RECEIVER_MAX]; /* that sent it */
	char sentence[ALERT_SENTENCE_MAX];
};

struct alert {
	enum alert_kind kind;
	char subject[ALERT_SUBJECT_MAX];
	char sentence[ALERT_SENTENCE_MAX];
	bool is_so;       /* by the last raise or clear */
	bool up;          /* raised, and not cleared */
	bool known;       /* sent is what the store has */
	bool busy;        /* asking, or sending */
	int64_t since_ms; /* up since then, by the wall clock */
	struct alert_sent sent;
};

/* By what it is decided what is to be sent. */
struct alert_terms {
	struct steady_time now;
	int64_t remind_ms; /* between two of one alert; 0: never again */
	bool may_clear;    /* what another receiver sent */
};

/* Make a, all zero before, one of that subject about which nothing is known. */
void alert_init(struct alert *a, enum alert_kind kind, const char *subject);

/* It is so now, says the sentence. Returns whether it was raised by this. */
bool alert_raise(struct alert *a, const char *sentence, int64_t wall_ms);

/* What is sent of it from now on says this. */
void alert_say(struct alert *a, const char *sentence);

/* It is not so now. Returns whether it was up and is not any more, by this. */
bool alert_clear(struct alert *a);

/* What the store had as the last that was sent (all zero: nothing). */
void alert_resume(struct alert *a, const struct alert_sent *sent);

/* What is to be sent now. Only if it is known what was. */
enum alert_word alert_next(const struct alert *a, const struct alert_terms *t);

/* Nobody is to be sent: what was up and is not so any more is forgotten. */
void alert_drop(struct alert *a);

/*
 * That word was sent as the event after the last. receiver is this one's name.
 */
void alert_note_sent(struct alert *a, enum alert_word word,
    struct steady_time now, const char *receiver);

/* May it be forgotten altogether? */
bool alert_is_idle(const struct alert *a);

#endif /* SERVER_ALERT_H */
