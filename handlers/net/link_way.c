#include "handlers/net/link_way.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handlers/handler.h"

#define PATIENCE_MAX_MS 250 /* with one address (RFC 8305, section 8) */

int
link_way_init(struct link_way *way, const struct conn_kind *kind)
{
	const struct handler_env *env = kind->env;

	way->kind = *kind;
	if ((way->host = strdup(kind->host)) == NULL ||
	    (way->dialer = dialer_new(env->base, env->resolver, way->host,
		 kind->port)) == NULL)
		return (-1);
	way->kind.host = way->host;
	return (0);
}

void
link_way_fini(struct link_way *way)
{
	link_way_drop(way);
	dialer_free(way->dialer);
	free(way->host);
}

/* dial_fn */
static void
way_dialed_cb(const struct dial_end *end, void *arg)
{
	struct link_way *way = arg;
	const char *failure = end->reason;

	way->dial = NULL;
	way->ndials++;
	way->addresses = end->addresses;
	if (failure == NULL) {
		(void)snprintf(way->peer, sizeof(way->peer), "%s", end->peer);
		way->conn = conn_new(&way->kind, end->fd, end->peer, way->arg);
		failure = way->conn == NULL ? "out of memory" : "";
	}
	(void)snprintf(way->failure, sizeof(way->failure), "%s", failure);
	way->changed(way->arg);
}

void
link_way_dial(struct link_way *way, int64_t limit_ms)
{
	int64_t patience_ms = limit_ms / 12;

	way->failure[0] = '\0';
	way->dial = dial_start(way->dialer, limit_ms / 3,
	    patience_ms < PATIENCE_MAX_MS ? patience_ms : PATIENCE_MAX_MS,
	    way_dialed_cb, way);
	if (way->dial == NULL)
		(void)strcpy(way->failure, "out of memory");
}

const char *
link_way_whom(const struct link_way *way)
{
	return (way->dial == NULL ? NULL : dial_peer(way->dial));
}

bool
link_way_has_other(const struct link_way *way)
{
	return (way->ndials < way->addresses);
}

void
link_way_blame(struct link_way *way)
{
	if (way->conn != NULL)
		dialer_blame(way->dialer, way->peer);
}

void
link_way_drop(struct link_way *way)
{
	if (way->conn != NULL)
		conn_free(way->conn);
	way->conn = NULL;
	if (way->dial != NULL)
		dial_cancel(way->dial);
	way->dial = NULL;
}

void
link_way_reset(struct link_way *way)
{
	way->ndials = 0;
}
