"""Dumps of the database, by the tools that come with the embedded PostgreSQL.

pg_dump of version 18 reads servers of every version that gateway takes, up to 18.
"""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
from psycopg import conninfo

from gateway.domain.errors import BadConfig, BadInput, Code, Unavailable
from gateway.store.embedded import installed_tree

CONNECT_S = 10
_HAS_TABLES = b"select exists (select from pg_tables where schemaname = current_schema())"


def dump(url: str, file: Path) -> None:
    """All of one moment, in PostgreSQL's custom format; nobody waits for it.

    Raises Unavailable with what pg_dump said. The file may then be there in part.
    """
    os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    _run("pg_dump", url, "--format=custom", f"--file={file}")


def restore(url: str, file: Path) -> None:
    """Into a database without tables: all of it or nothing. Raises BadInput, Unavailable."""
    if _has_tables(url):
        text = "the database has tables already; a dump goes into an empty one, and nothing else"
        raise BadInput(text, Code.NOT_READY)
    _run("pg_restore", url, "--single-transaction", "--no-owner", str(file))


def _has_tables(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=CONNECT_S) as connection:
            row = connection.execute(_HAS_TABLES).fetchone()
    except psycopg.OperationalError as error:
        raise Unavailable(_first_error(str(error)), Code.STORE_DOWN) from None
    return bool(row and row[0])


def _run(tool: str, url: str, *options: str) -> None:
    words, environment = _reach(url)
    done = subprocess.run(
        [str(installed_tree() / "bin" / tool), f"--dbname={words}", *options],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = _first_error(done.stderr)
        code = Code.STORE_DOWN if "connection to server" in said else Code.INTERNAL
        raise Unavailable(said or f"{tool} failed", code)


def _reach(url: str) -> tuple[str, Mapping[str, str]]:
    """The password goes by the environment: a command line can be read by every user."""
    try:
        given: dict[str, Any] = conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise BadConfig("the database URL is not one that PostgreSQL understands") from None
    password = given.pop("password", None)
    environment = {**os.environ, "PGCONNECT_TIMEOUT": str(CONNECT_S), "LC_ALL": "C"}
    if password is not None:
        environment["PGPASSWORD"] = str(password)
    return conninfo.make_conninfo("", **given), environment


def _first_error(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if "error:" in line]
    return (errors or lines or [""])[0]
