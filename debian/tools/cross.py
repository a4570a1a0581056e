"""What the static programs are built with: for foreign machines a compiler of
Debian, and the archives of the libraries in a folder of their own.

The archives come by a private apt, one per architecture: `dpkg
--add-architecture` would change the machine, and apt-get update with it.
"""

import json
import pathlib
import subprocess

import sources

ARCHIVES = ("libc-ares-dev", "libevent-dev", "libhiredis-dev", "libjansson-dev",
            "libmbedtls-dev", "libsqlite3-dev", "zlib1g-dev")
TOOLS = sources.ROOT / "build-tools"

# Debian's name -> the compiler's prefix, the name of its processor for meson,
# its family, and what qemu calls it.
FOREIGN = {
    "arm64": ("aarch64-linux-gnu", "aarch64", "aarch64", "aarch64"),
    "armhf": ("arm-linux-gnueabihf", "arm", "armv7hl", "arm"),
}

APT = """\
APT::Architecture "{arch}";
#clear APT::Architectures;
APT::Architectures {{ "{arch}"; }};
APT::Sandbox::User "";
Dir::State "{place}/state";
Dir::State::status "{place}/status";
Dir::Cache "{place}/cache";
"""

CROSS = """\
[binaries]
c = '{prefix}-gcc'
ar = '{prefix}-gcc-ar'
strip = '{prefix}-strip'
pkgconfig = 'pkg-config'
exe_wrapper = ['{qemu}', '-L', '/usr/{prefix}']
[properties]
pkg_config_libdir = '{root}/usr/lib/{prefix}/pkgconfig'
sys_root = '{root}'
mbedtls_dirs = ['{root}/usr/lib/{prefix}']
[built-in options]
c_args = ['-I{root}/usr/include', '-I{root}/usr/include/{prefix}', '{cflag}']
c_link_args = ['-L{root}/usr/lib/{prefix}', '{ldflag}']
[host_machine]
system = 'linux'
cpu_family = '{family}'
cpu = '{cpu}'
endian = 'little'
"""


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], text=True,
                          capture_output=True, **options)
    if done.returncode != 0:
        raise SystemExit(f"package: {' '.join(map(str, command))}:\n"
                         f"{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def field(deb, name):
    return run("dpkg-deb", "-f", deb, name).strip()


def describe(deb):
    """A .deb as sbom.package() describes an installed one."""
    source = field(deb, "Source").split(" ")[0] or field(deb, "Package")
    return {"package": field(deb, "Package"), "version": field(deb, "Version"),
            "architecture": field(deb, "Architecture"), "source": source}


def archives(arch):
    """The folder with the libraries for an architecture, made once. In it
    owners.json says which package each archive is of."""
    place = TOOLS / f"archives-{arch}"
    if (place / "owners.json").exists():
        return place
    for name in ("state/lists/partial", "cache/archives/partial", "debs",
                 "root"):
        (place / name).mkdir(parents=True, exist_ok=True)
    (place / "status").touch()
    conf = place / "apt.conf"
    conf.write_text(APT.format(arch=arch, place=place))
    env = {"APT_CONFIG": str(conf), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    print(f"==> fetching the libraries for {arch}, installing nothing",
          flush=True)
    run("apt-get", "update", "-q", env=env)
    run("apt-get", "download", "-q", *ARCHIVES, cwd=place / "debs", env=env)
    owners = {}
    for deb in sorted((place / "debs").glob("*.deb")):
        run("dpkg-deb", "-x", deb, place / "root")
        for line in run("dpkg-deb", "-c", deb).splitlines():
            name = line.split(" ./", 1)[-1]
            if name.endswith(".a"):
                owners[name] = describe(deb)
    (place / "owners.json").write_text(json.dumps(owners, indent=1))
    return place


def qemu(arch):
    """The program that runs those of another architecture."""
    return (TOOLS / "qemu-user-static/root/usr/bin" /
            f"qemu-{FOREIGN[arch][3]}-static")


def cross_file(arch, place, cflag, ldflag):
    """Write what meson is to know, into place: it reads no flags from the
    environment then. Returns the file."""
    prefix, family, cpu, _ = FOREIGN[arch]
    path = pathlib.Path(place) / f"cross-{arch}.ini"
    path.write_text(CROSS.format(prefix=prefix, family=family, cpu=cpu,
                                 root=archives(arch) / "root",
                                 qemu=qemu(arch), cflag=cflag,
                                 ldflag=ldflag))
    return path
