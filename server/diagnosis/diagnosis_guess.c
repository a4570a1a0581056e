/*
 * The likely cause, where no key can prove one: guessed from the headers, the
 * form of the signature, and what the body looks like.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/base/log.h"
#include "server/diagnosis/diagnosis_private.h"
#include "store/base/parse.h"

#define SQUEEZED_MAX 64

/* -- The body -- */

/* What its first bytes, or a header, say of its compression; NULL: none. */
static const char *
compression(const struct diagnosis_input *in, bool *ret_by_header)
{
	static const struct {
		const char *magic;
		size_t len;
		const char *name;
	} kinds[] = { { "\x1f\x8b", 2, "gzip" },
		{ "\x28\xb5\x2f\xfd", 4, "zstd" }, { "\x78\x01", 2, "deflate" },
		{ "\x78\x9c", 2, "deflate" }, { "\x78\xda", 2, "deflate" } };
	static const char *const codings[] = { "gzip", "x-gzip", "deflate",
		"br", "zstd", "compress" };
	const char *value = diagnosis_header_get(in, "content-encoding");

	*ret_by_header = false;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (in->body_len >= kinds[i].len &&
		    memcmp(in->body, kinds[i].magic, kinds[i].len) == 0)
			return (kinds[i].name);
	*ret_by_header = true;
	for (size_t i = 0;
	     value != NULL && i < sizeof(codings) / sizeof(*codings); i++)
		if (strcasecmp(value, codings[i]) == 0)
			return (codings[i]);
	return (NULL);
}

/* A member of the body's object, by its name. */
static bool
has_member(const struct json_tree *tree, const char *name)
{
	const struct json_node *nodes = tree->nodes, *m;

	if (tree->nnodes == 0 || nodes[0].kind != JSON_KIND_OBJECT)
		return (false);
	for (uint32_t i = nodes[0].child; i != JSON_TREE_NONE; i = m->next) {
		m = &nodes[i];
		if (m->key_len == strlen(name) + 2 &&
		    memcmp(tree->text + m->key_at + 1, name, strlen(name)) == 0)
			return (true);
	}
	return (false);
}

/* Is the body shorter than its header says? (In files; not from a socket.) */
static bool
is_short(const struct diagnosis_input *in)
{
	const char *value = diagnosis_header_get(in, "content-length");
	int64_t len;

	return (value != NULL && parse_int(value, 0, INT64_MAX, &len) == 0 &&
		in->size < (uint64_t)len);
}

/* What is wrong with the body itself; false: nothing that can be seen. */
static bool
guess_body(struct diagnosis *d, struct diagnosis_finding *ret)
{
	const struct diagnosis_input *in = d->in;
	enum json_tree_rc rc;
	const char *kind;
	bool by_header;

	if (in->size == 0) {
		diagnosis_say(ret, DIAGNOSIS_BODY_EMPTY,
		    "the body is empty; look for a redirect, a proxy or a "
		    "script on the way that drops it");
		return (true);
	}
	if ((kind = compression(in, &by_header)) != NULL) {
		diagnosis_say(ret, DIAGNOSIS_BODY_COMPRESSED,
		    by_header && in->body_len > 0 &&
			    strchr("{[ ", *(const char *)in->body) != NULL
			? "its Content-Encoding is %s, but the body is plain: "
			  "a proxy on the way unpacked it, which changed the "
			  "bytes that were signed"
			: "the body is compressed (%s), and klikit signs and "
			  "sends it plain; turn off the compression of "
			  "requests "
			  "on the way",
		    kind);
		return (true);
	}
	if (is_short(in)) {
		diagnosis_say(ret, DIAGNOSIS_BODY_TRUNCATED,
		    "the body is shorter than its Content-Length says; look "
		    "for a limit on the way that cuts it");
		return (true);
	}
	if (!diagnosis_is_whole(d->in))
		return (false);
	rc = diagnosis_body_read(&d->body, &d->work);
	if (rc == JSON_TREE_CUT) {
		diagnosis_say(ret, DIAGNOSIS_BODY_TRUNCATED,
		    "the body ends in the middle of its JSON; look for a limit "
		    "on the way that cuts it after %zu bytes",
		    in->size);
		return (true);
	}
	if (rc == JSON_TREE_BAD) {
		diagnosis_say(ret, DIAGNOSIS_BODY_NOT_JSON,
		    "the body is no JSON from its byte %zu on; what came is "
		    "not what klikit sends",
		    d->body.tree.wrong_at + 1 +
			(size_t)(d->body.tree.text - d->body.bytes));
		return (true);
	}
	return (false);
}

/* -- A signature that nothing makes right -- */

