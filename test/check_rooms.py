#!/usr/bin/python3
"""Fails on a file in no room, and on an include that points the wrong way.

usage: check_rooms.py [--stamp FILE --depfile FILE] [ROOT]

The rooms and their order stand once, in the meson.build of handlers/ and
server/. The rules:

  order    A room includes headers of the rooms before it, and of no other.
           handlers/handler.h alone, the interface of all handlers, is for
           every room of handlers/.
  foreign  A library's header is for the rooms that FOREIGN names.
  private  *_private.h is for its own room. A room has one at most, of at most
           120 lines.
  struct   No struct in it has more than 25 fields, nor any other in a header
           that more than three files name; in handlers/ and server/, but for
           those that PLAIN names.
  listed   Each .c file stands in the meson.build of its room, and each unit
           test in that of its folder, which has the name of a room; it links
           that room and those before it.
  design   Each room of handlers/ and server/ has a DESIGN.md of at most 150
           lines, two screens, that names each of its .c files, and no other
           without its folder. No DESIGN.md names a file that is not there.
  circle   Inside a room no two modules include each other's header, directly
           or over others, but for those that CIRCLES declares.

The build runs it (test/meson.build). That functions are called in that order,
too, the linker proves there; check_circles.py looks at the calls inside rooms.
"""

import argparse
import fnmatch
import pathlib
import re
import sys

# A header of a library -> the rooms, or single files, that may include it.
FOREIGN = {
    "sqlite3.h": ["store/sqlite/*",
                  "server/cli/verb_version.c"],
    "libpq-fe.h": ["store/postgres/*"],
    "mbedtls/": ["server/auth/signature.c", "server/tls/*",
                 "server/devtools/tls_dev.c", "server/cli/verb_version.c",
                 "handlers/queue/digest.c", "handlers/queue/rsa_sign.c",
                 "store/move/digest.c"],
    "hiredis/": ["handlers/queue/redis_codec.c"],
    "ares.h": ["handlers/net/*"],
    "jansson.h": ["server/base/json.[ch]", "server/base/json_write.[ch]", "server/intake/*", "server/alert/*",
                  "server/upkeep/*", "server/upstream/*",
                  "server/admin/*", "server/cli/*", "server/devtools/*",
                  "handlers/queue/*", "handlers/hub/*", "handlers/klikit/*"],
    # Routes know route.h, and no evhttp.
    "event2/http": ["handlers/net/*", "server/http/*", "server/cli/*",
                    "server/devtools/*"],
    "event2/listener.h": ["server/http/*"],
    "event2/buffer": ["handlers/net/*", "handlers/queue/*", "server/tls/*",
                      "server/http/*", "server/intake/webhook.c",
                      "server/admin/*_route.c", "server/pull/*_route.c", "server/cli/*",
                      "server/devtools/*"],
    "event2/": ["handlers/net/*", "handlers/exec/*", "handlers/queue/*", "handlers/hub/*",
                "handlers/*.[ch]", "server/base/*", "server/tls/*", "server/http/*",
                "server/dispatch/*", "server/intake/*", "server/pull/*", "server/alert/*",
                 "server/stats/*", "server/upkeep/*", "server/upstream/*",
                "server/reconcile/*",
                "server/admin/*", "server/cli/*", "server/devtools/*", "server/app/*"],
    "pthread.h": ["store/*", "handlers/exec/*", "handlers/queue/rsa_sign.c",
                  "server/base/line_writer.c", "server/tls/tls_worker.c",
                  "server/app/server.c"],
}
# Pure: they see bytes and know no loop, in a room that has one.
PURE = ["server/http/http_reader.[ch]", "server/http/http_field.[ch]",
        "server/http/http_share.[ch]", "server/dispatch/backlog.[ch]",
        "server/dispatch/backoff.[ch]", "server/dispatch/gate.[ch]",
        "server/dispatch/held.[ch]", "server/dispatch/pace.[ch]",
        "server/dispatch/run.[ch]", "server/dispatch/turn.[ch]",
        "server/stats/tally.[ch]", "server/stats/series.[ch]",
        "server/alert/alert.[ch]",
        "server/alert/alert_kind.[ch]"]

# Modules that are one thing in two files, each for itself small enough.
CIRCLES = [
    # A child and the start of one.
    {"handlers/exec/child", "handlers/exec/child_spawn"},
    # The two halves of the store's interface, what travels through it, and its
    # table of backends.
    {"store/news", "store/op", "store/store", "store/store_ops",
     "store/store_read"},
    {"store/sqlite/db", "store/sqlite/sql", "store/sqlite/sqlite"},
]

# Structs that are nothing but data, read by many and written by one room.
PLAIN = {"config"}

