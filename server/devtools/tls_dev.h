/*
 * tls_dev.h -- a CA and a server certificate for this machine alone, so that
 * HTTPS can be developed with.
 *
 * Owns:    the three files below in a directory.
 * Touches: files and mbedTLS's X.509 writer. Not the log.
 *
 * The CA's key stands in one file with its certificate, and the server's key
 * with its own: no file is ever there without what belongs to it, and each
 * comes into being by one rename. The CA may sign for the loopback's names and
 * addresses only (RFC 5280, section 4.2.1.10), so that trusting it risks
 * little.
 */
#ifndef SERVER_TLS_DEV_H
#define SERVER_TLS_DEV_H

#include <stdint.h>

#define TLS_DEV_CA "ca.pem"         /* what clients trust; 0644 */
#define TLS_DEV_CA_KEY "ca-key.pem" /* key and certificate of the CA; 0600 */
#define TLS_DEV_SERVER "server.pem" /* key and chain of the server; 0600 */
#define TLS_DEV_REASON_MAX 512

#define TLS_DEV_CA_DAYS 3650
#define TLS_DEV_SERVER_DAYS 397 /* more some clients refuse */
#define TLS_DEV_RENEW_DAYS 30   /* what ends sooner is made anew */

/*
 * Make the files that dir lacks, or that are near their end by now_ms: the
 * server's certificate (ECDSA P-256, for localhost, 127.0.0.1 and ::1) from the
 * CA that is there. Never replaces a CA that can be used, nor one that is
 * damaged. Returns 0; or -1, and one line that names the file to reason.
 */
int tls_dev_make(const char *dir, int64_t now_ms,
    char reason[TLS_DEV_REASON_MAX]);

#endif /* SERVER_TLS_DEV_H */
