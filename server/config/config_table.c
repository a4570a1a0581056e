#include "server/config/config_table.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "server/base/nearest.h"

#define KIB 1024LL
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define SECOND 1000LL
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)

#define IN_CONFIG(field) offsetof(struct config, field)
#define IN_HANDLER(field) offsetof(struct config_handler, field)

const struct key config_global_keys[] = {
	{ "http.listen", KEY_WORDS, IN_CONFIG(http_listen),
	    .check = config_check_listen, .def = "*:8080",
	    .dev = "127.0.0.1:8080", .flags = KEY_RESTART,
	    .value = "HOST:PORT, ...",
	    .text =
		"Addresses to listen on: numeric, [v6]:port, or *:port for "
		"every address. Port 0 lets the kernel choose. The variable "
		"PORT changes the port of what stands in the file." },
	{ "http.plain_listen", KEY_WORDS, IN_CONFIG(http_plain_listen),
	    .check = config_check_plain, .def = "", .flags = KEY_RESTART,
	    .value = "HOST:PORT, ...",
	    .text = "Addresses of the loopback that stay without TLS beside "
		    "http.listen, for a tunnel or a proxy on this machine." },
	{ "http.proxy_listen", KEY_WORDS, IN_CONFIG(http_proxy_listen),
	    .check = config_check_addresses, .def = "", .flags = KEY_RESTART,
	    .value = "HOST:PORT, ...",
	    .text = "Addresses where balancers speak the PROXY protocol, "
		    "version 1 or 2, before HTTPS or HTTP: only those of "
		    "http.trusted_proxies, others are closed." },
	{ "http.trusted_proxies", KEY_WORDS, IN_CONFIG(http_trusted_proxies),
	    .check = config_check_networks, .def = "", .value = "NETWORK, ...",
	    .example = "127.0.0.1, 10.0.0.0/24",
	    .text = "Addresses of your proxies and balancers. Only these are "
		    "believed when they say by Forwarded, X-Forwarded-For or "
		    "the PROXY protocol for whom they ask. Nobody is trusted "
		    "unasked, not even the loopback." },
	{ "http.allow", KEY_WORDS, IN_CONFIG(http_allow),
	    .check = config_check_networks, .def = "", .value = "NETWORK, ...",
	    .example = "192.0.2.0/24, 2001:db8::/48",
	    .text = "Only these addresses are let in, by their own or as a "
		    "trusted proxy names them; others are answered 403 before "
		    "their body is read. /healthz is for trusted proxies as "
		    "well. Empty: everybody." },
	{ "http.max_body", KEY_SIZE, IN_CONFIG(http_max_body), .def = "1m",
	    .min = KIB, .max = CONFIG_BODY_MAX_MIB * MIB, .value = "SIZE",
	    .text = "Largest body accepted; a larger one is answered 413. All "
		    "requests on their way hold at most 32 MiB together." },
	{ "http.max_connections", KEY_INT, IN_CONFIG(http_max_connections),
	    .def = "1024", .min = 1, .max = 65536, .flags = KEY_RESTART,
	    .value = "NUMBER",
	    .text =
		"Connections open at once; beyond that the address that has "
		"the most loses one: a silent one, else the longest idle." },
	{ "http.request_timeout", KEY_DURATION,
	    IN_CONFIG(http_request_timeout_ms), .def = "10s", .min = 100,
	    .max = HOUR, .value = "DURATION",
	    .text = "Time for a whole request to arrive, head and body." },
	{ "http.idle_timeout", KEY_DURATION, IN_CONFIG(http_idle_timeout_ms),
	    .def = "75s", .min = 100, .max = 24 * HOUR, .value = "DURATION",
	    .text = "How long a connection may stay silent between requests." },
	{ "http.max_failures", KEY_INT, IN_CONFIG(http_max_failures),
	    .def = "600", .max = 60000, .value = "NUMBER",
	    .text = "Deliveries of one address (IPv6: of a /64) that may fail "
		    "verification in a minute; each 16 KiB of a body count as "
		    "one. Beyond it refusals leave 300 ms later, and "
		    "http.failure_work is the limit; 0: none." },
	{ "http.failure_work", KEY_SIZE, IN_CONFIG(http_failure_work),
	    .def = "128m", .max = GIB, .value = "SIZE",
	    .text =
		"Bytes a second, times the secrets, that are verified all the "
		"same for addresses beyond http.max_failures, since klikit may "
		"share one with strangers: a tunnel's. What is more is "
		"answered 429 unseen. 0: everything of such an address is." },

	{ "klikit.secret_file", KEY_PATH, IN_CONFIG(secret_file), .def = "",
	    .dev = CONFIG_DEV_SECRET, .value = "FILE",
	    .example = "/etc/klikitd/secret",
	    .text = "File with klikit's webhook secret; its bytes are used as "
		    "they are, but for one newline at the end. The variables "
		    "KLIKIT_WEBHOOK_SECRET and KLIKIT_WEBHOOK_SECRET_FILE win "
		    "over it; without any of them it is the credential "
		    "klikit-secret of the service manager (LoadCredential= of "
		    "systemd). Each key that names a file also takes "
		    "credential:NAME." },

	{ "klikit.scope", KEY_NAME, IN_CONFIG(secret_scope),
	    .check = config_check_scope, .def = "", .value = "WORD",
	    .example = "production",
	    .text = "Scope of what this secret signs, as secret.scope." },

	{ "tls.certificate", KEY_PATH, IN_CONFIG(tls_certificate), .def = "",
	    .value = "FILE", .example = "/etc/klikitd/cert.pem",
	    .text = "File with the certificate (PEM), and after it those of "
		    "its issuers up to the root: with it http.listen speaks "
		    "HTTPS. A HUP reads it again. Empty: the credential "
		    "tls-certificate, if there is one." },
	{ "tls.key", KEY_PATH, IN_CONFIG(tls_key), .def = "", .value = "FILE",
	    .example = "/etc/klikitd/key.pem",
	    .text = "File with the certificate's key (PEM, not encrypted). "
		    "Empty: the credential tls-key." },
	{ "tls.handshake_timeout", KEY_DURATION,
	    IN_CONFIG(tls_handshake_timeout_ms), .def = "10s", .min = 100,
	    .max = HOUR, .value = "DURATION",
	    .text = "Time for a whole TLS handshake, from the connection on." },
	{ "tls.max_handshakes", KEY_INT, IN_CONFIG(tls_max_handshakes),
	    .def = "32", .min = 1, .max = 65536, .value = "NUMBER",
	    .text =
		"TLS handshakes under way at once. Further ones wait; one of "
		"a quieter address takes the place of one of the address "
		"that has the most." },

	{ "store.url", KEY_URL, IN_CONFIG(store_url),
	    .check = config_check_store, .def = "sqlite:klikitd.db",
	    .dev = "sqlite:" CONFIG_DEV_STORE, .flags = KEY_RESTART,
	    .value = "URL",
	    .text = "Where events are kept. A relative path is one in "
		    "$STATE_DIRECTORY, else for a configuration under /etc in "
		    "/var/lib/klikitd if it is there, else beside the "
		    "configuration. Several klikitd share postgres://..., as "
		    "libpq takes it: the password is best kept in a file that "
		    "PGPASSFILE names." },
	{ "store.lease", KEY_DURATION, IN_CONFIG(store_lease_ms), .def = "15s",
	    .min = 5000, .max = HOUR, .flags = KEY_RESTART, .value = "DURATION",
	    .text = "Of a shared store: a klikitd that has not written for so "
		    "long counts as gone, and others take its jobs over." },
	{ "store.queue", KEY_SIZE, IN_CONFIG(store_queue_max), .def = "64m",
	    .min = 64 * KIB, .max = 4 * GIB, .flags = KEY_RESTART,
	    .value = "SIZE",
	    .text = "Bytes of events that may wait for their commit; beyond "
		    "it deliveries are answered 503 and come again." },

	{ "admin.listen", KEY_WORDS, IN_CONFIG(admin_listen),
	    .check = config_check_admin, .def = "127.0.0.1:8081",
	    .dev = "127.0.0.1:0", .flags = KEY_RESTART, .value = "HOST:PORT",
	    .text = "Where the operator's verbs reach the server. Port 0 lets "
		    "the kernel choose; empty: nowhere, and verbs that change "
		    "something need the server stopped. Beyond the loopback it "
		    "needs admin.token_file." },
	{ "admin.token_file", KEY_PATH, IN_CONFIG(admin_token_file), .def = "",
	    .flags = KEY_RESTART, .value = "FILE",
	    .text = "File with the token that every request must then carry "
		    "(Authorization: Bearer): at least 16 printable "
		    "characters. The verbs read it too. Empty: the credential "
		    "admin-token, if there is one." },

	{ "log.level", KEY_CHOICE, IN_CONFIG(log_level), .def = "info",
	    .value = "error|warn|info|debug",
	    .text = "error, warn, info or debug." },
	{ "log.format", KEY_CHOICE, IN_CONFIG(log_format), .def = "text",
	    .value = "text|json", .text = "text, or json: one object a line." },

	{ "retention.bodies", KEY_DURATION, IN_CONFIG(retention_bodies_ms),
	    .def = "30d", .min = SECOND, .max = 3650 * DAY, .value = "DURATION",
	    .text = "How long customers' data is kept: bodies, answers, "
		    "rejections. What is not done yet is kept until it is." },
	{ "retention.ids", KEY_DURATION, IN_CONFIG(retention_ids_ms),
	    .def = "400d", .min = SECOND, .max = 3650 * DAY,
	    .value = "DURATION",
	    .text = "How long an event's id is known, so that it is a "
		    "duplicate when it comes again." },
	{ "retention.repeat_window", KEY_DURATION, IN_CONFIG(repeat_window_ms),
	    .def = "30d", .max = 3650 * DAY, .value = "DURATION",
	    .text = "How long the same body and type under another id is a "
		    "repeat of the same event, as far as its body is kept. "
		    "klikit signs no ids: anyone who saw a delivery can send "
		    "it again. 0: every id is an event of its own." },

	{ "alert.after", KEY_DURATION, IN_CONFIG(alert_after_ms), .def = "10m",
	    .min = SECOND, .max = 30 * DAY, .value = "DURATION",
	    .text = "How long something that may pass by itself lasts until "
		    "there is an alert: a handler whose calls fail, a store "
		    "that recovers. Alerts are events; they go to handlers "
		    "with events = klikitd.alert.*, and are logged without." },
	{ "alert.remind", KEY_DURATION, IN_CONFIG(alert_remind_ms), .def = "4h",
	    .max = 3650 * DAY, .value = "DURATION",
	    .text = "As long as it lasts, the alert comes again after so long; "
		    "0: it does not. When it is over, that is told once." },
	{ "alert.silence", KEY_DURATION, IN_CONFIG(alert_silence_ms),
	    .def = "2h", .max = 7 * DAY, .value = "DURATION",
	    .text = "There is an alert for a branch of which nothing came for "
		    "so long, counting whole hours of the week in which "
		    "something came in three of the last four weeks. 0: "
		    "never." },
	{ "backup.every", KEY_DURATION, IN_CONFIG(backup_every_ms),
	    .min = SECOND, .max = 30 * DAY, .value = "DURATION",
	    .example = "24h",
	    .text = "How often a verified backup of the store is made in "
		    "backup.dir; without both, none is. One that was missed is "
		    "made soon after the start." },
	{ "backup.keep", KEY_INT, IN_CONFIG(backup_keep), .def = "7", .min = 1,
	    .max = 1000, .value = "NUMBER",
	    .text = "How many are kept. Older ones are removed when a newer "
		    "one is there; and those older than retention.bodies, "
		    "since customers' data is in them, but for the newest." },
	{ "backup.dir", KEY_PATH, IN_CONFIG(backup_dir), .def = "",
	    .value = "DIRECTORY", .example = "/mnt/usb/klikitd",
	    .text = "Where they are made. It must be there, and is best on "
		    "another disk than the store. Only files that klikitd made "
		    "for this store are ever removed from it." },
	{ "backup.command", KEY_COMMAND, IN_CONFIG(backup_command),
	    .value = "PROGRAM ARGUMENT ...",
	    .example = "/usr/local/bin/upload --to office",
	    .text = "Run after each, without a shell, to bring it elsewhere: "
		    "its path is the last argument, and KLIKITD_BACKUP. Exit "
		    "code 0 is done; 75, a signal and the timeout are tried "
		    "again; anything else is given up until the next backup." },
	{ "backup.retry", KEY_DURATIONS, IN_CONFIG(backup_retry),
	    .def = "1m, 5m, 30m, 2h", .min = 1, .max = 720 * HOUR,
	    .value = "DURATION, ...",
	    .text =
		"Waits between tries of backup.command; the last repeats." },
	{ "backup.timeout", KEY_DURATION, IN_CONFIG(backup_timeout_ms),
	    .def = "1h", .min = SECOND, .max = 24 * HOUR, .value = "DURATION",
	    .text = "For one run of backup.command." },

	{ "probe.url", KEY_URL, IN_CONFIG(probe_url),
	    .check = config_check_probe, .value = "URL",
	    .example = "https://orders.example.com/webhooks/klikit",
	    .text = "The URL that klikit posts to, from outside: with "
		    "probe.every a signed test is posted to it, which has to "
		    "arrive here. It is stored nowhere and reaches no handler. "
		    "That it does not arrive is an alert." },
	{ "probe.every", KEY_DURATION, IN_CONFIG(probe_every_ms), .min = SECOND,
	    .max = 30 * DAY, .value = "DURATION", .example = "5m",
	    .text = "How often; without both, never by itself. klikitd doctor "
		    "--probe URL does it at once." },
	{ "probe.ca_file", KEY_PATH, IN_CONFIG(probe_ca_file), .def = "",
	    .value = "FILE", .example = "/etc/klikitd/ca.pem",
	    .text = "Who vouches for the certificate of that URL (PEM); empty: "
		    "whom this machine trusts, as klikit does." },

	{ "reconcile.url", KEY_URL, IN_CONFIG(reconcile.url),
	    .check = config_check_list_url, .value = "URL",
	    .example = "https://api.example.com/v1/partner/orders",
	    .text = "klikit's list of orders, which is compared with the "
		    "store: what could not be delivered is filled in, as "
		    "events with the origin reconcile. https; http only on "
		    "this machine's loopback. It may have a query, as "
		    "?brand_id=12&branch_id=2041. Without it nothing is "
		    "compared." },
	{ "reconcile.auth", KEY_CHOICE, IN_CONFIG(reconcile.auth),
	    .def = "basic", .value = "basic|bearer",
	    .text = "How the API knows us: by a key with its secret, or by a "
		    "token." },
	{ "reconcile.credentials_file", KEY_PATH,
	    IN_CONFIG(reconcile.credentials_file), .value = "FILE",
	    .example = "/etc/klikitd/klikit-api",
	    .text = "File with KEY:SECRET, or with the token; a newline at "
		    "its end does not matter.",
	    .exposed = "read all orders of the business at klikit" },
	{ "reconcile.ca_file", KEY_PATH, IN_CONFIG(reconcile.ca_file),
	    .def = "", .value = "FILE", .example = "/etc/klikitd/ca.pem",
	    .text = "Who vouches for the API's certificate (PEM); empty: whom "
		    "this machine trusts." },
	{ "reconcile.branches", KEY_WORDS, IN_CONFIG(reconcile.branches),
	    .def = "", .value = "ID, ...", .example = "2041",
	    .text = "Only orders of these branches; empty: of any. The "
		    "credentials are those of a business: name the branches "
		    "of this klikitd, or it gets the orders of all others "
		    "too." },
	{ "reconcile.brands", KEY_WORDS, IN_CONFIG(reconcile.brands), .def = "",
	    .value = "ID, ...",
	    .text = "Only orders of these brands; empty: of any." },
	{ "reconcile.every", KEY_DURATION, IN_CONFIG(reconcile.every_ms),
	    .def = "10m", .min = SECOND, .max = 30 * DAY, .value = "DURATION",
	    .text = "How often; also after a start, and as soon as a cut way "
		    "is there again." },
	{ "reconcile.window", KEY_DURATION, IN_CONFIG(reconcile.window_ms),
	    .def = "1d", .min = SECOND, .max = 90 * DAY, .value = "DURATION",
	    .text = "Orders created since then are compared: longer than the "
		    "longest outage. On a new klikitd all of these are filled "
		    "that came before it." },
	{ "reconcile.grace", KEY_DURATION, IN_CONFIG(reconcile.grace_ms),
	    .def = "2m", .max = DAY, .value = "DURATION",
	    .text = "What changed since then is left alone: its delivery is "
		    "probably under way." },
	{ "reconcile.alert_after", KEY_DURATION,
	    IN_CONFIG(reconcile.alert_after_ms), .def = "1h", .min = SECOND,
	    .max = 30 * DAY, .value = "DURATION",
	    .text = "There is an alert when the list could not be compared "
		    "for so long." },
	{ "reconcile.paging", KEY_CHOICE, IN_CONFIG(reconcile.paging),
	    .def = "page", .value = "page|cursor",
	    .text = "The dialect of the list: pages by their numbers, with a "
		    "total; or by cursors, the answer naming the next." },
	{ "reconcile.size", KEY_INT, IN_CONFIG(reconcile.size), .def = "50",
	    .min = 1, .max = 500, .value = "NUMBER",
	    .text = "Orders of a page that are asked for. A page has at most "
		    "4 MiB." },
	{ "reconcile.from_parameter", KEY_NAME, IN_CONFIG(reconcile.names[0]),
	    .def = "", .value = "NAME",
	    .text = "Parameter of the time from which on orders were created. "
		    "Of this and the names below, empty is what "
		    "reconcile.paging has, for page and for cursor: from, "
		    "placed_from. - is none." },
	{ "reconcile.to_parameter", KEY_NAME, IN_CONFIG(reconcile.names[1]),
	    .def = "", .value = "NAME",
	    .text = "Of the time before which they were. By default: to, "
		    "placed_to." },
	{ "reconcile.page_parameter", KEY_NAME, IN_CONFIG(reconcile.names[2]),
	    .def = "", .value = "NAME",
	    .text = "Of the number of the page. By default: page, none." },
	{ "reconcile.size_parameter", KEY_NAME, IN_CONFIG(reconcile.names[3]),
	    .def = "", .value = "NAME",
	    .text = "Of how many orders a page has. By default: size, limit." },
	{ "reconcile.cursor_parameter", KEY_NAME, IN_CONFIG(reconcile.names[4]),
	    .def = "", .value = "NAME",
	    .text = "Of the cursor. By default: none, cursor." },
	{ "reconcile.orders_at", KEY_NAME, IN_CONFIG(reconcile.names[5]),
	    .def = "", .value = "NAME",
	    .text = "Where the answer has the array of orders. By default: "
		    "data.orders, data." },
	{ "reconcile.total_at", KEY_NAME, IN_CONFIG(reconcile.names[6]),
	    .def = "", .value = "NAME",
	    .text = "Where it has how many there are on all pages. By "
		    "default: data.total, none." },
	{ "reconcile.length_at", KEY_NAME, IN_CONFIG(reconcile.names[7]),
	    .def = "", .value = "NAME",
	    .text = "Where it has how long its pages are. By default: "
		    "data.size, none." },
	{ "reconcile.next_at", KEY_NAME, IN_CONFIG(reconcile.names[8]),
	    .def = "", .value = "NAME",
	    .text = "Where it has the cursor of the next page. By default: "
		    "none, none." },
	{ "reconcile.next_header", KEY_NAME, IN_CONFIG(reconcile.names[9]),
	    .def = "", .value = "NAME",
	    .text = "The header that has it. By default: none, "
		    "X-Klikit-Next-Cursor." },

	{ "process.user", KEY_NAME, IN_CONFIG(process_user), .def = "",
	    .flags = KEY_RESTART, .value = "USER", .example = "klikitd",
	    .text =
		"Started as root, serve becomes this user once its ports are "
		"open and its secrets read, for good. What a HUP reads again, "
		"and the store, must be this user's to read and write. Of "
		"/etc/passwd; without root, and under a systemd that does it, "
		"it means nothing." },
	{ "process.sandbox", KEY_BOOL, IN_CONFIG(process_sandbox), .def = "no",
	    .flags = KEY_RESTART, .value = "no|yes", .example = "yes",
	    .text =
		"yes: serve shuts itself off, by Landlock, from all files but "
		"its own: it writes beside the store, reads /etc and the "
		"folders of the files that it names, and starts no program. "
		"So only without a handler of type exec and without scheduled "
		"backups. A HUP that needs more is refused." },

	{ "status.order", KEY_WORDS, IN_CONFIG(status_order), .def = "",
	    .value = "CODE, ...", .example = "1, 2, 4, 5, 9, 3",
	    .text = "Status codes from the first to the last, for versions of "
		    "an order with the same time: the further one counts. A "
		    "code that is not listed comes before all others. Empty: "
		    "by their numbers. A change applies to what comes then." },
	{ "status.names", KEY_TEXTS, IN_CONFIG(status_names), .def = "",
	    .value = "CODE NAME, ...",
	    .example = "1 placed, 2 accepted, 3 cancelled, 4 ready",
	    .text = "What people call the codes: shown beside them on the "
		    "page, in tables and in the API. klikit's documents "
		    "contradict each other (5 is delivered in one, ready in "
		    "another), so ask klikit which hold for you. Empty: only "
		    "codes are shown." },

	{ 0 },
};

