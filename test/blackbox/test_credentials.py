"""Files that a service manager hands over: LoadCredential= of systemd."""

import pytest

from conftest import SECRET, payload, run
from https import client, pki  # noqa: F401 (a fixture)

BODY = payload("created-small.json")
OTHER = b"another secret of klikit"


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "credentials"
    made.mkdir()
    return made


def put(folder, name, data):
    path = folder / name
    path.write_bytes(data)
    path.chmod(0o400)
    return path


def served(klikitd, folder, config="", secret=None, **env):
    return klikitd(secret=secret, config=config, env={
        "CREDENTIALS_DIRECTORY": str(folder), **env})


def signed_by(server, secret):
    server.secret = secret
    return server.deliver(BODY)[0]


def test_the_secret_needs_no_configuration(klikitd, folder):
    path = put(folder, "klikit-secret", SECRET + b"\n")
    server = served(klikitd, folder)
    assert f"secret default: {len(SECRET)} bytes" in server.log()
    assert f"from {path}" in server.log()
    assert signed_by(server, SECRET) == 200
    server.reload()
    assert signed_by(server, SECRET) == 200


@pytest.mark.parametrize("way", ["variable", "file variable", "key", "flag"])
def test_whatever_is_named_wins(klikitd, folder, tmp_path, way):
    put(folder, "klikit-secret", SECRET)
    file = tmp_path / "named"
    file.write_bytes(OTHER)
    file.chmod(0o400)
    env = {"CREDENTIALS_DIRECTORY": str(folder)}
    if way == "file variable":
        env["KLIKIT_WEBHOOK_SECRET_FILE"] = str(file)
    server = klikitd(
        secret=OTHER if way == "variable" else None, env=env,
        config=f"[klikit]\nsecret_file = {file}\n" if way == "key" else "",
        args=["--klikit.secret_file", str(file)] if way == "flag" else [])
    server.expect("signature does not match", "delivery ", "rejection")
    assert signed_by(server, SECRET) == 401
    assert signed_by(server, OTHER) == 200


def test_the_token_guards_the_admin_listener(klikitd, folder):
    put(folder, "admin-token", b"a-token-of-the-operator\n")
    server = served(klikitd, folder, secret=SECRET)
    server.expect("admin: refused")
    assert server.ask("GET", "/api/v1/status")[0] == 401
    assert server.ask("GET", "/api/v1/status", headers={
        "Authorization": "Bearer a-token-of-the-operator"})[0] == 200
    # A verb that is asked to change something has it from there as well.
    done = run("pause", "orders", "-c", server.config, env=server.env)
    assert done.returncode == 0, done.stderr
    server.wait_log("handler orders: paused")
    # In a store of several receivers a verb does it without a server.
    done = run("pause", "orders", "-c", server.config)
    assert done.returncode == (0 if server.store else 1)


def test_certificate_and_key_make_it_speak_https(klikitd, folder, pki):
    for name, source in (("tls-certificate", "ec.chain"),
                         ("tls-key", "ec.key")):
        put(folder, name, (pki.directory / source).read_bytes())
    server = served(klikitd, folder, secret=SECRET)
    assert server.urls[0].startswith("https://")
    server.tls = client(pki)
    assert server.deliver(BODY)[0] == 200
    server.reload()
    assert server.deliver(BODY)[0] == 200


def test_a_key_for_the_certificate_of_the_configuration(klikitd, folder, pki,
                                                         tmp_path):
    chain = tmp_path / "chain.pem"
    chain.write_bytes((pki.directory / "ec.chain").read_bytes())
    put(folder, "tls-key", (pki.directory / "ec.key").read_bytes())
    server = served(klikitd, folder, secret=SECRET,
                    config=f"[tls]\ncertificate = {chain}\n")
    server.tls = client(pki)
    assert server.deliver(BODY)[0] == 200


def test_a_key_alone_is_let_lie(klikitd, folder, pki):
    put(folder, "tls-key", (pki.directory / "ec.key").read_bytes())
    server = served(klikitd, folder, secret=SECRET)
    assert server.urls[0].startswith("http://")


def test_each_key_that_names_a_file_takes_one(klikitd, folder):
    put(folder, "klikit.old", OTHER)
    server = served(klikitd, folder, secret=SECRET, config=(
        "[secret old]\nfile = credential:klikit.old\n"))
    assert signed_by(server, OTHER) == 200
    assert signed_by(server, SECRET) == 200


@pytest.mark.parametrize("name, words", [
    ("", "names no credential"), ("../secret", "names no credential"),
    ("a/b", "names no credential"), ("missing", "No such file")])
def test_what_is_no_credential_is_refused(folder, tmp_path, name, words):
    config = tmp_path / "klikitd.ini"
    config.write_text(f"[klikit]\nsecret_file = credential:{name}\n")
    done = run("check-config", "-c", config,
               env={"CREDENTIALS_DIRECTORY": str(folder)})
    assert done.returncode == 1 and words in done.stderr.decode()


def test_without_a_manager_it_says_who_hands_them_over(tmp_path):
    config = tmp_path / "klikitd.ini"
    config.write_text("[klikit]\nsecret_file = credential:klikit-secret\n")
    done = run("check-config", "-c", config)
    assert done.returncode == 1
    assert ("klikit.secret_file: \"credential:klikit-secret\": the service "
            "manager hands over no credentials here") in done.stderr.decode()
    config.write_text("")
    done = run("check-config", "-c", config)
    assert b"as the credential klikit-secret" in done.stderr


@pytest.mark.parametrize("verb", ["check-config", "doctor"])
def test_verbs_see_what_the_service_has(folder, tmp_path, verb):
    path = put(folder, "klikit-secret", SECRET)
    config = tmp_path / "klikitd.ini"
    config.write_text("")
    done = run(verb, "-c", config, env={"CREDENTIALS_DIRECTORY": str(folder)})
    assert done.returncode == 0, done.stderr
    assert str(path) in done.stdout.decode()
