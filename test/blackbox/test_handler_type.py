"""A type of handlers that no file of klikitd names: test/lib/shout.c is built
into a klikitd whose table of types has it (test/lib/shout_main.c), and nothing
else is changed."""

import json
import pathlib

import pytest

import conftest
from conftest import BINARY, run
from test_metrics import values

SHOUT = pathlib.Path(BINARY).parent / "test" / "klikitd_shout"


@pytest.fixture(autouse=True)
def shouting(monkeypatch):
    if not SHOUT.exists():
        pytest.skip("this build has no tests")
    monkeypatch.setattr(conftest, "BINARY", str(SHOUT))


def write(home, *keys):
    (home / "secret").write_text("a-secret-of-klikit-for-these-tests")
    (home / "secret").chmod(0o600)
    config = home / "klikitd.ini"
    config.write_text("\n".join([
        "[http]", "listen = 127.0.0.1:0", "[admin]", "listen = 127.0.0.1:0",
        "[klikit]", "secret_file = secret",
        "[handler boy]", "type = shout", "file = shouts", *keys, ""]))
    return config


def test_it_is_described():
    done = run("help", "handler")
    assert b"  volume NUMBER (default 5)\n" in done.stdout
    example = run("check-config", "--print-example").stdout.decode()
    assert ";[handler boy]\n;type = shout\n" in example


def test_it_is_checked(tmp_path):
    config = write(tmp_path, "volume = 9", "tone = high")
    done = run("check-config", "-c", config)
    assert done.returncode == 1
    assert done.stderr.decode() == (
        f"{config}:10: handler.volume: is too loud with tone = high\n")
    config = write(tmp_path, "volume = 9")
    done = run("check-config", "-c", config)
    assert done.returncode == 0, done
    assert (f"handler     boy: shout, events *, to {tmp_path}/shouts at 9\n"
            in done.stdout.decode())


def findings(config, *flags):
    done = run("doctor", "-c", config, "--json", *flags)
    assert done.stderr == b"", done
    return [json.loads(line) for line in done.stdout.splitlines()]


def tried(config, *flags):
    return [(f["level"], f["text"], f["advice"])
            for f in findings(config, *flags) if f["check"] == "handlers"]


DEAF = ("failure", "boy: nobody listens", "touch the file")


def test_doctor_tries_it(tmp_path):
    """In a loop of its own, with what handlers are lent."""
    config = write(tmp_path)
    assert tried(config) == [DEAF]
    assert tried(config, "--no-network") == [
        ("ok", "none that calls out was looked at", None)]
    (tmp_path / "shouts").touch()
    assert tried(config) == [("ok", "boy: somebody listens", None)]


def test_doctor_says_all_that_it_finds(tmp_path):
    config = write(tmp_path, "volume = 11")
    assert tried(config) == [
        DEAF, ("warning", "boy: it is \\x1b very loud", "lower volume")]


def test_doctor_does_not_wait_for_ever(tmp_path):
    config = write(tmp_path, "words = hush", "timeout = 100ms")
    ((level, text, advice),) = tried(config)
    assert (level, text) == ("failure", "boy: no answer within 300 ms")
    assert "Events wait for it" in advice


def test_doctor_does_not_try_it_without_its_secrets(tmp_path):
    config = write(tmp_path, "password_file = gone")
    assert [text for _, text, _ in tried(config)] == [
        "none that calls out was looked at"]


def test_check_config_tries_it_if_asked(tmp_path):
    config = write(tmp_path, "volume = 11")
    assert run("check-config", "-c", config).returncode == 0
    done = run("check-config", "-c", config, "--network")
    assert done.returncode == 1
    assert done.stderr.decode() == (
        "handler boy: nobody listens; touch the file\n"
        "warning: handler boy: it is \\x1b very loud; lower volume\n")
    (tmp_path / "shouts").touch()
    done = run("check-config", "-c", write(tmp_path), "--network")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.endswith(b"tried       boy: somebody listens\n")


def test_doctor_looks_at_its_secret(tmp_path):
    (tmp_path / "password").write_text("hush")
    (tmp_path / "password").chmod(0o644)
    config = write(tmp_path, "password_file = password")
    (found,) = [f for f in findings(config) if "password" in f["text"]]
    assert found["check"] == "secrets"
    assert "who reads it can shout as well" in found["advice"]


def test_it_runs_and_is_reloaded(klikitd):
    server = klikitd(config="[handler boy]\ntype = shout\nfile = shouts\n")
    body = conftest.payload("created-small.json")
    server.deliver(body, "first")
    server.wait_processed()
    server.write_config("[handler boy]\ntype = shout\nfile = shouts\n"
                        "volume = 11\nwords = ho\n")
    server.reload()
    server.deliver(conftest.payload("status-updated-ready.json"), "second",
                   type=conftest.STATUS)
    server.wait_processed()
    shouts = (server.directory / "shouts").read_text()
    assert shouts == "hey at 5: first\nho at 11: second\n"


def test_its_far_side_is_shown(klikitd):
    """Where its jobs go, and whether it has the connection that it keeps."""
    server = klikitd(config="[handler boy]\ntype = shout\nfile = shouts\n")
    target = f"{server.directory}/shouts at 5"

    def shown():
        handler, = server.ask("GET", "/api/v1/handlers")[2]["handlers"]
        return handler["target"], handler["connected"], values(server)[
            'klikitd_handler_connected{handler="boy"}']

    assert shown() == (target, False, 0)
    server.deliver(conftest.payload("created-small.json"), "first")
    server.wait_processed()
    assert shown() == (target, True, 1)
