"""Secrets: where they are found, and how they are read without being shown."""

import os
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    model_validator,
)

from gateway.domain.errors import BadConfig

SECRET_COMMAND_SECONDS = 30
MAX_SECRET_BYTES = 64 * 1024


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


def _beside_the_file(value: str, info: ValidationInfo) -> str:
    """A relative path starts at the configuration's folder, wherever the process runs."""
    folder = (info.context or {}).get("folder", Path())
    return str(folder / Path(value).expanduser())


PathText = Annotated[str, AfterValidator(_beside_the_file)]


class Secret(Section):
    """Where a secret is found: exactly one of `env`, `file`, `command` and `value`.

    `value` is in clear: for the paper venue, or with `in_clear = true`, which says that it is
    meant. The configuration's file must then be closed to others.
    """

    env: str | None = None
    file: PathText | None = None
    command: str | None = Field(default=None, repr=False)
    value: SecretStr | None = None
    in_clear: bool = False

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [s for s in (self.env, self.file, self.command, self.value) if s is not None]
        if len(given) != 1:
            raise ValueError("give exactly one of env, file, command, value")
        if self.in_clear and self.value is None:
            raise ValueError("in_clear goes with value only")
        return self

    def read(self, key: str) -> str:
        """The secret itself. Raises BadConfig, naming `key` but never what was found."""
        if self.value is not None:
            found = self.value.get_secret_value()
        elif self.env is not None:
            found = os.environ.get(self.env, "")
        elif self.file is not None:
            found = _from_file(Path(self.file), key)
        else:
            found = _from_command(self.command or "", key)
        if not found:
            raise BadConfig(f"{key}: nothing is found in {self._source}")
        return found

    @property
    def _source(self) -> str:
        if self.env is not None:
            return f"the environment variable {self.env}"
        return self.file or ("the output of its command" if self.command else "its value")


def read_secrets(named: Mapping[str, Secret | None]) -> dict[str, str]:
    """All of them, by the keys they were given under; None is left out.

    Raises BadConfig with a line for each that can't be read.
    """
    found: dict[str, str] = {}
    problems = []
    for key, secret in named.items():
        if secret is None:
            continue
        try:
            found[key] = secret.read(key)
        except BadConfig as error:
            problems.append(str(error))
    if problems:
        raise BadConfig("\n".join(problems))
    return found


def is_open_to_others(mode: int) -> bool:
    return bool(stat.S_IMODE(mode) & 0o077)


def _from_file(path: Path, key: str) -> str:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe could wait for ever
            raise BadConfig(f"{key}: {path} is not a file")
        with path.open("rb") as file:
            if is_open_to_others(os.fstat(file.fileno()).st_mode):
                raise BadConfig(f"{key}: others can read {path}; use chmod 600")
            return file.read(MAX_SECRET_BYTES).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise BadConfig(f"{key}: cannot read {path}: {reason}") from None


def _from_command(command: str, key: str) -> str:
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=SECRET_COMMAND_SECONDS,
        )
        return done.stdout.decode().strip()
    except subprocess.CalledProcessError as error:
        raise BadConfig(f"{key}: its command ended with code {error.returncode}") from None
    except subprocess.TimeoutExpired:
        raise BadConfig(f"{key}: its command took over {SECRET_COMMAND_SECONDS} s") from None
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise BadConfig(f"{key}: its command failed: {type(error).__name__}") from None
