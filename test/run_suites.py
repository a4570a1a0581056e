#!/usr/bin/python3
"""Build with warnings as errors, run every suite, print the totals.

usage: run_suites.py [SUITE...]     one or more of the names below; without
                                    any, all but the last

  check     rooms, configuration, formatting; how the release is hardened
  unit      pure modules, cmocka
  store     conformance over each backend, faults, power loss
  fuzz      every fuzzer over its corpus
  blackbox  the real binary, pytest
  web       the inspector of the real binary, in a real browser
  release   the release build, and the black-box tests on it again: what they
            say of memory holds without a sanitizer only; but for those that
            say nothing of it, of load or of faults (marked `once`)
  valgrind  the unit suite and a short black-box run under valgrind
  tsan      the store's tests and a server under load, built with
            ThreadSanitizer: no data race
  long      what takes longer, each with a short version in the others: the
            black-box tests marked `long`, on the sanitized and on the release
            build (KLIKITD_SEED=N repeats a run's chances), the two
            commands of README on a bare Debian (test/bare.py: as root only),
            and the packages, made and tried (test/package/)

A process that a suite leaves behind counts as a failed test.
"""

import ctypes
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import typing
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[1]
SANITIZED = ROOT / "build-test"
PLAIN = ROOT / "build-valgrind"
RELEASE = ROOT / "build-release"
RACES = ROOT / "build-tsan"
BULLMQ = ROOT / "build-tools" / "bullmq"
MESON_SUITES = ("check", "unit", "store", "fuzz")
SUITES = MESON_SUITES + ("blackbox", "web", "release", "valgrind", "tsan")
EXTRA = ("long",)
LONG_LIMIT_S = 3600  # of each part of the suite `long`
WEB_LIMIT_S = 600
BARE_CANNOT = 77  # what bare.py exits with where it cannot be tried
GRACE_S = 5  # for a process to end that a suite leaves behind
# Of the store's tests those that are quick with ThreadSanitizer.
RACES_TESTS = ("store", "store_attempts", "store_jobs", "store_lists",
               "store_open", "store_watch", "checkpoint", "log_file",
               "faults", "repair", "line_writer", "store_postgres",
               "store_attempts_postgres", "store_jobs_postgres",
               "store_shared_postgres")

# Black-box tests are given to several at once, file by file, since they mostly
# wait: so many for each processor. Those whose files take long come first.
WORKERS = 2
LONG_FILES = ("test_backups*", "test_outlets*", "test_names*", "test_guides*",
              "test_postgres_out*", "test_migrate_p*", "test_amqp*",
              "test_crash*", "test_links*", "test_alert_kinds*")

# For personality(2), inherited by children.
ADDR_NO_RANDOMIZE = 0x0040000
# For prctl(2), not inherited.
PR_SET_CHILD_SUBREAPER = 36

ENV = {
    **os.environ,
    "TSAN_OPTIONS": f"suppressions={ROOT / 'test' / 'tsan.supp'}",
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
}


class Count(typing.NamedTuple):
    """What became of the tests of a suite."""

    passed: int
    failed: int
    skipped: int = 0

    def plus(self, other):
        return Count(*(mine + its for mine, its in zip(self, other)))


BROKEN = Count(0, 1)  # a suite that could not be built or run


def say(text):
    print(f"==> {text}", flush=True)


def programs_of(directory, suite, names):
    """The files that tests of a suite need: all of it, or those with names."""
    known = json.loads(subprocess.run(
        ["meson", "introspect", "--tests", "--targets", directory],
        cwd=ROOT, capture_output=True, text=True).stdout)
    files = {target["id"]: target["filename"] for target in known["targets"]}
    return {os.path.relpath(file, directory) for test in known["tests"]
            if f"klikitd:{suite}" in test["suite"]
            and (not names or test["name"] in names)
            for needed in test["depends"] for file in files[needed]}


def build(directory, *options, suite=None, names=()):
    """Configure once, then compile: all, or klikitd and what tests of a suite
    run. Returns whether it worked."""
    if not (directory / "build.ninja").exists():
        setup = subprocess.run(["meson", "setup", directory, "--werror",
                                *options], cwd=ROOT, capture_output=True,
                               text=True)
        if setup.returncode != 0:
            print(setup.stdout, setup.stderr)
            return False
    ninja = ["ninja", "-C", directory, "--quiet"]
    if subprocess.run([*ninja, "build.ninja"], cwd=ROOT).returncode != 0:
        return False  # else a test that is new would not be known
    targets = suite and ["klikitd", *programs_of(directory, suite, names)]
    return subprocess.run([*ninja, *(targets or [])], cwd=ROOT).returncode == 0


