#!/usr/bin/python3
"""Make all packages, and try them: `./run package test` calls it.

usage: try.py

Builds what `./run package` builds, follows the guide install.md on a bare Debian
with the .deb, the recipe of the container with the static program, and builds
again elsewhere to see the same bytes. As root only; what cannot be tried here
is named, and counts as skipped.
"""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "build-package"
CANNOT = 77


def only(pattern):
    """The one result of that name; if there is none, its name."""
    return next((path for path in sorted(OUT.glob(pattern))
                 if path.suffix != ".json"), OUT / pattern)


def run(*command):
    print(f"==> {' '.join(map(str, command))}", flush=True)
    return subprocess.run([sys.executable, *command], cwd=ROOT).returncode


def main():
    for old in OUT.glob("klikitd[-_]*"):
        old.unlink()
    ends = [
        run("debian/tools/package.py"),
        run("test/package/chroot.py", "--deb", only("klikitd_*.deb")),
        run("test/package/container.py", only("klikitd-*-amd64")),
        run("test/package/reproducible.py"),
    ]
    skipped = ends.count(CANNOT)
    passed = ends.count(0)
    failed = len(ends) - passed - skipped
    print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
