#include <stdlib.h>
#include <string.h>

#include "handlers/queue/sqs_answer.h"
#include "handlers/queue/sqs_verdict.h"
#include "test/fuzz/fuzz.h"

#define ENTRIES 3

/* Of any bytes: no entry is taken whose digests are not those that were sent,
 * and what is kept of the rest is one line. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct sqs_entry entry = {
		.body_md5 = "0123456789abcdef0123456789abcdef",
		.attributes_md5 = "fedcba9876543210fedcba9876543210"
	};
	static const struct sqs_entry *const entries[ENTRIES] = { &entry,
		&entry, &entry };
	const char *text = (const char *)data;
	struct sqs_entry_answer got[ENTRIES];
	struct sqs_queue queue;
	struct sqs_error error;
	int rc;

	rc = sqs_answer_batch(text, size, entries, ENTRIES, got);
	for (size_t i = 0; i < ENTRIES; i++) {
		if (rc == -1 && got[i].end != SQS_ENTRY_MISSING)
			abort();
		if (got[i].end == SQS_ENTRY_TAKEN &&
		    memmem(text, size, entry.body_md5, 32) == NULL)
			abort();
		if (strpbrk(got[i].message_id, "\r\n") != NULL ||
		    strpbrk(got[i].error.message, "\r\n") != NULL)
			abort();
	}
	sqs_answer_error(text, size, &error);
	if (strpbrk(error.code, "\r\n#") != NULL ||
	    sqs_verdict(&error, 400) == NULL)
		abort();
	(void)sqs_answer_queue(text, size, &queue);
	return (0);
}
