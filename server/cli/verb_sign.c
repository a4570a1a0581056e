#include <stdio.h>
#include <stdlib.h>

#include "server/cli/verb_input.h"
#include "server/cli/verbs.h"
#include "store/base/hex.h"

static enum verb_exit
sign(const struct verb_args *args, const struct config *cfg,
    struct secrets *sec)
{
	unsigned char mac[SIGNATURE_LEN];
	char text[SIGNATURE_TEXT_LEN + 1];
	struct iovec seg;
	struct verb_target target;
	char *body;
	int rc;

	if (verb_target(args, cfg, NULL, &target) == -1 ||
	    verb_read_body(args->words[0], &body, &seg.iov_len) == -1)
		return (VERB_FAILED);
	seg.iov_base = body;
	rc = secrets_mac(sec, target.secret, &seg, 1, mac);
	free(body);
	if (rc == -1) {
		fprintf(stderr, "klikitd sign: out of memory\n");
		return (VERB_FAILED);
	}
	hex_encode(mac, sizeof(mac), text);
	printf("%s%s\n", verb_has(args, "header") ? "x-klikit-signature: " : "",
	    text);
	return (VERB_DONE);
}

static enum verb_exit
sign_run(const struct verb_args *args)
{
	enum verb_exit rc = VERB_FAILED;
	struct secrets *sec = NULL;
	struct config *cfg;

	cfg = verb_config(args, CONFIG_SERVER, verb_dev_secret(args));
	if (cfg != NULL && (sec = verb_secrets(cfg)) != NULL)
		rc = sign(args, cfg, sec);
	secrets_free(sec);
	config_free(cfg);
	return (rc);
}

static const struct verb_flag flags[] = {
	{ "endpoint", "NAME", "with this endpoint's secret", false },
	{ "secret-name", "NAME", "with this secret, not the first", false },
	{ "header", NULL, "print the whole header line", false },
	{ "dev", NULL, "with the secret of klikitd dev", false },
	{ 0 },
};

static const char more[] =
    "Signs the exact bytes of FILE (- is stdin): a newline at its end counts.\n"
    "\n"
    "  printf '{\"orders\":[]}' | klikitd sign --header -\n";

const struct verb verb_sign = {
	.name = "sign",
	.words = "FILE",
	.text = "Print the signature of a body",
	.more = more,
	.flags = flags,
	.words_min = 1,
	.words_max = 1,
	.config = true,
	.run = sign_run,
};
