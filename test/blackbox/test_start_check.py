"""What serve does not start with, check-config refuses: in the same words."""

import contextlib
import os
import re
import signal
import socket
import sqlite3
import subprocess

import pytest

from certificates import Authority
from conftest import BINARY, DEADLINE, ROOT_WARNING, payload, received
from root import small_disk
from test_migration import old_store

pytestmark = pytest.mark.once

SECRET = "a-secret-of-klikit-for-these-tests"
TOKEN = "0123456789abcdef-token"

# The mode of a file means something to root only without its privileges.
PLAIN = ["setpriv", "--bounding-set", "-all"] if os.geteuid() == 0 else []


class Box:
    """A directory with a configuration that is in order."""

    def __init__(self, home, tmp_path):
        self.home = home
        self.tmp_path = tmp_path
        self.keys = {"http.listen": "127.0.0.1:0",
                     "admin.listen": "127.0.0.1:0",
                     "klikit.secret_file": "secret",
                     "store.url": "sqlite:k.db"}
        self.more = ""
        self.file("secret", SECRET)

    def file(self, name, text="", mode=0o600):
        path = self.home / name
        path.write_text(text)
        path.chmod(mode)
        return path

    def write(self):
        sections = {}
        for key, value in self.keys.items():
            section, name = key.split(".")
            sections.setdefault(section, []).append(f"{name} = {value}\n")
        (self.home / "k.ini").write_text("".join(
            f"[{name}]\n{''.join(lines)}" for name, lines in
            sections.items()) + self.more)

    def run(self, verb, timeout=DEADLINE):
        self.write()
        env = {k: v for k, v in os.environ.items() if "KLIKIT" not in k}
        process = subprocess.Popen(
            [*PLAIN, BINARY, verb, "-c", self.home / "k.ini"], cwd=self.home,
            env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if verb == "serve" and timeout is None:
            return process
        out, err = process.communicate(timeout=timeout)
        assert b"Sanitizer" not in err, err.decode()
        return process.returncode, err.decode()

    def store(self):
        """Made by a start and a stop."""
        process = self.run("serve", timeout=None)
        for line in process.stdout:
            if line.startswith(b"listening"):
                break
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=DEADLINE)
        assert process.returncode == 0


@pytest.fixture
def box(tmp_path):
    home = tmp_path / "box"
    home.mkdir()
    return Box(home, tmp_path)


@pytest.fixture
def mounted(tmp_path):
    """A file system of one's own."""
    with contextlib.ExitStack() as stack:
        yield lambda options: stack.enter_context(
            small_disk(tmp_path / "disk", options))


def agree(box, *words):
    """Both refuse, and say the same: all these words."""
    before = sorted(p.name for p in box.home.iterdir())
    code, said = box.run("check-config")
    assert code == 1, said
    box.write()
    made = [p.name for p in box.home.iterdir() if p.name not in before]
    assert made in ([], ["k.ini"]), made
    code, log = box.run("serve")
    assert code == 1, log
    lines = [line for line in said.splitlines()
             if not line.startswith("warning: ")]
    assert lines
    # What the log adds in front is the time and the level.
    logged = [re.sub(r"^\S+Z error ", "", line) for line in log.splitlines()]
    for line in lines:
        assert line in logged, (line, logged)
    for word in words:
        assert any(word in line for line in lines), (word, lines)


# -- The operator's token --


@pytest.mark.parametrize("text, mode, words", [
    (None, 0, "No such file"),
    ("", 0o600, "token"),
    ("short", 0o600, "holds no token"),
    ("with a blank, and long enough", 0o600, "holds no token"),
    (TOKEN, 0o000, "Permission denied"),
])
def test_a_token_that_cannot_be_used(box, text, mode, words):
    if text is not None:
        box.file("token", text, mode)
    box.keys["admin.token_file"] = "token"
    agree(box, "admin.token_file", words)


def test_a_token_that_is_a_directory(box):
    (box.home / "token").mkdir()
    box.keys["admin.token_file"] = "token"
    agree(box, "admin.token_file", "directory")


def test_an_admin_listener_for_all_without_a_token(box):
    box.keys["admin.listen"] = "*:0"
    agree(box, "admin.listen: *:0 can be reached from other machines")


