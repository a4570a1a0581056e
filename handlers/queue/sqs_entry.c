#include "handlers/queue/sqs_entry.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handlers/queue/digest.h"
#include "store/base/base64.h"
#include "store/base/hex.h"
#include "store/base/utf8.h"

#define ATTRIBUTES_MAX 10 /* of one message */
#define STRING "String"
#define BINARY "Binary"

/* -- Bytes that grow -- */

struct bytes {
	char *at;
	size_t len;
	size_t size;
	bool oom;
};

/* Room for more bytes; NULL: out of memory, now and later. */
static char *
bytes_room(struct bytes *b, size_t more)
{
	size_t size = b->size;
	char *at;

	if (b->oom)
		return (NULL);
	if (b->len + more > size) {
		size = 2 * (b->len + more);
		if ((at = realloc(b->at, size)) == NULL) {
			b->oom = true;
			return (NULL);
		}
		b->at = at;
		b->size = size;
	}
	return (b->at + b->len);
}

static void
bytes_add(struct bytes *b, const void *bytes, size_t len)
{
	char *to = bytes_room(b, len);

	if (to == NULL || len == 0)
		return;
	memcpy(to, bytes, len);
	b->len += len;
}

static void
bytes_text(struct bytes *b, const char *text)
{
	bytes_add(b, text, strlen(text));
}

/* A number in four bytes, and then so many bytes. */
static void
bytes_counted(struct bytes *b, const void *bytes, size_t len)
{
	const unsigned char n[4] = { (unsigned char)(len >> 24),
		(unsigned char)(len >> 16), (unsigned char)(len >> 8),
		(unsigned char)len };

	bytes_add(b, n, sizeof(n));
	bytes_add(b, bytes, len);
}

/* How many bytes a byte of UTF-8 takes between the quotes of JSON. */
static size_t
escaped_len(char c)
{
	if (c == '"' || c == '\\' || c == '\n' || c == '\r' || c == '\t')
		return (2);
	return (c >= 0 && c < ' ' ? 6 : 1);
}

/* UTF-8, as it stands between the quotes of JSON. */
static void
bytes_string(struct bytes *b, const char *text, size_t len)
{
	size_t need = 1; /* for a NUL of sprintf() */
	char *to;

	for (size_t i = 0; i < len; i++)
		need += escaped_len(text[i]);
	if ((to = bytes_room(b, need)) == NULL)
		return;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (escaped_len(c) == 6) {
			to += sprintf(to, "\\u%04x", (unsigned)c);
			continue;
		}
		if (escaped_len(c) == 2)
			*to++ = '\\';
		*to++ = c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\t' ? 't' : c;
	}
	b->len = (size_t)(to - b->at);
}

static void
bytes_base64(struct bytes *b, const void *bytes, size_t len)
{
	char *to = bytes_room(b, BASE64_SIZE(len));

	if (to != NULL)
		b->len += base64_encode(bytes, len, to);
}

/* -- What SQS takes -- */

/* Text of the characters of XML 1.0, of which there is at least one. */
static bool
is_taken(const char *text, size_t len)
{
	size_t n;

	if (len == 0)
		return (false);
	for (size_t i = 0; i < len; i += n) {
		uint32_t code;

		if (text[i] >= ' ') { /* as nearly all is */
			n = 1;
			continue;
		}
		if ((n = utf8_next(text + i, len - i, &code)) == 0)
			return (false);
		if ((code < 0x20 && code != '\t' && code != '\n' &&
			code != '\r') ||
		    code == 0xfffe || code == 0xffff)
			return (false);
	}
	return (true);
}

/* An attribute as it is sent. */
struct attribute {
	const char *name;
	const char *value;
	size_t len;
	const char *type;
};

static int
attribute_compare(const void *a, const void *b)
{
	const struct attribute *x = a, *y = b;

	return (strcmp(x->name, y->name));
}

/* Those of the message, sorted by their names. Returns how many. */
static size_t
attributes_of(const struct message *m, bool encoded,
    struct attribute ret[ATTRIBUTES_MAX])
{
	size_t n = 0;

