/*
 * roff.h -- text for a man page: nothing in it is taken as a request.
 *
 * Touches: the stream it is given, nothing else.
 */
#ifndef SERVER_ROFF_H
#define SERVER_ROFF_H

#include <stdio.h>

/*
 * Write text as it stands, newlines too: backslashes, dashes, and dots and
 * quotes at the beginning of a line mean themselves.
 */
void roff_text(FILE *out, const char *text);

/* Begin an entry of a list: name in bold, then value; NULL or "": none. */
void roff_entry(FILE *out, const char *name, const char *value);

/* A paragraph whose lines stay as they are. */
void roff_verbatim(FILE *out, const char *text);

#endif /* SERVER_ROFF_H */
