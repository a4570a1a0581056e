"""A RabbitMQ for the tests: one server for all of them, a virtual host each.

    def test_it(rabbitmq):                       # see brokers.py
        rabbitmq.url()                       # amqp://USER@127.0.0.1:P/VHOST
        rabbitmq.user, rabbitmq.password         # with all rights there
        client = rabbitmq.client()               # an amqp_client.Client
        rabbitmq.add_user("shy", "pw", write="^$")   # patterns of its rights
        rabbitmq.kill(); rabbitmq.start()        # the whole server, same ports
        rabbitmq.alarm(); rabbitmq.end_alarm()   # memory: it takes nothing
        rabbitmq.pause(); rabbitmq.resume()      # silence: it is stopped
        rabbitmq.url(tls=True), rabbitmq.ca      # the same with TLS
        rabbitmq.evaluate("rabbit:status().")    # Erlang inside the server

Starting takes some 5 seconds, as does a restart; the server is started for the
first test that wants it, and again for one that finds it down.
"""

import pathlib
import re
import shutil
import signal
import ssl
import subprocess
import threading
import uuid

from amqp_client import Client
from conftest import DEADLINE
from unpacked import Home, end, free_port, listens

HOST = "127.0.0.1"
INSTALLED = pathlib.Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
NODE = "kl@localhost"
HIGH = 1 << 40  # bytes: no memory alarm
CONFIG = """listeners.tcp.1 = 127.0.0.1:{plain}
listeners.ssl.1 = 127.0.0.1:{secure}
ssl_options.certfile = {home}/{certificate}.pem
ssl_options.keyfile = {home}/{certificate}.key
ssl_options.verify = verify_none
vm_memory_high_watermark.absolute = {high}
disk_free_limit.absolute = 1MB
log.console = false
"""


class RabbitServer:
    """The server itself."""

    def __init__(self, pki):
        self.home = Home("rabbitmq")
        # In PATH an installed one is a script that wants its own user.
        self.command = INSTALLED if INSTALLED.exists() else (
            self.home.program("rabbitmq-server"))
        self.program = self.command.resolve()
        self.ca = pki.root.path
        self.port, self.tls_port, self.distribution, self.names = (
            free_port() for _ in range(4))
        self.process = None
        self.paused = False
        self.epmd = None
        for part in ("pem", "key"):
            self.home.copy(pki.directory / f"broker.{part}")
        self.home.write("plugins", "[].")
        self.home.write("rabbitmq.conf", CONFIG.format(
            plain=self.port, secure=self.tls_port, home=self.home.path,
            certificate="broker", high=HIGH))

    def environment(self):
        home = self.home.path
        return {
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
            "RABBITMQ_NODENAME": NODE,
            "RABBITMQ_NODE_IP_ADDRESS": HOST,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self.distribution),
            "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
            "RABBITMQ_LOG_BASE": str(home / "log"),
            "RABBITMQ_PID_FILE": str(home / "pid"),
            "RABBITMQ_ALLOW_INPUT": "1",  # so that the script becomes it
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS":
                "-kernel inet_dist_use_interface {127,0,0,1} "
                "+S 1:1 +A 4 +sbwt none -start_epmd false",
            "ERL_EPMD_PORT": str(self.names),
            "ERL_EPMD_ADDRESS": HOST,
        }

    def erlang(self, name):
        """A program of Erlang's, beside the server's or the system's own."""
        for place in (*self.program.parents, *self.command.parents):
            for found in place.glob(f"*/root/usr/bin/{name}"):
                return found
        found = shutil.which(name)
        assert found, f"no {name} beside {self.command}"
        return found

    # -- life --

    def start(self):
        if self.epmd is None:  # by ourselves: so it can be ended
            self.epmd = self.home.start([self.erlang("epmd")],
                                        self.environment())
            self._wait(lambda: listens(self.names), self.epmd, "epmd")
        self.process = self.home.start([self.command, "-noinput"],
                                       self.environment())
        self._wait(self._takes_clients, self.process, "RabbitMQ")
        return self

    def _takes_clients(self):
        if not (listens(self.port) and listens(self.tls_port)):
            return False
        return self.evaluate("rabbit:is_running().", check=False) == "true"

    def _wait(self, condition, process, what):
        ticks = threading.Event()
        for _ in range(DEADLINE * 20):
            assert process.poll() is None, f"no {what}:\n{self.log()}"
            if condition():
                return
            ticks.wait(0.05)  # nothing else says that it is there
        raise AssertionError(f"no {what}:\n{self.log()}")

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, signum=signal.SIGTERM):
        self.paused = False
        end(self, signum)

    def kill(self):
        """As a power switch would, but it knows all its quorum queues again:
        one that is younger than half a second has lost its place on disk, and
        never finds a leader (3.10)."""
        if self.alive() and not self.paused:
            self.evaluate("dets:sync(ra_directory_reverse).")
        self.stop(signal.SIGKILL)

    def pause(self):
        self.paused = True
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.paused = False
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)

    def close(self):
        self.stop(signal.SIGKILL)
        if self.epmd is not None:
            self.epmd.kill()
            self.epmd.wait()
        self.home.remove()

    def log(self):
        return self.home.log() + "".join(
            path.read_text(errors="replace")
            for path in sorted((self.home.path / "log").glob("*.log")))

    # -- inside --

    def evaluate(self, expressions, check=True):
        """What Erlang expressions give, as text."""
        cookie = self.home.path / ".erlang.cookie"
        if not cookie.exists():
            assert not check, "it has never run"
            return None
        done = subprocess.run(
            [self.erlang("erl_call"), "-c", cookie.read_text(), "-n", NODE,
             "-timeout", str(DEADLINE), "-e"], input=expressions + "\n",
            text=True, capture_output=True, env=self.environment(),
            timeout=DEADLINE)
        found = re.fullmatch(r"\{ok, (.*)\}\s*", done.stdout, re.S)
        assert found or not check, f"{expressions}: {done}"
        return found and found[1]


