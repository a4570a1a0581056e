/*
 * What is read as the key of a service account, or as a metadata server's
 * token, is whole; and a secret that was taken out of JSON is there no more.
 */
#include <stdlib.h>
#include <string.h>

#include "handlers/queue/google_account.h"
#include "handlers/queue/json_secret.h"
#include "test/fuzz/fuzz.h"

static void
promise(int kept)
{
	if (!kept)
		abort();
}

static void
account(const char *bytes, size_t len)
{
	char reason[KEY_REASON_MAX] = "";
	struct google_account a;

	if (google_account_read(bytes, len, &a, reason) == -1) {
		promise(reason[0] != '\0' && strchr(reason, '\n') == NULL);
		return;
	}
	promise(a.email != NULL && a.key != NULL);
	google_account_fini(&a);
}

static void
token(const char *bytes, size_t len)
{
	char *copy = malloc(len + 1), *text;
	int64_t life_ms = 0;

	promise(copy != NULL);
	memcpy(copy, bytes, len);
	if (google_token_read(copy, len, &text, &life_ms) == 0) {
		promise(life_ms > 0 && life_ms <= 24 * 3600 * 1000);
		promise(text[0] != '\0' && strpbrk(text, "\r\n ") == NULL);
		free(text);
	}
	free(copy);
}

/* Taken twice, nothing but 'x' is left of it. */
static void
secret(const char *bytes, size_t len)
{
	char *copy = malloc(len + 1), *text;

	promise(copy != NULL);
	memcpy(copy, bytes, len);
	free(json_secret_take(copy, len, "private_key"));
	text = json_secret_take(copy, len, "private_key");
	promise(text == NULL || text[strspn(text, "x")] == '\0');
	free(text);
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;

	account(bytes, size);
	token(bytes, size);
	secret(bytes, size);
	return (0);
}
