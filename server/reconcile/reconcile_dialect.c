#include "server/reconcile/reconcile_dialect.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/parse.h"

#define NUMBER_MAX 24

static const char *const dialects[][RECONCILE_NNAMES] = {
	[RECONCILE_BY_PAGE] = {
		[RECONCILE_FROM] = "from",
		[RECONCILE_TO] = "to",
		[RECONCILE_PAGE] = "page",
		[RECONCILE_SIZE] = "size",
		[RECONCILE_ORDERS] = "data.orders",
		[RECONCILE_TOTAL] = "data.total",
		[RECONCILE_LENGTH] = "data.size",
	},
	[RECONCILE_BY_CURSOR] = {
		[RECONCILE_FROM] = "placed_from",
		[RECONCILE_TO] = "placed_to",
		[RECONCILE_SIZE] = "limit",
		[RECONCILE_CURSOR] = "cursor",
		[RECONCILE_ORDERS] = "data",
		[RECONCILE_NEXT_HEADER] = "X-Klikit-Next-Cursor",
	},
};

void
reconcile_dialect_set(struct reconcile_dialect *d, enum reconcile_paging paging,
    const char *const names[RECONCILE_NNAMES])
{
	d->paging = paging;
	for (int i = 0; i < RECONCILE_NNAMES; i++) {
		d->names[i] = dialects[paging][i];
		if (names[i] != NULL && names[i][0] != '\0')
			d->names[i] = names[i];
		if (d->names[i] != NULL &&
		    strcmp(d->names[i], RECONCILE_NONE) == 0)
			d->names[i] = NULL;
	}
}

/* Write a value with all encoded that could mean something in a query. */
static void
put_encoded(FILE *f, const char *value)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-._~:";

	for (; *value != '\0'; value++) {
		if (strchr(plain, *value) != NULL)
			(void)fputc(*value, f);
		else
			fprintf(f, "%%%02X", (unsigned char)*value);
	}
}

/* Write a parameter, if it has a name and a value. */
static void
put(FILE *f, char *between, const char *name, const char *value)
{
	if (name == NULL || value == NULL)
		return;
	fprintf(f, "%c%s=", *between, name);
	put_encoded(f, value);
	*between = '&';
}

/* Whole seconds: fractions are not in klikit's samples. */
static const char *
time_text(int64_t at_ms, char ret_text[FORMAT_TIME_MAX])
{
	char *point = strchr(format_time(at_ms, ret_text), '.');

	if (point != NULL)
		(void)strcpy(point, "Z");
	return (ret_text);
}

char *
reconcile_dialect_target(const struct reconcile_dialect *d, const char *path,
    const struct reconcile_ask *ask)
{
	char from[FORMAT_TIME_MAX], to[FORMAT_TIME_MAX];
	char page[NUMBER_MAX], size[NUMBER_MAX];
	char between = strchr(path, '?') == NULL ? '?' : '&';
	const char *const *names = d->names;
	char *text = NULL;
	size_t len;
	FILE *f;

	if ((f = open_memstream(&text, &len)) == NULL)
		return (NULL);
	(void)snprintf(page, sizeof(page), "%" PRId64, ask->page);
	(void)snprintf(size, sizeof(size), "%" PRId64, ask->size);
	(void)fputs(path, f);
	put(f, &between, names[RECONCILE_FROM], time_text(ask->from_ms, from));
	put(f, &between, names[RECONCILE_TO], time_text(ask->to_ms, to));
	put(f, &between, names[RECONCILE_SIZE], size);
	if (d->paging == RECONCILE_BY_PAGE)
		put(f, &between, names[RECONCILE_PAGE], page);
	else
		put(f, &between, names[RECONCILE_CURSOR], ask->cursor);
	if (fclose(f) == 0)
		return (text);
	free(text);
	return (NULL);
}
