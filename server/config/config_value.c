/*
 * One value of one key: text in, field set.
 */
#include "server/config/config_table.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handlers/handler.h"
#include "server/base/log.h"
#include "server/config/config_draft.h"
#include "store/base/parse.h"

#define STORE_SCHEME "sqlite:"
#define WORD_LEN_MAX 255

int
config_fail(char reason[CONFIG_REASON_MAX], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(reason, CONFIG_REASON_MAX, fmt, ap);
	va_end(ap);
	return (-1);
}

void
config_list_free(struct config_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		/* A header may hold a token. */
		explicit_bzero(list->items[i], strlen(list->items[i]));
		free(list->items[i]);
	}
	free(list->items);
	list->items = NULL;
	list->n = 0;
}

int
config_list_split(const char *text, struct config_list *ret_list,
    char reason[CONFIG_REASON_MAX])
{
	struct config_list list = { NULL, 0 };
	char **grown;
	const char *end;
	size_t len;

	text += strspn(text, " \t");
	if (*text == '\0') {
		*ret_list = list;
		return (0);
	}
	for (;; text = end + 1) {
		text += strspn(text, " \t");
		end = text + strcspn(text, ",");
		len = (size_t)(end - text);
		while (
		    len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
			len--;
		if (len == 0) {
			(void)config_fail(reason, "an empty item in the list");
			goto fail;
		}
		grown = realloc(list.items, (list.n + 1) * sizeof(*grown));
		if (grown == NULL)
			goto nomem;
		list.items = grown;
		if ((list.items[list.n] = strndup(text, len)) == NULL)
			goto nomem;
		list.n++;
		if (*end == '\0')
			break;
	}
	*ret_list = list;
	return (0);
nomem:
	(void)config_fail(reason, "out of memory");
fail:
	config_list_free(&list);
	return (-1);
}

/* "HOST:PORT" with a numeric host, "[V6]:PORT" or "*:PORT". */
static int
check_address(const char *text, char *reason)
{
	const char *colon = strrchr(text, ':');
	unsigned char addr[sizeof(struct in6_addr)];
	char host[INET6_ADDRSTRLEN + 2];
	int64_t port;
	size_t len;

	if (colon == NULL || colon == text)
		return (config_fail(reason,
		    "\"%s\" is not HOST:PORT; for every address write *:PORT",
		    log_text(text)));
	if (parse_int(colon + 1, 0, 65535, &port) == -1)
		return (config_fail(reason,
		    "\"%s\" has no port from 0 to 65535", log_text(text)));
	len = (size_t)(colon - text);
	if (len == 1 && text[0] == '*')
		return (0);
	if (len < sizeof(host)) {
		memcpy(host, text, len);
		host[len] = '\0';
		if (inet_pton(AF_INET, host, addr) == 1)
			return (0);
		if (host[0] == '[' && host[len - 1] == ']') {
			host[len - 1] = '\0';
			if (inet_pton(AF_INET6, host + 1, addr) == 1)
				return (0);
		}
	}
	return (config_fail(reason,
	    "\"%s\" has no numeric address; write 127.0.0.1:PORT, [::1]:PORT "
	    "or *:PORT",
	    log_text(text)));
}

static int
check_listen(const struct config_list *list, char *reason)
{
	if (list->n == 0)
		return (
		    config_fail(reason, "needs an address, such as *:8080"));
	for (size_t i = 0; i < list->n; i++) {
		if (check_address(list->items[i], reason) == -1)
			return (-1);
	}
	return (0);
}

static int
check_plain(const struct config_list *list, char *reason)
{
	for (size_t i = 0; i < list->n; i++) {
		if (check_address(list->items[i], reason) == -1)
			return (-1);
		if (!config_is_loopback(list->items[i]))
			return (config_fail(reason,
			    "%s can be reached from other machines: this is "
			    "for the loopback, as 127.0.0.1:8080; http.listen "
			    "is for all others",
			    list->items[i]));
	}
	return (0);
}

static int
check_admin(const struct config_list *list, char *reason)
{
	if (list->n > 1)
		return (config_fail(reason, "is one address, not a list"));
	return (list->n == 0 ? 0 : check_address(list->items[0], reason));
}

static int
check_words(const struct config_list *list, char *reason)
{
	for (size_t i = 0; i < list->n; i++) {
		if (strlen(list->items[i]) > WORD_LEN_MAX ||
		    strpbrk(list->items[i], " \t") != NULL)
			return (config_fail(reason,
			    "\"%s\" is no single word; items are separated by "
			    "commas",
			    log_text(list->items[i])));
	}
	return (0);
}

static int
check_events(const struct config_list *list, char *reason)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->n > 1 &&
		    strcmp(list->items[i], CONFIG_EVERY_EVENT) == 0)
			return (config_fail(reason,
			    "* is every event and stands alone"));
	}
	return (check_words(list, reason));
}

