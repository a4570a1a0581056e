/*
 * one_line.h -- what a far side says, as a line that may be shown: a result's
 * detail.
 *
 * Pure: text in, text out.
 */
#ifndef HANDLERS_ONE_LINE_H
#define HANDLERS_ONE_LINE_H

#include "handlers/handler.h"

/*
 * What is no character, or none that is seen, becomes a question mark. Cut at
 * the end of a character. NULL is an empty text.
 */
void one_line(const char *text, char ret_line[HANDLER_REASON_MAX]);

#endif /* HANDLERS_ONE_LINE_H */
