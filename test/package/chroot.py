#!/usr/bin/python3
"""Try the package on a bare Debian 12, as the guide install.md says.

usage: chroot.py [-h] [--keep FOLDER] [--deb FILE]

In a Debian that debootstrap makes (minbase): the package of the version before
is installed, the secret given, the service started, an order delivered; then it
is upgraded to the package of these sources, and to one of a version to come,
whose store has another schema; then rolled back, which the older program refuses
with the command that helps; removed; purged. The commands are those of
server/docs/install.md, word for word. systemd is not there: what its service
needs of it is done by systemctl.sh, which stands for it.

The version before is this one under a lower number; the one to come has a
migration more.

Needs root, debootstrap and 1 GB of disk under $TMPDIR (/tmp). Nothing outside
the folder is changed. Exits 77 where it cannot be tried here.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "test"), str(ROOT / "debian/tools")]

import bare  # noqa: E402
import deb as debs  # noqa: E402
import sources  # noqa: E402

GUIDE = ROOT / "server/docs/install.md"
SECRET = "a-secret-of-the-chroot-test"
STEP_LIMIT_S = 900
MIGRATION = "CREATE TABLE to_come (a INTEGER) STRICT;\n"
OWN = {"HOME": "/root", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:"
       "/usr/bin:/sbin:/bin", "TERM": "dumb", "LC_ALL": "C.UTF-8",
       "DEBIAN_FRONTEND": "noninteractive"}

# What the steps of the scenario share.
PRELUDE = r"""
set -eu
events() {
	klikitd events -c /etc/klikitd/klikitd.ini --json | grep -c event_id ||
		true
}
deliver() { # one event more is there then
	before=$(events)
	KLIKIT_WEBHOOK_SECRET_FILE=/etc/klikitd/secret klikitd trigger created \
		--to http://127.0.0.1:8080/webhooks/klikit
	[ "$(events)" -eq $((before + 1)) ]
}
pid() { cat /run/klikitd.pid; }
version() { dpkg-query -W -f '${Version}' klikitd; }
"""


def blocks():
    """The commands of the guide, by heading."""
    found = {}
    for part in re.split(r"^## ", GUIDE.read_text(), flags=re.M)[1:]:
        name, _, text = part.partition("\n")
        found[name] = "".join(re.findall(r"^```sh\n(.*?)^```$", text,
                                         re.M | re.S))
    return found


def repack(deb, folder, version, program=None):
    """The same package under another version, with another program."""
    tree = folder / "tree"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    subprocess.run(["dpkg-deb", "-R", deb, tree], check=True)
    control = tree / "DEBIAN/control"
    control.write_text(re.sub(r"^Version: .*$", f"Version: {version}",
                              control.read_text(), flags=re.M))
    if program is not None:
        shutil.copy2(program, tree / "usr/bin/klikitd")
    subprocess.run(["dpkg-deb", "-b", "--root-owner-group", tree, folder],
                   check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(tree)


def add_migration(tree):
    """One step more for the store of these sources. Returns the number of the
    schema that it leads to."""
    last = sorted((tree / "store/sqlite/schema").glob("*.sql"))[-1]
    number = int(last.stem[:3]) + 1
    new = f"{number:03}_to_come"
    (last.parent / f"{new}.sql").write_text(MIGRATION)
    for path, line, added in (
            ("store/meson.build", f"  'sqlite/schema/{last.name}',\n",
             f"  'sqlite/schema/{new}.sql',\n"),
            ("store/sqlite/schema.c", f"extern const char schema_{last.stem}[];"
             "\n", f"extern const char schema_{new}[];\n"),
            ("store/sqlite/schema.c", f"\tschema_{last.stem},\n",
             f"\tschema_{new},\n")):
        text = (tree / path).read_text()
        if line not in text:
            raise bare.Failed(f"{path}: no line {line!r}")
        (tree / path).write_text(text.replace(line, line + added, 1))
    return number


def program_to_come(place):
    """klikitd with that step. Returns it and the number."""
    tree = sources.copy(place / "to-come")
    number = add_migration(tree)
    for command in (["meson", "setup", "build", "--buildtype=release",
                     "-Dtests=disabled", "-Dbench=disabled",
                     "-Dpostgres=enabled"],
                    ["ninja", "-C", "build", "--quiet", "klikitd"]):
        done = subprocess.run(command, cwd=tree, capture_output=True, text=True)
        if done.returncode != 0:
            raise bare.Failed(f"{command}: {done.stdout[-3000:]}{done.stderr}")
    return tree / "build/klikitd", number


class Chroot:
    """The Debian, and what is done in it, one step after the other."""

    def __init__(self, place, log):
        self.place, self.log = place, log

    def run(self, text, network):
        """Run a script as root. Returns what it printed."""
        spaces = ["--mount", "--pid", "--fork", "--kill-child=KILL"]
        env = {**OWN, **{name: value for name, value in os.environ.items()
                         if re.fullmatch("(https?|no)_proxy", name, re.I)}}
        done = subprocess.run(
            ["unshare", *spaces, *([] if network == "all" else ["--net"]),
             "sh", "-c", bare.ENTER, "sh", self.place, "root", network,
             "/packages", *(f"{name}={value}" for name, value in env.items()),
             "sh", "-c", text], capture_output=True, text=True,
            timeout=STEP_LIMIT_S)
        said = done.stdout + done.stderr
        self.log.write(said)
        self.log.flush()
        if done.returncode != 0:
            raise bare.Failed(f"exit {done.returncode}:\n{said[-5000:]}")
        return said

    def prepare(self):
        """What the network is needed for, and what stands for systemd."""
        # Where scripts of packages look, which apt gives a PATH of its own.
        systemctl = self.place / "usr/bin/systemctl"
        shutil.copy(ROOT / "test/package/systemctl.sh", systemctl)
        journalctl = self.place / "usr/bin/journalctl"
        journalctl.write_text("#!/bin/sh\nexec tail -n 5 "
                              "/var/log/klikitd.log\n")
        for program in systemctl, journalctl:
            program.chmod(0o755)
        (self.place / "run/systemd/system").mkdir(parents=True, exist_ok=True)
        (self.place / "etc/apt/apt.conf.d/20yes").write_text(
            'APT::Get::Assume-Yes "true";\nAPT::Install-Recommends "no";\n'
            'Binary::apt::APT::Keep-Downloaded-Packages "true";\n')
        self.run("apt-get update -q && "
                 "apt-get install -q --download-only ./now/klikitd_*.deb",
                 "all")


def scenario(number):
    """All that is done, in the order of the guide, and what must hold."""
    guide = blocks()
    back = re.sub(r"before-v\d+", f"before-v{number}", guide["Roll back"])
    steps = [
        ("the version before", "before", guide["Install"], r"""
            [ "$(stat -c '%U %a' /var/lib/klikitd)" = 'klikitd 700' ]
            deliver
            pid >/tmp/pid
            printf '[log]\nlevel = debug\n' >>/etc/klikitd/klikitd.ini
        """),
        ("upgrade to this one", "now", guide["Upgrade"], r"""
            [ "$(pid)" != "$(cat /tmp/pid)" ] # it was restarted
            grep -q 'level = debug' /etc/klikitd/klikitd.ini
            [ "$(events)" -eq 1 ]
            deliver
        """),
        ("upgrade to a newer schema", "next", guide["Upgrade"], rf"""
            [ -f /var/lib/klikitd/klikitd.db.before-v{number} ]
            [ "$(events)" -eq 2 ]
            deliver
        """),
        ("roll back", "now", back, rf"""
            grep 'written by a newer klikitd' /var/log/klikitd.log |
                grep -q 'klikitd restore .*\.before-v{number}$'
            [ "$(events)" -eq 2 ] # without what came since
            ls /var/lib/klikitd/klikitd.db.damaged-*
            deliver
        """),
        ("remove", "now", guide["Remove"].splitlines()[0], r"""
            ! kill -0 "$(cat /tmp/last)" 2>/dev/null
            [ ! -e /usr/bin/klikitd ]
            [ -s /var/lib/klikitd/klikitd.db ]
            grep -q 'level = debug' /etc/klikitd/klikitd.ini
        """),
        ("install again", "now", guide["Upgrade"], r"""
            [ "$(events)" -eq 3 ]
            deliver
        """),
        ("purge", "now", guide["Remove"].splitlines()[1], r"""
            ! grep klikitd /etc/passwd /etc/group
            find / -xdev \( -path /proc -o -path /packages -o -path /var/log \
                -o -path /var/cache -o -path /run -o -path /tmp \) -prune \
                -o -name '*klikitd*' -print >/tmp/left
            [ "$(cat /tmp/left)" = /etc/klikitd ]
            [ "$(ls /etc/klikitd)" = secret ]
        """),
    ]
    text = PRELUDE
    for name, folder, commands, checks in steps:
        text += (f"echo '==> {name}'\ncd /packages/{folder}\n"
                 "pid >/tmp/last 2>/dev/null || :\n"
                 f"printf %s {SECRET} | sh -exc {quote(commands)}\n"
                 f"set -x\n{checks}\nset +x\n")
    return text + "echo all-done\n"


def quote(text):
    return "'" + text.replace("'", "'\\''") + "'"


def tried(place, package):
    """The whole, in a folder. Raises bare.Failed."""
    minbase = place / "minbase"
    if not minbase.exists():
        bare.say("making a Debian")
        bare.make_debian(minbase)
    root = place / "root"
    if root.exists():
        shutil.rmtree(root)
    subprocess.run(["cp", "-a", minbase, root], check=True)
    bare.say("building a version to come")
    program, number = program_to_come(place)
    packages = root / "packages"
    (packages / "now").mkdir(parents=True)
    shutil.copy(package, packages / "now")
    repack(package, packages / "before", "0.0.1-1")
    repack(package, packages / "next", "99.0.0-1", program)
    with open(place / "chroot.log", "w") as log:
        chroot = Chroot(root, log)
        chroot.prepare()
        said = chroot.run(scenario(number), "loopback")
    if not said.endswith("all-done\n") and "all-done" not in said:
        raise bare.Failed(f"it ended early:\n{said[-3000:]}")
    for name in re.findall(r"^==> (.*)$", said, re.M):
        bare.say(f"{name}: right")


def main():
    args = argparse.ArgumentParser(usage=__doc__)
    args.add_argument("--keep", type=pathlib.Path)
    args.add_argument("--deb", type=pathlib.Path)
    args = args.parse_args()
    why = bare.missing()
    if why is not None:
        bare.say(f"not tried: {why}")
        return bare.CANNOT
    place = (args.keep or pathlib.Path(
        tempfile.mkdtemp(prefix="klikitd-chroot-"))).resolve()
    place.mkdir(exist_ok=True)
    place.chmod(0o755)
    try:
        tried(place, args.deb or debs.make(place))
    except bare.Failed as why:
        bare.say(f"FAILED: {why}")
        return 1
    finally:
        if not args.keep:
            shutil.rmtree(place)
    return 0


if __name__ == "__main__":
    sys.exit(main())
