/*
 * The fake klikit: builds deliveries, signs them with the configured secret,
 * sends them one after the other over one connection, and says whether each
 * answer is the one that a right receiver gives.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/cli/trigger_client.h"
#include "server/cli/verb_input.h"
#include "server/devtools/trigger_body.h"
#include "server/devtools/verb_trigger.h"
#include "server/devtools/verbs.h"
#include "store/base/hex.h"

#define COUNT_MAX 10000000

/* All that one run of the verb needs. */
struct trigger {
	const struct verb_args *args;
	struct secrets *sec;
	size_t secret;
	struct trigger_client *client; /* NULL: print, send nothing */
	char *file;                    /* the body of FILE; NULL: build one */
	size_t file_len;
	enum trigger_kind kind;
	const char *type;
	const char **overrides;
	size_t noverrides;
	bool bad_signature;
	bool duplicate;
	size_t unexpected; /* answers */
};

/* One delivery, ready to go. */
struct delivery {
	char event_id[TRIGGER_EVENT_ID_LEN];
	char signature[SIGNATURE_TEXT_LEN + 1];
	const char *type;
	char *body;
	size_t len;
};

static bool
find_kind(const char *word, enum trigger_kind *ret_kind)
{
	static const char *const names[] = { [TRIGGER_CREATED] = "created",
		[TRIGGER_STATUS] = "status",
		[TRIGGER_CART] = "cart" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(word, names[i]) == 0) {
			*ret_kind = (enum trigger_kind)i;
			return (true);
		}
	}
	return (false);
}

/* The body of a delivery; owned by the caller. */
static char *
make_body(const struct trigger *t, size_t *ret_len)
{
	struct trigger_body b = {
		.kind = t->kind,
		.order_id = trigger_order_id(1),
		.now_ms = clock_wall_ms(),
		.overrides = t->overrides,
		.noverrides = t->noverrides,
	};
	char reason[TRIGGER_REASON_MAX];
	char *body;

	if (t->file != NULL) {
		*ret_len = t->file_len;
		if ((body = malloc(t->file_len + 1)) == NULL)
			fprintf(stderr, "klikitd trigger: out of memory\n");
		else
			memcpy(body, t->file, t->file_len);
		return (body);
	}
	if (b.order_id == -1) {
		fprintf(stderr, "klikitd trigger: there is no randomness\n");
		return (NULL);
	}
	if ((body = trigger_body_build(&b, ret_len, reason)) == NULL)
		fprintf(stderr, "klikitd trigger: %s\n", reason);
	return (body);
}

static int
make_delivery(const struct trigger *t, struct delivery *ret_d)
{
	const char *event_id = verb_flag(t->args, "event-id", 0);
	unsigned char mac[SIGNATURE_LEN];
	struct iovec seg;
	char *last = &ret_d->signature[SIGNATURE_TEXT_LEN - 1];

	if ((ret_d->body = make_body(t, &ret_d->len)) == NULL)
		return (-1);
	seg.iov_base = ret_d->body;
	seg.iov_len = ret_d->len;
	if (secrets_mac(t->sec, t->secret, &seg, 1, mac) == -1 ||
	    (event_id == NULL && trigger_event_id(ret_d->event_id) == -1)) {
		fprintf(stderr, "klikitd trigger: out of memory\n");
		return (-1);
	}
	if (event_id != NULL)
		(void)snprintf(ret_d->event_id, sizeof(ret_d->event_id), "%s",
		    event_id);
	hex_encode(mac, sizeof(mac), ret_d->signature);
	if (t->bad_signature)
		*last = *last == '0' ? '1' : '0';
	ret_d->type = t->type;
	return (0);
}

static void
print_delivery(const struct delivery *d, bool first)
{
	if (!first)
		printf("\n");
	printf("content-type: application/json\n"
	       "content-length: %zu\n"
	       "x-klikit-event-id: %s\n"
	       "x-klikit-event-type: %s\n"
	       "x-klikit-signature: %s\n\n",
	    d->len, d->event_id, d->type, d->signature);
	(void)fwrite(d->body, 1, d->len, stdout);
	printf("\n"); /* content-length says that it is not of the body */
}

/* Is this what a right receiver answers? */
static bool
expected(const struct trigger *t, bool again, const struct trigger_answer *a)
{
	if (t->bad_signature)
		return (a->status == 401);
	if (again)
		return (a->status == 200 &&
			strstr(a->text, "duplicate-ignored") != NULL);
	return (a->status >= 200 && a->status < 300);
}

