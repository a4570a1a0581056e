/*
 * aws_files.h -- AWS's shared files on this machine, and the region that calls
 * go to.
 *
 * Owns:    nothing that outlasts a call.
 * Touches: ~/.aws/credentials and ~/.aws/config, or those that the settings or
 *          the environment name. Blocks as reading small files does: for
 *          open(), and when credentials are renewed.
 */
#ifndef HANDLERS_AWS_FILES_H
#define HANDLERS_AWS_FILES_H

#include "handlers/handler.h"
#include "handlers/queue/aws_profile.h"

/* What the configuration says; NULL: nothing. */
struct aws_settings {
	const char *profile;
	const char *file; /* in place of ~/.aws/credentials */
};

/* A variable of the environment, NULL if it is not set or empty. */
const char *aws_variable(const struct handler_env *env, const char *name);

/*
 * Read the profile that the settings name, or AWS_PROFILE, or "default". Files
 * that are not there are like empty ones. Returns 0; -1, with a reason, if one
 * cannot be read, or is larger than such a file is. Wipe *ret_profile.
 */
int aws_files_read(const struct handler_env *env,
    const struct aws_settings *set, struct aws_profile *ret_profile,
    char reason[HANDLER_REASON_MAX]);

/* The name of that profile. */
const char *aws_files_profile(const struct handler_env *env,
    const struct aws_settings *set);

/*
 * The region that the host of a queue's URL names
 * ("sqs.eu-west-1.amazonaws.com", as "Amazon SQS endpoints and quotas" lists
 * them). Returns 0, or -1.
 */
int aws_region_of_host(const char *host, char ret_region[AWS_REGION_MAX + 1]);

/* AWS_REGION, AWS_DEFAULT_REGION, or that of the profile. Likewise. */
int aws_region_of_env(const struct handler_env *env,
    const struct aws_settings *set, char ret_region[AWS_REGION_MAX + 1]);

#endif /* HANDLERS_AWS_FILES_H */
