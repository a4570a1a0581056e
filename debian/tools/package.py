#!/usr/bin/python3
"""Make what klikitd is installed from; `./run package` calls it.

usage: package.py [--out FOLDER] [deb]...

  deb       a package for this Debian, with PostgreSQL and Redis

The results, with a list of what is linked into each (SBOM, CycloneDX) and
SHA256SUMS, go to build-package/, or the folder named. The same sources give
the same bytes, whenever and wherever they are built.
"""

import argparse
import hashlib
import pathlib
import sys

import deb
import sbom
import sources

KINDS = ("deb",)


def say(text):
    print(f"==> {text}", flush=True)


def sums(out):
    """Name the bytes of all results that are there."""
    files = sorted(path for path in out.glob("klikitd[-_]*") if path.is_file())
    (out / "SHA256SUMS").write_text("".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in files))
    return files


def main():
    args = argparse.ArgumentParser(usage=__doc__)
    args.add_argument("--out", type=pathlib.Path,
                      default=sources.ROOT / "build-package")
    args.add_argument("kinds", nargs="*")
    args = args.parse_args()
    for kind in args.kinds:
        if kind not in KINDS:
            args.error(f"there is no {kind}")
    out = args.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    kinds = args.kinds or KINDS
    if "deb" in kinds:
        say("building the .deb")
        made = deb.make(out)
        sbom.write(made, sbom.linked_to_deb(made))
    for path in sums(out):
        say(f"{path} ({path.stat().st_size / 1e6:.1f} MB)")


if __name__ == "__main__":
    sys.exit(main())
