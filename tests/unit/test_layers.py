"""Who may import whom. Arrows go down, siblings do not know each other, and there is no cycle."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("gateway", "procs")

DOMAIN = {"domain"}
PORTS = DOMAIN | {"ports"}
COMPONENTS = {"executor", "listener", "manager", "actioner", "writer"}
ADAPTERS = {"wire", "venues", "store", "journal"}

ALLOWED: dict[str, set[str]] = {
    # by part of the package, which other parts it may import
    "domain": set(),
    "ports": DOMAIN,
    "paper": set(),  # a venue of its own, and the judge
    "folders": DOMAIN,
    **dict.fromkeys(COMPONENTS, PORTS),
    **dict.fromkeys(ADAPTERS, PORTS | {"folders"}),
    "config": DOMAIN,
    "system": PORTS,
    "home": {"folders"},
    "supervision": DOMAIN | {"home"},
    "client": PORTS | {"wire", "system"},
    "metrics": PORTS | COMPONENTS | {"journal", "venues", "wire"},
    "sim": PORTS | COMPONENTS | {"client", "paper", "store", "journal"},
}
COMPOSITION = {"service", "attach", "attached", "chaos", "cli", "procs", "__init__"}
"""These build the parts and run them: they may import everything."""

OUTSIDE: dict[str, set[str]] = {
    # by library, where it may be imported
    "zmq": {"wire"},
    "ccxt": {"venues"},
    "prometheus_client": {"metrics"},
    "psycopg": {"store"},
    "psycopg_pool": {"store"},
    "click": {"attached", "chaos", "cli", "procs", "sim"},
    "rich": {"cli"},
}
JUDGES = {("psycopg", "gateway/chaos/books.py"), ("psycopg", "gateway/cli/demo/verdict.py")}
"""They look past the gateway at what it keeps."""

WITHOUT_IO = DOMAIN | COMPONENTS | {"ports"}
PURE = {
    *(
        "__future__",
        "array",
        "base64",
        "bisect",
        "binascii",
        "collections",
        "contextlib",
        "dataclasses",
        "decimal",
    ),
    *("enum", "functools", "hashlib", "heapq", "inspect", "itertools", "json", "logging", "math"),
    *("msgspec", "operator", "re", "types", "typing", "gateway"),
}
"""All that the parts without I/O may import: no socket, file, clock, environment or await."""


@dataclass(frozen=True)
class Import:
    path: str
    part: str
    module: str
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line} imports {self.module}"


@cache
def trees() -> dict[Path, ast.Module]:
    files = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return {path.relative_to(ROOT): ast.parse(path.read_text()) for path in files}


def part_of(path: Path) -> str:
    """`gateway/wire/limits.py` -> `wire`, `gateway/ports.py` -> `ports`."""
    return "procs" if path.parts[0] == "procs" else path.parts[1].removesuffix(".py")


def modules_of(node: ast.AST) -> list[str]:
    """Full names: `from gateway import config` imports `gateway.config`."""
    if isinstance(node, ast.Import):
        return [name.name for name in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        module = node.module or ""
        return [f"{module}.{name.name}" for name in node.names]
    return []


def imports() -> Iterator[Import]:
    for path, tree in trees().items():
        for node in ast.walk(tree):
            for module in modules_of(node):
                line = getattr(node, "lineno", 0)
                yield Import(str(path), part_of(path), module, line)


def own_part(module: str) -> str | None:
    """The part of the gateway that a module is in; None for other libraries."""
    names = module.split(".")
    if names[0] == "procs":
        return "procs"
    if names[0] != "gateway":
        return None
    return names[1] if part_exists(names[1]) else "__init__"


def part_exists(name: str) -> bool:
    return (ROOT / "gateway" / name).is_dir() or (ROOT / "gateway" / f"{name}.py").is_file()


def test_every_part_of_the_package_has_its_place_in_the_table() -> None:
    parts = {part_of(path) for path in trees()}

    assert parts - ALLOWED.keys() - COMPOSITION == set()


def test_arrows_go_down() -> None:
    wrong = [
        str(one)
        for one in imports()
        if one.part not in COMPOSITION
        and (part := own_part(one.module)) is not None
        and part != one.part
        and part not in ALLOWED[one.part]
    ]

    assert wrong == []


@pytest.mark.parametrize("library", OUTSIDE)
def test_a_library_is_imported_only_where_it_belongs(library: str) -> None:
    wrong = [
        str(one)
        for one in imports()
        if one.module.split(".")[0] == library
        and one.part not in OUTSIDE[library]
        and (library, one.path) not in JUDGES
    ]

    assert wrong == []


def test_what_decides_does_no_io() -> None:
    wrong = [
        str(one)
        for one in imports()
        if one.part in WITHOUT_IO and one.module.split(".")[0] not in PURE
    ]

    assert wrong == []


def test_what_decides_does_not_wait_or_open_anything() -> None:
    waits = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    wrong = [
        f"{path}:{node.lineno}"
        for path, tree in trees().items()
        if part_of(path) in WITHOUT_IO
        for node in ast.walk(tree)
        if isinstance(node, waits)
        or (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in {"open", "print", "input", "exec", "eval"}
        )
    ]

    assert wrong == []


def test_imports_stand_at_the_top_and_none_is_only_for_types() -> None:
    wrong = [
        f"{path}:{node.lineno}"
        for path, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom) and node not in tree.body
    ]
    for_types = [str(one) for one in imports() if one.module == "typing.TYPE_CHECKING"]

    assert wrong == []
    assert for_types == []


def test_no_module_imports_itself_by_any_way_round() -> None:
    files = {".".join(path.with_suffix("").parts): path for path in trees()}
    names = {name.removesuffix(".__init__"): path for name, path in files.items()}
    arrows = {
        name: {target for module in file_imports(path) if (target := resolve(module, names))}
        for name, path in names.items()
    }

    assert cycle_in(arrows) is None


def file_imports(path: Path) -> list[str]:
    return [module for node in ast.walk(trees()[path]) for module in modules_of(node)]


def resolve(module: str, names: dict[str, Path]) -> str | None:
    """`gateway.domain.money.ZERO` -> `gateway.domain.money`."""
    if module in names:
        return module
    parent = module.rpartition(".")[0]
    return parent if parent in names else None


def cycle_in(arrows: dict[str, set[str]]) -> list[str] | None:
    """Some modules that import one another in a ring, or None."""
    done: set[str] = set()

    def visit(name: str, way: list[str]) -> list[str] | None:
        if name in way:
            return [*way[way.index(name) :], name]
        if name in done:
            return None
        rings = (visit(target, [*way, name]) for target in sorted(arrows[name]))
        ring = next((ring for ring in rings if ring is not None), None)
        done.add(name)
        return ring

    return next((ring for name in sorted(arrows) if (ring := visit(name, []))), None)


def test_a_ring_is_found() -> None:
    assert cycle_in({"a": {"b"}, "b": {"c"}, "c": set()}) is None
    assert cycle_in({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]


def test_the_standard_library_is_what_this_python_says() -> None:
    assert {name for name in PURE if name not in {"msgspec", "gateway"}} <= sys.stdlib_module_names
