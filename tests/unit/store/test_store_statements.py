"""The store's SQL lives in files: each is explained, used, and takes its values from outside."""

import re
from pathlib import Path

import pytest

from gateway.store import rows

FOLDER = Path(rows.__file__).with_name("sql")
CODE = "".join(path.read_text() for path in Path(rows.__file__).parent.glob("*.py"))
STATEMENTS = sorted(path.stem for path in FOLDER.glob("*.sql"))


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_begins_with_what_it_is_for_and_is_used(name: str) -> None:
    assert re.match(rb"-- [A-Z].*[.?:]|-- [A-Z].*\n-- ", rows.statement(name))
    assert f'"{name}"' in CODE


def test_every_statement_that_is_used_is_there() -> None:
    used = set(
        re.findall(r'(?:_fetch|_execute|_insert_rows|statement)\(\s*(?:\w+,\s*)?"(\w+)"', CODE)
    )

    assert used == set(STATEMENTS)


def test_printable_text_keeps_what_a_column_can_hold() -> None:
    assert rows.printable("plain \u2603") == "plain \u2603"
    assert rows.printable("a\0b") == "a\ufffdb"
    assert len(rows.printable("x" * 10_000)) == rows.LONGEST_TEXT


def test_a_digest_tells_messages_apart() -> None:
    assert rows.digest(b"a") == rows.digest(b"a")
    assert rows.digest(b"a") != rows.digest(b"b")