# -- One address for two --


@pytest.mark.parametrize("keys, words", [
    ({"http.listen": "127.0.0.1:18080, 127.0.0.1:18080"}, "listed twice"),
    ({"http.listen": "127.0.0.1:18080", "admin.listen": "127.0.0.1:18080"},
     "admin.listen: 127.0.0.1:18080 is taken already, by http.listen"),
    ({"http.listen": "*:18080", "admin.listen": "127.0.0.1:18080"},
     "admin.listen: 127.0.0.1:18080 is taken already, by http.listen = *"),
    ({"http.listen": "*:18080", "admin.listen": "[::1]:18080"},
     "admin.listen: [::1]:18080 is taken"),
    ({"http.listen": "0.0.0.0:18080, 127.0.0.2:18080"}, "is taken already"),
    ({"http.listen": "[::]:18080, [::1]:18080"}, "is taken already"),
    ({"http.listen": "[::1]:18080, [0:0::1]:18080"}, "is taken already"),
    ({"http.plain_listen": "127.0.0.1:18080",
      "admin.listen": "127.0.0.1:18080"}, "by http.plain_listen"),
])
def test_one_address_for_two_listeners(box, keys, words):
    box.keys.update(keys)
    if "http.plain_listen" in keys:
        cert = Authority(box.tmp_path / "ca").make("box")
        box.keys.update({"tls.certificate": cert.path, "tls.key": cert.key})
    agree(box, words)


@pytest.mark.parametrize("listen", [
    "127.0.0.1:0, 127.0.0.1:0", "127.0.0.2:18081, 127.0.0.3:18081",
    "0.0.0.0:18082, [::]:18082"])
def test_addresses_that_can_be_had_together(box, listen):
    box.keys["http.listen"] = listen
    assert box.run("check-config")[0] == 0
    box.store()


def test_a_port_that_another_program_has(box):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        for key in ("http.listen", "admin.listen"):
            box.keys[key] = f"127.0.0.1:{port}"
            agree(box, f"{key}: cannot listen on 127.0.0.1:{port}: the port "
                  "is in use")
            box.keys[key] = "127.0.0.1:0"


def test_an_address_that_is_not_this_machines(box):
    box.keys["http.listen"] = "192.0.2.1:8080"
    agree(box, "http.listen: cannot listen on 192.0.2.1:8080: this machine "
          "has no such address")


# -- The store --


def newer(box):
    box.store()
    db = sqlite3.connect(box.home / "k.db")
    db.execute("PRAGMA user_version = 999")
    db.close()


def foreign(box):
    db = sqlite3.connect(box.home / "k.db")
    db.execute("CREATE TABLE t (x)")
    db.close()


def cut(box):
    box.store()
    os.truncate(box.home / "k.db", 60)


def unreadable(box):
    box.store()
    (box.home / "k.db").chmod(0)


def no_lock(box):
    box.store()
    (box.home / "k.db.lock").chmod(0)


def no_log(box):
    """Left by a verb that another user ran."""
    box.store()
    box.file("k.db-wal", "", 0o000)


def no_folder(box):
    box.keys["store.url"] = "sqlite:none/k.db"


def shut_folder(box):
    (box.home / "shut").mkdir()
    (box.home / "shut").chmod(0o500)
    box.keys["store.url"] = "sqlite:shut/k.db"


STORES = {
    newer: "written by a newer klikitd",
    foreign: "a database of another program",
    cut: "is no database, or its beginning is damaged",
    lambda box: box.file("k.db", "a text\n" * 99): "is no database, or its",
    lambda box: (box.home / "k.db").mkdir(): "k.db: is a directory",
    lambda box: os.mkfifo(box.home / "k.db"): "k.db: is no regular file",
    lambda box: (box.home / "k.db").symlink_to("/none/k.db"):
        "a symbolic link to a file that is not there",
    unreadable: "k.db: cannot be written (Permission denied)",
    no_lock: "k.db.lock: cannot be written (Permission denied)",
    no_log: "k.db-wal: cannot be written (Permission denied)",
    no_folder: "does not exist; create it",
    shut_folder: "cannot be written (Permission denied)",
}


