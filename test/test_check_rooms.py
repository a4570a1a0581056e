#!/usr/bin/python3
"""The checks of the rooms and of circles find what they are for.

A copy of the sources gets a scratch file that is wrong in one way each, and
then check_rooms.py, or the link of that one room, must fail for that reason.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[1]
SOURCES = ("store", "handlers", "server", "test/lib", "test/unit",
           "test/store", "test/check_rooms.py")
BUILD = ("store", "handlers", "server", "test", "meson.build",
         "meson_options.txt", "debian", "CHANGELOG.md", "README.md",
         "config.example.ini")


def copy_sources(folder, names):
    (folder / "test").mkdir()
    for name in names:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, folder / name, dirs_exist_ok=True,
                            ignore=shutil.ignore_patterns("__pycache__",
                                                          "node_modules"))
        else:
            shutil.copy(path, folder / name)


class Rooms(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        copy_sources(self.root, SOURCES)

    def check(self):
        run = subprocess.run(
            [sys.executable, self.root / "test/check_rooms.py", self.root],
            capture_output=True, text=True)
        return run.returncode, run.stdout

    def add(self, path, text, listed=True):
        (self.root / path).write_text(text)
        room, _, name = path.rpartition("/")
        design = self.root / room / "DESIGN.md"
        if not name.endswith(".c"):
            return
        if design.exists():
            design.write_text(f"{design.read_text()}\n`{name}`\n")
        if listed:
            build = self.root / room / "meson.build"
            build.write_text(build.read_text().replace(
                "',\n  include_directories", f"',\n  '{name}',\n"
                "  include_directories", 1))

    def assert_fails(self, *words):
        rc, out = self.check()
        self.assertEqual(rc, 1)
        self.assertEqual(len(out.splitlines()), 1, out)
        for word in words:
            self.assertIn(word, out)

    def test_right_tree_passes(self):
        self.assertEqual(self.check()[0], 0)

    def test_right_file_passes(self):
        self.add("server/http/scratch.c", '#include "server/base/log.h"\n'
                                          '#include <event2/http.h>\n')
        self.assertEqual(self.check()[0], 0)

    def test_include_against_the_order(self):
        self.add("server/base/scratch.c", '#include "server/tls/tls.h"\n')
        self.assert_fails("server/base/scratch.c", "server/tls comes after")

    def test_include_from_a_lower_layer(self):
        self.add("handlers/net/scratch.c", '#include "server/base/log.h"\n')
        self.assert_fails("handlers/net/scratch.c", "comes after")

    def test_interface_of_handlers_is_for_all_their_rooms(self):
        self.add("handlers/body/scratch.c", '#include "handlers/handler.h"\n')
        self.assertEqual(self.check()[0], 0)
        self.add("handlers/body/scratch.c", '#include "handlers/registry.h"\n',
                 listed=False)
        self.assert_fails("handlers comes after handlers/body")

    def test_library_outside_its_rooms(self):
        self.add("server/dispatch/scratch.c", "#include <event2/http.h>\n")
        self.assert_fails("server/dispatch/scratch.c", "<event2/http.h>")

    def test_library_in_a_pure_file(self):
        file = self.root / "server/dispatch/backoff.c"
        file.write_text("#include <event2/event.h>\n" + file.read_text())
        self.assert_fails("server/dispatch/backoff.c", "<event2/event.h>")

    def test_private_header_of_another_room(self):
        self.add("server/auth/scratch_private.h", "")
        self.add("server/app/scratch.c",
                 '#include "server/auth/scratch_private.h"\n')
        self.assert_fails("server/app/scratch.c", "is private to server/auth")

    def test_second_private_header(self):
        self.add("server/auth/scratch_private.h", "")
        self.add("server/auth/other_private.h", "")
        self.assert_fails("server/auth: private headers")

    def test_long_private_header(self):
        self.add("server/auth/scratch_private.h", "\n" * 121)
        self.assert_fails("scratch_private.h: length", "121 lines")

    def test_wide_private_struct(self):
        fields = "".join(f"\tint a{i}; /* one; */\n" for i in range(26))
        self.add("server/auth/scratch_private.h",
                 f"struct scratch {{\n{fields}}};\n")
        self.assert_fails("struct scratch", "26 fields")

    def test_wide_struct_that_many_share(self):
        fields = "".join(f"\tint a{i};\n" for i in range(26))
        self.add("server/auth/scratch.h",
                 f"struct scratch {{\n{fields}}};\n")
        for name in ("one", "two"):
            self.add(f"server/auth/{name}.c", "struct scratch x;\n")
        self.assertEqual(self.check()[0], 0)
        self.add("server/auth/three.c", "struct scratch x;\n")
        self.assert_fails("struct scratch", "4 files share it")

    def test_file_in_no_room(self):
        (self.root / "server/scratch.c").touch()
        self.assert_fails("server/scratch.c", "stands in no room")

    def test_file_that_is_not_built(self):
        self.add("server/auth/scratch.c", "", listed=False)
        self.assert_fails("server/auth/scratch.c", "does not list it")

    def test_unit_test_that_is_not_built(self):
        self.add("test/unit/auth/test_scratch.c", "", listed=False)
        self.assert_fails("test_scratch.c", "does not list it")

    def test_unit_test_that_links_a_later_room(self):
        build = self.root / "test/unit/auth/meson.build"
        build.write_text(build.read_text().replace("upto['auth']",
                                                   "upto['http']"))
        self.assert_fails("upto['http']: is not for the tests of auth")

    def test_file_that_no_design_names(self):
        self.add("server/auth/scratch.c", "")
        design = self.root / "server/auth/DESIGN.md"
        design.write_text(design.read_text().replace("`scratch.c`", ""))
        self.assert_fails("scratch.c", "is not named")

    def test_design_that_names_a_file_that_is_gone(self):
        design = self.root / "server/auth/DESIGN.md"
        design.write_text(design.read_text() + "`scratch.c`\n")
        self.assert_fails("server/auth/DESIGN.md: scratch.c")

    def test_map_that_names_a_file_that_is_gone(self):
        design = self.root / "server/DESIGN.md"
        design.write_text(design.read_text() + "`auth/scratch.c`\n")
        self.assert_fails("server/DESIGN.md: auth/scratch.c")

    def test_long_design(self):
        design = self.root / "server/auth/DESIGN.md"
        design.write_text(design.read_text() + "\n" * 150)
        self.assert_fails("server/auth/DESIGN.md: length")

    def test_circle_of_headers(self):
        self.add("server/auth/one.c", '#include "server/auth/two.h"\n')
        self.add("server/auth/two.c", '#include "server/auth/three.h"\n')
        self.add("server/auth/three.h", '#include "server/auth/one.h"\n')
        self.assert_fails("circle: server/auth/one, server/auth/three, "
                          "server/auth/two")


class Circles(unittest.TestCase):
    def check(self, library, **sources):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        for name, text in sources.items():
            subprocess.run(["cc", "-x", "c", "-c", "-o", f"{name}.c.o", "-"],
                           input=text, text=True, check=True, cwd=folder.name)
        subprocess.run(["ar", "cr", library] +
                       [f"{name}.c.o" for name in sources], check=True,
                       cwd=folder.name)
        run = subprocess.run(
            [sys.executable, ROOT / "test/check_circles.py", library],
            capture_output=True, text=True, cwd=folder.name)
        return run.returncode, run.stdout

    def test_calls_in_one_direction_pass(self):
        self.assertEqual(self.check(
            "lib.a", one="void b(void); void a(void) { b(); }",
            two="void c(void); void b(void) { c(); }",
            three="void c(void) {}")[0], 0)

    def test_circle_of_calls(self):
        rc, out = self.check(
            "lib.a", one="void b(void); void a(void) { b(); }",
            two="void c(void); void b(void) { c(); }",
            three="void a(void); void (*const t[])(void) = { a };"
                  "void c(void) { t[0](); }", four="void d(void) {}")
        self.assertEqual(rc, 1)
        self.assertIn("in a circle: one, three, two", out)

    def test_declared_circle_that_is_gone(self):
        rc, out = self.check("libstore.a", queue="void a(void) {}")
        self.assertEqual(rc, 1)
        self.assertIn("there is no circle", out)


class Build(unittest.TestCase):
    """The build itself fails. Its parts are compiled as fast as can be."""

    def ninja(self, target):
        run = subprocess.run(["ninja", "-C", self.build, target],
                             capture_output=True, text=True, env=self.env)
        return run.returncode, run.stdout

    def test_build_fails(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        root = pathlib.Path(folder.name)
        copy_sources(root, BUILD)
        self.build = root / "build"
        self.env = {**os.environ, "CCACHE_BASEDIR": str(root)}
        subprocess.run(["meson", "setup", "-Dtests=enabled", "-Dbench=disabled",
                        "--buildtype=plain", self.build, root], check=True,
                       stdout=subprocess.DEVNULL, env=self.env)
        stamp, link = "test/check_rooms.stamp", "test/link_body"
        self.assertEqual(self.ninja(stamp)[0], 0)
        self.assertEqual(self.ninja(link)[0], 0)

        # A file that is added is looked at, though nothing lists it yet.
        scratch = root / "handlers/body/scratch.h"
        scratch.write_text('#include "handlers/net/dial.h"\n')
        rc, out = self.ninja(stamp)
        self.assertNotEqual(rc, 0)
        self.assertIn("handlers/net comes after handlers/body", out)
        scratch.unlink()

        # Without a header no check sees the arrow: the linker does.
        file = root / "handlers/body/event_kind.c"
        file.write_text(file.read_text() + (
            "void dial_free(void *);\nvoid event_kind_scratch(void *);\n"
            "void event_kind_scratch(void *p) { dial_free(p); }\n"))
        self.assertEqual(self.ninja(stamp)[0], 0)
        rc, out = self.ninja(link)
        self.assertNotEqual(rc, 0)
        self.assertIn("undefined reference to `dial_free'", out)


if __name__ == "__main__":
    unittest.main()
