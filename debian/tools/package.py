#!/usr/bin/python3
"""Make what klikitd is installed from; `./run package` calls it.

usage: package.py [--out FOLDER] [deb | static | container]...

  deb        a package for this Debian, with PostgreSQL and Redis
  static     programs for amd64, arm64 and armhf that need nothing of the
             machine, without PostgreSQL; each takes a delivery by HTTPS here,
             the foreign ones under qemu
  container  the one for this machine, and the recipe of a container beside it

Without any, deb and static. The results, with a list of what is linked into
each (SBOM, CycloneDX) and SHA256SUMS, go to build-package/, or the folder
named. The same sources give the same bytes, whenever and wherever they are
built.
"""

import argparse
import hashlib
import pathlib
import shutil
import subprocess
import sys

import cross
import deb
import deliver
import sbom
import sources
import static

KINDS = ("deb", "static", "container")
RECIPE = sources.ROOT / "server/docs/Containerfile"


def say(text):
    print(f"==> {text}", flush=True)


def sums(out):
    """Name the bytes of all results that are there."""
    files = sorted(path for path in out.glob("klikitd[-_]*") if path.is_file())
    (out / "SHA256SUMS").write_text("".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in files))
    return files


def make_deb(out):
    say("building the .deb")
    made = deb.make(out)
    sbom.write(made, sbom.linked_to_deb(made))


def make_static(out, arch):
    say(f"building the static program for {arch}")
    made, linked = static.make(out, arch)
    sbom.write(made, linked)
    deliver.see([made] if arch == static.NATIVE else [cross.qemu(arch), made])
    say(f"{made.name}: takes a delivery by HTTPS")


def done(make, pattern, out, *which):
    """Make one; what was there of it goes first, so that SHA256SUMS names
    nothing old. Says why if that fails, and goes on: the others may do."""
    for old in out.glob(pattern):
        old.unlink()
    try:
        make(out, *which)
    except (SystemExit, subprocess.CalledProcessError) as why:
        print(why, file=sys.stderr, flush=True)
        return False
    return True


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--out", type=pathlib.Path,
                      default=sources.ROOT / "build-package")
    parser.add_argument("kinds", nargs="*")
    args = parser.parse_args()
    for kind in args.kinds:
        if kind not in KINDS:
            parser.error(f"there is no {kind}")
    out = args.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    kinds = args.kinds or ("deb", "static")
    architectures = (static.ARCHITECTURES if "static" in kinds else
                     (static.NATIVE,) if "container" in kinds else ())
    failed = 0
    if "deb" in kinds:
        failed += not done(make_deb, "klikitd_*", out)
    for arch in architectures:
        failed += not done(make_static, f"klikitd-*-{arch}*", out, arch)
    if architectures:
        shutil.copy2(RECIPE, out)
    for path in sums(out):
        say(f"{path} ({path.stat().st_size / 1e6:.1f} MB)")
    if failed:
        say(f"FAILED: {failed} of them, see above")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
