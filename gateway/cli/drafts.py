"""Files that appear whole, under their names, or not at all."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from gateway.domain.errors import BadInput


@contextlib.contextmanager
def draft_of(file: str) -> Iterator[Path]:
    """Where to write `file`. It gets its name when the block ends well, and is on the disk then:
    a consumer's cursor may move behind what is in it."""
    path = Path(file)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield draft
        _sync(draft)
        draft.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror or error}") from error
    finally:
        draft.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