static int
set_list(const struct config_key *key, struct config_list *field,
    const char *text, char *reason)
{
	struct config_list list;
	int rc;

	if (config_list_split(text, &list, reason) == -1)
		return (-1);
	if (key->kind == CONFIG_LISTEN)
		rc = check_listen(&list, reason);
	else if (key->kind == CONFIG_PLAIN)
		rc = check_plain(&list, reason);
	else if (key->kind == CONFIG_ADMIN)
		rc = check_admin(&list, reason);
	else if (key->kind == CONFIG_EVENTS)
		rc = check_events(&list, reason);
	else
		rc = check_words(&list, reason);
	if (rc == -1) {
		config_list_free(&list);
		return (-1);
	}
	config_list_free(field);
	*field = list;
	return (0);
}

/* Takes value; NULL is out of memory. */
static int
set_string(char **field, char *value, char *reason)
{
	if (value == NULL)
		return (config_fail(reason, "out of memory"));
	free(*field);
	*field = value;
	return (0);
}

char *
config_path_join(const char *dir, const char *path)
{
	char *joined;

	if (path[0] == '/')
		return (strdup(path));
	if (strncmp(path, "./", 2) == 0)
		path += 2;
	if (asprintf(&joined, "%s/%s", strcmp(dir, "/") == 0 ? "" : dir,
		path) == -1)
		return (NULL);
	return (joined);
}

static int
set_path(char **field, const char *dir, const char *text, char *reason)
{
	if (text[0] == '\0') {
		free(*field);
		*field = NULL;
		return (0);
	}
	return (set_string(field, config_path_join(dir, text), reason));
}

static int
set_url(char **field, const char *dir, const char *text, char *reason)
{
	size_t len = strlen(STORE_SCHEME);
	char *path, *url;

	if (strncmp(text, STORE_SCHEME, len) != 0 || text[len] == '\0')
		return (config_fail(reason,
		    "\"%s\" is not " STORE_SCHEME "PATH", log_text(text)));
	if ((path = config_path_join(dir, text + len)) == NULL)
		return (config_fail(reason, "out of memory"));
	if (asprintf(&url, STORE_SCHEME "%s", path) == -1)
		url = NULL;
	free(path);
	return (set_string(field, url, reason));
}

static int
set_type(char **field, const char *text, char *reason)
{
	char known[128] = "";
	const struct handler *h;
	size_t at = 0;

	if (handler_find(text) != NULL)
		return (set_string(field, strdup(text), reason));
	for (size_t i = 0; (h = handler_at(i)) != NULL; i++) {
		if (at < sizeof(known))
			at += (size_t)snprintf(known + at, sizeof(known) - at,
			    "%s%s", i == 0 ? "" : ", ", h->type);
	}
	(void)config_fail(reason, "no type \"%s\"; there is: %s",
	    log_text(text), known);
	free(*field);
	*field = strdup(text); /* so that it is not said to be missing, too */
	return (-1);
}

static int
choose(const char *text, const char *const *names, size_t n, size_t *ret_i)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(text, names[i]) == 0) {
			*ret_i = i;
			return (0);
		}
	}
	return (-1);
}

static int
set_level(enum log_level *field, const char *text, char *reason)
{
	static const char *const names[] = { [LOG_ERROR] = "error",
		[LOG_WARN] = "warn",
		[LOG_INFO] = "info",
		[LOG_DEBUG] = "debug" };
	size_t i;

	if (choose(text, names, 4, &i) == -1)
		return (config_fail(reason,
		    "\"%s\" is not one of error, warn, info, debug",
		    log_text(text)));
	*field = (enum log_level)i;
	return (0);
}