TOPS = ("store", "handlers", "server")
FOR_ALL_HANDLERS = "handlers/handler.h"
LINES_MAX = 120
FIELDS_MAX = 25
USERS_MAX = 3  # of a struct with more
DESIGN_MAX = 150

INCLUDE = re.compile(r'^#\s*include\s+([<"])([^>"]+)', re.M)
STRUCT = re.compile(r"^struct (\w+) \{\n(.*?)^\}", re.M | re.S)
NAMED = re.compile(r"`([a-z0-9_]+\.c)`")
NAMED_ELSEWHERE = re.compile(r"`((?:[a-z0-9_]+/)+[a-z0-9_]+\.[ch])`")
LINKED = re.compile(r"\b(upto\['\w+'\]|upto_handlers\['\w+'\]|"
                    r"lib(?:store|handlers|server)\w*)")
COMMENT = re.compile(r"/\*.*?\*/", re.S)


def rooms(root):
    """The folders of sources, in their order."""
    order = ["store/base", "store/move", "store", "store/sqlite",
             "store/postgres"]
    for top, name in (("handlers", "handlers_rooms"), ("server", "rooms")):
        build = (root / top / "meson.build").read_text()
        found = re.search(rf"^{name} = \[([^]]*)\]", build, re.M)
        order += [f"{top}/{room}" for room in re.findall(r"'(\w+)'", found[1])]
        if top == "handlers":
            order.append(top)
    return order


def room_of(path):
    return path.rpartition("/")[0]


def module_of(path):
    """A private header belongs to the module whose name it has."""
    return re.sub(r"(_private)?\.[ch]$", "", path)


def fits(path, places):
    return any(fnmatch.fnmatch(path, place) for place in places)


