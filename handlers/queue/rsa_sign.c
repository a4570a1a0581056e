#include "handlers/queue/rsa_sign.h"

#include <sys/eventfd.h>
#include <sys/random.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <mbedtls/md.h>
#include <mbedtls/pk.h>
#include <mbedtls/rsa.h>
#include <mbedtls/version.h>

#include "handlers/queue/digest.h"

#define BITS_MIN 2048
#define BITS_MAX (8 * RSA_SIGNATURE_MAX)
#define STACK_SIZE (512 * 1024)

/* Shared by the loop and the thread; who leaves last wipes and frees it. */
struct rsa_signing {
	atomic_uint users;
	int fd; /* written by the thread when all below is there */
	char *pem;
	char *text;
	unsigned char signature[RSA_SIGNATURE_MAX];
	size_t len; /* 0: it could not be made */

	/* The loop's. */
	struct event *event;
	rsa_sign_fn *done;
	void *arg;
};

/* -- mbedTLS -- */

/* f_rng: the kernel's random bytes need no context and no seeding. */
static int
random_cb(void *arg, unsigned char *ret, size_t len)
{
	(void)arg;
	while (len > 0) {
		ssize_t n = getrandom(ret, len, 0);

		if (n < 0)
			return (-1);
		ret += n;
		len -= (size_t)n;
	}
	return (0);
}

/* Read the key into *pk, which is initialised. Returns mbedTLS's code. */
static int
parse_key(mbedtls_pk_context *pk, const char *pem)
{
	const unsigned char *bytes = (const unsigned char *)pem;
	size_t size = strlen(pem) + 1; /* with its NUL: so mbedTLS asks */

#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	return (
	    mbedtls_pk_parse_key(pk, bytes, size, NULL, 0, random_cb, NULL));
#else
	return (mbedtls_pk_parse_key(pk, bytes, size, NULL, 0));
#endif
}

static int
sign_hash(mbedtls_pk_context *pk, const unsigned char hash[SHA256_LEN],
    unsigned char ret[RSA_SIGNATURE_MAX], size_t *ret_len)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	return (mbedtls_pk_sign(pk, MBEDTLS_MD_SHA256, hash, SHA256_LEN, ret,
	    RSA_SIGNATURE_MAX, ret_len, random_cb, NULL));
#else
	return (mbedtls_pk_sign(pk, MBEDTLS_MD_SHA256, hash, SHA256_LEN, ret,
	    ret_len, random_cb, NULL));
#endif
}

/* What is wrong with the key; NULL: nothing. */
static const char *
key_fault(const mbedtls_pk_context *pk)
{
	size_t bits = mbedtls_pk_get_bitlen(pk);

	if (!mbedtls_pk_can_do(pk, MBEDTLS_PK_RSA))
		return ("its private_key is not one of RSA");
	if (bits < BITS_MIN)
		return ("its private_key has fewer than 2048 bits");
	if (bits > BITS_MAX)
		return ("its private_key has more than 8192 bits");
	if (mbedtls_rsa_check_privkey(mbedtls_pk_rsa(*pk)) != 0)
		return ("its private_key is damaged");
	return (NULL);
}

int
rsa_sign_judge(const char *pem, char reason[KEY_REASON_MAX])
{
	const char *fault = "its private_key is not one in PEM: download the "
			    "key of the service account anew";
	mbedtls_pk_context pk;

	mbedtls_pk_init(&pk);
	if (parse_key(&pk, pem) == 0)
		fault = key_fault(&pk);
	mbedtls_pk_free(&pk); /* wipes it */
	if (fault == NULL)
		return (0);
	(void)snprintf(reason, KEY_REASON_MAX, "%s", fault);
	return (-1);
}

/* -- The thread -- */

static void
signing_leave(struct rsa_signing *s)
{
	if (atomic_fetch_sub(&s->users, 1) > 1)
		return;
	if (s->fd != -1)
		close(s->fd);
	if (s->pem != NULL)
		explicit_bzero(s->pem, strlen(s->pem));
	free(s->pem);
	free(s->text);
	explicit_bzero(s->signature, sizeof(s->signature));
	free(s);
}

static void
signing_make(struct rsa_signing *s)
{
	unsigned char hash[SHA256_LEN];
	mbedtls_pk_context pk;

	mbedtls_pk_init(&pk);
	if (parse_key(&pk, s->pem) != 0 || key_fault(&pk) != NULL ||
	    digest_sha256(s->text, strlen(s->text), hash) == -1 ||
	    sign_hash(&pk, hash, s->signature, &s->len) != 0)
		s->len = 0;
	mbedtls_pk_free(&pk);
}

/* The thread. */
static void *
signing_main(void *arg)
{
	struct rsa_signing *s = arg;

	signing_make(s);
	(void)eventfd_write(s->fd, 1); /* cannot fail: it was 0 */
	signing_leave(s);
	return (NULL);
}

/* Returns 0; -1: it does not run. */
static int
signing_run(struct rsa_signing *s)
{
	pthread_attr_t attr;
	sigset_t all, old;
	pthread_t thread;
	int rc;

	if (pthread_attr_init(&attr) != 0)
		return (-1);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	(void)pthread_attr_setstacksize(&attr, STACK_SIZE);
	atomic_fetch_add(&s->users, 1);
	(void)sigfillset(&all); /* signals are for the loop */
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&thread, &attr, signing_main, s);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	(void)pthread_attr_destroy(&attr);
	if (rc == 0)
		return (0);
	atomic_fetch_sub(&s->users, 1);
	return (-1);
}

/* -- The loop -- */

/* EV_READ: the thread is done. */
static void
signing_done_cb(evutil_socket_t fd, short what, void *arg)
{
	struct rsa_signing *s = arg;
	rsa_sign_fn *done = s->done;
	eventfd_t count;

	(void)what;
	if (eventfd_read(fd, &count) == -1)
		return;
	event_free(s->event);
	close(s->fd); /* the thread has no use for it any more */
	s->fd = -1;
	done(s->len == 0 ? NULL : s->signature, s->len, s->arg);
	signing_leave(s);
}

struct rsa_signing *
rsa_sign_start(struct event_base *base, const char *pem, const char *text,
    rsa_sign_fn *done, void *arg)
{
	struct rsa_signing *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return (NULL);
	atomic_init(&s->users, 1);
	s->done = done;
	s->arg = arg;
	s->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->pem = strdup(pem);
	s->text = strdup(text);
	if (s->fd != -1 && s->pem != NULL && s->text != NULL)
		s->event = event_new(base, s->fd, EV_READ | EV_PERSIST,
		    signing_done_cb, s);
	if (s->event != NULL && event_add(s->event, NULL) == 0 &&
	    signing_run(s) == 0)
		return (s);
	if (s->event != NULL)
		event_free(s->event);
	signing_leave(s);
	return (NULL);
}

void
rsa_sign_cancel(struct rsa_signing *s)
{
	event_free(s->event);
	signing_leave(s);
}
