#!/usr/bin/python3
"""The units for systemd: known to it, and as closed as they can be.

usage: check_unit.py KLIKITD SOURCE_DIR

Exits 77, which meson takes for "skipped", where systemd-analyze is not found;
`./run test` unpacks it.
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
# The exposure level times ten that systemd-analyze security may come to.
THRESHOLD = 15


def analyze(folder, *words):
    """Run systemd-analyze on what is in the folder. Returns what it said."""
    done = subprocess.run(["systemd-analyze", *words], cwd=folder, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def main():
    binary, source = map(pathlib.Path, sys.argv[1:])
    if shutil.which("systemd-analyze") is None:
        print("systemd-analyze is not there: ./run test unpacks it")
        return SKIPPED
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for unit in (source / "debian").glob("klikitd.*"):
            if unit.suffix in (".service", ".socket"):
                (folder / unit.name).write_text(unit.read_text().replace(
                    "/usr/bin/klikitd", str(binary.resolve())))
        units = sorted(path.name for path in folder.iterdir())
        assert units == ["klikitd.service", "klikitd.socket"], units
        # The manual comes with the package.
        code, said = analyze(folder, "verify", "--man=no", *units)
        # Other units of this machine are none of our business.
        ours = [line for line in said.splitlines() if "klikitd" in line]
        if code != 0 or ours:
            print(said)
            return 1
        code, said = analyze(folder, "security", "--offline=true",
                             f"--threshold={THRESHOLD}", "klikitd.service")
        if code != 0:
            print(said)
        return code and 1


if __name__ == "__main__":
    sys.exit(main())
