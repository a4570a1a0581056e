#include "handlers/queue/amqp_confirm.h"

#include <stdlib.h>
#include <string.h>

struct entry {
	bool outstanding;
	bool returned;
	int code;
	void *owner;
	char *message_id; /* owned */
};

/* Tags from first up to (not with) next; each at its tag modulo max. */
struct amqp_confirm {
	struct entry *entries;
	size_t max;
	uint64_t first; /* none before it is outstanding */
	uint64_t next;
	size_t count; /* outstanding */
};

struct amqp_confirm *
amqp_confirm_new(size_t max)
{
	struct amqp_confirm *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return (NULL);
	c->max = max;
	c->first = c->next = 1;
	if ((c->entries = calloc(max, sizeof(*c->entries))) == NULL) {
		free(c);
		return (NULL);
	}
	return (c);
}

void
amqp_confirm_reset(struct amqp_confirm *c)
{
	for (size_t i = 0; i < c->max; i++)
		free(c->entries[i].message_id);
	memset(c->entries, 0, c->max * sizeof(*c->entries));
	c->first = c->next = 1;
	c->count = 0;
}

void
amqp_confirm_free(struct amqp_confirm *c)
{
	if (c == NULL)
		return;
	amqp_confirm_reset(c);
	free(c->entries);
	free(c);
}

static struct entry *
entry_of(const struct amqp_confirm *c, uint64_t tag)
{
	return (&c->entries[tag % c->max]);
}

static bool
is_outstanding(const struct amqp_confirm *c, uint64_t tag)
{
	return (
	    tag >= c->first && tag < c->next && entry_of(c, tag)->outstanding);
}

size_t
amqp_confirm_count(const struct amqp_confirm *c)
{
	return (c->count);
}

bool
amqp_confirm_has_room(const struct amqp_confirm *c)
{
	return (c->next - c->first < c->max);
}

uint64_t
amqp_confirm_add(struct amqp_confirm *c, void *owner, const char *message_id)
{
	struct entry *e = entry_of(c, c->next);

	if ((e->message_id = strdup(message_id)) == NULL)
		return (0);
	e->outstanding = true;
	e->returned = false;
	e->owner = owner;
	c->count++;
	return (c->next++);
}

void
amqp_confirm_abandon(struct amqp_confirm *c, uint64_t tag)
{
	if (is_outstanding(c, tag))
		entry_of(c, tag)->owner = NULL;
}

int
amqp_confirm_return(struct amqp_confirm *c, const char *message_id, int code)
{
	struct entry *e;

	for (uint64_t tag = c->first; tag < c->next; tag++) {
		e = entry_of(c, tag);
		if (!e->outstanding || e->returned ||
		    strcmp(e->message_id, message_id) != 0)
			continue;
		e->returned = true;
		e->code = code;
		return (0);
	}
	return (-1);
}

bool
amqp_confirm_knows(const struct amqp_confirm *c, uint64_t tag, bool multiple)
{
	if (multiple)
		return (tag < c->next);
	return (is_outstanding(c, tag));
}

bool
amqp_confirm_take(struct amqp_confirm *c, uint64_t tag, bool multiple,
    struct amqp_settled *ret_settled)
{
	uint64_t at = multiple ? c->first : tag;
	struct entry *e;

	if (multiple && tag == 0)
		tag = c->next - 1;
	if (c->count == 0 || at > tag || !is_outstanding(c, at))
		return (false);
	e = entry_of(c, at);
	*ret_settled = (struct amqp_settled){ .owner = e->owner,
		.returned = e->returned,
		.code = e->code };
	free(e->message_id);
	*e = (struct entry){ .outstanding = false };
	c->count--;
	while (c->first < c->next && !entry_of(c, c->first)->outstanding)
		c->first++;
	return (true);
}
