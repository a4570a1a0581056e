#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/clock.h"
#include "server/base/json.h"
#include "server/base/log.h"
#include "server/diagnosis/request_text.h"
#include "server/cli/verb_input.h"
#include "server/cli/verb_list.h"
#include "server/cli/verbs.h"
#include "server/diagnosis/diagnosis.h"
#include "server/diagnosis/diagnosis_keys.h"

#define HEADERS_MAX 128
#define SIGNATURE_HEADER "x-klikit-signature"

/* What is to be verified, and what it is verified with. */
struct verifying {
	const struct verb_args *args;
	struct secrets *sec;
	struct diagnosis_keys *keys;
	char *file; /* as it was read */
	char *given[HEADERS_MAX];
	size_t ngiven;
	struct diagnosis_header headers[HEADERS_MAX];
	struct diagnosis_input in;
};

/* Did it come, and not empty? */
static bool
has(const struct verifying *v, const char *name)
{
	const char *value = diagnosis_header_get(&v->in, name);

	return (value != NULL && *value != '\0');
}

static int
add_header(struct verifying *v, const char *name, const char *value)
{
	if (v->in.nheaders == HEADERS_MAX)
		return (-1);
	v->headers[v->in.nheaders++] = (struct diagnosis_header){ name, value };
	return (0);
}

/* The flags; before the file's, since the first of a name counts. */
static enum verb_exit
read_flags(struct verifying *v)
{
	const char *value = verb_flag(v->args, "signature", 0);
	struct diagnosis_header header;
	char *text;

	if (value != NULL)
		(void)add_header(v, SIGNATURE_HEADER, value);
	for (size_t i = 0; (value = verb_flag(v->args, "header", i)) != NULL;
	     i++) {
		if (v->ngiven == HEADERS_MAX - 1)
			return (verb_usage(v->args, "--header: too many"));
		if ((text = strdup(value)) == NULL)
			return (VERB_FAILED);
		v->given[v->ngiven++] = text;
		if (request_text_header(text, &header) == -1)
			return (verb_usage(v->args,
			    "--header: is not of the form 'Name: value'"));
		(void)add_header(v, header.name, header.value);
	}
	return (VERB_DONE);
}

/* The file: a body, or a whole request. Returns 0; -1, said on stderr. */
static int
read_file(struct verifying *v)
{
	const char *path = v->args->words[0], *reason;
	struct request_text r;
	size_t len;

	if (verb_read_body(path, &v->file, &len) == -1)
		return (-1);
	v->in.body = v->file;
	v->in.body_len = len;
	if (verb_has(v->args, "request")) {
		if (request_text_read(v->file, len, v->headers + v->in.nheaders,
			HEADERS_MAX - v->in.nheaders, &r, &reason) == -1) {
			fprintf(stderr, "klikitd verify: %s: %s\n",
			    log_text(path), reason);
			return (-1);
		}
		v->in.nheaders += r.nheaders;
		v->in.body = r.body;
		v->in.body_len = r.body_len;
	}
	v->in.size = v->in.body_len;
	if (has(v, "transfer-encoding")) {
		fprintf(stderr,
		    "klikitd verify: %s: its body is chunked, which is not "
		    "undone here; put the plain body behind the headers\n",
		    log_text(path));
		return (-1);
	}
	return (0);
}

/* As the server would: is it refused before its signature is looked at? */
static bool
lacks_headers(const struct verifying *v)
{
	if (!has(v, SIGNATURE_HEADER))
		return (true);
	return (
	    verb_has(v->args, "request") &&
	    (!has(v, "x-klikit-event-id") || !has(v, "x-klikit-event-type")));
}

