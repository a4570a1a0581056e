#include "handlers/queue/aws_keys.h"

#include <stdbool.h>
#include <string.h>

#include "store/base/json_scan.h"
#include "store/base/parse.h"

#define NAME_MAX_LEN 64 /* of a member that is looked at */

/* May it stand in a header? */
static bool
is_visible(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text <= ' ' || *text > '~')
			return (false);
	}
	return (true);
}

void
aws_keys_wipe(struct aws_keys *keys)
{
	explicit_bzero(keys, sizeof(*keys));
}

static bool
keys_are_whole(const struct aws_keys *keys)
{
	return (keys->id[0] != '\0' && keys->secret[0] != '\0' &&
		is_visible(keys->id) && is_visible(keys->secret) &&
		is_visible(keys->token));
}

/* Copy a text of at most max bytes. Returns 0, or -1: it is longer. */
static int
keys_copy(char *to, size_t max, const char *text)
{
	size_t len = text == NULL ? 0 : strlen(text);

	if (len > max)
		return (-1);
	if (len > 0)
		memcpy(to, text, len);
	to[len] = '\0';
	return (0);
}

int
aws_keys_set(struct aws_keys *ret_keys, const char *id, const char *secret,
    const char *token)
{
	memset(ret_keys, 0, sizeof(*ret_keys));
	if (keys_copy(ret_keys->id, AWS_KEY_ID_MAX, id) == -1 ||
	    keys_copy(ret_keys->secret, AWS_SECRET_MAX, secret) == -1 ||
	    keys_copy(ret_keys->token, AWS_TOKEN_MAX, token) == -1 ||
	    !keys_are_whole(ret_keys)) {
		aws_keys_wipe(ret_keys);
		return (-1);
	}
	return (0);
}

/* One member of the object, its value a string. Returns 0, or -1. */
static int
keys_take(struct aws_keys *keys, const char *name, const char *token,
    size_t len)
{
	char time[FORMAT_TIME_MAX];

	if (strcmp(name, "AccessKeyId") == 0)
		return (
		    json_scan_text(token, len, sizeof(keys->id), keys->id) == -1
			? -1
			: 0);
	if (strcmp(name, "SecretAccessKey") == 0)
		return (json_scan_text(token, len, sizeof(keys->secret),
			    keys->secret) == -1
			    ? -1
			    : 0);
	if (strcmp(name, "Token") == 0)
		return (json_scan_text(token, len, sizeof(keys->token),
			    keys->token) == -1
			    ? -1
			    : 0);
	if (strcmp(name, "Expiration") == 0 &&
	    (json_scan_text(token, len, sizeof(time), time) == -1 ||
		parse_time(time, strlen(time), &keys->expires_ms) == -1))
		return (-1);
	return (0);
}

/*
 * Read the member at p. Returns the place behind it; NULL: it is none.
 */
static const char *
keys_member(struct aws_keys *keys, const char *p, const char *end)
{
	const char *key_end, *value, *value_end;
	char name[NAME_MAX_LEN];

	if (p == end || *p != '"' ||
	    json_scan_scalar(p, end, &key_end) != JSON_SCAN_OK)
		return (NULL);
	if (json_scan_text(p, (size_t)(key_end - p), sizeof(name), name) == -1)
		name[0] = '\0'; /* too long for one of ours */
	p = json_scan_blanks(key_end, end);
	if (p == end || *p != ':')
		return (NULL);
	value = json_scan_blanks(p + 1, end);
	if (value < end && *value == '"') {
		if (json_scan_scalar(value, end, &value_end) != JSON_SCAN_OK ||
		    keys_take(keys, name, value, (size_t)(value_end - value)) ==
			-1)
			return (NULL);
		return (value_end);
	}
	value_end = json_scan_value(value, end);
	return (value_end == value ? NULL : value_end);
}

/* Returns 0, or -1: it is no object that we understand. */
static int
keys_object(struct aws_keys *keys, const char *text, size_t len)
{
	const char *end = text + len, *p = json_scan_blanks(text, end);

	if (p == end || *p != '{')
		return (-1);
	do {
		p = keys_member(keys, json_scan_blanks(p + 1, end), end);
		if (p == NULL)
			return (-1);
		p = json_scan_blanks(p, end);
	} while (p < end && *p == ',');
	return (p < end && *p == '}' && keys_are_whole(keys) ? 0 : -1);
}

int
aws_keys_read(const char *text, size_t len, struct aws_keys *ret_keys)
{
	memset(ret_keys, 0, sizeof(*ret_keys));
	if (keys_object(ret_keys, text, len) == -1) {
		aws_keys_wipe(ret_keys);
		return (-1);
	}
	return (0);
}
