"""klikitd doctor: each finding, and what it says to do."""

import contextlib
import datetime
import http.server
import json
import os
import resource
import socket
import sqlite3
import ssl
import subprocess
import threading

import pytest

from certificates import Authority
from conftest import BINARY, CREATED, DEADLINE, payload, received, run
from root import needs, small_disk
from sink import Sink
from test_clock import DAY, Clock

pytestmark = [pytest.mark.once,
              pytest.mark.sqlite("the store of its box is a file")]

SMALL = payload("created-small.json")
SECRET = "a-secret-of-klikit-for-these-tests"


class Doctor:
    """A directory with a configuration that is in order."""

    def __init__(self, home):
        self.home = home
        self.secret = home / "secret"
        self.secret.write_text(SECRET)
        self.secret.chmod(0o600)
        self.config = home / "klikitd.ini"
        self.database = home / "klikitd.db"
        self.write()

    def write(self, *sections, http="listen = 127.0.0.1:0",
              klikit="secret_file = secret", admin="listen = 127.0.0.1:0"):
        self.config.write_text(
            f"[http]\n{http}\n[klikit]\n{klikit}\n[admin]\n{admin}\n" +
            "".join(section + "\n" for section in sections))

    def __call__(self, *args, env=None, command=None, **options):
        """The findings; their levels must agree with the exit code."""
        done = run("doctor", "-c", self.config, "--json", *args, env=env,
                   cwd=self.home) if command is None else subprocess.run(
                       command, env={**os.environ, **(env or {})},
                       cwd=self.home, capture_output=True, timeout=DEADLINE,
                       **options)
        assert b"Sanitizer" not in done.stderr, done.stderr.decode()
        assert done.stderr == b"", done.stderr.decode()
        assert SECRET.encode() not in done.stdout
        found = [json.loads(line) for line in done.stdout.splitlines()]
        for f in found:
            assert set(f) == {"level", "check", "text", "advice"}
            assert (f["advice"] is None) == (f["level"] == "ok"), f
        failed = any(f["level"] == "failure" for f in found)
        assert done.returncode == (1 if failed else 0), found
        return found

    def serve(self, klikitd, **options):
        return klikitd(directory=self.home, secret=SECRET.encode(),
                       config=self.config.read_text(), **options)


@pytest.fixture
def doctor(tmp_path):
    """On a machine that is in order: with as many files as may be open."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    home = tmp_path / "box"
    home.mkdir()
    return Doctor(home)


def only(found, check, level):
    """The texts of a check's findings of that level."""
    return [f["text"] for f in found
            if f["check"] == check and f["level"] == level]


def one(found, check, level, *words):
    """The one finding of a check, of that level, with those words."""
    texts = only(found, check, level)
    assert len(texts) == 1, (check, level, found)
    for word in words:
        assert word in texts[0], texts
    return texts[0]


def bad(found):
    """What is not in order; that a box has no time service, or that its /tmp
    is in memory, is not ours."""
    return [f for f in found if f["level"] != "ok" and
            "(NTP)" not in f["text"] and "is in memory" not in f["text"]]


# -- All is well --


def test_a_new_box_that_is_in_order(doctor):
    found = doctor()
    assert bad(found) == []
    assert [f["check"] for f in found] == [
        "configuration", "secrets", "store", "space", "disk", "backups",
        "clock", "ports", "ports", "limits", "handlers"]
    one(found, "store", "ok", "is not there yet: the first start makes it")
    assert sorted(p.name for p in doctor.home.iterdir()) == [
        "klikitd.ini", "secret"]


def test_it_speaks_to_people(doctor):
    doctor.secret.chmod(0o604)
    done = run("doctor", "-c", doctor.config)
    assert done.returncode == 0
    out = done.stdout.decode()
    assert f"ok    configuration  {doctor.config}\n" in out
    assert (f"warn  secrets        default: {doctor.secret}: others can read "
            "it\n                     -> chmod o-rwx it") in out
    assert out.splitlines()[-1].startswith("0 failures, ")


def test_beside_a_server_that_it_does_not_disturb(doctor, klikitd):
    server = doctor.serve(klikitd)
    received(server.post(SMALL, "first"))
    server.wait_processed()
    port = server.port
    doctor.write(http=f"listen = 127.0.0.1:{port}")
    found = doctor()
    assert bad(found) == []
    one(found, "store", "ok", f"serves from it (pid {server.pid})")
    one(found, "integrity", "ok", "sound")
    # Who is not root cannot see whose port it is in a release.
    assert any(f"klikitd itself listens there (pid {server.pid})" in text or
               f"the klikitd that runs (pid {server.pid})" in text
               for text in only(found, "ports", "ok"))
    received(server.post(SMALL, "second"))
    lines = server.final_log().splitlines()
    first, second = [i for i, line in enumerate(lines)
                     if f"[{CREATED}]" in line]
    assert lines[first + 1:second] == []


