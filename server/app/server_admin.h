/*
 * server_admin.h -- the operator's way in: the admin API, its listener, and
 * the file by which verbs find it.
 */
#ifndef SERVER_SERVER_ADMIN_H
#define SERVER_SERVER_ADMIN_H

struct server;

/*
 * Open the admin listener, unless the configuration wants none, and leave its
 * address beside the store (that it cannot is only warned of). Returns 0, or
 * -1, logged.
 */
int server_open_admin(struct server *s);

/* Print its line on stdout, if there is one. */
void server_print_admin(const struct server *s);

/* Only when the store has finished what it was asked. */
void server_close_admin(struct server *s);

#endif /* SERVER_SERVER_ADMIN_H */
