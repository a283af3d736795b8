"""Under whose user PostgreSQL runs, which refuses to run as root.

As an ordinary user nothing is needed. As root, in this order:

1. `unshare`: in a user namespace of its own, where root is called `nobody`. Outside, the files
   still belong to root, so the folders above them may be closed to everybody else.
2. `setpriv`: as `nobody`, with the one capability that lets it enter folders of others. For
   containers that may not make user namespaces.

Each is tried before it is chosen: whether it works depends on the kernel, the container and the
folders above the data.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.domain.errors import BadConfig

ROOT = 0
NOBODY = 65534  # initdb insists on a user with a name, and this one is in every /etc/passwd

_PROBE = """
[ "$(id -u)" -ne 0 ] || { echo "still root"; exit 1; }
[ -x "$1" ] || { echo "$1 cannot be reached"; exit 1; }
"$1" --version >/dev/null || exit 1
shift
for folder; do
    cd "$folder" && : > .probe.$$ && rm .probe.$$ || exit 1
done
"""


@dataclass(frozen=True, slots=True)
class Launcher:
    """`prefix` goes before the command; `owner` is the user who must own the cluster's files."""

    name: str
    prefix: tuple[str, ...]
    owner: int


_UNSHARE = Launcher("unshare", ("unshare", "--user", f"--map-user={NOBODY}"), ROOT)
_SETPRIV = Launcher(
    "setpriv",
    (
        "setpriv",
        f"--reuid={NOBODY}",
        f"--regid={NOBODY}",
        "--clear-groups",
        # initdb asks access(2) for its programs, which else leaves capabilities out of account.
        "--securebits=+no_setuid_fixup",
        "--inh-caps=-all,+dac_override",
        "--ambient-caps=-all,+dac_override",
        "--pdeathsig=keep",  # changing the user would clear it
    ),
    NOBODY,
)


def launchers(uid: int) -> tuple[Launcher, ...]:
    """What user `uid` may try, the best first."""
    if uid == ROOT:
        return (_UNSHARE, _SETPRIV)
    return (Launcher("direct", (), uid),)


def choose_launcher(
    candidates: Sequence[Launcher], program: Path, folders: Sequence[Path]
) -> Launcher:
    """The first that can run `program` and write in `folders`; BadConfig says what was tried."""
    failures = []
    for candidate in candidates:
        failure = _try(candidate, program, folders)
        if failure is None:
            return candidate
        failures.append(f"{candidate.name}: {failure}")
    raise BadConfig(
        "PostgreSQL cannot be run here: "
        + "; ".join(failures)
        + ". Run the gateway as an ordinary user (PostgreSQL refuses root),"
        + " or give it the URL of a PostgreSQL server."
    )


def _try(launcher: Launcher, program: Path, folders: Sequence[Path]) -> str | None:
    """None if it works, otherwise the reason why not."""
    if launcher.prefix and shutil.which(launcher.prefix[0]) is None:
        return f"no program {launcher.prefix[0]}"
    command = [*launcher.prefix, "sh", "-c", _PROBE, "sh", str(program), *map(str, folders)]
    probe = subprocess.run(command, capture_output=True, text=True, check=False)
    if probe.returncode == 0:
        return None
    said = (probe.stdout + probe.stderr).strip()
    return said or f"exit status {probe.returncode}"


def give_cluster_to(launcher: Launcher, cluster: Path) -> None:
    """Make an existing, stopped cluster's files belong to `launcher.owner`.

    Only between root and `nobody`, the two owners that root's own launchers use; a cluster of
    another user is that user's, and BadConfig says so.
    """
    owner = cluster.lstat().st_uid
    if owner == launcher.owner:
        return
    if os.geteuid() != ROOT or owner not in {ROOT, NOBODY}:
        raise BadConfig(
            f"{cluster} belongs to user {owner}, and the gateway runs as user {os.geteuid()}:"
            " run it as that user, or give it another folder"
        )
    for folder, _, files in os.walk(cluster):
        os.chown(folder, launcher.owner, launcher.owner)
        for name in files:
            os.lchown(Path(folder, name), launcher.owner, launcher.owner)
