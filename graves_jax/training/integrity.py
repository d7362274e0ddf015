"""Whether a checkpoint is whole: the sha256 of its files is written down before it gets its name.

A folder is sealed while it still has a temporary name, so a checkpoint that was cut off never looks finished, and one
that changed later (a byte flipped, a file lost or cut short) is told from a whole one. By hand, in its folder:

    sha256sum --check SHA256SUMS
"""

import itertools
import json
import pathlib

from graves_jax.files import sha256_of

SEAL = "SHA256SUMS"
# Orbax writes these two itself when it gives the folder its name, after the seal.
_UNSEALED = ("_CHECKPOINT_METADATA", "commit_success.txt")


def seal(folder: pathlib.Path) -> None:
    """Writes down the sha256 of every file in a folder; a folder that has a seal keeps it."""
    if (folder / SEAL).exists():
        return
    sums = "".join(f"{sha256_of(folder / name)}  {name}\n" for name in _sealed_files(folder))
    temporary = folder / f"{SEAL}.tmp"
    temporary.write_text(sums, encoding="utf-8")
    temporary.replace(folder / SEAL)


def fault_of(folder: pathlib.Path) -> str | None:
    """What is wrong with a sealed folder, in a few words; None where it is whole."""
    try:
        if not (folder / SEAL).is_file():
            return f"{SEAL} is missing"
        rows = (folder / SEAL).read_text(encoding="utf-8").splitlines()
        sums = {name: digest for digest, _, name in (row.partition("  ") for row in rows)}
        found = _sealed_files(folder)
        for name in sorted(sums.keys() ^ set(found)):
            return f"{name} is {'missing' if name in sums else f'not listed in {SEAL}'}"
        for name in found:
            if sha256_of(folder / name) != sums[name]:
                return f"{name} is not what was saved"
        json.loads((folder / _UNSEALED[0]).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        return f"it cannot be read ({' '.join(str(error).split())})"
    return None


def _sealed_files(folder: pathlib.Path) -> list[str]:
    names = (file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
    return sorted(name for name in names if name not in (*_UNSEALED, SEAL, f"{SEAL}.tmp"))


def set_aside(folder: pathlib.Path, damaged: pathlib.Path) -> pathlib.Path:
    """Moves a damaged folder into the folder `damaged`, under a name that is free there. Nothing is deleted.

    Returns:
      Where it is now.
    """
    damaged.mkdir(exist_ok=True)
    names = itertools.chain([folder.name], (f"{folder.name}.{number}" for number in itertools.count(1)))
    return folder.rename(next(damaged / name for name in names if not (damaged / name).exists()))
