"""Dumps of a real database: whole or refused, and the password is in nobody's list of processes."""

import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gateway.domain.errors import BadConfig, BadInput, Code, Unavailable
from gateway.store import dumps


def run(url: str, statement: bytes) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def test_a_dump_is_restored_into_an_empty_database_only(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "a.dump"
    run(database_url, b"create table fills as select 4711 as quantity")

    dumps.dump(database_url, file)
    with pytest.raises(BadInput, match="has tables already"):
        dumps.restore(database_url, file)
    run(database_url, b"drop table fills")
    dumps.restore(database_url, file)

    assert run(database_url, b"select quantity from fills") == [(4711,)]
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_no_dump_is_refused_and_changes_nothing(
    database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "a.dump"
    file.write_text("not a dump")

    with pytest.raises(Unavailable, match="valid archive"):
        dumps.restore(database_url, file)

    assert run(database_url, b"select from pg_tables where schemaname = 'public'") == []


def test_a_database_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    for work in (dumps.dump, dumps.restore):
        with pytest.raises(Unavailable) as raised:
            work(f"postgresql://gateway@/gateway?host={tmp_path}", tmp_path / "a.dump")
        assert raised.value.code is Code.STORE_DOWN


def test_the_password_is_not_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Any] = []

    def start(words: list[str], **more: Any) -> "subprocess.CompletedProcess[str]":
        started.append((words, more["env"]))
        return subprocess.CompletedProcess(words, 0, "", "")

    monkeypatch.setattr(subprocess, "run", start)
    dumps.dump("postgresql://me:s3cret@db/desk", tmp_path / "a.dump")

    ((words, environment),) = started
    assert "s3cret" not in " ".join(words)
    assert any("host=db" in word and "dbname=desk" in word for word in words)
    assert environment["PGPASSWORD"] == "s3cret"


def test_a_url_that_cannot_be_read_is_refused_unseen(tmp_path: Path) -> None:
    with pytest.raises(BadConfig) as raised:
        dumps.dump("postgresql://me:s3cret@db/%zz", tmp_path / "a.dump")

    assert "s3cret" not in str(raised.value)
