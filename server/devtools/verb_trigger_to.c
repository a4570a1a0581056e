/*
 * Where klikitd trigger sends to, and who vouches for that.
 */
#include <sys/socket.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/address.h"
#include "server/cli/dev_dir.h"
#include "server/cli/verb_input.h"
#include "server/devtools/tls_dev.h"
#include "server/devtools/verb_trigger.h"

/* The address that the configuration listens on, as a URL without a path. */
static char *
default_url(const struct config *cfg)
{
	/* A listener without TLS asks for no trust. */
	bool beside =
	    cfg->tls_certificate != NULL && cfg->http_plain_listen.n > 0;
	const char *scheme =
	    cfg->tls_certificate == NULL || beside ? "http" : "https";
	const char *address = beside ? cfg->http_plain_listen.items[0]
				     : cfg->http_listen.items[0];
	struct address listener;
	char *url;

	if (address_parse(address, &listener) != ADDRESS_OK ||
	    listener.port == 0) {
		fprintf(stderr,
		    "klikitd trigger: http.listen has port 0: say where "
		    "to with --to URL\n");
		return (NULL);
	}
	if (!address_is_every(&listener)) {
		if (asprintf(&url, "%s://%s", scheme, address) == -1)
			return (NULL);
	} else if (asprintf(&url, "%s://%s:%u", scheme,
		       listener.family == AF_INET6 ? "[::1]" : "127.0.0.1",
		       listener.port) == -1)
		return (NULL);
	return (url);
}

/* The URL with a path: that one, unless it has its own. Takes url. */
static char *
add_path(char *url, const char *path)
{
	size_t len;
	const char *own = url == NULL ? NULL : verb_url_path(url, &len);
	char *whole = NULL;

	if (own == NULL || len > 0)
		return (url);
	if (asprintf(&whole, "%.*s%s%s", (int)(own - url), url, path, own) ==
	    -1)
		whole = NULL;
	free(url);
	return (whole);
}

struct trigger_client *
trigger_connect(const struct verb_args *args, const struct config *cfg,
    const struct config_endpoint *ep, bool dev)
{
	const char *to = verb_flag(args, "to", 0);
	struct trigger_trust trust = {
		.ca_file = verb_flag(args, "ca-file", 0),
		.peer = verb_flag(args, "server-certificate", 0),
	};
	char reason[TRIGGER_CLIENT_REASON_MAX] = "out of memory";
	struct trigger_client *client = NULL;
	char *url = NULL, *dev_ca = NULL;

	if (to != NULL)
		url = strdup(to);
	else if (dev)
		url = dev_dir_url(); /* of the one that runs */
	if (url == NULL && (url = default_url(cfg)) == NULL)
		return (NULL);
	if (trust.ca_file == NULL && trust.peer == NULL) {
		if (dev && strncmp(url, "https:", 6) == 0)
			trust.ca_file = dev_ca = dev_dir_path(TLS_DEV_CA);
		else if (to == NULL) /* its name is that of the outside */
			trust.peer = cfg->tls_certificate;
	}
	if ((url = add_path(url, ep->paths.items[0])) != NULL)
		client = trigger_client_new(url, &trust, reason);
	if (client == NULL)
		fprintf(stderr, "klikitd trigger: %s\n", reason);
	free(url);
	free(dev_ca);
	return (client);
}
