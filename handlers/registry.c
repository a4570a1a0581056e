#include "handlers/registry.h"

#include <string.h>

#include "handlers/hub/pull.h"
#include "handlers/klikit/klikit.h"
#include "handlers/queue/amqp.h"
#include "handlers/queue/pubsub.h"
#include "handlers/queue/sqs.h"

const struct handler *const handler_types[] = {
	&handler_orders,
	&handler_forward,
	&handler_exec,
	&handler_amqp,
#ifdef HAVE_REDIS
	&handler_redis,
#endif
	&handler_sqs,
	&handler_pubsub,
	&handler_pull,
	&handler_klikit,
	NULL,
};

const struct handler *
handler_find(const struct handler *const *types, const char *type)
{
	for (; *types != NULL; types++) {
		if (strcmp((*types)->type, type) == 0)
			return (*types);
	}
	return (NULL);
}

const char *
handler_left_out(const char *type)
{
#ifndef HAVE_REDIS
	if (strcmp(type, "redis") == 0)
		return ("this klikitd was built without redis");
#endif
	(void)type;
	return (NULL);
}
