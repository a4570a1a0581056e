"""Which store `-c /etc/...` means. /etc and /var/lib are of a mount namespace of
the test's own: those of the machine are never written."""

import os
import subprocess

import pytest

from conftest import BINARY, DEADLINE

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="makes a mount namespace, so needs root")

START = ("set -e\nmount -t tmpfs none /etc\nmount -t tmpfs none /var/lib\n"
         "mkdir /etc/klikitd /var/lib/klikitd\n"
         "printf '[http]\\nlisten = 127.0.0.1:0\\n[admin]\\nlisten =\\n' "
         ">/etc/klikitd/k.ini\n"
         # serve until it listens, then stop it
         "serve() { mkfifo /etc/f; $K serve \"$@\" >/etc/f 2>/etc/log & p=$!; "
         "exec 3</etc/f; read line <&3 || { cat /etc/log >&2; return 1; }; "
         "kill $p; wait $p; rm /etc/f; cat /etc/log >&2; }\n"
         "C='-c /etc/klikitd/k.ini'\n")
HERE = "/var/lib/klikitd/klikitd.db"
BEFORE = "/etc/klikitd/klikitd.db"


def script(text, code=0, env=None):
    """Run it in the namespace. Returns what it printed, both streams."""
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", START + text], capture_output=True,
        text=True, timeout=DEADLINE, env={
            "PATH": os.environ["PATH"], "K": BINARY,
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", ""),
            "KLIKIT_WEBHOOK_SECRET": "x", **(env or {})})
    assert done.returncode == code, done
    return done.stdout + done.stderr


def test_a_new_one_is_with_the_state():
    said = script(f"serve $C; ls {HERE}; ! ls {BEFORE}")
    assert f"store: sqlite:{HERE}" in said


def test_without_that_folder_it_is_beside_the_file():
    said = script(f"rmdir /var/lib/klikitd; serve $C; ls {BEFORE}")
    assert f"store: sqlite:{BEFORE}" in said


def test_one_beside_the_file_is_used_and_warned_of():
    said = script("rmdir /var/lib/klikitd; serve $C; mkdir /var/lib/klikitd\n"
                  f"serve $C; ! ls {HERE}")
    assert f"warn configuration: store.url: {BEFORE} is used" in said


def test_two_are_refused_by_every_verb_and_both_named():
    said = script(
        f"serve $C; cp {HERE} {BEFORE}\n"
        "for verb in serve check-config events orders jobs rejections "
        "handlers 'backup /etc/b' 'restore /etc/b' 'purge --older-than 1d' "
        "doctor; do\n"
        "$K $verb $C >/etc/out 2>&1 && { echo \"$verb took one\"; exit 3; }\n"
        f"grep -q 'two stores, {HERE} and {BEFORE}' /etc/out || "
        "{ echo \"$verb:\"; cat /etc/out; exit 4; }\n"
        "done\n"
        f"$K events $C --store.url sqlite:{HERE}\n")
    assert f"store: sqlite:{HERE}" in said


def test_all_verbs_agree():
    # Doctor finds that a store in memory is none.
    said = script(
        "serve $C\n"
        "for verb in check-config events orders jobs rejections handlers "
        "'backup /etc/b' 'purge --older-than 1d' doctor 'restore /etc/b'; do\n"
        "$K $verb $C >/etc/out 2>&1 || [ \"$verb\" = doctor ] || "
        "{ cat /etc/out; exit 3; }\n"
        f"grep -q {HERE} /etc/out || "
        "{ echo \"$verb:\"; cat /etc/out; exit 4; }\n"
        "done\n")
    assert "exit" not in said


def test_the_service_s_state_directory_comes_first():
    said = script(f"mkdir /var/lib/own; serve $C; ls /var/lib/own/klikitd.db;"
                  f" ! ls {HERE}", env={"STATE_DIRECTORY": "/var/lib/own:/x"})
    assert "store: sqlite:/var/lib/own/klikitd.db" in said


def test_a_whole_path_stays_what_it_is():
    said = script("serve $C --store.url sqlite:/etc/klikitd/klikitd.db")
    assert f"store: sqlite:{BEFORE}" in said


def test_one_file_under_two_names_is_one_store():
    said = script(f"serve $C; ln -s {HERE} {BEFORE}; serve $C")
    assert "two stores" not in said and f"store: sqlite:{HERE}" in said


def test_elsewhere_it_is_beside_the_file():
    said = script("mount -t tmpfs none /mnt; cp /etc/klikitd/k.ini /mnt\n"
                  "serve -c /mnt/k.ini; ls /mnt/klikitd.db")
    assert "store: sqlite:/mnt/klikitd.db" in said
