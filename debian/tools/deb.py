"""The .deb: built by debian/ in a copy of the sources, and looked at by
lintian."""

import os
import pathlib
import shutil
import subprocess

import sources


def build(place, source):
    """Build in a folder of its own. Returns the .deb."""
    tree = place / f"klikitd-{sources.version(source)}"
    for old in place.glob("klikitd_*"):
        old.unlink()
    sources.copy(tree, source)
    env = {**os.environ, "SOURCE_DATE_EPOCH": sources.epoch(tree),
           "DEB_BUILD_OPTIONS": "noautodbgsym", "LC_ALL": "C.UTF-8"}
    with open(place / "deb.log", "w") as log:
        done = subprocess.run(["dpkg-buildpackage", "-b", "-us", "-uc"],
                              cwd=tree, env=env, stdout=log, stderr=log)
    if done.returncode != 0:
        raise SystemExit(f"{(place / 'deb.log').read_text()[-6000:]}\n"
                         "package: the .deb could not be built")
    return next(place.glob("klikitd_*.deb"))


def lint(deb, program):
    """Fail on what lintian calls an error, and on a program that is not
    hardened."""
    subprocess.run([sources.ROOT / "test/check_binary.py", program], check=True)
    done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error",
                           "--tag-display-limit", "0", deb])
    if done.returncode != 0:
        raise SystemExit(f"package: lintian: {deb.name} has errors")


def make(out, source=sources.ROOT):
    """Build, look, put it into out. Returns it there."""
    place = pathlib.Path(out) / "deb"
    place.mkdir(parents=True, exist_ok=True)
    deb = build(place, source)
    lint(deb, place / f"klikitd-{sources.version(source)}"
         / "debian/klikitd/usr/bin/klikitd")
    return pathlib.Path(shutil.copy2(deb, out))
