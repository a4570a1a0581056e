"""What zsh and fish complete, in these shells: as they come from Debian,
unpacked beside the tests."""

import os
import subprocess

import pytest

from conftest import DEADLINE
from terminals import Terminal
from test_packaging import printed
from unpacked import program

pytestmark = pytest.mark.once


def root(shell):
    """Where what it brings along lies."""
    found = program(shell)
    unpacked = found.parent.parent / shell / "root"
    return unpacked if unpacked.exists() else "/"


def test_fish_completes(tmp_path):
    (tmp_path / "klikitd.fish").write_text(printed("manual", "fish"))

    def complete(line):
        done = subprocess.run(
            [program("fish"), "--no-config", "-c",
             f"set -g fish_function_path {root('fish')}/usr/share/fish/"
             "functions; source klikitd.fish; complete -C $argv", line],
            cwd=tmp_path, env={"PATH": os.environ["PATH"],
                               "HOME": str(tmp_path)},
            capture_output=True, text=True, timeout=DEADLINE)
        assert done.returncode == 0 and done.stderr == "", done
        return [word.split("\t")[0] for word in done.stdout.splitlines()]

    assert complete("klikitd rep") == ["replay"]
    assert complete("klikitd events --bra") == ["--branch", "--brand"]
    assert complete("klikitd help conf") == ["config"]
    assert not any("." in flag for flag in complete("klikitd serve --"))
    assert complete("klikitd serve --http.l") == ["--http.listen"]
    assert complete("klikitd sink --http") == []


def test_zsh_completes(tmp_path):
    (tmp_path / "_klikitd").write_text(printed("manual", "zsh"))
    where = root("zsh")
    (tmp_path / ".zshenv").write_text(
        f"module_path=({where}/usr/lib/*/zsh/<->.*(/))\n"
        f"fpath=({tmp_path} {where}/usr/share/zsh/functions/**/*(/)"
        f" {where}/usr/share/zsh/functions)\n")
    (tmp_path / ".zshrc").write_text(
        "PS1='> '\nunsetopt beep\nautoload -U compinit\ncompinit -u -D\n"
        "echo rea''dy\n")
    shell = Terminal([program("zsh"), "-i"], 100, {
        "HOME": str(tmp_path), "ZDOTDIR": str(tmp_path), "TERM": "dumb",
        "PATH": os.environ["PATH"]}, cwd=tmp_path)
    try:
        shell.wait_for("ready")
        shell.type("klikitd rep\t")
        shell.wait_for("replay ")
        shell.type("\x15klikitd events --bran\t\t")
        shell.wait_for(r"--branch +-- only of this branch")
        shell.wait_for(r"--brand +-- only of this brand")
        shell.type("\x15klikitd serve --http.l\t")
        shell.wait_for(r"--http.listen ")
    finally:
        shell.close()