class Rabbit:
    """One test's virtual host, and the server that it is on."""

    def __init__(self, server):
        self.server = server
        self.vhost = f"v{uuid.uuid4().hex[:8]}"
        self.user = f"u{uuid.uuid4().hex[:8]}"
        self.password = uuid.uuid4().hex
        self.users = []
        self.ca = server.ca
        self._do("vhost:add", self.vhost, "test")
        self.add_user(self.user, self.password)

    def _do(self, call, *words):
        listed = ", ".join(f'<<"{word}">>' for word in words)
        self.server.evaluate(f"rabbit_{call}({listed}).")

    def add_user(self, name, password, configure=".*", write=".*", read=".*"):
        """It may do what these patterns match, on this virtual host only."""
        self._do("auth_backend_internal:add_user", name, password, "test")
        self.users.append(name)
        self._do("auth_backend_internal:set_permissions", name, self.vhost,
                 configure, write, read, "test")

    def url(self, user=None, tls=False):
        """As the key `url` of a handler has it."""
        place = (f"localhost:{self.server.tls_port}" if tls else
                 f"{HOST}:{self.server.port}")
        return (f"amqp{'s' if tls else ''}://{user or self.user}@{place}/"
                f"{self.vhost}")

    @property
    def port(self):
        return self.server.port

    @property
    def tls_port(self):
        return self.server.tls_port

    def client(self, tls=False):
        context = ssl.create_default_context(cafile=self.ca) if tls else None
        return Client(self.tls_port if tls else self.port, self.user,
                      self.password, self.vhost, context)

    def client_of(self, user, password):
        return Client(self.port, user, password, self.vhost)

    def start(self):
        self.server.start()
        return self

    def stop(self):
        self.server.stop()

    def kill(self):
        self.server.kill()

    def restart(self, kill=False):
        if kill:
            self.kill()
        else:
            self.stop()
        return self.start()

    def pause(self):
        self.server.pause()

    def resume(self):
        self.server.resume()

    def alarm(self):
        """The memory alarm: publishers are blocked."""
        self._watermark(1, "[_ | _]")

    def end_alarm(self):
        self._watermark(HIGH, "[]")

    def _watermark(self, limit, alarms):
        self.server.evaluate(
            "vm_memory_monitor:set_vm_memory_high_watermark"
            f"({{absolute, {limit}}}),"
            f"F = fun(F) -> case rabbit_alarm:get_alarms() of {alarms} -> ok; "
            "_ -> timer:sleep(20), F(F) end end, F(F).")

    def evaluate(self, expressions):
        return self.server.evaluate(expressions)

    def close(self):
        """Leave nothing of this test on the server."""
        if not self.server.alive():
            self.server.start()
        self.resume()
        self.end_alarm()
        for name in self.users:
            self._do("auth_backend_internal:delete_user", name, "test")
        self._do("vhost:delete", self.vhost, "test")
