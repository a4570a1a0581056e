/*
 * hub_token.h -- the tokens by which pullers of one name prove who they are.
 *
 * Pure. A look at a token takes as long for every wrong one, whatever its
 * length, and for a name that nobody has.
 */
#ifndef HANDLERS_HUB_TOKEN_H
#define HANDLERS_HUB_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#define HUB_TOKENS_MAX 2 /* the old one and the new, while they change */
#define HUB_TOKEN_MIN 16
#define HUB_TOKEN_MAX 256

/* Plain data, private to hub_token.c; all zero: no token fits. */
struct hub_tokens {
	bool used[HUB_TOKENS_MAX];
	unsigned char bytes[HUB_TOKENS_MAX][HUB_TOKEN_MAX + 1];
};

/*
 * Read what stands in a file: a token a line, printable bytes without blanks,
 * HUB_TOKEN_MIN to HUB_TOKEN_MAX of them; empty lines are skipped. Returns
 * NULL; or why it holds no tokens, for people, and then *ret is all zero.
 */
const char *hub_tokens_read(const char *text, size_t len,
    struct hub_tokens *ret);

/* Is it one of them? */
bool hub_tokens_fit(const struct hub_tokens *tokens, const char *token);

/* The i-th, below HUB_TOKENS_MAX; NULL: there is none. */
const char *hub_tokens_at(const struct hub_tokens *tokens, size_t i);

bool hub_tokens_equal(const struct hub_tokens *a, const struct hub_tokens *b);

void hub_tokens_wipe(struct hub_tokens *tokens);

#endif /* HANDLERS_HUB_TOKEN_H */
