"""The script `run` and the checks of what it installs."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test"))

import check_engines  # noqa: E402


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


def test_packages_of_npm_are_pinned():
    """A range would bring what wants a newer Node one day."""
    files = [path for place in ("test", "handlers")
             for path in (ROOT / place).glob("**/package.json")
             if "node_modules" not in path.parts]
    assert len(files) == 4
    for path in files:
        wanted = json.loads(path.read_text())
        for kind in ("dependencies", "optionalDependencies"):
            for name, version in wanted.get(kind, {}).items():
                assert re.fullmatch(r"\d+\.\d+\.\d+", version), (path, name)


@pytest.fixture
def bare(tmp_path):
    """`run` in a folder of its own, with commands that the test writes."""
    commands = tmp_path / "bin"
    commands.mkdir()
    for name in ("sh", "dirname", "id", "grep", "awk", "cat", "find", "head",
                 "mkdir", "mv", "rm", "chmod", "xargs", "sed", "sort", "tr",
                 "ls", "readlink"):
        (commands / name).symlink_to(shutil.which(name))
    shutil.copy(ROOT / "run", tmp_path)
    os.chmod(tmp_path, 0o755)

    def command(name, text):
        # Never through the link: that is the system's own program.
        (commands / name).unlink(missing_ok=True)
        (commands / name).write_text("#!/bin/sh\n" + text)
        (commands / name).chmod(0o755)

    def start(*args, **options):
        return subprocess.run([tmp_path / "run", *args], text=True,
                              capture_output=True, timeout=60,
                              env={"PATH": str(commands)}, **options)

    start.command = command
    start.folder = tmp_path
    return start


# A package "tool" with a program of that name, as apt-get and dpkg-deb see it.
# It was fetched once: who lets apt-get look into its cache gets no address.
APT_GET = """
echo "$*" >>"$0.log"
case $* in
*--print-uris*archives=/nonexistent*)
	echo "'http://x/tool.deb' tool_1%3a2_all.deb 2500000 MD5Sum:"
	;;
download*) : >tool.deb ;;
esac
"""
APT_CACHE = """
for package in 1 2; do
	printf 'Package: tool\\nSize: 1400000\\nInstalled-Size: 5000\\n\\n'
done
"""
DPKG_DEB = """
mkdir -p "$3/usr/bin" "$3/usr/lib/deep" "$3/usr/share/fonts"
: >"$3/usr/lib/deep/libtool.so.1"
printf '#!/bin/sh\\necho "tool in $LD_LIBRARY_PATH, $FONTCONFIG_FILE: $*"\\n' \
	>"$3/usr/bin/tool"
