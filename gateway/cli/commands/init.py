"""`gateway init`."""

import os
from importlib.resources import files
from pathlib import Path

import click

from gateway.cli.command import Command
from gateway.cli.printing import as_json, show
from gateway.cli.setting import CONFIG_HERE, Setting
from gateway.config import PaperSection
from gateway.domain.errors import BadConfig

EXAMPLES = """
gateway init
gateway init /srv/desk/gateway.toml
"""
TEMPLATE = "init.toml"


@click.command("init", cls=Command, examples=EXAMPLES)
@click.argument("file", type=click.Path(path_type=Path), default=CONFIG_HERE)
@click.option(
    "--paper-port",
    type=click.IntRange(1, 65535),
    default=PaperSection().port,
    show_default=True,
    envvar="GATEWAY_PAPER_PORT",
    help="Where the paper venue will listen.",
)
@click.pass_obj
def command(setting: Setting, file: Path, paper_port: int) -> None:
    """Write a commented configuration to FILE [gateway.toml], which must not exist.

    It trades on the paper venue that runs beside the gateway, until you change it.
    """
    write(file, text(paper_port))
    if setting.as_json:
        as_json({"file": str(file.absolute())})
    else:
        show(f"written: {file}. Next: gateway check, gateway up")


def text(paper_port: int = PaperSection().port) -> str:
    template = files("gateway.cli").joinpath(TEMPLATE).read_text(encoding="utf-8")
    return template.replace("PAPER_PORT", str(paper_port))


def write(file: Path, content: str) -> None:
    """Closed to others: somebody may put a secret into it."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise BadConfig(f"{file} exists; it is left as it is") from None
    except OSError as error:
        raise BadConfig(f"{file}: {error.strerror}") from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(content)
