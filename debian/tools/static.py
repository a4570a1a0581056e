"""Programs that need nothing of the machine they run on: static-pie, without
libpq, for this architecture and for foreign ones. On armhf Debian's libc has no
static-pie (rcrt1.o): there it is a static program at fixed addresses."""

import json
import os
import pathlib
import re
import shutil
import subprocess

import cross
import sbom
import sources

NATIVE = "amd64"
ARCHITECTURES = (NATIVE, *cross.FOREIGN)
OPTIONS = ("--buildtype=release", "-Db_lto=true", "-Dprefer_static=true",
           "-Dtests=disabled", "-Dbench=disabled", "-Dpostgres=disabled",
           "-Dredis=enabled", "-Dsystemd_unit_dir=")
PIE = ("-Dstatic=pie",)
FIXED = ("-Dstatic=fixed", "-Db_pie=false")


def kind(arch):
    return FIXED if arch == "armhf" else PIE


def build(place, arch, source):
    """Build in a folder of its own. Returns the program, and the linker's
    map."""
    tree = sources.copy(place / "klikitd", source)
    flags = (f"-ffile-prefix-map={tree}=.", "-Wl,-Map=klikitd.map")
    foreign = (() if arch == NATIVE else
               ("--cross-file", cross.cross_file(arch, place, *flags)))
    env = {**os.environ, "SOURCE_DATE_EPOCH": sources.epoch(tree),
           "CFLAGS": flags[0], "LDFLAGS": flags[1]}
    with open(place / "static.log", "w") as log:
        for command in (["meson", "setup", "build", *OPTIONS, *kind(arch),
                         *foreign],
                        ["ninja", "-C", "build", "--quiet", "klikitd"]):
            done = subprocess.run(command, cwd=tree, env=env, stdout=log,
                                  stderr=log)
            if done.returncode != 0:
                raise SystemExit(
                    f"{(place / 'static.log').read_text()[-6000:]}\n"
                    f"package: the program for {arch} could not be built")
    strip = ("strip" if arch == NATIVE else
             f"{cross.FOREIGN[arch][0]}-strip")
    program = tree / "build/klikitd"
    subprocess.run([strip, program], check=True)
    return program, tree / "build/klikitd.map"


def is_static(program, arch):
    """Has it neither an interpreter nor a library, and a fixed place only where
    that cannot be helped?"""
    read = subprocess.run(["readelf", "-hld", program], check=True,
                          capture_output=True, text=True).stdout
    return ("INTERP" not in read and "(NEEDED)" not in read and
            re.search(rf"Type:\s+{'DYN' if kind(arch) == PIE else 'EXEC'}",
                      read) is not None)


def linked(linker_map, arch):
    """The packages of the archives that the link took something of."""
    text = linker_map.read_text()
    used = text[text.index("Archive member included"):
                text.index("Discarded input sections")]
    names = set(re.findall(r"^(/\S+\.a)\(", used, re.M))
    owners = {}
    if arch != NATIVE:
        place = cross.archives(arch)
        owners = json.loads((place / "owners.json").read_text())
    found = {}
    for name in names:
        path = os.path.realpath(name)
        inside = path.split("/root/", 1)[-1]
        if inside in owners:
            one = owners[inside]
        else:
            one = sbom.package(sbom.owner(path))
        found[one["package"]] = one
    return [found[name] for name in sorted(found)]


def make(out, arch, source=sources.ROOT):
    """Build one, look at it, put it into out. Returns it there, and what is
    linked into it."""
    place = pathlib.Path(out) / f"static-{arch}"
    place.mkdir(parents=True, exist_ok=True)
    program, linker_map = build(place, arch, source)
    if not is_static(program, arch):
        raise SystemExit(f"package: {program} is not linked as it should be")
    target = out / f"klikitd-{sources.version(source)}-{arch}"
    return (pathlib.Path(shutil.copy2(program, target)),
            linked(linker_map, arch))