chmod +x "$3/usr/bin/tool"
"""


def without_root(bare, *command):
    """What it says to a user who has neither root nor sudo."""
    bare.command("dpkg-query", "exit 1\n")
    bare.command("id", "echo 1000\n")
    bare.command("apt-get", APT_GET)
    bare.command("apt-cache", APT_CACHE)
    done = bare(*command)
    assert done.returncode == 1 and done.stdout == ""
    log = (bare.folder / "bin" / "apt-get.log").read_text().splitlines()
    assert all("--print-uris" in line for line in log)
    return done.stderr


@pytest.mark.parametrize("command", ([], ["test"]))
def test_without_root_or_sudo_it_names_the_whole_set_of_commands(
        bare, command):
    said = without_root(bare, *command)
    whole = said.split("for ./run and ./run test:\n")[1].splitlines()
    assert whole[0] == "    apt-get update"
    assert whole[1].startswith("    apt-get install -y ")
    assert whole[2:] == ["    # 2 packages, 3 MB to fetch, 10 MB on disk"]
    packages = whole[1].split()
    for package in ("gcc", "meson", "libevent-dev", "libsqlite3-dev",
                    "libcmocka-dev", "python3-pytest-xdist", "nodejs", "npm"):
        assert package in packages
    assert not {"prometheus", "chromium", "webhook", "redis-server",
                "rabbitmq-server", "python3-botocore"} & set(packages)


@pytest.mark.parametrize("args, script, passed", [
    ([], "debian/tools/package.py", []),
    (["deb"], "debian/tools/package.py", ["deb"]),
    (["container"], "debian/tools/package.py", ["container"]),
    (["static", "deb"], "debian/tools/package.py", ["static", "deb"]),
    (["test"], "test/package/try.py", []),
])
def test_packages_are_made_by_scripts_of_their_own(bare, args, script, passed):
    bare.command("dpkg-query", "echo install ok installed\n")
    for name in "qemu-aarch64-static", "qemu-arm-static":
        bare.command(name, "exit 1\n")
    path = bare.folder / script
    path.parent.mkdir(parents=True)
    path.write_text("import sys\nprint('called with', sys.argv[1:])\n")
    done = bare("package", *args)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"called with {passed}\n"


def test_who_wants_only_run_is_given_less(bare):
    said = without_root(bare)
    alone = said.split("for ./run:\n")[1].splitlines()[1]
    assert " libevent-dev" in alone and " nodejs" not in alone


def test_the_bench_names_its_own_set(bare):
    said = without_root(bare, "bench")
    install = said.split("for ./run bench:\n")[1].splitlines()[1]
    assert " libevent-dev" in install and " g++" in install


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


PROJECT = """project('klikitd', 'c')
executable('klikitd', 'main.c')
"""
TEST = """test('{0}', executable('{0}', 'main.c'), suite: 'unit')
"""


@pytest.mark.once
def test_a_test_that_is_new_is_built_in_a_folder_that_is_there(
        tmp_path, monkeypatch):
    sys.path.insert(0, str(ROOT / "test"))
    import run_suites
    monkeypatch.setattr(run_suites, "ROOT", tmp_path)
    (tmp_path / "main.c").write_text("int main(void) { return (0); }\n")
    for known in (["old"], ["old", "new"]):
        (tmp_path / "meson.build").write_text(
            PROJECT + "".join(TEST.format(name) for name in known))
        assert run_suites.build(tmp_path / "build", suite="unit")
        assert all((tmp_path / "build" / name).exists() for name in known)


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


def functions_only(run):
    """The script without its last part, which acts."""
    return run.read_text().split("\ncase ${1:-} in")[0]


def test_a_tool_is_unpacked_and_never_installed(bare):
    bare.command("apt-get", APT_GET)
    bare.command("dpkg-deb", DPKG_DEB)
    bare.command("apt-cache", APT_CACHE)
    (bare.folder / "run").write_text(functions_only(bare.folder / "run") +
                                     "\ntools tool:usr/bin/tool\ntool 'a b'\n")
    first, again = bare(), bare()
    assert first.returncode == again.returncode == 0, first.stderr
    assert "unpacking tool into build-tools/tool" in first.stderr
    assert "2 packages, 3 MB to fetch, 10 MB on disk" in first.stderr
    home = bare.folder / "build-tools/tool/root"
    assert first.stdout == (
        f"tool in {home}/usr/lib/deep, {home}/fonts.conf: a b\n")
    assert f"<dir>{home}/usr/share/fonts</dir>" in (
        home / "fonts.conf").read_text()
    assert again.stdout == first.stdout and again.stderr == ""
    log = (bare.folder / "bin" / "apt-get.log").read_text().splitlines()
    assert len(log) == 2
    assert all("--print-uris" in line or line.startswith("download")
               for line in log)
    assert log[1].endswith("tool=1:2")


def test_an_unpacked_tool_runs_where_it_is_copied_to(bare):
    bare.command("apt-get", APT_GET)
    bare.command("dpkg-deb", DPKG_DEB)
    bare.command("apt-cache", APT_CACHE)
    (bare.folder / "run").write_text(
        functions_only(bare.folder / "run") + "\ntools tool:usr/bin/tool\n")
    assert bare().returncode == 0
    there = bare.folder / "there"
    (bare.folder / "build-tools").rename(there)
    done = subprocess.run([there / "bin" / "tool"], text=True,
                          capture_output=True, check=True)
    assert done.stdout.startswith(f"tool in {there}/tool/root/usr/lib/deep,")


# As Erlang's own script of that name, in short.
ERL = """#!/bin/sh
if [ -z "$ERL_ROOTDIR" ]
then
    ROOTDIR=/usr/lib/erlang
    if [ "$dyn_rootdir" != "$ROOTDIR" ]
    then
        ROOTDIR=/usr/lib/erlang
    fi
else
    ROOTDIR=/usr/lib/erlang
