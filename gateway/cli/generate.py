"""Writes what is generated from the code: schemas and pages. `--check` only compares."""

from pathlib import Path

import click

from gateway.domain.codes import codes_page
from gateway.domain.diagram import life_page
from gateway.domain.schemas import message_schemas
from gateway.metrics.board import board
from gateway.metrics.catalogue import metrics_page

SCHEMAS = Path("schemas/messages")


def generated() -> dict[Path, str]:
    """Every generated file's text, by its path in the source tree."""
    files = {SCHEMAS / name: text for name, text in message_schemas().items()}
    files[Path("docs/order-life.md")] = life_page()
    files[Path("docs/codes.md")] = codes_page()
    files[Path("docs/metrics.md")] = metrics_page()
    files[Path("deploy/grafana/gateway.json")] = board()
    return files


def stale(root: Path) -> list[Path]:
    """Files that are missing or not as the code would write them, or that it no longer writes."""
    files = generated()
    wrong = [path for path, text in files.items() if _text_of(root / path) != text]
    left_over = (path.relative_to(root) for path in (root / SCHEMAS).glob("*"))
    return wrong + [path for path in left_over if path not in files]


def write(root: Path) -> list[Path]:
    """Brings the source tree up to date; what was changed."""
    files, changed = generated(), stale(root)
    for path in changed:
        if path not in files:
            (root / path).unlink()
            continue
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(files[path], encoding="utf-8")
    return changed


def _text_of(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


@click.command()
@click.option("--check", is_flag=True, help="Only compare; exit code 1 if something is stale.")
@click.option(
    "--root",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path(),
    help="The source tree.",
)
def main(check: bool, root: Path) -> None:
    """Writes the messages' schemas, pages and the Grafana board from the code."""
    changed = stale(root) if check else write(root)
    for path in changed:
        click.echo(f"{'stale' if check else 'written'}: {path}")
    if check and changed:
        raise click.exceptions.Exit(1)


if __name__ == "__main__":
    main()
