/*
 * dev_forward.h -- the handler of --forward-to: a program under development
 * gets every event, each time it comes.
 */
#ifndef SERVER_DEV_FORWARD_H
#define SERVER_DEV_FORWARD_H

#include "server/config/config.h"

/* A handler of that name, which calls url; both kept. One in a process. */
const struct config_extra *dev_forward(const char *name, const char *url);

#endif /* SERVER_DEV_FORWARD_H */
