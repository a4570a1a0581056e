"""What is installed beside the program: man pages, completion, unit, package.

The packages themselves are made and tried by test/package/."""

import json
import pathlib
import re
import subprocess
import sys

import pytest

from conftest import BINARY, ROOT, run

DEBIAN = ROOT / "debian"
FLAG = re.compile(r"^  (--[a-z][\w.-]*)", re.M)


def printed(*args):
    done = run(*args)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


def page(name):
    """A man page as a reader sees it, with one blank between words."""
    roff = printed("manual", name)
    shown = subprocess.run(["groff", "-man", "-Tascii", "-P-c", "-P-b", "-P-u",
                            "-ww"], input=roff, capture_output=True, text=True)
    assert (shown.returncode, shown.stderr) == (0, "")
    return re.sub(r"\s+", " ", shown.stdout)


def verbs():
    return re.findall(r"^  ([a-z-]+) ", printed("help"), re.M)


def test_the_page_of_klikitd_has_every_verb_and_flag():
    text = page("klikitd")
    for verb in verbs():
        assert f" klikitd {verb} " in text, verb
        own = text[text.index(f" klikitd {verb} "):]
        flags = printed("help", verb).split("\nEvery key")[0]
        for flag in FLAG.findall(flags):
            assert f"{flag} " in own, (verb, flag)


def test_the_page_of_the_configuration_has_every_key():
    text = page("klikitd.ini")
    example = (ROOT / "config.example.ini").read_text()
    section = ""
    for line in example.splitlines():
        if found := re.match(r";?\[(\w+)", line):
            section = found[1]
            assert f"[{section}" in text, line
        if found := re.match(r";(\w+) =", line):
            assert f" {found[1]} " in text, (section, line)
    for flag in FLAG.findall(printed("help", "config")):
        assert f"[{flag[2:].split('.')[0]}]" in text, flag
        assert f" {flag.split('.')[1]} " in text, flag


def test_there_is_no_other_page():
    done = run("manual", "nginx")
    assert done.returncode == 2
    assert b'there is no page "nginx"' in done.stderr


