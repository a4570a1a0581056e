"""Servers that speak TLS, and the certificates they do it with."""

import shutil
import ssl

import pytest

from certificates import Authority, write


def make_pki(directory):
    """A root, an intermediate, and leaves of two kinds signed by that."""
    authority = Authority(directory)
    middle = authority.make("middle", ca=True)
    for kind in ("ec", "rsa2048"):
        leaf = authority.make(kind, issuer=middle, kind=kind)
        write(authority.directory / f"{kind}.chain", leaf, middle)
    return authority


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    return make_pki(tmp_path_factory.mktemp("pki"))


def install(server, pki, kind):
    """Put a pair in place, as an operator's tool would: by rename."""
    for suffix, source in (("pem", f"{kind}.chain"), ("key", f"{kind}.key")):
        new = server.directory / f"new.{suffix}"
        shutil.copy(pki.directory / source, new)
        new.chmod(0o600)
        new.rename(server.directory / f"server.{suffix}")


TLS = "[tls]\ncertificate = server.pem\nkey = server.key\n"


def client(pki, **options):
    """What Python's clients trust; resumes nothing."""
    context = ssl.create_default_context(cafile=pki.root.path)
    for name, value in options.items():
        setattr(context, name, value)
    return context


@pytest.fixture
def https(klikitd, pki):
    """A factory of servers with a certificate."""

    def make(kind="ec", config="", tls="", start=True, **options):
        if "[http]" not in config:
            config = "[http]\n" + config
        if "\nlisten" not in config:
            config = config.replace("[http]\n",
                                    "[http]\nlisten = 127.0.0.1:0\n")
        server = klikitd(start=False, config=config + TLS + tls, **options)
        install(server, pki, kind)
        server.tls = client(pki)
        if start:
            server.start()
            assert server.url.startswith("https://"), server.url
        return server

    return make
