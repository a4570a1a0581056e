/*
 * keyboard.h -- single keys of the terminal, without Enter.
 *
 * Owns:    the settings of the terminal at the standard input, process-wide:
 *          they are put back at each end of the process but SIGKILL's, and
 *          when it is stopped by Ctrl-Z.
 * Touches: that terminal, the signals TSTP and CONT. Ctrl-C stays what it is.
 */
#ifndef SERVER_KEYBOARD_H
#define SERVER_KEYBOARD_H

struct event_base;

/*
 * Call key() in the loop for each byte typed, until keyboard_close(). Keeps
 * base. Returns 0; -1 if the standard input is no terminal of ours, or memory
 * is short: then nothing has changed.
 */
typedef void keyboard_fn(char key, void *arg);
int keyboard_open(struct event_base *base, keyboard_fn *key, void *arg);

/* Before the base is freed. Without keyboard_open() nothing happens. */
void keyboard_close(void);

/* Put the settings back, from a signal's handler, too. */
void keyboard_restore(void);

#endif /* SERVER_KEYBOARD_H */
