#!/usr/bin/python3
"""Try the recipe of the container without a runtime of containers.

usage: container.py [-h] PROGRAM

Follows server/docs/Containerfile into a folder, with PROGRAM for the static
klikitd, and runs what it says there as the guide has it run: in a root of its
own that cannot be written, as that user, without rights, with a volume at the
folder for data and the secret from a file. An event is delivered; another
container on the same volume knows it. Exits 77 where it cannot be tried here.
"""

import argparse
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
RECIPE = ROOT / "server/docs/Containerfile"
SECRET = b"a-secret-of-the-container-test"
BODY = b'{"orders": []}'
CANNOT = 77
LIMIT_S = 60

# Mount the parts of a container, and run a command there as a user without any
# right.
ENTER = r"""
set -eu
root=$1 volume=$2 data=$3 secret=$4 user=$5 group=$6
shift 6
mount --make-rprivate /
mount --bind "$root" "$root"
mount --bind "$volume" "$root$data"
mount --bind "$secret" "$root/run/secret"
mount -o remount,bind,ro "$root"
exec setpriv --no-new-privs /usr/sbin/chroot --userspec="$user:$group" \
	--groups= "$root" "$@"
"""


def recipe():
    """The instructions: a list of (name, text)."""
    lines = [line for line in RECIPE.read_text().splitlines()
             if line and not line.startswith("#")]
    return [tuple(line.split(" ", 1)) for line in lines]


def follow(root, program):
    """Make the root. Returns user and group, environment, folder, command."""
    found = dict(recipe())
    if found["FROM"] != "scratch" or sorted(found) != sorted(
            name for name, _ in recipe()):
        raise SystemExit("container: not from scratch, or said twice")
    target = found["COPY"].split()[1]
    for folder in "run", "dev", found["WORKDIR"][1:]:
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "run/secret").touch()
    shutil.copy2(program, root / target[1:])
    name, _, value = found["ENV"].partition("=")
    return (found["USER"].split(":"), {name: value}, found["VOLUME"],
            json.loads(found["ENTRYPOINT"]) + json.loads(found["CMD"]))


def deliver(port):
    """Returns the answer's status and text."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
    link.request("POST", "/webhooks/klikit", BODY, {
        "x-klikit-event-id": "one", "x-klikit-event-type": "klikit.test",
        "x-klikit-signature": hmac.new(SECRET, BODY,
                                       hashlib.sha256).hexdigest()})
    answer = link.getresponse()
    return answer.status, json.loads(answer.read())["status"]


def once(place, follows):
    """Start it, deliver, stop it. Returns what was answered."""
    (user, group), env, data, command = follows
    with open(place / "log", "w") as log:
        server = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", ENTER, "sh", place / "root",
             place / "volume", data, place / "secret", user, group,
             *command, "--http.listen", "127.0.0.1:0", "--admin.listen", ""],
            env={**env, "KLIKIT_WEBHOOK_SECRET_FILE": "/run/secret"},
            stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        found = re.match(r"listening: http://127.0.0.1:(\d+)$",
                         server.stdout.readline())
        if found is None:
            raise SystemExit("container: it does not listen:\n"
                             f"{(place / 'log').read_text()}")
        status = pathlib.Path(f"/proc/{server.pid}/status").read_text()
        if (f"Uid:\t{user}\t{user}\t{user}\t{user}" not in status or
                "CapEff:\t0000000000000000" not in status):
            raise SystemExit(f"container: it has rights:\n{status}")
        answer = deliver(int(found[1]))
        server.terminate()
        if server.wait(LIMIT_S) != 0:
            raise SystemExit(f"container: {(place / 'log').read_text()}")
        return answer
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def main():
    args = argparse.ArgumentParser(usage=__doc__)
    args.add_argument("program", type=pathlib.Path)
    program = args.parse_args().program
    if os.geteuid() != 0:
        print("container: not tried: only root makes a root")
        return CANNOT
    place = pathlib.Path(tempfile.mkdtemp(prefix="klikitd-container-"))
    try:
        place.chmod(0o755)
        (place / "root").mkdir()
        follows = follow(place / "root", program)
        (user, group), *_ = follows
        (place / "volume").mkdir(mode=0o700)
        (place / "secret").write_bytes(SECRET)
        (place / "secret").chmod(0o400)
        for path in place / "volume", place / "secret":
            os.chown(path, int(user), int(group))
        for wanted in "received", "duplicate-ignored":
            answer = once(place, follows)
            if answer != (200, wanted):
                raise SystemExit(f"container: {answer}, not {wanted}")
        left = sorted(path.name for path in (place / "volume").iterdir())
        if "klikitd.db" not in left:
            raise SystemExit(f"container: in the volume: {left}")
    finally:
        shutil.rmtree(place)
    print("container: one event, known to the next one; no rights, a root that "
          "cannot be written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
