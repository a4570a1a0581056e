#include "server/base/exposure.h"

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

enum exposure
exposure_of(const struct stat *st, uid_t uid, bool in_group)
{
	if ((st->st_mode & (S_IROTH | S_IWOTH)) == 0)
		return (EXPOSURE_NONE);
	if (uid == 0 || st->st_uid == uid ||
	    (in_group && (st->st_mode & S_IRGRP) != 0))
		return (EXPOSURE_OTHERS);
	return (EXPOSURE_NEEDED);
}

/* Is this process of that group? When in doubt it is not. */
static bool
is_of_group(gid_t gid)
{
	gid_t *list;
	int n = getgroups(0, NULL);
	bool is = getegid() == gid;

	if (is || n <= 0 || (list = calloc((size_t)n, sizeof(*list))) == NULL)
		return (is);
	n = getgroups(n, list);
	for (int i = 0; i < n && !is; i++)
		is = list[i] == gid;
	free(list);
	return (is);
}

enum exposure
exposure_look(const char *path)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return (EXPOSURE_NONE);
	return (exposure_of(&st, geteuid(), is_of_group(st.st_gid)));
}

const char *
exposure_advice(enum exposure what)
{
	switch (what) {
	case EXPOSURE_NONE:
		return (NULL);
	case EXPOSURE_OTHERS:
		return ("chmod o-rwx it");
	case EXPOSURE_NEEDED:
		return ("give it to klikitd's user or group first, which reads "
			"it now only as every user can, then chmod o-rwx it");
	}
	return (NULL);
}
