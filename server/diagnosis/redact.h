/*
 * redact.h -- what of a stranger's headers may be kept and shown.
 *
 * Pure. A value is left out, but for its length, if the header's name says
 * that it is nobody's business (Authorization, Cookie, anything called a
 * signature, a secret or a token), or if it is long enough to be a MAC:
 * a signature under another name, or one written in another way, may be right
 * for the body that it came with, and must not be found beside it.
 */
#ifndef SERVER_REDACT_H
#define SERVER_REDACT_H

#include <stdbool.h>
#include <stddef.h>

struct diagnosis_header;

/*
 * Write the headers to ret_text, one "name: value" a line, those that are not
 * shown as "name: (N bytes)"; as far as they fit into size bytes with a NUL,
 * whole lines only.
 */
void redact_headers(const struct diagnosis_header *headers, size_t n,
    char *ret_text, size_t size);

/* Could this text be a MAC? Then it is not for any eyes. */
bool redact_is_mac(const char *text);

#endif /* SERVER_REDACT_H */
