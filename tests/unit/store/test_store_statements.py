"""The store's SQL lives in files: each is explained, used, and takes its values from outside."""

import re
from pathlib import Path

import pytest

from gateway.store import rows

FOLDER = Path(rows.__file__).with_name("sql")
CODE = "".join(path.read_text() for path in Path(rows.__file__).parent.glob("*.py"))
BY_NAME = re.compile(r'(?:_fetch|_execute|_insert_rows|_try|statement)\(\s*(?:\w+,\s*)?"(\w+)"')
LET_GO_OF = re.compile(r'\.delete\("(\w+)"|for what in \(([^)]*)\)')
"""Retention puts `delete_` before what it lets go of."""
STATEMENTS = sorted(path.stem for path in FOLDER.glob("*.sql"))


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_begins_with_what_it_is_for_and_is_used(name: str) -> None:
    assert re.match(rb"-- [A-Z].*[.?:]|-- [A-Z].*\n-- ", rows.statement(name))
    assert name in used()


def used() -> set[str]:
    lists = [one or many for one, many in LET_GO_OF.findall(CODE)]
    deleted = {f"delete_{what}" for names in lists for what in re.findall(r"\w+", names)}
    return {*BY_NAME.findall(CODE), *deleted}


def test_every_statement_that_is_used_is_there() -> None:
    assert used() - set(STATEMENTS) == set()


def test_printable_text_keeps_what_a_column_can_hold() -> None:
    assert rows.printable("plain \u2603") == "plain \u2603"
    assert rows.printable("a\0b") == "a\ufffdb"
    assert len(rows.printable("x" * 10_000)) == rows.LONGEST_TEXT


def test_a_digest_tells_messages_apart() -> None:
    assert rows.digest(b"a") == rows.digest(b"a")
    assert rows.digest(b"a") != rows.digest(b"b")