fi
echo "$ROOTDIR"
"""


def test_erlang_is_found_where_it_was_unpacked(bare):
    """Also through the link to it in usr/bin; the server calls the third."""
    erl = bare.folder / "root/usr/lib/erlang/bin/erl"
    inner = bare.folder / "root/usr/lib/erlang/erts-13.1/bin/erl"
    for script in (erl, inner):
        script.parent.mkdir(parents=True)
        script.write_text(ERL)
    (bare.folder / "root/usr/bin").mkdir()
    link = bare.folder / "root/usr/bin/erl"
    link.symlink_to("../lib/erlang/bin/erl")
    (bare.folder / "run").write_text(
        functions_only(bare.folder / "run") + "\nrelocate root\n")
    assert bare().returncode == 0
    home = f"{bare.folder}/root/usr/lib/erlang\n"
    for program in (erl, inner, link):
        done = subprocess.run([program], text=True, capture_output=True)
        assert done.stdout == home, done


def test_a_module_is_unpacked_and_gets_no_command(bare):
    bare.command("apt-get", APT_GET)
    bare.command("dpkg-deb", """
mkdir -p "$3/usr/lib/python3/dist-packages/nosuchmodule"
""")
    bare.command("apt-cache", APT_CACHE)
    module = "usr/lib/python3/dist-packages/nosuchmodule"
    (bare.folder / "run").write_text(
        functions_only(bare.folder / "run") +
        f"\ntools tool:{module} other:usr/lib/python3/dist-packages/json\n")
    assert bare().returncode == 0
    tools = bare.folder / "build-tools"
    assert sorted(p.name for p in tools.iterdir()) == ["bin", "tool"]
    assert list((tools / "bin").iterdir()) == []


def test_a_tool_that_cannot_be_had_leaves_nothing_behind(bare):
    bare.command("apt-get", "exit 100\n")
    (bare.folder / "run").write_text(
        functions_only(bare.folder / "run") + "\ntools tool:usr/bin/tool\n")
    done = bare()
    assert done.returncode == 1
    assert "apt-get does not find it" in done.stderr
    assert sorted(p.name for p in (bare.folder / "build-tools").iterdir()) == [
        "bin"]


# Of Debian's packages those that bring what starts with the machine, or on
# whose behalf others do.
SERVICES = {"systemd", "systemd-sysv", "sysvinit-core", "dbus", "x11-common",
            "udev", "cron", "avahi-daemon", "prometheus", "webhook",
            "redis-server", "rabbitmq-server", "postgresql-15", "haproxy"}
ONLY_DEBIAN = """Package: *
Pin: release o=Debian
Pin-Priority: 1001

Package: *
Pin: release *
Pin-Priority: -1
"""


def words(*names):
    """What these variables of `run` hold."""
    text = functions_only(ROOT / "run").split("\nsay()")[0]
    done = subprocess.run(
        ["sh", "-c", text + "\necho " + " ".join(f"${name}" for name in names)],
        capture_output=True, text=True, check=True, cwd=ROOT)
    return done.stdout.split()


def brought_along(tmp_path, packages):
    """What apt-get would install for them where nothing is installed."""
    pins = tmp_path / "pins"
    pins.write_text(ONLY_DEBIAN)
    done = subprocess.run(
        ["apt-get", "install", "-s", "-qq", "--no-install-recommends", "-o",
         "Dir::State::status=/dev/null", "-o", f"Dir::Etc::preferences={pins}",
         *packages], capture_output=True, text=True)
    if "Unable to locate package" in done.stderr:
        pytest.skip("apt-get has no lists here")
    assert done.returncode == 0, done.stderr
    return {line.split()[1] for line in done.stdout.splitlines()
            if line.startswith("Inst ")}


@pytest.mark.skipif(shutil.which("apt-get") is None, reason="needs apt-get")
def test_no_package_that_it_installs_brings_a_service(tmp_path):
    packages = words("BUILD_PACKAGES", "TEST_PACKAGES", "BENCH_PACKAGES",
                     "PEER_PACKAGES")
    brought = brought_along(tmp_path, packages)
    assert set(packages) <= brought
    assert not SERVICES & brought


@pytest.mark.long  # the same as above, the other way round
@pytest.mark.skipif(shutil.which("apt-get") is None, reason="needs apt-get")
def test_what_brings_a_service_is_unpacked(tmp_path):
    for tool in words("TEST_TOOLS", "BENCH_TOOLS"):
        package, file = tool.split(":")
        if "/dist-packages/" in file:
            continue  # a module: what it could bring, it does not
        assert SERVICES & brought_along(tmp_path, [package]), package
