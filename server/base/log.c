#include "server/base/clock.h"
#include "server/base/log.h"

#include <assert.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "server/base/keyboard.h"
#include "server/base/line_writer.h"
#include "store/base/utf8.h"
#include "store/base/parse.h"

#define MESSAGE_MAX 2048
#define LINE_MAX_LEN (6 * MESSAGE_MAX + 128) /* every byte as \u00NN */
#define TEXT_BUFFERS 8
#define HELD_MAX (2 * LINE_MAX_LEN) /* there is room behind any line */

/* Process-wide, as the header says and why. */
static struct {
	enum log_level level;
	atomic_int format; /* enum log_format; the writer's thread reads it */
	atomic_bool colours;
	bool terminal;              /* the lines are read by a person */
	log_sink_fn *sink;          /* NULL: stderr */
	struct line_writer *writer; /* NULL: lines are written at once */
	bool mute; /* the writer had to be left behind: nobody reads */
	char texts[TEXT_BUFFERS][LOG_TEXT_MAX];
	unsigned next_text;
	unsigned held; /* calls of log_hold() not yet released */
	char lines[HELD_MAX];
	size_t lines_len;
	unsigned nlines;
} state = { .level = LOG_INFO };

static const struct {
	const char *name;
	const char *colour; /* of a whole line for a developer */
} levels[] = {
	[LOG_ERROR] = { "error", "\033[1;31m" },
	[LOG_WARN] = { "warn", "\033[33m" },
	[LOG_INFO] = { "info", "" },
	[LOG_DEBUG] = { "debug", "\033[2m" },
};

/*
 * A line under construction, in LINE_MAX_LEN bytes; what does not fit is left
 * out.
 */
struct line {
	char *text;
	size_t len;
};

static void
line_add(struct line *line, const char *text)
{
	size_t len = strlen(text);

	if (len >= LINE_MAX_LEN - line->len)
		len = LINE_MAX_LEN - line->len - 1;
	memcpy(line->text + line->len, text, len);
	line->len += len;
	line->text[line->len] = '\0';
}

static void
add_text(struct line *line, enum log_level level, const char *message)
{
	char stamp[FORMAT_TIME_MAX];

	line_add(line, format_time(clock_wall_ms(), stamp));
	line_add(line, " ");
	line_add(line, levels[level].name);
	line_add(line, " ");
	line_add(line, message);
}

/* Messages are ours and mostly ASCII; bytes that are no UTF-8 become U+FFFD. */
static void
add_json_string(struct line *line, const char *text)
{
	size_t len = strlen(text), n;
	char piece[UTF8_ESCAPE_MAX];
	uint32_t code;

	line_add(line, "\"");
	for (; len > 0; text += n, len -= n) {
		if ((n = utf8_next(text, len, &code)) == 0) {
			n = 1;
			line_add(line, "\\ufffd");
		} else if (!utf8_is_plain(code) || code == '"' ||
			   code == '\\') {
			utf8_escape(code, piece);
			line_add(line, piece);
		} else {
			memcpy(piece, text, n);
			piece[n] = '\0';
			line_add(line, piece);
		}
	}
	line_add(line, "\"");
}

static void
add_json(struct line *line, enum log_level level, const char *message)
{
	char stamp[FORMAT_TIME_MAX];

	line_add(line, "{\"time\":\"");
	line_add(line, format_time(clock_wall_ms(), stamp));
	line_add(line, "\",\"level\":\"");
	line_add(line, levels[level].name);
	line_add(line, "\",\"message\":");
	add_json_string(line, message);
	line_add(line, "}");
}

