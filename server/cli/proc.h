/*
 * proc.h -- what Linux says of other processes in /proc.
 *
 * Of another user's processes it says little; then nothing is found, which is
 * no failure.
 */
#ifndef SERVER_PROC_H
#define SERVER_PROC_H

#include <sys/types.h>

#include <stdbool.h>

/* Who serves from the store of that URL? 0: nobody, or it is not known. */
pid_t proc_server(const char *store_url);

/*
 * The name of this process among the receivers that share a store: HOST/PID;
 * and which process of this machine has such a name. 0: none.
 */
#define PROC_RECEIVER_MAX 128
void proc_receiver_name(char ret_name[PROC_RECEIVER_MAX]);
pid_t proc_receiver(const char *name);

/* Who listens on the TCP port? 0: nobody, or it is not known. */
pid_t proc_listener(unsigned port);

/*
 * Does the process hide its descriptors, as a release of klikitd does, and
 * belong to the user whose socket listens on the port?
 */
bool proc_may_listen(pid_t pid, unsigned port);

/* A process's name; escaped, as log_text(). */
const char *proc_name(pid_t pid);

#endif /* SERVER_PROC_H */
