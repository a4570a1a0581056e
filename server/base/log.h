/*
 * log.h -- one line per event, on stderr.
 *
 * Owns:    level, format, and where lines go: process-wide, because
 *          libevent's own messages have no other place to arrive.
 * Touches: stderr, from log_start() on by a thread of its own; the signals
 *          that end a process that has a fault. Threads: the loop's only.
 *
 * A line says "key: reason" without a full stop. Bytes from outside go
 * through log_text() first. Never logged: bodies, secrets, signatures,
 * Authorization.
 */
#ifndef SERVER_LOG_H
#define SERVER_LOG_H

#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format {
	LOG_TEXT, /* time level message */
	LOG_JSON, /* one object a line: time, level, message */
	LOG_DEV /* for a developer's eyes: clock time, colours on a terminal */
};

/*
 * Set level and format from now on; libevent's messages come this way too.
 * Colours are used by LOG_DEV if stderr is a terminal and NO_COLOR is unset.
 */
void log_setup(enum log_level level, enum log_format format);

/*
 * Does a developer look on: LOG_DEV, on a terminal? Then what comes and goes is
 * shown by log_shown() in the place of its line in the log.
 */
bool log_is_console(void);

enum log_mark {
	LOG_CAME,     /* an arrow in */
	LOG_ANSWERED, /* an arrow back: it went well */
	LOG_REFUSED   /* a cross */
};
void log_shown(enum log_mark mark, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Have each message go to fn, of every level and before it becomes a line;
 * nothing is written meanwhile. NULL: to stderr again, as from the start.
 */
typedef void log_sink_fn(enum log_level level, const char *message);
void log_set_sink(log_sink_fn *fn);

/*
 * From now on no line waits for who reads it: a thread writes them, and what
 * is not read in time is dropped, counted, and reported in the log
 * (line_writer.h). A fault (abort(), ...) first lets it write what it has.
 * Returns 0; -1 when there is no memory for it, and nothing has changed.
 */
int log_start(void);

/*
 * Write the lines that wait, but not to a reader that has stopped. After that
 * lines are written at once, or, with such a reader, not at all.
 */
void log_stop(void);

/* How many lines were dropped since log_start(). */
uint64_t log_dropped(void);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Keep lines back until log_release(), or until some 12 KB wait: for who logs
 * many at once, since each write costs more than its line. Pairs may nest; a
 * pair does not outlast a callback, so nothing is kept back for long.
 */
void log_hold(void);
void log_release(void);

/*
 * Make text from outside fit for a line: what is not plain (utf8.h) and bytes
 * that are not UTF-8 become \xNN, at most LOG_TEXT_MAX - 1 bytes are kept, cut
 * with "...". Done again it changes nothing, as a reason that holds such text
 * may itself be escaped where it is shown. NULL gives "-". The result
 * lives in one of eight buffers used in turn, so that a call may print a few.
 */
#define LOG_TEXT_MAX 300
const char *log_text(const char *text);

/* Pure part of log_text(): writes to ret, which has room for max bytes. */
void log_escape(const char *text, size_t len, char *ret, size_t max);

#endif /* SERVER_LOG_H */
