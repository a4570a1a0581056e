#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/cli/verb_list.h"
#include "server/cli/verbs.h"
#include "store/base/base64.h"

/* What is kept of its body. */
static int
print_body(const struct verb_one *one)
{
	const char *text = verb_admin_text(one->object, "body_base64");
	size_t len = strlen(text);
	char *bytes;

	if ((bytes = malloc(BASE64_BYTES_MAX(len))) == NULL ||
	    base64_decode(text, len, bytes, &len) == -1) {
		free(bytes);
		fprintf(stderr, "klikitd %s: out of memory\n", one->verb);
		return (-1);
	}
	(void)fwrite(bytes, 1, len, stdout);
	free(bytes);
	return (0);
}

static const struct verb_list list = {
	.path = "/api/v1/rejections",
	.rows = "rejections",
	.fields = entity_rejection,
	.whole = entity_rejection_whole,
	.content = "body",
	.print = print_body,
};

static enum verb_exit
rejections_run(const struct verb_args *args)
{
	return (verb_list_run(args, &list));
}

static const struct verb_flag flags[] = {
	{ "cause", "CAUSE", "only those refused for this: signature, ...",
	    false },
	VERB_LIST_FLAGS_COMMON,
	{ "body", NULL, "print what is kept of one's body, byte for byte",
	    false },
	{ 0 },
};

static const char more[] =
    "Without ID lists the deliveries that were refused, the newest first; "
    "with\n"
    "it shows that one, with what the signature doctor found and what to do.\n"
    "Reads the store beside a running server.\n"
    "\n"
    "AGAIN: times that the same signed body was refused again, noted once a\n"
    "minute at most. NOT KEPT: others that were refused before that one and "
    "are\n"
    "only counted, since too many came; klikitd_rejections_not_kept_total has "
    "all.\n"
    "\n"
    "Causes: headers_missing, headers_invalid, signature, invalid_json,\n"
    "too_many_orders, id_conflict, not_for_endpoint.\n";

const struct verb verb_rejections = {
	.name = "rejections",
	.words = "[ID]",
	.text = "List the deliveries refused and why, or show one",
	.more = more,
	.flags = flags,
	.words_max = 1,
	.config = true,
	.run = rejections_run,
};