const struct key config_handler_keys[] = {
	{ "handler.type", KEY_NAME, IN_HANDLER(type_name), .value = "TYPE",
	    .text = "What is done with the events: one of the types, each "
		    "shown in a section of its own." },
	{ "handler.events", KEY_WORDS, IN_HANDLER(events),
	    .check = config_check_events, .def = CONFIG_EVERY_EVENT,
	    .value = "TYPE, ...",
	    .text = "Types of events it is for; * is every one of klikit's; "
		    "a.b.* is all that begin with a.b. -- klikitd's own, "
		    "klikitd.alert.*, are for those alone that name them." },
	{ "handler.brands", KEY_WORDS, IN_HANDLER(brands), .def = "",
	    .value = "ID, ...",
	    .text = "Only events of these brands; empty: of any." },
	{ "handler.branches", KEY_WORDS, IN_HANDLER(branches), .def = "",
	    .value = "ID, ...",
	    .text = "Only events of these branches; empty: of any." },
	{ "handler.endpoints", KEY_WORDS, IN_HANDLER(endpoints), .def = "",
	    .value = "NAME, ...",
	    .text = "Only events that came through these endpoints; empty: "
		    "through any." },
	{ "handler.origins", KEY_WORDS, IN_HANDLER(origins),
	    .check = config_check_origins, .def = "",
	    .value = "klikit|hub|reconcile, ...", .example = "klikit, hub",
	    .text = "Only events that klikit delivered, that came from a hub "
		    "(upstream), or that were filled in from klikit's list "
		    "(reconcile); empty: any." },
	{ "handler.ordering", KEY_CHOICE, IN_HANDLER(ordering), .def = "auto",
	    .value = "auto|order|none",
	    .text = "order: what concerns one order is done one by one, as it "
		    "arrived. none: in any order. auto: as the type needs." },
	{ "handler.retry", KEY_DURATIONS, IN_HANDLER(retry),
	    .def = "5s, 30s, 2m, 10m, 1h, 6h", .min = 1, .max = 720 * HOUR,
	    .value = "DURATION, ...",
	    .text = "Waits between tries; the last repeats." },
	{ "handler.max_age", KEY_DURATION, IN_HANDLER(max_age_ms), .def = "24h",
	    .min = SECOND, .max = 8760 * HOUR, .value = "DURATION",
	    .text = "What is older is given up." },
	{ "handler.deadline", KEY_DURATION, IN_HANDLER(deadline_ms),
	    .min = SECOND, .max = 30 * DAY, .value = "DURATION",
	    .example = "3m",
	    .text = "What is not done so long after it came in makes "
		    "on_deadline ring, once." },
	{ "handler.on_deadline", KEY_NAME, IN_HANDLER(on_deadline),
	    .check = config_check_not_empty, .value = "HANDLER",
	    .example = "bell",
	    .text = "The handler that then gets the event; with events empty "
		    "it gets nothing else." },
	{ 0 },
};

