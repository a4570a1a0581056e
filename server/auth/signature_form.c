#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "server/auth/signature_form.h"
#include "store/base/base64.h"
#include "store/base/hex.h"

/* A part of the value. */
struct part {
	const char *at;
	size_t len;
};

/* Without blanks and quotes around it. */
static struct part
strip(struct part p)
{
	while (p.len > 0 && strchr(" \t\"'", p.at[0]) != NULL) {
		p.at++;
		p.len--;
	}
	while (p.len > 0 && strchr(" \t\"'", p.at[p.len - 1]) != NULL)
		p.len--;
	return (p);
}

static bool
begins(struct part p, const char *text)
{
	return (
	    p.len > strlen(text) && strncasecmp(p.at, text, strlen(text)) == 0);
}

static struct part
after(struct part p, size_t n)
{
	return ((struct part){ p.at + n, p.len - n });
}

static bool
all_hex(struct part p)
{
	for (size_t i = 0; i < p.len; i++)
		if (!isxdigit((unsigned char)p.at[i]))
			return (false);
	return (true);
}

/* 64 hex digits of any case. Returns the form, or SIGNATURE_NONE. */
static enum signature_form
read_hex(struct part p, unsigned char ret_mac[SIGNATURE_LEN])
{
	enum signature_form form = SIGNATURE_EXACT;
	char text[SIGNATURE_TEXT_LEN];

	if (p.len != SIGNATURE_TEXT_LEN || !all_hex(p))
		return (SIGNATURE_NONE);
	for (size_t i = 0; i < sizeof(text); i++) {
		text[i] = (char)tolower((unsigned char)p.at[i]);
		if (text[i] != p.at[i])
			form = SIGNATURE_UPPERCASE;
	}
	(void)hex_decode(text, SIGNATURE_LEN, ret_mac);
	return (form);
}

/* Base64 of the MAC, or of the digits that klikit sends. */
static enum signature_form
read_base64(struct part p, unsigned char ret_mac[SIGNATURE_LEN])
{
	unsigned char bytes[BASE64_BYTES_MAX(88)];
	size_t len;

	if (p.len > 88 || base64_decode(p.at, p.len, bytes, &len) == -1)
		return (SIGNATURE_NONE);
	if (len == SIGNATURE_LEN) {
		memcpy(ret_mac, bytes, SIGNATURE_LEN);
		return (SIGNATURE_BASE64);
	}
	if (len == SIGNATURE_TEXT_LEN &&
	    read_hex((struct part){ (char *)bytes, len }, ret_mac) !=
		SIGNATURE_NONE)
		return (SIGNATURE_BASE64);
	return (SIGNATURE_NONE);
}

/* The hash that has so many hex digits; NULL if there is none. */
static const char *
hash_of_length(struct part p)
{
	static const struct {
		size_t len;
		const char *name;
	} hashes[] = { { 32, "MD5" }, { 40, "SHA-1" }, { 96, "SHA-384" },
		{ 128, "SHA-512" } };

	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++)
		if (p.len == hashes[i].len && all_hex(p))
			return (hashes[i].name);
	return (NULL);
}

/* The item NAME=... of a list with commas; empty if there is none. */
static struct part
item(struct part p, const char *name)
{
	const char *comma;
	struct part one;

	while (p.len > 0) {
		comma = memchr(p.at, ',', p.len);
		one.at = p.at;
		one.len = comma == NULL ? p.len : (size_t)(comma - p.at);
		p = after(p, one.len + (comma != NULL));
		one = strip(one);
		if (begins(one, name))
			return (strip(after(one, strlen(name))));
	}
	return ((struct part){ "", 0 });
}

/* klikit's older scheme: "t=TIME,v1=MAC", the MAC over the time as well. */
static bool
read_old_scheme(struct part p, struct signature_claim *claim)
{
	struct part time = item(p, "t="), mac = item(p, "v1=");

	if (time.len == 0 || mac.len == 0)
		return (false);
	claim->form = SIGNATURE_OLD_SCHEME;
	claim->has_mac = read_hex(mac, claim->mac) != SIGNATURE_NONE;
	if (time.len < sizeof(claim->time))
		memcpy(claim->time, time.at, time.len);
	return (true);
}

/* Names of the hash before the value: their length, or 0. */
static size_t
prefix_len(struct part p)
{
	static const char *const prefixes[] = { "sha256=", "sha256:",
		"sha-256=", "hmac-sha256=", "hmac-sha256 ",
		"hmacsha256=", "hmac=", "v1=", "v1,",
		"v0=", "signature=", "sha1=", "sha512=" };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (begins(p, prefixes[i]))
			return (strlen(prefixes[i]));
	return (0);
}

void
signature_form_read(const char *value, struct signature_claim *ret_claim)
{
	struct part whole = { value, strlen(value) }, p = strip(whole);
	enum signature_form outer = SIGNATURE_EXACT, inner;
	size_t prefix;

	*ret_claim = (struct signature_claim){ .form = SIGNATURE_NONE };
	if (read_old_scheme(p, ret_claim))
		return;
	if ((prefix = prefix_len(p)) > 0) {
		outer = SIGNATURE_PREFIXED;
		p = strip(after(p, prefix));
	} else if (begins(p, "0x")) {
		outer = SIGNATURE_PADDED;
		p = after(p, 2);
	} else if (p.len != whole.len)
		outer = SIGNATURE_PADDED;

	inner = read_hex(p, ret_claim->mac);
	if (inner == SIGNATURE_NONE)
		inner = read_base64(p, ret_claim->mac);
	ret_claim->has_mac = inner != SIGNATURE_NONE;
	if (ret_claim->has_mac)
		ret_claim->form = outer == SIGNATURE_EXACT ? inner : outer;
	else if ((ret_claim->hash = hash_of_length(p)) != NULL)
		ret_claim->form = SIGNATURE_OTHER_HASH;
	else if (outer == SIGNATURE_PREFIXED)
		ret_claim->form = outer;
}
