"""The files of a data set. A file gets its name when it is whole; one that was left unfinished is made again.

DIR/dataset.json              what is written: a plan's description
   /lines-00000-of-00010.tar  a shard
   /summaries/*.json          of each shard: counts, and its sha256
   /DATA_CARD.md, SHA256SUMS  once all shards are there
"""

import collections
import contextlib
import functools
import json
import pathlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import jax
import numpy as np

from graves_jax.data.ink import Ink
from graves_jax.errors import InputError
from graves_jax.files import UNFINISHED, sha256_of, whole_file
from graves_jax.sampling.stream import Request, write_stream
from graves_jax.synthesis.formats import FORMATS, Record
from graves_jax.synthesis.plan import Draw, Plan, augment, draw, prepare, request_of

SUMS, CARD, DESCRIPTION, SUMMARIES = "SHA256SUMS", "DATA_CARD.md", "dataset.json", "summaries"


class Summary(NamedTuple):
    """What is told of a shard."""

    lines: int
    points: int
    bytes: int
    attempts: int
    sha256: str
    characters: dict[str, int]
    hands: dict[str, int]
    faults: dict[str, int]


def shard_path(plan: Plan, folder: pathlib.Path, shard: int) -> pathlib.Path:
    """Where a shard is, or will be."""
    return folder / f"lines-{shard:05d}-of-{plan.shards:05d}{FORMATS[plan.format].suffix}"


def is_there(plan: Plan, folder: pathlib.Path, shard: int) -> bool:
    """Whether a shard is finished."""
    path = shard_path(plan, folder, shard)
    return path.exists() and _summary_path(path).exists()


def read_summary(plan: Plan, folder: pathlib.Path, shard: int) -> Summary:
    """What was told of a finished shard."""
    path = _summary_path(shard_path(plan, folder, shard))
    try:
        return Summary(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"Expected the counts of a shard in {path}, found a fault: {str(error)!s:.100}; delete it, and the shard "
            "is made again."
        ) from None


def open_folder(plan: Plan, folder: pathlib.Path) -> None:
    """Makes the folder of a data set and writes down which it is, or checks that it holds this one.

    Raises:
      InputError: it holds another data set or other files, or it cannot be made.
    """
    path = folder / DESCRIPTION
    if path.exists():
        check_folder(plan, folder)
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Another task may have come here at the same moment, and be further.
        others = any(not file.name.endswith(UNFINISHED) and file.name != SUMMARIES for file in folder.iterdir())
        if path.exists():
            check_folder(plan, folder)
            return
        if others:
            raise InputError(f"Expected an empty folder or a data set at {folder}, found other files.")
        (folder / SUMMARIES).mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(f"Expected a folder to write to at {folder}, found a fault: {error.strerror}.") from None
    with finished_file(path) as unfinished:
        unfinished.write_text(_as_json(plan.description()), encoding="utf-8")
    check_folder(plan, folder)


@functools.cache
def check_folder(plan: Plan, folder: pathlib.Path) -> None:
    """Raises InputError where a folder holds another data set: other weights, texts, versions or numbers."""
    path = folder / DESCRIPTION
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        names = found.keys()
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(f"Expected the description of a data set in {path}, found a fault: {error}.") from None
    expected = json.loads(_as_json(plan.description()))
    names = [name for name in {**expected, **dict.fromkeys(names)} if expected.get(name) != found.get(name)]
    if names:
        there, here = (json.dumps(of.get(names[0]), ensure_ascii=False) for of in (found, expected))
        raise InputError(
            f"Expected {folder} to hold this data set, found another: {names[0]} is {there:.200} there and "
            f"{here:.200} here; choose another --output."
        )


