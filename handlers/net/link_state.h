/*
 * link_state.h -- the words of a link: where it stands, and why it failed.
 */
#ifndef HANDLERS_LINK_STATE_H
#define HANDLERS_LINK_STATE_H

#define LINK_PAUSE_MAX_MS 30000

enum link_state {
	LINK_DOWN,    /* there is none: not wanted, or not yet */
	LINK_DIALING, /* look-up and connect */
	LINK_SHAKING, /* TLS, where that is asked for */
	LINK_LOGIN,   /* the protocol's first steps */
	LINK_UP,      /* requests may be written */
	LINK_NSTATES
};

/* Why there is no connection. */
enum link_fault {
	LINK_UNREACHABLE, /* it did not get UP: no address, no TLS, silence */
	LINK_REFUSED,     /* the far side let us not in: link_refuse() */
	LINK_BROKEN,      /* it broke the protocol: link_break() */
	LINK_LOST         /* it was UP, and ended or went silent */
};

#endif /* HANDLERS_LINK_STATE_H */
