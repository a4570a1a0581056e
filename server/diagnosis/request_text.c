#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "server/diagnosis/diagnosis_input.h"
#include "server/diagnosis/request_text.h"
#include "store/base/parse.h"

int
request_text_header(char *text, struct diagnosis_header *ret_header)
{
	char *colon = strchr(text, ':'), *value, *end;

	if (colon == NULL || colon == text ||
	    strcspn(text, " \t") < (size_t)(colon - text))
		return (-1);
	value = colon + 1 + strspn(colon + 1, " \t");
	end = value + strlen(value);
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*colon = '\0';
	*end = '\0';
	ret_header->name = text;
	ret_header->value = value;
	return (0);
}

/* Cut off the line at text, which ends by end; NULL if it does not. */
static char *
cut_line(char *text, char *end)
{
	char *lf = memchr(text, '\n', (size_t)(end - text));

	if (lf == NULL)
		return (NULL);
	*lf = '\0';
	if (lf > text && lf[-1] == '\r')
		lf[-1] = '\0';
	return (lf + 1);
}

/*
 * The body as long as Content-Length says, if what follows that are ends of
 * lines, as an editor leaves them; else all of it.
 */
static size_t
body_len(const struct diagnosis_header *list, size_t n, const char *body,
    size_t len)
{
	int64_t said;

	for (size_t i = 0; i < n; i++) {
		if (strcasecmp(list[i].name, "content-length") != 0)
			continue;
		if (parse_int(list[i].value, 0, INT64_MAX, &said) == -1 ||
		    (uint64_t)said > len)
			return (len);
		for (size_t j = (size_t)said; j < len; j++) {
			if (body[j] != '\n' && body[j] != '\r')
				return (len);
		}
		return ((size_t)said);
	}
	return (len);
}

int
request_text_read(char *text, size_t len, struct diagnosis_header *ret_list,
    size_t max, struct request_text *ret, const char **ret_reason)
{
	char *end = text + len, *line = text, *next;
	struct diagnosis_header header;

	ret->nheaders = 0;
	for (;;) {
		if ((next = cut_line(line, end)) == NULL) {
			*ret_reason = "no empty line ends its headers";
			return (-1);
		}
		if (*line == '\0')
			break;
		if (request_text_header(line, &header) == 0) {
			if (ret->nheaders < max)
				ret_list[ret->nheaders++] = header;
		} else if (line != text) {
			*ret_reason = "a line before the first empty one is no "
				      "header";
			return (-1);
		}
		line = next;
	}
	ret->body = next;
	ret->body_len =
	    body_len(ret_list, ret->nheaders, next, (size_t)(end - next));
	return (0);
}
