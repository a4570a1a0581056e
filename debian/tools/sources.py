"""The sources to build packages from, and what they say of themselves."""

import os
import pathlib
import re
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def version(root=ROOT):
    """The project's version, as meson.build has it."""
    return re.search(r"^  version: '([^']+)'", (root / "meson.build")
                     .read_text(), re.M)[1]


def epoch(root=ROOT):
    """When this version was made: the time that all packages carry."""
    done = subprocess.run(["dpkg-parsechangelog", "-STimestamp", "-l",
                           root / "debian/changelog"], check=True,
                          capture_output=True, text=True)
    return done.stdout.strip()


def names(root):
    """The files of the tree: as git has them, or without git all but builds
    and what tests leave."""
    if (root / ".git").exists():
        listed = subprocess.run(
            ["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=root,
            check=True, capture_output=True, text=True).stdout.split("\0")
        return [name for name in listed if (root / name).is_file()]
    found = []
    for folder, below, files in os.walk(root):
        place = pathlib.Path(folder).relative_to(root)
        below[:] = [name for name in below if not re.match(
            r"__pycache__$|node_modules$|\.", name) and not (
                place == pathlib.Path(".") and name.startswith("build"))]
        found += [str(place / name) for name in files]
    return found


def copy(to, root=ROOT):
    """Copy the sources into a folder, which is made anew."""
    shutil.rmtree(to, ignore_errors=True)
    for name in names(root):
        target = to / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, target)
    return to
