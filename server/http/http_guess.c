#include "server/http/http_guess.h"

#include <stddef.h>

bool
http_guess_may(const struct http_guesses *guesses, struct peer_net net,
    int64_t now_ms)
{
	for (size_t i = 0; i < HTTP_GUESSES_MAX; i++) {
		if (guesses->of[i].spent_until_ms != 0 &&
		    peer_net_equal(guesses->of[i].net, net))
			return (
			    guesses->of[i].spent_until_ms - now_ms <=
			    (int64_t)(HTTP_GUESS_BURST - 1) * HTTP_GUESS_MS);
	}
	return (true);
}

void
http_guess_failed(struct http_guesses *guesses, struct peer_net net,
    int64_t now_ms)
{
	size_t at = 0; /* its own, or the quietest */
	int64_t from = now_ms;

	for (size_t i = 0; i < HTTP_GUESSES_MAX; i++) {
		if (guesses->of[i].spent_until_ms != 0 &&
		    peer_net_equal(guesses->of[i].net, net)) {
			at = i;
			if (guesses->of[i].spent_until_ms > now_ms)
				from = guesses->of[i].spent_until_ms;
			break;
		}
		if (guesses->of[i].spent_until_ms <
		    guesses->of[at].spent_until_ms)
			at = i;
	}
	guesses->of[at].net = net;
	guesses->of[at].spent_until_ms = from + HTTP_GUESS_MS;
}
