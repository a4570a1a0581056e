/* In place of store/postgres/ where there is no libpq. */
#include <stddef.h>

#include "store/version.h"

const char *
store_libpq_version(void)
{
	return (NULL);
}
