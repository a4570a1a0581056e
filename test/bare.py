#!/usr/bin/python3
"""Try README's two commands on a bare Debian 12, as a newcomer would.

usage: bare.py [-h] [--as root|user]... [--keep FOLDER] [SUITE...]

As root and as a user without sudo, each in a Debian of its own that debootstrap
makes (minbase): `./run` and `./run test` (with the suites named, else all but
the long ones). As the user, what the two print is run by root, word for word.
The lists of services and of enabled units must be the same before and after,
and no process may be left.

Needs root, debootstrap and some 3 GB of disk under $TMPDIR (/tmp). The mirror
and its proxy are those of this machine's apt, as are the certificates that it
trusts beside Debian's. Nothing outside the folder is changed: what is mounted
goes with the processes. Exits 77 where it cannot be tried here.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
RELEASE = "bookworm"
USER = "cook"
STEP_LIMIT_S = 90 * 60
CANNOT = 77

# As PID 1 of namespaces of its own: mount what a system has, run a command
# there, name the processes that it has left.
ENTER = r"""
set -eu
bare=$1 user=$2 network=$3 folder=$4
shift 4
mount --make-rprivate /
mount --bind "$bare" "$bare" # else nothing inside may unshare mounts
mount -t proc proc "$bare/proc"
mount -t sysfs -o ro sysfs "$bare/sys"
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$bare/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$bare/dev/shm"
[ "$network" = all ] || ip link set lo up
rc=0
chroot --userspec="$user" "$bare" /bin/sh -c 'cd "$1"; shift; exec "$@"' sh \
	"$folder" /usr/bin/env -i "$@" </dev/null || rc=$?
for process in "$bare"/proc/[0-9]*; do
	[ "${process##*/}" -ne 1 ] || continue
	[ -s "$process/cmdline" ] || continue
	echo "left behind: $(tr '\0' ' ' <"$process/cmdline")"
	rc=99
done 2>/dev/null
exit "$rc"
"""

# What starts when such a machine starts, and at which times.
SERVICES = r"""
find /etc/systemd /etc/init.d /etc/rc?.d /etc/xdg/autostart /etc/cron* \
	/var/lib/systemd/deb-systemd-*-enabled ! -type d 2>/dev/null | sort
find /lib/systemd /usr/lib/systemd -name '*.wants' 2>/dev/null | sort
dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' '*systemd*' '*sysv*' \
	'dbus*' prometheus webhook | grep ^i
"""

# `klikitd dev` by ./run, until it says where it listens; then what it prints
# as a command to try is run.
TRY_DEV = r"""
: >dev.out # nothing of the run before
./run "$@" >dev.out 2>dev.err &
server=$!
until grep -q 'Stop with Ctrl-C' dev.out; do
	kill -0 "$server" || { cat dev.out dev.err; exit 1; }
	sleep 0.1
done
cat dev.out dev.err
grep '^    .*klikitd.* trigger ' dev.out >commands
[ -s commands ]
while read -r command; do
	echo "$command" | sh -ex
done <commands
kill "$server"
wait "$server"
cat dev.err
"""


class Failed(Exception):
    """What was tried is not so; the text says what."""


def say(text):
    print(f"bare: {text}", flush=True)


def missing():
    """Why this cannot be tried here, or None."""
    if os.geteuid() != 0:
        return "only root makes a Debian"
    for program in ("debootstrap", "unshare", "apt-get", "ip"):
        if shutil.which(program) is None:
            return f"needs the program {program}"
    return None


def apt_sources():
    """The machine's own sources of this Debian: 'URL SUITE COMPONENT' each."""
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format",
         "$(SITE) $(RELEASE) $(COMPONENT)", "Created-By: Packages",
         "Origin: Debian"], capture_output=True, text=True, check=True)
    return [line for line in dict.fromkeys(listed.stdout.splitlines())
            if line.split()[1].startswith(RELEASE)]


def apt_settings():
    """How the machine's apt reaches its mirror."""
    dump = subprocess.run(["apt-config", "dump"], capture_output=True,
                          text=True, check=True).stdout
    return "".join(re.findall(
        r"^Acquire::(?:https?::.*|Check-\S+ .*)\n", dump, re.M))


