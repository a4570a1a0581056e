"""What only root may do. Where the tests may not, they are skipped: whether
they may is tried, since root of a container often may not either.
"""

import contextlib
import os
import shutil
import subprocess

import pytest

SUDO = [] if os.geteuid() == 0 else ["sudo", "-n"]


def as_root(*command):
    subprocess.run([*SUDO, *command], check=True)


def may_unshare(*spaces):
    """May the tests make such namespaces, as root?"""
    command = [*SUDO, "unshare", *spaces, "true"]
    return shutil.which(command[0]) is not None and subprocess.run(
        command, capture_output=True).returncode == 0


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
needs_mounts = pytest.mark.skipif(
    not may_unshare("--mount"), reason="needs root that may mount, or sudo")


def needs(*spaces):
    """A mark: the test makes such namespaces."""
    return pytest.mark.skipif(
        os.geteuid() != 0 or not may_unshare(*spaces),
        reason=f"needs root that may unshare {' '.join(spaces)}")


@contextlib.contextmanager
def mounted(place, *options):
    """Something mounted there, tmpfs unless options say otherwise."""
    as_root("mount", *options, place)
    try:
        yield place
    finally:
        as_root("umount", "-l", place)


def small_disk(place, options):
    """A file system in memory, mounted there; skips where it may not be."""
    if needs_mounts.args[0]:
        pytest.skip(needs_mounts.kwargs["reason"])
    place.mkdir(exist_ok=True)
    return mounted(place, "-t", "tmpfs", "-o",
                   f"{options},uid={os.geteuid()}", "none")