/* Of types that call out. */
const struct key config_outlet_keys[] = {
	{ "handler.timeout", KEY_DURATION, IN_HANDLER(timeout_ms), .min = 10,
	    .max = HOUR, .value = "DURATION", .text = "For a whole call." },
	{ "handler.concurrency", KEY_INT, IN_HANDLER(concurrency), .min = 1,
	    .max = 512, .value = "NUMBER", .text = "Calls at once." },
	{ "handler.once_per_order", KEY_BOOL, IN_HANDLER(once_per_order),
	    .def = "yes", .value = "no|yes",
	    .text = "A created event whose orders this handler has all done "
		    "before, under another id, is not sent again. So created "
		    "events of one order wait for each other even with "
		    "ordering = none." },
	{ "handler.repeats", KEY_BOOL, IN_HANDLER(sends_repeats), .def = "once",
	    .value = "once|send",
	    .text = "once: a repeat (retention.repeat_window) is only sent if "
		    "this handler has not done the event, nor is about to. "
		    "send: each time it comes." },
	{ 0 },
};

/* Of types that may be called for each order. */
const struct key config_unit_keys[] = {
	{ "handler.unit", KEY_BOOL, IN_HANDLER(per_order), .def = "event",
	    .value = "event|order",
	    .text = "event: the body as it came. order: a call for each order "
		    "in it; of one that is in it twice, for the newest "
		    "record. What has no order id is dead." },
	{ 0 },
};

