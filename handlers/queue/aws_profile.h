/*
 * aws_profile.h -- one profile of AWS's shared files, ~/.aws/credentials and
 * ~/.aws/config.
 *
 * Owns: nothing; pure.
 *
 * The form is that of "Configuration and credential file settings" in the
 * guide of AWS's command line, and as its libraries read it: sections in
 * brackets, NAME = VALUE, '#' or ';' at the start of a line or behind a blank
 * begins a comment, an indented line belongs to the line before it.
 */
#ifndef HANDLERS_AWS_PROFILE_H
#define HANDLERS_AWS_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "handlers/queue/aws_keys.h"

#define AWS_REGION_MAX 64

enum aws_profile_file {
	AWS_PROFILE_CREDENTIALS, /* a section is called [NAME] */
	AWS_PROFILE_CONFIG       /* [profile NAME], and [default] */
};

/* All zero at the beginning. */
struct aws_profile {
	bool found; /* there is a section of that name */
	char id[AWS_KEY_ID_MAX + 1];
	char secret[AWS_SECRET_MAX + 1];
	char token[AWS_TOKEN_MAX + 1];
	char region[AWS_REGION_MAX + 1];
	bool odd; /* a value was too long, or had a byte that fits nowhere */
	/* It asks for something that is not done here: "role_arn"; or NULL. */
	const char *beyond;
};

/*
 * Add what the file says of the profile of that name to *p: what stands there
 * already stays, so the file that is to win is read first.
 */
void aws_profile_read(struct aws_profile *p, const char *text, size_t len,
    const char *name, enum aws_profile_file file);

void aws_profile_wipe(struct aws_profile *p);

#endif /* HANDLERS_AWS_PROFILE_H */
