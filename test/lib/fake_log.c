#include <stdio.h>
#include <string.h>

#include "server/base/log.h"
#include "test/lib/fake_log.h"

#define LINES_MAX 1024 /* of more than that the oldest are forgotten */
#define LINE_SIZE 400

/* The log is process-wide, and so is its fake. */
static char lines[LINES_MAX][LINE_SIZE];
static size_t nlines;

/* log_sink_fn */
static void
keep(enum log_level level, const char *message)
{
	static const char *const names[] = {
		[LOG_ERROR] = "error",
		[LOG_WARN] = "warn",
		[LOG_INFO] = "info",
		[LOG_DEBUG] = "debug",
	};

	(void)snprintf(lines[nlines++ % LINES_MAX], LINE_SIZE, "%s %s",
	    names[level], message);
}

void
fake_log_clear(void)
{
	nlines = 0;
	log_set_sink(keep);
}

size_t
fake_log_count(const char *text)
{
	size_t n = 0;

	for (size_t i = 0; i < nlines && i < LINES_MAX; i++)
		n += strstr(lines[i], text) != NULL;
	return (n);
}