/* Send it and print the answer. Returns -1 if there was none. */
static int
send_once(struct trigger *t, const struct delivery *d, bool again)
{
	const struct trigger_header headers[] = {
		{ "Content-Type", "application/json" },
		{ "x-klikit-event-id", d->event_id },
		{ "x-klikit-event-type", d->type },
		{ "x-klikit-signature", d->signature },
		{ NULL, NULL },
	};
	char reason[TRIGGER_CLIENT_REASON_MAX];
	struct trigger_answer answer;
	bool good;

	if (trigger_client_post(t->client,
		&(struct trigger_request){ headers, d->body, d->len,
		    TRIGGER_TIMEOUT_S },
		&answer, reason) == -1) {
		fprintf(stderr, "klikitd trigger: %s\n", reason);
		return (-1);
	}
	good = expected(t, again, &answer);
	t->unexpected += good ? 0 : 1;
	printf("%d  %7.1f ms  %s  ", answer.status,
	    (double)answer.latency_us / 1000, log_text(d->event_id));
	trigger_print_text(answer.text);
	printf("%s\n", good ? "" : "  (unexpected)");
	verb_flush();
	return (0);
}

static enum verb_exit
run_deliveries(struct trigger *t, long long count)
{
	struct delivery d;
	int rc = 0;

	for (long long i = 0; i < count && rc == 0; i++) {
		memset(&d, 0, sizeof(d));
		rc = make_delivery(t, &d);
		if (rc == 0 && t->client == NULL)
			print_delivery(&d, i == 0);
		else if (rc == 0) {
			rc = send_once(t, &d, false);
			if (rc == 0 && t->duplicate)
				rc = send_once(t, &d, true);
		}
		free(d.body);
	}
	if (t->unexpected > 0)
		fprintf(stderr, "klikitd trigger: %zu unexpected answers\n",
		    t->unexpected);
	return (rc == 0 && t->unexpected == 0 ? VERB_DONE : VERB_FAILED);
}

/* Has every --override a path and a value? */
static enum verb_exit
check_overrides(const struct verb_args *args)
{
	const char *text;
	const char *equals;

	for (size_t i = 0; (text = verb_flag(args, "override", i)) != NULL;
	     i++) {
		if ((equals = strchr(text, '=')) == NULL || equals == text)
			return (verb_usage(args,
			    "--override: \"%s\" is not PATH=VALUE",
			    log_text(text)));
	}
	return (VERB_DONE);
}

/* --all has all that the others would choose. */
static enum verb_exit
check_all(const struct verb_args *args)
{
	static const char *const others[] = { "count", "duplicate",
		"bad-signature", "event-id", "type", "override", "print" };

	if (!verb_has(args, "all"))
		return (args->nwords > 0
			    ? VERB_DONE
			    : verb_usage(args, "needs created|status|cart|FILE "
					       "or --all"));
	if (args->nwords > 0)
		return (verb_usage(args, "--all: excludes \"%s\"",
		    log_text(args->words[0])));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (verb_has(args, others[i]))
			return (verb_usage(args, "--all: excludes --%s",
			    others[i]));
	}
	return (VERB_DONE);
}

/* Flags that exclude each other, or have no effect here. */
static enum verb_exit
check_flags(const struct verb_args *args, bool is_file, long long count)
{
	if (is_file && verb_has(args, "override"))
		return (verb_usage(args,
		    "--override: a file is sent byte for byte"));
	if (!is_file && args->nwords > 0 && verb_has(args, "type"))
		return (verb_usage(args,
		    "--type: only for a FILE; %s has its "
		    "own type",
		    args->words[0]));
	if (verb_has(args, "ca-file") && verb_has(args, "server-certificate"))
		return (verb_usage(args,
		    "--server-certificate: excludes --ca-file"));
	if (verb_has(args, "event-id") && count > 1)
		return (verb_usage(args,
		    "--event-id: excludes --count; to send one event twice "
		    "use --duplicate"));
	if (verb_has(args, "duplicate") && verb_has(args, "bad-signature"))
		return (
		    verb_usage(args, "--duplicate: excludes --bad-signature"));
	if (verb_has(args, "print") &&
	    (verb_has(args, "to") || verb_has(args, "duplicate")))
		return (
		    verb_usage(args, "--print: excludes --to and --duplicate"));
	if (verb_has(args, "event-id") &&
	    strlen(verb_flag(args, "event-id", 0)) >= TRIGGER_EVENT_ID_LEN)
		return (verb_usage(args, "--event-id: is over %d bytes",
		    TRIGGER_EVENT_ID_LEN - 1));
	return (VERB_DONE);
}