/* Returns the name of the secret that signed it; NULL, and why none did. */
static const char *
examine(struct verifying *v, struct diagnosis_finding *ret_finding)
{
	const struct iovec seg = { (void *)v->in.body, v->in.body_len };
	struct secrets_claim claim = { .segs = &seg, .nsegs = 1 };
	struct secrets_match match;
	struct diagnosis *d;

	v->in.at_ms = claim.now_ms = clock_wall_ms();
	claim.value = diagnosis_header_get(&v->in, SIGNATURE_HEADER);
	v->in.cause = REJECT_SIGNATURE;
	if (lacks_headers(v))
		v->in.cause = REJECT_HEADERS_MISSING;
	else if (secrets_verify(v->sec, SECRETS_ALL, &claim, &match))
		return (match.name);
	if ((d = diagnosis_new(&v->in, v->keys)) == NULL)
		diagnosis_skip("out of memory", ret_finding);
	else
		while (!diagnosis_run(d, SIZE_MAX, ret_finding))
			;
	diagnosis_free(d);
	return (NULL);
}

static int
print_json(const char *name, const struct diagnosis_finding *f)
{
	json_t *o = json_object();
	int bad = 0;

	bad |= json_object_set_new(o, "valid", json_boolean(name != NULL));
	bad |= json_set_text(o, "secret", name);
	bad |= json_set_text(o, "diagnosis_code",
	    name != NULL ? NULL : diagnosis_code_name(f->code));
	bad |= json_set_text(o, "diagnosis", name != NULL ? NULL : f->text);
	if (bad == 0)
		return (verb_json_print(o));
	json_decref(o);
	return (-1);
}

static enum verb_exit
verify(struct verifying *v)
{
	struct diagnosis_finding f;
	const char *name;

	if (read_file(v) == -1)
		return (VERB_FAILED);
	name = examine(v, &f);
	if (verb_has(v->args, "json")) {
		if (print_json(name, &f) == -1)
			return (VERB_FAILED);
	} else if (name != NULL)
		printf("valid: under secret %s\n", log_text(name));
	else
		printf("not valid: %s (%s)\n", f.text,
		    diagnosis_code_name(f.code));
	return (name != NULL ? VERB_DONE : VERB_FAILED);
}

static enum verb_exit
verify_run(const struct verb_args *args)
{
	struct verifying v = { .args = args };
	enum verb_exit rc = VERB_FAILED;
	struct config *cfg = NULL;

	v.in.headers = v.headers;
	if (verb_flag(args, "signature", 0) == NULL &&
	    verb_flag(args, "header", 0) == NULL && !verb_has(args, "request"))
		return (verb_usage(args,
		    "needs --signature HEX, --header or --request"));
	if ((rc = read_flags(&v)) == VERB_DONE) {
		rc = VERB_FAILED;
		cfg = verb_config(args, CONFIG_SERVER, verb_dev_secret(args));
	}
	if (cfg != NULL && (v.sec = verb_secrets(cfg)) != NULL) {
		if ((v.keys = diagnosis_keys_new(cfg)) == NULL)
			fprintf(stderr, "klikitd: out of memory\n");
		else
			rc = verify(&v);
	}
	diagnosis_keys_free(v.keys);
	secrets_free(v.sec);
	config_free(cfg);
	for (size_t i = 0; i < v.ngiven; i++)
		free(v.given[i]);
	free(v.file);
	return (rc);
}

static const struct verb_flag flags[] = {
	{ "signature", "HEX", "what x-klikit-signature said", false },
	{ "header", "'NAME: VALUE'", "a header that came with it", true },
	{ "request", NULL, "FILE begins with the request's headers", false },
	{ "json", NULL, "one JSON object", false },
	{ "dev", NULL, "with the secret of klikitd dev", false },
	{ 0 },
};

static const char more[] =
    "Exits 0 if one of the configured secrets signed the exact bytes of FILE\n"
    "(- is stdin), else 1, and says what is the matter: with the secret, with\n"
    "what became of the body on its way, with how the signature is written, "
    "or\n"
    "with the headers. The more headers are given, the more can be said.\n"
    "\n"
    "  klikitd verify --signature 9f86d0... body.json\n"
    "  klikitd verify --request request.txt     headers, an empty line, body\n";

const struct verb verb_verify = {
	.name = "verify",
	.words = "FILE",
	.text = "Check the signature of a body, or say why it is wrong",
	.more = more,
	.flags = flags,
	.words_min = 1,
	.words_max = 1,
	.config = true,
	.run = verify_run,
};