def write_shards(
    plan: Plan, folder: pathlib.Path, shards: Iterable[int], wrote_line: Callable[[], object] = lambda: None
) -> None:
    """Writes shards; those that are there are left alone.

    The lines of one shard take the places that those of the last one leave, so at most a few shards are in memory.

    Args:
      wrote_line: called for each line.
    """
    prepared = prepare(plan)
    unfinished: dict[int, tuple[dict[int, Draw], dict[int, Record]]] = {}

    def requests() -> Iterator[Request]:
        for shard in shards:
            if not is_there(plan, folder, shard):
                lines = {number: draw(plan, number) for number in plan.numbers(shard)}
                unfinished[shard] = lines, {}
                # The longest first: at the end no place waits long for another.
                for number in sorted(lines, key=lambda number: (-len(lines[number].text), number)):
                    yield request_of(plan, number, lines[number])

    for request, written in write_stream(
        prepared.weights,
        requests(),
        key=jax.random.key(plan.seed),
        num_characters=prepared.num_characters,
        has_styles=any(isinstance(style, Ink) for style in prepared.styles.values()),
        num_places=plan.num_places,
    ):
        number, shard = request.number, request.number // plan.per_shard
        lines, records = unfinished[shard]
        ink = round_off(augment(plan, number, written.ink), prepared.decimals)
        records[number] = Record(
            number, ink, lines[number].bias, lines[number].hand, written.attempts, written.fault, prepared.decimals
        )
        wrote_line()
        if len(records) == len(lines):
            del unfinished[shard]
            _write_records(plan, folder, shard, [records[number] for number in plan.numbers(shard)])


def _write_records(plan: Plan, folder: pathlib.Path, shard: int, records: list[Record]) -> None:
    """The file of a shard, and its summary."""
    path = shard_path(plan, folder, shard)
    with finished_file(path) as unfinished:
        FORMATS[plan.format].write(unfinished, records, plan.png_height)
        summary = Summary(
            lines=len(records),
            points=sum(len(record.ink) for record in records),
            bytes=unfinished.stat().st_size,
            attempts=sum(record.attempts for record in records),
            sha256=sha256_of(unfinished),
            characters=_counted(character for record in records for character in record.ink.transcript),
            hands=_counted(record.hand for record in records),
            faults=_counted(record.fault for record in records if record.fault),
        )
        # First, so that a shard with its name has its counts.
        with finished_file(_summary_path(path)) as summary_file:
            summary_file.write_text(json.dumps(summary._asdict(), ensure_ascii=False) + "\n", encoding="utf-8")


def round_off(ink: Ink, decimals: int) -> Ink:
    """Ink whose positions, and so its offsets, have so many decimals: no point moves by more than half of the last."""
    positions = np.round(np.cumsum(ink.offsets[:, :2].astype(np.float64), axis=0), decimals)
    offsets = np.round(np.diff(positions, axis=0, prepend=0.0), decimals) + 0.0  # no minus zero
    return Ink(np.column_stack([offsets, ink.offsets[:, 2]]), ink.text)


def finish(plan: Plan, folder: pathlib.Path, card: Callable[[list[Summary]], str]) -> list[Summary] | None:
    """Data card and SHA256SUMS, once all shards are there; None before. Who finishes last, or again, writes the same.

    Args:
      card: the text of the data card.
    """
    if not all(is_there(plan, folder, shard) for shard in range(plan.shards)):
        return None
    summaries = [read_summary(plan, folder, shard) for shard in range(plan.shards)]
    with finished_file(folder / CARD) as unfinished:
        unfinished.write_text(card(summaries), encoding="utf-8")
    # Of the shards as they were when they were written: what the disk does to them later is to be noticed.
    sums = {shard_path(plan, folder, shard).name: summary.sha256 for shard, summary in enumerate(summaries)}
    sums |= {name: sha256_of(folder / name) for name in (DESCRIPTION, CARD)}
    with finished_file(folder / SUMS) as unfinished:
        unfinished.write_text("".join(f"{digest}  {name}\n" for name, digest in sums.items()), encoding="utf-8")
    # Unfinished files of killed processes; until now another process may still have been writing them.
    for left in (*folder.glob(f".*{UNFINISHED}"), *(folder / SUMMARIES).glob(f".*{UNFINISHED}")):
        left.unlink(missing_ok=True)
    return summaries


@contextlib.contextmanager
def finished_file(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """`whole_file` for one that several may write at once: it may be gone where another has finished it meanwhile."""
    try:
        with whole_file(path) as unfinished:
            yield unfinished
    except FileNotFoundError:
        if not path.exists():
            raise


def _summary_path(path: pathlib.Path) -> pathlib.Path:
    return path.parent / SUMMARIES / f"{path.name}.json"


def _as_json(description: dict[str, Any]) -> str:
    return json.dumps(description, indent=2, ensure_ascii=False) + "\n"


def _counted(values) -> dict[str, int]:
    return dict(sorted(collections.Counter(values).items()))
