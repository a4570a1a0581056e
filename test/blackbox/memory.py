"""What a server has of memory."""

import threading

from conftest import BINARY, DEADLINE, PREFIX

GIVEN_BACK_KB = 4096
# A sanitizer's or valgrind's allocator tells nothing about the program's own.
with open(BINARY, "rb") as binary:
    OWN_ALLOCATOR = b"__asan" not in binary.read() and not PREFIX


def memory_kb(server, what):
    with open(f"/proc/{server.pid}/status") as status:
        for line in status:
            if line.startswith(what + ":"):
                return int(line.split()[1])
    raise AssertionError(f"no {what}")


def peak_kb(server):
    """The most memory the server has had since its start."""
    return memory_kb(server, "VmHWM")


def wait_given_back(server, before_kb):
    """Wait until the server has hardly more memory than before."""
    ticks = threading.Event()
    for _ in range(DEADLINE * 20):
        now_kb = memory_kb(server, "VmRSS")
        if now_kb < before_kb + GIVEN_BACK_KB or not OWN_ALLOCATOR:
            return
        ticks.wait(0.05)  # nothing tells when a process gives memory back
    raise AssertionError(f"{now_kb} KB, before it was {before_kb}")
