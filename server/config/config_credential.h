/*
 * config_credential.h -- private to config_*.c: files that the service manager
 * hands over (LoadCredential= of systemd), in a folder that only the service
 * and root can read.
 */
#ifndef SERVER_CONFIG_CREDENTIAL_H
#define SERVER_CONFIG_CREDENTIAL_H

#include "handlers/key.h"

/* Before the name of one, in place of the path of a file. */
#define CONFIG_CREDENTIAL "credential:"

/* Those that are used by their names when the configuration names no file. */
#define CONFIG_CREDENTIAL_SECRET "klikit-secret"
#define CONFIG_CREDENTIAL_TOKEN "admin-token"
#define CONFIG_CREDENTIAL_CERTIFICATE "tls-certificate"
#define CONFIG_CREDENTIAL_KEY "tls-key"

/*
 * Their folder by $CREDENTIALS_DIRECTORY, as it is set or NULL. A verb that is
 * typed by hand has no such variable: it looks where systemd has put those of
 * the service. NULL: nobody hands over any.
 */
const char *config_credential_folder(const char *set);

/*
 * The path in folder of the credential that text names, owned by the caller.
 * NULL, with a reason, if it names none that can be had.
 */
char *config_credential_path(const char *folder, const char *text,
    char reason[KEY_REASON_MAX]);

/* The path of that one, owned by the caller; NULL if it is not there. */
char *config_credential_find(const char *folder, const char *name);

#endif /* SERVER_CONFIG_CREDENTIAL_H */
