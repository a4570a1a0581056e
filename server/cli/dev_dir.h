/*
 * dev_dir.h -- the directory of klikitd dev: its secret, its certificates, and
 * the address of the one that runs.
 *
 * Owns:    those files in config_dev_dir().
 * Touches: nothing else. Not the log: a reason comes back as one line.
 */
#ifndef SERVER_DEV_DIR_H
#define SERVER_DEV_DIR_H

#define DEV_DIR_REASON_MAX 512

/*
 * Make the directory, and a random secret (0600) in it, unless they are there;
 * nobody ever sees half a file. Returns 0; or -1, and a reason.
 */
int dev_dir_make(char reason[DEV_DIR_REASON_MAX]);

/*
 * The absolute path of a file in it, whether it exists or not; owned by the
 * caller. NULL when out of memory.
 */
char *dev_dir_path(const char *name);

/*
 * Leave the URL of the running server's listener there, for klikitd trigger
 * --dev: for as long as this process lives, or until dev_dir_forget(). That it
 * cannot is no failure: the configured address is used then.
 */
void dev_dir_tell(const char *url);
void dev_dir_forget(void);

/*
 * The URL that a running klikitd dev has left, owned by the caller; NULL if
 * none runs, or that is not known.
 */
char *dev_dir_url(void);

#endif /* SERVER_DEV_DIR_H */
