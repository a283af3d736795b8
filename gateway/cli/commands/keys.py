"""`gateway keys`."""

from pathlib import Path

import click

from gateway.cli.command import Command
from gateway.cli.printing import as_json, show
from gateway.cli.setting import Setting
from gateway.domain.errors import BadConfig
from gateway.domain.identity import is_name
from gateway.wire.curve import save_pair

EXAMPLES = """
gateway keys gateway
gateway keys desk --folder clients
"""


@click.command("keys", cls=Command, examples=EXAMPLES)
@click.argument("name")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Where to. [here]",
)
@click.pass_obj
def command(setting: Setting, name: str, folder: Path) -> None:
    """Make a pair of CURVE keys, NAME.key and NAME.key_secret, for connections over tcp.

    The secret one is readable by you alone and stays where its owner runs; the other side is given
    NAME.key. A key that is there already is never overwritten. docs/configuration.md says which
    side wants which.
    """
    if not is_name(name):
        raise BadConfig("a key's name has 1 to 64 letters, digits, '_', '.' or '-'")
    public, secret = folder / f"{name}.key", folder / f"{name}.key_secret"
    for file in (public, secret):
        if file.exists():
            raise BadConfig(f"{file} exists; nothing was written")
    _make(folder)
    save_pair(folder, name)
    if setting.as_json:
        as_json({"public": str(public.absolute()), "secret": str(secret.absolute())})
    else:
        show(f"written: {public}, for the other side, and {secret}, which stays secret")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise BadConfig(f"{folder}: {error.strerror}") from error
