"""Ink to a file, in the form that the file's suffix names. A file is written whole or not at all."""

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from graves_jax.data.ink import Ink
from graves_jax.data.ink_files import ink_to_json
from graves_jax.data.json_lines import save_json_lines
from graves_jax.drawing.animation import ink_to_gif
from graves_jax.drawing.svg import ink_to_svg
from graves_jax.errors import InputError
from graves_jax.files import is_folder, whole_file


def save_ink(path: str | os.PathLike, lines: Ink | Sequence[Ink], **options) -> None:
    """Writes ink to a file: .svg, .png, .pdf and .gif are a page of it, .jsonl its offsets, one line of ink per row.

    .json is the same as a list.

    Args:
      path: its suffix decides, in capitals or not. A file that is there is replaced once the new one is complete.
      lines: one line of ink or several.
      **options: as `svg.ink_to_svg`, `raster.ink_to_figure` (PNG, PDF) and `animation.ink_to_gif` take them; .jsonl
        and .json take none.
    Raises:
      InputError: an unknown suffix, a folder that does not exist, or as the function that draws.
    """
    path = Path(path)
    write = saver_of(path)
    with whole_file(path) as unfinished:
        write(unfinished, lines, **options)


# The name that it had first.
write_ink = save_ink


def saver_of(path: str | os.PathLike) -> Callable[..., None]:
    """The function (path, lines, **options) that writes a file of this name; so a command can check it beforehand.

    Raises:
      InputError: an unknown suffix, or a folder that does not exist.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SAVERS:
        raise InputError(f"Ink is written to {', '.join(SAVERS)}, found {path.name!r:.80}.")
    check_folder(path)
    return SAVERS[suffix]


def check_folder(path: Path) -> None:
    """Raises InputError where a file cannot be written because of the folder that it names, or is."""
    if not is_folder(path.parent):
        raise InputError(f"The folder {str(path.parent)!r:.300} to write {path.name!r:.80} in does not exist.")
    if is_folder(path):
        raise InputError(f"Expected a file to write ink to, found that {str(path)!r} is a folder.")


def _save_svg(path: Path, lines: Ink | Sequence[Ink], **options) -> None:
    path.write_text(ink_to_svg(lines, **options), encoding="utf-8", newline="\n")


# Matplotlib takes a second to import, which only those who ask for these files should wait for.
def _save_png(path: Path, lines: Ink | Sequence[Ink], **options) -> None:
    from graves_jax.drawing.raster import save_png

    save_png(path, lines, **options)


def _save_pdf(path: Path, lines: Ink | Sequence[Ink], **options) -> None:
    from graves_jax.drawing.raster import save_pdf

    save_pdf(path, lines, **options)


def _save_json(path: Path, lines: Ink | Sequence[Ink]) -> None:
    inks = [lines] if isinstance(lines, Ink) else lines
    path.write_text(json.dumps([ink_to_json(ink) for ink in inks], ensure_ascii=False) + "\n", encoding="utf-8")


def _save_json_lines(path: Path, lines: Ink | Sequence[Ink]) -> None:
    save_json_lines(path, [lines] if isinstance(lines, Ink) else list(lines))


SAVERS = {
    ".svg": _save_svg,
    ".png": _save_png,
    ".pdf": _save_pdf,
    ".gif": ink_to_gif,
    ".jsonl": _save_json_lines,
    ".json": _save_json,
}
