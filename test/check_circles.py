#!/usr/bin/python3
"""Fails on modules of a room that call each other in a circle.

usage: check_circles.py LIBRARY...

Modules that call each other, directly or over others, are one: none can be
read, tested or replaced without all. Those that are one on purpose are in
DECLARED, each with its reason; one that is there no more is an error, too.

It reads the symbols of what was compiled, so it sees what includes do not
show: files that share a private header, and tables of functions.
"""

import fnmatch
import pathlib
import re
import subprocess
import sys

from check_rooms import strong

# Library -> circles of modules (or patterns of them) that are declared.
DECLARED = {
    "libstore.a": [
        # A note wakes the caller, who collects it with what has ended.
        ["note", "queue"],
        # A schema of before is brought up by the schema's own steps.
        ["sqlite_migrate", "sqlite_schema"],
        # An event is read with its jobs; a job with its event.
        ["sqlite_events", "sqlite_jobs"],
        # A purge takes rejections as well, by the same ages.
        ["sqlite_purge", "sqlite_rejections"],
        # Two files of one VFS.
        ["sqlite_disk", "sqlite_log_file"],
    ],
}


def symbols(library):
    """[(module, kind, name)] of what each module defines and uses."""
    out = subprocess.run(["nm", "--print-file-name", "--extern-only", library],
                         capture_output=True, text=True, check=True).stdout
    found = []
    for line in out.splitlines():
        where, _, what = line.rpartition(":")
        *_, kind, name = what.split()
        file = re.split(r"[:/\[]", where.rstrip("]"))[-1]
        found.append((file.split(".")[0], kind, name))
    return found


def calls(library):
    """module -> modules of the library whose functions or data it uses."""
    everything = symbols(library)
    home = {name: module for module, kind, name in everything
            if kind in "TDBRGSC"}
    uses = {module: set() for module in home.values()}
    for module, kind, name in everything:
        other = home.get(name, module)
        if kind == "U" and other != module:
            uses.setdefault(module, set()).add(other)
    return uses


def is_of(circle, declared):
    """Is it that circle: each module, and each pattern, has its match?"""
    return (all(any(fnmatch.fnmatch(module, pattern) for pattern in declared)
                for module in circle) and
            all(fnmatch.filter(circle, pattern) for pattern in declared))


def main():
    bad = []
    for library in map(pathlib.Path, sys.argv[1:]):
        uses = calls(library)
        if not uses:
            bad.append(f"{library.name}: has no symbols that nm can read")
        circles = strong(uses)
        declared = DECLARED.get(library.name, [])
        for circle in circles:
            if not any(is_of(circle, each) for each in declared):
                bad.append(f"{library.name}: call each other in a circle: "
                           + ", ".join(sorted(circle)))
        for each in declared:
            if not any(is_of(circle, each) for circle in circles):
                bad.append(f"{library.name}: DECLARED: there is no circle "
                           + ", ".join(each))
    for line in bad:
        print(line)
    if not bad:
        print("check_circles: inside each room calls go one way")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
