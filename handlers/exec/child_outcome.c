#include "handlers/exec/child_outcome.h"

#include <sys/wait.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

void
child_first_line(const struct child_end *end, char ret_line[HANDLER_REASON_MAX])
{
	const char *p = end->output;
	size_t len = 0, left = end->output_len;

	for (; left > 0 && (*p == '\n' || *p == '\r' || *p == ' '); p++)
		left--;
	while (len < left && p[len] != '\n' && p[len] != '\r')
		len++;
	if (len > HANDLER_REASON_MAX - 1) {
		len = HANDLER_REASON_MAX - 1;
		while (len > 0 && ((unsigned char)p[len] & 0xc0) == 0x80)
			len--; /* no half characters */
	}
	for (size_t i = 0; i < len; i++) {
		ret_line[i] = p[i];
		if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f)
			ret_line[i] = ' ';
	}
	ret_line[len] = '\0';
}

/* It came to an end by itself. */
static enum child_outcome
judge_exit(int code, char *ret_reason)
{
	if (code == 0)
		return (CHILD_DONE);
	(void)snprintf(ret_reason, HANDLER_REASON_MAX, "exit %d", code);
	return (code == EX_TEMPFAIL ? CHILD_LATER : CHILD_FAILED);
}

enum child_outcome
child_judge(const struct child_end *end, int64_t limit_ms, int *ret_code,
    char ret_reason[HANDLER_REASON_MAX])
{
	bool killed = !end->lost && WIFSIGNALED(end->status);

	*ret_code = 0;
	ret_reason[0] = '\0';
	if (killed)
		*ret_code = 128 + WTERMSIG(end->status);
	else if (!end->lost)
		*ret_code = WEXITSTATUS(end->status);
	if (end->limited) {
		(void)snprintf(ret_reason, HANDLER_REASON_MAX,
		    "time limit of %" PRId64 " ms exceeded", limit_ms);
		return (CHILD_LIMITED);
	}
	if (end->lost) {
		(void)snprintf(ret_reason, HANDLER_REASON_MAX,
		    "exit status lost");
		return (CHILD_LOST);
	}
	if (!killed)
		return (judge_exit(*ret_code, ret_reason));
	(void)snprintf(ret_reason, HANDLER_REASON_MAX, "signal %d (%s)",
	    WTERMSIG(end->status), strsignal(WTERMSIG(end->status)));
	return (CHILD_KILLED);
}
