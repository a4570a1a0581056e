/*
 * aws_credentials.h -- the credentials of one handler: found in the usual
 * order, kept, and renewed before they end.
 *
 * Owns:    the credentials, its calls to the metadata services, its timer.
 * Touches: the loop, the environment, AWS's shared files (aws_files.h), and
 *          while it looks for them at open and when they are renewed, the
 *          metadata service of the container or the machine.
 *
 * The order is that of "Default credentials provider chain" in AWS's guide of
 * its SDKs: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; the profile of the
 * shared files; AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI; IMDSv2.
 * A profile or a file that the configuration names is the only place.
 *
 * Credentials are used until the far side refuses them: whether they have
 * expired by our clock, which may be wrong, says nothing.
 */
#ifndef HANDLERS_AWS_CREDENTIALS_H
#define HANDLERS_AWS_CREDENTIALS_H

#include "handlers/queue/aws_files.h"
#include "handlers/queue/aws_keys.h"

struct aws_credentials; /* opaque */

/* A search that was asked for has ended, well or not; from the loop. */
typedef void aws_credentials_fn(void *arg);

/*
 * Keeps env and arg, copies the settings; begins to look. NULL when out of
 * memory.
 */
struct aws_credentials *aws_credentials_new(const struct handler_env *env,
    const struct aws_settings *set, aws_credentials_fn *done, void *arg);

/* Also from within done(). Wipes. Accepts NULL. */
void aws_credentials_free(struct aws_credentials *c);

/* Look anew, unless that is under way; done() follows from the loop. */
void aws_credentials_look(struct aws_credentials *c);

/* Those found last; NULL: there are none yet. Valid until the loop goes on. */
const struct aws_keys *aws_credentials_keys(const struct aws_credentials *c);

/* How often the credentials have changed. */
unsigned aws_credentials_changes(const struct aws_credentials *c);

/*
 * Why the last search failed, one line with what to do; NULL: it did not.
 * *ret_lasting: only a change of the configuration, the files or the machine
 * will help.
 */
const char *aws_credentials_failure(const struct aws_credentials *c,
    bool *ret_lasting);

/* Where they are from, for people: "the environment". */
const char *aws_credentials_source(const struct aws_credentials *c);

#endif /* HANDLERS_AWS_CREDENTIALS_H */