/* Local time; the [type] that begins an event's line stands out. */
static void
add_dev(struct line *line, enum log_level level, const char *message)
{
	const char *end = message[0] == '[' ? strchr(message, ']') : NULL;
	char stamp[16], type[LOG_TEXT_MAX];
	time_t now = time(NULL);
	struct tm tm;

	stamp[0] = '\0';
	if (localtime_r(&now, &tm) != NULL)
		(void)strftime(stamp, sizeof(stamp), "%H:%M:%S", &tm);
	line_add(line, state.colours ? "\033[2m" : "");
	line_add(line, stamp);
	line_add(line, state.colours ? "\033[0m " : " ");
	if (!state.colours) {
		if (level <= LOG_WARN) {
			line_add(line, levels[level].name);
			line_add(line, ": ");
		}
		line_add(line, message);
		return;
	}
	line_add(line, levels[level].colour);
	if (end != NULL && (size_t)(end - message) + 2 < sizeof(type)) {
		(void)snprintf(type, sizeof(type), "%.*s",
		    (int)(end - message) + 1, message);
		line_add(line, "\033[1;32m");
		line_add(line, type);
		line_add(line, "\033[0m");
		message = end + 1;
	}
	line_add(line, message);
	line_add(line, "\033[0m");
}

/* In the form that is set; with its newline, and no NUL. */
static void
add_line(struct line *line, enum log_level level, const char *message)
{
	switch ((enum log_format)atomic_load(&state.format)) {
	case LOG_TEXT:
		add_text(line, level, message);
		break;
	case LOG_JSON:
		add_json(line, level, message);
		break;
	case LOG_DEV:
		add_dev(line, level, message);
		break;
	}
	/* There is room: line_add() keeps the last byte for a NUL. */
	line->text[line->len++] = '\n';
}

/* One write for whole lines, so that lines of two processes do not mix. */
static void
write_lines(void)
{
	if (state.writer != NULL)
		line_writer_add(state.writer, state.lines, state.lines_len,
		    state.nlines);
	else if (!state.mute) {
		(void)fwrite(state.lines, 1, state.lines_len, stderr);
		(void)fflush(stderr);
	}
	state.lines_len = 0;
	state.nlines = 0;
}

static void
log_line(enum log_level level, const char *message)
{
	struct line line = { .text = state.lines + state.lines_len };

	add_line(&line, level, message);
	state.lines_len += line.len;
	state.nlines++;
	if (state.held == 0 || state.lines_len > HELD_MAX - LINE_MAX_LEN)
		write_lines();
}

void
log_hold(void)
{
	state.held++;
}

void
log_release(void)
{
	if (--state.held == 0 && state.lines_len > 0)
		write_lines();
}