class Check:
    """Gathers what is wrong, a line each."""

    def __init__(self, root):
        self.root = root
        self.order = rooms(root)
        self.found = []
        self.read = []  # files that were looked at
        self.sources = []  # of handlers/ and server/
        self.uses = {}  # module -> modules of its room that it includes

    def bad(self, what, text):
        self.found.append(f"{what}: {text}")

    def text(self, path):
        self.read.append(path)
        return (self.root / path).read_text()

    def all(self):
        private = {}
        for top in TOPS:
            for file in sorted((self.root / top).rglob("*.[ch]")):
                path = file.relative_to(self.root).as_posix()
                self.one(path)
                if top != "store":
                    self.sources.append(path)
                if path.endswith("_private.h"):
                    private.setdefault(room_of(path), []).append(path)
        for room, headers in private.items():
            if len(headers) > 1:
                self.bad(f"{room}: private headers",
                         f"a room has one, not {len(headers)}")
        for room in self.order:
            if not room.startswith("store"):
                self.design(room)
        for top in TOPS:
            for file in sorted((self.root / top).rglob("DESIGN.md")):
                self.named(file.relative_to(self.root).as_posix())
        for test in sorted((self.root / "test/unit").glob("*/test_*.c")):
            self.listed(test.relative_to(self.root).as_posix(),
                        test.stem.removeprefix("test_"))
        for build in sorted((self.root / "test/unit").glob("*/meson.build")):
            self.links(build.relative_to(self.root).as_posix())
        self.structs()
        self.circles()

    def links(self, path):
        """The libraries that the unit tests of a room are linked with."""
        room = path.split("/")[2]
        own = {"store": "libstore", "handlers": "libhandlers"}.get(room)
        found = set(LINKED.findall(self.text(path)))
        right = {own or f"upto['{room}']", f"upto_handlers['{room}']"}
        for name in sorted(found - right):
            self.bad(f"{path}: {name}", f"is not for the tests of {room}")

    def one(self, path):
        room = room_of(path)
        if room not in self.order:
            self.bad(path, "stands in no room")
            return
        if path.endswith(".c"):
            # One meson.build serves all folders of the store.
            top = "store" if path.startswith("store/") else room
            self.listed(path, path.removeprefix(top + "/"), top)
        text = self.text(path)
        if path.endswith("_private.h"):
            self.private(path, text)
        for bracket, name in INCLUDE.findall(text):
            if bracket == "<":
                self.foreign(path, name)
            else:
                self.ours(path, room, name)

    def listed(self, path, name, folder=None):
        build = f"{folder or room_of(path)}/meson.build"
        if f"'{name}'" not in self.text(build):
            self.bad(path, f"{build} does not list it")

    def private(self, path, text):
        lines = text.count("\n")
        if lines > LINES_MAX:
            self.bad(f"{path}: length",
                     f"{lines} lines; a private header has {LINES_MAX}")

    def structs(self):
        """Those with many fields, and how many files name them."""
        texts = [(self.root / path).read_text() for path in self.sources]
        for path, text in zip(self.sources, texts):
            if not path.endswith(".h"):
                continue
            for name, body in STRUCT.findall(COMMENT.sub("", text)):
                # Members of a struct inside count as well: all see them.
                fields = body.count(";")
                if fields <= FIELDS_MAX or name in PLAIN:
                    continue
                word = re.compile(rf"\bstruct {name}\b")
                users = sum(1 for other in texts if word.search(other))
                if path.endswith("_private.h") or users > USERS_MAX:
                    self.bad(f"{path}: struct {name}",
                             f"{fields} fields; {users} files share it")

    def design(self, room):
        path = f"{room}/DESIGN.md"
        if not (self.root / path).exists():
            self.bad(path, "is missing")
            return
        text = self.text(path)
        if text.count("\n") > DESIGN_MAX:
            self.bad(f"{path}: length", f"has more than {DESIGN_MAX} lines")
        named = set(NAMED.findall(text))
        files = {file.name for file in (self.root / room).glob("*.c")}
        for name in sorted(files - named):
            self.bad(f"{path}: {name}", "this file of the room is not named")
        for name in sorted(named - files):
            self.bad(f"{path}: {name}", "there is no such file in this room")

    def named(self, path):
        """A path is from the text's own folder, from its top, or the root."""
        places = (room_of(path), path.partition("/")[0], "")
        for name in sorted(set(NAMED_ELSEWHERE.findall(self.text(path)))):
            if not any((self.root / place / name).exists()
                       for place in places):
                self.bad(f"{path}: {name}", "there is no such file")

    def foreign(self, path, name):
        for header, places in FOREIGN.items():
            if name.startswith(header):
                if not fits(path, places) or fits(path, PURE):
                    self.bad(f"{path}: <{name}>",
                             f"is for {', '.join(places)}")
                return

    def ours(self, path, room, name):
        other = room_of(name)
        key = f"{path}: {name}"
        if other == room:
            self.uses.setdefault(module_of(path), set()).add(module_of(name))
        elif other not in self.order:
            self.bad(key, "stands in no room")
        elif name == FOR_ALL_HANDLERS and room.startswith("handlers"):
            return
        elif self.order.index(other) > self.order.index(room):
            self.bad(key, f"{other} comes after {room}")
        elif name.endswith("_private.h"):
            self.bad(key, f"is private to {other}")
        elif (not room.startswith("store") and
              (name in ("store/store_ops.h", "store/op.h") or
               other in ("store/sqlite", "store/postgres"))):
            self.bad(key, "is private to the store")

    def circles(self):
        for circle in strong(self.uses):
            if not any(circle <= declared for declared in CIRCLES):
                names = ", ".join(sorted(circle))
                self.bad(f"circle: {names}", "they include each other")
        for declared in CIRCLES:
            if not any(circle == declared for circle in strong(self.uses)):
                names = ", ".join(sorted(declared))
                self.bad(f"CIRCLES: {names}", "there is no such circle")


def strong(uses):
    """The strongly connected sets of a graph that have several members."""
    number, low, stack, sets = {}, {}, [], []

    def visit(node):
        number[node] = low[node] = len(number)
        stack.append(node)
        for other in sorted(uses.get(node, ())):
            if other not in number:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], number[other])
        if low[node] == number[node]:
            at = stack.index(node)
            sets.append(set(stack[at:]))
            del stack[at:]

    for node in sorted(uses):
        if node not in number:
            visit(node)
    return [found for found in sets if len(found) > 1]


def write_depfile(check, stamp, depfile):
    """What the answer came from: the files, and folders for new ones."""
    paths = {check.root / path for path in check.read}
    paths |= {check.root / top / "meson.build" for top in TOPS}
    for top in (*TOPS, "test/unit"):
        paths.add(check.root / top)
        paths |= {path for path in (check.root / top).rglob("*")
                  if path.is_dir()}
    names = " ".join(str(path).replace(" ", r"\ ") for path in sorted(paths))
    depfile.write_text(f"{stamp}: {names}\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("root", nargs="?", type=pathlib.Path,
                        default=pathlib.Path(__file__).resolve().parent.parent)
    parser.add_argument("--stamp", type=pathlib.Path)
    parser.add_argument("--depfile", type=pathlib.Path)
    args = parser.parse_args()
    check = Check(args.root)
    check.all()
    for line in check.found:
        print(line)
    if check.found:
        return 1
    if args.stamp is None:
        print("check_rooms: every file has its room, every include points "
              "the right way")
    else:
        write_depfile(check, args.stamp, args.depfile)
        args.stamp.touch()
    return 0


if __name__ == "__main__":
    sys.exit(main())
