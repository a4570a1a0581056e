/*
 * link_case.h -- what the tests of a link share: one to a far side that says
 * what the test says, by a protocol of lines.
 *
 * Owns: the link, the far side, the loop. Whatever goes wrong fails the test.
 */
#ifndef TEST_LIB_LINK_CASE_H
#define TEST_LIB_LINK_CASE_H

#include "handlers/net/link.h"
#include "test/lib/client_case.h"
#include "test/lib/raw_side.h"

#define CONNECT_MS 6000
#define KEEPALIVE_MS 60000
#define INPUT_MAX 4096

/*
 * A protocol of lines: HI is answered by YES, or by NO and a reason; PING by
 * PONG. "BROKEN" breaks it, "AWAY" sends away.
 */
struct world {
	struct client_case *c;
	struct raw_side raw;
	struct link *l;
	unsigned greeted, ups, downs, idles, leaves, lines;
	bool want_again;     /* down() does */
	bool mute_greet;     /* greet() writes nothing */
	const char *free_on; /* the line at which input() frees the link */
	bool free_in_down;

	/* The last end. */
	enum link_fault fault;
	bool was_up;
	bool left; /* had what stands at mark? */
	uint64_t mark;
	int code;
	char reason[HANDLER_REASON_MAX];
	char detail[HANDLER_REASON_MAX];
};

/* A test's beginning and end: *state is the world. */
int world_setup(void **state);
int world_teardown(void **state);

/* A link to there, which speaks the protocol. NULL when out of memory. */
struct link *world_link(struct world *w, const char *host, unsigned port,
    bool tls);

/* The same in the place of the world's own. */
void world_use(struct world *w, const char *host, unsigned port, bool tls);

/* One turn of the loop; as many as it takes; so many that nothing is left. */
void world_turn(const struct world *w);
#define UNTIL(w, condition)                                                    \
	while (!(condition))                                                   \
	world_turn(w)
void world_settle(const struct world *w);

/* Have it connected, up to the far side's answer to its greeting. */
void world_greeted(struct world *w);

/* Have it connected and up. */
void world_logged_in(struct world *w);

/* Let time pass until it dials again. */
void world_pass_pause(struct world *w);

/* How it ended the last time; an @ in the format stands for the far side. */
void world_assert_ended(const struct world *w, enum link_fault fault,
    bool was_up, const char *format);

#endif /* TEST_LIB_LINK_CASE_H */
