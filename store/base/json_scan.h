/*
 * json_scan.h -- where the parts of a JSON text end, and what a string says.
 *
 * Pure: libc only. Bytes in, places and text out. Nothing recurses: how deep
 * a text is nested costs neither stack nor memory.
 *
 * json_scan_blanks(), _string() and _value() find ends without a check, for
 * text that was found well-formed before. They take any bytes, and never read
 * past end. json_scan_scalar() checks (RFC 8259, but for the encoding).
 */
#ifndef STORE_BASE_JSON_SCAN_H
#define STORE_BASE_JSON_SCAN_H

#include <stddef.h>
#include <stdint.h>

enum json_scan_rc {
	JSON_SCAN_OK,
	JSON_SCAN_CUT, /* right as far as it goes; the text ends too early */
	JSON_SCAN_BAD  /* a byte does not belong where it stands */
};

/* Past the blanks at p, if there are any. */
const char *json_scan_blanks(const char *p, const char *end);

/* Past the string whose first quote is at p; NULL if it does not end. */
const char *json_scan_string(const char *p, const char *end);

/*
 * Past the value at p, of any kind; end if it does not end. A bracket that
 * closes at once what was not opened is no value: then this is p.
 */
const char *json_scan_value(const char *p, const char *end);

/*
 * Read the string, number or word (true, false, null) at p. *ret_end is the
 * place after it, or that of the first byte that does not belong.
 */
enum json_scan_rc json_scan_scalar(const char *p, const char *end,
    const char **ret_end);

/*
 * Read the escape of which the backslash is at p. Returns how many bytes it
 * takes (a pair of surrogates is one escape), and the character; a surrogate
 * that stands alone is the character. 0: this is no escape.
 */
size_t json_scan_escape(const char *p, const char *end, uint32_t *ret_code);

/*
 * Write the text of a number or a string to ret_text, which has room for size
 * bytes; it is valid UTF-8 and ends with a NUL. A number is its digits as
 * they stand. A string is decoded; one that has no clean text (lone surrogate,
 * U+0000, invalid UTF-8) is its token as it stands, quotes and all, with '?'
 * for each byte that is no part of valid UTF-8. The token must be well-formed.
 * Returns the text's length; -1, and then ret_text is undefined, if the token
 * is neither number nor string, or its text does not fit.
 */
int json_scan_text(const char *token, size_t len, size_t size, char *ret_text);

#endif /* STORE_BASE_JSON_SCAN_H */
