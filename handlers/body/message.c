#include "handlers/body/message.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handlers/body/order_body.h"
#include "store/base/hex.h"
#include "store/base/parse.h"

/* -- What signs -- */

int
message_signer_init(struct message_signer *s, const struct key_secret *file)
{
	*s = (struct message_signer){ .secret = NULL };
	if (file->bytes == NULL)
		return (0);
	if ((s->secret = malloc(file->len + 1)) == NULL)
		return (-1);
	memcpy(s->secret, file->bytes, file->len);
	s->secret_len = file->len;
	return (0);
}

void
message_signer_fini(struct message_signer *s)
{
	if (s->secret != NULL)
		explicit_bzero(s->secret, s->secret_len);
	free(s->secret);
	*s = (struct message_signer){ .secret = NULL };
}

/* -- The parts of a message -- */

enum handler_verdict
message_no_memory(struct handler_result *ret_result)
{
	(void)snprintf(ret_result->reason, HANDLER_REASON_MAX, "out of memory");
	ret_result->fault = HANDLER_FAULT_UNCLEAR;
	return (HANDLER_RETRY);
}

static enum handler_verdict
dead(struct handler_result *ret_result, const char *reason)
{
	(void)snprintf(ret_result->reason, HANDLER_REASON_MAX, "%s", reason);
	return (HANDLER_DEAD);
}

/* Choose the body, and the order that it is for. */
static enum handler_verdict
choose_body(struct message *m, const struct handler_job *job,
    struct handler_result *ret_result)
{
	const struct store_event *ev = job->ev;

	if (ev->body == NULL)
		return (dead(ret_result, "the body was purged"));
	m->body = ev->body;
	m->body_len = ev->body_len;
	if (job->place == STORE_WHOLE_EVENT)
		return (HANDLER_DONE);
	for (size_t i = 0; i < ev->norders; i++) {
		if (ev->orders[i].place == job->place)
			m->order = &ev->orders[i];
	}
	if (order_body_cut(ev->body, ev->body_len, job->place, &m->cut,
		&m->body_len) == 0)
		m->body = m->cut;
	else if (errno == ENOMEM)
		return (message_no_memory(ret_result));
	else
		return (
		    dead(ret_result, "the body has no order at that place"));
	return (HANDLER_DONE);
}

/*
 * An order's id may hold anything; a key may not. Percent-encoded, two
 * different ids stay different; without a colon, the id stays apart from what
 * stands around it in a key.
 */
static void
encode_id(const char *id, size_t size, char *ret_text)
{
	char *p = ret_text;

	for (; *id != '\0' && size - (size_t)(p - ret_text) > 3; id++) {
		if (*id > ' ' && *id <= '~' && *id != '%' && *id != ':')
			*p++ = *id;
		else
			p += sprintf(p, "%%%02X", (unsigned char)*id);
	}
	*p = '\0';
}

static void
make_key(struct message *m, const struct handler_job *job)
{
	const struct store_event *ev = job->ev;
	const char *id = ev->original != NULL ? ev->original : ev->event_id;
	char part[3 * 255 + 2] = "", more[32] = "";
	int64_t number = job->guards != 0 ? job->guards : job->key_of;

	if (m->order != NULL) {
		part[0] = ':';
		encode_id(m->order->order_id, sizeof(part) - 1, part + 1);
	} else if (job->place != STORE_WHOLE_EVENT) {
		(void)snprintf(part, sizeof(part), "::place-%" PRId32,
		    job->place);
	}
	/* Of an alarm there is no replay. */
	if (number != 0)
		(void)snprintf(more, sizeof(more), "%s:%s-%" PRId64,
		    part[0] == '\0' ? ":" : "",
		    job->guards != 0 ? "alarm" : "replay", number);
	(void)snprintf(m->key, sizeof(m->key), "%s%s%s%s%s", ev->scope,
	    ev->scope[0] == '\0' ? "" : ":", id, part, more);
}

/* Returns 0, or -1 when out of memory. */
static int
make_signature(struct message *m, const struct handler_env *env,
    const struct message_signer *signer, const struct store_event *ev)
{
	if (signer->secret != NULL)
		return (env->sign(env->arg, signer->secret, signer->secret_len,
		    m->body, m->body_len, m->signature));
	/* klikit's, if any, fits no other body. */
	if (m->cut == NULL && ev->secret != NULL)
		hex_encode(ev->digest, sizeof(ev->digest), m->signature);
	return (0);
}

static void
add(struct message *m, const char *name, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	m->attributes[m->nattributes++] =
	    (struct message_attribute){ .name = name, .value = value };
}

static void
make_attributes(struct message *m, const struct handler_job *job)
{
	const struct store_event *ev = job->ev;

	(void)snprintf(m->attempt, sizeof(m->attempt), "%u", job->attempt);
	add(m, "klikit-event-id", ev->event_id);
	add(m, "klikit-event-type", ev->type);
	add(m, "klikit-brand-id", ev->brand);
	add(m, "klikit-branch-id", ev->branch);
	add(m, "klikit-order-id", m->order == NULL ? NULL : m->order->order_id);
	add(m, "klikit-signature", m->signature);
	add(m, "idempotency-key", m->key);
	add(m, "klikitd-attempt", m->attempt);
	add(m, "received-at", format_time(ev->received_at_ms, m->received_at));
	add(m, "klikitd-scope", ev->scope);
}

/* -- The whole -- */

enum handler_verdict
message_make(struct message *m, const struct handler_env *env,
    const struct message_signer *signer, const struct handler_job *job,
    struct handler_result *ret_result)
{
	enum handler_verdict verdict;

	memset(m, 0, sizeof(*m));
	verdict = choose_body(m, job, ret_result);
	if (verdict != HANDLER_DONE)
		return (verdict);
	make_key(m, job);
	if (make_signature(m, env, signer, job->ev) == -1) {
		message_fini(m);
		return (message_no_memory(ret_result));
	}
	make_attributes(m, job);
	return (HANDLER_DONE);
}

void
message_fini(struct message *m)
{
	free(m->cut);
	m->cut = NULL;
}

const char *
message_attribute(const struct message *m, const char *name)
{
	for (size_t i = 0; i < m->nattributes; i++) {
		if (strcmp(m->attributes[i].name, name) == 0)
			return (m->attributes[i].value);
	}
	return (NULL);
}

size_t
message_headers(const struct message *m,
    struct message_attribute ret_headers[MESSAGE_HEADERS_MAX])
{
	static const struct {
		const char *header;
		const char *attribute;
	} known[MESSAGE_HEADERS_MAX - 1] = {
		{ "x-klikit-event-id", "klikit-event-id" },
		{ "x-klikit-event-type", "klikit-event-type" },
		{ "x-klikitd-attempt", "klikitd-attempt" },
		{ "x-klikitd-scope", "klikitd-scope" },
		{ "Idempotency-Key", "idempotency-key" },
		{ "x-klikit-signature", "klikit-signature" },
	};
	size_t n = 0;

	ret_headers[n++] =
	    (struct message_attribute){ "Content-Type", "application/json" };
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const char *value = message_attribute(m, known[i].attribute);

		if (value != NULL)
			ret_headers[n++] =
			    (struct message_attribute){ known[i].header,
				    value };
	}
	return (n);
}
