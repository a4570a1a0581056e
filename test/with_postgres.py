#!/usr/bin/python3
"""Run a command with a throw-away PostgreSQL server, and exit as it does.

usage: with_postgres.py COMMAND [ARGUMENT...]

TEST_POSTGRES in the command's environment is the server's URL, of a user who
may do all there. Where it is set already, that server is used: so one serves a
whole run of the suites, yet each test runs by itself, too.
"""

import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "blackbox"))

SERVER = "TEST_POSTGRES"


def main():
    command = sys.argv[1:]
    if not command:
        sys.exit(__doc__)
    if SERVER in os.environ:
        os.execvp(command[0], command)
    from postgres_server import MASTER, PostgresServer
    server = PostgresServer(max_connections=200)
    try:
        url = server.start().master.url_of(MASTER)
        return subprocess.call(command, env={**os.environ, SERVER: url})
    finally:
        server.close()


if __name__ == "__main__":
    sys.exit(main())
