#include "handlers/queue/google_account.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handlers/queue/json_secret.h"

#define LIFE_MAX_S (24 * 3600)

/* A copy of the text at key; NULL: none, empty, or out of memory. */
static char *
take_string(const json_t *root, const char *key)
{
	const char *text = json_string_value(json_object_get(root, key));

	return (text == NULL || text[0] == '\0' ? NULL : strdup(text));
}

/* Why files of another type are of no use. */
static int
refuse_type(const char *type, char reason[KEY_REASON_MAX])
{
	static const struct {
		const char *type;
		const char *text;
	} known[] = {
		{ "authorized_user",
		    "is a person's login (type authorized_user), which ends "
		    "when that person leaves: make a key of a service "
		    "account" },
		{ "external_account",
		    "is of type external_account, which is not supported: make "
		    "a key of a service account" },
		{ "impersonated_service_account",
		    "is of type impersonated_service_account, which is not "
		    "supported: make a key of a service account" },
	};

	for (size_t i = 0; type != NULL && i < sizeof(known) / sizeof(*known);
	     i++) {
		if (strcmp(type, known[i].type) == 0) {
			(void)snprintf(reason, KEY_REASON_MAX, "%s",
			    known[i].text);
			return (-1);
		}
	}
	(void)snprintf(reason, KEY_REASON_MAX,
	    "is not the key of a service account: its \"type\" is not "
	    "service_account");
	return (-1);
}

static int
read_account(const json_t *root, struct google_account *a,
    char reason[KEY_REASON_MAX])
{
	const char *type = json_string_value(json_object_get(root, "type"));

	if (type == NULL || strcmp(type, "service_account") != 0)
		return (refuse_type(type, reason));
	a->email = take_string(root, "client_email");
	a->key_id = take_string(root, "private_key_id");
	a->project = take_string(root, "project_id");
	if (a->email != NULL && a->key != NULL)
		return (0);
	(void)snprintf(reason, KEY_REASON_MAX,
	    "has no %s: download the key of the service account anew",
	    a->email == NULL ? "client_email" : "private_key");
	return (-1);
}

int
google_account_read(const char *bytes, size_t len, struct google_account *ret,
    char reason[KEY_REASON_MAX])
{
	struct google_account a = { NULL, NULL, NULL, NULL };
	char *copy = malloc(len + 1);
	json_t *root;
	int rc = -1;

	if (copy == NULL) {
		(void)snprintf(reason, KEY_REASON_MAX, "out of memory");
		return (-1);
	}
	memcpy(copy, bytes, len);
	a.key = json_secret_take(copy, len, "private_key");
	root = json_loadb(copy, len, JSON_REJECT_DUPLICATES, NULL);
	explicit_bzero(copy, len); /* may hold what was not found */
	free(copy);
	if (json_is_object(root))
		rc = read_account(root, &a, reason);
	else
		(void)snprintf(reason, KEY_REASON_MAX,
		    "is not a JSON object: it should be the key of a service "
		    "account, as Google hands it out");
	json_decref(root);
	if (rc == -1) {
		google_account_fini(&a);
		return (-1);
	}
	*ret = a;
	return (0);
}

void
google_account_fini(struct google_account *a)
{
	if (a->key != NULL)
		explicit_bzero(a->key, strlen(a->key));
	free(a->key);
	free(a->email);
	free(a->key_id);
	free(a->project);
	memset(a, 0, sizeof(*a));
}

/* May it stand in a header? */
static bool
is_token(const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++) {
		if (text[i] <= ' ' || text[i] > '~')
			return (false);
	}
	return (len > 0);
}

int
google_token_read(char *bytes, size_t len, char **ret_token,
    int64_t *ret_life_ms)
{
	char *token = json_secret_take(bytes, len, "access_token");
	json_t *root = json_loadb(bytes, len, 0, NULL);
	json_int_t seconds =
	    json_integer_value(json_object_get(root, "expires_in"));

	json_decref(root);
	if (token == NULL || !is_token(token) || seconds <= 0) {
		if (token != NULL)
			explicit_bzero(token, strlen(token));
		free(token);
		return (-1);
	}
	*ret_life_ms = (seconds < LIFE_MAX_S ? seconds : LIFE_MAX_S) * 1000;
	*ret_token = token;
	return (0);
}
