#include <stdarg.h>
#include <stdio.h>

#include "server/cli/doctor_private.h"

#define TEXT_MAX 1024

void
doctor_report(const struct doctor *d, enum doctor_level level,
    const char *advice, const char *fmt, ...)
{
	char text[TEXT_MAX];
	struct doctor_finding finding = { .level = level,
		.check = d->check,
		.text = text,
		.advice = advice };
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	d->found(&finding, d->arg);
}

void
doctor_go_on(const struct doctor *d, unsigned seconds)
{
	if (d->opt->progress != NULL)
		d->opt->progress(d->check, seconds, d->arg);
}
