/* The keys of sections with a name, but for handlers. */
#include "server/config/config_table.h"

#define SECOND 1000LL
#define DAY (24 * 3600 * SECOND)

#define IN_SECRET(field) offsetof(struct config_secret, field)
#define IN_ENDPOINT(field) offsetof(struct config_endpoint, field)
#define IN_UPSTREAM(field) offsetof(struct config_upstream, field)

const struct key config_secret_keys[] = {
	{ "secret.file", KEY_PATH, IN_SECRET(source), .def = "",
	    .value = "FILE", .example = "/etc/klikitd/secret.old",
	    .text = "File of this secret, read like klikit.secret_file." },
	{ "secret.valid_until", KEY_TIME, IN_SECRET(valid_until_ms),
	    .value = "TIME", .example = "2027-01-31T00:00:00Z",
	    .text = "Not accepted from then on (RFC 3339); without it, for "
		    "ever." },
	{ "secret.scope", KEY_NAME, IN_SECRET(scope),
	    .check = config_check_scope, .def = "", .value = "WORD",
	    .example = "sandbox",
	    .text = "What it signs is apart from all of other scopes: the "
		    "same event or order id there is another event, another "
		    "order. For klikit's sandbox beside its production. The "
		    "secret that replaces another has its scope. Letters, "
		    "digits, '-', '_' and '.'. Empty: that of its endpoint." },

	{ 0 },
};

const struct key config_endpoint_keys[] = {
	{ "endpoint.path", KEY_WORDS, IN_ENDPOINT(paths),
	    .check = config_check_paths, .value = "PATH, ...",
	    .example = "/webhooks/burger",
	    .text = "Where it takes deliveries: each path exactly as klikit "
		    "calls it, but for a query. /a/ is another path than /a; "
		    "list both if both are called." },
	{ "endpoint.secrets", KEY_WORDS, IN_ENDPOINT(secrets),
	    .check = config_check_some, .value = "NAME, ...",
	    .example = "burger",
	    .text = "Names of the secrets that sign what comes here. They "
		    "open no other endpoint." },
	{ "endpoint.events", KEY_WORDS, IN_ENDPOINT(events),
	    .check = config_check_events, .def = CONFIG_EVERY_EVENT,
	    .value = "TYPE, ...",
	    .text = "Types of events that it takes; * is every one. What is "
		    "signed and not of these, or of another brand or branch, "
		    "is answered 403 and kept as a rejection." },
	{ "endpoint.brands", KEY_WORDS, IN_ENDPOINT(brands), .def = "",
	    .value = "ID, ...",
	    .text = "Only events of these brands; empty: of any." },
	{ "endpoint.branches", KEY_WORDS, IN_ENDPOINT(branches), .def = "",
	    .value = "ID, ...",
	    .text = "Only events of these branches; empty: of any." },

	{ 0 },
};

const struct key config_upstream_keys[] = {
	{ "upstream.url", KEY_URL, IN_UPSTREAM(url),
	    .check = config_check_upstream, .value = "URL",
	    .example = "https://hub.example.com/pull/branch-2041",
	    .text = "The hub, and the name of its handler of type pull. https; "
		    "http only on this machine's loopback." },
	{ "upstream.token_file", KEY_PATH, IN_UPSTREAM(token_file),
	    .value = "FILE", .example = "/etc/klikitd/hub.token",
	    .text = "File with the token that the hub knows for that name: at "
		    "least 16 printable characters.",
	    .exposed = "fetch this box's events in its place" },
	{ "upstream.ca_file", KEY_PATH, IN_UPSTREAM(ca_file), .def = "",
	    .value = "FILE", .example = "/etc/klikitd/ca.pem",
	    .text = "Who vouches for the hub's certificate (PEM); empty: whom "
		    "this machine trusts." },
	{ "upstream.trust", KEY_BOOL, IN_UPSTREAM(trust), .def = "signature",
	    .value = "signature|hub",
	    .text = "signature: each event has to be signed with a secret of "
		    "the usual endpoint here, as if klikit had delivered it; "
		    "what is not is refused and kept as a rejection. hub: the "
		    "hub's word is enough." },
	{ "upstream.alert_after", KEY_DURATION, IN_UPSTREAM(alert_after_ms),
	    .def = "10m", .min = SECOND, .max = 30 * DAY, .value = "DURATION",
	    .text = "There is an alert when nothing could be fetched for so "
		    "long." },

	{ 0 },
};
