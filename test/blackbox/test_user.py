"""Started as root, klikitd becomes another user."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

import pytest

from conftest import BINARY, DEADLINE, SECRET, payload, run
from root import needs_root
from unpacked import NOBODY

pytestmark = [needs_root, pytest.mark.sqlite("the user's own file")]
BODY = payload("created-small.json")
USER = "[process]\nuser = nobody\n"


@pytest.fixture
def home():
    """A folder that the user can reach, with one of its own for the store."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="klikitd-user-"))
    folder.chmod(0o755)
    (folder / "state").mkdir(mode=0o700)
    os.chown(folder / "state", NOBODY, NOBODY)
    (folder / "secret").write_bytes(SECRET)
    (folder / "secret").chmod(0o600)
    yield folder
    shutil.rmtree(folder)


def configured(home, extra=""):
    return (f"[http]\nlisten = 127.0.0.1:0\n[klikit]\n"
            f"secret_file = {home}/secret\n[store]\n"
            f"url = sqlite:{home}/state/klikitd.db\n{USER}{extra}")


def served(klikitd, home, extra="", **options):
    return klikitd(directory=home, secret=None, config=configured(home, extra),
                   database="state/klikitd.db", **options)


def status(pid, field):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return re.search(rf"^{field}:\s*(.*)$", text, re.MULTILINE)[1].split()


def test_it_is_the_user_for_good_and_in_all_threads(klikitd, home):
    server = served(klikitd, home)
    server.expect("cannot be read by nobody")
    server.secret = SECRET
    assert "root no longer: the user is nobody from now on" in server.log()
    assert "running as root" not in server.log()
    for task in pathlib.Path(f"/proc/{server.pid}/task").iterdir():
        assert status(task.name, "Uid") == [str(NOBODY)] * 4
        assert status(task.name, "Gid") == [str(NOBODY)] * 4
        assert status(task.name, "CapEff") == ["0" * 16]
        assert status(task.name, "CapPrm") == ["0" * 16]
    assert status(server.pid, "Groups") == [str(NOBODY)]
    assert server.deliver(BODY)[0] == 200
    owners = {(path.name, path.stat().st_uid)
              for path in (home / "state").iterdir()}
    assert owners and {uid for _, uid in owners} == {NOBODY}


def test_a_port_of_root_and_a_secret_of_root_are_had_before(klikitd, home):
    limit = pathlib.Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
    if int(limit.read_text()) == 0:
        pytest.skip("every port is for everybody here")
    server = klikitd(directory=home, secret=None, database="state/klikitd.db",
                     config=configured(home).replace(":0\n", ":781\n", 1))
    server.expect("cannot be read by nobody")
    server.secret = SECRET
    assert server.url == "http://127.0.0.1:781"
    assert server.deliver(BODY)[0] == 200


def test_what_a_reload_cannot_read_is_said_before(klikitd, home):
    config = home / "klikitd.ini"
    config.write_text(configured(home))
    words = (f"default: {home}/secret cannot be read by nobody: it is at the "
             "start, as root, but a HUP will be refused")
    done = run("check-config", "-c", config)
    assert done.returncode == 0
    assert f"warning: {words}" in done.stderr.decode()
    assert words in run("doctor", "-c", config).stdout.decode()
    server = served(klikitd, home)
    server.expect("cannot be read by nobody", "reload: ")
    os.kill(server.pid, signal.SIGHUP)
    server.wait_log("reload: refused")
    (home / "secret").chmod(0o644)
    server.reload()


def test_a_store_of_root_is_refused_before_it_starts(home):
    config = home / "klikitd.ini"
    config.write_text(configured(home))
    os.chown(home / "state", 0, 0)
    for verb in ("check-config", "serve"):
        done = subprocess.run([BINARY, verb, "-c", config], cwd=home,
                              capture_output=True, text=True, timeout=DEADLINE,
                              env={**os.environ,
                                   "KLIKITD_ADMIN_LISTEN": "127.0.0.1:0"})
        assert done.returncode == 1
        assert "Permission denied" in done.stderr, done.stderr


@pytest.mark.parametrize("user, words", [
    ("no-such-user", "no such user in /etc/passwd"),
    ("root", "has the power of root")])
def test_a_user_that_cannot_be_is_refused(home, user, words):
    config = home / "klikitd.ini"
    config.write_text(configured(home).replace("nobody", user))
    done = run("check-config", "-c", config)
    assert done.returncode == 1
    assert f"process.user: {user}: {words}" in done.stderr.decode()


def test_not_as_root_it_means_nothing(klikitd, home):
    (home / "secret").chmod(0o644)
    server = klikitd(
        directory=home, secret=None, config=configured(home), start=False,
        database="state/klikitd.db",
        wrapper=["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}",
                 "--clear-groups", "--"])
    server.start()
    server.secret = SECRET
    assert server.deliver(BODY)[0] == 200
    assert "root no longer" not in server.log()
