#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "server/base/log.h"
#include "test/lib/fake_log.h"

#define LINES_MAX 1024 /* of more than that the oldest are forgotten */
#define LINE_SIZE 400

/* The log is process-wide, and so is its fake. */
static char lines[LINES_MAX][LINE_SIZE];
static size_t nlines;
static uint64_t warnings;

void
fake_log_clear(void)
{
	nlines = 0;
	warnings = 0;
}

size_t
fake_log_count(const char *text)
{
	size_t n = 0;

	for (size_t i = 0; i < nlines && i < LINES_MAX; i++)
		n += strstr(lines[i], text) != NULL;
	return (n);
}

static void keep(const char *level, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

static void
keep(const char *level, const char *fmt, va_list ap)
{
	char *line = lines[nlines++ % LINES_MAX];
	int len = snprintf(line, LINE_SIZE, "%s ", level);

	(void)vsnprintf(line + len, (size_t)(LINE_SIZE - len), fmt, ap);
}

void
log_setup(enum log_level level, enum log_format format)
{
	(void)level;
	(void)format;
}

uint64_t
log_dropped(void)
{
	return (0);
}

void
log_hold(void)
{
}

void
log_release(void)
{
}

void
log_error(const char *fmt, ...)
{
	va_list ap;

	warnings++;
	va_start(ap, fmt);
	keep("error", fmt, ap);
	va_end(ap);
}

void
log_warn(const char *fmt, ...)
{
	va_list ap;

	warnings++;
	va_start(ap, fmt);
	keep("warn", fmt, ap);
	va_end(ap);
}

void
log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	keep("info", fmt, ap);
	va_end(ap);
}

void
log_debug(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	keep("debug", fmt, ap);
	va_end(ap);
}

uint64_t
log_warnings(void)
{
	return (warnings);
}

const char *
log_text(const char *text)
{
	return (text == NULL ? "-" : text);
}

void
log_escape(const char *text, size_t len, char *ret, size_t max)
{
	(void)snprintf(ret, max, "%.*s", (int)len, text);
}
