"""What is generated from the code is in the tree as the code would write it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from gateway.cli.generate import generated, main, stale, write
from gateway.domain import checks
from gateway.domain.change import ALARMS
from gateway.domain.codes import SENTENCES, codes_page
from gateway.domain.diagram import life_page
from gateway.domain.errors import Code
from gateway.domain.life import MOVES

ROOT = Path(__file__).resolve().parents[2]


def test_nothing_generated_is_stale() -> None:
    assert stale(ROOT) == [], "run: python -m gateway.cli.generate"


def test_a_changed_missing_or_left_over_file_is_found_and_mended(tmp_path: Path) -> None:
    write(tmp_path)
    place, cancel, old = (
        Path("schemas/messages") / name for name in ("place.json", "cancel.json", "old.json")
    )
    (tmp_path / place).write_text("{}")
    (tmp_path / cancel).unlink()
    (tmp_path / old).write_text("{}")

    assert set(stale(tmp_path)) == {place, cancel, old}
    checked = CliRunner().invoke(main, ["--check", "--root", str(tmp_path)])
    assert checked.exit_code == 1
    assert "stale: schemas/messages/old.json" in checked.output

    written = CliRunner().invoke(main, ["--root", str(tmp_path)])
    assert written.exit_code == 0
    assert stale(tmp_path) == []


@pytest.mark.parametrize(
    "path",
    sorted(path for path in generated() if path.parent.name == "messages"),
    ids=lambda path: path.stem,
)
def test_every_schema_is_valid_and_names_its_type(path: Path) -> None:
    parsed = json.loads(generated()[path])

    Draft202012Validator.check_schema(parsed)
    assert parsed["properties"]["type"]["enum"] == [path.stem]


def test_every_code_has_its_sentence_once() -> None:
    documented = [code for sentences in SENTENCES.values() for code in sentences]

    assert sorted(documented) == sorted(Code)
    assert all(f"| `{code}` |" in codes_page() for code in Code)


def test_every_alarm_of_an_orders_life_is_explained() -> None:
    assert all(f"| `{kind}` |" in codes_page() for kind in ALARMS)


def test_the_pages_combinations_are_those_that_are_checked() -> None:
    for order_type, (price, stop, words, post_only) in checks.COMBINATIONS.items():
        (row,) = (
            line for line in codes_page().splitlines() if line.startswith(f"| `{order_type}`")
        )
        _, _, price_cell, stop_cell, words_cell, post_only_cell, _ = row.split("|")
        assert (price_cell.strip() == "needed") is price
        assert (stop_cell.strip() == "needed") is stop
        assert (post_only_cell.strip() != "no") is post_only
        assert ("`ioc`" in words_cell) is ("ioc" in words)


def test_the_drawn_life_has_every_move() -> None:
    page = life_page()

    for fact, moves in MOVES.items():
        for before, possible in moves.items():
            for after in possible:
                start = f"    {before} --> {after}: "
                (arrow,) = (line for line in page.splitlines() if line.startswith(start))
                assert str(fact.__struct_config__.tag).replace("_", " ") in arrow
