"""After `./run` the commands of the guide use.md work as they stand: what klikitd dev
keeps is found by verbs that are given nothing, and they say so."""

import re
import shlex
import subprocess

import pytest

from conftest import BINARY, DEADLINE, ROOT, SECRET, run

SAID = "is configured here: takes that of klikitd dev"
BLOCKS = ("Reading what came in", "What the handlers did, and doing it again",
          "Why a delivery was refused")


@pytest.fixture
def dev(klikitd):
    """klikitd dev in a folder, as ./run starts it, with events in it."""
    server = klikitd(start=False, verb="dev", secret=None,
                     database=".klikitd/dev.db")
    server.config.unlink()
    server.command = lambda: [BINARY, "dev", "--http.listen=127.0.0.1:0"]
    server.environment = lambda: {"PATH": "/usr/bin:/bin"}
    server.expect("unheard_of", "refused: ")
    (server.directory / "klikitd.ini").write_text("[http]\n")
    server.start()
    server.config.unlink()
    server.here = lambda *args, **options: run(
        *args, cwd=server.directory, **options)
    for args in (("created",), ("--all", "--to", server.url)):
        done = server.here("trigger", *args)
        assert done.returncode == 0, done
    server.wait_processed()
    server.wait_query("SELECT count(*) > 0 FROM rejections", [(1,)])
    return server


def guide_commands():
    """Each line `    klikitd ...` of the blocks that look and act."""
    text = (ROOT / "server" / "docs" / "use.md").read_text()
    found = []
    for title in BLOCKS:
        part = text.split(f"\n## {title}\n")[1].split("\n## ")[0]
        for line in re.findall(r"^    (klikitd .*)$", part, re.M):
            found += re.split("  +", line)[0].split("; ")
    return found


def test_the_commands_of_the_guide_work_as_printed(dev):
    event, = dev.query("SELECT event_id FROM events ORDER BY id LIMIT 1")[0]
    order, = dev.query("SELECT order_id FROM orders LIMIT 1")[0]
    rejection, = dev.query("SELECT id FROM rejections LIMIT 1")[0]
    job, = dev.query("SELECT id FROM jobs LIMIT 1")[0]
    stands_for = {"EVENT-ID": event, "ORDER-ID": order, "ID": order,
                  "JOB": str(job), "pos": "orders", "FILE": "copy.db"}
    (dev.directory / "body").write_bytes(b'{"orders":[]}')
    (dev.directory / "request").write_bytes(
        dev.here("trigger", "created", "--print").stdout)
    stands_for |= {"URL": dev.url, "HEX": dev.here(
        "sign", "body").stdout.decode().strip()}
    commands = guide_commands()
    assert len(commands) >= 15, commands
    # What is purged is not there to be shown.
    for command in sorted(commands, key=lambda line: " purge " in line):
        words = shlex.split(command)[1:]
        if words[0] in ("restore", "migrate-store", "dev", "sink") or (
                "--probe" in words):
            continue  # see their own tests; two are servers
        own = dict(stands_for)
        if words[0] == "rejections":
            own["ID"] = str(rejection)
        if words[0] != "backup":
            own["FILE"] = "request" if "--request" in words else "body"
        done = dev.here(*[own.get(word, word) for word in words])
        said = done.stderr.decode()
        if "--scheduled" in words:
            assert SAID in said and "none are scheduled" in said, said
            continue
        if words[0] in ("retry", "discard") and "JOB" in words:
            # It is done: that is the answer, and not that there is no store.
            assert SAID in said and f" {job}: " in said, said
            continue
        assert done.returncode == 0, (command, done)
        assert SAID in said, (command, said)
        assert f"{dev.directory}/.klikitd/" in said, (command, said)


def test_restore_finds_it_too(dev):
    assert dev.here("backup", "copy.db").returncode == 0
    dev.stop()
    done = dev.here("restore", "copy.db")
    assert done.returncode == 0 and SAID in done.stderr.decode(), done
    assert not (dev.directory / "klikitd.db").exists()


