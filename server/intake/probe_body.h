/*
 * probe_body.h -- the body of a probe: a delivery that klikitd sends to itself
 * through its public URL.
 *
 * Pure.
 *
 * It is known by its body, since only that is signed: whoever has captured one
 * may send it again under any id and type, and it still is a probe, which is
 * never stored and reaches no handler.
 */
#ifndef SERVER_PROBE_BODY_H
#define SERVER_PROBE_BODY_H

#include <stdbool.h>
#include <stddef.h>

#define PROBE_TYPE "klikitd.probe" /* x-klikit-event-type */
#define PROBE_NONCE_LEN 16         /* bytes */
#define PROBE_BODY_LEN 52          /* of the text, without its NUL */

/* {"klikitd.probe":"0123456789abcdef0123456789abcdef"} */
void probe_body_make(const unsigned char nonce[PROBE_NONCE_LEN],
    char ret_text[PROBE_BODY_LEN + 1]);

/* Is it one, to the letter? Then its nonce is written. */
bool probe_body_read(const char *text, size_t len,
    unsigned char ret_nonce[PROBE_NONCE_LEN]);

#endif /* SERVER_PROBE_BODY_H */
