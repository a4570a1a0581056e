#include "handlers/queue/aws_profile.h"

#include <string.h>

#define BLANKS " \t\r\v\f"

/* A piece of the file. */
struct piece {
	const char *at;
	size_t len;
};

static bool
is_blank(char c)
{
	return (c != '\0' && strchr(BLANKS, c) != NULL);
}

static struct piece
trim(struct piece p)
{
	while (p.len > 0 && is_blank(p.at[0])) {
		p.at++;
		p.len--;
	}
	while (p.len > 0 && is_blank(p.at[p.len - 1]))
		p.len--;
	return (p);
}

static bool
is_text(struct piece p, const char *text)
{
	return (p.len == strlen(text) && memcmp(p.at, text, p.len) == 0);
}

/* Cut a comment off: a mark at the beginning or behind a blank begins one. */
static struct piece
without_comment(struct piece p)
{
	for (size_t i = 0; i < p.len; i++) {
		if ((p.at[i] == '#' || p.at[i] == ';') &&
		    (i == 0 || is_blank(p.at[i - 1])))
			p.len = i;
	}
	return (trim(p));
}

/* "[profile NAME]", "[NAME]": is it the section of that name? */
static bool
is_section(struct piece line, const char *name, enum aws_profile_file file)
{
	const char *end = memchr(line.at, ']', line.len);
	struct piece p = { line.at + 1, 0 };
	bool prefixed = false;

	if (end == NULL)
		return (false);
	p.len = (size_t)(end - p.at);
	p = trim(p);
	if (p.len > 7 && memcmp(p.at, "profile", 7) == 0 && is_blank(p.at[7])) {
		prefixed = true;
		p = trim((struct piece){ p.at + 7, p.len - 7 });
	}
	if (p.len >= 2 && (p.at[0] == '"' || p.at[0] == '\'') &&
	    p.at[p.len - 1] == p.at[0])
		p = (struct piece){ p.at + 1, p.len - 2 };
	if (!is_text(p, name))
		return (false);
	switch (file) {
	case AWS_PROFILE_CREDENTIALS:
		return (!prefixed);
	case AWS_PROFILE_CONFIG:
		return (prefixed || strcmp(name, "default") == 0);
	}
	return (false);
}

/* Set a field; the last of several lines counts. */
static void
profile_fill(struct aws_profile *p, char *field, size_t max, struct piece value)
{
	for (size_t i = 0; i < value.len; i++) {
		if (value.at[i] <= ' ' || value.at[i] > '~' ||
		    value.len > max) {
			p->odd = true;
			return;
		}
	}
	if (value.len > 0)
		memcpy(field, value.at, value.len);
	field[value.len] = '\0';
}

/* One setting of the profile. */
static void
profile_take(struct aws_profile *p, struct piece name, struct piece value)
{
	static const char *const others[] = { "role_arn", "credential_process",
		"sso_session", "sso_start_url", "web_identity_token_file" };

	if (is_text(name, "aws_access_key_id"))
		profile_fill(p, p->id, AWS_KEY_ID_MAX, value);
	else if (is_text(name, "aws_secret_access_key"))
		profile_fill(p, p->secret, AWS_SECRET_MAX, value);
	else if (is_text(name, "aws_session_token"))
		profile_fill(p, p->token, AWS_TOKEN_MAX, value);
	else if (is_text(name, "region"))
		profile_fill(p, p->region, AWS_REGION_MAX, value);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (is_text(name, others[i]))
			p->beyond = others[i];
	}
}

/* A line that is not indented. Returns whether the section is the profile's. */
static bool
profile_line(struct aws_profile *p, struct piece line, bool inside,
    const char *name, enum aws_profile_file file)
{
	struct piece value;
	const char *equals;

	line = without_comment(line);
	if (line.len == 0)
		return (inside);
	if (line.at[0] == '[') {
		inside = is_section(line, name, file);
		p->found = p->found || inside;
		return (inside);
	}
	if (!inside || (equals = memchr(line.at, '=', line.len)) == NULL)
		return (inside);
	value.at = equals + 1;
	value.len = (size_t)(line.at + line.len - value.at);
	profile_take(p,
	    trim((struct piece){ line.at, (size_t)(equals - line.at) }),
	    trim(value));
	return (inside);
}

void
aws_profile_read(struct aws_profile *p, const char *text, size_t len,
    const char *name, enum aws_profile_file file)
{
	const char *end = text + len, *newline;
	struct aws_profile here = { .found = false };
	bool inside = false;

	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		text += 3; /* an editor's mark */
	for (; text < end; text = newline + 1) {
		newline = memchr(text, '\n', (size_t)(end - text));
		if (newline == NULL)
			newline = end;
		if (!is_blank(text[0]))
			inside = profile_line(&here,
			    (struct piece){ text, (size_t)(newline - text) },
			    inside, name, file);
		if (newline == end)
			break;
	}
	p->found = p->found || here.found;
	p->odd = p->odd || here.odd;
	if (p->beyond == NULL)
		p->beyond = here.beyond;
	if (p->region[0] == '\0')
		(void)strcpy(p->region, here.region);
	/* An id and its secret belong together: they come from one file. */
	if (p->id[0] == '\0' || p->secret[0] == '\0') {
		(void)strcpy(p->id, here.id);
		(void)strcpy(p->secret, here.secret);
		(void)strcpy(p->token, here.token);
	}
	aws_profile_wipe(&here);
}

void
aws_profile_wipe(struct aws_profile *p)
{
	explicit_bzero(p, sizeof(*p));
}
