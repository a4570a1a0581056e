#include "store/counts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)
#define SWEEPS_AN_HOUR 5 /* of 500 rows each; an hour adds 34 x 60 */

static const struct {
	const char *name;
	int64_t names[STORE_COUNT_NSTEPS];
} kinds[STORE_COUNT_NKINDS] = {
	[STORE_COUNT_INTAKE] = { "intake", { 1, 1 } },
	[STORE_COUNT_HANDLER] = { "handler", { 32, 32 } },
	[STORE_COUNT_BRANCH] = { "branch", { 0, 64 } },
};

static const struct {
	int64_t ms;
	int64_t keep_ms;
} steps[STORE_COUNT_NSTEPS] = {
	[STORE_COUNT_MINUTE] = { MINUTE_MS, DAY_MS },
	[STORE_COUNT_HOUR] = { HOUR_MS, 30 * DAY_MS },
};

const char *
store_count_kind_name(enum store_count_kind kind)
{
	return (kinds[kind].name);
}

int
store_count_kind_parse(const char *word, enum store_count_kind *ret_kind)
{
	for (int i = 0; word != NULL && i < STORE_COUNT_NKINDS; i++) {
		if (strcmp(kinds[i].name, word) == 0) {
			*ret_kind = (enum store_count_kind)i;
			return (0);
		}
	}
	return (-1);
}

int64_t
store_count_step_ms(enum store_count_step step)
{
	return (steps[step].ms);
}

int64_t
store_count_begin_ms(enum store_count_step step, int64_t at_ms)
{
	return (at_ms - at_ms % steps[step].ms);
}

int64_t
store_count_keep_ms(enum store_count_step step)
{
	return (steps[step].keep_ms);
}

bool
store_count_sweep(struct store_count_sweeps *s, int64_t now_ms)
{
	int64_t hour_ms = store_count_begin_ms(STORE_COUNT_HOUR, now_ms);

	if (s->hour_ms != hour_ms)
		*s = (struct store_count_sweeps){ .hour_ms = hour_ms };
	return (s->n++ < SWEEPS_AN_HOUR);
}

int64_t
store_count_names(enum store_count_kind kind, enum store_count_step step)
{
	return (kinds[kind].names[step]);
}

void
store_count_add(struct store_count *sum, const struct store_count *more)
{
	for (size_t i = 0; i < STORE_COUNT_NUMBERS; i++)
		sum->numbers[i] += more->numbers[i];
	if (sum->peak < more->peak)
		sum->peak = more->peak;
}

void
store_count_print(const int64_t numbers[STORE_COUNT_NUMBERS],
    char ret_text[STORE_COUNT_TEXT_MAX])
{
	size_t n = STORE_COUNT_NUMBERS;
	char *p = ret_text;

	while (n > 0 && numbers[n - 1] == 0)
		n--;
	*p = '\0';
	for (size_t i = 0; i < n; i++)
		p += sprintf(p, "%s%" PRId64, i > 0 ? " " : "", numbers[i]);
}

void
store_count_parse(const char *text, int64_t ret_numbers[STORE_COUNT_NUMBERS])
{
	char *end;

	memset(ret_numbers, 0, STORE_COUNT_NUMBERS * sizeof(ret_numbers[0]));
	for (size_t i = 0; text != NULL && i < STORE_COUNT_NUMBERS; i++) {
		ret_numbers[i] = strtoll(text, &end, 10);
		if (end == text)
			return;
		text = end;
	}
}
