/*
 * line_writer.h -- writes lines to a descriptor that nobody may be reading.
 *
 * Owns:    a ring of lines that wait (LINE_WRITER_RING bytes), and the thread
 *          that writes them, which may block: who adds a line never does.
 * Touches: the descriptor, as it is. Its flags are not changed: other
 *          processes may share them.
 * Threads: lines are added by one thread.
 *
 * What finds no room, or cannot be written, is dropped and counted. As soon as
 * something can be written again a line says how many were dropped, at the
 * place where they are missing.
 */
#ifndef SERVER_LINE_WRITER_H
#define SERVER_LINE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct line_writer; /* opaque */

#define LINE_WRITER_RING ((size_t)256 << 10)
#define LINE_WRITER_STALL_MS 1000 /* without progress, at the end */
#define LINE_WRITER_END_MS 5000   /* with some, too */
#define LINE_WRITER_REPORT_MAX 512

/*
 * Print to ret the line, with its newline, that says that n were dropped. error
 * is the errno of the last write that failed; 0: there was no room. Returns
 * its length. Called by either thread, perhaps by both at once.
 */
typedef size_t line_report_fn(uint64_t n, int error,
    char ret[LINE_WRITER_REPORT_MAX]);

/* Borrows fd until it is freed. NULL when there is no memory or thread. */
struct line_writer *line_writer_new(int fd, line_report_fn *report);

/* Have whole lines written, n of them in len bytes, each with its newline. */
void line_writer_add(struct line_writer *w, const char *lines, size_t len,
    unsigned n);

/* How many lines were dropped since the start. Any thread. */
uint64_t line_writer_dropped(const struct line_writer *w);

/*
 * Wait until what was added is written, but not for a reader that has stopped
 * (the limits above). May be called in a signal's handler.
 */
void line_writer_wait(struct line_writer *w);

/*
 * The same, then end. False if it is still in a write: its thread then goes on
 * by itself, and another write to fd may take as long. Accepts NULL.
 */
bool line_writer_free(struct line_writer *w);

#endif /* SERVER_LINE_WRITER_H */
