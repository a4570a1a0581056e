/*
 * klikitd trigger --all: is that a right receiver? What is asked for is what
 * klikit and its reference receivers do; where klikit's documents name two
 * answers both are right.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/clock.h"
#include "server/devtools/trigger_body.h"
#include "server/devtools/verb_trigger.h"
#include "store/base/hex.h"

#define BATCH 5
#define UNKNOWN_TYPE "klikit.order.unheard_of.v1"
#define HEADERS 4
#define NAME_WIDTH 34

/* What is done to a delivery. */
enum twist {
	TWIST_NONE,
	TWIST_DUPLICATE, /* the delivery before, once more */
	TWIST_SIGNATURE, /* one digit is another */
	TWIST_NO_SIGNATURE,
	TWIST_NO_ID,
	TWIST_NO_TYPE
};

/* Which answers are right. */
enum right { RIGHT_2XX, RIGHT_DUPLICATE, RIGHT_REFUSED, RIGHT_MISSING };

static const struct one {
	const char *name;
	enum trigger_kind kind;
	size_t orders;
	const char *type; /* NULL: of the kind */
	enum twist twist;
	enum right right;
} all[] = {
	{ "created", TRIGGER_CREATED, 1, NULL, TWIST_NONE, RIGHT_2XX },
	{ "the same again", TRIGGER_CREATED, 1, NULL, TWIST_DUPLICATE,
	    RIGHT_DUPLICATE },
	{ "status", TRIGGER_STATUS, 1, NULL, TWIST_NONE, RIGHT_2XX },
	{ "cart", TRIGGER_CART, 1, NULL, TWIST_NONE, RIGHT_2XX },
	{ "created, a batch of 5 orders", TRIGGER_CREATED, BATCH, NULL,
	    TWIST_NONE, RIGHT_2XX },
	{ "a type not heard of", TRIGGER_CREATED, 1, UNKNOWN_TYPE, TWIST_NONE,
	    RIGHT_2XX },
	{ "a wrong signature", TRIGGER_CREATED, 1, NULL, TWIST_SIGNATURE,
	    RIGHT_REFUSED },
	{ "without x-klikit-signature", TRIGGER_CREATED, 1, NULL,
	    TWIST_NO_SIGNATURE, RIGHT_MISSING },
	{ "without x-klikit-event-id", TRIGGER_CREATED, 1, NULL, TWIST_NO_ID,
	    RIGHT_MISSING },
	{ "without x-klikit-event-type", TRIGGER_CREATED, 1, NULL,
	    TWIST_NO_TYPE, RIGHT_MISSING },
};
#define NALL (sizeof(all) / sizeof(all[0]))

/* A delivery that is being sent. */
struct sending {
	const struct trigger_sender *ts;
	char event_id[TRIGGER_EVENT_ID_LEN];
	char signature[SIGNATURE_TEXT_LEN + 1];
	char *body; /* kept for a duplicate */
	size_t len;
};

static bool
is_right(const struct one *one, const struct trigger_answer *a)
{
	switch (one->right) {
	case RIGHT_2XX:
		return (a->status >= 200 && a->status < 300);
	case RIGHT_DUPLICATE:
		return (a->status >= 200 && a->status < 300 &&
			strstr(a->text, "duplicate-ignored") != NULL);
	case RIGHT_REFUSED:
		return (a->status == 401 || a->status == 403);
	case RIGHT_MISSING:
		return (a->status >= 400 && a->status < 500);
	}
	return (false);
}

static const char *
wanted(enum right right)
{
	switch (right) {
	case RIGHT_2XX:
		return ("2xx");
	case RIGHT_DUPLICATE:
		return ("2xx with duplicate-ignored: klikit repeats a delivery "
			"without an answer, which must not be done twice");
	case RIGHT_REFUSED:
		return ("401 or 403: anyone who knows the URL can send this");
	case RIGHT_MISSING:
		return ("4xx, as 400");
	}
	return ("");
}

