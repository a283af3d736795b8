"""The embedded PostgreSQL as a program: makes its cluster the first time, then becomes postgres."""

import os
from pathlib import Path

import click

from gateway.domain.errors import GatewayError
from gateway.home import Home
from gateway.store.embedded import EmbeddedPostgres
from gateway.supervision import require_parent


@click.command()
@click.option("--data", type=click.Path(path_type=Path), help="The cluster. [home/postgres]")
@click.option("--runtime", type=click.Path(path_type=Path), help="For its socket. [home/run]")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A server parameter.")
def main(data: Path | None, runtime: Path | None, settings: tuple[str, ...]) -> None:
    """Run the gateway's own PostgreSQL. Stop it with INT."""
    home = Home.from_environment(os.environ)
    chosen = dict(_parameter(setting) for setting in settings)
    try:
        require_parent(os.environ)
        EmbeddedPostgres(data or home.postgres, runtime or home.run, chosen).exec()
    except GatewayError as error:
        raise click.ClickException(str(error)) from error


def _parameter(setting: str) -> tuple[str, str]:
    name, equals, value = setting.partition("=")
    if not (name and equals):
        raise click.BadParameter(f"{setting!r} is not NAME=VALUE")
    return name, value


if __name__ == "__main__":
    main()
