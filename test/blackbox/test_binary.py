"""The check of how a release is hardened fails on what is not hardened."""

import pathlib
import subprocess
import sys

import pytest

from conftest import ROOT

CHECK = ROOT / "test" / "check_binary.py"

# Something for each mark: a frame of several pages, and calls with known sizes.
SOURCE = r"""
#include <stdio.h>
#include <string.h>

int
main(int argc, char **argv)
{
	char page[3 * 65536], word[32], line[64];

	if (argc < 2)
		return (0);
	strcpy(word, argv[0]);
	snprintf(line, sizeof(line) - argc, "%s", argv[1]);
	memset(page, argc, strlen(line) + 70000);
	strcat(word, argv[1]);
	printf("%s %s %.3s\n", word, line, page);
	return (0);
}
"""
GOOD = ("-O2", "-fPIE", "-pie", "-fstack-protector-strong",
        "-fstack-clash-protection", "-U_FORTIFY_SOURCE",
        "-D_FORTIFY_SOURCE=2", "-Wl,-z,relro", "-Wl,-z,now",
        "-Wl,-z,noexecstack", "-Wl,--no-warn-execstack")


def check(directory, *flags):
    """Build a program with GOOD and flags. Returns the check's answer."""
    source = pathlib.Path(directory) / "program.c"
    source.write_text(SOURCE)
    program = source.with_suffix("")
    subprocess.run(["gcc", "-w", *GOOD, *flags, "-o", program, source],
                   check=True)
    return subprocess.run([sys.executable, CHECK, program],
                          capture_output=True, text=True)


def test_a_hardened_program_passes(tmp_path):
    done = check(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("flags,words", [
    (["-fno-pie", "-no-pie"], "PIE"),
    (["-Wl,-z,norelro"], "-z relro"),
    (["-Wl,-z,lazy"], "-z now"),
    (["-Wl,-z,execstack"], "-z noexecstack"),
    (["-fno-stack-protector"], "-fstack-protector-strong"),
    (["-D_FORTIFY_SOURCE=0", "-U_FORTIFY_SOURCE"], "_FORTIFY_SOURCE"),
    (["-fno-stack-clash-protection"], "-fstack-clash-protection"),
    (["-Wl,-rpath,/tmp"], "RPATH"),
    (["-Wl,-N", "-static", "-fno-pie", "-no-pie",
      "-Wl,--defsym=__ehdr_start=0"], "written and run"),
    (["-fno-pie", "-mcmodel=large", "-Wl,-z,notext"], "text relocations"),
])
def test_each_lack_is_named(tmp_path, flags, words):
    done = check(tmp_path, *flags)
    assert done.returncode == 1
    assert words in done.stderr, done.stderr
