#include "server/intake/answers.h"

void
answers_note(struct answers *a, const struct store_answer *answer)
{
	a->list[a->noted++ % ANSWERS_KEPT] = *answer;
	if (a->noted - a->handed > ANSWERS_KEPT) /* the oldest is lost */
		a->handed = a->noted - ANSWERS_KEPT;
}

void
answers_hand_on(struct answers *a, char ret_text[STORE_ANSWERS_SIZE])
{
	struct store_answer some[STORE_ANSWERS_MAX];
	size_t n = 0;

	while (n < STORE_ANSWERS_MAX && a->handed < a->noted)
		some[n++] = a->list[a->handed++ % ANSWERS_KEPT];
	store_answers_write(some, n, ret_text);
}

void
answers_note_again(struct answers *a, const char *text)
{
	struct store_answer answer;

	while (store_answers_next(&text, &answer) == 0)
		answers_note(a, &answer);
}

int
answers_find(const struct answers *a, int64_t event,
    struct store_answer *ret_answer)
{
	for (size_t i = 0; i < ANSWERS_KEPT; i++) {
		if (a->list[i].event == event && event != 0) {
			*ret_answer = a->list[i];
			return (0);
		}
	}
	return (-1);
}
