"""A corpus: lines of ink from any source in one compact .npz file.

The file is a plain NumPy archive without pickled objects:

  - `xy` [P, 2]: dx and dy of all lines, one after the other, in the unit of the recording; int16 where every one is
    an integer that fits, else float32.
  - `end_of_stroke` [P]: bool.  `lengths` [N]: rows per line.
  - `halfway` [P, 2], float32, where every second recorded point was left out: see `Line.halfway`.
  - `metadata`: UTF-8 JSON with the format version, the transcripts, ids, writers, subsets and splits in the order of
    the lines, and the provenance.
"""

import collections
import dataclasses
import functools
import hashlib
import json
import lzma
import math
import os
import pathlib
import tokenize
import zipfile
import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np

from graves_jax.data.ink import Ink, Normalisation, is_unicode
from graves_jax.errors import InputError
from graves_jax.files import is_file, whole_file
from graves_jax.version import __version__

FORMAT_VERSION = 1
SPLITS = ("training", "validation", "none")
# Of dx and dy over the training lines: with less than that, dividing by it can leave float32.
LEAST_STD = 1e-12
# A hundred times IAM-OnDB. A file of a few bytes can claim, and unpack to, any size.
MAX_BYTES = 4 << 30
# What NumPy and zipfile raise on a file that is damaged or something else. (RuntimeError: a flipped bit that marks the
# archive as encrypted, or as compressed by a method of its own. SyntaxError and TokenError: an array's header is read
# as Python. OverflowError: a shape beyond any.) What else is raised belongs to this program or this machine.
_NOT_A_CORPUS = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    RuntimeError,
    OverflowError,
    SyntaxError,
    tokenize.TokenError,
    lzma.LZMAError,
    zipfile.BadZipFile,
    zlib.error,
)
_ARRAYS = ("xy", "end_of_stroke", "lengths")
_LINE_FIELDS = ("texts", "line_ids", "writers", "subsets", "splits")


def page_of(line_id: str) -> str:
    """The sheet of paper that a line stands on, a form of IAM-OnDB: what its id says before the last dash."""
    return line_id.rpartition("-")[0]


