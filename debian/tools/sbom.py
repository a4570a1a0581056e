"""What is linked into a klikitd, with versions: a list in CycloneDX's JSON.

It is taken from the link itself: the shared libraries that the program asks
for, or the archives that the linker's map names.
"""

import hashlib
import json
import os
import pathlib
import re
import subprocess
import tempfile
import time

import sources

FIELDS = "${Package}\t${Version}\t${Architecture}\t${source:Package}\n"


def owner(path):
    """The installed package that a file is of. It may be asked for by the name
    that it has without /usr."""
    path = str(path)
    for name in (path, os.path.realpath(path), re.sub("^/usr", "", path)):
        found = subprocess.run(["dpkg-query", "-S", name], capture_output=True,
                               text=True)
        if found.returncode == 0:
            return found.stdout.rsplit(": ", 1)[0].split(",")[0]
    raise SystemExit(f"sbom: {path} is of no package")


def package(name):
    """What dpkg knows of an installed package."""
    done = subprocess.run(["dpkg-query", "-W", "-f", FIELDS, name], check=True,
                          capture_output=True, text=True)
    return dict(zip(("package", "version", "architecture", "source"),
                    done.stdout.strip().split("\t")))


def linked_to_deb(deb):
    """The packages of the shared libraries that its program is linked to."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["dpkg-deb", "-x", deb, folder], check=True)
        program = pathlib.Path(folder) / "usr/bin/klikitd"
        read = subprocess.run(["readelf", "-d", program], check=True,
                              capture_output=True, text=True).stdout
    needed = re.findall(r"\(NEEDED\).*\[(.+)\]", read)
    cache = subprocess.run(["/sbin/ldconfig", "-p"], check=True,
                           capture_output=True, text=True).stdout
    names = set()
    for library in needed:
        place = re.search(rf"^\s{re.escape(library)} .* => (\S+)$", cache,
                          re.M)
        if place is None:
            raise SystemExit(f"sbom: {library} is not installed")
        names.add(owner(place[1]))
    return [package(name) for name in sorted(names)]


def component(of):
    """A package as CycloneDX has it: named as its source is."""
    return {
        "type": "library",
        "bom-ref": f"{of['package']}@{of['version']}",
        "name": of["source"],
        "version": of["version"],
        "purl": f"pkg:deb/debian/{of['package']}@{of['version']}"
                f"?arch={of['architecture']}&distro=debian-12",
    }


def write(artifact, packages):
    """Write the list of what is linked into a result, beside it."""
    stamp = time.gmtime(int(sources.epoch()))
    components = {one["bom-ref"]: one for one in map(component, packages)}
    whole = f"klikitd@{sources.version()}"
    text = json.dumps({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", stamp),
            "component": {
                "type": "application",
                "bom-ref": whole,
                "name": "klikitd",
                "version": sources.version(),
                "licenses": [{"license": {"id": "ISC"}}],
                "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(
                    artifact.read_bytes()).hexdigest()}],
            },
        },
        "components": [components[ref] for ref in sorted(components)],
        "dependencies": [{"ref": whole, "dependsOn": sorted(components)}],
    }, indent=1)
    path = artifact.with_name(f"{artifact.name}.cdx.json")
    path.write_text(f"{text}\n")
    return path