static int
set_format(enum log_format *field, const char *text, char *reason)
{
	static const char
	    *const names[] = { [LOG_TEXT] = "text", [LOG_JSON] = "json" };
	size_t i;

	if (choose(text, names, 2, &i) == -1)
		return (config_fail(reason, "\"%s\" is not one of text, json",
		    log_text(text)));
	*field = (enum log_format)i;
	return (0);
}

static int
set_ordering(enum config_ordering *field, const char *text, char *reason)
{
	static const char *const names[] = {
		[ORDERING_AUTO] = "auto",
		[ORDERING_ORDER] = "order",
		[ORDERING_NONE] = "none",
	};
	size_t i;

	if (choose(text, names, 3, &i) == -1)
		return (config_fail(reason,
		    "\"%s\" is not one of auto, order, none", log_text(text)));
	*field = (enum config_ordering)i;
	return (0);
}

/* One of two words. */
static int
set_bool(bool *field, const char *no, const char *yes, const char *text,
    char *reason)
{
	if (strcmp(text, no) != 0 && strcmp(text, yes) != 0)
		return (config_fail(reason, "\"%s\" is not one of %s, %s",
		    log_text(text), no, yes));
	*field = strcmp(text, yes) == 0;
	return (0);
}

static int
set_int(const struct config_key *key, int64_t *field, const char *text,
    char *reason)
{
	if (parse_int(text, key->min, key->max, field) == -1)
		return (config_fail(reason,
		    "\"%s\" is not a number from %lld to %lld", log_text(text),
		    (long long)key->min, (long long)key->max));
	return (0);
}

/* A size as people write it. */
static const char *
format_size(int64_t bytes, char ret_text[32])
{
	static const char *const units[] = { "", "k", "m", "g" };
	size_t unit = 0;

	while (unit < 3 && bytes >= 1024 && bytes % 1024 == 0) {
		bytes /= 1024;
		unit++;
	}
	(void)snprintf(ret_text, 32, "%lld%s", (long long)bytes, units[unit]);
	return (ret_text);
}

static int
set_size(const struct config_key *key, int64_t *field, const char *text,
    char *reason)
{
	char min[32], max[32];

	if (parse_size(text, key->min, key->max, field) == -1) {
		return (config_fail(reason,
		    "\"%s\" is not a size from %s to %s", log_text(text),
		    format_size(key->min, min), format_size(key->max, max)));
	}
	return (0);
}

static int
read_duration(const struct config_key *key, const char *text, int64_t *ret_ms,
    char *reason)
{
	int64_t ms;

	if (parse_duration(text, &ms) == -1)
		return (config_fail(reason,
		    "\"%s\" is not a duration such as 500ms, 10s, 5m, 2h, 1d",
		    log_text(text)));
	if (ms < key->min || ms > key->max)
		return (config_fail(reason,
		    "\"%s\" is not between %lldms and %llds", log_text(text),
		    (long long)key->min, (long long)key->max / 1000));
	*ret_ms = ms;
	return (0);
}

static int
set_durations(const struct config_key *key, struct config_handler *h,
    const char *text, char *reason)
{
	struct config_list list;
	int64_t *waits = NULL;
	int rc = -1;

	if (config_list_split(text, &list, reason) == -1)
		return (-1);
	if (list.n == 0) {
		(void)config_fail(reason,
		    "needs at least one duration, such as 30s");
		goto out;
	}
	if ((waits = calloc(list.n, sizeof(*waits))) == NULL) {
		(void)config_fail(reason, "out of memory");
		goto out;
	}
	for (size_t i = 0; i < list.n; i++) {
		if (read_duration(key, list.items[i], &waits[i], reason) == -1)
			goto out;
	}
	free(h->retry_ms);
	h->retry_ms = waits;
	h->nretry = list.n;
	waits = NULL;
	rc = 0;
out:
	free(waits);
	config_list_free(&list);
	return (rc);
}

