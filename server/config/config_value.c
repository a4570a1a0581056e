/*
 * One value of one key: text in, field set; and what else is done with a field
 * whose kind is known.
 */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/log.h"
#include "server/config/config_table.h"
#include "store/base/parse.h"

#define BLANKS " \t"
#define WORD_LEN_MAX 255
#define CHOICE_MAX 32 /* bytes of one of the words to choose from */

/* What a field may hold. */
union value {
	bool flag;
	int choice; /* an enum is as large */
	int64_t number;
	char *text;
	struct key_list list;
	struct key_durations durations;
	struct key_secret secret;
};
_Static_assert(sizeof(enum log_level) == sizeof(int), "enums are ints");

int
config_reason(char reason[KEY_REASON_MAX], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(reason, KEY_REASON_MAX, fmt, ap);
	va_end(ap);
	return (-1);
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

/* -- Texts and lists of them -- */

/* Takes text; NULL is out of memory. */
static int
keep_text(char *text, char **ret_text, char *reason)
{
	if (text == NULL)
		return (config_reason(reason, "out of memory"));
	*ret_text = text;
	return (0);
}

static int
read_path(const char *dir, const char *text, char **ret_path, char *reason)
{
	*ret_path = NULL;
	return (text[0] == '\0'
		    ? 0
		    : keep_text(config_path_join(dir, text), ret_path, reason));
}

void
config_list_free(struct key_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		/* A header may hold a token. */
		explicit_bzero(list->items[i], strlen(list->items[i]));
		free(list->items[i]);
	}
	free(list->items);
	*list = (struct key_list){ NULL, 0 };
}

int
config_list_add(struct key_list *list, const char *text, size_t len)
{
	char **grown;

	grown = realloc(list->items, (list->n + 2) * sizeof(*grown));
	if (grown == NULL)
		return (-1);
	list->items = grown;
	if ((list->items[list->n] = strndup(text, len)) == NULL)
		return (-1);
	list->items[++list->n] = NULL;
	return (0);
}

/* The texts between commas, without the blanks around them. */
static int
read_texts(const char *text, struct key_list *list, char *reason)
{
	const char *end;
	size_t len;

	text += strspn(text, BLANKS);
	for (bool more = *text != '\0'; more; text = end + 1) {
		text += strspn(text, BLANKS);
		end = text + strcspn(text, ",");
		more = *end == ',';
		len = (size_t)(end - text);
		while (len > 0 && strchr(BLANKS, text[len - 1]) != NULL)
			len--;
		if (len == 0)
			return (
			    config_reason(reason, "an empty item in the list"));
		if (config_list_add(list, text, len) == -1)
			return (config_reason(reason, "out of memory"));
	}
	return (0);
}

static int
read_words(const char *text, struct key_list *list, char *reason)
{
	if (read_texts(text, list, reason) == -1)
		return (-1);
	for (size_t i = 0; i < list->n; i++) {
		if (strlen(list->items[i]) > WORD_LEN_MAX ||
		    strpbrk(list->items[i], BLANKS) != NULL)
			return (config_reason(reason,
			    "\"%s\" is no single word; items are separated by "
			    "commas",
			    log_text(list->items[i])));
	}
	return (0);
}

/*
 * Take the next word off *text and write it, unquoted, to word, which has room
 * for all of *text. Returns 0, or -1 if a quote is not closed.
 */
static int
next_word(const char **text, char *word)
{
	const char *p = *text;
	char quote = '\0';

	for (; *p != '\0' && (quote != '\0' || strchr(BLANKS, *p) == NULL);
	     p++) {
		if (quote == '\0' && (*p == '"' || *p == '\'')) {
			quote = *p;
		} else if (quote != '\0' && *p == quote) {
			quote = '\0';
		} else {
			if (quote == '"' && *p == '\\' &&
			    (p[1] == '"' || p[1] == '\\'))
				p++;
			*word++ = *p;
		}
	}
	*word = '\0';
	*text = p;
	return (quote == '\0' ? 0 : -1);
}

/* The words between blanks; quotes hold one together. */
static int
read_command(const char *text, struct key_list *list, char *reason)
{
	char *word = malloc(strlen(text) + 1);
	int rc = 0;

	if (word == NULL)
		return (config_reason(reason, "out of memory"));
	for (text += strspn(text, BLANKS); rc == 0 && *text != '\0';
	     text += strspn(text, BLANKS)) {
		if (next_word(&text, word) == -1)
			rc = config_reason(reason, "a quote is not closed");
		else if (config_list_add(list, word, strlen(word)) == -1)
			rc = config_reason(reason, "out of memory");
	}
	free(word);
	if (rc == 0 && (list->n == 0 || list->items[0][0] == '\0'))
		rc = config_reason(reason, "names no program");
	return (rc);
}

