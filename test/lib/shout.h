/*
 * shout.h -- a type of handlers that klikitd does not have.
 *
 * It shows that a type is whole in one file: with it in the table that is
 * handed in, and no line changed elsewhere, it is configured, checked, put to
 * work, described, and tried by doctor.
 */
#ifndef TEST_LIB_SHOUT_H
#define TEST_LIB_SHOUT_H

#include "handlers/handler.h"

/* Writes a line to its file for each event. */
extern const struct handler handler_shout;

/* klikitd's own types and this one; NULL at the end. */
extern const struct handler *const shout_types[];

#endif /* TEST_LIB_SHOUT_H */
