#include "handlers/queue/redis_inspect.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handlers/queue/redis_verdict.h"

#define VALUE_MAX 32

/* -- Questions -- */

/* What a job sends, with an id that is refused and a key that nobody has. */
static int
make_add(const struct redis_stream *stream, const char *sha, void **ret_bytes,
    size_t *ret_len)
{
	struct redis_word words[REDIS_WORDS_MAX];
	char *key = NULL;
	size_t n = 0;
	int rc;

	if (redis_entry_key(stream, ":doctor", &key) == -1)
		return (-1);
	if (stream->dedup_ms == 0) {
		words[n++] = redis_text("XADD");
		words[n++] = redis_text(stream->name);
	} else {
		words[n++] = redis_text("EVALSHA");
		words[n++] = redis_text(sha);
		words[n++] = redis_text("2");
		words[n++] = redis_text(stream->name);
		words[n++] = redis_text(key);
		words[n++] = redis_text("1");
	}
	words[n++] = redis_text("0-0");
	words[n++] = redis_text("body");
	words[n++] = redis_text("");
	rc = redis_command(words, n, ret_bytes, ret_len);
	free(key);
	return (rc);
}

static int
make_words(const char *one, const char *two, const char *three,
    void **ret_bytes, size_t *ret_len)
{
	struct redis_word words[3];
	size_t n = 0;

	words[n++] = redis_text(one);
	words[n++] = redis_text(two);
	if (three != NULL)
		words[n++] = redis_text(three);
	return (redis_command(words, n, ret_bytes, ret_len));
}

int
redis_question_make(enum redis_question question,
    const struct redis_stream *stream, const char *sha, void **ret_bytes,
    size_t *ret_len)
{
	switch (question) {
	case REDIS_ASK_ROLE:
		return (make_words("INFO", "replication", NULL, ret_bytes,
		    ret_len));
	case REDIS_ASK_TYPE:
		return (
		    make_words("TYPE", stream->name, NULL, ret_bytes, ret_len));
	case REDIS_ASK_ADD:
		return (make_add(stream, sha, ret_bytes, ret_len));
	case REDIS_ASK_MEMORY:
		return (make_words("INFO", "memory", NULL, ret_bytes, ret_len));
	case REDIS_ASK_DISK:
		return (make_words("INFO", "persistence", NULL, ret_bytes,
		    ret_len));
	case REDIS_ASK_FSYNC:
		return (make_words("CONFIG", "GET", "appendfsync", ret_bytes,
		    ret_len));
	}
	return (-1);
}

/* -- Answers -- */

static void __attribute__((format(printf, 4, 5)))
find(struct redis_finding *found, enum handler_level level, const char *advice,
    const char *format, ...)
{
	va_list ap;

	found->level = level;
	found->advice = advice;
	va_start(ap, format);
	(void)vsnprintf(found->text, sizeof(found->text), format, ap);
	va_end(ap);
}

/* The value of a line "NAME:VALUE" of INFO; empty: there is no such line. */
static void
info_value(const struct redis_value *info, const char *name,
    char ret_value[VALUE_MAX])
{
	const char *p = info->text, *end = p + info->len;
	size_t name_len = strlen(name), len;

	ret_value[0] = '\0';
	while (p != NULL && (size_t)(end - p) > name_len) {
		if (memcmp(p, name, name_len) == 0 && p[name_len] == ':') {
			p += name_len + 1;
			len = strcspn(p, "\r\n");
			(void)snprintf(ret_value, VALUE_MAX, "%.*s",
			    (int)(len < VALUE_MAX ? len : VALUE_MAX - 1), p);
			return;
		}
		p = memchr(p, '\n', (size_t)(end - p));
		if (p != NULL)
			p++;
	}
}

static void
judge_role(const struct redis_value *info, struct redis_finding *ret_finding)
{
	char role[VALUE_MAX];

	info_value(info, "role", role);
	if (strcmp(role, "slave") == 0)
		find(ret_finding, HANDLER_WRONG, "name the master in url",
		    "it is a replica, and takes no entries");
	else if (strcmp(role, "master") == 0)
		find(ret_finding, HANDLER_FINE, NULL, "it is a master");
	else
		find(ret_finding, HANDLER_FINE, NULL,
		    "its role: it does not say");
}

static void
judge_type(const struct redis_stream *stream, const struct redis_value *type,
    struct redis_finding *ret_finding)
{
	if (type->kind == REDIS_STATUS && strcmp(type->text, "none") == 0)
		find(ret_finding, HANDLER_FINE, NULL,
		    "stream %s is not there yet; the first entry makes it",
		    stream->name);
	else if (type->kind == REDIS_STATUS &&
		 strcmp(type->text, "stream") == 0)
		find(ret_finding, HANDLER_FINE, NULL, "stream %s is there",
		    stream->name);
	else
		find(ret_finding, HANDLER_WRONG,
		    "choose another name, or have that key removed",
		    "the key %s is there and is no stream", stream->name);
}