@pytest.mark.parametrize("make", STORES, ids=lambda f: f.__name__)
def test_a_store_that_cannot_be_used(box, make):
    make(box)
    agree(box, STORES[make])


def test_a_disk_that_cannot_be_written(box, mounted):
    box.keys["store.url"] = f"sqlite:{mounted('size=8m,ro')}/k.db"
    agree(box, "its file system is mounted read-only")


def test_a_disk_without_room_for_a_store(box, mounted):
    disk = mounted("size=64k")
    with open(disk / "plug", "wb", buffering=0) as out:
        try:
            while out.write(b"\xff" * 4096):
                pass
        except OSError:
            pass
    box.keys["store.url"] = f"sqlite:{disk}/k.db"
    agree(box, "no space left on its disk")


@pytest.mark.parametrize("make", [
    lambda box: None, Box.store, lambda box: box.file("k.db"),
    lambda box: old_store(box.home / "k.db", 5)],
    ids=["none", "one", "an empty file", "an older one"])
def test_a_store_that_can_be_used(box, make):
    make(box)
    box.write()
    before = sorted((p.name, p.read_bytes()) for p in box.home.iterdir())
    assert box.run("check-config")[0] == 0
    assert before == sorted((p.name, p.read_bytes())
                            for p in box.home.iterdir())
    box.store()


# -- Secrets, certificates, handlers --


@pytest.mark.parametrize("text, mode, words", [
    (None, 0, "No such file"), ("", 0o600, "secret"),
    (SECRET, 0o000, "Permission denied")])
def test_a_secret_that_cannot_be_read(box, text, mode, words):
    (box.home / "secret").unlink()
    if text is not None:
        box.file("secret", text, mode)
    agree(box, "secret default", words)


def test_certificates_that_cannot_be_used(box):
    ca = Authority(box.tmp_path / "ca")
    cert = ca.make("box")
    box.keys.update({"tls.certificate": cert.path, "tls.key": ca.root.key})
    agree(box, "tls.key", "does not match")
    box.keys["tls.key"] = "none.pem"
    agree(box, "tls.key", "none.pem")
    box.keys["tls.key"] = box.file("key.pem", cert.key.read_text(), 0o000)
    agree(box, "tls.key", "Permission denied")


@pytest.mark.parametrize("section, words", [
    ("type = exec\ncommand = /none/at/all", "/none/at/all"),
    ("type = exec\ncommand = {home}/plain", "plain"),
    ("type = orders\ndeadline = 3m\non_deadline = nobody", "nobody"),
    ("type = forward\nurl = http://127.0.0.1:1/\nsign_secret_file = none",
     "sign_secret_file"),
    ("type = forward\nurl = http://127.0.0.1:1/\nheader = X-Key: @none",
     "none: No such file"),
    ("type = forward\nurl = https://127.0.0.1:1/\nca_file = none", "ca_file"),
    ("type = nothing", "nothing"),
])
def test_handlers_that_cannot_work(box, section, words):
    box.file("plain", "echo\n", 0o644)
    box.more = "[handler pos]\n" + section.replace(
        "{home}", str(box.home)) + "\n"
    agree(box, words)


# -- Beside a server --


@pytest.mark.sqlite("of a shared one: test_shared")
def test_it_passes_beside_the_server_that_has_it_all(klikitd):
    server = klikitd()
    port = server.admin.rsplit(":", 1)[1]
    (server.directory / "secret").write_text(SECRET)
    (server.directory / "secret").chmod(0o600)
    server.write_config(f"[http]\nlisten = 127.0.0.1:{server.port}\n"
                        f"[admin]\nlisten = 127.0.0.1:{port}\n"
                        "[klikit]\nsecret_file = secret\n")
    server.do("check-config")
    assert "error" not in server.said
    received(server.post(payload("created-small.json"), "e1"))
    # Of another store's server the ports are another program's.
    server.write_config(server.config.read_text() +
                        "[store]\nurl = sqlite:other.db\n")
    server.do("check-config", expect=1)
    assert server.said.count("the port is in use") == 2
    assert [line for line in server.final_log().splitlines()
            if " warn " in line and ROOT_WARNING not in line] == []
