"""What the guides in server/docs/ say is so: the words of the log that they
quote, the metrics, verbs, flags and keys that they name."""

import re
import subprocess

import pytest

from conftest import BINARY, ROOT

pytestmark = pytest.mark.once

DOCS = ROOT / "server" / "docs"
GUIDES = sorted(DOCS.glob("*.md")) + [ROOT / "README.md"]
# What a quoted line has filled in: a word in capitals, of two letters or more
# but for N.
FILLED_IN = re.compile(r"\b(?:N|[A-Z][A-Z_]+)\b")
KNOWN_CAPITALS = {"JSON", "HTTP", "TLS"}


def literals():
    """Each text of the sources, those that stand side by side joined, a line
    end for what is filled in."""
    text = re.compile(r'((?:"(?:[^"\\\n]|\\.)*"(?:\s*PRI\w+)?\s*)+)')
    for folder in "server", "handlers", "store":
        for path in (ROOT / folder).rglob("*.c"):
            for found in text.findall(path.read_text()):
                found = re.sub(r'"\s*PRI\w+\s*"?', "d", found)
                found = re.sub(r'"\s*"', "", found).strip().strip('"')
                found = found.replace('\\"', '"').replace("\\n", "\n")
                yield re.sub(r"%[-+.*0-9]*(?:ll|z|h|l|j)?[a-zA-Z]", "\n",
                             found)


def pieces(line):
    """What of a quoted line has to stand in the sources."""
    kept = FILLED_IN.sub(lambda m: m[0] if m[0] in KNOWN_CAPITALS else "\n",
                         line)
    for part in re.split(r"\n|: |; ", kept):
        part = part.strip(" ,.:;()")
        if len(part) > 3:
            yield part


@pytest.fixture(scope="module")
def said():
    return "\n\n".join(literals())


def quoted():
    for path in GUIDES:
        for block in re.findall(r"^```log\n(.*?)^```$", path.read_text(),
                                re.M | re.S):
            for line in block.splitlines():
                yield path.name, line


def test_each_line_of_the_log_is_in_the_sources(said):
    lines = list(quoted())
    assert len(lines) > 30
    missing = [(name, line, part) for name, line in lines
               for part in pieces(line) if part not in said]
    assert missing == []


def test_a_line_that_nobody_writes_is_found(said):
    parts = list(pieces("job N HANDLER: eaten by a dog: ID"))
    assert "eaten by a dog" in parts
    assert "eaten by a dog" not in said


def test_each_metric_that_a_guide_names_is_there(klikitd, tmp_path):
    (tmp_path / "credentials").write_text("key:secret")
    (tmp_path / "credentials").chmod(0o600)
    server = klikitd(config="[reconcile]\nurl = http://127.0.0.1:1/orders\n"
                     f"credentials_file = {tmp_path}/credentials\n")
    server.expect("reconcile: ")
    families = set(re.findall(r"^# TYPE (\S+) ", server.metrics_text(), re.M))
    named = {(path.name, name) for path in GUIDES
             for name in re.findall(r"`((?:klikitd|process)_[a-z_]+)(?:\{|`)",
                                    path.read_text())}
    assert len(named) > 15
    assert {(path, name) for path, name in named
            if name not in families and not name.endswith("_")} == set()


def verbs():
    """The flags of each verb, as its page of the manual has them."""
    page = subprocess.run([BINARY, "manual", "klikitd"], capture_output=True,
                          text=True, check=True).stdout.replace("\\-", "-")
    parts = re.split(r'^\.SS "?klikitd ([\w-]+)', page, flags=re.M)
    return {name: set(re.findall(r"--[a-z][\w-]*", text))
            for name, text in zip(parts[1::2], parts[2::2])}


def test_each_command_that_a_guide_shows_has_that_verb_and_those_flags():
    known = verbs()
    assert len(known) > 15
    seen = 0
    for path in GUIDES:
        text = path.read_text()
        commands = re.findall(r"`(klikitd [^`]+)`", text)
        commands += re.findall(r"^(?: {4}|[$#] )?((?:sudo )?klikitd [a-z].*)$",
                               text, re.M)
        for command in commands:
            command = re.split(r" {3,}|[;|#<>]", command)[0].split()
            verb = command[command.index("klikitd") + 1]
            # A sentence, or a manual.
            if verb not in known or len(command) < 2:
                assert "--" not in " ".join(command), (path.name, command)
                continue
            seen += 1
            for flag in command:
                if flag.startswith("--") and flag != "--help":
                    flag = flag.split("=")[0].rstrip(".,:")
                    assert flag in known[verb] or "." in flag, (path.name,
                                                                command)
    assert seen > 30


def test_nothing_says_how_long_klikit_tries_again():
    """klikit's documents do not."""
    for folder in "server", "store", "handlers", "debian":
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and path.suffix in (".c", ".h", ".md", ".yml",
                                                  ".js", ".ini"):
                assert not re.search(r"again\W+(?:\w+\W+)?for\W+(?:\w+\W+)?"
                                     r"two\W+hours", path.read_text()), path


def test_the_readme_is_short_and_begins_with_what_it_is():
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) < 200
    headings = re.findall(r"^## (.*)$", text, re.M)
    assert headings[:3] == ["Start", "What it guarantees", "What it does"]
    before = text.split("## Start")[0]
    for name in re.findall(r'(?:src|srcset)="([^"]+)"', before):
        assert (ROOT / name).exists(), name
    assert 'media="(prefers-color-scheme: dark)"' in before
    start = text.split("## Start")[1].split("\n\n")[2]
    assert len(start.splitlines()) == 3


def test_the_index_has_each_guide():
    index = (DOCS / "README.md").read_text()
    for path in DOCS.glob("*.md"):
        if path.name != "README.md":
            assert f"[{path.name}]({path.name})" in index, path
