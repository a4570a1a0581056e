/*
 * link_facts.h -- what has happened to the connection of a link.
 *
 * Pure: callbacks record here, and link.c decides.
 */
#ifndef HANDLERS_LINK_FACTS_H
#define HANDLERS_LINK_FACTS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "handlers/handler.h"
#include "handlers/net/link_state.h"

/* All zero at the beginning of each try to connect. */
struct link_facts {
	bool time_over;  /* of the state: the pause, connect_ms, the silence */
	bool stage_over; /* of TLS, or of the login, at this address */
	bool unread;     /* bytes have come */
	bool heard;      /* some, since the login began */
	bool logged_in;
	bool lost;
	int error; /* errno, when it was lost; 0: it was closed */

	/* How the protocol has ended it; the first word counts. */
	bool ended;
	enum link_fault fault;
	int code;
	char detail[HANDLER_REASON_MAX]; /* empty: none */
	char reason[HANDLER_REASON_MAX];
};

/* The protocol ends it. detail may be NULL. */
void link_facts_end(struct link_facts *f, enum link_fault fault, int code,
    const char *detail);

/*
 * Does the far side still live? Only who was asked for a sign of life can be
 * found dead: a machine that slept, or a loop that was held up, was silent
 * itself.
 */
struct link_silence {
	int64_t limit_ms; /* 0: it may be silent for ever */
	int64_t heard_ms; /* when the last bytes came */
	int64_t asked_ms; /* when it was asked since then; 0: it was not */
};

enum link_silence_verdict {
	SILENCE_WAIT, /* look again in *ret_wait_ms */
	SILENCE_ASK,  /* likewise, and ask it now, which is recorded */
	SILENCE_DEAD
};

void link_silence_heard(struct link_silence *s, int64_t now_ms);
enum link_silence_verdict link_silence_judge(struct link_silence *s,
    int64_t now_ms, int64_t *ret_wait_ms);

/* Failures in a row, and until when nothing is dialled. */
struct link_pause {
	unsigned failures;
	int64_t until_ms; /* 0: there is none */
};

/*
 * The pause after so many failures in a row (at least 1): doubled by each from
 * at most 200 ms on to at most LINK_PAUSE_MAX_MS, and at least half of that, as
 * rnd says.
 */
int64_t link_pause_after(unsigned failures, uint32_t rnd);

/*
 * It failed, after it was UP for up_ms; 0: it was not. Returns how long the
 * pause that begins is.
 */
int64_t link_pause_begin(struct link_pause *p, int64_t up_ms, int64_t now_ms,
    uint32_t rnd);

/* ms until it is over, at least 1; 0: there is none. */
int64_t link_pause_left(const struct link_pause *p, int64_t now_ms);

/* -- Why it failed, for people -- */

/*
 * No time is left of limit_ms, in that state. peer is the address; NULL: the
 * host is still being looked up.
 */
void link_late_text(enum link_state state, const char *peer, const char *host,
    int64_t limit_ms, char ret_text[HANDLER_REASON_MAX]);

/* The connection ended in that state; why is NULL if peer has closed it. */
void link_lost_text(enum link_state state, const char *peer, const char *why,
    char ret_text[HANDLER_REASON_MAX]);

void link_silence_text(const char *peer, int64_t silent_ms,
    char ret_text[HANDLER_REASON_MAX]);

#endif /* HANDLERS_LINK_FACTS_H */
