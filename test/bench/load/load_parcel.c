/*
 * Each request has a body of its own, as each of klikit's has: what comes
 * twice is a repeat, which a receiver may treat otherwise. The bodies differ by
 * their order's number, and are signed before the first is sent, as many as
 * there may be; should they not suffice, the rest are signed one by one. With
 * --bodies there are only so many, which repeat each other.
 */
#include <arpa/inet.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"
#include "store/base/hex.h"

#define ORDER_MARK "@ORDER@"
#define RATE_MOST 60000 /* requests a second, of the fastest server */
#define SIGNED_MOST 4000000

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

/* The number of an order, written out. */
static struct iovec
order_digits(const struct parcels *p, uint64_t body,
    char ret_digits[ORDER_DIGITS])
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%0*" PRIu64, ORDER_DIGITS,
	    p->first_order + body);
	memcpy(ret_digits, text, ORDER_DIGITS);
	return ((struct iovec){ ret_digits, p->numbered ? ORDER_DIGITS : 0 });
}

static int
sign(struct parcels *p, uint64_t number, struct body *ret_body)
{
	char digits[ORDER_DIGITS];
	const struct iovec segs[] = { order_digits(p, number, digits),
		p->after };

	return (signer_sign(p->signer, segs, 2, ret_body->mac));
}

/* Read the body's text and see where its number goes. */
static int
read_text(struct parcels *p, const struct options *opt)
{
	size_t len, mark_len = strlen(ORDER_MARK);
	char *mark;

	if ((p->text = read_file(opt->body_file, &len)) == NULL)
		return (-1);
	mark = memmem(p->text, len, ORDER_MARK, mark_len);
	p->numbered = mark != NULL;
	if (!p->numbered && opt->nbodies != 1) {
		(void)fprintf(stderr,
		    "load: %s: for several bodies it must hold %s\n",
		    opt->body_file, ORDER_MARK);
		return (-1);
	}
	p->before = (struct iovec){ p->text,
		p->numbered ? (size_t)(mark - p->text) : len };
	if (p->numbered)
		p->after = (struct iovec){ mark + mark_len,
			len - p->before.iov_len - mark_len };
	p->body_len = p->before.iov_len + p->after.iov_len +
		      (p->numbered ? ORDER_DIGITS : 0);
	return (0);
}

/* The key in a file, of which a newline at the end is no part. */
static int
read_key(struct parcels *p, const char *path)
{
	struct iovec key;
	char *secret;
	size_t len;

	if ((secret = read_file(path, &len)) == NULL)
		return (-1);
	if (len > 0 && secret[len - 1] == '\n')
		len--;
	key = (struct iovec){ secret, len };
	if (len > 0)
		p->signer = signer_new(&key, &p->before);
	free(secret);
	if (p->signer == NULL)
		(void)fprintf(stderr, "load: no secret in %s\n", path);
	return (p->signer == NULL ? -1 : 0);
}

/* How many may be sent. */
static size_t
bodies_needed(const struct options *opt)
{
	int64_t us = opt->warm_us + opt->run_us;
	uint64_t n = opt->nrequests;

	if (opt->nbodies != 0)
		return (opt->nbodies);
	if (n == 0 && opt->think_us == 0)
		n = (uint64_t)us * RATE_MOST / 1000000;
	else if (n == 0)
		n = (uint64_t)(us / opt->think_us + 1) * opt->nconns;
	return (n < SIGNED_MOST ? (size_t)n : SIGNED_MOST);
}

static int
make_bodies(struct parcels *p, const struct options *opt)
{
	size_t n = bodies_needed(opt);

	if ((p->bodies = calloc(n + 1, sizeof(*p->bodies))) == NULL)
		return (-1);
	for (; p->nbodies < n; p->nbodies++) {
		if (sign(p, p->nbodies, &p->bodies[p->nbodies]) == -1)
			return (-1);
	}
	return (0);
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
	    id, ID_LEN, "", signature, 2 * MAC_LEN, "");
	p->head_len = (size_t)n;
	p->id_at = (size_t)(strstr(p->head, id) - p->head) + strlen(id);
	p->signature_at =
	    (size_t)(strstr(p->head, signature) - p->head) + strlen(signature);
}

int
parcels_init(struct parcels *p, const struct options *opt)
{
	memset(p, 0, sizeof(*p));
	p->seed = opt->seed;
	p->first_order = opt->first_order;
	p->in_turn = opt->nbodies != 0;
	if (opt->body_file != NULL &&
	    (read_text(p, opt) == -1 || read_key(p, opt->secret_file) == -1 ||
		make_bodies(p, opt) == -1)) {
		parcels_fini(p);
		return (-1);
	}
	make_head(p, opt);
	return (0);
}

void
parcels_fini(struct parcels *p)
{
	signer_free(p->signer);
	free(p->bodies);
	free(p->text);
	memset(p, 0, sizeof(*p));
}

int
parcels_fill(struct parcels *p, uint64_t n, struct parcel *ret_parcel)
{
	uint64_t number = p->in_turn ? n % p->nbodies : n;
	char signature[2 * MAC_LEN + 1];
	struct body body;

	memcpy(ret_parcel->head, p->head, p->head_len);
	memset(ret_parcel->left, 0, sizeof(ret_parcel->left));
	ret_parcel->left[0] = (struct iovec){ ret_parcel->head, p->head_len };
	if (p->id_at == 0)
		return (0);
	if (number < p->nbodies)
		body = p->bodies[number];
	else if (sign(p, number, &body) == -1)
		return (-1);
	parcels_id(p, n, ret_parcel->head + p->id_at);
	hex_encode(body.mac, MAC_LEN, signature);
	memcpy(ret_parcel->head + p->signature_at, signature, 2 * MAC_LEN);
	ret_parcel->left[1] = p->before;
	ret_parcel->left[2] = order_digits(p, number, ret_parcel->digits);
	ret_parcel->left[3] = p->after;
	return (0);
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
