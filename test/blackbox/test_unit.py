"""The unit for systemd fits what klikitd does: its command line is run by hand,
with what systemd would give it, and every system call is looked at."""

import re
import shlex
import subprocess

import pytest

from conftest import ROOT, SECRET, payload
from https import TLS, client, pki  # noqa: F401 (a fixture)
from notify_socket import NotifySocket
from unpacked import program

UNIT = ROOT / "debian" / "klikitd.service"
BODY = payload("created-small.json")


# Refused, and done without: ptrace tries whether a command would start
# (handlers/exec/program_try.c), fchown is SQLite's, as root only.
FORGONE = {"ptrace", "fchown"}


def lines_of(key):
    return re.findall(rf"^{key}=(.*)$", UNIT.read_text(), re.MULTILINE)


def expand(names):
    """The system calls that SystemCallFilter= means by them."""
    calls = set()
    for name in names:
        if not name.startswith("@"):
            calls.add(name)
            continue
        listed = subprocess.run(
            [program("systemd-analyze"), "--no-pager", "syscall-filter", name],
            capture_output=True, text=True, check=True).stdout
        inner = [line.strip() for line in listed.splitlines()
                 if line.startswith("    ") and "#" not in line]
        assert inner, listed
        calls |= expand(inner)
    return calls


def allowed_calls():
    allowed = set()
    for line in lines_of("SystemCallFilter"):
        if line.startswith("~"):
            allowed -= expand(line[1:].split())
        else:
            allowed |= expand(line.split())
    return allowed


@pytest.fixture
def traced(klikitd, pki, tmp_path):
    """What a server and a program of its called, line by line. It receives,
    runs a program, calls out, reloads, shows itself and stops."""
    trace = tmp_path / "trace"
    shell = tmp_path / "program"
    shell.write_text("#!/bin/sh\ncat >/dev/null\n")
    shell.chmod(0o755)
    manager = NotifySocket(tmp_path)
    made = klikitd(start=False, config=TLS + (
        f"[handler shell]\ntype = exec\ncommand = {shell}\n"
        "[handler pos]\ntype = forward\nurl = http://localhost:9/\n"
        "retry = 50ms\nmax_age = 1s\n"),
        env={**manager.env, "WATCHDOG_USEC": "4000000",
             "ASAN_OPTIONS": "detect_leaks=0"},  # nor by strace
        wrapper=["strace", "-f", "-qq", "-o", str(trace)])
    for name, source in (("server.pem", "ec.chain"), ("server.key", "ec.key")):
        path = made.directory / name
        path.write_bytes((pki.directory / source).read_bytes())
        path.chmod(0o600)
    made.expect("handler pos", "job ")
    made.start()
    made.tls = client(pki)
    assert made.deliver(BODY)[0] == 200
    made.wait_query("SELECT count(*) FROM jobs j JOIN handlers h "
                    "ON h.id = j.handler WHERE h.name = 'shell' "
                    "AND j.finished_at IS NOT NULL", [(1,)])
    made.reload()
    made.metrics_text()
    manager.wait(2, WATCHDOG="1")
    made.stop()
    return trace.read_text().splitlines()


@pytest.mark.sqlite("its trace")
def test_the_filter_lets_every_call_through(traced):
    called = {match[1] for line in traced
              if (match := re.match(r"\d+ +(\w+)\(", line))}
    assert {"execve", "fdatasync", "accept4", "memfd_create"} <= called
    assert called - allowed_calls() - FORGONE == set()


@pytest.mark.sqlite("its trace")
def test_no_memory_is_written_and_run(traced):
    """MemoryDenyWriteExecute="""
    assert lines_of("MemoryDenyWriteExecute") == ["yes"]
    both = [line for line in traced if re.search(
        r"(mmap|mprotect|pkey_mprotect)\(.*PROT_WRITE\|PROT_EXEC", line)]
    assert both == []


@pytest.mark.sqlite("its trace")
def test_sockets_are_of_the_families_that_it_has(traced):
    families = set(" ".join(lines_of("RestrictAddressFamilies")).split())
    used = {match[1] for line in traced
            if (match := re.search(r" socket(?:pair)?\((AF_\w+)", line))}
    assert {"AF_INET", "AF_UNIX"} <= used
    assert used <= families, used - families


def test_its_command_line_starts_with_what_systemd_gives(klikitd, tmp_path):
    """The credential, the folder of the state, the manager's socket."""
    command = shlex.split(lines_of("ExecStart")[0])
    assert command == ["/usr/bin/klikitd", "serve", "-c",
                       "/etc/klikitd/klikitd.ini"]
    given = [line.split(":")[0] for line in lines_of("LoadCredential")]
    assert given == ["klikit-secret"]
    credentials, state = tmp_path / "credentials", tmp_path / "state"
    credentials.mkdir()
    (credentials / given[0]).write_bytes(SECRET)
    (credentials / given[0]).chmod(0o400)
    state.mkdir(mode=int(lines_of("StateDirectoryMode")[0], 8))
    manager = NotifySocket(tmp_path)
    server = klikitd(secret=None, database="unused", env={
        **manager.env, "CREDENTIALS_DIRECTORY": str(credentials),
        "STATE_DIRECTORY": str(state),
        "WATCHDOG_USEC": str(int(lines_of("WatchdogSec")[0]) * 1000000)})
    manager.wait(READY="1")
    server.secret = SECRET
    assert server.deliver(BODY)[0] == 200
    server.stop()
    assert manager.words() == ["READY", "STOPPING"]
    if server.store is None:
        assert (state / "klikitd.db").exists()