# -- Configuration --


def test_what_is_wrong_with_the_configuration(doctor):
    doctor.config.write_text("[http]\nlisten = 127.0.0.1:0\nmax_boddy = 1m\n"
                             "[klikit]\nsecret_file = none\n")
    found = doctor()
    texts = only(found, "configuration", "failure")
    assert len(texts) == 2
    assert texts[0].startswith(f"{doctor.config}:3: http.max_boddy: unknown")
    assert "none: No such file" in texts[1]
    # What can be read all the same is looked at... nothing can, here.
    assert [f["check"] for f in found if f["level"] == "ok"] in ([], ["clock"])


def test_the_rest_is_looked_at_without_a_secret(doctor):
    doctor.write(klikit="")
    found = doctor()
    one(found, "configuration", "failure", "no webhook secret",
        "KLIKIT_WEBHOOK_SECRET")
    assert only(found, "store", "ok") and only(found, "ports", "ok")


# -- Secrets --


@pytest.mark.parametrize("content, words", [
    (b'"' + SECRET.encode() + b'"', "is in quotes"),
    (b" " + SECRET.encode(), "begins with a blank"),
    (SECRET.encode() + b" ", "ends with a blank"),
    (SECRET.encode() + b"\r", "ends with a line end"),
    (SECRET.encode() + b"\n\n", "ends with a line end"),
    (b"\xef\xbb\xbf" + SECRET.encode(), "byte order mark"),
    (b"KLIKIT_WEBHOOK_SECRET=" + SECRET.encode(), "NAME="),
    (b"short", "has only 5 bytes"),
])
def test_a_secret_of_an_odd_shape(doctor, content, words):
    doctor.secret.write_bytes(content)
    found = doctor()
    assert [words in text for text in only(found, "secrets", "warning")].count(
        True) == 1, found


def test_a_newline_that_is_dropped(doctor):
    doctor.secret.write_text(SECRET + "\n")
    one(doctor(), "secrets", "warning", "default: the newline at the end")


@pytest.mark.parametrize("text, called", [
    ("0123456789abcdef" * 4, "hex"), ("c2VjcmV0LXNlY3JldC1zZWNyZXQtcw==",
                                      "base64")])
def test_a_secret_that_looks_encoded_is_told_to_be_used_as_it_is(
        doctor, text, called):
    doctor.secret.write_text(text)
    found = doctor()
    one(found, "secrets", "ok", f"looks like {called}", "not decoded")
    assert text not in json.dumps(found)


def test_a_secret_that_others_can_read(doctor):
    doctor.secret.chmod(0o604)
    one(doctor(), "secrets", "warning", "others can read it")


def test_a_secret_past_its_date(doctor):
    (doctor.home / "old").write_text("another-secret-of-klikit")
    (doctor.home / "old").chmod(0o600)
    doctor.write("[secret old]\nfile = old\n"
                 "valid_until = 2020-01-01T00:00:00Z")
    one(doctor(), "secrets", "warning",
        "old: not accepted any more since 2020-01-01")


def test_the_operators_token(doctor):
    token = doctor.home / "token"
    doctor.write(admin="listen = 127.0.0.1:0\ntoken_file = token")
    one(doctor(), "configuration", "failure", "admin.token_file",
        "No such file")
    token.write_text("0123456789abcdef-token")
    token.chmod(0o644)
    found = doctor()
    one(found, "secrets", "warning", "token: others can read it")
    assert "0123456789abcdef-token" not in json.dumps(found)
    token.chmod(0o600)
    assert bad(doctor()) == []


# -- Certificates --


