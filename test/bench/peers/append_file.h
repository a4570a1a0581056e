/*
 * append_file.h -- bodies are appended to a file, and synced many at a time.
 *
 * Owns:    the file, a thread that writes it, what waits and what is synced.
 * Touches: the loop, which it wakes.
 *
 * What the machine allows a receiver that loses nothing: no table, no index, no
 * look at what is stored.
 */
#ifndef TEST_BENCH_APPEND_FILE_H
#define TEST_BENCH_APPEND_FILE_H

struct append_file; /* opaque */
struct evbuffer;
struct event_base;

/*
 * Make the file, and the thread. synced(arg), with the arg of
 * append_file_add(), runs from the loop when those bytes are on the disk. NULL:
 * it could not be made. A write that fails ends the process.
 */
struct append_file *append_file_new(struct event_base *base, const char *path,
    void (*synced)(void *arg));

/* Append what is in bytes, which is emptied. Returns 0; -1: out of memory. */
int append_file_add(struct append_file *f, struct evbuffer *bytes, void *arg);

/* Ends the thread; what waits is not written. Accepts NULL. */
void append_file_free(struct append_file *f);

#endif /* TEST_BENCH_APPEND_FILE_H */