def make_debian(folder):
    """A bare Debian of minbase. Raises Failed if the mirror does not answer."""
    sources = apt_sources()
    mirror = next((line.split()[0] for line in sources
                   if line.split()[1] == RELEASE), None)
    if mirror is None:
        raise Failed(f"this machine's apt has no source of {RELEASE}")
    done = subprocess.run(["debootstrap", "--variant=minbase", RELEASE, folder,
                           mirror], capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed(f"debootstrap: {done.stdout[-2000:]}{done.stderr}")
    (folder / "etc/apt/sources.list").write_text(
        "".join(f"deb {line}\n" for line in sources))
    (folder / "etc/apt/apt.conf.d/10machine").write_text(apt_settings())
    (folder / "etc/dpkg/dpkg.cfg.d/10quick").write_text("force-unsafe-io\n")
    shutil.copy("/etc/resolv.conf", folder / "etc/resolv.conf")
    # The installer writes this one.
    (folder / "etc/hosts").write_text("127.0.0.1 localhost\n::1 localhost\n")
    own = pathlib.Path("/usr/local/share/ca-certificates")
    if own.is_dir():
        shutil.copytree(own, folder / str(own)[1:], dirs_exist_ok=True)
    subprocess.run(["chroot", folder, "useradd", "-m", "-s", "/bin/sh", USER],
                   check=True)


def copy_sources(bare, user):
    """The sources as git has them, without git, in the user's home. Returns
    the folder as it is called inside."""
    home = "/root" if user == "root" else f"/home/{user}"
    folder = f"{home}/klikitd"
    outside = bare / folder[1:]
    outside.mkdir()
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True,
                           capture_output=True).stdout
    tar = subprocess.Popen(["tar", "-c", "--null", "-T", "-"], cwd=ROOT,
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    unpack = subprocess.Popen(["tar", "-x", "-C", outside, "--no-same-owner"],
                              stdin=tar.stdout)
    tar.stdin.write(names)
    tar.stdin.close()
    if tar.wait() != 0 or unpack.wait() != 0:
        raise Failed("could not copy the sources")
    subprocess.run(["chroot", bare, "chown", "-R", f"{user}:{user}", folder],
                   check=True)
    return folder


class Bare:
    """One Debian, and one user of it."""

    def __init__(self, bare, user, log):
        self.bare, self.user, self.log = bare, user, log
        self.folder = copy_sources(bare, user)

    def run(self, *command, user=None, network="all", rc=0):
        """Run a command inside. Returns what it printed."""
        user = user or self.user
        env = {"HOME": "/root" if user == "root" else f"/home/{user}",
               "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
               "/sbin:/bin" if user == "root" else
               "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games",
               "TERM": "dumb"}
        env.update((name, value) for name, value in os.environ.items()
                   if re.fullmatch(r"(https?|no)_proxy|npm_config_.*", name,
                                   re.I))
        before = time.monotonic()
        start = self.log.tell()
        self.log.write(f"\n== {user}: {' '.join(command)}\n".encode())
        self.log.flush()
        spaces = ["--mount", "--pid", "--fork", "--kill-child=KILL"]
        if network != "all":
            spaces.append("--net")
        try:
            done = subprocess.run(
                ["unshare", *spaces, "sh", "-c", ENTER, "sh", self.bare, user,
                 network, self.folder,
                 *(f"{name}={value}" for name, value in env.items()),
                 *command], stdout=self.log, stderr=subprocess.STDOUT,
                timeout=STEP_LIMIT_S)
        except subprocess.TimeoutExpired:
            raise Failed(f"not done after {STEP_LIMIT_S} s: "
                         f"{' '.join(command)}") from None
        self.log.seek(start)
        said = self.log.read().decode(errors="replace")
        if done.returncode != rc:
            raise Failed(f"{user}: {' '.join(command)[:80]}: exit "
                         f"{done.returncode}, not {rc}:\n{said[-4000:]}")
        counted = re.findall(r"^\d+ passed, \d+ failed, .*$", said, re.M)
        say(": ".join([user, " ".join(" ".join(command)[:60].split()),
                       f"exit {rc}", *counted[-1:],
                       f"{time.monotonic() - before:.0f} s"]))
        return said

    def services(self):
        return self.run("sh", "-c", SERVICES, user="root").split("\n", 2)[2]

    def commands_for_root(self, *command):
        """What ./run prints for root, for all of ./run and ./run test."""
        said = self.run(*command, rc=1)
        found = re.search(r"for \./run and \./run test:\n((?:    .+\n)+)", said)
        if found is None or "apt-get install" not in found[1]:
            raise Failed(f"{command}: no commands for root in:\n{said}")
        return found[1]

    def newcomer(self, suites):
        """README's two commands. Raises Failed."""
        before = self.services()
        if self.user != "root":
            commands = self.commands_for_root("./run")
            if commands != self.commands_for_root("./run", "test", *suites):
                raise Failed("./run test names other commands than ./run")
            self.run("sh", "-ec", commands, user="root")
        # Its usual ports may be taken outside; where only this runs they are
        # free, but then there is nothing to install from.
        self.run("sh", "-ec", TRY_DEV, "sh", "--http.listen", "127.0.0.1:0",
                 "--admin.listen", "127.0.0.1:0")
        self.run("sh", "-ec", TRY_DEV, network="loopback")
        self.run("./run", "test", *suites)
        after = self.services()
        if before != after:
            raise Failed(f"other services than before:\n{before}\n{after}")


def main():
    args = argparse.ArgumentParser(usage=__doc__)
    args.add_argument("--as", dest="users", action="append",
                      choices=("root", "user"))
    args.add_argument("--keep", type=pathlib.Path)
    args.add_argument("suites", nargs="*")
    args = args.parse_args()
    why = missing()
    if why is not None:
        say(f"not tried: {why}")
        return CANNOT
    place = args.keep or pathlib.Path(tempfile.mkdtemp(prefix="klikitd-bare-"))
    place.mkdir(exist_ok=True)
    place.chmod(0o755)
    failed = 0
    try:
        if not (place / "minbase").exists():
            make_debian(place / "minbase")
        for who in args.users or ("root", "user"):
            user = USER if who == "user" else "root"
            subprocess.run(["cp", "-a", place / "minbase", place / who],
                           check=True)
            with open(place / f"{who}.log", "w+b") as log:
                try:
                    Bare(place / who, user, log).newcomer(args.suites)
                except Failed as why:
                    say(f"{who}: FAILED: {why}")
                    failed += 1
            if not args.keep:
                shutil.rmtree(place / who)
    finally:
        if not args.keep:
            shutil.rmtree(place)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
