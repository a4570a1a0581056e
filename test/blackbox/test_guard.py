"""What others on the machine see of klikitd: its secret, its memory; root."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest

from conftest import (BINARY, DEADLINE, ROOT_WARNING, SECRET, payload,
                      received)

NOBODY = 65534
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}",
             "--clear-groups"]
VARIABLE = "KLIKIT_WEBHOOK_SECRET"
OTHER = b"another-secret-altogether"
BODY = payload("created-small.json")

root_only = pytest.mark.skipif(os.geteuid() != 0,
                               reason="becomes another user, so needs root")


def shown_environment(pid):
    """/proc/PID/environ; nothing where that is hidden."""
    try:
        return pathlib.Path(f"/proc/{pid}/environ").read_bytes()
    except PermissionError:
        return b""


def is_release():
    """Was the binary built without debug information and sanitizers?"""
    options = pathlib.Path(BINARY).parent / "meson-info"
    try:
        known = json.loads((options / "intro-buildoptions.json").read_text())
    except FileNotFoundError:
        pytest.skip(f"{BINARY} does not lie where meson built it")
    value = {option["name"]: option["value"] for option in known}
    return value["b_sanitize"] == "none" and not value["debug"]


@pytest.fixture
def nobodys(klikitd):
    """A server that runs as nobody, in a folder that nobody can reach."""
    home = pathlib.Path(tempfile.mkdtemp(prefix="klikitd-nobody-"))
    home.chmod(0o755)
    program = home / "klikitd"
    shutil.copy(BINARY, program)
    work = home / "work"
    work.mkdir()

    made = []

    def make(inner=(), **options):
        server = klikitd(start=False, directory=work, **options)
        made.append(server)
        server.wrapper = [*AS_NOBODY, *inner]
        server.command = lambda: server.wrapper + [
            program, server.verb, "-c", server.config, *server.args]
        server.as_nobody = lambda verb, *args: subprocess.run(
            AS_NOBODY + [program, verb, "-c", server.config, *args],
            cwd=work, env=server.environment(), capture_output=True,
            text=True, timeout=DEADLINE)
        for path in (work, *work.iterdir()):
            os.chown(path, NOBODY, NOBODY)
        return server.start()

    yield make
    for server in made:
        server.stop()
    shutil.rmtree(home)


# -- The secret in the environment --


def test_the_environment_shows_no_secret_of_aws(klikitd):
    names = ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
             "AWS_CONTAINER_AUTHORIZATION_TOKEN"]
    server = klikitd(env={"AWS_ACCESS_KEY_ID": "AKIASHOWN",
                          **{name: f"hidden-{name}" for name in names}})
    shown = shown_environment(server.pid)
    if shown:  # a release shows nothing at all
        assert b"AKIASHOWN" in shown
    assert b"hidden-" not in shown


def test_the_environment_shows_no_secret(klikitd):
    server = klikitd(env={"SOMETHING": "else"})
    shown = shown_environment(server.pid)
    if shown:  # a release shows nothing at all
        assert b"SOMETHING=else" in shown
    assert SECRET not in shown
    received(server.post(BODY))


def test_a_program_cannot_read_it_from_its_parent(klikitd, tmp_path):
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\ncat /proc/$PPID/environ /proc/$$/environ "
                       f">{tmp_path}/seen 2>/dev/null\nexit 0\n")
    program.chmod(0o700)
    server = klikitd(config="[handler spy]\ntype = exec\nevents = *\n"
                            f"command = {program}\n")
    received(server.post(BODY))
    server.wait_processed()
    seen = (tmp_path / "seen").read_bytes()
    assert b"KLIKIT_EVENT_ID=" in seen and SECRET not in seen


def test_a_second_one_of_that_name_goes_too(klikitd):
    server = klikitd(env={VARIABLE.encode(): OTHER})
    assert OTHER not in shown_environment(server.pid)
    assert SECRET not in shown_environment(server.pid)


def test_a_reload_still_has_it(klikitd):
    server = klikitd()
    server.reload()
    received(server.post(BODY))
    assert SECRET not in shown_environment(server.pid)


def test_no_verb_shows_it_while_it_works():
    """sign waits for its standard input, which it reads after the start."""
    process = subprocess.Popen(
        [BINARY, "sign", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={**os.environ, VARIABLE: SECRET.decode()})
    try:
        # More than a pipe holds: when it is written, it is being read.
        process.stdin.write(b"x" * 200000)
        process.stdin.flush()
        assert SECRET not in shown_environment(process.pid)
    finally:
        out, _ = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0 and len(out.split()[0]) == 64


def test_dev_shows_it_to_no_program_either(klikitd):
    server = klikitd(verb="dev")
    assert SECRET not in shown_environment(server.pid)
    received(server.post(BODY))


# -- Memory, descriptors and core files --


def core_limit(pid):
    """The soft limit and the hard one."""
    limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
    return re.search(r"Max core file size +(\S+) +(\S+)", limits).groups()


@root_only
def test_a_release_is_root_s_own_to_look_at(nobodys):
    server = nobodys()
    guarded = is_release()
    owner = os.stat(f"/proc/{server.pid}/fd").st_uid
    assert owner == (0 if guarded else NOBODY)
    assert (core_limit(server.pid)[0] == "0") == (
        guarded or core_limit(os.getpid())[0] == "0")
    assert core_limit(server.pid)[1] == core_limit(os.getpid())[1]


@root_only
def test_dev_can_be_looked_at_by_its_user(nobodys):
    server = nobodys(verb="dev")
    assert os.stat(f"/proc/{server.pid}/fd").st_uid == NOBODY


@root_only
def test_an_ordinary_user_s_server_lacks_nothing(nobodys):
    """Hidden from its own user, it must still work as before."""
    server = nobodys(config="[handler say]\ntype = exec\nevents = *\n"
                            "command = sh -c \"echo said; cat >/dev/null\"\n")
    received(server.post(BODY))
    server.wait_processed()
    assert " done " in server.as_nobody("jobs").stdout
    paused = server.as_nobody("pause", "say", "--why", "test")
    assert paused.returncode == 0, paused.stderr
    found = server.as_nobody("doctor")
    assert (f"/{server.pid} serves from it" if server.store else
            f"serves from it (pid {server.pid})") in found.stdout
    assert "perhaps by the klikitd" not in found.stdout, found.stdout
    assert re.search(r"(klikitd itself|klikitd that runs).*listens there|"
                     "the kernel chooses the port", found.stdout)
    server.reload()
    server.restart()
    received(server.post(payload("status-updated-ready.json")))


@root_only
def test_doctor_knows_the_port_of_a_hidden_server(nobodys):
    server = nobodys()
    server.config.write_text(server.config.read_text().replace(
        "127.0.0.1:0", f"127.0.0.1:{server.port}"))
    found = server.as_nobody("doctor")
    assert re.search(rf"http.listen: 127.0.0.1:{server.port}: .*klikitd.*"
                     rf"\(pid {server.pid}\)", found.stdout), found.stdout
    assert "run doctor as" not in found.stdout


def in_memory(pid, words):
    """Those of the words that stand in what the process may write."""
    found = set()
    with open(f"/proc/{pid}/maps") as maps, \
            open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            first, last, mode = re.match(r"(\w+)-(\w+) (\S+)",
                                         line).groups()
            size = int(last, 16) - int(first, 16)
            # The shadow of a sanitizer is terabytes of nothing.
            if not mode.startswith("rw") or size > 1 << 30:
                continue
            memory.seek(int(first, 16))
            try:
                held = memory.read(size)
            except OSError:
                continue
            found |= {word for word in words if word in held}
    return found


@root_only
def test_what_a_reload_replaced_is_gone(klikitd, tmp_path):
    """The secret, a token in a header's file, one in the configuration and
    the secret of a handler."""
    words = [b"first-secret-of-klikit-", b"first-token-in-a-file-",
             b"first-token-in-the-line-", b"first-signing-secret-"]
    files = [tmp_path / name for name in ("secret", "token", "none", "sign")]
    server = klikitd(start=False, secret=None)

    def write(number):
        for word, file in zip(words, files):
            file.write_bytes(word.replace(b"first", number) + b"0123456789")
            file.chmod(0o600)
        server.write_config(
            f"[klikit]\nsecret_file = {files[0]}\n"
            "[handler pos]\ntype = forward\nevents = *\n"
            "url = http://127.0.0.1:1/\n"
            f"header = Authorization: @{files[1]}, X-Filler: {'x' * 200},\n"
            f"    X-Key: {files[2].name} "
            f"{words[2].replace(b'first', number).decode()}0123456789\n"
            f"sign_secret_file = {files[3]}\n")

    write(b"first")
    server.start()
    here = in_memory(server.pid, words)
    assert len(here) >= 2, here  # it can be seen at all
    write(b"other")
    server.reload()
    assert in_memory(server.pid, words) == set()


# -- Root --


@root_only
def test_root_is_warned_of_once(klikitd):
    server = klikitd()
    server.wait_log(ROOT_WARNING)
    server.reload()
    assert server.log().count(ROOT_WARNING) == 1
    assert re.search(f" warn {ROOT_WARNING}: give klikitd a user",
                     server.log())


@root_only
def test_another_user_is_not_warned(nobodys):
    server = nobodys()
    server.stop()
    assert ROOT_WARNING not in server.log()


def test_dev_does_not_warn(klikitd):
    server = klikitd(verb="dev")
    server.stop()
    assert ROOT_WARNING not in server.log()


@root_only
def test_root_of_a_container_with_other_ids_is_not_warned(nobodys):
    """Outside it is an ordinary user."""
    inner = ["unshare", "--user", "--map-root-user"]
    if subprocess.run([*AS_NOBODY, *inner, "true"],
                      capture_output=True).returncode != 0:
        pytest.skip("nobody may make no user namespace here")
    server = nobodys(inner=inner)
    assert "Uid:\t65534" in pathlib.Path(
        f"/proc/{server.pid}/status").read_text()
    server.stop()
    assert ROOT_WARNING not in server.log()
