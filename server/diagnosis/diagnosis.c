/*
 * The hypotheses stand in one table, the likely and cheap ones first; the
 * first that makes the signature right is the finding. What they need is
 * bounded: some sixty forms of the body under the configured secrets, and the
 * body as it came under all variants of them.
 */
#include <stdlib.h>
#include <string.h>

#include "server/diagnosis/diagnosis_private.h"

/* What a message is tried with. */
enum keys {
	KEYS_CONFIGURED, /* each secret as it stands, expired ones too */
	KEYS_VARIANTS,   /* what may have become of them */
	KEYS_NONE        /* a plain SHA-256 */
};

#define PASS_IT_ON "; let it pass the body on byte for byte"

/* A match is explained by code and text; none: by the key, see say(). */
static const struct hypothesis {
	enum diagnosis_message message;
	enum keys keys;
	enum diagnosis_code code;
	const char *text;
} hypotheses[] = {
	{ MESSAGE_BODY, KEYS_CONFIGURED, DIAGNOSIS_NCODES, NULL },
	{ MESSAGE_TIME_BODY, KEYS_CONFIGURED, DIAGNOSIS_SIGNATURE_OLD_SCHEME,
	    "the sender uses klikit's older scheme, t=...,v1=..., which signs "
	    "a time with the body, and the secret is right; ask klikit to "
	    "send the present one, a hex HMAC of the body alone" },
	{ MESSAGE_BODY, KEYS_VARIANTS, DIAGNOSIS_NCODES, NULL },
	{ MESSAGE_BODY, KEYS_NONE, DIAGNOSIS_SIGNED_WITHOUT_KEY,
	    "the signature is a plain SHA-256 of the body, made without any "
	    "secret; the sender has to compute an HMAC with it" },
	{ MESSAGE_ID_BODY, KEYS_CONFIGURED, DIAGNOSIS_SIGNED_MORE,
	    "the sender signed the event id together with the body; klikit "
	    "signs the body alone" },
	{ MESSAGE_ID_DOT_BODY, KEYS_CONFIGURED, DIAGNOSIS_SIGNED_MORE,
	    "the sender signed the event id, a full stop and the body; klikit "
	    "signs the body alone" },
	{ MESSAGE_NO_NEWLINE, KEYS_CONFIGURED, DIAGNOSIS_BODY_NEWLINE,
	    "a newline was added at the end of the body after it had been "
	    "signed; look for a proxy or a script on the way" PASS_IT_ON },
	{ MESSAGE_NO_BLANKS, KEYS_CONFIGURED, DIAGNOSIS_BODY_NEWLINE,
	    "blanks or line ends were added at the end of the body after it "
	    "had been signed; look for a proxy on the way" PASS_IT_ON },
	{ MESSAGE_NEWLINE, KEYS_CONFIGURED, DIAGNOSIS_BODY_NEWLINE,
	    "the newline at the end of the signed body was cut off on the "
	    "way (curl needs --data-binary, not -d)" PASS_IT_ON },
	{ MESSAGE_CRLF_END, KEYS_CONFIGURED, DIAGNOSIS_BODY_NEWLINE,
	    "the line end at the end of the signed body was cut off on the "
	    "way (curl needs --data-binary, not -d)" PASS_IT_ON },
	{ MESSAGE_LF, KEYS_CONFIGURED, DIAGNOSIS_BODY_LINE_ENDS,
	    "the line ends of the body were LF when it was signed, and are "
	    "CRLF now; look for a proxy or a script on the way" PASS_IT_ON },
	{ MESSAGE_CRLF, KEYS_CONFIGURED, DIAGNOSIS_BODY_LINE_ENDS,
	    "the line ends of the body were CRLF when it was signed, and are "
	    "LF now; look for a proxy or a script on the way" PASS_IT_ON },
	{ MESSAGE_NO_BOM, KEYS_CONFIGURED, DIAGNOSIS_BODY_BOM,
	    "a byte order mark was put before the body after it had been "
	    "signed; look for a proxy or a script on the way" PASS_IT_ON },
	{ MESSAGE_BOM, KEYS_CONFIGURED, DIAGNOSIS_BODY_BOM,
	    "the byte order mark before the signed body was taken off on the "
	    "way" PASS_IT_ON },
	{ MESSAGE_JSON, KEYS_CONFIGURED, DIAGNOSIS_BODY_RESERIALISED, NULL },
};
#define NHYPOTHESES (sizeof(hypotheses) / sizeof(hypotheses[0]))

struct diagnosis *
diagnosis_new(const struct diagnosis_input *in,
    const struct diagnosis_keys *keys)
{
	struct diagnosis *d;
	const char *value;

	if ((d = calloc(1, sizeof(*d))) == NULL)
		return (NULL);
	d->in = in;
	d->keys = keys;
	d->body.bytes = in->body;
	d->body.len = in->body_len;
	value = diagnosis_header_get(in, "x-klikit-signature");
	signature_form_read(value == NULL ? "" : value, &d->claim);
	return (d);
}

void
diagnosis_free(struct diagnosis *d)
{
	if (d == NULL)
		return;
	diagnosis_body_fini(&d->body);
	free(d);
}

/* On to the next message: the row's next style, or the next row. */
static void
advance(struct diagnosis *d)
{
	d->made = false;
	d->key = 0;
	if (hypotheses[d->row].message == MESSAGE_JSON &&
	    d->style + 1 < diagnosis_body_styles()) {
		d->style++;
		return;
	}
	d->style = 0;
	d->row++;
}

/*
 * Make the message of the place where d is, going on past those that there
 * are none of. Returns false at the end; true also when the work is used up.
 */
