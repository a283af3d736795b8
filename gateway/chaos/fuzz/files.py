"""Configuration texts and journals on disk."""

from random import Random

from gateway import config as configuration
from gateway.chaos.fuzz.making import EXTREMES, spoil_bytes
from gateway.domain.errors import BadConfig, GatewayError
from gateway.journal import Journal, JournalOptions, MemoryFiles

EXAMPLE = (
    configuration.embedded_text("http://127.0.0.1:9901")
    + """
[gateway]
tag = 7
[endpoints]
transport = "tcp"
host = "127.0.0.1"
port = 7800
[store]
url = "postgresql://127.0.0.1/gateway"
on_down = "halt"
[journal]
durability = "disk"
segment_mib = 16
max_mib = 512
reserve_mib = 4
[timing]
max_expiry = 30.0
sweep = 5.0
[log]
format = "json"
level = "debug"
"""
)
KEEP = b"checkpoint"
RECORDS = 60


class Configs:
    """The example with lines moved, values changed, bytes spoilt: a configuration or a reason."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.taken = 0

    def once(self) -> None:
        try:
            configuration.parse(self._spoilt(), "a spoilt text")
        except BadConfig as error:
            if "paper-main-secret" in str(error):
                raise AssertionError(f"a secret is told: {error}") from error
            return
        self.taken += 1

    def _spoilt(self) -> str:
        random = self._random
        lines = EXAMPLE.splitlines()
        for _ in range(random.randrange(1, 3)):
            at = random.randrange(len(lines))
            key, equals, _value = lines[at].partition("=")
            way = random.randrange(5)
            if way == 0:
                lines[at : at + 1] = []
            elif way == 1 and equals:
                lines[at] = f"{key}= {_as_toml(random.choice(EXTREMES))}"
            elif way == 2:
                lines.insert(random.randrange(len(lines)), lines[at])
            elif way == 3:
                lines[at] = key.replace("e", "3") + equals + _value
            else:
                raw = spoil_bytes(random, lines[at].encode())
                lines[at] = raw.decode("utf-8", "replace")
        return "\n".join(lines)


def _as_toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    return "[]" if isinstance(value, list) else f'"{value!r}"'.replace("'", "")


class Journals:
    """A journal whose files are spoilt: it opens, and what it gives back is what was written."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.taken = 0

    def once(self) -> None:
        random = self._random
        files, written = self._written()
        segments = [name for name in files.names() if files.size(name)]
        for _ in range(random.randrange(1, 4)):
            self._damage(files, random.choice(segments))
        try:
            journal, recovery = Journal.open(files, _options(), empty_checkpoint=KEEP)
        except GatewayError:
            return
        for number, payload in recovery.records:
            if written.get(number) != payload:
                raise AssertionError(f"record {number} is not what was written")
        journal.append(b"it goes on")
        journal.close()
        self.taken += 1

    def _written(self) -> tuple[MemoryFiles, dict[int, bytes]]:
        random = self._random
        files = MemoryFiles()
        journal, _ = Journal.open(files, _options(), empty_checkpoint=KEEP)
        written = {}
        for _ in range(random.randrange(1, RECORDS)):
            payload = random.randbytes(random.randrange(80))
            written[journal.append(payload)] = payload
            if journal.should_roll:
                journal.roll(KEEP)
        files.crash()
        return files, written

    def _damage(self, files: MemoryFiles, name: str) -> None:
        random, size = self._random, files.size(name)
        if size == 0:
            return
        way = random.randrange(3)
        if way == 0:
            files.cut(name, random.randrange(size))
        elif way == 1:
            files.flip(name, random.randrange(size), 1 << random.randrange(8))
        else:
            files.overwrite(name, random.randrange(size), random.randbytes(random.randrange(60)))


def _options() -> JournalOptions:
    return JournalOptions(
        boot_id="boot",
        segment_bytes=2_048,
        max_bytes=1 << 20,
        reserve_bytes=256,
    )
