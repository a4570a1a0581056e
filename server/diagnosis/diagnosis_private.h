/* diagnosis_private.h -- what the files of the signature doctor share. */
#ifndef SERVER_DIAGNOSIS_PRIVATE_H
#define SERVER_DIAGNOSIS_PRIVATE_H

#include <sys/uio.h>

#include "server/auth/signature_form.h"
#include "server/base/json_rewrite.h"
#include "server/diagnosis/diagnosis.h"
#include "server/diagnosis/diagnosis_keys.h"

#define DIAGNOSIS_SEGS_MAX 3

/* Bytes that may have been signed. */
enum diagnosis_message {
	MESSAGE_BODY,
	MESSAGE_TIME_BODY,   /* <t>.<body>, the older scheme */
	MESSAGE_ID_BODY,     /* the event id and the body */
	MESSAGE_ID_DOT_BODY, /* with a full stop between */
	MESSAGE_NO_NEWLINE,
	MESSAGE_NO_BLANKS, /* without any line ends and blanks at its end */
	MESSAGE_NEWLINE,
	MESSAGE_CRLF_END,
	MESSAGE_LF,   /* each CRLF is an LF */
	MESSAGE_CRLF, /* each LF is a CRLF */
	MESSAGE_NO_BOM,
	MESSAGE_BOM,
	MESSAGE_JSON /* printed anew, in one of the styles */
};

/* A message as it is given to HMAC. */
struct diagnosis_segs {
	struct iovec list[DIAGNOSIS_SEGS_MAX];
	size_t n;
	size_t len; /* of all */
};

/* The body's other forms, made one at a time. */
struct diagnosis_body {
	const char *bytes;
	size_t len;
	char *scratch; /* the form that was made last */
	size_t scratch_size;
	bool read; /* tree is what the body is */
	enum json_tree_rc rc;
	struct json_tree tree;
};

struct diagnosis {
	const struct diagnosis_input *in;
	const struct diagnosis_keys *keys;
	struct signature_claim claim;
	struct diagnosis_body body;
	size_t work; /* done in this call of diagnosis_run() */

	/* Where it is: a hypothesis, its style of JSON, the next key. */
	size_t row;
	size_t style;
	size_t key;
	bool made; /* segs is the message of that place */
	struct diagnosis_segs segs;
};

/* -- diagnosis_body.c -- */

/* Read the body as JSON, the first time; adds to *work. */
enum json_tree_rc diagnosis_body_read(struct diagnosis_body *b, size_t *work);

void diagnosis_body_fini(struct diagnosis_body *b);

/* How many styles of JSON there are; each may be followed by a newline. */
size_t diagnosis_body_styles(void);

/*
 * Make the message (in that style, if it is MESSAGE_JSON), which is valid
 * until the next one is made. Adds to d->work. Returns false if there is none,
 * or it is the body itself.
 */
bool diagnosis_body_make(struct diagnosis *d, enum diagnosis_message message,
    size_t style, struct diagnosis_segs *ret_segs);

/* Say in words what was signed in that style: "with its names sorted". */
void diagnosis_body_describe(size_t style, char *ret_text, size_t size);

/* -- diagnosis_guess.c -- */

/* Nothing matched. */
void diagnosis_guess(struct diagnosis *d, struct diagnosis_finding *ret);

/* Of the other causes, which need no key. */
void diagnosis_guess_headers(const struct diagnosis *d,
    struct diagnosis_finding *ret);
void diagnosis_guess_json(struct diagnosis *d, struct diagnosis_finding *ret);

/* -- diagnosis_text.c -- */

/* Set code and text. */
void diagnosis_say(struct diagnosis_finding *ret, enum diagnosis_code code,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Add to the text. */
void diagnosis_add(struct diagnosis_finding *ret, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The body as it came is signed under that key. */
void diagnosis_say_key(const struct diagnosis *d,
    const struct diagnosis_key *key, struct diagnosis_finding *ret);

/* Whatever else is wrong: does that secret open another endpoint? */
void diagnosis_add_elsewhere(const struct diagnosis *d,
    const struct diagnosis_secret *secret, struct diagnosis_finding *ret);

/* What the form of the signature is called, and its code. */
enum diagnosis_code diagnosis_form_code(enum signature_form form);
const char *diagnosis_form_text(enum signature_form form);

#endif /* SERVER_DIAGNOSIS_PRIVATE_H */
