/* What the store's disk is, and whether it may lose what was synced to it. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/base/log.h"
#include "server/cli/doctor_private.h"
#include "server/cli/mount_info.h"
#include "store/base/parse.h"
#include "store/store.h"

#define TEXT_MAX (1 << 20)              /* of mountinfo: thousands of mounts */
#define CLOCK_SET_S INT64_C(1735689600) /* 2025 */

/* -- What the machine says -- */

/* The first line of a file, without its newline; "" if there is none. */
static void
read_line(const char *path, char *ret, int max)
{
	FILE *in = fopen(path, "re");

	ret[0] = '\0';
	if (in == NULL)
		return;
	if (fgets(ret, max, in) == NULL)
		ret[0] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
	(void)fclose(in);
}

/* The mounts as this process sees them, to be freed; NULL: not known. */
static char *
read_mounts(void)
{
	FILE *in = fopen("/proc/self/mountinfo", "re");
	char *text = in == NULL ? NULL : malloc(TEXT_MAX);
	size_t n;

	if (text != NULL) {
		n = fread(text, 1, TEXT_MAX - 1, in);
		text[n] = '\0';
	}
	if (in != NULL)
		(void)fclose(in);
	return (text);
}

/*
 * Is the device an SD card? ret_name is then the card's, "mmcblk0". What is
 * soldered in (MMC) is not.
 */
static bool
is_card(const struct mount_info *mount, char *ret_name, size_t max)
{
	char link[96], place[PATH_MAX], type[16];
	const char *name;

	(void)snprintf(link, sizeof(link), "/sys/dev/block/%u:%u", mount->major,
	    mount->minor);
	if (realpath(link, place) == NULL ||
	    (name = strstr(place, "/mmcblk")) == NULL)
		return (false);
	name++;
	(void)snprintf(ret_name, max, "%.*s", (int)strcspn(name, "/"), name);
	(void)snprintf(link, sizeof(link), "/sys/block/%.32s/device/type",
	    ret_name);
	read_line(link, type, sizeof(type));
	return (strcmp(type, "MMC") != 0);
}

/* Does a clock go on while the machine is off? If not, why nobody thinks so. */
static bool
has_clock(const char **ret_why)
{
	char text[32];
	int64_t s;
	glob_t found;
	bool any = glob("/sys/class/rtc/rtc*", 0, NULL, &found) == 0;

	*ret_why = "it has none (/dev/rtc)";
	if (!any)
		return (false);
	globfree(&found);
	*ret_why = "fake-hwclock is installed, which stands in for one";
	if (access("/etc/fake-hwclock.data", F_OK) == 0)
		return (false);
	read_line("/sys/class/rtc/rtc0/since_epoch", text, sizeof(text));
	*ret_why = "its date is before 2025: the battery is empty";
	return (parse_int(text, INT64_MIN + 1, INT64_MAX, &s) == -1 ||
		s >= CLOCK_SET_S);
}

/* -- The findings -- */

static void
disk_card(const struct doctor *d, const char *dir,
    const struct mount_info *mount)
{
	char name[64];
	const char *why;

	if (!is_card(mount, name, sizeof(name)))
		return;
	if (has_clock(&why))
		doctor_report(d, DOCTOR_OK, NULL,
		    "%s: is on an SD card (%s): they wear out, so keep backups "
		    "elsewhere (klikitd backup)",
		    log_text(dir), name);
	else
		doctor_report(d, DOCTOR_WARN,
		    "add a clock with a battery, and keep backups elsewhere "
		    "(klikitd backup); until the clock is set by NTP what "
		    "comes in is marked, and calls by TLS may fail",
		    "%s: is on an SD card (%s), which wears out, and no clock "
		    "goes on while this machine is off: %s",
		    log_text(dir), name, why);
}

void
doctor_disk(struct doctor *d)
{
	struct mount_info mount;
	struct mount_flaw flaw;
	char dir[PATH_MAX], place[PATH_MAX], *text;
	unsigned n = 0;

	if (!store_traits(d->cfg->store_url)->is_file)
		return; /* the server's disk is not ours to see */
	doctor_store_dir(d, dir);
	if ((text = read_mounts()) == NULL)
		return;
	if (mount_info_find(text, realpath(dir, place) != NULL ? place : dir,
		&mount) == 0) {
		for (; mount_info_flaw(&mount, n, &flaw); n++)
			doctor_report(d, flaw.fails ? DOCTOR_FAIL : DOCTOR_WARN,
			    flaw.advice,
			    "%s: its file system (%s, at %s) %s: %s",
			    log_text(dir), mount.type, log_text(mount.place),
			    flaw.what, flaw.word);
		if (n == 0)
			doctor_report(d, DOCTOR_OK, NULL,
			    "%s: is on %s, which keeps what is synced",
			    log_text(dir), mount.type);
		disk_card(d, dir, &mount);
	}
	free(text);
}
