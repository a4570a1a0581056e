"""Programs and modules that `./run test` has unpacked, and homes for servers.

    program("redis-server")     its path: from PATH, else from build-tools/
    module("botocore")          import a module of Debian's Python
    node_modules("bullmq")      NODE_PATH for what npm has installed there
    Home(directory)             where a server's files are; as root it belongs
                                to `nobody`, and so does what home.start() runs

What cannot be had fails the test. A server never runs as root.
"""

import contextlib
import importlib
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

from conftest import DEADLINE, ROOT

NOBODY = 65534
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}",
             "--clear-groups", "--"] if os.geteuid() == 0 else []
# Below those that the kernel gives to others while a server is down.
PORTS = range(20000, 32000)


def folders():
    """Those that hold unpacked packages, as `run` makes them."""
    for entry in os.environ["PATH"].split(":"):
        if os.access(pathlib.Path(entry).parent, os.R_OK | os.X_OK):
            yield pathlib.Path(entry).parent
    yield ROOT / "build-tools"


def program(name):
    """The path of a program."""
    found = shutil.which(name) or shutil.which(
        name, path=ROOT / "build-tools" / "bin")
    assert found, f"no {name}: `./run test` unpacks it"
    return pathlib.Path(found)


def module(name):
    """A module of Debian's Python, unpacked or installed."""
    with contextlib.suppress(ModuleNotFoundError):
        return importlib.import_module(name)
    for folder in folders():
        for place in folder.glob("*/root/usr/lib/python3/dist-packages"):
            if str(place) not in sys.path:
                sys.path.append(str(place))
    importlib.invalidate_caches()
    return importlib.import_module(name)


def python_path():
    """What PYTHONPATH is for a process that wants such modules."""
    return ":".join(str(place) for folder in folders() for place in
                    folder.glob("*/root/usr/lib/python3/dist-packages"))


def node_modules(name):
    """The folder in which npm has installed that package for the tests."""
    for folder in folders():
        if (folder / "bullmq" / "node_modules" / name).is_dir():
            return folder / "bullmq" / "node_modules"
    raise AssertionError(f"no {name}: `./run test blackbox` installs it")


def end(server, signum, last=signal.SIGKILL):
    """Have server.process end by that signal, even if it is stopped."""
    if server.process is None:
        return
    server.process.send_signal(signal.SIGCONT)
    server.process.send_signal(signum)
    try:
        server.process.wait(DEADLINE)
    except subprocess.TimeoutExpired:
        server.process.send_signal(last)
        server.process.wait(DEADLINE)
        raise AssertionError(f"it does not end:\n{server.log()}") from None
    finally:
        server.process = None


def free_port():
    """A port that nobody has on any address, and that no connection or
    listener on port 0 is given while its server is down."""
    for port in random.SystemRandom().sample(PORTS, 100):
        with socket.socket() as sock, contextlib.suppress(OSError):
            sock.bind(("", port))
            return port
    raise AssertionError("no port is free")


def listens(port):
    with socket.socket() as sock:
        sock.settimeout(DEADLINE)
        return sock.connect_ex(("127.0.0.1", port)) == 0


class Home:
    """A server's folder, and the processes that run there."""

    def __init__(self, name, folder=None):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix=f"klikitd-{name}-",
                                                  dir=folder))
        self.give(self.path)

    def give(self, path):
        """Let the server have a file."""
        if AS_NOBODY:
            os.chown(path, NOBODY, NOBODY)
        return path

    def write(self, name, data):
        path = self.path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        path.chmod(0o600)
        return self.give(path)

    def copy(self, path):
        return self.write(path.name, path.read_bytes())

    def program(self, name):
        """A program that who runs here can reach: the sources may lie in a
        folder that is closed to others."""
        return self._reachable(program(name))

    def program_in(self, folder, name):
        """The same, of what was unpacked into that folder."""
        return self._reachable(folder / "bin" / name)

    def _reachable(self, found):
        if self._may_run(found):
            return found
        tools = self.path / "tools"
        (tools / "bin").mkdir(parents=True, exist_ok=True)
        shutil.copy(found, tools / "bin")
        package = found.read_text().split("\nroot=$root/")[1].split("/")[0]
        if not (tools / package).exists():
            shutil.copytree(found.parent.parent / package, tools / package,
                            symlinks=True)
        return tools / "bin" / found.name

    def _may_run(self, path):
        return not AS_NOBODY or subprocess.run(
            [*AS_NOBODY, "test", "-x", path]).returncode == 0

    def start(self, command, env=None, log="output"):
        """A process of whoever runs here; what it prints is in the log."""
        env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(self.path),
               "LANG": "C.UTF-8", **(env or {})}
        with open(self.path / log, "ab") as out:
            return subprocess.Popen(
                [*AS_NOBODY, *map(str, command)], cwd=self.path, env=env,
                stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    def log(self, name="output"):
        path = self.path / name
        return path.read_text(errors="replace") if path.exists() else ""

    def remove(self):
        if self.path.exists():
            shutil.rmtree(self.path)
