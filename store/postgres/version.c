#include <libpq-fe.h>
#include <stdio.h>

#include "store/version.h"

const char *
store_libpq_version(void)
{
	static char text[32];
	int v = PQlibVersion(); /* 150018: 15.18 */

	(void)snprintf(text, sizeof(text), "%d.%d", v / 10000, v % 10000);
	return (text);
}
