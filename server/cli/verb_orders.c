#include <stdio.h>

#include "server/cli/verb_list.h"
#include "server/cli/verbs.h"

/* Its document, digit for digit. */
static int
print_document(const struct verb_one *one)
{
	if (one->document == NULL) {
		fprintf(stderr, "klikitd %s: its document is no longer kept\n",
		    one->verb);
		return (-1);
	}
	printf("%s\n", one->document);
	return (0);
}

static const struct verb_list list = {
	.path = "/api/v1/orders",
	.rows = "orders",
	.fields = entity_order,
	.whole = entity_order_whole,
	.content = "document",
	.print = print_document,
};

static enum verb_exit
orders_run(const struct verb_args *args)
{
	return (verb_list_run(args, &list));
}

static const struct verb_flag flags[] = {
	{ "open", NULL, "only those that have not ended", false },
	{ "status", "CODE", "only of this status", false },
	VERB_LIST_FLAGS,
	{ "document", NULL, "print one order's JSON, digit for digit", false },
	{ 0 },
};

static const char more[] =
    "Without ORDER-ID lists orders, those last changed first; with it shows\n"
    "that one, in each scope that has it. Reads the store beside a running "
    "server.\n";

const struct verb verb_orders = {
	.name = "orders",
	.words = "[ORDER-ID]",
	.text = "List the orders as they stand now, or show one",
	.more = more,
	.flags = flags,
	.words_max = 1,
	.config = true,
	.run = orders_run,
};
