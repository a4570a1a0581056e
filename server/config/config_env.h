/*
 * config_env.h -- what of the environment is for us.
 */
#ifndef SERVER_CONFIG_ENV_H
#define SERVER_CONFIG_ENV_H

#include <stdbool.h>

struct config_draft;

/* The value of a variable, NULL if it is not set or empty. */
const char *config_env_get(const char *const *env, const char *name);

/*
 * The first directory of $STATE_DIRECTORY, which systemd fills; owned by the
 * caller. NULL if it names none.
 */
char *config_env_state(const char *const *env);

/* Read PORT and KLIKITD_* into the draft; what others left there is passed. */
void config_env_read(struct config_draft *d);

/*
 * Is KLIKITD_... a variable that Kubernetes or docker sets for each container
 * beside a service whose name begins with klikitd? No key may be called so.
 */
bool config_env_is_foreign(const char *name, const char *value);

#endif /* SERVER_CONFIG_ENV_H */
