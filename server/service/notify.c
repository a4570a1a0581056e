#include "server/service/notify.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const words[] = {
	[NOTIFY_READY] = "READY=1\n",
	[NOTIFY_RELOADING] = "RELOADING=1\n",
	[NOTIFY_STOPPING] = "STOPPING=1\n",
	[NOTIFY_WATCHDOG] = "WATCHDOG=1\n",
	[NOTIFY_STATUS] = "",
};

/* One line, whatever stands in it. */
static size_t
put_status(const char *status, char *to, size_t size)
{
	size_t room = size - sizeof("STATUS=\n"), len = strlen(status);

	if (len > room) {
		len = room;
		while (len > 0 && ((unsigned char)status[len] & 0xc0) == 0x80)
			len--; /* no half characters */
	}
	(void)snprintf(to, size, "STATUS=%.*s\n", (int)len, status);
	for (size_t i = 0; to[i + 1] != '\0'; i++) {
		if ((unsigned char)to[i] < 0x20 || to[i] == 0x7f)
			to[i] = ' ';
	}
	return (strlen(to));
}

size_t
notify_format(enum notify_what what, int64_t usec, const char *status,
    char ret_text[NOTIFY_MAX])
{
	size_t n;

	n = (size_t)snprintf(ret_text, NOTIFY_MAX, "%s", words[what]);
	if (what == NOTIFY_RELOADING)
		n += (size_t)snprintf(ret_text + n, NOTIFY_MAX - n,
		    "MONOTONIC_USEC=%lld\n", (long long)usec);
	if (status != NULL)
		n += put_status(status, ret_text + n, NOTIFY_MAX - n);
	return (n);
}

socklen_t
notify_address(const char *text, struct sockaddr_un *ret_address)
{
	size_t len = strlen(text);

	if ((text[0] != '/' && text[0] != '@') || len < 2 ||
	    len >= sizeof(ret_address->sun_path))
		return (0);
	memset(ret_address, 0, sizeof(*ret_address));
	ret_address->sun_family = AF_UNIX;
	memcpy(ret_address->sun_path, text, len);
	if (text[0] == '@')
		ret_address->sun_path[0] = '\0';
	else
		len++; /* a path has its NUL */
	return ((socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
}

bool
notify_open(struct notify *n, const char *text)
{
	struct sockaddr_un address;
	socklen_t len;

	n->fd = -1;
	if (text == NULL)
		return (true);
	if ((len = notify_address(text, &address)) == 0)
		return (false);
	n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (n->fd == -1)
		return (false);
	if (connect(n->fd, (struct sockaddr *)&address, len) == 0)
		return (true);
	notify_close(n);
	return (false);
}

void
notify_send(const struct notify *n, enum notify_what what, int64_t usec,
    const char *status)
{
	char text[NOTIFY_MAX];
	size_t len;

	if (n->fd == -1)
		return;
	len = notify_format(what, usec, status, text);
	while (send(n->fd, text, len, MSG_NOSIGNAL) == -1 && errno == EINTR)
		;
}

void
notify_close(struct notify *n)
{
	if (n->fd != -1)
		(void)close(n->fd);
	n->fd = -1;
}