def test_certificates(doctor, tmp_path):
    ca = Authority(tmp_path / "ca")
    day = datetime.timedelta(days=1)
    now = datetime.datetime.now(datetime.timezone.utc)
    for name, end, level, words in (
            ("good", now + 60 * day, "ok", "valid for"),
            ("soon", now + 10.5 * day, "warning", "expires in 10 days"),
            ("over", now - day, "failure", "expired at")):
        cert = ca.make(name, start="20260101000000Z" if end > now else
                       "20200101000000Z", end=end.strftime("%Y%m%d%H%M%SZ"))
        doctor.write(f"[tls]\ncertificate = {cert.path}\nkey = {cert.key}")
        one(doctor(), "certificates", level, str(cert.path), words)
    cert = ca.make("weak", kind="rsa1024")
    doctor.write(f"[tls]\ncertificate = {cert.path}\nkey = {cert.key}")
    one(doctor(), "certificates", "warning", "is weak: RSA with 1024 bits")
    doctor.write(f"[tls]\ncertificate = {cert.path}\nkey = {ca.root.key}")
    one(doctor(), "configuration", "failure", "tls.key", "does not match")


# -- The store --


@pytest.fixture
def stored(doctor, klikitd):
    """A store with an event in it, and nobody who serves from it."""
    server = doctor.serve(klikitd)
    received(server.post(SMALL))
    server.wait_processed()
    server.stop()
    return doctor


def test_a_store_at_rest(stored):
    before = stored.database.read_bytes()
    found = stored()
    assert bad(found) == []
    one(found, "store", "ok", "nobody serves from it")
    one(found, "integrity", "ok", "sound")
    assert stored.database.read_bytes() == before


def test_a_store_that_others_can_read(stored):
    stored.database.chmod(0o644)
    one(stored(), "store", "warning", "others can read it")


def test_a_directory_that_is_not_there(doctor):
    doctor.write("[store]\nurl = sqlite:none/klikitd.db")
    one(doctor(), "store", "failure", "/none does not exist; create it")


def test_a_file_that_is_no_store(doctor):
    doctor.database.write_text("no database, but a text\n" * 100)
    one(doctor(), "store", "failure", str(doctor.database))


def test_a_store_of_a_newer_klikitd(stored):
    db = sqlite3.connect(stored.database)
    db.execute("PRAGMA user_version = 999")
    db.close()
    one(stored(), "store", "failure", "newer")