	if (encoded)
		ret[n++] =
		    (struct attribute){ SQS_ENCODING, "base64", 6, STRING };
	for (size_t i = 0; i < m->nattributes && n < ATTRIBUTES_MAX; i++) {
		const char *name = m->attributes[i].name;
		const char *value = m->attributes[i].value;
		size_t len = strlen(value);

		/* The scope is the last, and so the one without room. */
		if (len > 0)
			ret[n++] = (struct attribute){ name, value, len,
				is_taken(value, len) ? STRING : BINARY };
	}
	qsort(ret, n, sizeof(ret[0]), attribute_compare);
	return (n);
}

static void
put_attributes(struct bytes *b, const struct attribute *attributes, size_t n)
{
	bytes_text(b, ",\"MessageAttributes\":{");
	for (size_t i = 0; i < n; i++) {
		const struct attribute *a = &attributes[i];

		bytes_text(b, i == 0 ? "\"" : ",\"");
		bytes_text(b, a->name);
		bytes_text(b, "\":{\"DataType\":\"");
		bytes_text(b, a->type);
		if (strcmp(a->type, STRING) == 0) {
			bytes_text(b, "\",\"StringValue\":\"");
			bytes_string(b, a->value, a->len);
		} else {
			bytes_text(b, "\",\"BinaryValue\":\"");
			bytes_base64(b, a->value, a->len);
		}
		bytes_text(b, "\"}");
	}
	bytes_text(b, "}");
}

/* -- What SQS answers with -- */

/* Empty where MD5 cannot be had. */
static void
md5_of(const void *bytes, size_t len, char ret_hex[33])
{
	unsigned char digest[MD5_LEN];

	ret_hex[0] = '\0';
	if (digest_md5(bytes, len, digest) == 0)
		hex_encode(digest, sizeof(digest), ret_hex);
}

/* "Calculating the MD5 message digest for message attributes". */
static int
md5_of_attributes(const struct attribute *attributes, size_t n,
    char ret_hex[33])
{
	struct bytes b = { .at = NULL };

	for (size_t i = 0; i < n; i++) {
		const struct attribute *a = &attributes[i];

		bytes_counted(&b, a->name, strlen(a->name));
		bytes_counted(&b, a->type, strlen(a->type));
		bytes_add(&b, strcmp(a->type, STRING) == 0 ? "\1" : "\2", 1);
		bytes_counted(&b, a->value, a->len);
	}
	if (!b.oom)
		md5_of(b.at, b.len, ret_hex);
	free(b.at);
	return (b.oom ? -1 : 0);
}

/* -- The ids of a FIFO queue -- */

/* A group is the order's text, and a colon keeps its scope apart. */
static void
encode_part(struct bytes *b, const char *text)
{
	char hex[4];

	for (; *text != '\0'; text++) {
		if (*text > ' ' && *text <= '~' && *text != '%' &&
		    *text != ':') {
			bytes_add(b, text, 1);
		} else {
			(void)snprintf(hex, sizeof(hex), "%%%02X",
			    (unsigned char)*text);
			bytes_text(b, hex);
		}
	}
}

/* An id as it is, or if it is too long the SHA-256 of it. */
static int
fifo_id(const char *id, size_t len, char ret_id[SQS_GROUP_MAX + 1])
{
	unsigned char digest[SHA256_LEN];

	if (len <= SQS_GROUP_MAX) {
		memcpy(ret_id, id, len);
		ret_id[len] = '\0';
		return (0);
	}
	if (digest_sha256(id, len, digest) == -1)
		return (-1);
	hex_encode(digest, sizeof(digest), ret_id);
	return (0);
}

static int
fifo_group(const struct message *m, const struct store_event *ev,
    char ret_id[SQS_GROUP_MAX + 1])
{
	const char *order = m->order != NULL ? m->order->order_id : NULL;
	struct bytes b = { .at = NULL };
	int rc;

	for (size_t i = 0; order == NULL && i < ev->norders; i++) {
		if (ev->orders[i].order_id != NULL &&
		    ev->orders[i].order_id[0] != '\0')
			order = ev->orders[i].order_id;
	}
	if (order == NULL) {
		bytes_text(&b, "event:");
		bytes_text(&b, m->key);
	} else {
		encode_part(&b, ev->scope);
		bytes_text(&b, ev->scope[0] == '\0' ? "" : ":");
		encode_part(&b, order);
	}
	rc = b.oom ? -1 : fifo_id(b.at, b.len, ret_id);
	free(b.at);
	return (rc);
}