@dataclasses.dataclass(frozen=True)
class Line:
    """A line of ink and where it belongs.

    Attributes:
      ink: raw offsets in the unit of the recording, with the transcript.
      line_id: its name in the source.
      writer: who wrote it, "" where that is not known.
      subset: the name of the source's own list that it stands in, or "none".
      split: "training", "validation" or "none".
      halfway: for ink of which every second recorded point was left out: from the point before each row to the one
        that was left out on the way to it, 0 where none was. Shape [T, 2]; None where this is not known. With it the
        ink can be thinned in another phase (augmentation.py).
    """

    ink: Ink
    line_id: str
    writer: str = ""
    subset: str = "none"
    split: str = "none"
    halfway: np.ndarray | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Corpus:
    """Many lines in flat arrays; `corpus[i]` is line i as a `Line`. N lines, P rows of offsets in all.

    Attributes:
      xy: dx and dy of all lines, one after the other. Shape [P, 2], int16 or float32.
      end_of_stroke: shape [P], bool.
      lengths: rows per line, at least 1 each. Shape [N], int64.
      texts, line_ids, writers, subsets, splits: one string per line, see `Line`.
      provenance: where it came from: source, sha256 per source file, protocol, skipped lines by reason, version.
      halfway: see `Line`; of all lines, one after the other. Shape [P, 2], float32; or None.
    """

    xy: np.ndarray
    end_of_stroke: np.ndarray
    lengths: np.ndarray
    texts: tuple[str, ...]
    line_ids: tuple[str, ...]
    writers: tuple[str, ...]
    subsets: tuple[str, ...]
    splits: tuple[str, ...]
    provenance: dict[str, Any] = dataclasses.field(default_factory=dict)
    halfway: np.ndarray | None = None

    def __post_init__(self):
        self._check_types()
        num_lines, num_rows = len(self.lengths), len(self.xy)
        if not num_lines:
            raise InputError("A corpus needs at least one line of ink, found none.")
        if any(len(getattr(self, name)) != num_lines for name in _LINE_FIELDS):
            raise InputError(f"A corpus of {num_lines} lines needs one text, id, writer, subset and split for each.")
        shapes_fit = self.xy.shape == (num_rows, 2) and self.end_of_stroke.shape == (num_rows,)
        # None is longer than all together: a sum of huge ones may wrap around to the right number.
        if (
            not shapes_fit
            or not ((self.lengths >= 1) & (self.lengths <= num_rows)).all()
            or self.lengths.sum() != num_rows
        ):
            raise InputError(
                f"A corpus needs lengths that add up to its {num_rows} offsets, found {self.lengths.sum()}."
            )
        unknown = sorted(set(self.splits) - set(SPLITS))
        if unknown:
            raise InputError(f"A line's split is one of {', '.join(SPLITS)}, found {unknown[0]!r:.40}.")
        if self.xy.dtype.kind == "f" and not np.isfinite(self.xy).all():
            raise InputError("A corpus needs finite offsets, found NaN or infinity.")
        if self.halfway is not None and not (self.halfway.shape == self.xy.shape and np.isfinite(self.halfway).all()):
            raise InputError(f"A corpus needs finite ways of its {num_rows} offsets to points left out, found others.")

    def _check_types(self) -> None:
        kinds = {"xy": (np.int16, np.float32), "end_of_stroke": (np.bool_,), "lengths": (np.int64,)}
        if self.halfway is not None:
            kinds["halfway"] = (np.float32,)
        for name, dtypes in kinds.items():
            array = getattr(self, name)
            if array.dtype not in dtypes or array.ndim != (2 if name in ("xy", "halfway") else 1):
                expected = " or ".join(np.dtype(dtype).name for dtype in dtypes)
                raise InputError(
                    f"A corpus needs {name} of {expected}, found {array.dtype} in {array.ndim} dimensions."
                )
        for name in _LINE_FIELDS:
            if not all(isinstance(value, str) and is_unicode(value) for value in getattr(self, name)):
                raise InputError(f"A corpus needs {name} that are texts, found another value.")
        if not isinstance(self.provenance, dict):
            raise InputError(f"A corpus needs a provenance of names and values, found {self.provenance!r:.40}.")

    @classmethod
    def from_lines(cls, lines: Iterable[Line], provenance: dict[str, Any] | None = None) -> "Corpus":
        """Packs lines, which may come from a generator: they are never all held as objects.

        Args:
          lines: at least one, each with its transcript.
          provenance: what to say about their source; the package's version is added.
        Raises:
          InputError: there is no line, one has no transcript, or its split is none of `SPLITS`.
        """
        xy, bits, halfway, fields = [], [], [], collections.defaultdict(list)
        for line in lines:
            if line.ink.text is None:
                raise InputError(f"A corpus needs a transcript for each line, found none for {line.line_id!r}.")
            xy.append(_compact(line.ink.offsets[:, :2]))
            bits.append(line.ink.offsets[:, 2] == 1)
            halfway.append(line.halfway)
            for name, value in zip(_LINE_FIELDS, _strings(line), strict=True):
                fields[name].append(value)
        if not xy:
            raise InputError("A corpus needs at least one line of ink, found none.")
        return cls(
            xy=np.concatenate(xy),
            end_of_stroke=np.concatenate(bits),
            lengths=np.array([len(b) for b in bits], np.int64),
            provenance={"package_version": __version__, **(provenance or {})},
            halfway=None if any(h is None for h in halfway) else np.concatenate(halfway).astype(np.float32),
            **{name: tuple(values) for name, values in fields.items()},
        )

    def __len__(self) -> int:
        """The number of lines, N."""
        return len(self.lengths)

    def __getitem__(self, index: int) -> Line:
        """Line `index`, counted from 0 (or from -1 at the end)."""
        index = range(len(self))[index]
        rows = slice(self._starts[index], self._starts[index + 1])
        offsets = np.column_stack([self.xy[rows], self.end_of_stroke[rows]]).astype(np.float32)
        return Line(
            ink=Ink(offsets, self.texts[index]),
            line_id=self.line_ids[index],
            writer=self.writers[index],
            subset=self.subsets[index],
            split=self.splits[index],
            halfway=None if self.halfway is None else self.halfway[rows],
        )

    def indices(self, split: str) -> np.ndarray:
        """The lines of a split or subset, in order. Shape [n], int64.

        Raises:
          InputError: no split or subset has that name.
        """
        known = [*SPLITS, *sorted(set(self.subsets) - set(SPLITS))]
        if split not in known:
            raise InputError(f"Expected a split or subset out of {', '.join(known)}, found {split!r}.")
        pairs = zip(self.splits, self.subsets, strict=True)
        return np.array([index for index, pair in enumerate(pairs) if split in pair], np.int64)

    @functools.cached_property
    def normalisation(self) -> Normalisation:
        """Mean and standard deviation of dx and dy over the training split, summed in float64.

        Raises:
          InputError: there is no training line, or its ink does not move along one of the axes.
        """
        rows = np.repeat(np.array(self.splits) == "training", self.lengths)
        if not rows.any():
            raise InputError("The normalisation is that of the training split, found no line in it.")
        xy = self.xy[rows]
        mean, std = xy.mean(axis=0, dtype=np.float64), xy.std(axis=0, dtype=np.float64)
        if not (std > LEAST_STD).all():
            raise InputError(f"Training ink needs movement along both axes, found standard deviations {std.tolist()}.")
        return Normalisation(mean=tuple(mean.tolist()), std=tuple(std.tolist()))

    @functools.cached_property
    def characters(self) -> str:
        """The distinct characters of the transcripts, sorted."""
        return "".join(sorted(set("".join(self.texts))))

    @functools.cached_property
    def text_lengths(self) -> np.ndarray:
        """Characters per transcript. Shape [N], int64."""
        return np.array([len(text) for text in self.texts], np.int64)

    @functools.cached_property
    def fingerprint(self) -> str:
        """sha256, in hexadecimal, over the ink and what is known of each line; the provenance has no part in it."""
        digest = hashlib.sha256(self.xy.dtype.str.encode())
        for array in (self.xy, self.end_of_stroke, self.lengths, self.halfway):
            if array is not None:
                digest.update(np.ascontiguousarray(array).tobytes())
        digest.update(json.dumps(self._line_fields()).encode())
        return digest.hexdigest()

    def save(self, path: str | os.PathLike) -> None:
        """Writes the .npz file, which appears whole or not at all."""
        metadata = {"format_version": FORMAT_VERSION, "provenance": self.provenance, **self._line_fields()}
        arrays = {
            "xy": self.xy,
            "end_of_stroke": self.end_of_stroke,
            "lengths": self.lengths,
            "metadata": np.frombuffer(json.dumps(metadata).encode(), np.uint8),
        }
        if self.halfway is not None:
            arrays["halfway"] = self.halfway
        with whole_file(path) as unfinished, unfinished.open("wb") as file:
            np.savez_compressed(file, **arrays)

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Corpus":
        """Reads what `save` wrote.

        Raises:
          InputError: the file is missing, damaged, something else, or of a newer format.
        """
        path = pathlib.Path(path)
        if not is_file(path):
            raise InputError(f"Expected a corpus made by prepare_data.py at {path}, found no such file.")
        try:
            arrays, metadata = _read_archive(path)
            fields: dict[str, Any] = arrays | {name: tuple(metadata[name]) for name in _LINE_FIELDS}
            return cls(**fields, provenance=metadata["provenance"])
        except InputError as error:
            raise InputError(f"{path} cannot be used: {str(error).rstrip('.')}.") from error
        except _NOT_A_CORPUS as error:
            raise InputError(f"{path} is not a corpus made by prepare_data.py, or is damaged.") from error

    @functools.cached_property
    def _starts(self) -> np.ndarray:
        """The first row of each line, and at the end P. Shape [N + 1]."""
        return np.concatenate([[0], np.cumsum(self.lengths)])

    def _line_fields(self) -> dict[str, tuple[str, ...]]:
        return {name: getattr(self, name) for name in _LINE_FIELDS}


