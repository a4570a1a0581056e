"""Memory that runs out in a running klikitd: test/lib/no_memory.c."""

import mmap
import pathlib
import struct

import pytest

from conftest import BINARY, PREFIX, ROOT

PLACES = [pathlib.Path(BINARY).resolve().parent, ROOT / "build-test"]
NAME = pathlib.Path("test") / "no_memory.so"


class NoMemory:
    """The calls of malloc() that fail, counted from when that is said."""

    def __init__(self, directory):
        built = [p / NAME for p in PLACES if (p / NAME).exists()]
        if not built or PREFIX:  # valgrind has an allocator of its own
            pytest.skip("no_memory.so is not built, or of no use here")
        path = pathlib.Path(directory) / "no_memory"
        path.write_bytes(bytes(mmap.PAGESIZE))
        with open(path, "r+b") as file:
            self.control = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        self.env = {
            "LD_PRELOAD": str(built[0]),
            "NO_MEMORY": str(path),
            "ASAN_OPTIONS": "verify_asan_link_order=0",
        }

    def fail(self, first, times=1):
        """Fail so many calls, beginning with the first-th from now on."""
        self.control[:40] = struct.pack("=5Q", 0, first, times, 0, 0)
        self.control[0] = 1

    def heal(self):
        """Fail no more. Returns how many calls did."""
        self.control[0] = 0
        return struct.unpack("=Q", self.control[32:40])[0]
