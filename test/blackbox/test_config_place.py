"""Which configuration is read where -c names none."""

import os
import subprocess

import pytest

from conftest import BINARY
from root import SUDO, needs_mounts

pytestmark = pytest.mark.once

DEFAULT = "/etc/klikitd/klikitd.ini"


def config(path):
    """A configuration that says which one it is."""
    path.write_text(f"[store]\nurl = sqlite:{path}.db\n")
    return path


def verb(*args, env=None, wrapper=()):
    base = {k: v for k, v in os.environ.items() if not k.startswith("KLIKIT")}
    return subprocess.run([*wrapper, BINARY, *args],
                          env={**base, "KLIKIT_WEBHOOK_SECRET": "x" * 20,
                               **env},
                          capture_output=True, text=True)


def installed(path):
    """A machine whose default configuration is that file."""
    return [*SUDO, *(["env", "KLIKIT_WEBHOOK_SECRET=" + "x" * 20] if SUDO
                     else []), "unshare", "--mount", "sh", "-ec",
            "mount -t tmpfs none /etc; mkdir /etc/klikitd\n"
            f'cp "$1" {DEFAULT}; shift; exec "$@"', "sh", str(path)]


def test_the_variable_names_it_and_a_flag_wins(tmp_path):
    first, second = config(tmp_path / "a.ini"), config(tmp_path / "b.ini")
    done = verb("events", env={"KLIKITD_CONFIG": str(first)})
    assert f"configuration: {first}\n" in done.stderr
    assert f"{first}.db" in done.stderr
    done = verb("events", "-c", str(second),
                env={"KLIKITD_CONFIG": str(first)})
    assert "configuration:" not in done.stderr
    assert f"{second}.db" in done.stderr and str(first) not in done.stderr


def test_one_that_is_not_there_is_an_error(tmp_path):
    done = verb("events", env={"KLIKITD_CONFIG": str(tmp_path / "none")})
    assert done.returncode == 1
    assert f"{tmp_path}/none: cannot be read: No such file" in done.stderr


def test_the_server_and_its_doctor_say_which_it_is(tmp_path):
    path = config(tmp_path / "a.ini")
    env = {"KLIKITD_CONFIG": str(path), "KLIKITD_HTTP_LISTEN": "nowhere"}
    for name in ("check-config", "serve", "doctor"):
        assert str(path) in verb(name, env=env).stderr, name
    found = verb("doctor", env={"KLIKITD_CONFIG": str(path)}).stdout
    assert str(path) in found.splitlines()[0]


def test_what_only_tries_things_out_takes_no_file_unasked(tmp_path):
    path = tmp_path / "a.ini"
    path.write_text("[wrong]\n")
    for args in (["trigger", "created", "--print"],
                 ["events", "--dev"]):
        done = verb(*args, env={"KLIKITD_CONFIG": str(path)})
        assert str(path) not in done.stderr, args
    assert str(path) in verb("sign", "/dev/null",
                             env={"KLIKITD_CONFIG": str(path)}).stderr


@needs_mounts
def test_the_default_place(tmp_path):
    path = config(tmp_path / "a.ini")
    wrapper = installed(path)
    done = verb("events", env={}, wrapper=wrapper)
    assert f"configuration: {DEFAULT}\n" in done.stderr
    assert f"{path}.db" in done.stderr
    # An empty variable is none, one that names a file wins.
    done = verb("events", env={"KLIKITD_CONFIG": ""}, wrapper=wrapper)
    assert DEFAULT not in done.stderr
    other = config(tmp_path / "b.ini")
    done = verb("events", env={"KLIKITD_CONFIG": str(other)}, wrapper=wrapper)
    assert DEFAULT not in done.stderr and f"{other}.db" in done.stderr
    path.write_text("[wrong]\n")
    assert DEFAULT not in verb("trigger", "created", "--print", env={},
                               wrapper=wrapper).stderr