def _read_archive(path: pathlib.Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays and the metadata of a file, which are of the right kinds as far as they can be told apart.

    Raises:
      InputError, or one of `_NOT_A_CORPUS`: it is no corpus.
    """
    with zipfile.ZipFile(path) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
        if size > MAX_BYTES:
            raise InputError(f"holds {size:,} bytes, expected at most {MAX_BYTES:,}")
        metadata = json.loads(_read_array(archive, "metadata").tobytes())
        if not isinstance(metadata, dict) or type(metadata["format_version"]) is not int:
            raise ValueError("the metadata is no JSON object with a format version")
        if metadata["format_version"] > FORMAT_VERSION:
            found = metadata["format_version"]
            raise InputError(f"has corpus format {found}, expected at most {FORMAT_VERSION}: upgrade")
        # A text, too, would do as a tuple, of its characters.
        if not all(isinstance(metadata[name], list) for name in _LINE_FIELDS):
            raise ValueError("a field of the lines is no list")
        names = [*_ARRAYS, *(["halfway"] if "halfway.npy" in archive.namelist() else [])]
        return {name: _read_array(archive, name) for name in names}, metadata


def _read_array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """An array whose header claims no more than the archive holds, for which NumPy would make room first."""
    entry = archive.getinfo(f"{name}.npy")
    with archive.open(entry) as file:
        version = np.lib.format.read_magic(file)
        read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        shape, _, dtype = read_header[version](file)
        # NumPy's own check of the header lets True pass for 1.
        if not all(type(length) is int for length in shape) or math.prod(shape) * dtype.itemsize > entry.file_size:
            raise ValueError("an array is said to have a shape that its file cannot hold")
    with archive.open(entry) as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def _strings(line: Line) -> tuple[str, str, str, str, str]:
    """What is known of a line, in the order of `_LINE_FIELDS`."""
    return line.ink.transcript, line.line_id, line.writer, line.subset, line.split


def _compact(xy: np.ndarray) -> np.ndarray:
    """Integers that fit as int16, anything else as it is. NumPy joins the two to float32, which holds both."""
    as_integers = np.clip(xy, -32_768, 32_767).astype(np.int16)
    return as_integers if np.array_equal(as_integers, xy) else xy
