#include "handlers/hub/hub_late.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handlers/body/message.h"
#include "handlers/hub/hub_text.h"

#define MARKED_MAX (MESSAGE_KEY_MAX + 512)

int
hub_mark_make(const struct handler_env *env, const struct hub_tokens *tokens,
    size_t i, const struct hub_marked *what, char ret_mark[HUB_MARK_MAX])
{
	const char *token = hub_tokens_at(tokens, i);
	char text[MARKED_MAX], hex[65];
	int len;

	if (token == NULL)
		return (-1);
	len =
	    snprintf(text, sizeof(text), "lease\n%" PRId64 "\n%" PRId64 "\n%s",
		what->job, what->received_at_ms, what->key);
	if (len >= (int)sizeof(text) ||
	    env->sign(env->arg, token, strlen(token), text, (size_t)len, hex) ==
		-1)
		return (-1);
	memcpy(ret_mark, hex, HUB_MARK_LEN);
	ret_mark[HUB_MARK_LEN] = '\0';
	return (0);
}

const char *
hub_mark_of(const char *lease)
{
	return (strlen(lease) == HUB_LEASE_MAX - 1
		    ? lease + HUB_LEASE_MAX - HUB_MARK_MAX
		    : NULL);
}

void
hub_late_add(struct hub_late *late, int64_t job, const char *mark)
{
	struct hub_late_one *one;

	if (late->list == NULL &&
	    (late->list = calloc(HUB_LATE_MAX, sizeof(*late->list))) == NULL)
		return;
	one = &late->list[late->next];
	one->job = job;
	(void)snprintf(one->mark, sizeof(one->mark), "%s", mark);
	late->next = (late->next + 1) % HUB_LATE_MAX;
	if (late->n < HUB_LATE_MAX)
		late->n++;
}

bool
hub_late_has(const struct hub_late *late, const struct handler_env *env,
    const struct hub_tokens *tokens, const struct hub_marked *what)
{
	char mark[HUB_MARK_MAX];

	for (size_t i = 0; i < late->n; i++) {
		if (late->list[i].job != what->job)
			continue;
		for (size_t t = 0; t < HUB_TOKENS_MAX; t++)
			if (hub_mark_make(env, tokens, t, what, mark) == 0 &&
			    strcmp(late->list[i].mark, mark) == 0)
				return (true);
	}
	return (false);
}

void
hub_late_fini(struct hub_late *late)
{
	free(late->list);
	*late = (struct hub_late){ 0 };
}