def meson_suite(directory, suite, *options):
    """Run one of meson's suites. Returns a Count."""
    before = time.time()
    # One server for all tests of the store.
    wrapper = [ROOT / "test" / "with_postgres.py"] if suite == "store" else []
    run = subprocess.run([*wrapper, "meson", "test", "-C", directory,
                          "--no-rebuild", "--print-errorlogs", "--suite", suite,
                          *options], cwd=ROOT, env=ENV)
    for log in sorted((directory / "meson-logs").glob("testlog*.json"),
                      key=lambda path: path.stat().st_mtime, reverse=True):
        if log.stat().st_mtime < before - 1:
            break
        tests = [json.loads(line) for line in log.read_text().splitlines()]
        skipped = [test for test in tests if test["result"] == "SKIP"]
        for test in skipped:
            say(f"{test['name']}: {test.get('stdout', '').strip()}")
        good = sum(test["result"] in ("OK", "EXPECTEDFAIL") for test in tests)
        return Count(good, len(tests) - good - len(skipped), len(skipped))
    return Count(0, max(1, run.returncode))


def pytest_suite(binary, *options, env=None, limit_s=None, files=None):
    """Run the black-box tests, or those in some files, on a binary. Returns a
    Count."""
    report = binary.parent / "pytest.xml"
    report.unlink(missing_ok=True)
    run = subprocess.Popen(["/usr/bin/python3", "-m", "pytest", "-q", "-ra",
                            "-p", "no:cacheprovider", f"--junitxml={report}",
                            *options, *(files or ["test/blackbox"])], cwd=ROOT,
                           env={**ENV, **(env or {}), "KLIKITD": str(binary)})
    try:
        run.wait(limit_s)
    except subprocess.TimeoutExpired:
        say(f"not done after {limit_s} s: interrupted")
        run.send_signal(signal.SIGINT)  # pytest stops the servers
        run.wait()
        return BROKEN
    if not report.exists():
        return BROKEN
    suite = xml.etree.ElementTree.parse(report).getroot().find("testsuite")
    total, bad, skipped = (int(suite.get("tests")),
                           int(suite.get("failures")) +
                           int(suite.get("errors")),
                           int(suite.get("skipped")))
    if total == 0 or (run.returncode != 0 and bad == 0):
        bad += 1
    return Count(max(0, total - bad - skipped), bad, skipped)


def pytest_shared(binary, *options, env=None, without=(), marked="",
                  limit_s=None):
    """Run the black-box tests on a binary, several files at once, but for the
    files without and those that have no such mark in them. Returns a Count."""
    files = [path for path in sorted((ROOT / "test/blackbox").glob("test_*.py"))
             if not any(path.match(pattern) for pattern in without)
             and marked in path.read_text()]
    files.sort(key=lambda path: not any(path.match(pattern)
                                        for pattern in LONG_FILES))
    workers = WORKERS * len(os.sched_getaffinity(0))
    return pytest_suite(binary, f"--numprocesses={workers}", "--dist=loadfile",
                        *options, env=env, files=files, limit_s=limit_s)


def install_by_npm(folder):
    """What the package.json of a folder wants, there. Returns whether it is
    there, and runs on Debian's Node."""
    wanted = json.loads((folder / "package.json").read_text())["dependencies"]
    for name, version in wanted.items():
        known = folder / "node_modules" / name / "package.json"
        if known.exists() and (
                json.loads(known.read_text())["version"] == version):
            continue
        say(f"installing {name} {version} in {folder.relative_to(ROOT)}")
        if subprocess.run(["npm", "install", "--no-package-lock",
                           "--no-audit", "--no-fund", "--ignore-scripts"],
                          cwd=folder).returncode != 0:
            return False
    return subprocess.run([ROOT / "test" / "check_engines.py",
                           folder]).returncode == 0


def install_bullmq():
    """What the bridges to BullMQ need. Returns whether it is there."""
    BULLMQ.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "handlers/queue/bullmq/package.json", BULLMQ)
    return install_by_npm(BULLMQ)


def web_suite(binary):
    """Run the tests of the page on a binary. Returns a Count."""
    folder = ROOT / "test" / "web"
    if not install_by_npm(folder):
        return BROKEN
    chromium = shutil.which("chromium")
    if chromium is None:
        say("no chromium: `./run test` unpacks it")
        return BROKEN
    files = sorted(folder.glob("*.test.js"))
    run = subprocess.Popen(["node", "--test", "--test-reporter=tap", *files],
                           cwd=ROOT, env={**ENV, "KLIKITD": str(binary),
                                          "CHROMIUM": chromium},
                           stdout=subprocess.PIPE, text=True)
    counts = {}
    limit = threading.Timer(WEB_LIMIT_S, run.terminate)
    limit.start()
    for line in run.stdout:
        sys.stdout.write(line)
        if total := re.match(r"# (pass|fail|cancelled|skipped) (\d+)$", line):
            counts[total[1]] = int(total[2])
    limit.cancel()
    bad = counts.get("fail", 0) + counts.get("cancelled", 0)
    if run.wait() != 0 or counts.get("pass", 0) == 0:
        bad = max(1, bad)
    return Count(counts.get("pass", 0), bad, counts.get("skipped", 0))


