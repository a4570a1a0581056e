"""The guides in server/docs/ are followed, and what they name is there."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from conftest import BINARY, ROOT

sys.path.insert(0, str(ROOT / "test"))

import run_suites  # noqa: E402

pytestmark = pytest.mark.once

GUIDES = sorted((ROOT / "server" / "docs").glob("*.md"))
DOCUMENTS = GUIDES + [ROOT / "README.md", *sorted(ROOT.glob("*/DESIGN.md")),
                      *sorted(ROOT.glob("*/*/DESIGN.md")),
                      ROOT / "test" / "bench" / "README.md"]
# What a step of a guide does with the block that follows it.
STEP = re.compile(r"""
    Make\s`(?P<new>[^`]+)`
    | At\sthe\send\sof\s`(?P<longer>[^`]+)`
    | In\s`(?P<file>[^`]+)`,\s(?P<how>below|in\splace\sof)\s`(?P<line>[^`]+)`
    """, re.VERBOSE)
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
# A file of the tree as a text names it, without patterns such as <room>.
PATH = re.compile(r"`((?:server|store|handlers|test)/[\w./-]+\.\w+)`")


def own_files(folder, names):
    """shutil.copytree: neither builds nor what git and npm keep."""
    return [name for name in names
            if re.match(r"\.git$|build|node_modules$|__pycache__$|\.klikitd$",
                        name)]


@pytest.fixture
def copy(tmp_path):
    """The tree and its build, in a folder of their own."""
    build = pathlib.Path(BINARY).resolve().parent
    listed = subprocess.run(["meson", "introspect", "--tests", build],
                            capture_output=True, text=True)
    if listed.returncode != 0 or not json.loads(listed.stdout):
        pytest.skip("this binary was built without the tests")
    tree = tmp_path / "tree"
    # With their times, so that only what changes is compiled again.
    shutil.copytree(ROOT, tree, ignore=own_files, symlinks=True)
    shutil.copytree(build, tree / "build-test", symlinks=True,
                    ignore=shutil.ignore_patterns("meson-logs", "pytest.xml"))
    done = subprocess.run(["meson", "setup", "--reconfigure", "build-test",
                           "."], cwd=tree, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return tree


def steps(text):
    """Each block of a guide: its language, its text, the step before it."""
    end = 0
    for block in BLOCK.finditer(text):
        found = list(STEP.finditer(text, end, block.start()))
        yield block[1], block[2], found[-1] if found else None
        end = block.end()


def follow(tree, text):
    """Do what a guide says. Returns what its commands print."""
    commands = []
    said = ""
    for language, block, step in steps(text):
        if language == "sh":
            commands.append(block)
            # One shell for all so far would run them twice: only exports stay.
            exports = "".join(line for old in commands[:-1]
                              for line in old.splitlines(keepends=True)
                              if line.startswith("export "))
            done = subprocess.run(["sh", "-eu", "-c", exports + block],
                                  cwd=tree, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True)
            assert done.returncode == 0, f"{block}\n{done.stdout}"
            said += done.stdout
            continue
        assert step is not None, f"no step says where this goes:\n{block}"
        if step["new"]:
            path = tree / step["new"]
            assert not path.exists(), path
            path.write_text(block)
            continue
        if step["longer"]:
            path = tree / step["longer"]
            path.write_text(path.read_text() + block)
            continue
        path = tree / step["file"]
        lines = path.read_text().splitlines(keepends=True)
        at = [i for i, line in enumerate(lines)
              if line.strip() == step["line"]]
        assert len(at) == 1, f"{step['file']}: {step['line']}: {len(at)} times"
        lines[at[0] + (step["how"] == "below"):at[0] + 1] = [block]
        path.write_text("".join(lines))
    assert commands
    return said


def test_the_contributing_guide_can_be_followed(copy):
    said = follow(copy, (ROOT / "server/docs/contributing.md").read_text())
    assert "hello, world" in said
    assert "Greet somebody" in said
    assert "store_migrate" in said
    assert "handler     night: decline" in said
    assert "\n;because = closed\n" in (copy / "config.example.ini").read_text()
    # The sources that it has a reader write are formatted as all are.
    shutil.rmtree(copy / "build-test")
    done = subprocess.run([copy / "test" / "check_format.sh"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_step_that_fits_nowhere_is_an_error(tmp_path):
    (tmp_path / "a.c").write_text("one\n")
    with pytest.raises(AssertionError, match="two: 0 times"):
        follow(tmp_path, "In `a.c`, below `two`:\n\n```c\nthree\n```\n")
    with pytest.raises(AssertionError, match="exit 3"):
        follow(tmp_path, "```sh\nexit 3\n```\n")


@pytest.mark.parametrize("path", DOCUMENTS,
                         ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_document_names_is_there(path):
    """Links, their headings, files, and suites."""
    text = path.read_text()
    made = {step["new"] for step in STEP.finditer(text)}
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?:", link):
            continue
        file, _, heading = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), link
        if heading:
            known = {re.sub(r"[^\w -]", "", line.lstrip("# ")).lower()
                     .replace(" ", "-")
                     for line in target.read_text().splitlines()
                     if line.startswith("#")}
            assert heading in known, link
    for name in PATH.findall(text):
        assert name in made or (ROOT / name).exists(), name
    for suite in re.findall(r"\./run test (\w+)`", text):
        assert suite in run_suites.SUITES + run_suites.EXTRA, suite


def test_no_text_names_a_document_from_elsewhere():
    """Nobody who has this repository alone could read it."""
    elsewhere = re.compile(r"\b(?:klikit|style|performance|design)\.md\b")
    seen = 0
    for folder in "server", "store", "handlers", "test":
        for path in (ROOT / folder).rglob("*"):
            if (path.suffix not in (".c", ".h", ".md", ".py", ".sh", ".build",
                                    ".js", ".sql")
                    or "node_modules" in path.parts
                    or path == pathlib.Path(__file__)):
                continue
            seen += 1
            assert not elsewhere.search(path.read_text()), path
    assert seen > 500


def test_the_version_stands_in_one_place():
    version = re.search(r"^  version: '([\d.]+)',$",
                        (ROOT / "meson.build").read_text(), re.MULTILINE)[1]
    done = subprocess.run([BINARY, "version"], capture_output=True, text=True,
                          env={**os.environ})
    assert f"klikitd {version}\n" in done.stdout
    for name in "README.md", "server/docs/contributing.md", "run":
        assert f"klikitd {version}" not in (ROOT / name).read_text()


def test_the_guide_has_a_row_for_each_type_of_handler():
    text = subprocess.run([BINARY, "help", "handler"], capture_output=True,
                          text=True, check=True).stdout
    types = re.findall(r"^A handler of type (\w+) ", text, re.MULTILINE)
    guide = (ROOT / "server" / "docs" / "handlers.md").read_text()
    table = guide.split("| type | what it does |")[1].split("\n\n")[0]
    assert len(types) > 5
    assert set(types) <= set(re.findall(r"^\| `(\w+)` \|", table,
                                        re.MULTILINE))


# Texts that are made elsewhere as a whole: their first words are there.
WHOLE = {"X", "X: X"}


def logged():
    """The beginning of each line that the server logs, X for what is filled
    in, and its file."""
    call = re.compile(r'log_(?:info|warn|error)\(\s*'
                      r'((?:"(?:[^"\\]|\\.)*"\s*(?:PRI\w+\s*)?)+)')
    for path in sorted((ROOT / "server").rglob("*.c")):
        for text in call.findall(path.read_text()):
            text = re.sub(r'"\s*PRI\w+\s*"', "d", text)
            text = re.sub(r'"\s*"', "", text).strip().strip('"')
            yield (re.sub(r"%[-+.*0-9]*(?:ll|z|h|l)?[a-zA-Z]", "X", text),
                   str(path.relative_to(ROOT / "server")))


def test_each_line_of_the_log_is_on_the_map():
    """A stranger finds the file of a line by its first words."""
    text = (ROOT / "server/DESIGN.md").read_text()
    table = text.split("| a line begins with |")[1]
    rows = [([re.sub(r"\b[A-Z]+\b", "X", word)
              for word in re.findall(r"`([^`]+)`", words)],
             re.findall(r"`([^`]+)`", files))
            for words, files in re.findall(r"^\| (`.*?`) \| (.*) \|$", table,
                                           re.MULTILINE)]
    lines = [(line, file) for line, file in logged() if line not in WHOLE]
    assert len(lines) > 80
    missing = [(line, file) for line, file in lines if not any(
        file in files and any(line.startswith(word) for word in words)
        for words, files in rows)]
    assert missing == []
    # Nor does it name a file that logs no such line.
    for words, _ in rows:
        for word in words:
            assert any(line.startswith(word) for line, _ in lines), word
