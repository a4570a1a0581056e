#include "handlers/hub/hub_token.h"

#include <string.h>

static const char bad_token[] =
    "holds a line that is no token: 16 to 256 printable characters without "
    "blanks";

static bool
is_token(const char *text, size_t len)
{
	if (len < HUB_TOKEN_MIN || len > HUB_TOKEN_MAX)
		return (false);
	for (size_t i = 0; i < len; i++) {
		if (text[i] <= ' ' || text[i] > '~')
			return (false);
	}
	return (true);
}

/* Add the token of a line, if it has one. */
static const char *
read_line(const char *line, size_t len, size_t *n, struct hub_tokens *tokens)
{
	if (len > 0 && line[len - 1] == '\r')
		len--;
	if (len == 0)
		return (NULL);
	if (!is_token(line, len))
		return (bad_token);
	if (*n == HUB_TOKENS_MAX)
		return ("holds more than two tokens: the old one and the new "
			"are all that may be valid at once");
	memcpy(tokens->bytes[*n], line, len);
	tokens->used[(*n)++] = true;
	return (NULL);
}

const char *
hub_tokens_read(const char *text, size_t len, struct hub_tokens *ret)
{
	const char *why = NULL, *end;
	size_t n = 0, line;

	memset(ret, 0, sizeof(*ret));
	for (; len > 0 && why == NULL; text += line, len -= line) {
		end = memchr(text, '\n', len);
		line = end == NULL ? len : (size_t)(end - text) + 1;
		why = read_line(text, end == NULL ? line : line - 1, &n, ret);
	}
	if (why == NULL && n == 0)
		why = "holds no token: 16 to 256 printable characters without "
		      "blanks, one a line";
	if (why != NULL)
		hub_tokens_wipe(ret);
	return (why);
}

bool
hub_tokens_fit(const struct hub_tokens *tokens, const char *token)
{
	unsigned char padded[HUB_TOKEN_MAX + 1] = { 0 };
	volatile unsigned char fits = 0;
	size_t len = strnlen(token, sizeof(padded));

	memcpy(padded, token, len);
	for (size_t i = 0; i < HUB_TOKENS_MAX; i++) {
		volatile unsigned char diff = !tokens->used[i];

		for (size_t j = 0; j < sizeof(padded); j++)
			diff |= tokens->bytes[i][j] ^ padded[j];
		fits |= diff == 0;
	}
	explicit_bzero(padded, sizeof(padded));
	return (fits != 0 && len <= HUB_TOKEN_MAX);
}

const char *
hub_tokens_at(const struct hub_tokens *tokens, size_t i)
{
	return (tokens->used[i] ? (const char *)tokens->bytes[i] : NULL);
}

bool
hub_tokens_equal(const struct hub_tokens *a, const struct hub_tokens *b)
{
	return (memcmp(a->used, b->used, sizeof(a->used)) == 0 &&
		memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0);
}

void
hub_tokens_wipe(struct hub_tokens *tokens)
{
	explicit_bzero(tokens, sizeof(*tokens));
}