def test_doctor_and_check_config_find_it_too(dev):
    for verb in ("doctor", "check-config"):
        done = dev.here(verb)
        assert done.returncode == 0, done
        assert SAID in done.stderr.decode()
        assert str(dev.database) in done.stdout.decode()


@pytest.mark.parametrize("kind", ["created", "status", "cart"])
def test_what_trigger_prints_verify_takes(dev, kind):
    """From a file and from a pipe."""
    printed = dev.here("trigger", kind, "--print")
    (dev.directory / "request.txt").write_bytes(printed.stdout)
    for done in (dev.here("verify", "--request", "request.txt"),
                 dev.here("verify", "--request", "-", input=printed.stdout)):
        assert done.returncode == 0, done
        assert b"valid: under secret default" in done.stdout


def test_a_printed_file_is_taken_byte_for_byte(dev):
    body = b'{"orders":[]}\n\n'
    (dev.directory / "body").write_bytes(body)
    printed = dev.here("trigger", "body", "--print").stdout
    assert printed.endswith(b"\n\n" + body + b"\n")
    assert dev.here("verify", "--request", "-", input=printed).returncode == 0


def test_a_wrong_signature_that_was_printed_is_wrong(dev):
    printed = dev.here("trigger", "created", "--bad-signature",
                       "--print").stdout
    done = dev.here("verify", "--request", "-", input=printed)
    assert done.returncode == 1 and b"not valid" in done.stdout


def test_an_editor_s_newline_is_not_of_the_body(dev):
    printed = dev.here("trigger", "created", "--print").stdout
    for more, code in ((b"\r\n\n", 0), (b" ", 1), (b"\n{}", 1)):
        done = dev.here("verify", "--request", "-", input=printed + more)
        assert done.returncode == code, done


def test_several_are_apart(dev):
    printed = dev.here("trigger", "created", "--count", "3", "--print").stdout
    assert printed.count(b"content-type: application/json\n") == 3
    for text in re.split(rb"\n\n(?=content-type: )", printed):
        assert dev.here("verify", "--request", "-",
                        input=text).returncode == 0


def test_what_is_configured_wins(dev):
    """A variable, a file, a flag, a store of its own: none is dev's."""
    env = {"KLIKIT_WEBHOOK_SECRET": SECRET.decode()}
    done = dev.here("sign", "-", input=b"{}", env=env)
    assert done.returncode == 0 and done.stderr == b"", done
    for args, options in (
            (("events", "--store.url", "sqlite:other.db"), {}),
            (("events",), {"env": {"KLIKITD_STORE_URL": "sqlite:other.db"}}),
            (("events", "-c", "own.ini"), {})):
        (dev.directory / "own.ini").write_text("[store]\n"
                                               "url = sqlite:other.db\n")
        done = dev.here(*args, **options)
        said = done.stderr.decode()
        assert done.returncode == 1 and "other.db" in said, done
        assert SAID not in said


def test_a_store_at_the_default_place_wins(dev):
    served = subprocess.Popen(
        [BINARY, "serve", "--http.listen=127.0.0.1:0", "--admin.listen="],
        cwd=dev.directory, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env={"PATH": "/usr/bin:/bin", "KLIKIT_WEBHOOK_SECRET": "x"})
    try:
        assert served.stdout.readline().startswith(b"listening")
        done = dev.here("events")
        assert done.returncode == 0 and SAID not in done.stderr.decode()
        assert f"sqlite:{dev.directory}/klikitd.db" in done.stderr.decode()
    finally:
        served.terminate()
        served.wait(DEADLINE)
        served.stdout.close()


def test_without_any_the_store_is_missed_as_ever(tmp_path):
    done = run("events", cwd=tmp_path)
    assert done.returncode == 1 and b"klikitd.db" in done.stderr
    done = run("sign", "-", input=b"{}", cwd=tmp_path)
    assert done.returncode == 1 and b"no webhook secret" in done.stderr
