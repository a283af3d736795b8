"""`gateway decode`."""

import binascii
import sys
from pathlib import Path

import click

from gateway.cli.command import Command
from gateway.cli.frames import frame_lines, is_journal, journal_lines
from gateway.cli.printing import as_json_lines
from gateway.domain.errors import BadInput, Code

EXAMPLES = """
gateway decode var/journal/executor
gateway decode frame.bin
echo 81a474797065a568656c6c6f | gateway decode --hex -
"""


@click.command("decode", cls=Command, examples=EXAMPLES)
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--hex", "is_hex", is_flag=True, help="The frame is written in hexadecimal digits.")
def command(file: Path, is_hex: bool) -> None:
    """Any frame or journal as JSON, one line a message or record.

    FILE is a journal's folder, one of its segments, a file with one or more frames, or - for
    stdin. `valid_in` says where the gateway would take the message. It works beside a live writer.
    """
    if str(file) != "-" and not file.exists():
        raise BadInput(f"there is no {file}")
    try:
        lines = journal_lines(file) if is_journal(file) else frame_lines(_frames(file, is_hex))
        as_json_lines(lines)
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror}") from error


def _frames(file: Path, is_hex: bool) -> bytes:
    data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    if not is_hex:
        return data
    try:
        return bytes.fromhex(data.decode())
    except (ValueError, binascii.Error):
        raise BadInput("not hexadecimal digits", Code.UNDECODABLE) from None
