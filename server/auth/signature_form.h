/*
 * signature_form.h -- a signature that is not written as klikit writes it.
 *
 * Pure: the header's value in; out come the MACs that it may stand for, and
 * in what way it is written. Only to explain why a delivery was refused.
 */
#ifndef SERVER_SIGNATURE_FORM_H
#define SERVER_SIGNATURE_FORM_H

#include "server/auth/signature.h"

enum signature_form {
	SIGNATURE_EXACT,      /* 64 digits 0-9 a-f */
	SIGNATURE_PADDED,     /* in blanks or quotes, or with 0x before it */
	SIGNATURE_PREFIXED,   /* sha256=... */
	SIGNATURE_UPPERCASE,  /* digits A-F */
	SIGNATURE_BASE64,     /* of the MAC, or of its digits */
	SIGNATURE_OLD_SCHEME, /* t=...,v1=... */
	SIGNATURE_OTHER_HASH, /* as long as MD5, SHA-1, SHA-384 or SHA-512 */
	SIGNATURE_NONE        /* nothing known */
};

#define SIGNATURE_TIME_MAX 32

/* What a value may mean. */
struct signature_claim {
	enum signature_form form;
	bool has_mac; /* else there is nothing to compare with */
	unsigned char mac[SIGNATURE_LEN];
	const char *hash;              /* of SIGNATURE_OTHER_HASH; static */
	char time[SIGNATURE_TIME_MAX]; /* of the old scheme, as it stands */
};

/* Read the header's value; always succeeds. */
void signature_form_read(const char *value, struct signature_claim *ret_claim);

#endif /* SERVER_SIGNATURE_FORM_H */
