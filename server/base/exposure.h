/*
 * exposure.h -- may others read a file that is nobody else's business?
 *
 * The bits of the group say nothing: a secret may be group-readable so that
 * klikitd's user can read it at all, a store so that programs can read it with
 * SQL, and with an access list (systemd's credentials) these bits are the mask
 * of the list. What every user of the machine can read is never meant.
 */
#ifndef SERVER_EXPOSURE_H
#define SERVER_EXPOSURE_H

#include <sys/stat.h>

#include <stdbool.h>

enum exposure {
	EXPOSURE_NONE,
	EXPOSURE_OTHERS, /* every user can read or change it */
	EXPOSURE_NEEDED  /* the same, and it is how this process reads it */
};

/* Pure. in_group: the process is of the file's group. */
enum exposure exposure_of(const struct stat *st, uid_t uid, bool in_group);

/* The same of a path, for this process; EXPOSURE_NONE if there is no file. */
enum exposure exposure_look(const char *path);

/* What to do about it, after the file's name; NULL: nothing. Static. */
const char *exposure_advice(enum exposure what);

#endif /* SERVER_EXPOSURE_H */
