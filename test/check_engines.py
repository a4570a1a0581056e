#!/usr/bin/python3
"""Fail if an npm package that the tests use does not run on Debian's Node.

usage: check_engines.py FOLDER...   folders in which npm has installed

Debian 12 has Node 18. The machine at hand may have another one, so each
package's own `engines` are read and compared with that number, not with what
runs here.
"""

import json
import pathlib
import re
import sys

NODE = (18, 20, 4)


def numbers(text):
    """'18.2' is (18, 2); 'x' and '*' end it."""
    found = []
    for part in text.lstrip("v=").split("."):
        if not part.isdigit():
            break
        found.append(int(part))
    return tuple(found)


def allows_one(comparator):
    """Does one comparator, such as '>=18' or '20.x', allow NODE?"""
    sign, text = re.fullmatch(r"([<>]=?|[\^~]|=?)(.*)", comparator).groups()
    wanted = numbers(text)
    here = NODE[:len(wanted)]
    if sign == ">=":
        return here >= wanted
    if sign == ">":
        return here > wanted
    if sign == "<":
        return NODE < wanted + (0,) * (3 - len(wanted))
    if sign == "<=":
        return here <= wanted
    if sign == "^":
        return NODE[:1] == wanted[:1] and here >= wanted
    if sign == "~":
        return NODE[:2] == wanted[:2] and here >= wanted
    return here == wanted


def allows(engines):
    """Does a range of `engines.node` allow NODE?"""
    for part in engines.split("||"):
        spaced = re.sub(r"([<>]=?|[\^~=])\s+", r"\1", part)
        low, dash, high = spaced.partition(" - ")
        words = [f">={low.strip()}", f"<={high.strip()}"] if dash else (
            spaced.split())
        if all(allows_one(word) for word in words):
            return True
    return False


def packages(folder):
    """Each package that npm has installed there: its name, engines."""
    for file in sorted((folder / "node_modules").glob("**/package.json")):
        package = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(package.get("engines"), dict) and "name" in package:
            yield (f"{package['name']} {package.get('version', '')}",
                   package["engines"].get("node", "*"))


def main():
    bad = 0
    for folder in map(pathlib.Path, sys.argv[1:]):
        if not (folder / "node_modules").is_dir():
            print(f"check_engines: {folder}: npm has installed nothing here",
                  file=sys.stderr)
            bad += 1
        for name, engines in packages(folder):
            if not allows(engines):
                print(f"check_engines: {name} wants Node {engines}, "
                      f"Debian 12 has {NODE[0]}", file=sys.stderr)
                bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