static int
set_overrides(struct trigger *t)
{
	while (verb_flag(t->args, "override", t->noverrides) != NULL)
		t->noverrides++;
	t->overrides = calloc(t->noverrides + 1, sizeof(char *));
	if (t->overrides == NULL) {
		fprintf(stderr, "klikitd trigger: out of memory\n");
		return (-1);
	}
	for (size_t i = 0; i < t->noverrides; i++)
		t->overrides[i] = verb_flag(t->args, "override", i);
	return (0);
}

static enum verb_exit
trigger_run(const struct verb_args *args)
{
	struct trigger t = {
		.args = args,
	};
	enum verb_exit rc = VERB_FAILED;
	struct config *cfg = NULL;
	struct verb_target target;
	long long count = 1;
	bool all = verb_has(args, "all"), is_file, dev;

	if (check_all(args) != VERB_DONE)
		return (VERB_USAGE);
	is_file = !all && !find_kind(args->words[0], &t.kind);
	if (verb_int(args, "count", 1, COUNT_MAX, &count) == -1 ||
	    check_flags(args, is_file, count) != VERB_DONE ||
	    check_overrides(args) != VERB_DONE)
		return (VERB_USAGE);
	t.bad_signature = verb_has(args, "bad-signature");
	t.duplicate = verb_has(args, "duplicate");
	t.type = trigger_type(t.kind);
	if (verb_has(args, "type"))
		t.type = verb_flag(args, "type", 0);
	if (is_file &&
	    verb_read_body(args->words[0], &t.file, &t.file_len) == -1)
		goto out;
	dev = verb_dev_secret(args);
	cfg = verb_config(args, CONFIG_SERVER, dev);
	if (cfg == NULL || (t.sec = verb_secrets(cfg)) == NULL ||
	    verb_target(args, cfg, verb_flag(args, "to", 0), &target) == -1 ||
	    set_overrides(&t) == -1)
		goto out;
	t.secret = target.secret;
	if (!verb_has(args, "print") && (t.client = trigger_connect(args, cfg,
					     target.endpoint, dev)) == NULL)
		goto out;
	if (all)
		rc = trigger_all(
		    &(struct trigger_sender){ t.sec, t.secret, t.client });
	else
		rc = run_deliveries(&t, count);
out:
	trigger_client_free(t.client);
	secrets_free(t.sec);
	config_free(cfg);
	free(t.overrides);
	free(t.file);
	return (rc);
}

static const struct verb_flag flags[] = {
	{ "to", "URL", "where to; default: what http.listen says", false },
	{ "ca-file", "FILE", "who may vouch for an https URL (PEM)", false },
	{ "server-certificate", "FILE",
	    "or: the certificate of an https URL, under any name (PEM)",
	    false },
	{ "count", "N", "so many, each an event of its own", false },
	{ "duplicate", NULL, "send each twice", false },
	{ "bad-signature", NULL, "with a wrong signature", false },
	{ "event-id", "ID", "with this event id, not a random one", false },
	{ "type", "TYPE", "of a FILE (default klikit.order.created.v2)",
	    false },
	{ "override", "PATH=VALUE", "change the body; may be repeated", true },
	{ "endpoint", "NAME", "to this endpoint, with its secret", false },
	{ "secret-name", "NAME", "sign with this secret, not the first",
	    false },
	{ "print", NULL, "print a request for verify --request, send nothing",
	    false },
	{ "all", NULL, "one of every kind, right and wrong ones", false },
	{ "dev", NULL, "to the klikitd dev that runs, with its secret", false },
	{ 0 },
};

static const char more[] =
    "Sends what klikit would send, and exits 0 only if every answer is right:\n"
    "2xx, of a duplicate duplicate-ignored, of a bad signature 401. A FILE is\n"
    "sent byte for byte.\n"
    "\n"
    "  klikitd trigger created --count 10\n"
    "  klikitd trigger status --override orders.0.id=9100001 \\\n"
    "      --override orders.0.status=3\n"
    "\n"
    "A PATH names keys and indexes; a VALUE is JSON if it is, else a string.\n"
    "\n"
    "--all checks whether a receiver (--to URL) answers as klikit asks: "
    "every\n"
    "type, a batch, a duplicate, a type not heard of, a wrong signature and "
    "missing\n"
    "headers.\n";

const struct verb verb_trigger = {
	.name = "trigger",
	.words = "created|status|cart|FILE|--all",
	.text = "Send signed deliveries, as klikit does",
	.more = more,
	.flags = flags,
	.words_max = 1,
	.config = true,
	.alone = true,
	.run = trigger_run,
};
