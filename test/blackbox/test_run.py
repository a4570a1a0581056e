"""The script `run` and the checks of what it installs."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test"))

import check_engines  # noqa: E402

NOBODY = 65534


@pytest.mark.parametrize("engines, allowed", [
    ("", True), ("*", True), (">=18", True), (">= 16.1", True),
    (">18", False), (">=20", False), (">=18.21", False),
    ("20.x || 22.x", False), ("^18.0.0 || >=20", True), ("^16", False),
    ("~18.20", True), ("18", True), ("18.x", True), ("14 - 18", True),
    (">=12 <20", True), ("<18", False), ("<=18", True), ("v18.20.4", True),
])
def test_engines_are_held_against_debians_node(engines, allowed):
    assert check_engines.allows(engines) is allowed


def test_a_package_that_wants_a_newer_node_is_named(tmp_path):
    for name, engines in ("good", ">=18"), ("new", ">=22"):
        folder = tmp_path / "node_modules" / name
        folder.mkdir(parents=True)
        (folder / "package.json").write_text(
            f'{{"name": "{name}", "version": "1.2.3",'
            f' "engines": {{"node": "{engines}"}}}}')
    done = subprocess.run([ROOT / "test" / "check_engines.py", tmp_path],
                          capture_output=True, text=True)
    assert done.returncode == 1
    assert "new 1.2.3 wants Node >=22" in done.stderr
    assert "good" not in done.stderr


@pytest.fixture
def bare(tmp_path):
    """`run` in a folder of its own, with commands that the test writes."""
    commands = tmp_path / "bin"
    commands.mkdir()
    for name in ("sh", "dirname", "id", "grep", "awk", "cat", "find", "head",
                 "mkdir", "mv", "rm", "chmod", "uname", "xargs", "sed"):
        (commands / name).symlink_to(shutil.which(name))
    shutil.copy(ROOT / "run", tmp_path)
    os.chmod(tmp_path, 0o755)

    def command(name, text):
        (commands / name).write_text("#!/bin/sh\n" + text)
        (commands / name).chmod(0o755)

    def start(*args, **options):
        return subprocess.run([tmp_path / "run", *args], text=True,
                              capture_output=True, timeout=60,
                              env={"PATH": str(commands)}, **options)

    start.command = command
    start.folder = tmp_path
    return start


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user: root")
def test_without_root_or_sudo_it_names_the_whole_set_of_commands(bare):
    bare.command("dpkg-query", "exit 1\n")
    parents = [p for p in bare.folder.parents if not os.stat(p).st_mode & 1]
    for folder in parents:
        if folder != pathlib.Path("/"):
            os.chmod(folder, os.stat(folder).st_mode | 0o711)
    done = bare(user=NOBODY, group=NOBODY)
    assert done.returncode == 1
    lines = [line.strip() for line in done.stderr.splitlines()]
    assert "apt-get update" in lines
    install = next(line for line in lines if "install" in line)
    for package in ("gcc", "meson", "libevent-dev", "libsqlite3-dev"):
        assert f" {package}" in install


LEAVE_BEHIND = """
import subprocess, sys
sys.path.insert(0, "test")
import run_suites
run_suites.GRACE_S = 0.2
run_suites.adopt_orphans()
subprocess.run(["sh", "-c", "sleep 86 & sleep 87 & sleep 0.01 &"])
print(run_suites.end_left_behind())
print(run_suites.end_left_behind())
"""


def test_processes_that_a_suite_leaves_are_named_and_ended():
    done = subprocess.run([sys.executable, "-c", LEAVE_BEHIND], cwd=ROOT,
                          capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[-2:] == [f"Count(passed=0, failed={count}, skipped=0)"
                          for count in (2, 0)]
    assert sum("sleep 86" in line for line in lines) == 1
    assert sum("sleep 87" in line for line in lines) == 1


@pytest.mark.long
def test_long_tests_are_left_out_unless_asked_for():
    """Their short version: the test below, which asks pytest."""


def test_the_ordinary_suite_leaves_long_tests_out():
    def collected(*options):
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "--collect-only", "-p",
             "no:cacheprovider", *options, __file__],
            capture_output=True, text=True, timeout=60)
        return "test_long_tests_are_left_out" in done.stdout

    assert not collected()
    assert collected("-m", "long")


# A package "tool" with a program of that name, as apt-get and dpkg-deb see it.
APT_GET = """
echo "$*" >>"$0.log"
case $* in
*--print-uris*) echo "'http://x/tool.deb' tool_1%3a2_all.deb 2500000 MD5Sum:" ;;
download*) : >tool.deb ;;
esac
"""
DPKG_DEB = """
mkdir -p "$3/usr/bin"
printf '#!/bin/sh\\necho "tool in $LD_LIBRARY_PATH"\\n' >"$3/usr/bin/tool"
chmod +x "$3/usr/bin/tool"
"""


def functions_only(run):
    """The script without its last part, which acts."""
    return run.read_text().split("\ncase ${1:-} in")[0]


def test_a_tool_is_unpacked_and_never_installed(bare):
    bare.command("apt-get", APT_GET)
    bare.command("dpkg-deb", DPKG_DEB)
    (bare.folder / "run").write_text(
        functions_only(bare.folder / "run") + "\ntools tool:tool\ntool\n")
    first, again = bare(), bare()
    assert first.returncode == again.returncode == 0, first.stderr
    assert "unpacking tool into build-tools/tool" in first.stderr
    assert "1 packages, 2.5 MB" in first.stderr
    assert "tool in" in first.stdout and "build-tools/tool" in first.stdout
    assert again.stdout == first.stdout and again.stderr == ""
    log = (bare.folder / "bin" / "apt-get.log").read_text().splitlines()
    assert len(log) == 2
    assert all("--print-uris" in line or line.startswith("download")
               for line in log)
    assert log[1].endswith("tool=1:2")


def test_a_tool_that_cannot_be_had_leaves_nothing_behind(bare):
    bare.command("apt-get", "exit 100\n")
    (bare.folder / "run").write_text(
        functions_only(bare.folder / "run") + "\ntools tool:tool\n")
    done = bare()
    assert done.returncode == 1
    assert "apt-get does not find it" in done.stderr
    assert sorted(p.name for p in (bare.folder / "build-tools").iterdir()) == [
        "bin"]
