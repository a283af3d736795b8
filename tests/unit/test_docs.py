"""The pages for people: what they point at is there, and what they name is called that."""

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from gateway.supervision import CHECKOUT

PAGES = [
    *(CHECKOUT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((CHECKOUT / "docs").glob("*.md")),
]
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FOLDERS = "gateway|tests|docs|schemas|procs|examples|benchmarks|deploy"
PATH = re.compile(rf"`((?:{FOLDERS})/[\w./*-]*)`")
TEST = re.compile(r"`(test_\w+)`")
CODE = re.compile(r"^```.*?^```$|`[^`]+`", re.MULTILINE | re.DOTALL)
MAKE = re.compile(r"(?:^|`)make ([a-z]+)", re.MULTILINE)


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def named(page: Path) -> str:
    return str(page.relative_to(CHECKOUT))


def anchors_of(page: Path) -> set[str]:
    headings = HEADING.findall(FENCE.sub("", text_of(page)))
    kept = (re.sub(r"[^\w -]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in kept}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in LINK.findall(FENCE.sub("", text_of(page))):
        if link.startswith(("https://", "http://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_relative_to(CHECKOUT), link
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), link


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_path_that_a_page_names_is_there(page: Path) -> None:
    missing = [path for path in PATH.findall(text_of(page)) if not any(CHECKOUT.glob(path))]

    assert missing == []


@cache
def names_of_tests() -> set[str]:
    trees = (ast.parse(text_of(path)) for path in (CHECKOUT / "tests").rglob("*.py"))
    nodes = (node for tree in trees for node in ast.walk(tree))
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_test_that_a_page_names_is_there(page: Path) -> None:
    files = {path.stem for path in (CHECKOUT / "tests").rglob("test_*.py")}

    assert set(TEST.findall(text_of(page))) - names_of_tests() - files == set()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_make_target_that_a_page_names_is_one(page: Path) -> None:
    for target in sorted(set(MAKE.findall("\n".join(CODE.findall(text_of(page)))))):
        dry = ["make", "--dry-run", target]
        assert subprocess.run(dry, cwd=CHECKOUT, capture_output=True, check=False).returncode == 0


def test_the_readme_shows_every_part_of_the_package() -> None:
    blocks = FENCE.findall(text_of(CHECKOUT / "README.md"))
    tree = next(block for block in blocks if "procs/" in block)
    parts = {path.name for path in (CHECKOUT / "gateway").glob("[a-z]*") if path.name != "py.typed"}

    assert parts - set(re.split(r"[\s,/]+", tree)) == set()


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, new = set(), {CHECKOUT / "README.md"}
    while new:
        page = new.pop()
        reached.add(page)
        links = (link.partition("#")[0] for link in LINK.findall(text_of(page)))
        new |= {(page.parent / link).resolve() for link in links if link} & set(PAGES) - reached

    assert set(PAGES) - reached == set()