/* Headers that proxies leave, to be named; the first one that is there. */
static const char *
proxy_header(const struct diagnosis_input *in)
{
	static const char *const names[] = { "Via", "Forwarded",
		"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto",
		"X-Forwarded-Server", "X-Real-IP", "CF-Ray", "CDN-Loop",
		"True-Client-IP", "X-Amzn-Trace-Id", "X-Envoy-External-Address",
		"X-Request-Start" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (diagnosis_header_get(in, names[i]) != NULL)
			return (names[i]);
	return (NULL);
}

static void
guess_form(const struct diagnosis *d, struct diagnosis_finding *ret)
{
	const struct signature_claim *c = &d->claim;
	bool is_whole = diagnosis_is_whole(d->in);

	if (c->form == SIGNATURE_OTHER_HASH)
		diagnosis_say(ret, DIAGNOSIS_SIGNATURE_OTHER_HASH,
		    "the signature is as long as one by %s; klikit signs with "
		    "HMAC-SHA256, in 64 hex digits",
		    c->hash);
	else if (c->form == SIGNATURE_NONE)
		diagnosis_say(ret, DIAGNOSIS_SIGNATURE_MALFORMED,
		    "the signature %s; klikit's is 64 hex digits 0-9 a-f",
		    diagnosis_form_text(c->form));
	else
		diagnosis_say(ret, diagnosis_form_code(c->form),
		    is_whole
			? "the signature %s; and even so none of the secrets "
			  "matches"
			: "the signature %s; the body is too large to check "
			  "whether the signature is right otherwise",
		    diagnosis_form_text(c->form));
}

/* Nothing is known but that no secret matches. */
static void
guess_secret(const struct diagnosis *d, struct diagnosis_finding *ret)
{
	size_t n = diagnosis_keys_secrets(d->keys);
	const char *proxy = proxy_header(d->in);

	diagnosis_say(ret, DIAGNOSIS_SECRET_WRONG,
	    n == 1 ? "the configured secret does not match, nor any variant "
		     "of it or of the body: probably the sender has another "
		     "one; compare it with klikit's"
		   : "none of the %zu configured secrets matches, nor any "
		     "variant of them or of the body: probably the sender has "
		     "another one; compare them with klikit's",
	    n);
	if (proxy != NULL)
		diagnosis_add(ret,
		    " (it came through a proxy, as %s says, which may have "
		    "changed the body)",
		    proxy);
}

void
diagnosis_guess(struct diagnosis *d, struct diagnosis_finding *ret)
{
	if (diagnosis_keys_secrets(d->keys) == 0) {
		diagnosis_say(ret, DIAGNOSIS_SECRET_WRONG,
		    "no webhook secret is configured here: events come from "
		    "hubs only, so that nobody can deliver; klikit is to "
		    "deliver to the hub");
		return;
	}
	if (guess_body(d, ret)) {
		if (d->claim.form != SIGNATURE_EXACT)
			diagnosis_add(ret, "; besides, the signature %s",
			    diagnosis_form_text(d->claim.form));
		return;
	}
	if (d->body.read && d->body.rc == JSON_TREE_OK &&
	    has_member(&d->body.tree, "event_id") &&
	    has_member(&d->body.tree, "data"))
		diagnosis_say(ret, DIAGNOSIS_BODY_OLD_DESIGN,
		    "the body is of klikit's older design (event_id, data), "
		    "and no secret matches; ask klikit for its present "
		    "webhooks");
	else if (d->claim.form != SIGNATURE_EXACT)
		guess_form(d, ret);
	else if (!diagnosis_is_whole(d->in))
		diagnosis_say(ret, DIAGNOSIS_BODY_TOO_LARGE,
		    "no secret matches the body as it came, and it is too "
		    "large to find out what changed it; try klikitd verify "
		    "with a smaller delivery");
	else
		guess_secret(d, ret);
}

/* -- Headers -- */

/* klikit's headers, and what they look like without punctuation. */
static const struct {
	const char *name;
	const char *squeezed[3]; /* any of them in another name */
} wanted[] = {
	{ "x-klikit-signature", { "klikitsignature", "webhooksignature" } },
	{ "x-klikit-event-id",
	    { "klikiteventid", "klikitwebhookid", "klikitid" } },
	{ "x-klikit-event-type", { "klikiteventtype", "klikitevent" } },
};
#define NWANTED (sizeof(wanted) / sizeof(wanted[0]))

/* The letters and digits of a name, in small letters. */
static void
squeeze(const char *name, char ret_text[SQUEEZED_MAX])
{
	size_t n = 0;

	for (; *name != '\0' && n < SQUEEZED_MAX - 1; name++)
		if (isalnum((unsigned char)*name))
			ret_text[n++] = (char)tolower((unsigned char)*name);
	ret_text[n] = '\0';
}

/* Is it one of those that are wanted, under its right name? */
static bool
is_wanted(const char *name)
{
	for (size_t i = 0; i < NWANTED; i++)
		if (strcasecmp(name, wanted[i].name) == 0)
			return (true);
	return (false);
}

/* The name of a header that looks like a missing one; NULL if none does. */
static const char *
lookalike(const struct diagnosis_input *in, size_t which)
{
	char squeezed[SQUEEZED_MAX];
	const char *part;

	for (size_t i = 0; i < in->nheaders; i++) {
		if (is_wanted(in->headers[i].name))
			continue;
		squeeze(in->headers[i].name, squeezed);
		for (size_t k = 0; k < 3; k++) {
			part = wanted[which].squeezed[k];
			if (part != NULL && strstr(squeezed, part) != NULL)
				return (in->headers[i].name);
		}
	}
	return (NULL);
}

static void
guess_missing(const struct diagnosis *d, struct diagnosis_finding *ret)
{
	const char *value, *renamed = NULL, *instead = NULL;
	size_t nmissing = 0, nempty = 0;
	char missing[96] = "";

	for (size_t i = 0; i < NWANTED; i++) {
		value = diagnosis_header_get(d->in, wanted[i].name);
		if (value != NULL && *value != '\0')
			continue;
		nempty += value != NULL;
		(void)snprintf(missing + strlen(missing),
		    sizeof(missing) - strlen(missing), "%s%s",
		    nmissing++ > 0 ? ", " : "", wanted[i].name);
		if (instead == NULL && (instead = lookalike(d->in, i)) != NULL)
			renamed = wanted[i].name;
	}
	if (instead != NULL)
		diagnosis_say(ret, DIAGNOSIS_HEADERS_RENAMED,
		    "%s is missing, and a header %.80s came instead: a proxy "
		    "renamed it, or the sender uses an older name; have the "
		    "names of headers left alone",
		    renamed, log_text(instead));
	else if (nempty == nmissing)
		diagnosis_say(ret, DIAGNOSIS_HEADERS_EMPTY,
		    "%s came without a value; look for a proxy on the way "
		    "that empties headers",
		    missing);
	else if (nmissing == NWANTED)
		diagnosis_say(ret, DIAGNOSIS_HEADERS_MISSING,
		    "none of klikit's three headers came: this is no delivery "
		    "of klikit's, or a proxy drops headers it does not know; "
		    "have it pass on all x-klikit-*");
	else
		diagnosis_say(ret, DIAGNOSIS_HEADERS_MISSING,
		    "of klikit's three headers these are missing: %s; have "
		    "the sender, or the proxy on the way, pass them on, too",
		    missing);
}

void
diagnosis_guess_headers(const struct diagnosis *d,
    struct diagnosis_finding *ret)
{
	if (d->in->cause == REJECT_HEADERS_MISSING)
		guess_missing(d, ret);
	else
		diagnosis_say(ret, DIAGNOSIS_HEADERS_INVALID,
		    "the event id or the event type is over 255 bytes long, "
		    "not in printable ASCII, or begins with klikitd.; klikit "
		    "sends short plain words");
}

/* -- Signed bodies that are no document -- */

void
diagnosis_guess_json(struct diagnosis *d, struct diagnosis_finding *ret)
{
	if (d->in->size == 0)
		diagnosis_say(ret, DIAGNOSIS_BODY_EMPTY,
		    "its signature is right, but its body is empty; ask the "
		    "sender what it meant to send");
	else if (diagnosis_body_read(&d->body, &d->work) == JSON_TREE_OK &&
		 d->body.tree.text != d->body.bytes)
		diagnosis_say(ret, DIAGNOSIS_BODY_BOM,
		    "its signature is right, but a byte order mark stands "
		    "before "
		    "its JSON, which JSON may not have; ask the sender to "
		    "leave it out");
	else if (d->body.rc == JSON_TREE_OK || d->body.rc == JSON_TREE_BIG)
		diagnosis_say(ret, DIAGNOSIS_JSON_INVALID,
		    "its signature is right, but its body is not an object or "
		    "an "
		    "array, or is nested too deeply; ask the sender what it "
		    "meant to send");
	else if (guess_body(d, ret))
		diagnosis_add(ret, " (its signature is right: so the sender "
				   "signed it like that)");
	else
		diagnosis_say(ret, DIAGNOSIS_JSON_INVALID,
		    "its signature is right, but its body is no JSON that can "
		    "be "
		    "read; ask the sender what it meant to send");
}
