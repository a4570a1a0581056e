#!/usr/bin/python3
"""Fail if a program lacks what makes a fault of memory harmless.

usage: check_binary.py FILE...   release builds; readelf and objdump are needed

Each line of MARKS is one such property: what a program without it lacks, and
how it is seen in what readelf and objdump print. A program that is linked with
static libraries may have some of them from there; the build that links libc
and the others dynamically shows what our own sources were compiled with.
"""

import os
import re
import subprocess
import sys

# Calls that glibc's checks would have replaced, if they were compiled in.
FORTIFIED = 3


def printed(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True,
                          env={**os.environ, "LC_ALL": "C"}).stdout


class Binary:
    def __init__(self, path):
        self.header = printed("readelf", "-hW", path)
        self.segments = printed("readelf", "-lW", path)
        self.dynamic = printed("readelf", "-dW", path)
        self.symbols = printed("readelf", "--dyn-syms", "-W", path)
        self.code = printed("objdump", "-d", "--no-show-raw-insn", path)

    def imports(self, pattern):
        """The undefined symbols of that name."""
        return set(re.findall(rf"UND ({pattern})(?:@|\s)", self.symbols))


def stack_may_not_run(binary):
    found = re.search(r"GNU_STACK(?:\s+0x\w+){5}\s+(\w+)", binary.segments)
    return found is not None and "E" not in found[1]


def probes_the_stack(binary):
    """Each page of a large frame is touched, so that none is jumped over."""
    if "X86-64" in binary.header:
        return re.search(r"or[bql]\s+\$0x0,(?:-?0x\w+)?\(%[re]sp", binary.code)
    if "AArch64" in binary.header:
        return re.search(r"str\s+xzr, \[sp, #1024\]", binary.code)
    return True  # not known how it looks like there


MARKS = (
    ("a position-independent program (PIE)",
     lambda b: "DYN (" in b.header and "PIE" in b.dynamic),
    ("read-only relocations (-z relro)",
     lambda b: "GNU_RELRO" in b.segments),
    ("all of them at the start (-z now)",
     lambda b: re.search(r"\(FLAGS_1\).*\bNOW\b", b.dynamic)),
    ("a stack that cannot be run (-z noexecstack)", stack_may_not_run),
    ("code that is never written to (no text relocations)",
     lambda b: "TEXTREL" not in b.dynamic),
    ("libraries from the system's folders only (no RPATH)",
     lambda b: not re.search(r"\((?:RPATH|RUNPATH)\)", b.dynamic)),
    ("no segment that is written and run",
     lambda b: not re.search(r"LOAD.*\sRWE\s", b.segments)),
    ("guarded return addresses (-fstack-protector-strong)",
     lambda b: b.imports("__stack_chk_fail")),
    ("checked calls (_FORTIFY_SOURCE)",
     lambda b: len(b.imports(r"__(?!stack)\w+_chk")) >= FORTIFIED),
    ("probed stack frames (-fstack-clash-protection)", probes_the_stack),
)


def lacks(path):
    """What of MARKS a program does not have."""
    binary = Binary(path)
    return [text for text, has in MARKS if not has(binary)]


def main():
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    bad = 0
    for path in sys.argv[1:]:
        for text in lacks(path):
            print(f"{path}: lacks {text}", file=sys.stderr)
            bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
