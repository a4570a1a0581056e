"""The commands to try it with work as they are printed, also without curl."""

import re
import shutil
import subprocess

import pytest

from certificates import Authority
from conftest import BINARY, DEADLINE, run
from https import TLS


@pytest.fixture
def bare(tmp_path):
    """A PATH with a shell in it and nothing else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "sh").symlink_to("/bin/sh")
    return {"PATH": str(folder)}


def try_it(server, line, env, kinds=1):
    """Run a printed command elsewhere; an event more is stored."""
    assert "curl" not in line
    before = server.query("SELECT count(*) FROM events")[0][0]
    done = subprocess.run(["/bin/sh", "-c", line], cwd="/", env=env,
                          capture_output=True, text=True, timeout=DEADLINE)
    assert done.returncode == 0, (line, done)
    assert '{"status":"received"}' in done.stdout
    assert server.query("SELECT count(*) FROM events")[0][0] >= before + kinds


def secret(server):
    return {"KLIKIT_WEBHOOK_SECRET": server.secret.decode()}


@pytest.mark.parametrize("tls", [[], ["--tls"]])
def test_dev(klikitd, bare, tmp_path, tls):
    server = klikitd(start=False, verb="dev", args=tls, secret=None,
                     database=".klikitd/dev.db", env=bare)
    server.command = lambda: [BINARY, "dev", "--http.listen=127.0.0.1:0",
                              *tls]
    server.start()
    server.wait_for(lambda: "Stop with Ctrl-C." in server.log(), "the end")
    assert "curl" not in server.log()
    lines = re.findall("^    (.* trigger .*)$", server.log(), re.M)
    assert len(lines) == 2
    for line in lines:
        try_it(server, line, bare)
    shown = server.ask("GET", "/api/v1/status")[2]
    assert shown["curl"] is None
    try_it(server, shown["trigger"], bare)
    server.expect("unheard_of", "refused: ")


def shown_by(server):
    """On the page, and in the log."""
    on_page = server.ask("GET", "/api/v1/status")[2]
    assert on_page["curl"] is None
    server.wait_log("to send a test event: ")
    logged = re.search("to send a test event: (.*)", server.log())[1]
    assert logged == on_page["trigger"]
    return logged


def test_serve(klikitd, bare):
    server = klikitd(env=bare)
    try_it(server, shown_by(server), {**bare, **secret(server)})


def test_serve_on_all_addresses(klikitd, bare):
    server = klikitd(env=bare, config="[http]\nlisten = *:0\n")
    try_it(server, shown_by(server), {**bare, **secret(server)})


@pytest.fixture
def outside(tmp_path):
    """A server's certificate for a name that leads elsewhere."""
    authority = Authority(tmp_path / "pki")
    return authority, authority.make("outside", sans="DNS:hooks.example.com")


def serve_tls(klikitd, outside, **options):
    server = klikitd(start=False, config="[http]\nlisten = 127.0.0.1:0\n" +
                     TLS, **options)
    for suffix, path in (("pem", outside[1].path), ("key", outside[1].key)):
        shutil.copy(path, server.directory / f"server.{suffix}")
        (server.directory / f"server.{suffix}").chmod(0o600)
    return server.start()


def test_serve_by_https_under_another_name(klikitd, bare, outside):
    server = serve_tls(klikitd, outside, env=bare)
    line = shown_by(server)
    assert f"--server-certificate '{server.directory}/server.pem'" in line
    try_it(server, line, {**bare, **secret(server)})


def test_trigger_knows_the_certificate_of_its_configuration(klikitd,
                                                            outside):
    server = serve_tls(klikitd, outside)
    server.config.write_text(server.config.read_text().replace(
        "127.0.0.1:0", f"127.0.0.1:{server.port}"))
    done = run("trigger", "created", "-c", server.config, env=secret(server))
    assert done.returncode == 0, done


def test_another_certificate_is_refused(klikitd, outside):
    server = serve_tls(klikitd, outside)
    server.expect("handshake|certificate|TLS|tls")
    other = outside[0].make("other", sans="IP:127.0.0.1,DNS:hooks.example.com")
    done = run("trigger", "created", "--to", server.url,
               "--server-certificate", other.path, env=secret(server))
    assert done.returncode == 1 and b"received" not in done.stdout, done
    assert server.query("SELECT count(*) FROM events") == [(0,)]


def test_a_file_without_a_certificate_is_named(tmp_path):
    (tmp_path / "none.pem").write_text("nothing\n")
    done = run("trigger", "created", "--to", "https://127.0.0.1:1",
               "--server-certificate", tmp_path / "none.pem",
               env={"KLIKIT_WEBHOOK_SECRET": "x"})
    assert done.returncode == 1
    assert b"none.pem: no certificate can be read from it" in done.stderr


def test_curl_is_offered_where_there_is_one(klikitd):
    server = klikitd()
    shown = server.ask("GET", "/api/v1/status")[2]
    assert (shown["curl"] is None) == (shutil.which("curl") is None)
