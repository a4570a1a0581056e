"""What klikitd shuts itself off from at its start, and what a reload may ask for
then."""

import os
import pathlib
import shutil
import signal

import pytest

from conftest import SECRET, payload
from https import TLS, client, install, pki  # noqa: F401 (a fixture)

BODY = payload("created-small.json")
ENTERED = "sandbox: entered"
ON = "[process]\nsandbox = yes\n"
ORDERS = ON + "[handler orders]\ntype = orders\n"


def shut_in(klikitd, **options):
    server = klikitd(**options)
    if "this kernel has no Landlock" in server.log():
        pytest.skip("this kernel has no Landlock")
    assert ENTERED in server.log()
    return server


def refused(server, config):
    """A reload that is; returns what was said of it."""
    server.expect("reload: ")
    since = len(server.lines)
    server.write_config(config)
    os.kill(server.pid, signal.SIGHUP)
    server.wait_for(lambda: "reload: refused" in server.log(since), "refusal")
    return server.log(since)


def test_it_works_as_before(klikitd, tmp_path):
    """Events, verbs, a backup, a reload, a restart."""
    server = shut_in(klikitd, config=ORDERS)
    assert server.deliver(BODY)[0] == 200
    server.wait_processed()
    assert server.do("events", "--json")
    server.do("purge", "--older-than", "1d")
    server.reload()
    server.restart()
    assert server.deliver(BODY)[0] == 200


def test_new_files_beside_the_old_ones_come_by_a_reload(klikitd, pki):
    server = klikitd(start=False, config=TLS + ORDERS)
    install(server, pki, "ec")
    server.start()
    if ENTERED not in server.log():
        pytest.skip("this kernel has no Landlock")
    secret = server.directory / "another-secret"
    secret.write_bytes(b"another secret of klikit")
    secret.chmod(0o600)
    install(server, pki, "rsa2048")
    server.write_config(
        TLS + ORDERS + f"[secret other]\nfile = {secret}\n")
    server.reload()
    server.tls = client(pki)
    server.secret = b"another secret of klikit"
    assert server.deliver(BODY)[0] == 200


def test_a_folder_that_was_not_used_needs_a_restart(klikitd, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "secret").write_bytes(SECRET + b"-2")
    (elsewhere / "secret").chmod(0o600)
    new = ORDERS + f"[secret other]\nfile = {elsewhere}/secret\n"
    server = shut_in(klikitd, config=ORDERS)
    said = refused(server, new)
    assert f"secret other: {elsewhere}/secret: Permission denied" in said
    assert "folders that were not used then, need a restart" in said
    assert server.deliver(BODY)[0] == 200
    server.restart()
    server.secret = SECRET + b"-2"
    assert server.deliver(BODY)[0] == 200


def test_a_program_needs_a_restart_and_says_so_at_the_reload(klikitd,
                                                             tmp_path):
    """Not at its first job."""
    seen = tmp_path / "seen"
    program = tmp_path / "bell"
    program.write_text(f"#!/bin/sh\nexec touch {seen}\n")
    program.chmod(0o755)
    server = shut_in(klikitd, config=ORDERS)
    said = refused(server, ORDERS + (
        f"[handler bell]\ntype = exec\ncommand = {program}\n"))
    assert "programs, and folders that were not used then, need a restart" \
        in said
    server.restart()
    assert "sandbox: none: bell starts a program" in server.log()
    assert server.deliver(BODY)[0] == 200
    server.wait_processed()
    assert seen.exists()


def test_programs_are_not_shut_in(klikitd, tmp_path):
    """They may write where their user may, and be other users' programs."""
    seen = tmp_path / "seen"
    program = tmp_path / "look"
    program.write_text(f"#!/bin/sh\ngrep NoNewPrivs /proc/self/status >{seen}\n")
    program.chmod(0o755)
    server = klikitd(config=ON + "[handler look]\ntype = exec\n"
                            f"command = {program}\n")
    assert "sandbox: none: look starts a program" in server.log()
    assert server.deliver(BODY)[0] == 200
    server.wait_processed()
    assert seen.read_text().split() == ["NoNewPrivs:", "0"]


@pytest.mark.sqlite("a backup is made by pg_dump")
def test_scheduled_backups_are_made_by_a_program(klikitd, tmp_path):
    place = tmp_path / "backups"
    place.mkdir()
    server = klikitd(config=ON + f"[backup]\ndir = {place}\nevery = 1h\n")
    assert "sandbox: none: backup.every starts a program" in server.log()
    server.wait_log("backup: .* events, verified")
    assert list(place.glob("*.db"))


def test_it_is_asked_for(klikitd):
    server = klikitd()
    assert "sandbox: " not in server.log()
    status = pathlib.Path(f"/proc/{server.pid}/status").read_text()
    assert "NoNewPrivs:\t0" in status


@pytest.mark.sqlite("its trace")
def test_nothing_that_it_needs_is_denied(klikitd, pki, tmp_path):
    """All that it tries to open, at work."""
    trace = tmp_path / "trace"
    server = klikitd(start=False, config=TLS + ORDERS + (
        "[handler pos]\ntype = forward\nurl = http://localhost:9/\n"
        "retry = 50ms\nmax_age = 1s\n"),
        env={"ASAN_OPTIONS": "detect_leaks=0"},  # nor by strace
        wrapper=["strace", "-f", "-qq", "-o", str(trace),
                 "-e", "trace=%file"])
    server.expect("handler pos", "job ")
    install(server, pki, "ec")
    server.start()
    if ENTERED not in server.log():
        pytest.skip("this kernel has no Landlock")
    server.tls = client(pki)
    assert server.deliver(BODY)[0] == 200
    server.wait_log("handler pos")
    server.reload()
    server.metrics_text()
    server.stop()
    denied = [line for line in trace.read_text().splitlines()
              if "= -1 EACCES" in line or "= -1 EPERM" in line]
    assert denied == []


@pytest.mark.sqlite("a backup is made by pg_dump")
def test_the_files_of_the_store_are_its_own_alone(klikitd, tmp_path):
    """What a hole in the program could reach: nothing is made elsewhere."""
    server = shut_in(klikitd, config=ORDERS)
    assert server.deliver(BODY)[0] == 200
    target = tmp_path / "elsewhere"
    target.mkdir()
    backups = ORDERS + f"[backup]\ndir = {target}\nevery = 1h\n"
    said = refused(server, backups)
    assert "reload: refused: backup.every starts a program" in said
    assert list(target.iterdir()) == []
    shutil.rmtree(target)