const char *
config_key_short(const struct key *key)
{
	return (strchr(key->name, '.') + 1);
}

/* Is it "section.name"? */
static bool
is_named(const struct key *key, const char *section, const char *name)
{
	size_t len = strlen(section);

	return (strncmp(key->name, section, len) == 0 &&
		key->name[len] == '.' &&
		strcmp(key->name + len + 1, name) == 0);
}

const struct key *
config_key_find(const struct key *keys, const char *section, const char *name)
{
	for (const struct key *key = keys; key->name != NULL; key++) {
		if (is_named(key, section, name))
			return (key);
	}
	return (NULL);
}

const struct key *
config_handler_key(const struct handler *type, const char *name, bool *ret_own)
{
	const struct key *key;

	*ret_own = false;
	key = config_key_find(config_handler_keys, "handler", name);
	if (key == NULL && type != NULL && type->outlet) {
		key = config_key_find(config_outlet_keys, "handler", name);
		if (key != NULL && config_key_def(key, type) == NULL)
			key = NULL;
	}
	if (key == NULL && type != NULL && type->per_order)
		key = config_key_find(config_unit_keys, "handler", name);
	if (key == NULL && type != NULL && type->keys != NULL) {
		key = config_key_find(type->keys, "handler", name);
		*ret_own = key != NULL;
	}
	return (key);
}

const char *
config_key_def(const struct key *key, const struct handler *type)
{
	if (key->offset == IN_HANDLER(timeout_ms))
		return (type->timeout);
	if (key->offset == IN_HANDLER(concurrency))
		return (type->concurrency);
	return (key->def);
}

const char *
config_events_def(const struct handler *type)
{
	return (type->statuses == NULL ? NULL : type->statuses->asked_by);
}

const struct key *
config_key_flag(const char *name)
{
	for (const struct key *key = config_global_keys; key->name != NULL;
	     key++) {
		if (strcmp(key->name, name) == 0)
			return (key);
	}
	return (NULL);
}

void
config_keys_offer(const struct key *keys, struct nearest *n)
{
	for (const struct key *key = keys; key != NULL && key->name != NULL;
	     key++)
		nearest_offer(n, key->name);
}

const char *
config_key_env(const struct key *key, char ret_name[CONFIG_ENV_MAX])
{
	(void)snprintf(ret_name, CONFIG_ENV_MAX, "KLIKITD_%s", key->name);
	for (char *p = ret_name; *p != '\0'; p++)
		*p = *p == '.' ? '_' : (char)toupper((unsigned char)*p);
	return (ret_name);
}
