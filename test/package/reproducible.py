#!/usr/bin/python3
"""The same sources give the same packages, byte for byte.

usage: reproducible.py [-h] [KIND]...

Builds each kind (deb, or the architecture of a static program; without any,
all) twice: in folders of other names and depths, at other times, with another
umask, time zone, language and home. ccache is not asked. Fails if a byte
differs, and says in which file.
"""

import argparse
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOLS = ROOT / "debian/tools"
sys.path.insert(0, str(TOOLS))

import sources  # noqa: E402
import static  # noqa: E402

# Builds what its arguments say, in a folder: called in a process of its own,
# so that umask and environment are its own, too.
BUILD = """
import pathlib, sys
sys.path.insert(0, sys.argv[1])
import deb, static
kind, place, source = sys.argv[2], *map(pathlib.Path, sys.argv[3:])
if kind == "deb":
    print(deb.build(place, source))
else:
    print(static.build(place, kind, source)[0])
"""
WAYS = (
    ("a", {"TZ": "UTC", "LC_ALL": "C.UTF-8", "HOME": "/root"}, 0o022),
    ("another/and/deeper", {"TZ": "Asia/Tokyo", "LC_ALL": "C",
                            "HOME": "/nonexistent"}, 0o002),
)


def build(kind, place, source, env, mask):
    """Returns the file that was made; None: it could not be."""
    place.mkdir(parents=True)
    done = subprocess.run(
        [sys.executable, "-c", BUILD, TOOLS, kind, place, source],
        env={**os.environ, "CCACHE_DISABLE": "1", **env}, umask=mask,
        stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        print(f"reproducible: {kind}: FAILED: it could not be built")
        return None
    return pathlib.Path(done.stdout.strip())


def differences(one, other):
    """What of two packages differs, for people."""
    if one.suffix != ".deb":
        done = subprocess.run(["cmp", one, other], capture_output=True,
                              text=True)
        return done.stdout
    found = []
    for deb in one, other:
        tree = deb.parent / "unpacked"
        subprocess.run(["dpkg-deb", "-R", deb, tree], check=True)
        found.append({str(path.relative_to(tree)):
                      hashlib.sha256(path.read_bytes()).hexdigest()
                      for path in tree.rglob("*") if path.is_file()})
    names = sorted(name for name in found[0].keys() | found[1].keys()
                   if found[0].get(name) != found[1].get(name))
    return "\n".join(names or ["the same files, in other archives"])


def main():
    args = argparse.ArgumentParser(usage=__doc__)
    args.add_argument("kinds", nargs="*")
    kinds = args.parse_args().kinds or ["deb", *static.ARCHITECTURES]
    place = pathlib.Path(tempfile.mkdtemp(prefix="klikitd-reproducible-"))
    failed = 0
    try:
        source = sources.copy(place / "source")
        for kind in kinds:
            made = [build(kind, place / name / kind, source, env, mask)
                    for name, env, mask in WAYS]
            if None in made:
                failed += 1
                continue
            if made[0].read_bytes() == made[1].read_bytes():
                digest = hashlib.sha256(made[0].read_bytes()).hexdigest()
                print(f"reproducible: {kind}: twice {digest}", flush=True)
                continue
            failed += 1
            print(f"reproducible: {kind}: FAILED: these differ:\n"
                  f"{differences(*made)}", flush=True)
    finally:
        shutil.rmtree(place)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
