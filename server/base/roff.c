#include "server/base/roff.h"

#include <stdbool.h>
#include <string.h>

void
roff_text(FILE *out, const char *text)
{
	bool begins = true; /* a line */

	for (; *text != '\0'; text++) {
		if (begins && (*text == '.' || *text == '\''))
			fputs("\\&", out);
		begins = *text == '\n';
		switch (*text) {
		case '\\':
			fputs("\\e", out);
			break;
		case '-':
			fputs("\\-", out);
			break;
		case '\'':
			fputs("\\(aq", out);
			break;
		case '`':
			fputs("\\(ga", out);
			break;
		case '^':
			fputs("\\(ha", out);
			break;
		case '~':
			fputs("\\(ti", out);
			break;
		default:
			fputc(*text, out);
		}
	}
}

void
roff_entry(FILE *out, const char *name, const char *value)
{
	fprintf(out, ".TP\n\\fB");
	roff_text(out, name);
	fprintf(out, "\\fR");
	if (value != NULL && value[0] != '\0') {
		fputc(' ', out);
		roff_text(out, value);
	}
	fputc('\n', out);
}

void
roff_verbatim(FILE *out, const char *text)
{
	size_t len = strlen(text);

	fprintf(out, ".PP\n.nf\n");
	roff_text(out, text);
	fprintf(out, "%s.fi\n", len > 0 && text[len - 1] == '\n' ? "" : "\n");
}
