"""Each case of docs/failure-cases.md is named by a test."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"[Cc]ases? (\d+(?:(?:, | and |, and )\d+)*)|case_(\d+)")


def cases() -> list[int]:
    text = (ROOT / "docs" / "failure-cases.md").read_text(encoding="utf-8")
    built = text.partition("## Not built yet")[0]
    return [int(number) for number in re.findall(r"^(\d+)\. ", built, re.MULTILINE)]


def named_in_tests() -> set[int]:
    texts = (path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    contracts = ((ROOT / "tests" / "contract").glob("*_contract.py"),)
    more = (path.read_text(encoding="utf-8") for paths in contracts for path in paths)
    found = (match for text in (*texts, *more) for match in NAMED.finditer(text))
    return {int(number) for match in found for number in re.findall(r"\d+", match.group())}


@pytest.mark.parametrize("number", cases())
def test_a_test_names_the_case(number: int) -> None:
    assert number in named_in_tests()
