"""The manager as a program."""

import sys
from pathlib import Path

import click

from gateway.domain.enums import Role
from gateway.service.manager import ManagerService
from gateway.service.runner import run


@click.command()
@click.option(
    "--config",
    envvar="GATEWAY_CONFIG",
    type=click.Path(path_type=Path),
    help="The TOML file. [the embedded defaults]",
)
def main(config: Path | None) -> None:
    """Run the manager until SIGTERM."""
    sys.exit(run(Role.MANAGER, ManagerService, config))


if __name__ == "__main__":
    main()
