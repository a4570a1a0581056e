#include <stdlib.h>
#include <string.h>

#include "server/intake/texts.h"

const char *const *
texts_copy(const char *const *texts, size_t n)
{
	size_t size = (n + 1) * sizeof(char *);
	const char **copy;
	char *p;

	for (size_t i = 0; i < n; i++)
		size += strlen(texts[i]) + 1;
	if ((copy = malloc(size)) == NULL)
		return (NULL);
	p = (char *)(copy + n + 1);
	for (size_t i = 0; i < n; i++) {
		copy[i] = p;
		p = stpcpy(p, texts[i]) + 1;
	}
	copy[n] = NULL;
	return (copy);
}