/* -- One of several words -- */

/* The place of text among the words "a|b|c"; -1 if it is none of them. */
static int
choice_of(const char *words, const char *text)
{
	size_t len = strlen(text);

	for (int i = 0;; i++) {
		if (strncmp(words, text, len) == 0 &&
		    strcspn(words, "|") == len)
			return (i);
		words += strcspn(words, "|");
		if (*words++ == '\0')
			return (-1);
	}
}

static int
read_choice(const char *words, const char *text, int *ret_i, char *reason)
{
	char list[CHOICE_MAX * 4] = "";
	size_t at = 0;

	if ((*ret_i = choice_of(words, text)) != -1)
		return (0);
	for (; *words != '\0' && at < sizeof(list) - 2; words++) {
		list[at++] = *words == '|' ? ',' : *words;
		if (*words == '|')
			list[at++] = ' ';
	}
	list[at] = '\0';
	return (config_reason(reason, "\"%s\" is not one of %s", log_text(text),
	    list));
}

/* -- Numbers -- */

static int
read_int(const struct key *key, const char *text, int64_t *ret, char *reason)
{
	if (parse_int(text, key->min, key->max, ret) == -1)
		return (config_reason(reason,
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
read_size(const struct key *key, const char *text, int64_t *ret, char *reason)
{
	char min[32], max[32];

	if (parse_size(text, key->min, key->max, ret) == -1)
		return (config_reason(reason,
		    "\"%s\" is not a size from %s to %s", log_text(text),
		    format_size(key->min, min), format_size(key->max, max)));
	return (0);
}

static int
read_duration(const struct key *key, const char *text, int64_t *ret_ms,
    char *reason)
{
	if (parse_duration(text, ret_ms) == -1)
		return (config_reason(reason,
		    "\"%s\" is not a duration such as 500ms, 10s, 5m, 2h, 1d",
		    log_text(text)));
	if (*ret_ms < key->min || *ret_ms > key->max)
		return (config_reason(reason,
		    "\"%s\" is not between %lldms and %llds", log_text(text),
		    (long long)key->min, (long long)key->max / 1000));
	return (0);
}

static int
read_durations(const struct key *key, const char *text,
    struct key_durations *ret, char *reason)
{
	struct key_list list = { NULL, 0 };
	int rc = read_texts(text, &list, reason);

	if (rc == 0 && list.n == 0)
		rc = config_reason(reason,
		    "needs at least one duration, such as 30s");
	if (rc == 0 && (ret->ms = calloc(list.n, sizeof(*ret->ms))) == NULL)
		rc = config_reason(reason, "out of memory");
	for (; rc == 0 && ret->n < list.n; ret->n++)
		rc = read_duration(key, list.items[ret->n], &ret->ms[ret->n],
		    reason);
	config_list_free(&list);
	return (rc);
}

static int
read_time(const char *text, int64_t *ret_ms, char *reason)
{
	if (parse_time(text, strlen(text), ret_ms) == -1)
		return (config_reason(reason,
		    "\"%s\" is not a time such as 2027-01-31T00:00:00Z",
		    log_text(text)));
	return (0);
}

/* -- Any kind -- */

/* On failure *v may be half read, and is to be freed all the same. */
static int
value_read(const struct key *key, const char *dir, const char *text,
    union value *v, char *reason)
{
	int choice;

	switch (key->kind) {
	case KEY_INT:
		return (read_int(key, text, &v->number, reason));
	case KEY_SIZE:
		return (read_size(key, text, &v->number, reason));
	case KEY_DURATION:
		return (read_duration(key, text, &v->number, reason));
	case KEY_DURATIONS:
		return (read_durations(key, text, &v->durations, reason));
	case KEY_TIME:
		return (read_time(text, &v->number, reason));
	case KEY_BOOL:
		if (read_choice(key->value, text, &choice, reason) == -1)
			return (-1);
		v->flag = choice == 1;
		return (0);
	case KEY_CHOICE:
		return (read_choice(key->value, text, &v->choice, reason));
	case KEY_NAME:
	case KEY_URL:
		return (keep_text(strdup(text), &v->text, reason));
	case KEY_PATH:
		return (read_path(dir, text, &v->text, reason));
	case KEY_SECRET:
		return (read_path(dir, text, &v->secret.file, reason));
	case KEY_WORDS:
		return (read_words(text, &v->list, reason));
	case KEY_TEXTS:
		return (read_texts(text, &v->list, reason));
	case KEY_COMMAND:
		return (read_command(text, &v->list, reason));
	}
	return (-1);
}

/* What a field holds, apart from how its text looks. */
enum holds { PLAIN, TEXT, LIST, DURATIONS, SECRET };

static const struct {
	enum holds holds;
	size_t size;
} fields[] = {
	[KEY_INT] = { PLAIN, sizeof(int64_t) },
	[KEY_SIZE] = { PLAIN, sizeof(int64_t) },
	[KEY_DURATION] = { PLAIN, sizeof(int64_t) },
	[KEY_DURATIONS] = { DURATIONS, sizeof(struct key_durations) },
	[KEY_TIME] = { PLAIN, sizeof(int64_t) },
	[KEY_BOOL] = { PLAIN, sizeof(bool) },
	[KEY_CHOICE] = { PLAIN, sizeof(int) },
	[KEY_NAME] = { TEXT, sizeof(char *) },
	[KEY_URL] = { TEXT, sizeof(char *) },
	[KEY_PATH] = { TEXT, sizeof(char *) },
	[KEY_SECRET] = { SECRET, sizeof(struct key_secret) },
	[KEY_WORDS] = { LIST, sizeof(struct key_list) },
	[KEY_TEXTS] = { LIST, sizeof(struct key_list) },
	[KEY_COMMAND] = { LIST, sizeof(struct key_list) },
};

static void
value_free(const struct key *key, union value *v)
{
	switch (fields[key->kind].holds) {
	case PLAIN:
		break;
	case TEXT:
		free(v->text);
		break;
	case LIST:
		config_list_free(&v->list);
		break;
	case DURATIONS:
		free(v->durations.ms);
		break;
	case SECRET:
		if (v->secret.bytes != NULL)
			explicit_bzero(v->secret.bytes, v->secret.len);
		free(v->secret.bytes);
		free(v->secret.file);
		break;
	}
}

/* The key's field of base, as a value. */
static union value
value_of(const struct key *key, const void *base)
{
	union value v = { .number = 0 };

	memcpy(&v, (const char *)base + key->offset, fields[key->kind].size);
	return (v);
}

int
config_value_set(const struct key *key, void *base, const char *dir,
    const char *text, char reason[KEY_REASON_MAX])
{
	union value v, old = value_of(key, base);

	memset(&v, 0, sizeof(v));
	if (value_read(key, dir, text, &v, reason) == -1 ||
	    (key->check != NULL && key->check(&v, dir, reason) == -1)) {
		value_free(key, &v);
		return (-1);
	}
	value_free(key, &old);
	memcpy((char *)base + key->offset, &v, fields[key->kind].size);
	return (0);
}

void
config_values_free(const struct key *keys, void *base)
{
	for (const struct key *key = keys; key->name != NULL; key++) {
		union value v = value_of(key, base);

		value_free(key, &v);
	}
}

static bool
list_equal(const struct key_list *a, const struct key_list *b)
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
text_equal(const char *a, const char *b)
{
	return (a == NULL || b == NULL ? a == b : strcmp(a, b) == 0);
}

bool
config_value_equal(const struct key *key, const void *a, const void *b)
{
	union value x = value_of(key, a), y = value_of(key, b);

	switch (fields[key->kind].holds) {
	case PLAIN: /* the rest is zero */
		return (x.number == y.number);
	case TEXT:
		return (text_equal(x.text, y.text));
	case LIST:
		return (list_equal(&x.list, &y.list));
	case DURATIONS:
		return (x.durations.n == y.durations.n &&
			(x.durations.n == 0 ||
			    memcmp(x.durations.ms, y.durations.ms,
				x.durations.n * sizeof(*x.durations.ms)) == 0));
	case SECRET:
		break;
	}
	return (text_equal(x.secret.file, y.secret.file));
}

const char *
config_file_of(const struct key *key, const void *settings)
{
	union value v = value_of(key, settings);

	return (key->kind == KEY_SECRET ? v.secret.file : v.text);
}

const char *
config_shown(const struct key *key, const void *settings)
{
	union value v = value_of(key, settings);
	enum holds holds = fields[key->kind].holds;

	if (key->shown == NULL)
		return (NULL);
	if (holds == LIST && v.list.n > 0)
		return (v.list.items[0]);
	return (holds == TEXT ? v.text : NULL);
}