def test_a_damaged_store(stored):
    size = stored.database.stat().st_size
    with stored.database.open("r+b") as file:
        for page in range(4, size // 16384, 2):
            file.seek(page * 16384)
            file.write(b"\xa5" * 8192)
    found = stored()
    failures = only(found, "integrity", "failure") + only(
        found, "store", "failure")
    assert failures, found
    assert any("damaged" in text or "malformed" in text for text in failures)


def test_a_log_of_changes_that_grows(stored):
    wal = stored.home / "klikitd.db-wal"
    with wal.open("ab") as file:
        file.truncate(100 << 20)
    one(stored(), "store", "warning", f"{wal}: the log of changes has grown "
        "to 100 MiB")


# -- What it stands on --


@pytest.fixture
def disk(tmp_path):
    """A file system of one's own, mounted with these options."""
    with contextlib.ExitStack() as stack:
        yield lambda options: stack.enter_context(
            small_disk(tmp_path / "disk", options))


@pytest.mark.parametrize("options, level, words", [
    ("size=16m", "failure", "MiB are free"),
    ("size=512m", "warning", "MiB are free"),
    ("ro", "failure", "is mounted read-only"),
])
def test_a_disk_that_is_not_fit(doctor, disk, options, level, words):
    place = disk(options)
    doctor.write(f"[store]\nurl = sqlite:{place}/klikitd.db")
    found = doctor()
    one(found, "space", level, f"{place}: ", words)
    if options == "ro":
        one(found, "store", "failure", "is mounted read-only")


def test_a_store_in_memory(doctor, disk):
    place = disk("size=2g")
    doctor.write(f"[store]\nurl = sqlite:{place}/klikitd.db")
    one(doctor(), "disk", "failure", f"{place}: ", "(tmpfs, at ",
        "all events are gone when the machine stops")


@needs("--mount")
def test_a_file_system_that_does_not_sync(doctor):
    """By a link to it, as many a store is."""
    image, place = doctor.home / "image", doctor.home / "mnt"
    place.mkdir()
    (doctor.home / "link").symlink_to(place)
    image.write_bytes(b"")
    os.truncate(image, 32 << 20)
    mount = f"mount -o loop,data=writeback,barrier=0 {image} {place}"
    made = subprocess.run(f"mkfs.ext4 -q {image} && unshare -m sh -c '{mount}'",
                          shell=True, capture_output=True)
    if made.returncode != 0:
        pytest.skip(f"no loop device: {made.stderr.decode()}")
    doctor.write(f"[store]\nurl = sqlite:{doctor.home}/link/klikitd.db")
    found = doctor(command=[
        "unshare", "-m", "sh", "-c", f"{mount} && exec \"$@\"", "sh",
        BINARY, "doctor", "-c", doctor.config, "--json"])
    one(found, "disk", "failure", f"(ext4, at {place})", "nobarrier",
        "acknowledged events are lost when the power fails")
    one(found, "disk", "warning", "data=writeback")


@needs("--mount")
@pytest.mark.parametrize("since, level, words", [
    ("1900000000", "ok", "keep backups elsewhere"),
    ("86400", "warning", "the battery is empty"),
    (None, "warning", "it has none (/dev/rtc)"),
])
def test_a_store_on_an_sd_card(doctor, since, level, words):
    """What /sys says of the disk and of the clocks is made up."""
    device = os.stat(doctor.home).st_dev
    card = doctor.home / "mmcblk0" / "mmcblk0p2"
    card.mkdir(parents=True)
    made = ("mount -t tmpfs none /sys/dev/block && ln -s "
            f"{card} /sys/dev/block/{os.major(device)}:{os.minor(device)} && "
            "mount -t tmpfs none /sys/class && ")
    if since is not None:
        made += ("mkdir -p /sys/class/rtc/rtc0 && "
                 f"echo {since} >/sys/class/rtc/rtc0/since_epoch && ")
    found = doctor(command=[
        "unshare", "-m", "sh", "-c", made + "exec \"$@\"", "sh", BINARY,
        "doctor", "-c", doctor.config, "--json"])
    (text,) = [t for t in only(found, "disk", level) if "an SD card" in t]
    assert "(mmcblk0)" in text and words in text


def test_a_clock_that_was_never_set(doctor, tmp_path):
    clock = Clock(tmp_path)
    clock.set(-int(datetime.datetime.now().timestamp()) + 3600)
    one(doctor(env=clock.env), "clock", "failure", "it is 1970-01-01T",
        "never set")


@pytest.mark.parametrize("seconds, word", [(-2 * DAY, "behind"),
                                           (700 * DAY, "ahead")])
def test_a_clock_that_is_not_believed(stored, tmp_path, seconds, word):
    clock = Clock(tmp_path)
    clock.set(seconds)
    one(stored(env=clock.env), "clock", "warning",
        f"which is not believed: {word}")


def test_too_few_open_files(doctor):
    def lower():
        resource.setrlimit(resource.RLIMIT_NOFILE, (512, 512))

    found = doctor(command=[BINARY, "doctor", "--json", "-c", doctor.config],
                   preexec_fn=lower)
    one(found, "limits", "warning", "512 open files are allowed",
        "not 1024 connections but 1")
    doctor.write(http="listen = 127.0.0.1:0\nmax_connections = 64")
    found = doctor(command=[BINARY, "doctor", "--json", "-c", doctor.config],
                   preexec_fn=lower)
    assert bad(found) == []


# -- Ports --


def test_ports(doctor):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        doctor.write(http=f"listen = 127.0.0.1:{port}, 192.0.2.1:8080")
        found = doctor()
        failures = only(found, "ports", "failure")
        assert len(failures) == 2
        assert f"127.0.0.1:{port}: is taken by " in failures[0]
        assert f"(pid {os.getpid()})" in failures[0]
        assert failures[1] == (
            "http.listen: 192.0.2.1:8080: this machine has no such address")
    doctor.write(http=f"listen = 127.0.0.1:{port}")
    assert f"http.listen: 127.0.0.1:{port}: free" in only(doctor(), "ports",
                                                          "ok")


# -- Handlers --


def test_programs(doctor):
    script = doctor.home / "script"
    script.write_text("#!/bin/sh\n")
    doctor.write("[handler a]\ntype = exec\ncommand = /bin/true",
                 f"[handler b]\ntype = exec\ncommand = {script}",
                 "[handler c]\ntype = exec\ncommand = no-such-program-here")
    found = doctor()
    one(found, "handlers", "ok", "a: /bin/true: can be run")
    texts = only(found, "handlers", "failure")
    assert [text.split(":")[0] for text in texts] == ["b", "c"]
    script.chmod(0o755)
    assert len(only(doctor(), "handlers", "failure")) == 1


@pytest.mark.parametrize("text, why", [
    ("#!/bin/sh\r\nexit 0\r\n", "its lines end in CR LF"),
    ("#!/no/such/shell\n", "/no/such/shell: there is none"),
    ("exit 0\n", "it has no #! line"),
    ("", "it is empty"),
])
def test_a_program_that_the_kernel_refuses(doctor, text, why):
    """Doctor, check-config and the start agree."""
    script = doctor.home / "script"
    script.write_bytes(text.encode())
    script.chmod(0o755)
    doctor.write(f"[handler a]\ntype = exec\ncommand = {script}")
    assert why in "".join(only(doctor(), "handlers", "failure"))
    for verb in ("check-config", "serve"):
        done = run(verb, "-c", doctor.config, cwd=doctor.home,
                   env={"KLIKIT_WEBHOOK_SECRET": "s"})
        assert done.returncode == 1 and why in done.stderr.decode()


@needs("--mount")
def test_a_program_on_a_noexec_file_system(doctor):
    (doctor.home / "mnt").mkdir()
    script = doctor.home / "mnt" / "script"
    doctor.write(f"[handler a]\ntype = exec\ncommand = {script}")
    found = doctor(command=[
        "unshare", "-m", "sh", "-c",
        f"mount -t tmpfs -o noexec none {doctor.home}/mnt && "
        f"printf '#!/bin/sh\\n' >{script} && chmod 755 {script} && "
        "exec \"$@\"", "sh", BINARY, "doctor", "-c", doctor.config, "--json"])
    (text,) = only(found, "handlers", "failure")
    assert "its file system is mounted with noexec" in text


def forward(url, *keys):
    return "\n".join(["[handler pos]", "type = forward", f"url = {url}", *keys])


def test_a_far_side_is_reached_and_asked_nothing(doctor, tmp_path):
    pos = Sink(tmp_path)
    try:
        doctor.write(forward(pos.url + "/orders"))
        one(doctor(), "handlers", "ok", "pos: 127.0.0.1 port", "reached")
        assert pos.lines() == []
    finally:
        pos.stop()
    one(doctor(), "handlers", "failure", "not reached: connection refused")
    assert bad(doctor("--no-network")) == []


def test_a_far_side_whose_name_is_unknown(doctor):
    doctor.write(forward("http://pos.invalid:9/"))
    one(doctor(), "handlers", "failure", "pos.invalid port 9",
        "not reached: no ")  # such host, or name server


def test_a_far_side_that_does_not_answer(doctor):
    """Its backlog is full: no connection comes about."""
    with socket.socket() as quiet:
        quiet.bind(("127.0.0.1", 0))
        quiet.listen(0)
        held = []
        for _ in range(4):
            held.append(socket.socket())
            held[-1].setblocking(False)
            held[-1].connect_ex(quiet.getsockname())
        doctor.write(forward(f"http://127.0.0.1:{quiet.getsockname()[1]}/",
                             "timeout = 300ms"))
        one(doctor(), "handlers", "failure", "not reached: no connection to")
        for connection in held:
            connection.close()


@pytest.fixture
def far_tls(tmp_path):
    """A far side with TLS: its CA, and a way to run one with a certificate."""
    authority = Authority(tmp_path / "ca")
    running = []

    def start(cert, client_ca=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert.path, cert.key)
        if client_ca is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(client_ca)
        server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
        server.handle_error = lambda *args: None
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        running.append((server, thread))
        return f"https://127.0.0.1:{server.server_port}/"

    yield authority, start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_far_side_is_greeted_by_tls(doctor, far_tls):
    authority, start = far_tls
    ca = f"ca_file = {authority.root.path}"
    doctor.write(forward(start(authority.make("pos")), ca))
    one(doctor(), "handlers", "ok", "reached, and is who it should be")
    doctor.write(forward(start(authority.make("pos2"))))
    one(doctor(), "handlers", "failure", "issuer")
    other = authority.make("other", sans="DNS:other.example.com")
    doctor.write(forward(start(other), ca))
    one(doctor(), "handlers", "failure", "not reached: ", "127.0.0.1")
    old = authority.make("old", start="20200101000000Z", end="20210101000000Z")
    doctor.write(forward(start(old), ca))
    one(doctor(), "handlers", "failure", "expired")


def test_a_plain_far_side_for_an_https_url(doctor, tmp_path, far_tls):
    authority, _ = far_tls
    pos = Sink(tmp_path)
    try:
        doctor.write(forward(pos.url.replace("http:", "https:"),
                             f"ca_file = {authority.root.path}",
                             "timeout = 2s"))
        assert only(doctor(), "handlers", "failure")
    finally:
        pos.stop()
