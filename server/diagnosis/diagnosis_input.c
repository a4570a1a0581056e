#include "server/diagnosis/diagnosis_input.h"

#include <strings.h>

const char *
diagnosis_header_get(const struct diagnosis_input *in, const char *name)
{
	for (size_t i = 0; i < in->nheaders; i++)
		if (strcasecmp(in->headers[i].name, name) == 0)
			return (in->headers[i].value);
	return (NULL);
}

bool
diagnosis_is_whole(const struct diagnosis_input *in)
{
	return (in->body_len == in->size && in->size <= DIAGNOSIS_BODY_MAX);
}