@pytest.fixture
def complete(tmp_path):
    script = tmp_path / "klikitd"
    script.write_text(printed("manual", "bash"))

    def ask(*words):
        """What bash offers for the last of the words."""
        done = subprocess.run(
            ["bash", "-euc", '. "$1"; shift; COMP_WORDS=("$@")\n'
             'COMP_CWORD=$(($# - 1)); _klikitd\n'
             'printf "%s\\n" "${COMPREPLY[@]}"; complete -p klikitd >&2',
             "bash", script, "klikitd", *words], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "-F _klikitd klikitd" in done.stderr
        return done.stdout.split()

    return ask


def test_bash_completes_verbs_and_flags(complete):
    assert complete("") == verbs()
    assert complete("rep") == ["replay"]
    assert complete("events", "--bra") == ["--brand", "--branch"]
    assert "--count" in complete("trigger", "--")
    assert complete("help", "hand") == ["handlers", "handler"]
    assert complete("help", "conf") == ["config"]


def test_bash_completes_keys_once_a_letter_is_there(complete):
    assert not any("." in flag for flag in complete("serve", "--"))
    assert "--http.listen" in complete("serve", "--h")
    assert complete("sink", "--http") == []


def test_bash_leaves_files_to_the_shell(complete):
    assert complete("serve", "-c", "/et") == []


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_have_every_verb_and_flag(shell):
    text = printed("manual", shell)
    for verb in verbs():
        own = printed("help", verb).split("\nEvery key")[0]
        flags = [flag[2:] for flag in FLAG.findall(own)]
        if shell == "zsh":
            part = re.search(rf"^\t{verb}\)\n(.*?)^\t\t;;", text, re.M | re.S)
            assert all(f" '--{flag}:" in part[1] for flag in flags), verb
            assert f" '{verb}:" in text
            assert "$_klikitd_keys" in part[1] or "--config" not in own
        else:
            assert f"-n __fish_use_subcommand -a {verb} -d '" in text
            for flag in flags:
                assert re.search(rf"seen_subcommand_from {verb}' -l {flag} ",
                                 text), (verb, flag)
    assert " --http.listen " in text


def test_what_was_built_is_what_the_program_prints():
    """A page that is older than the tables is no page of theirs."""
    folder = pathlib.Path(BINARY).parent
    names = {"klikitd": "klikitd.8", "klikitd.ini": "klikitd.ini.5",
             "bash": "klikitd.bash", "zsh": "_klikitd",
             "fish": "klikitd.fish"}
    if not (folder / "klikitd.bash").exists():
        pytest.skip("this binary is not where it was built")
    for page_name, file_name in names.items():
        assert (folder / file_name).read_text() == printed(
            "manual", page_name), file_name


def test_the_package_has_the_version_of_the_sources():
    version = re.search(r"^  version: '([^']+)'",
                        (ROOT / "meson.build").read_text(), re.M)[1]
    first = (DEBIAN / "changelog").read_text().splitlines()[0]
    assert re.match(rf"klikitd \({re.escape(version)}-\d+\) ", first), first


def shell_list(name):
    """A list of packages in the script `run`."""
    text = (ROOT / "run").read_text()
    return re.search(rf"^{name}='([^']+)'", text, re.M)[1].split()


def test_the_package_is_built_with_what_run_installs():
    control = (DEBIAN / "control").read_text()
    listed = re.search(r"^Build-Depends:((?:.*\n )*.*)", control, re.M)[1]
    wanted = {word.strip().split()[0] for word in listed.split(",")}
    # A compiler is there wherever Debian packages are built.
    run_has = set(shell_list("BUILD_PACKAGES")) - {"gcc", "libc6-dev"}
    assert wanted == run_has | {"libpq-dev", "debhelper-compat"}
    assert {"debhelper", "libpq-dev"} <= set(shell_list("DEB_PACKAGES"))


def test_the_static_programs_are_linked_with_the_same_libraries():
    """But for PostgreSQL's, and with what SQLite's archive asks for."""
    text = (DEBIAN / "tools/cross.py").read_text()
    archives = re.search(r"^ARCHIVES = \(([^)]*)\)", text, re.M)[1]
    libraries = {name for name in shell_list("BUILD_PACKAGES")
                 if re.fullmatch(r"lib.*-dev", name)} - {"libc6-dev"}
    assert set(re.findall(r'"([^"]+)"', archives)) == libraries | {"zlib1g-dev"}


def installed():
    """What `meson install` of this build puts where, without a prefix."""
    build = pathlib.Path(BINARY).resolve().parent
    asked = subprocess.run(["meson", "introspect", "--installed",
                            "--buildoptions", "-f", build],
                           capture_output=True, text=True)
    if asked.returncode != 0:
        pytest.skip("this binary is not where it was built")
    told = json.loads(asked.stdout)
    prefix = next(option["value"] for option in told["buildoptions"]
                  if option["name"] == "prefix")
    return {str(pathlib.Path(place).relative_to(prefix))
            for place in told["installed"].values()}


def test_meson_installs_where_the_fhs_says():
    assert installed() == {
        "bin/klikitd",
        "lib/systemd/system/klikitd.service",
        "lib/systemd/system/klikitd.socket",
        "share/bash-completion/completions/klikitd.bash",
        "share/doc/klikitd",  # the guides
        "share/doc/klikitd/CHANGELOG.md",
        "share/doc/klikitd/README.md",
        "share/doc/klikitd/examples/alerts.yml",
        "share/doc/klikitd/examples/dashboard.json",
        "share/doc/klikitd/examples/klikitd.ini",
        "share/fish/vendor_completions.d/klikitd.fish",
        "share/man/man5/klikitd.ini.5",
        "share/man/man8/klikitd.8",
        "share/zsh/vendor-completions/_klikitd",
    }


def test_the_unit_finds_what_the_package_installs():
    unit = (DEBIAN / "klikitd.service").read_text()
    start = re.search(r"^ExecStart=(\S+) serve -c (\S+)$", unit, re.M)
    assert start[1] == "/usr/bin/klikitd"
    folder, name = start[2].rsplit("/", 1)
    assert f"debian/{name} {folder[1:]}" in (
        DEBIAN / "klikitd.install").read_text()
    user = re.search(r"^User=(\w+)$", unit, re.M)[1]
    state = re.search(r"^StateDirectory=(\w+)$", unit, re.M)[1]
    postinst = (DEBIAN / "klikitd.postinst").read_text()
    assert re.search(rf"adduser --system(.|\\\n)*? {user}\n", postinst)
    assert (DEBIAN / "klikitd.dirs").read_text() == f"var/lib/{state}\n"


def test_the_configuration_of_the_package_is_right(tmp_path):
    """It names files that are there, and sets nothing by itself."""
    text = (DEBIAN / "klikitd.ini").read_text()
    assert all(line.startswith(";") for line in text.splitlines())
    done = run("check-config", "-c", DEBIAN / "klikitd.ini", env={
        "KLIKIT_WEBHOOK_SECRET": "s" * 32,
        "KLIKITD_STORE_URL": f"sqlite:{tmp_path}/klikitd.db"})
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["klikitd.postinst", "klikitd.postrm"])
def test_scripts_of_the_package_are_right_shell(name):
    done = subprocess.run(["sh", "-n", DEBIAN / name])
    assert done.returncode == 0
    assert "\n#DEBHELPER#\n" in (DEBIAN / name).read_text()


def test_what_cannot_be_packaged_is_refused():
    done = subprocess.run([ROOT / "debian/tools/package.py", "rpm"],
                          capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.endswith("there is no rpm\n")


def test_sources_are_found_without_git(tmp_path):
    """As in a copy of the tree: neither builds nor what tests leave."""
    sys.path.insert(0, str(DEBIAN / "tools"))
    import sources
    for name in ("meson.build", ".clang-format", "server/a.c", "server/build.h",
                 "build-x/a.o", ".klikitd/dev.db", "test/__pycache__/a.pyc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert sorted(sources.names(tmp_path)) == [
        ".clang-format", "meson.build", "server/a.c", "server/build.h"]


def test_the_linkers_map_tells_what_is_linked(tmp_path):
    """Of the archives those of which something was taken, and no other."""
    sys.path.insert(0, str(DEBIAN / "tools"))
    import static
    folder = "/usr/lib/x86_64-linux-gnu"
    if not pathlib.Path(f"{folder}/libjansson.a").exists():
        pytest.skip("this machine has other archives")
    told = tmp_path / "klikitd.map"
    told.write_text("Archive member included to satisfy reference by file\n\n"
                    f"{folder}/libjansson.a(dump.o)\n"
                    "                              x.o (json_dumps)\n"
                    "\nDiscarded input sections\n\n"
                    f" .text  0x0 0x0 {folder}/libc.a(x.o)\n")
    found = static.linked(told, static.NATIVE)
    assert [one["package"] for one in found] == ["libjansson-dev"]
    assert found[0]["source"] == "jansson"
    assert found[0]["version"].startswith("2.")
