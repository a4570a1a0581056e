#include "server/devtools/klikit_faults.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define STATUS_MIN 400
#define STATUS_MAX 599
#define NUMBER_MAX 1000000
#define FAULTS_MAX 100

struct klikit_faults {
	json_t *list; /* as it was put; "times" counts down */
};

static const char *const kinds[] = {
	[KLIKIT_FAULT_NONE] = "none",
	[KLIKIT_FAULT_STATUS] = "status",
	[KLIKIT_FAULT_HTML] = "html",
	[KLIKIT_FAULT_EMPTY] = "empty",
	[KLIKIT_FAULT_SIZE] = "size",
	[KLIKIT_FAULT_SLOW] = "slow",
	[KLIKIT_FAULT_DROP] = "drop",
	[KLIKIT_FAULT_LOST] = "lost",
};

static const char *const calls[] = {
	[KLIKIT_CALL_LIST] = "list",
	[KLIKIT_CALL_ORDER] = "order",
	[KLIKIT_CALL_STATUS] = "status",
};

/* Which of the words a text is; n: none of them. */
static size_t
find(const char *const *words, size_t n, const char *text)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (strcmp(words[i], text) == 0)
			break;
	}
	return (i);
}
#define FIND(words, text) find(words, sizeof(words) / sizeof(words[0]), text)
#define COUNT(words) (sizeof(words) / sizeof(words[0]))

struct klikit_faults *
klikit_faults_new(void)
{
	struct klikit_faults *f = calloc(1, sizeof(*f));

	if (f != NULL && (f->list = json_array()) == NULL) {
		free(f);
		return (NULL);
	}
	return (f);
}

void
klikit_faults_free(struct klikit_faults *f)
{
	if (f == NULL)
		return;
	json_decref(f->list);
	free(f);
}

/* -- One of them -- */

/* What it says; its kind is NONE if that makes no sense. */
static struct klikit_fault
read_fault(const json_t *json, const char **ret_on, json_int_t *ret_times)
{
	struct klikit_fault fault = { .kind = KLIKIT_FAULT_NONE };
	json_int_t retry_after = 0, size = 0, delay = 0;
	const char *what;

	*ret_on = "any";
	*ret_times = 1;
	if (json_unpack((json_t *)json, "{s:s, s?s, s?I, s?i, s?I, s?I, s?I !}",
		"what", &what, "on", ret_on, "times", ret_times, "status",
		&fault.status, "retry_after", &retry_after, "size", &size,
		"delay_ms", &delay) == -1)
		return (fault);
	fault.retry_after_s = retry_after;
	fault.size = size;
	fault.delay_ms = delay;
	if (FIND(kinds, what) < COUNT(kinds))
		fault.kind = (enum klikit_fault_kind)FIND(kinds, what);
	return (fault);
}

/* NULL, or what is wrong with it. */
static const char *
judge(const json_t *json)
{
	struct klikit_fault fault;
	json_int_t times;
	const char *on;

	fault = read_fault(json, &on, &times);
	if (fault.kind == KLIKIT_FAULT_NONE)
		return ("a fault is {\"what\": status|html|empty|size|slow|"
			"drop|lost, \"on\": list|order|status|any, \"times\", "
			"\"status\", \"retry_after\", \"size\", \"delay_ms\"}");
	if (strcmp(on, "any") != 0 && FIND(calls, on) == COUNT(calls))
		return ("\"on\" is list, order, status or any");
	if (fault.kind == KLIKIT_FAULT_STATUS &&
	    (fault.status < STATUS_MIN || fault.status > STATUS_MAX))
		return ("a fault of kind status has a \"status\" from 400 to "
			"599");
	if (fault.kind == KLIKIT_FAULT_SIZE && fault.size < 1)
		return ("a fault of kind size has a \"size\" of 1 or more");
	if (fault.kind == KLIKIT_FAULT_SLOW && fault.delay_ms < 1)
		return ("a fault of kind slow has a \"delay_ms\"");
	if (times < 0 || fault.retry_after_s < 0 || fault.delay_ms < 0 ||
	    fault.size > NUMBER_MAX || fault.delay_ms > NUMBER_MAX ||
	    fault.retry_after_s > NUMBER_MAX)
		return ("a number is out of range");
	return (NULL);
}

const char *
klikit_faults_put(struct klikit_faults *f, const json_t *list)
{
	const char *wrong = NULL;
	json_t *copy, *json;
	size_t i;

	if (!json_is_array(list) || json_array_size(list) > FAULTS_MAX)
		return ("not an array of at most 100 faults");
	json_array_foreach(list, i, json)
	{
		if (wrong == NULL)
			wrong = judge(json);
	}
	if (wrong != NULL)
		return (wrong);
	if ((copy = json_deep_copy(list)) == NULL)
		return ("out of memory");
	json_decref(f->list);
	f->list = copy;
	return (NULL);
}

json_t *
klikit_faults_list(const struct klikit_faults *f)
{
	return (json_deep_copy(f->list));
}

struct klikit_fault
klikit_faults_take(struct klikit_faults *f, enum klikit_call call)
{
	struct klikit_fault fault;
	json_int_t times;
	const char *on;
	json_t *json;
	size_t i;

	json_array_foreach(f->list, i, json)
	{
		fault = read_fault(json, &on, &times);
		if (strcmp(on, "any") != 0 && strcmp(on, calls[call]) != 0)
			continue;
		if (times == 1) /* 0: for ever */
			(void)json_array_remove(f->list, i);
		else if (times > 1)
			(void)json_object_set_new(json, "times",
			    json_integer(times - 1));
		return (fault);
	}
	return ((struct klikit_fault){ .kind = KLIKIT_FAULT_NONE });
}