static int
set_time(int64_t *field, const char *text, char *reason)
{
	if (parse_time(text, strlen(text), field) == -1)
		return (config_fail(reason,
		    "\"%s\" is not a time such as 2027-01-31T00:00:00Z",
		    log_text(text)));
	return (0);
}

/* A word that needs no quotes in a key, a header, a path or a shell. */
static int
set_scope(char **field, const char *text, char *reason)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_.";

	if (strlen(text) > CONFIG_SCOPE_MAX ||
	    text[strspn(text, allowed)] != '\0')
		return (config_fail(reason,
		    "\"%s\" is no scope: letters, digits, '-', '_' and '.', "
		    "at most %d",
		    log_text(text), CONFIG_SCOPE_MAX));
	return (set_string(field, strdup(text), reason));
}

int
config_value_set(const struct config_key *key, void *base, const char *dir,
    const char *text, char reason[CONFIG_REASON_MAX])
{
	void *field = (char *)base + key->offset;

	switch (key->kind) {
	case CONFIG_INT:
		return (set_int(key, field, text, reason));
	case CONFIG_SIZE:
		return (set_size(key, field, text, reason));
	case CONFIG_DURATION:
		return (read_duration(key, text, field, reason));
	case CONFIG_DURATIONS:
		return (set_durations(key, base, text, reason));
	case CONFIG_TIME:
		return (set_time(field, text, reason));
	case CONFIG_LEVEL:
		return (set_level(field, text, reason));
	case CONFIG_FORMAT:
		return (set_format(field, text, reason));
	case CONFIG_ORDERING:
		return (set_ordering(field, text, reason));
	case CONFIG_LISTEN:
	case CONFIG_PLAIN:
	case CONFIG_ADMIN:
	case CONFIG_EVENTS:
	case CONFIG_WORDS:
		return (set_list(key, field, text, reason));
	case CONFIG_HEADERS:
		return (config_outlet_headers(field, text, reason));
	case CONFIG_COMMAND:
		return (config_outlet_command(field, text, reason));
	case CONFIG_BOOL:
		return (set_bool(field, "no", "yes", text, reason));
	case CONFIG_UNIT:
		return (set_bool(field, "event", "order", text, reason));
	case CONFIG_CONFLICT:
		return (set_bool(field, "dead", "done", text, reason));
	case CONFIG_REPEATS:
		return (set_bool(field, "once", "send", text, reason));
	case CONFIG_NAME:
		if (text[0] == '\0')
			return (config_fail(reason, "names nothing"));
		return (set_string(field, strdup(text), reason));
	case CONFIG_SCOPE:
		return (set_scope(field, text, reason));
	case CONFIG_HTTP_URL:
		return (config_outlet_url(field, text, reason));
	case CONFIG_TYPE:
		return (set_type(field, text, reason));
	case CONFIG_PATH:
		return (set_path(field, dir, text, reason));
	case CONFIG_URL:
		return (set_url(field, dir, text, reason));
	}
	return (-1);
}

static bool
list_equal(const struct config_list *a, const struct config_list *b)
{
	if (a->n != b->n)
		return (false);
	for (size_t i = 0; i < a->n; i++) {
		if (strcmp(a->items[i], b->items[i]) != 0)
			return (false);
	}
	return (true);
}

static bool
path_equal(const char *a, const char *b)
{
	return (a == NULL || b == NULL ? a == b : strcmp(a, b) == 0);
}

bool
config_value_equal(const struct config_key *key, const void *a, const void *b)
{
	const void *x = (const char *)a + key->offset;
	const void *y = (const char *)b + key->offset;

	if (key->kind == CONFIG_LISTEN || key->kind == CONFIG_PLAIN ||
	    key->kind == CONFIG_ADMIN)
		return (list_equal(x, y));
	if (key->kind == CONFIG_PATH)
		return (path_equal(*(char *const *)x, *(char *const *)y));
	if (key->kind == CONFIG_URL)
		return (strcmp(*(char *const *)x, *(char *const *)y) == 0);
	assert(key->kind == CONFIG_INT || key->kind == CONFIG_SIZE);
	return (*(const int64_t *)x == *(const int64_t *)y);
}
