"""The last line of a run, for the history: its figures as one JSON object."""

import json
from collections.abc import Mapping
from typing import Any

import click

MARK = "figures "


def tell_figures(figures: Mapping[str, Any]) -> None:
    click.echo(MARK + json.dumps(figures))


def figures_in(output: str) -> dict[str, Any]:
    """Of a run that printed this; empty if it did not come so far."""
    lines = [line for line in output.splitlines() if line.startswith(MARK)]
    found: dict[str, Any] = json.loads(lines[-1].removeprefix(MARK)) if lines else {}
    return found
