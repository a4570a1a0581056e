/* Codes, and the sentences for them. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "server/base/log.h"
#include "server/diagnosis/diagnosis_private.h"

static const char *const names[] = {
	[DIAGNOSIS_SKIPPED] = "skipped",
	[DIAGNOSIS_VERIFIES_NOW] = "verifies_now",
	[DIAGNOSIS_SECRET_WRONG] = "secret_wrong",
	[DIAGNOSIS_SECRET_EXPIRED] = "secret_expired",
	[DIAGNOSIS_SECRET_NEWLINE] = "secret_newline",
	[DIAGNOSIS_SECRET_BLANKS] = "secret_blanks",
	[DIAGNOSIS_SECRET_QUOTED] = "secret_quoted",
	[DIAGNOSIS_SECRET_ASSIGNMENT] = "secret_assignment",
	[DIAGNOSIS_SECRET_BOM] = "secret_bom",
	[DIAGNOSIS_SECRET_ENCODED] = "secret_encoded",
	[DIAGNOSIS_SECRET_CASE] = "secret_case",
	[DIAGNOSIS_SECRET_EMPTY] = "secret_empty",
	[DIAGNOSIS_SECRET_ELSEWHERE] = "secret_elsewhere",
	[DIAGNOSIS_BODY_NEWLINE] = "body_newline",
	[DIAGNOSIS_BODY_LINE_ENDS] = "body_line_ends",
	[DIAGNOSIS_BODY_BOM] = "body_bom",
	[DIAGNOSIS_BODY_RESERIALISED] = "body_reserialised",
	[DIAGNOSIS_BODY_COMPRESSED] = "body_compressed",
	[DIAGNOSIS_BODY_EMPTY] = "body_empty",
	[DIAGNOSIS_BODY_TRUNCATED] = "body_truncated",
	[DIAGNOSIS_BODY_NOT_JSON] = "body_not_json",
	[DIAGNOSIS_BODY_OLD_DESIGN] = "body_old_design",
	[DIAGNOSIS_BODY_TOO_LARGE] = "body_too_large",
	[DIAGNOSIS_SIGNATURE_PADDED] = "signature_padded",
	[DIAGNOSIS_SIGNATURE_PREFIXED] = "signature_prefixed",
	[DIAGNOSIS_SIGNATURE_UPPERCASE] = "signature_uppercase",
	[DIAGNOSIS_SIGNATURE_BASE64] = "signature_base64",
	[DIAGNOSIS_SIGNATURE_OLD_SCHEME] = "signature_old_scheme",
	[DIAGNOSIS_SIGNATURE_OTHER_HASH] = "signature_other_hash",
	[DIAGNOSIS_SIGNATURE_MALFORMED] = "signature_malformed",
	[DIAGNOSIS_SIGNED_WITHOUT_KEY] = "signed_without_key",
	[DIAGNOSIS_SIGNED_MORE] = "signed_more",
	[DIAGNOSIS_HEADERS_MISSING] = "headers_missing",
	[DIAGNOSIS_HEADERS_EMPTY] = "headers_empty",
	[DIAGNOSIS_HEADERS_RENAMED] = "headers_renamed",
	[DIAGNOSIS_HEADERS_INVALID] = "headers_invalid",
	[DIAGNOSIS_JSON_INVALID] = "json_invalid",
	[DIAGNOSIS_ORDERS_TOO_MANY] = "orders_too_many",
	[DIAGNOSIS_ID_CONFLICT] = "id_conflict",
	[DIAGNOSIS_NOT_FOR_ENDPOINT] = "not_for_endpoint",
};
_Static_assert(sizeof(names) / sizeof(names[0]) == DIAGNOSIS_NCODES,
    "every code has a word");

/* Which variant of a secret is the right one: what that says of it. */
static const struct {
	enum diagnosis_code code;
	const char *before; /* the secret's name and source */
	const char *after;
} variants[] = {
	[SECRET_AS_IS] = { DIAGNOSIS_VERIFIES_NOW, "", "" },
	[SECRET_NO_NEWLINE] = { DIAGNOSIS_SECRET_NEWLINE, "",
	    " ends with a newline that the sender's has not; write it "
	    "without, by printf instead of echo" },
	[SECRET_TRIMMED] = { DIAGNOSIS_SECRET_BLANKS, "",
	    " has blanks or newlines around it that the sender's has not; "
	    "remove them" },
	[SECRET_UNQUOTED] = { DIAGNOSIS_SECRET_QUOTED, "",
	    " is in quotes, and the sender's is not; remove them" },
	[SECRET_UNASSIGNED] = { DIAGNOSIS_SECRET_ASSIGNMENT, "",
	    " begins with a NAME= that the sender's has not; leave only what "
	    "stands behind the sign" },
	[SECRET_NO_BOM] = { DIAGNOSIS_SECRET_BOM, "",
	    " begins with a byte order mark that the sender's has not; save "
	    "it without" },
	[SECRET_WITH_NEWLINE] = { DIAGNOSIS_SECRET_NEWLINE,
	    "the sender's secret ends with a newline that ",
	    " has not; have it entered there without, or end it here with "
	    "one (with two in a file, of which the last is dropped)" },
	[SECRET_WITH_CRLF] = { DIAGNOSIS_SECRET_NEWLINE,
	    "the sender's secret ends with a CRLF that ",
	    " has not; have it entered there without" },
	[SECRET_WITH_BLANK] = { DIAGNOSIS_SECRET_BLANKS,
	    "the sender's secret ends with a blank that ",
	    " has not; have it entered there without" },
	[SECRET_WITH_QUOTES] = { DIAGNOSIS_SECRET_QUOTED,
	    "the sender's secret is in quotes, and ",
	    " is not; have it entered there without" },
	[SECRET_WITH_APOSTROPHES] = { DIAGNOSIS_SECRET_QUOTED,
	    "the sender's secret is in quotes, and ",
	    " is not; have it entered there without" },
	[SECRET_FROM_HEX] = { DIAGNOSIS_SECRET_ENCODED,
	    "the sender signs with the bytes that the hex digits of ",
	    " stand for; put the decoded bytes into the secret's file" },
	[SECRET_FROM_BASE64] = { DIAGNOSIS_SECRET_ENCODED,
	    "the sender signs with the bytes that the base64 of ",
	    " stands for; put the decoded bytes into the secret's file" },
	[SECRET_TO_HEX] = { DIAGNOSIS_SECRET_ENCODED,
	    "the sender signs with the hex digits of the bytes of ",
	    "; use the secret as klikit gave it, without decoding it" },
	[SECRET_TO_UPPER_HEX] = { DIAGNOSIS_SECRET_ENCODED,
	    "the sender signs with the hex digits (A-F) of the bytes of ",
	    "; use the secret as klikit gave it, without decoding it" },
	[SECRET_TO_BASE64] = { DIAGNOSIS_SECRET_ENCODED,
	    "the sender signs with the base64 of the bytes of ",
	    "; use the secret as klikit gave it, without decoding it" },
	[SECRET_LOWER] = { DIAGNOSIS_SECRET_CASE, "the sender's secret is ",
	    " in small letters; copy it again, exactly" },
	[SECRET_UPPER] = { DIAGNOSIS_SECRET_CASE, "the sender's secret is ",
	    " in capital letters; copy it again, exactly" },
	[SECRET_EMPTY] = { DIAGNOSIS_SECRET_EMPTY, NULL,
	    "the sender signs with an empty secret: it has none set; enter "
	    "it there" },
};
_Static_assert(sizeof(variants) / sizeof(variants[0]) == SECRET_NVARIANTS,
    "every variant has a sentence");