/* Body, id and signature of a delivery; those of the last for a duplicate. */
static int
prepare(struct sending *x, const struct one *one)
{
	const struct trigger_body b = {
		.kind = one->kind,
		.orders = one->orders,
		.order_id = trigger_order_id(one->orders),
		.now_ms = clock_wall_ms(),
	};
	unsigned char mac[SIGNATURE_LEN];
	char reason[TRIGGER_REASON_MAX];
	struct iovec seg;
	char *last = &x->signature[SIGNATURE_TEXT_LEN - 1];

	if (one->twist == TWIST_DUPLICATE)
		return (0);
	if (b.order_id == -1) {
		fprintf(stderr, "klikitd trigger: there is no randomness\n");
		return (-1);
	}
	free(x->body);
	if ((x->body = trigger_body_build(&b, &x->len, reason)) == NULL) {
		fprintf(stderr, "klikitd trigger: %s\n", reason);
		return (-1);
	}
	seg.iov_base = x->body;
	seg.iov_len = x->len;
	if (trigger_event_id(x->event_id) == -1 ||
	    secrets_mac(x->ts->sec, x->ts->secret, &seg, 1, mac) == -1) {
		fprintf(stderr, "klikitd trigger: out of memory\n");
		return (-1);
	}
	hex_encode(mac, sizeof(mac), x->signature);
	if (one->twist == TWIST_SIGNATURE)
		*last = *last == '0' ? '1' : '0';
	return (0);
}

/* The headers, but for one that the delivery goes without. */
static void
set_headers(const struct sending *x, const struct one *one,
    struct trigger_header ret_headers[HEADERS + 1])
{
	size_t n = 0;

	ret_headers[n++] =
	    (struct trigger_header){ "Content-Type", "application/json" };
	if (one->twist != TWIST_NO_ID)
		ret_headers[n++] =
		    (struct trigger_header){ "x-klikit-event-id", x->event_id };
	if (one->twist != TWIST_NO_TYPE)
		ret_headers[n++] =
		    (struct trigger_header){ "x-klikit-event-type",
			    one->type == NULL ? trigger_type(one->kind)
					      : one->type };
	if (one->twist != TWIST_NO_SIGNATURE)
		ret_headers[n++] =
		    (struct trigger_header){ "x-klikit-signature",
			    x->signature };
	ret_headers[n] = (struct trigger_header){ NULL, NULL };
}

/* Send it and print its line. Returns whether the answer was right. */
static bool
send_one(struct sending *x, const struct one *one)
{
	struct trigger_header headers[HEADERS + 1];
	char reason[TRIGGER_CLIENT_REASON_MAX];
	struct trigger_answer answer;
	bool right;

	set_headers(x, one, headers);
	printf("%-*s", NAME_WIDTH, one->name);
	if (trigger_client_post(x->ts->client,
		&(struct trigger_request){ headers, x->body, x->len,
		    TRIGGER_TIMEOUT_S },
		&answer, reason) == -1) {
		printf("wrong  no answer: %s\n", reason);
		return (false);
	}
	right = is_right(one, &answer);
	printf("%s  %d  %7.1f ms  ", right ? "right" : "wrong", answer.status,
	    (double)answer.latency_us / 1000);
	trigger_print_text(answer.text);
	if (!right)
		printf("  (wanted: %s)", wanted(one->right));
	printf("\n");
	verb_flush();
	return (right);
}

enum verb_exit
trigger_all(const struct trigger_sender *ts)
{
	struct sending x = { .ts = ts };
	size_t wrong = 0;

	for (size_t i = 0; i < NALL; i++) {
		if (prepare(&x, &all[i]) == -1) {
			free(x.body);
			return (VERB_FAILED);
		}
		wrong += !send_one(&x, &all[i]);
	}
	free(x.body);
	if (wrong > 0)
		fprintf(stderr,
		    "klikitd trigger: %zu of %zu answers are wrong\n", wrong,
		    NALL);
	return (wrong == 0 ? VERB_DONE : VERB_FAILED);
}
