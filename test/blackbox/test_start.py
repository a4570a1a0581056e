"""What stops klikitd from starting is one line that says what to do."""

import pathlib
import socket
import sqlite3
import stat

import pytest

from conftest import SECRET, duplicate, payload, received, run

pytestmark = pytest.mark.once

SMALL = payload("created-small.json")


def refused(server, *words):
    """Start, expect exit 1 and one line on stderr with these words."""
    server.start(wait=False)
    server.wait(expect=1)
    lines = [text for kind, text in server.lines if kind == "err" and
             " info " not in text]
    assert len(lines) == 1, server.log()
    for word in words:
        assert word in lines[0], server.log()
    server.expect(".")


def test_a_missing_secret_is_named(klikitd):
    refused(klikitd(start=False, secret=None), "KLIKIT_WEBHOOK_SECRET")


def test_a_port_in_use_is_named(klikitd):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused(klikitd(start=False,
                        config=f"[http]\nlisten = 127.0.0.1:{port}\n"),
                str(port), "in use")


@pytest.mark.sqlite("one server has the file")
def test_a_second_server_on_the_store_is_refused(klikitd):
    first = klikitd()
    refused(klikitd(start=False, directory=first.directory),
            str(first.database), "another")
    received(first.post(SMALL))


@pytest.mark.sqlite("what stands in the way of a file")
def test_a_newer_schema_is_refused_and_not_touched(klikitd):
    server = klikitd()
    received(server.post(SMALL))
    server.stop()
    db = sqlite3.connect(server.database)
    version = db.execute("PRAGMA user_version").fetchone()[0]
    db.execute(f"PRAGMA user_version = {version + 1}")
    db.commit()
    db.close()
    before = server.database.read_bytes()
    again = klikitd(start=False, directory=server.directory)
    refused(again, str(server.database), "newer")
    assert server.database.read_bytes() == before


@pytest.mark.sqlite("what stands in the way of a file")
@pytest.mark.parametrize("content", [b"no database at all, but a long text" *
                                     100, b"SQLite format 3\0" + b"\xff" * 9000])
def test_a_file_that_is_no_database_is_refused_and_not_touched(klikitd,
                                                               content):
    server = klikitd(start=False)
    server.database.write_bytes(content)
    refused(server, str(server.database))
    assert server.database.read_bytes() == content


@pytest.mark.sqlite("what stands in the way of a file")
def test_a_foreign_database_is_refused(klikitd):
    server = klikitd(start=False)
    db = sqlite3.connect(server.database)
    db.execute("CREATE TABLE other (x)")
    db.commit()
    db.close()
    refused(server, str(server.database))


@pytest.mark.sqlite("what stands in the way of a file")
def test_a_directory_that_is_missing_is_named(klikitd, tmp_path):
    refused(klikitd(start=False,
                    config=f"[store]\nurl = sqlite:{tmp_path}/no/k.db\n"),
            f"{tmp_path}/no")


@pytest.mark.sqlite("what stands in the way of a file")
def test_a_read_only_directory_is_named(klikitd):
    """/proc takes no file from anybody, not even from root."""
    refused(klikitd(start=False, config="[store]\nurl = sqlite:/proc/k.db\n"),
            "/proc")


@pytest.mark.parametrize("config, words", [
    ("[http]\nlisten = 127.0.0.1:0\nmax_boddy = 1m\n",
     ["klikitd.ini:3", "max_boddy", "max_body"]),
    ("[htp]\nlisten = 127.0.0.1:0\n", ["klikitd.ini:1", "htp", "http"]),
    ("[http]\nlisten = 127.0.0.1:0\nmax_body = lots\n",
     ["klikitd.ini:3", "http.max_body", "lots"]),
    ("[http]\nlisten = nowhere\n", ["klikitd.ini:2", "http.listen"]),
    ("[handler a]\ntype = spaceship\n", ["klikitd.ini", "type", "spaceship"]),
    ("[klikit]\nsecret = hush\n", ["klikitd.ini", "secret_file"]),
])
def test_a_wrong_key_is_named_with_file_and_line(klikitd, config, words):
    server = klikitd(start=False)
    server.config.write_text(config)
    refused(server, *words)


@pytest.mark.sqlite("what stands in the way of a file")
def test_the_store_and_its_companions_are_for_the_owner_only(server):
    received(server.post(SMALL))
    names = [p for p in server.directory.iterdir() if "klikitd.db" in p.name]
    assert len(names) >= 3
    for path in names:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_port_and_secret_file_come_from_the_reference_s_variables(klikitd,
                                                                  tmp_path):
    (tmp_path / "secret").write_bytes(SECRET + b"\n")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = klikitd(config="[http]\nlisten = 127.0.0.1:1\n", env={
        "PORT": str(port), "KLIKIT_WEBHOOK_SECRET": "",
        "KLIKIT_WEBHOOK_SECRET_FILE": str(tmp_path / "secret")})
    assert server.port == port
    received(server.post(SMALL))
    server.wait_log("newline")
    assert SECRET.decode() not in server.final_log()


def test_start_up_takes_files_descriptors_and_leaves_none(server):
    """Nothing of ours is inherited open, and a restart finds the same."""
    first = len(server.open_files())
    for number in range(50):
        received(server.deliver(SMALL, f"e{number}"))
    server.wait_processed()
    server.restart()
    duplicate(server.deliver(SMALL, "e1"))
    assert abs(len(server.open_files()) - first) <= 2


def test_dev_makes_a_secret_once_and_prints_a_command_that_works(klikitd,
                                                                 tmp_path):
    """It works from any directory, and whatever the paths look like."""
    import subprocess
    home = tmp_path / "it's here"
    home.mkdir()
    server = klikitd(start=False, verb="dev", secret=None, directory=home,
                     args=["--http.listen", "127.0.0.1:0"])
    server.command = lambda: [*klikitd_binary(), "dev", *server.args]
    server.start()
    server.wait_for(lambda: "trigger created" in server.log(), "command")
    secret = pathlib.Path(server.directory / ".klikitd" / "secret")
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    first = secret.read_bytes()
    assert len(first) > 32
    command = next(line.strip() for _, line in server.lines
                   if "trigger created" in line)
    done = subprocess.run(command, shell=True, cwd="/",
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done
    assert "received" in done.stdout
    server.wait_log(r"klikit\.order\.created\.v2")
    assert first.decode().strip() not in server.final_log()
    server.start()
    assert secret.read_bytes() == first


def klikitd_binary():
    from conftest import BINARY, PREFIX
    return [*PREFIX, BINARY]


def test_dev_refuses_an_address_that_others_reach(tmp_path):
    done = run("dev", "--http.listen", "0.0.0.0:0", cwd=tmp_path)
    assert done.returncode == 1
    assert b"http.listen" in done.stderr
