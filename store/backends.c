/*
 * The backends that are built in, and what is asked of a store that is not
 * open.
 */
#include <stdio.h>
#include <string.h>

#include "store/store_private.h"

/* By the first part of the URL; ops NULL: known, but not built in. */
static const struct backend {
	const char *scheme;
	const struct store_ops *ops;
	const char *form; /* of such a URL, for messages */
} backends[] = {
	{ "sqlite", &store_sqlite_ops, "sqlite:PATH" },
#ifdef HAVE_POSTGRES
	{ "postgres", &store_postgres_ops, "postgres://HOST/DATABASE" },
	{ "postgresql", &store_postgres_ops, NULL },
#else
	{ "postgres", NULL, "postgres://HOST/DATABASE" },
	{ "postgresql", NULL, NULL },
#endif
};
#define NBACKENDS (sizeof(backends) / sizeof(backends[0]))

void
store_process_init(void)
{
	for (size_t i = 0; i < NBACKENDS; i++)
		if (backends[i].ops != NULL &&
		    backends[i].ops->process_init != NULL)
			backends[i].ops->process_init();
}

/* The row of that URL, and what follows its scheme; or NULL. */
static const struct backend *
backend_find(const char *url, const char **ret_path)
{
	for (size_t i = 0; i < NBACKENDS; i++) {
		size_t len = strlen(backends[i].scheme);

		if (strncmp(url, backends[i].scheme, len) == 0 &&
		    url[len] == ':' && url[len + 1] != '\0') {
			*ret_path = url + len + 1;
			return (&backends[i]);
		}
	}
	return (NULL);
}

/* The forms that a URL may have: "A or B". */
static void
backend_forms(char *ret, size_t size)
{
	ret[0] = '\0';
	for (size_t i = 0; i < NBACKENDS; i++) {
		size_t len = strlen(ret);

		if (backends[i].form != NULL)
			(void)snprintf(ret + len, size - len, "%s%s",
			    len == 0 ? "" : " or ", backends[i].form);
	}
}

const struct store_ops *
store_backend(const char *url, const char **ret_path,
    char reason[STORE_REASON_MAX])
{
	const struct backend *b = backend_find(url, ret_path);
	char forms[STORE_REASON_MAX / 2];

	if (b != NULL && b->ops != NULL)
		return (b->ops);
	if (b != NULL) {
		(void)snprintf(reason, STORE_REASON_MAX,
		    "%s: this klikitd was built without it", b->scheme);
		return (NULL);
	}
	/* Of what it is, no more than that: it may hold a password. */
	backend_forms(forms, sizeof(forms));
	(void)snprintf(reason, STORE_REASON_MAX,
	    "\"%.*s\" is no store; write %s", (int)strcspn(url, ":/@"), url,
	    forms);
	return (NULL);
}

/* The backend of that URL, or NULL. */
static const struct store_ops *
backend_of(const char *url, const char **ret_path)
{
	const struct backend *b = backend_find(url, ret_path);

	return (b == NULL ? NULL : b->ops);
}

const struct store_traits *
store_traits(const char *url)
{
	const char *path;
	const struct store_ops *ops = backend_of(url, &path);

	return (ops == NULL ? NULL : &ops->traits);
}

void
store_url_name(const char *url, char ret_name[STORE_NAME_MAX])
{
	const char *path;
	const struct store_ops *ops = backend_of(url, &path);

	if (ops == NULL)
		(void)snprintf(ret_name, STORE_NAME_MAX, "%.*s",
		    (int)strcspn(url, ":/@"), url);
	else if (ops->url_name != NULL)
		ops->url_name(url, ret_name);
	else
		(void)snprintf(ret_name, STORE_NAME_MAX, "%s", url);
}

int
store_check_url(const char *url, const char **ret_advice,
    char reason[STORE_REASON_MAX])
{
	const char *path;
	const struct store_ops *ops = store_backend(url, &path, reason);

	*ret_advice = NULL;
	if (ops == NULL)
		return (-1);
	return (ops->check_url == NULL
		    ? 0
		    : ops->check_url(url, ret_advice, reason));
}

int
store_locate(const char *url, char ret_path[PATH_MAX])
{
	const char *path;
	const struct store_ops *ops = backend_of(url, &path);

	return (ops == NULL || ops->locate == NULL
		    ? -1
		    : ops->locate(path, ret_path));
}

enum store_rc
store_would_open(const char *url, enum store_found *ret_found,
    char reason[STORE_REASON_MAX])
{
	const char *path;
	const struct store_ops *ops = store_backend(url, &path, reason);

	if (ops == NULL)
		return (STORE_FAILED);
	if (ops->would_open != NULL)
		return (ops->would_open(path, ret_found, reason));
	*ret_found = STORE_FOUND;
	return (STORE_OK);
}

void
store_set_aside(const char *url, store_set_aside_fn *each, void *arg)
{
	const char *path;
	const struct store_ops *ops = backend_of(url, &path);

	if (ops != NULL && ops->set_aside != NULL)
		ops->set_aside(path, each, arg);
}

enum store_rc
store_restore(const struct store_restore *what, struct store_restored *ret,
    char reason[STORE_REASON_MAX])
{
	struct store_restore inner = *what;
	const struct store_ops *ops;
	char name[STORE_NAME_MAX];

	if ((ops = store_backend(what->url, &inner.url, reason)) == NULL)
		return (STORE_FAILED);
	if (ops->restore != NULL)
		return (ops->restore(&inner, ret, reason));
	store_url_name(what->url, name);
	(void)snprintf(reason, STORE_REASON_MAX,
	    "%.*s: klikitd does not restore it; see server/docs/postgres.md",
	    STORE_REASON_MAX / 2, name);
	return (STORE_FAILED);
}