def long_suite():
    """The tests marked `long`. Returns a Count."""
    seed = os.environ.get("KLIKITD_SEED", str(time.time_ns() % 1000000))
    say(f"KLIKITD_SEED={seed}")
    if not install_bullmq():
        return BROKEN
    total = Count(0, 0)
    for directory, build_it in ((SANITIZED, build_sanitized),
                                (RELEASE, build_release)):
        total = total.plus(BROKEN if not build_it() else pytest_shared(
            directory / "klikitd", "-m", "long",
            env={"KLIKITD_SEED": seed}, limit_s=LONG_LIMIT_S))
    return total.plus(bare_suite("user")).plus(
        bare_suite("root", "check", "store", "blackbox", "web")).plus(
            packages_suite())


def packages_suite():
    """All packages, made and tried. Returns a Count."""
    return BROKEN if subprocess.run([ROOT / "run", "package", "test"],
                                    cwd=ROOT).returncode else Count(1, 0)


def bare_suite(user, *suites):
    """README's commands on a bare Debian. Returns a Count."""
    run = subprocess.run([ROOT / "test" / "bare.py", "--as", user, *suites])
    return {0: Count(1, 0), BARE_CANNOT: Count(0, 0, 1)}.get(
        run.returncode, BROKEN)


def build_release():
    return build(RELEASE, "--buildtype=release", "-Dtests=disabled")


def build_sanitized():
    return build(SANITIZED, "-Dtests=enabled",
                 "-Db_sanitize=address,undefined", "-Db_lundef=false")


def adopt_orphans():
    """Become the parent of each process whose own parent ends before it."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_left_behind():
    """End the processes that a suite has left. Returns a Count of them."""
    left = set()
    patience = time.monotonic() + GRACE_S
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return Count(0, len(left))
        if pid != 0:
            continue
        time.sleep(0.05)
        if time.monotonic() < patience:
            continue
        children = pathlib.Path(f"/proc/self/task/{os.getpid()}/children")
        for child in children.read_text().split():
            command = pathlib.Path(f"/proc/{child}/cmdline").read_bytes()
            if command and child not in left:
                left.add(child)
                say(f"left behind: process {child}: "
                    f"{command.decode(errors='replace')}".replace("\0", " "))
            os.kill(int(child), signal.SIGKILL)


def check_release():
    """Is the release hardened? Returns a Count."""
    if not build_release():
        return BROKEN
    checked = subprocess.run([ROOT / "test" / "check_binary.py",
                              RELEASE / "klikitd"])
    return Count(1, 0) if checked.returncode == 0 else BROKEN


def run_suite(suite):
    if suite == "long":
        return long_suite()
    if suite == "release":
        if not build_release():
            return BROKEN
        return pytest_shared(RELEASE / "klikitd", "-m", "not long and not once",
                             without=("test_run.py", "test_brokers.py",
                                      "test_postgres_server.py",
                                      "test_consumers.py", "test_bullmq*",
                                      "test_guides.py"))
    if suite == "valgrind":
        if not build(PLAIN, "-Dtests=enabled", suite="unit"):
            return BROKEN
        # Without valgrind, too: optimised, and no sanitizer in the way.
        unit = meson_suite(PLAIN, "unit").plus(
            meson_suite(PLAIN, "unit", "--setup=valgrind"))
        return unit.plus(pytest_shared(PLAIN / "klikitd", "-m",
                                       "valgrind and not long",
                                       env={"KLIKITD_VALGRIND": "1"},
                                       marked="mark.valgrind"))
    if suite == "tsan":
        if not build(RACES, "-Dtests=enabled", "-Db_sanitize=thread",
                     "-Db_lundef=false", suite="store", names=RACES_TESTS):
            return BROKEN
        # Where kernels randomise addresses much, gcc 12's runtime gives up.
        ctypes.CDLL(None).personality(ADDR_NO_RANDOMIZE)
        store = meson_suite(RACES, "store", "--timeout-multiplier", "4",
                            *RACES_TESTS)
        box = pytest_suite(RACES / "klikitd", "-m", "tsan and not long")
        return store.plus(box)
    if not build_sanitized():
        return BROKEN
    if suite == "blackbox":
        if not install_bullmq():
            return BROKEN
        return pytest_shared(SANITIZED / "klikitd")
    if suite == "web":
        return web_suite(SANITIZED / "klikitd")
    if suite == "check":
        return meson_suite(SANITIZED, suite).plus(check_release())
    return meson_suite(SANITIZED, suite)


def main():
    wanted = sys.argv[1:] or SUITES
    unknown = [suite for suite in wanted if suite not in SUITES + EXTRA]
    if unknown:
        print(f"run_suites.py: no suite {unknown[0]}; there are: "
              f"{', '.join(SUITES + EXTRA)}", file=sys.stderr)
        return 2
    adopt_orphans()
    total = Count(0, 0)
    lines = []
    for suite in wanted:
        say(f"suite {suite}")
        before = time.time()
        count = run_suite(suite).plus(end_left_behind())
        total = total.plus(count)
        took = time.time() - before
        lines.append(f"{suite:9} {count.passed:4} passed {count.failed:3} "
                     f"failed {count.skipped:3} skipped {took:5.0f} s")
    print("", *lines, sep="\n")
    print(f"{total.passed} passed, {total.failed} failed, "
          f"{total.skipped} skipped", flush=True)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
