/*
 * Only the body is signed: one body and one signature serve a whole run, and
 * the event id is what differs from request to request. Bodies that differ by
 * their order id are for runs in which orders matter.
 */
#include <arpa/inet.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"
#include "server/signature.h"
#include "store/base/hex.h"

#define ORDER_MARK "@ORDER@"
#define ORDER_DIGITS 10 /* so all bodies have one length */

/* The bytes of a file; owned by the caller. NULL after a message. */
static char *
read_file(const char *path, size_t *ret_len)
{
	char *bytes = NULL, *more;
	size_t len = 0, room = 0, n;
	FILE *f;

	if ((f = fopen(path, "r")) == NULL) {
		(void)fprintf(stderr, "load: cannot read %s\n", path);
		return (NULL);
	}
	do {
		if (room - len < 4096) {
			room = room * 2 + 8192;
			if ((more = realloc(bytes, room)) == NULL) {
				free(bytes);
				(void)fclose(f);
				return (NULL);
			}
			bytes = more;
		}
		n = fread(bytes + len, 1, room - len - 1, f);
		len += n;
	} while (n > 0);
	(void)fclose(f);
	bytes[len] = '\0';
	*ret_len = len;
	return (bytes);
}

/* A new text in which the order's number stands for the mark. */
static char *
fill_order(const char *text, size_t len, uint64_t order, size_t *ret_len)
{
	const char *mark = memmem(text, len, ORDER_MARK, strlen(ORDER_MARK));
	size_t before = mark == NULL ? len : (size_t)(mark - text);
	char digits[32], *ret;
	size_t n;

	if ((ret = malloc(len + sizeof(digits))) == NULL)
		return (NULL);
	memcpy(ret, text, before);
	if (mark == NULL) {
		*ret_len = len;
		return (ret);
	}
	n = (size_t)snprintf(digits, sizeof(digits), "%0*" PRIu64, ORDER_DIGITS,
	    order);
	memcpy(ret + before, digits, n);
	memcpy(ret + before + n, mark + strlen(ORDER_MARK),
	    len - before - strlen(ORDER_MARK));
	*ret_len = len - strlen(ORDER_MARK) + n;
	return (ret);
}

static int
sign(struct body *body, size_t len, struct signature_key *key)
{
	const struct iovec seg = { body->bytes, len };
	unsigned char mac[SIGNATURE_LEN];
	char text[2 * SIGNATURE_LEN + 1];

	if (signature_mac(key, &seg, 1, mac) == -1)
		return (-1);
	hex_encode(mac, sizeof(mac), text);
	memcpy(body->signature, text, sizeof(body->signature));
	return (0);
}

/* The key in a file, of which a newline at the end is no part. */
static struct signature_key *
read_key(const char *path)
{
	struct signature_key *key = NULL;
	char *secret;
	size_t len;

	if ((secret = read_file(path, &len)) == NULL)
		return (NULL);
	if (len > 0 && secret[len - 1] == '\n')
		len--;
	if (len > 0)
		key = signature_key_new(secret, len);
	free(secret);
	return (key);
}

static int
make_bodies(struct parcels *p, const struct options *opt,
    struct signature_key *key)
{
	size_t len;
	char *text;
	int rc = -1;

	if ((text = read_file(opt->body_file, &len)) == NULL)
		return (-1);
	if (opt->nbodies > 1 &&
	    memmem(text, len, ORDER_MARK, strlen(ORDER_MARK)) == NULL) {
		(void)fprintf(stderr,
		    "load: %s: for several bodies it must hold %s\n",
		    opt->body_file, ORDER_MARK);
		goto out;
	}
	if ((p->bodies = calloc(opt->nbodies, sizeof(*p->bodies))) == NULL)
		goto out;
	for (; p->nbodies < opt->nbodies; p->nbodies++) {
		struct body *body = &p->bodies[p->nbodies];

		body->bytes = fill_order(text, len,
		    opt->first_order + p->nbodies, &p->body_len);
		if (body->bytes == NULL || sign(body, p->body_len, key) == -1)
			goto out;
	}
	rc = 0;
out:
	free(text);
	return (rc);
}

/* Both lengths are fixed, so all heads have the same one. */
static void
make_head(struct parcels *p, const struct options *opt)
{
	const char *id = "x-klikit-event-id: ";
	const char *signature = "x-klikit-signature: ";
	char host[INET_ADDRSTRLEN] = "";
	int n;

	(void)inet_ntop(AF_INET, &opt->to.sin_addr, host, sizeof(host));
	if (opt->body_file == NULL) {
		n = snprintf(p->head, sizeof(p->head),
		    "GET %s HTTP/1.1\r\nHost: %s:%u\r\n\r\n", opt->path, host,
		    ntohs(opt->to.sin_port));
		p->head_len = (size_t)n;
		return;
	}
	n = snprintf(p->head, sizeof(p->head),
	    "POST %s HTTP/1.1\r\nHost: %s:%u\r\n"
	    "Content-Type: application/json\r\nContent-Length: %zu\r\n"
	    "x-klikit-event-type: %s\r\n%s%*s\r\n%s%*s\r\n\r\n",
	    opt->path, host, ntohs(opt->to.sin_port), p->body_len, opt->type,
	    id, ID_LEN, "", signature, 64, "");
	p->head_len = (size_t)n;
	p->id_at = (size_t)(strstr(p->head, id) - p->head) + strlen(id);
	p->signature_at =
	    (size_t)(strstr(p->head, signature) - p->head) + strlen(signature);
}

int
parcels_init(struct parcels *p, const struct options *opt)
{
	struct signature_key *key;
	int rc = 0;

	memset(p, 0, sizeof(*p));
	p->seed = opt->seed;
	if (opt->body_file != NULL) {
		if ((key = read_key(opt->secret_file)) == NULL) {
			(void)fprintf(stderr, "load: no secret in %s\n",
			    opt->secret_file);
			return (-1);
		}
		rc = make_bodies(p, opt, key);
		signature_key_free(key);
	}
	if (rc == 0)
		make_head(p, opt);
	return (rc);
}

void
parcels_fini(struct parcels *p)
{
	for (unsigned i = 0; i < p->nbodies; i++)
		free(p->bodies[i].bytes);
	free(p->bodies);
}

/* Steele, Lea, Flood: a permutation of the 64-bit numbers ("splitmix64"). */
static uint64_t
spread(uint64_t n)
{
	n += UINT64_C(0x9e3779b97f4a7c15);
	n = (n ^ n >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	n = (n ^ n >> 27) * UINT64_C(0x94d049bb133111eb);
	return (n ^ n >> 31);
}

void
parcels_id(const struct parcels *p, uint64_t n, char ret_id[ID_LEN])
{
	static const char digits[] = "0123456789abcdef";
	uint64_t base = spread(p->seed);
	uint64_t half[2] = { spread(base + n), spread(base ^ ~n) };
	size_t at = 0;

	for (size_t i = 0; i < 32; i++) {
		if (i == 8 || i == 12 || i == 16 || i == 20)
			ret_id[at++] = '-';
		ret_id[at++] = digits[half[i / 16] >> (60 - i % 16 * 4) & 15];
	}
}