static const struct {
	enum diagnosis_code code;
	const char *text;
} forms[] = {
	[SIGNATURE_EXACT] = { DIAGNOSIS_SECRET_WRONG, "" },
	[SIGNATURE_PADDED] = { DIAGNOSIS_SIGNATURE_PADDED,
	    "has blanks, quotes or 0x around its 64 digits" },
	[SIGNATURE_PREFIXED] = { DIAGNOSIS_SIGNATURE_PREFIXED,
	    "has a prefix, such as sha256=, before its digits" },
	[SIGNATURE_UPPERCASE] = { DIAGNOSIS_SIGNATURE_UPPERCASE,
	    "is in capital hex digits, and klikit's are small" },
	[SIGNATURE_BASE64] = { DIAGNOSIS_SIGNATURE_BASE64,
	    "is in base64, and klikit's is in hex" },
	[SIGNATURE_OLD_SCHEME] = { DIAGNOSIS_SIGNATURE_OLD_SCHEME,
	    "is of klikit's older scheme, t=...,v1=..., which signs a time "
	    "with the body" },
	[SIGNATURE_OTHER_HASH] = { DIAGNOSIS_SIGNATURE_OTHER_HASH,
	    "is as long as one by another hash" },
	[SIGNATURE_NONE] = { DIAGNOSIS_SIGNATURE_MALFORMED,
	    "is not 64 hex digits, nor anything else that is known" },
};

const char *
diagnosis_code_name(enum diagnosis_code code)
{
	return (names[code]);
}

enum diagnosis_code
diagnosis_form_code(enum signature_form form)
{
	return (forms[form].code);
}

const char *
diagnosis_form_text(enum signature_form form)
{
	return (forms[form].text);
}

static void
add(struct diagnosis_finding *ret, const char *fmt, va_list args)
{
	size_t len = strlen(ret->text);

	(void)vsnprintf(ret->text + len, sizeof(ret->text) - len, fmt, args);
}

