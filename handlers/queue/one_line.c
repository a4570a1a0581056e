#include "handlers/queue/one_line.h"

#include <string.h>

#include "store/base/utf8.h"

void
one_line(const char *text, char ret_line[HANDLER_REASON_MAX])
{
	size_t left = text == NULL ? 0 : strlen(text), used = 0, n;
	uint32_t code;

	for (; left > 0; text += n, left -= n) {
		n = utf8_next(text, left, &code);
		if (used + (n == 0 ? 1 : n) >= HANDLER_REASON_MAX)
			break;
		if (n > 0 && utf8_is_plain(code)) {
			memcpy(ret_line + used, text, n);
			used += n;
			continue;
		}
		ret_line[used++] = '?';
		if (n == 0)
			n = 1;
	}
	ret_line[used] = '\0';
}
