"""What doctor says to do is right for the case that it names."""

import os
import shutil
import sqlite3
import subprocess

import pytest

from certificates import Authority
from conftest import BINARY
from root import as_root
from test_doctor import SECRET, Doctor, disk, doctor, one, stored
from test_migration import old_store
from test_start_check import PLAIN

pytestmark = [pytest.mark.once,
              pytest.mark.sqlite("files, and who may use them")]

__all__ = ["disk", "doctor", "stored"]  # fixtures


def findings(doctor, check):
    """Of one check, what is not in order; as klikitd's user sees it."""
    return [f for f in doctor("--no-network", command=[
        *PLAIN, BINARY, "doctor", "-c", doctor.config, "--json",
        "--no-network"]) if f["check"] == check and f["level"] != "ok"]


# -- The store: another one in its place is right only for a damaged one --


def unreadable(doctor):
    doctor.database.chmod(0)


def shut(doctor):
    doctor.home.chmod(0o500)


def directory(doctor):
    doctor.database.unlink()
    doctor.database.mkdir()


def newer(doctor):
    with sqlite3.connect(doctor.database) as db:
        db.execute("PRAGMA user_version = 999")


def foreign(doctor):
    doctor.database.unlink()
    with sqlite3.connect(doctor.database) as db:
        db.execute("CREATE TABLE t (x)")


def dangling(doctor):
    doctor.database.unlink()
    doctor.database.symlink_to("/none/klikitd.db")


def older(doctor):
    doctor.database.unlink()
    old_store(doctor.database, 5)
    doctor.database.chmod(0o600)


def lock_of_another(doctor):
    (doctor.home / "klikitd.db.lock").chmod(0)


def text(doctor):
    doctor.database.write_text("a text\n" * 99)


def cut(doctor):
    os.truncate(doctor.database, 60)


@pytest.mark.parametrize("make, level, says, advice", [
    (unreadable, "failure", "let this user write to it", "klikitd's user"),
    (shut, "failure", "let this user write to it and to the folder",
     "klikitd's user"),
    (directory, "failure", "is a directory; give the path of a file", ""),
    (newer, "failure", "newer klikitd", "do what is said"),
    (foreign, "failure", "another program; give another path", ""),
    (dangling, "failure", "is its disk mounted? Put the file back", ""),
    (older, "warning", "was written by an older klikitd",
     "start klikitd, which copies it and brings it up to date"),
    (lock_of_another, "failure", "klikitd.db.lock: cannot be written", ""),
], ids=lambda x: getattr(x, "__name__", ""))
def test_a_sound_store_is_not_to_be_replaced(stored, make, level, says,
                                             advice):
    make(stored)
    try:
        found, = findings(stored, "store")
    finally:
        stored.home.chmod(0o700)
    assert found["level"] == level
    assert says in found["text"] and advice in found["advice"], found
    assert "restore" not in found["text"] + found["advice"], found


@pytest.mark.parametrize("make", [text, cut])
def test_one_without_its_beginning_may_be(stored, make):
    make(stored)
    found, = findings(stored, "store")
    assert "if it never was klikitd's store, give another path" in (
        found["text"])
    assert "if it was, klikitd restore BACKUP" in found["text"]


def test_an_empty_file_is_none(stored):
    for path in stored.home.glob("klikitd.db*"):
        path.unlink()
    stored.database.touch(0o600)
    assert findings(stored, "store") == []
    one(stored(), "store", "ok", "is not there yet")


@pytest.mark.once
def test_a_store_that_another_program_has_is_whole(stored):
    db = sqlite3.connect(stored.database, isolation_level=None)
    db.execute("PRAGMA locking_mode = EXCLUSIVE")
    db.execute("BEGIN EXCLUSIVE")
    db.execute("UPDATE store SET probes = probes + 1")
    try:
        found = findings(stored, "store")
    finally:
        db.close()
    assert all("restore" not in f["text"] + f["advice"] for f in found), found


def test_a_disk_that_became_read_only(stored, disk):
    place = disk("size=16m")
    for path in stored.home.glob("klikitd.db*"):
        shutil.copy(path, place)
    as_root("mount", "-o", "remount,ro", place)
    stored.write(f"[store]\nurl = sqlite:{place}/klikitd.db")
    found = findings(stored, "store")[0]
    assert "look at the disk (dmesg), then mount it" in found["text"]
    assert "let this user" not in found["text"]
    assert "restore" not in found["text"] + found["advice"]


# -- Files that others can read --


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o440, 0o640, 0o660])
def test_what_a_group_may_read_is_meant_so(stored, mode):
    """root:klikitd 0640, a credential of systemd, a store read with SQL."""
    stored.secret.chmod(mode)
    stored.database.chmod(mode | 0o600)
    assert findings(stored, "secrets") == findings(stored, "store") == []
    done = subprocess.run([BINARY, "check-config", "-c", stored.config],
                          capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o666])
def test_what_everybody_may_read_is_not(stored, mode):
    stored.secret.chmod(mode)
    stored.database.chmod(mode)
    for check in ("secrets", "store"):
        found, = findings(stored, check)
        assert found["advice"].startswith("chmod o-rwx it"), found
    done = subprocess.run([BINARY, "check-config", "-c", stored.config],
                          capture_output=True)
    assert done.returncode == 0
    assert b"others can read" in done.stderr and b"chmod o-rwx" in done.stderr
    # The advice, followed.
    subprocess.run(["chmod", "o-rwx", stored.secret, stored.database],
                   check=True)
    assert findings(stored, "secrets") == findings(stored, "store") == []


@pytest.mark.parametrize("key", ["token", "tls", "sign", "client"])
def test_other_files_that_are_secret(doctor, tmp_path, key):
    cert = Authority(tmp_path / "ca").make("box")
    (doctor.home / "more").write_text(SECRET)
    (doctor.home / "more").chmod(0o644)
    forward = "[handler pos]\ntype = forward\nurl = "
    name, section = {
        "token": ("more", None),
        "tls": (cert.key, f"[tls]\ncertificate = {cert.path}\n"
                f"key = {cert.key}"),
        "sign": ("more", f"{forward}http://127.0.0.1:1/\n"
                 "sign_secret_file = more"),
        "client": (cert.key, f"{forward}https://127.0.0.1:1/\n"
                   f"client_certificate = {cert.path}\n"
                   f"client_key = {cert.key}\nca_file = {cert.path}"),
    }[key]
    if section is None:
        doctor.write(admin="listen = 127.0.0.1:0\ntoken_file = more")
    else:
        doctor.write(section)
    path = doctor.home / name
    path.chmod(0o644)
    found, = findings(doctor, "secrets")
    assert str(path) in found["text"] and "others can read" in found["text"]
    assert found["advice"].startswith("chmod o-rwx it: who reads it can")
    path.chmod(0o640)
    assert findings(doctor, "secrets") == []
