/*
 * A line of /proc/self/mountinfo (proc(5)):
 *
 *   36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,data=ordered
 *   id parent device root place options tags    - type source options
 *
 * In its fields blanks, tabs, newlines and backslashes are \ooo.
 */
#include "server/cli/mount_info.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A field of a line, as it stands there. */
struct span {
	const char *p;
	size_t len;
};

/* The next field; with len 0 if there is none. */
static struct span
next_field(const char **line, const char *end)
{
	struct span field = { *line, 0 };

	while (field.p < end && *field.p == ' ')
		field.p++;
	while (field.p + field.len < end && field.p[field.len] != ' ')
		field.len++;
	*line = field.p + field.len;
	return (field);
}

static bool
is_octal(const char *p)
{
	return (p[0] >= '0' && p[0] <= '3' && p[1] >= '0' && p[1] <= '7' &&
		p[2] >= '0' && p[2] <= '7');
}

/* Copy it, its escapes undone, cut to what finds room. */
static void
copy_field(struct span field, char *ret, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < field.len && n + 1 < max; i++) {
		const char *p = field.p + i;

		if (*p == '\\' && i + 3 < field.len && is_octal(p + 1)) {
			ret[n++] = (char)((p[1] - '0') * 64 + (p[2] - '0') * 8 +
					  p[3] - '0');
			i += 3;
		} else
			ret[n++] = *p;
	}
	ret[n] = '\0';
}

/* Read one line. Returns 0, or -1 if it is of another form. */
static int
read_line(const char *line, const char *end, struct mount_info *ret)
{
	struct span field, options;
	char device[32];
	size_t len;

	(void)next_field(&line, end);
	(void)next_field(&line, end);
	copy_field(next_field(&line, end), device, sizeof(device));
	if (sscanf(device, "%u:%u", &ret->major, &ret->minor) != 2)
		return (-1);
	(void)next_field(&line, end);
	copy_field(next_field(&line, end), ret->place, sizeof(ret->place));
	options = next_field(&line, end);
	do {
		if ((field = next_field(&line, end)).len == 0)
			return (-1);
	} while (field.len != 1 || *field.p != '-');
	copy_field(next_field(&line, end), ret->type, sizeof(ret->type));
	copy_field(next_field(&line, end), ret->source, sizeof(ret->source));
	copy_field(options, ret->options, sizeof(ret->options));
	len = strlen(ret->options);
	if (len + 1 < sizeof(ret->options)) {
		ret->options[len++] = ',';
		copy_field(next_field(&line, end), ret->options + len,
		    sizeof(ret->options) - len);
	}
	return (ret->place[0] == '/' && ret->type[0] != '\0' ? 0 : -1);
}

/* Is the path there or below? */
static bool
is_below(const char *path, const char *place)
{
	size_t len = strlen(place);

	if (len == 1)
		return (path[0] == '/');
	return (strncmp(path, place, len) == 0 &&
		(path[len] == '/' || path[len] == '\0'));
}

int
mount_info_find(const char *text, const char *path,
    struct mount_info *ret_mount)
{
	struct mount_info mount;
	size_t longest = 0;
	const char *end;

	for (; *text != '\0'; text = *end == '\0' ? end : end + 1) {
		end = text + strcspn(text, "\n");
		if (read_line(text, end, &mount) == -1 ||
		    !is_below(path, mount.place) ||
		    strlen(mount.place) < longest)
			continue;
		longest = strlen(mount.place);
		*ret_mount = mount;
	}
	return (longest == 0 ? -1 : 0);
}

/* -- What is wrong with it -- */

#define NETWORK                                                                \
	"is a network file system: its locks and syncs may not hold, and a "   \
	"store on it may be damaged"
#define LOCAL                                                                  \
	"put the store on a disk of this machine, or use PostgreSQL "          \
	"(store.url = postgres://...)"
#define MEMORY "is in memory: all events are gone when the machine stops"
#define NO_BARRIER                                                             \
	"is mounted so that a sync does not reach the disk: acknowledged "     \
	"events are lost when the power fails"
#define DATA                                                                   \
	"is mounted so that after a power failure files may hold what stood "  \
	"on the disk before"
#define REMOUNT "take the option out of /etc/fstab and mount it anew"

/* By its type. */
static const struct mount_flaw types[] = {
	{ true, NETWORK, LOCAL, "nfs" },
	{ true, NETWORK, LOCAL, "nfs4" },
	{ true, NETWORK, LOCAL, "cifs" },
	{ true, NETWORK, LOCAL, "smb3" },
	{ true, NETWORK, LOCAL, "smbfs" },
	{ true, NETWORK, LOCAL, "9p" },
	{ true, NETWORK, LOCAL, "afs" },
	{ true, NETWORK, LOCAL, "ceph" },
	{ true, NETWORK, LOCAL, "fuse.ceph" },
	{ true, NETWORK, LOCAL, "fuse.glusterfs" },
	{ true, NETWORK, LOCAL, "fuse.rclone" },
	{ true, NETWORK, LOCAL, "fuse.s3fs" },
	{ true, NETWORK, LOCAL, "fuse.sshfs" },
	{ true, NETWORK, LOCAL, "vboxsf" },
	{ true, NETWORK, LOCAL, "fuse.vmhgfs-fuse" },
	{ true, MEMORY, "put the store on a disk", "tmpfs" },
	{ true, MEMORY, "put the store on a disk", "ramfs" },
};

/* By one of its options. */
static const struct mount_flaw options[] = {
	{ true, NO_BARRIER, REMOUNT, "nobarrier" },
	{ true, NO_BARRIER, REMOUNT, "barrier=0" },
	{ true, NO_BARRIER, REMOUNT, "barrier=none" },
	{ true, NO_BARRIER, REMOUNT, "fsync_mode=nobarrier" },
	{ true, NO_BARRIER, REMOUNT, "volatile" }, /* of an overlay */
	{ false, DATA, REMOUNT, "data=writeback" },
};
#define NTYPES (sizeof(types) / sizeof(types[0]))
#define NOPTIONS (sizeof(options) / sizeof(options[0]))

/* Is the word one of a list with commas between? */
static bool
has_word(const char *list, const char *word)
{
	size_t len = strlen(word), n;

	for (;; list += n + 1) {
		n = strcspn(list, ",");
		if (n == len && strncmp(list, word, len) == 0)
			return (true);
		if (list[n] == '\0')
			return (false);
	}
}

bool
mount_info_flaw(const struct mount_info *mount, unsigned i,
    struct mount_flaw *ret_flaw)
{
	for (size_t k = 0; k < NTYPES + NOPTIONS; k++) {
		const struct mount_flaw *flaw =
		    k < NTYPES ? &types[k] : &options[k - NTYPES];

		if (k < NTYPES ? strcmp(mount->type, flaw->word) != 0
			       : !has_word(mount->options, flaw->word))
			continue;
		if (i-- == 0) {
			*ret_flaw = *flaw;
			return (true);
		}
	}
	return (false);
}
