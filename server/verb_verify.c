#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/clock.h"
#include "server/log.h"
#include "server/verb_input.h"
#include "server/verb_table.h"

/* The secret, valid at now_ms, that signed the body; NULL if none did. */
static const char *
signer(struct secrets *sec, const char *value, const struct iovec *seg,
    int64_t now_ms)
{
	unsigned char mac[SIGNATURE_LEN];
	const char *name;

	if (secrets_verify(sec, value, seg, 1, now_ms, &name, mac))
		return (name);
	return (NULL);
}

/* Why it does not verify, as far as the body and the dates can tell. */
static void
explain(struct secrets *sec, const char *value, struct iovec seg)
{
	const char *bytes = seg.iov_base, *name;

	if ((name = signer(sec, value, &seg, 0)) != NULL) {
		printf("not valid: secret %s signed it, but has expired\n",
		    log_text(name));
		return;
	}
	if (seg.iov_len > 0 && bytes[seg.iov_len - 1] == '\n') {
		seg.iov_len--;
		if ((name = signer(sec, value, &seg, 0)) != NULL) {
			printf("not valid: but it would be, under secret %s, "
			       "without the newline at the end of the file\n",
			    log_text(name));
			return;
		}
	}
	printf("not valid: no configured secret signed these bytes\n");
}

static enum verb_exit
verify(const struct verb_args *args, const char *value, struct secrets *sec)
{
	unsigned char mac[SIGNATURE_LEN];
	enum verb_exit rc = VERB_FAILED;
	struct iovec seg;
	const char *name;
	char *body;

	if (verb_read_body(args->words[0], &body, &seg.iov_len) == -1)
		return (VERB_FAILED);
	seg.iov_base = body;
	if (signature_parse(value, mac) == -1)
		printf("not valid: a signature is %d digits 0-9 a-f, and this "
		       "is not\n",
		    SIGNATURE_TEXT_LEN);
	else if ((name = signer(sec, value, &seg, clock_wall_ms())) != NULL) {
		printf("valid: under secret %s\n", log_text(name));
		rc = VERB_DONE;
	} else
		explain(sec, value, seg);
	free(body);
	return (rc);
}

static enum verb_exit
verify_run(const struct verb_args *args)
{
	const char *value = verb_flag(args, "signature", 0);
	enum verb_exit rc = VERB_FAILED;
	struct secrets *sec = NULL;
	struct config *cfg;

	if (value == NULL)
		return (verb_usage(args, "needs --signature HEX"));
	cfg = verb_config(args, CONFIG_SERVER, verb_has(args, "dev"));
	if (cfg != NULL && (sec = verb_secrets(cfg)) != NULL)
		rc = verify(args, value, sec);
	secrets_free(sec);
	config_free(cfg);
	return (rc);
}

static const struct verb_flag flags[] = {
	{ "signature", "HEX", "what x-klikit-signature said", false },
	{ "dev", NULL, "with the secret of klikitd dev", false },
	{ 0 },
};

static const char more[] =
    "Exits 0 if one of the configured secrets signed the exact bytes of FILE\n"
    "(- is stdin), else 1, and says what is known of the reason.\n";

const struct verb verb_verify = {
	.name = "verify",
	.words = "FILE",
	.text = "Check the signature of a body",
	.more = more,
	.flags = flags,
	.words_min = 1,
	.words_max = 1,
	.config = true,
	.run = verify_run,
};
