/* On what file system a path is, and what is wrong with it. */
#include <string.h>

#include "server/cli/mount_info.h"
#include "test/lib/cmocka_all.h"

static const char box[] =
    "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
    "27 1 179:2 / / rw,noatime shared:1 - ext4 /dev/root "
    "rw,data=ordered,errors=remount-ro\n"
    "40 27 179:1 / /boot rw - vfat /dev/mmcblk0p1 rw\n"
    "41 27 8:1 / /mnt/a\\040disk rw - xfs /dev/sda1 rw,nobarrier\n"
    "42 27 0:50 / /var/lib rw,relatime master:1 shared:7 - ext4 /dev/sdb1 rw\n"
    "43 27 8:2 / /var/lib rw,relatime - ext4 /dev/sdb2 "
    "rw,barrier=0,data=writeback\n";

static struct mount_info
find(const char *text, const char *path)
{
	struct mount_info mount;

	memset(&mount, 'x', sizeof(mount));
	assert_int_equal(mount_info_find(text, path, &mount), 0);
	return (mount);
}

/* The longest place; of two at one place the later, which hides the other. */
static void
test_a_path_is_on_the_nearest_mount(void **state)
{
	struct mount_info m = find(box, "/home/k");

	(void)state;
	assert_string_equal(m.place, "/");
	assert_string_equal(m.type, "ext4");
	assert_string_equal(m.source, "/dev/root");
	assert_string_equal(m.options,
	    "rw,noatime,rw,data=ordered,errors=remount-ro");
	assert_int_equal(m.major, 179);
	assert_int_equal(m.minor, 2);
	assert_string_equal(find(box, "/").place, "/");
	assert_string_equal(find(box, "/bootx/k").place, "/");
	assert_string_equal(find(box, "/boot").place, "/boot");
	assert_string_equal(find(box, "/boot/k").place, "/boot");
	assert_string_equal(find(box, "/mnt/a disk/k").place, "/mnt/a disk");
	assert_string_equal(find(box, "/mnt/a").place, "/");
	assert_string_equal(find(box, "/var/lib/klikitd").source, "/dev/sdb2");
}

/* What is no such line is passed over; without any nothing is found. */
static void
test_odd_lines_are_passed_over(void **state)
{
	static const char *const odd[] = { "", "\n\n\n", "1", "1 2 3 4 5",
		"1 2 8:1 / / rw", "1 2 8:1 / / rw -", "1 2 8:1 / / rw - ",
		"1 2 eight / / rw - ext4 a rw", "1 2 8:1 / rel rw - ext4 a rw",
		"1 2 8:1 / / rw tag:1 tag:2" };
	struct mount_info mount;

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		assert_int_equal(mount_info_find(odd[i], "/x", &mount), -1);
	assert_string_equal(find("junk\n1 2 8:1 / / rw - ext4 a rw\njunk", "/")
				.type,
	    "ext4");
	assert_string_equal(find("1 2 8:1 / / rw - ext4 a", "/").options,
	    "rw,");
}

/* The words of all its flaws, and whether one of them loses events. */
static bool
flaws(const char *type, const char *options, char *ret_words)
{
	struct mount_info mount = { 0 };
	struct mount_flaw flaw;
	bool fails = false;

	(void)strcpy(mount.type, type);
	(void)strcpy(mount.options, options);
	ret_words[0] = '\0';
	for (unsigned i = 0; mount_info_flaw(&mount, i, &flaw); i++) {
		assert_non_null(flaw.what);
		assert_non_null(flaw.advice);
		fails = fails || flaw.fails;
		(void)strcat(strcat(ret_words, flaw.word), " ");
	}
	return (fails);
}

static void
test_what_loses_data_is_found(void **state)
{
	static const struct {
		const char *type, *options, *words;
		bool fails;
	} cases[] = {
		{ "ext4", "rw,relatime,rw,data=ordered", "", false },
		{ "ext4", "rw,rw,barrier=1", "", false },
		{ "ext4", "rw,rw,data=writeback", "data=writeback ", false },
		{ "ext4", "rw,barrier=0,data=writeback",
		    "barrier=0 data=writeback ", true },
		{ "ext3", "rw,nobarrier", "nobarrier ", true },
		{ "xfs", "rw,rw,nobarrier", "nobarrier ", true },
		{ "btrfs", "rw,nobarrier,space_cache=v2", "nobarrier ", true },
		{ "f2fs", "rw,fsync_mode=nobarrier", "fsync_mode=nobarrier ",
		    true },
		{ "f2fs", "rw,fsync_mode=posix", "", false },
		{ "reiserfs", "rw,barrier=none", "barrier=none ", true },
		{ "overlay", "rw,lowerdir=a,volatile", "volatile ", true },
		{ "overlay", "rw,lowerdir=/volatile", "", false },
		{ "nfs4", "rw,vers=4.2", "nfs4 ", true },
		{ "nfs", "rw", "nfs ", true },
		{ "cifs", "rw", "cifs ", true },
		{ "9p", "rw,cache=mmap", "9p ", true },
		{ "fuse.sshfs", "rw", "fuse.sshfs ", true },
		{ "fuse.mergerfs", "rw", "", false },
		{ "tmpfs", "rw,size=2m", "tmpfs ", true },
		{ "ext4", "", "", false },
	};
	char words[128];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(flaws(cases[i].type, cases[i].options, words),
		    cases[i].fails);
		assert_string_equal(words, cases[i].words);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_path_is_on_the_nearest_mount),
		cmocka_unit_test(test_odd_lines_are_passed_over),
		cmocka_unit_test(test_what_loses_data_is_found),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
