/*
 * commands.h -- what to paste into a shell to send a test event.
 *
 * Pure but for memory, and for looking whether there is curl. A secret never
 * appears in a command, only the name of the file it is in; a secret from the
 * environment is expected there.
 */
#ifndef SERVER_COMMANDS_H
#define SERVER_COMMANDS_H

#include <stdbool.h>

struct commands_place {
	const char *program;     /* the klikitd to call */
	const char *secret_file; /* absolute; NULL: from the environment */
	const char *url;         /* of the webhook, with its path */
	const char *ca_file; /* who vouches for an https one; NULL: as usual */
	const char *certificate; /* absolute; the server's own, where nobody
				  * vouches for it under this URL; or NULL */
};

/*
 * One line that has klikitd send a created order. Owned by the caller; NULL
 * when out of memory.
 */
char *commands_trigger(const struct commands_place *place);

/* The same for one delivery of every kind, right and wrong ones. */
char *commands_trigger_all(const struct commands_place *place);

/*
 * What prints the signature's header line of the file whose name is put
 * behind it ("-": of stdin).
 */
char *commands_sign(const struct commands_place *place);

/* Is there curl in PATH? ./run does not install it. */
bool commands_have_curl(void);

/*
 * The same as the first by curl, signed by `klikitd sign'. NULL also where
 * there is no curl, or where no flag of it makes it trust the certificate.
 */
char *commands_curl(const struct commands_place *place);

/*
 * One word as a shell reads it, whatever stands in it. Owned by the caller;
 * NULL when out of memory.
 */
char *commands_word(const char *word);

#endif /* SERVER_COMMANDS_H */
