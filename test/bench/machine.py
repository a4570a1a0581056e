"""What this runs on, and on which cores."""

import os
import platform
import subprocess


class BenchError(Exception):
    """A measurement that cannot count, and why."""


def cores():
    """The servers' core and the load's."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise BenchError("two cores are needed: one for the server, one for "
                         "the load")
    return allowed[0], allowed[1]


def pinned(core, command):
    return ["taskset", "-c", str(core), *map(str, command)]


def _first_line(*command):
    try:
        run = subprocess.run(command, capture_output=True, text=True,
                             timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return "none"
    return (run.stdout or run.stderr).strip().split("\n")[0]


def _cpu_name():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as info:
        for line in info:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def file_system(path):
    return _first_line("stat", "-f", "-c", "%T", str(path))


def describe(work):
    """For the head of the report."""
    return {
        "cpu": _cpu_name(),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "load average": os.getloadavg()[0],
        "disk": file_system(work),
        "node": _first_line("node", "--version"),
        "webhook": _first_line("webhook", "-version"),
    }
