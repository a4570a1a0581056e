/* Notes: lines for the operator, from any thread to the caller's. */
#include <stdarg.h>
#include <stdio.h>

#include "store/store_private.h"

void
store_note(struct store *st, enum store_note_level level, const char *fmt, ...)
{
	struct store_note *n;
	va_list ap;

	(void)pthread_mutex_lock(&st->notes.mutex);
	if (st->notes.n < STORE_NOTES_MAX) {
		n = &st->notes.list[st->notes.n++];
		n->level = level;
		va_start(ap, fmt);
		(void)vsnprintf(n->text, sizeof(n->text), fmt, ap);
		va_end(ap);
	}
	store_wake(st);
	(void)pthread_mutex_unlock(&st->notes.mutex);
}

void
store_deliver_notes(struct store *st)
{
	struct store_note list[STORE_NOTES_MAX];
	size_t n;

	(void)pthread_mutex_lock(&st->notes.mutex);
	n = st->notes.n;
	for (size_t i = 0; i < n; i++)
		list[i] = st->notes.list[i];
	st->notes.n = 0;
	(void)pthread_mutex_unlock(&st->notes.mutex);
	for (size_t i = 0; i < n && st->caller.note != NULL; i++)
		st->caller.note(list[i].level, list[i].text,
		    st->caller.note_arg);
}

void
store_deliver_notes_of_open(struct store *st)
{
	if (st->ops == NULL)
		store_deliver_notes(st);
}