/* The refusal that we asked for; or why it is another. */
static void
judge_add(const struct redis_value *value, struct redis_finding *ret_finding)
{
	struct handler_result result = { .code = 0 };
	const struct redis_ruling *ruling;

	if (value->kind != REDIS_ERROR) {
		find(ret_finding, HANDLER_DOUBTFUL, "see what answers at url",
		    "it does not answer as Redis does");
		return;
	}
	/* In a script of Redis 5 and 6 it stands behind other words. */
	if (strstr(value->text, "ID specified in XADD must be greater") !=
	    NULL) {
		find(ret_finding, HANDLER_FINE, NULL, "entries may be added");
		return;
	}
	ruling = redis_ruling_of(value->text);
	redis_verdict(ruling, "it", value->text, &result);
	find(ret_finding, ruling->pause ? HANDLER_WRONG : HANDLER_DOUBTFUL,
	    ruling->pause ? "jobs wait until that is put right"
			  : "jobs are tried again until it takes them",
	    "no entry can be added now: %.200s", result.reason);
}

static void
judge_memory(const struct redis_stream *stream, const struct redis_value *info,
    struct redis_finding *ret_finding)
{
	char max[VALUE_MAX], policy[VALUE_MAX];

	info_value(info, "maxmemory", max);
	info_value(info, "maxmemory_policy", policy);
	if (policy[0] == '\0')
		find(ret_finding, HANDLER_FINE, NULL,
		    "maxmemory-policy: it does not say");
	else if (strcmp(max, "0") == 0)
		find(ret_finding, HANDLER_FINE, NULL,
		    "it throws nothing away (no maxmemory)");
	else if (strcmp(policy, "noeviction") == 0)
		find(ret_finding, HANDLER_FINE, NULL,
		    "it throws nothing away (maxmemory-policy noeviction)");
	else if (strncmp(policy, "volatile-", 9) != 0)
		find(ret_finding, HANDLER_DOUBTFUL,
		    "set maxmemory-policy noeviction",
		    "when its memory is full it may delete the stream "
		    "(maxmemory-policy %s)",
		    policy);
	else if (stream->dedup_ms != 0)
		find(ret_finding, HANDLER_DOUBTFUL,
		    "set maxmemory-policy noeviction",
		    "when its memory is full it forgets dedup keys, and "
		    "repeats are added (maxmemory-policy %s)",
		    policy);
	else
		find(ret_finding, HANDLER_FINE, NULL,
		    "it throws no stream away (maxmemory-policy %s)", policy);
}

static void
judge_disk(const struct redis_value *info, struct redis_finding *ret_finding)
{
	char aof[VALUE_MAX];

	info_value(info, "aof_enabled", aof);
	if (strcmp(aof, "0") == 0)
		find(ret_finding, HANDLER_DOUBTFUL,
		    "set appendonly yes, so that what is done stays done",
		    "it keeps no append-only file: when it stops, what came "
		    "since its last snapshot is lost");
	else if (strcmp(aof, "1") == 0)
		find(ret_finding, HANDLER_FINE, NULL,
		    "it keeps an append-only file");
	else
		find(ret_finding, HANDLER_FINE, NULL,
		    "the append-only file: it does not say");
}

static void
judge_fsync(const struct redis_answer *answer,
    struct redis_finding *ret_finding)
{
	const char *value = "";

	if (answer->nitems == 2 && answer->items[1].kind == REDIS_STRING)
		value = answer->items[1].text;
	if (strcmp(value, "always") == 0)
		find(ret_finding, HANDLER_FINE, NULL,
		    "what is done is on disk (appendfsync always)");
	else if (strcmp(value, "everysec") == 0)
		find(ret_finding, HANDLER_FINE, NULL,
		    "a power failure takes the last second or two "
		    "(appendfsync everysec); with always it takes none");
	else if (strcmp(value, "no") == 0)
		find(ret_finding, HANDLER_DOUBTFUL,
		    "set appendfsync everysec or always",
		    "a power failure takes half a minute (appendfsync no)");
	else
		find(ret_finding, HANDLER_FINE, NULL,
		    "appendfsync: it does not say");
}

static const char *const about[] = {
	[REDIS_ASK_ROLE] = "its role",
	[REDIS_ASK_TYPE] = "the stream's type",
	[REDIS_ASK_ADD] = "",
	[REDIS_ASK_MEMORY] = "maxmemory-policy",
	[REDIS_ASK_DISK] = "the append-only file",
	[REDIS_ASK_FSYNC] = "appendfsync",
};

void
redis_question_judge(enum redis_question question,
    const struct redis_stream *stream, const struct redis_answer *answer,
    struct redis_finding *ret_finding)
{
	const struct redis_value *value = &answer->value;

	/* A user of few rights is a good one: what matters is ADD. */
	if (value->kind == REDIS_ERROR && question != REDIS_ASK_ADD) {
		find(ret_finding, HANDLER_FINE, NULL,
		    "%s: not for this user to see", about[question]);
		return;
	}
	switch (question) {
	case REDIS_ASK_ROLE:
		judge_role(value, ret_finding);
		break;
	case REDIS_ASK_TYPE:
		judge_type(stream, value, ret_finding);
		break;
	case REDIS_ASK_ADD:
		judge_add(value, ret_finding);
		break;
	case REDIS_ASK_MEMORY:
		judge_memory(stream, value, ret_finding);
		break;
	case REDIS_ASK_DISK:
		judge_disk(value, ret_finding);
		break;
	case REDIS_ASK_FSYNC:
		judge_fsync(answer, ret_finding);
		break;
	}
}
