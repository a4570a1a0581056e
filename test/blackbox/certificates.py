"""Certificates for tests, made by openssl: a root, intermediates, leaves."""

import pathlib
import subprocess

SANS = "DNS:localhost,IP:127.0.0.1,IP:::1"


def openssl(*args, input=None):
    done = subprocess.run(["openssl", *map(str, args)], input=input,
                          capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


class Certificate:
    """A certificate and its key, as files NAME.pem and NAME.key."""

    def __init__(self, directory, name):
        self.name = name
        self.path = pathlib.Path(directory) / f"{name}.pem"
        self.key = pathlib.Path(directory) / f"{name}.key"

    @property
    def text(self):
        return self.path.read_text()


class Authority:
    """Makes certificates in a directory; the first is its root."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(exist_ok=True)
        self.serial = 0
        self.root = self.make("root", None, ca=True)

    def key(self, cert, kind):
        if kind.startswith("rsa"):
            openssl("genrsa", "-out", cert.key, kind[3:])
        else:
            openssl("ecparam", "-genkey", "-name", "prime256v1", "-noout",
                    "-out", cert.key)
        cert.key.chmod(0o600)

    def make(self, name, issuer="root", ca=False, sans=SANS, kind="ec",
             start=None, end=None, digest="sha256", usage=None):
        """issuer: a Certificate, "root", or None to sign itself.

        start, end: YYYYMMDDHHMMSSZ; else from now on, for 90 days.
        """
        if issuer == "root":
            issuer = self.root
        self.serial += 1
        cert = Certificate(self.directory, name)
        self.key(cert, kind)
        request = openssl("req", "-new", "-key", cert.key, "-subj",
                          f"/CN={name}")
        lines = ["basicConstraints=critical,CA:" + ("TRUE" if ca else "FALSE")]
        if sans and not ca:
            lines.append("subjectAltName=" + sans)
        if usage:
            lines.append("extendedKeyUsage=" + usage)
        (self.directory / "ext").write_text("\n".join(lines) + "\n")
        (self.directory / "index").write_text("")
        (self.directory / "serial").write_text(f"{self.serial:04x}\n")
        (self.directory / "ca.cnf").write_text(
            "[ca]\ndefault_ca = d\n[d]\n"
            f"database = {self.directory}/index\n"
            f"serial = {self.directory}/serial\n"
            f"new_certs_dir = {self.directory}\n"
            "policy = p\nunique_subject = no\nrand_serial = no\n"
            "[p]\ncommonName = supplied\n")
        (self.directory / "csr").write_bytes(request)
        signer = ["-selfsign", "-keyfile", cert.key] if issuer is None else [
            "-cert", issuer.path, "-keyfile", issuer.key]
        dates = (["-startdate", start] if start else []) + (
            ["-enddate", end] if end else ["-days", "90"])
        openssl("ca", "-batch", "-notext", "-config",
                self.directory / "ca.cnf", "-in", self.directory / "csr",
                "-out", cert.path, "-md", digest, "-extfile",
                self.directory / "ext", *signer, *dates)
        return cert


def write(path, *certs):
    """One file with several certificates, in this order."""
    path = pathlib.Path(path)
    path.write_text("".join(cert.text for cert in certs))
    return path