static bool
make(struct diagnosis *d, size_t work_max)
{
	while (!d->made && d->row < NHYPOTHESES && d->work < work_max) {
		d->made = diagnosis_body_make(d, hypotheses[d->row].message,
		    d->style, &d->segs);
		if (!d->made)
			advance(d);
	}
	return (d->row < NHYPOTHESES);
}

/* The next key that the row is for; NULL if there is none left. */
static const struct diagnosis_key *
next_key(struct diagnosis *d, enum keys keys)
{
	const struct diagnosis_key *key;

	while (d->key < diagnosis_keys_count(d->keys)) {
		key = diagnosis_keys_at(d->keys, d->key++);
		if ((key->variant == SECRET_AS_IS) == (keys == KEYS_CONFIGURED))
			return (key);
	}
	return (NULL);
}

static void
say(const struct diagnosis *d, const struct hypothesis *h,
    const struct diagnosis_key *key, struct diagnosis_finding *ret)
{
	char style[160];

	if (h->code == DIAGNOSIS_NCODES) {
		diagnosis_say_key(d, key, ret);
		return;
	}
	if (h->text != NULL)
		diagnosis_say(ret, h->code, "%s", h->text);
	else {
		diagnosis_body_describe(d->style, style, sizeof(style));
		diagnosis_say(ret, h->code,
		    "the body was parsed and printed anew after it had been "
		    "signed: what was signed is the same JSON %s; look for a "
		    "proxy or gateway on the way" PASS_IT_ON,
		    style);
	}
	if (d->claim.form != SIGNATURE_EXACT &&
	    d->claim.form != SIGNATURE_OLD_SCHEME)
		diagnosis_add(ret, "; besides, the signature %s",
		    diagnosis_form_text(d->claim.form));
}

/* A plain hash, which only a message of one piece can have. */
static bool
matches_hash(struct diagnosis *d)
{
	unsigned char digest[SIGNATURE_LEN];

	d->work += d->segs.len;
	return (signature_sha256(d->segs.list[0].iov_base,
		    d->segs.list[0].iov_len, digest) == 0 &&
		signature_equal(digest, d->claim.mac));
}

/* Does the message match under one of the row's keys that are left? */
static bool
try_keys(struct diagnosis *d, size_t work_max, struct diagnosis_finding *ret)
{
	const struct hypothesis *h = &hypotheses[d->row];
	const struct diagnosis_key *key = NULL;
	unsigned char mac[SIGNATURE_LEN];

	if (h->keys == KEYS_NONE) {
		if (!matches_hash(d)) {
			advance(d);
			return (false);
		}
		say(d, h, NULL, ret);
		return (true);
	}
	while (d->work < work_max) {
		if ((key = next_key(d, h->keys)) == NULL) {
			advance(d);
			return (false);
		}
		d->work += d->segs.len + SIGNATURE_LEN;
		if (signature_mac(key->key, d->segs.list, d->segs.n, mac) ==
			0 &&
		    signature_equal(mac, d->claim.mac)) {
			say(d, h, key, ret);
			diagnosis_add_elsewhere(d, key->secret, ret);
			/* With an empty one anybody can sign. */
			ret->known = key->variant != SECRET_EMPTY;
			return (true);
		}
	}
	return (false);
}

bool
diagnosis_by_cause(enum reject_cause cause,
    struct diagnosis_finding *ret_finding)
{
	switch (cause) {
	case REJECT_TOO_MANY_ORDERS:
		diagnosis_say(ret_finding, DIAGNOSIS_ORDERS_TOO_MANY,
		    "its signature is right, but it has more orders than one "
		    "event may; ask klikit to send fewer at a time");
		return (true);
	case REJECT_ID_CONFLICT:
		diagnosis_say(ret_finding, DIAGNOSIS_ID_CONFLICT,
		    "its signature is right, but its event id is that of an "
		    "earlier event with another body, which stays; compare "
		    "the two, and process this one by hand if it is new");
		return (true);
	case REJECT_NOT_FOR_ENDPOINT:
		diagnosis_say(ret_finding, DIAGNOSIS_NOT_FOR_ENDPOINT,
		    "its signature is right, but its type, brand or branch is "
		    "none that this endpoint takes; compare klikit's "
		    "registration of this URL with events, brands and branches "
		    "of the endpoint's section");
		return (true);
	case REJECT_HEADERS_MISSING:
	case REJECT_HEADERS_INVALID:
	case REJECT_SIGNATURE:
	case REJECT_INVALID_JSON:
	case REJECT_NCAUSES:
		break;
	}
	return (false);
}

/* The causes that no key decides. */
static bool
decided_at_once(struct diagnosis *d, struct diagnosis_finding *ret)
{
	switch (d->in->cause) {
	case REJECT_HEADERS_MISSING:
	case REJECT_HEADERS_INVALID:
		diagnosis_guess_headers(d, ret);
		return (true);
	case REJECT_INVALID_JSON:
		diagnosis_guess_json(d, ret);
		return (true);
	case REJECT_TOO_MANY_ORDERS:
	case REJECT_ID_CONFLICT:
	case REJECT_NOT_FOR_ENDPOINT:
		return (diagnosis_by_cause(d->in->cause, ret));
	case REJECT_SIGNATURE:
	case REJECT_NCAUSES:
		break;
	}
	return (false);
}

bool
diagnosis_run(struct diagnosis *d, size_t work_max,
    struct diagnosis_finding *ret_finding)
{
	d->work = 0;
	if (decided_at_once(d, ret_finding))
		return (true);
	while (d->claim.has_mac && diagnosis_is_whole(d->in) &&
	       make(d, work_max)) {
		if (d->work >= work_max)
			return (false);
		if (try_keys(d, work_max, ret_finding))
			return (true);
	}
	diagnosis_guess(d, ret_finding);
	return (true);
}
