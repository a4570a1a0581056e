#include "server/app/server_sockets.h"

#include <stdio.h>
#include <unistd.h>

#include "server/app/server_parts.h"
#include "server/base/log.h"
#include "server/config/config_env.h"
#include "server/http/http_address.h"

int
server_open_sockets(struct server *s)
{
	struct listen_fds *all = &s->service.sockets;
	const char *const *env = s->source->env;
	const struct listen_env given = {
		config_env_get(env, "LISTEN_PID"),
		config_env_get(env, "LISTEN_FDS"),
		config_env_get(env, "LISTEN_FDNAMES"),
	};
	char reason[LISTEN_REASON_MAX];

	if (listen_fds_read(all, &given, getpid(), reason) == -1) {
		log_error("cannot start: %s", reason);
		return (-1);
	}
	for (size_t i = 0; i < all->n; i++)
		log_info("the service manager listens on %s (%s)",
		    all->list[i].text, log_text(all->list[i].name));
	return (0);
}

/* Open what the key lists, but for what was passed. */
static int
bind_all(struct listen_fds *all, enum listen_key key,
    const struct key_list *list)
{
	char url[HTTP_URL_MAX], reason[HTTP_ADDRESS_REASON_MAX];
	int fd;

	for (size_t i = 0; i < list->n; i++) {
		if (listen_fds_has(all, key, list->items[i])) {
			listen_fds_assign(all, key, list->items[i]);
			continue;
		}
		fd = http_address_open(list->items[i], "http", url, reason);
		if (fd == -1) {
			log_error("%s: %s", server_sockets_key(key), reason);
			return (-1);
		}
		if (listen_fds_add(all, key, fd, list->items[i]) == -1) {
			log_error("cannot start: too many listeners");
			return (-1);
		}
	}
	return (0);
}

int
server_bind_sockets(struct server *s)
{
	struct listen_fds *all = &s->service.sockets;

	if (!listen_fds_has_http(all) &&
	    bind_all(all, LISTEN_HTTP, &s->cfg->http_listen) == -1)
		return (-1);
	if (bind_all(all, LISTEN_PLAIN, &s->cfg->http_plain_listen) == -1)
		return (-1);
	return (bind_all(all, LISTEN_ADMIN, &s->cfg->admin_listen));
}

const char *
server_sockets_key(enum listen_key which)
{
	return (which == LISTEN_HTTP    ? "http.listen"
		: which == LISTEN_PLAIN ? "http.plain_listen"
		: which == LISTEN_PROXY ? "http.proxy_listen"
					: "admin.listen");
}

bool
server_sockets_next(struct server *s, enum listen_key which,
    const struct key_list *list, size_t *inout_n,
    char ret_address[SERVER_ADDRESS_MAX])
{
	struct listen_fds *all = &s->service.sockets;
	const char *address;
	int fd = -1;

	if (which == LISTEN_HTTP && listen_fds_has_http(all)) {
		fd = listen_fds_take_http(all);
		*inout_n = list->n; /* in place of all of them */
	} else if (*inout_n < list->n) {
		address = list->items[(*inout_n)++];
		if ((fd = listen_fds_take(all, which, address)) == -1)
			(void)snprintf(ret_address, SERVER_ADDRESS_MAX, "%s",
			    address);
	} else {
		return (false);
	}
	if (fd != -1)
		(void)snprintf(ret_address, SERVER_ADDRESS_MAX,
		    HTTP_ADDRESS_FD "%d", fd);
	return (true);
}

int
server_sockets_used(const struct server *s)
{
	const struct listen_fd *left = listen_fds_left(&s->service.sockets);

	if (left == NULL)
		return (0);
	log_error("cannot start: the service manager listens on %s (%s), "
		  "which is no address of the configuration: name it http "
		  "(FileDescriptorName=), or list it in http.listen, "
		  "http.plain_listen, http.proxy_listen or admin.listen",
	    left->text, log_text(left->name));
	return (-1);
}
