/*
 * http_guess.h -- how often an address may name a wrong token.
 *
 * Owns:    for each of the addresses that did so lately when it may do so
 *          again; at most HTTP_GUESSES_MAX of them, the quietest are forgotten.
 * Touches: nothing. Pure; the time is passed in.
 *
 * An address may guess HTTP_GUESS_BURST times, then once per HTTP_GUESS_MS. It
 * concerns no other address, and no connection that has proved itself.
 */
#ifndef SERVER_HTTP_GUESS_H
#define SERVER_HTTP_GUESS_H

#include <stdbool.h>
#include <stdint.h>

#include "server/base/peer_net.h"

#define HTTP_GUESSES_MAX 256
#define HTTP_GUESS_BURST 30
#define HTTP_GUESS_MS 1000

/* All zero: nobody has guessed. */
struct http_guesses {
	struct {
		struct peer_net net;
		int64_t spent_until_ms; /* each guess adds HTTP_GUESS_MS */
	} of[HTTP_GUESSES_MAX];
};

/* May a token that comes from there be looked at? */
bool http_guess_may(const struct http_guesses *guesses, struct peer_net net,
    int64_t now_ms);

/* It was wrong. */
void http_guess_failed(struct http_guesses *guesses, struct peer_net net,
    int64_t now_ms);

#endif /* SERVER_HTTP_GUESS_H */