void
diagnosis_say(struct diagnosis_finding *ret, enum diagnosis_code code,
    const char *fmt, ...)
{
	va_list args;

	ret->code = code;
	ret->known = false;
	ret->text[0] = '\0';
	va_start(args, fmt);
	add(ret, fmt, args);
	va_end(args);
}

void
diagnosis_add(struct diagnosis_finding *ret, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(ret, fmt, args);
	va_end(args);
}

void
diagnosis_skip(const char *why, struct diagnosis_finding *ret_finding)
{
	diagnosis_say(ret_finding, DIAGNOSIS_SKIPPED, "not examined: %s", why);
}

static bool
is_expired(const struct diagnosis *d, const struct diagnosis_secret *secret)
{
	return (secret->valid_until_ms != 0 &&
		secret->valid_until_ms < d->in->at_ms);
}

/* "secret NAME (SOURCE)"; both are the operator's own. */
static void
add_secret(struct diagnosis_finding *ret, const struct diagnosis_secret *secret)
{
	diagnosis_add(ret, "secret %s (%s)", log_text(secret->name),
	    log_text(secret->source));
}

static void
say_expired(const struct diagnosis_secret *secret,
    struct diagnosis_finding *ret)
{
	time_t until = (time_t)(secret->valid_until_ms / 1000);
	char stamp[32] = "";
	struct tm tm;

	if (gmtime_r(&until, &tm) != NULL)
		(void)strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &tm);
	diagnosis_say(ret, DIAGNOSIS_SECRET_EXPIRED,
	    "it is signed with an old secret: ");
	add_secret(ret, secret);
	diagnosis_add(ret,
	    " was valid until %s; have the sender take the new one, or set "
	    "valid_until later",
	    stamp);
}

/* Does it open another endpoint than the one that the delivery came to? */
static bool
is_elsewhere(const struct diagnosis *d, const struct diagnosis_secret *secret)
{
	return (d->in->endpoint != NULL &&
		(secret->endpoint == NULL ||
		    strcmp(secret->endpoint, d->in->endpoint) != 0));
}

/* Names of sections: the operator's own. */
static void
add_opens(const struct diagnosis *d, const struct diagnosis_secret *secret,
    struct diagnosis_finding *ret)
{
	if (secret->endpoint == NULL)
		diagnosis_add(ret, "opens no endpoint");
	else
		diagnosis_add(ret, "opens endpoint %s",
		    log_text(secret->endpoint));
	diagnosis_add(ret, ", and it came to endpoint %s",
	    log_text(d->in->endpoint));
}

static void
say_elsewhere(const struct diagnosis *d, const struct diagnosis_secret *secret,
    struct diagnosis_finding *ret)
{
	diagnosis_say(ret, DIAGNOSIS_SECRET_ELSEWHERE,
	    "its signature is right with ");
	add_secret(ret, secret);
	diagnosis_add(ret, ", but that ");
	add_opens(d, secret, ret);
	diagnosis_add(ret,
	    secret->endpoint == NULL
		? "; name the secret in the section of that one"
		: "; have klikit send it to the other one's URL, "
		  "or sign it with a secret of this one");
}

void
diagnosis_add_elsewhere(const struct diagnosis *d,
    const struct diagnosis_secret *secret, struct diagnosis_finding *ret)
{
	if (ret->code == DIAGNOSIS_SECRET_ELSEWHERE || !is_elsewhere(d, secret))
		return;
	diagnosis_add(ret, "; besides, that secret ");
	add_opens(d, secret, ret);
}

void
diagnosis_say_key(const struct diagnosis *d, const struct diagnosis_key *key,
    struct diagnosis_finding *ret)
{
	enum signature_form form = d->claim.form;
	enum secret_variant v = key->variant;

	if (v != SECRET_AS_IS) {
		diagnosis_say(ret, variants[v].code, "%s",
		    variants[v].before == NULL ? "" : variants[v].before);
		if (variants[v].before != NULL)
			add_secret(ret, key->secret);
		diagnosis_add(ret, "%s", variants[v].after);
	} else if (is_expired(d, key->secret))
		say_expired(key->secret, ret);
	else if (form == SIGNATURE_EXACT && is_elsewhere(d, key->secret))
		say_elsewhere(d, key->secret, ret);
	else if (form == SIGNATURE_EXACT) {
		diagnosis_say(ret, DIAGNOSIS_VERIFIES_NOW,
		    "its signature is right with ");
		add_secret(ret, key->secret);
		diagnosis_add(ret, ", which was not in force yet when it came");
	} else {
		diagnosis_say(ret, forms[form].code,
		    "the signature %s; "
		    "secret and body are right, so only the sender's way of "
		    "writing it has to change: 64 hex digits 0-9 a-f",
		    forms[form].text);
		return;
	}
	if (form != SIGNATURE_EXACT)
		diagnosis_add(ret, "; besides, the signature %s",
		    forms[form].text);
}
