#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/json_rewrite.h"
#include "server/diagnosis/redact.h"
#include "server/diagnosis/request_text.h"
#include "server/config/config.h"
#include "server/diagnosis/diagnosis.h"
#include "server/diagnosis/diagnosis_keys.h"
#include "test/fuzz/fuzz.h"

#define HEADERS_MAX 16
#define CANARY "CANARYsecret"

static void
promise(bool kept)
{
	if (!kept)
		abort();
}

/* The text in that style is JSON again, and then printing changes nothing. */
static void
check_style(const struct json_tree *tree, const struct json_style *style)
{
	size_t size = 8 * tree->len + 1024, len, again_len;
	char *out = malloc(size), *again = malloc(size);
	struct json_style as_it_stands = *style;
	struct json_tree other;

	/* Names that were escaped anew may sort otherwise. */
	as_it_stands.sorted = false;
	promise(out != NULL && again != NULL);
	if (json_rewrite(tree, style, out, size, &len) == 0) {
		promise(json_tree_read(&other, out, len) == JSON_TREE_OK);
		promise(other.nnodes == tree->nnodes);
		promise(json_rewrite(&other, &as_it_stands, again, size,
			    &again_len) == 0);
		promise(again_len == len && memcmp(out, again, len) == 0);
		json_tree_fini(&other);
	}
	free(out);
	free(again);
}

static void
check_json(const char *text, size_t len)
{
	struct json_style style;
	struct json_tree tree;

	if (json_tree_read(&tree, text, len) == JSON_TREE_OK &&
	    json_tree_sort(&tree) == 0) {
		for (int l = JSON_LAYOUT_KEEP; l <= JSON_LAYOUT_TAB; l++) {
			style.layout = (enum json_layout)l;
			style.sorted = l != JSON_LAYOUT_KEEP;
			style.escapes = JSON_ESCAPE_KEEP;
			check_style(&tree, &style);
			style.escapes = JSON_ESCAPE_ANEW | JSON_ESCAPE_HTML;
			check_style(&tree, &style);
			style.escapes = JSON_ESCAPE_ANEW | JSON_ESCAPE_ASCII |
					JSON_ESCAPE_SLASH | JSON_ESCAPE_UPPER;
			check_style(&tree, &style);
		}
	} else
		promise(tree.wrong_at <= len);
	json_tree_fini(&tree);
}

/* It ends, and tells nothing that the sender has not told in the open. */
static void
check_finding(const struct diagnosis_input *in,
    const struct diagnosis_keys *keys, bool sender_knows)
{
	struct diagnosis *d = diagnosis_new(in, keys);
	struct diagnosis_finding f;

	promise(d != NULL);
	while (!diagnosis_run(d, 4096, &f))
		;
	promise(f.code < DIAGNOSIS_NCODES && f.text[0] != '\0');
	promise(sender_knows || strstr(f.text, CANARY) == NULL);
	diagnosis_free(d);
}

/* The input is a request: headers, an empty line, the body. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct diagnosis_keys *keys;
	struct config_secret secret = { .name = (char *)"default",
		.source = (char *)"file",
		.bytes = (char *)CANARY,
		.len = strlen(CANARY) };
	struct diagnosis_header headers[HEADERS_MAX];
	struct diagnosis_input in = { .headers = headers };
	struct request_text r = { 0, NULL, 0 };
	char *text = malloc(size == 0 ? 1 : size), shown[256];
	const char *reason;
	bool sender_knows;

	/* The name of a header, which is told, may be anything. */
	sender_knows = memmem(data, size, CANARY, strlen(CANARY)) != NULL;
	if (keys == NULL)
		keys = diagnosis_keys_new(
		    &(struct config){ .secrets = &secret, .nsecrets = 1 });
	promise(text != NULL && keys != NULL);
	memcpy(text, data, size);
	if (request_text_read(text, size, headers, HEADERS_MAX, &r, &reason) ==
	    -1) {
		memcpy(text, data, size); /* a body alone */
		r = (struct request_text){ 0, text, size };
	}
	in.nheaders = r.nheaders;
	in.body = r.body;
	in.body_len = in.size = r.body_len;
	check_json(r.body, r.body_len);
	redact_headers(headers, r.nheaders, shown, sizeof(shown));
	for (int c = 0; c < REJECT_NCAUSES; c++) {
		in.cause = (enum reject_cause)c;
		check_finding(&in, keys, sender_knows);
	}
	free(text);
	return (0);
}
