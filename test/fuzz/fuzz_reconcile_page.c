#include <stdlib.h>
#include <string.h>

#include "server/reconcile/reconcile_page.h"
#include "test/fuzz/fuzz.h"

/* Is the part within the bytes? */
static void
check_part(struct json_part part, const char *bytes, size_t size)
{
	if (part.at != NULL &&
	    (part.at < bytes || part.end < part.at || part.end > bytes + size))
		abort();
}

static void
try_page(enum reconcile_paging paging, const char *bytes, size_t size)
{
	const char *const names[RECONCILE_NNAMES] = { [RECONCILE_NEXT] =
							  "next" };
	char reason[HANDLER_REASON_MAX] = "";
	struct reconcile_dialect d;
	struct reconcile_page page;
	size_t len;
	char *body;

	reconcile_dialect_set(&d, paging, names);
	if (reconcile_page_read(&d, (struct json_part){ bytes, bytes + size },
		NULL, &page, reason) == -1) {
		if (reason[0] == '\0')
			abort();
		return;
	}
	if (page.nitems > RECONCILE_PAGE_ORDERS_MAX)
		abort();
	for (size_t i = 0; i < page.nitems; i++) {
		const struct reconcile_item *item = &page.items[i];

		check_part(item->raw, bytes, size);
		check_part(item->brand, bytes, size);
		check_part(item->branch, bytes, size);
		if ((body = reconcile_page_body(item, &len)) == NULL ||
		    memmem(body, len, item->raw.at,
			(size_t)(item->raw.end - item->raw.at)) == NULL)
			abort();
		free(body);
	}
	reconcile_page_fini(&page);
}

/* Of any bytes: a reason, or orders that lie within them, each whole. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_page(RECONCILE_BY_PAGE, (const char *)data, size);
	try_page(RECONCILE_BY_CURSOR, (const char *)data, size);
	return (0);
}