static int
put_fifo(struct bytes *b, struct sqs_entry *e, const struct message *m,
    const struct store_event *ev)
{
	char id[SQS_GROUP_MAX + 1];

	if (fifo_group(m, ev, e->group) == -1 ||
	    fifo_id(m->key, strlen(m->key), id) == -1)
		return (-1);
	bytes_text(b, ",\"MessageGroupId\":\"");
	bytes_string(b, e->group, strlen(e->group));
	bytes_text(b, "\",\"MessageDeduplicationId\":\"");
	bytes_string(b, id, strlen(id));
	bytes_text(b, "\"");
	return (0);
}

/* -- All of it -- */

/* A body that goes as base64. */
static void
put_encoded(struct bytes *b, struct sqs_entry *e, const struct message *m)
{
	struct bytes text = { .at = NULL };

	bytes_base64(&text, m->body, m->body_len);
	if (m->body_len == 0) /* blanks stand for nothing in base64 */
		bytes_text(&text, "\n");
	if (!text.oom) {
		bytes_string(b, text.at, text.len);
		e->size = text.len;
		md5_of(text.at, text.len, e->body_md5);
	}
	b->oom = b->oom || text.oom;
	free(text.at);
}

static void
put_body(struct bytes *b, struct sqs_entry *e, const struct message *m,
    bool encoded)
{
	bytes_text(b, ",\"MessageBody\":\"");
	if (encoded) {
		put_encoded(b, e, m);
	} else {
		bytes_string(b, m->body, m->body_len);
		e->size = m->body_len;
		md5_of(m->body, m->body_len, e->body_md5);
	}
	bytes_text(b, "\"");
}

int
sqs_entry_make(struct sqs_entry *e, const struct message *m,
    const struct store_event *ev, bool fifo)
{
	bool encoded = !is_taken(m->body, m->body_len);
	struct attribute attributes[ATTRIBUTES_MAX];
	struct bytes b = { .at = NULL };
	size_t n;

	memset(e, 0, sizeof(*e));
	n = attributes_of(m, encoded, attributes);
	put_body(&b, e, m, encoded);
	put_attributes(&b, attributes, n);
	for (size_t i = 0; i < n; i++)
		e->size += strlen(attributes[i].name) +
			   strlen(attributes[i].type) + attributes[i].len;
	if (md5_of_attributes(attributes, n, e->attributes_md5) == -1 ||
	    (fifo && put_fifo(&b, e, m, ev) == -1))
		b.oom = true;
	e->json = b.at;
	e->json_len = b.len;
	if (!b.oom && (b.at = realloc(b.at, b.len)) != NULL)
		e->json = b.at; /* it may wait for long */
	return (b.oom ? -1 : 0);
}

void
sqs_entry_fini(struct sqs_entry *e)
{
	free(e->json);
	e->json = NULL;
}

/* Hand over what was gathered. */
static char *
bytes_take(struct bytes *b, size_t *ret_len)
{
	if (b->oom) {
		free(b->at);
		return (NULL);
	}
	*ret_len = b->len;
	return (b->at);
}

static void
put_queue(struct bytes *b, const char *queue_url)
{
	bytes_text(b, "{\"QueueUrl\":\"");
	bytes_string(b, queue_url, strlen(queue_url));
	bytes_text(b, "\",");
}

char *
sqs_entries_join(const char *queue_url, const struct sqs_entry *const *entries,
    size_t n, size_t *ret_len)
{
	struct bytes b = { .at = NULL };
	char id[32];

	put_queue(&b, queue_url);
	bytes_text(&b, "\"Entries\":[");
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(id, sizeof(id), "%s{\"Id\":\"%zu\"",
		    i == 0 ? "" : ",", i);
		bytes_text(&b, id);
		bytes_add(&b, entries[i]->json, entries[i]->json_len);
		bytes_text(&b, "}");
	}
	bytes_text(&b, "]}");
	return (bytes_take(&b, ret_len));
}

char *
sqs_request_body(const char *queue_url, const char *more, size_t *ret_len)
{
	struct bytes b = { .at = NULL };

	put_queue(&b, queue_url);
	bytes_text(&b, more);
	bytes_text(&b, "}");
	return (bytes_take(&b, ret_len));
}
