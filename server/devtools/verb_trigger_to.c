/*
 * Where klikitd trigger sends to, and who vouches for that.
 */
#include <sys/socket.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/address.h"
#include "server/cli/dev_dir.h"
#include "server/devtools/tls_dev.h"
#include "server/devtools/verb_trigger.h"

/* The address that the configuration listens on, as a URL. */
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
		if (asprintf(&url, "%s://%s/webhooks/klikit", scheme,
			address) == -1)
			return (NULL);
	} else if (asprintf(&url, "%s://%s:%u/webhooks/klikit", scheme,
		       listener.family == AF_INET6 ? "[::1]" : "127.0.0.1",
		       listener.port) == -1)
		return (NULL);
	return (url);
}

struct trigger_client *
trigger_connect(const struct verb_args *args, const struct config *cfg,
    bool dev)
{
	const char *to = verb_flag(args, "to", 0);
	struct trigger_trust trust = {
		.ca_file = verb_flag(args, "ca-file", 0),
		.peer = verb_flag(args, "server-certificate", 0),
	};
	char reason[TRIGGER_CLIENT_REASON_MAX] = "out of memory";
	struct trigger_client *client;
	char *url = NULL, *dev_ca = NULL;

	if (to == NULL && dev)
		to = url = dev_dir_url(); /* of the one that runs */
	if (to == NULL && (to = url = default_url(cfg)) == NULL)
		return (NULL);
	if (trust.ca_file == NULL && trust.peer == NULL) {
		if (dev && strncmp(to, "https:", 6) == 0)
			trust.ca_file = dev_ca = dev_dir_path(TLS_DEV_CA);
		else if (to == url) /* its name is that of the outside */
			trust.peer = cfg->tls_certificate;
	}
	client = trigger_client_new(to, &trust, reason);
	if (client == NULL)
		fprintf(stderr, "klikitd trigger: %s\n", reason);
	free(url);
	free(dev_ca);
	return (client);
}