static void log_format_line(enum log_level level, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

static void
log_format_line(enum log_level level, const char *fmt, va_list ap)
{
	char message[MESSAGE_MAX];

	if (state.sink == NULL && level > state.level)
		return;
	(void)vsnprintf(message, sizeof(message), fmt, ap);
	if (state.sink != NULL)
		state.sink(level, message);
	else
		log_line(level, message);
}

/* event_log_cb: libevent has something to say. */
static void
log_libevent_cb(int severity, const char *message)
{
	switch (severity) {
	case EVENT_LOG_DEBUG:
	case EVENT_LOG_MSG:
		log_debug("libevent: %s", message);
		break;
	case EVENT_LOG_WARN:
		log_warn("libevent: %s", message);
		break;
	default:
		log_error("libevent: %s", message);
		break;
	}
}

void
log_setup(enum log_level level, enum log_format format)
{
	const char *no_color = getenv("NO_COLOR");

	state.level = level;
	atomic_store(&state.format, format);
	state.terminal = isatty(STDERR_FILENO);
	atomic_store(&state.colours,
	    state.terminal && (no_color == NULL || no_color[0] == '\0'));
	event_set_log_callback(log_libevent_cb);
}

bool
log_is_console(void)
{
	return (state.terminal && state.sink == NULL &&
		state.level >= LOG_INFO &&
		atomic_load(&state.format) == LOG_DEV);
}

void
log_shown(enum log_mark mark, const char *fmt, ...)
{
	static const struct {
		const char *sign;
		const char *colour;
	} marks[] = {
		[LOG_CAME] = { "\xe2\x86\x92", "\033[36m" },
		[LOG_ANSWERED] = { "\xe2\x86\x90", "\033[32m" },
		[LOG_REFUSED] = { "\xe2\x9c\x97", "\033[31m" },
	};
	char message[MESSAGE_MAX], text[MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)snprintf(message, sizeof(message), "%s%s %.1900s%s",
	    state.colours ? marks[mark].colour : "", marks[mark].sign, text,
	    state.colours ? "\033[0m" : "");
	log_line(LOG_INFO, message);
}

void
log_set_sink(log_sink_fn *fn)
{
	state.sink = fn;
}

/* -- Never waiting -- */

/* line_report_fn */
static size_t
report_dropped(uint64_t n, int error, char ret[LINE_WRITER_REPORT_MAX])
{
	char message[LINE_WRITER_REPORT_MAX / 2], why[128];
	char text[LINE_MAX_LEN];
	struct line line = { .text = text };

	(void)snprintf(message, sizeof(message),
	    "log: %" PRIu64 " lines are missing here: %s", n,
	    error == 0 ? "they were not read in time"
		       : strerror_r(error, why, sizeof(why)));
	add_line(&line, LOG_WARN, message);
	assert(line.len <= LINE_WRITER_REPORT_MAX);
	memcpy(ret, text, line.len);
	return (line.len);
}

static const int fatal_signals[] = { SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV };

/* The last lines say why; then it goes on as if there were no handler. */
static void
log_fatal_cb(int signo)
{
	keyboard_restore();
	if (state.writer != NULL)
		line_writer_wait(state.writer);
	(void)raise(signo);
}

/* A sanitizer's own handlers stay. */
static void
catch_fatal_signals(void)
{
	struct sigaction sa = { .sa_handler = log_fatal_cb,
		.sa_flags = (int)(SA_RESETHAND | SA_NODEFER) };
	struct sigaction old;

	for (size_t i = 0; i < sizeof(fatal_signals) / sizeof(int); i++) {
		if (sigaction(fatal_signals[i], NULL, &old) == 0 &&
		    old.sa_handler == SIG_DFL)
			(void)sigaction(fatal_signals[i], &sa, NULL);
	}
}

int
log_start(void)
{
	state.writer = line_writer_new(STDERR_FILENO, report_dropped);
	if (state.writer == NULL)
		return (-1);
	catch_fatal_signals();
	return (0);
}

void
log_stop(void)
{
	if (state.writer == NULL)
		return;
	state.mute = !line_writer_free(state.writer);
	state.writer = NULL;
}

uint64_t
log_dropped(void)
{
	return (state.writer == NULL ? 0 : line_writer_dropped(state.writer));
}

void
log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_format_line(LOG_ERROR, fmt, ap);
	va_end(ap);
}

void
log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_format_line(LOG_WARN, fmt, ap);
	va_end(ap);
}

void
log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_format_line(LOG_INFO, fmt, ap);
	va_end(ap);
}

void
log_debug(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_format_line(LOG_DEBUG, fmt, ap);
	va_end(ap);
}

const char *
log_text(const char *text)
{
	char *ret = state.texts[state.next_text++ % TEXT_BUFFERS];

	if (text == NULL)
		return ("-");
	log_escape(text, strlen(text), ret, LOG_TEXT_MAX);
	return (ret);
}

void
log_escape(const char *text, size_t len, char *ret, size_t max)
{
	static const char cut[] = "...";
	size_t at = 0,
	       fits = 0; /* fits: the last end that leaves room to cut */
	size_t n, need;
	uint32_t code;

	if (max == 0)
		return;
	for (; len > 0; text += n, len -= n) {
		if (*text >= ' ' && *text < 0x7f) { /* nearly always */
			code = (unsigned char)*text;
			n = 1;
		} else
			n = utf8_next(text, len, &code);
		need = n != 0 && utf8_is_plain(code) ? n : 4 * (n == 0 ? 1 : n);
		if (at + need >= max) {
			at = fits;
			(void)snprintf(ret + at, max - at, "%s", cut);
			return;
		}
		if (n == 0 || need != n) {
			n = n == 0 ? 1 : n;
			for (size_t i = 0; i < n; i++)
				(void)snprintf(ret + at + 4 * i, 5, "\\x%02x",
				    (unsigned char)text[i]);
		} else
			memcpy(ret + at, text, n);
		at += need;
		if (at + sizeof(cut) <= max)
			fits = at;
	}
	ret[at] = '\0';
}
