"""Sheets of paper to files: SVG, PNG, GIF, G-code and HPGL one for each page, PDF and JSON Lines one for all.

The rows of the JSON Lines file are lines of ink as `data.json_lines` has them, in mm, with where they stand:

    {"text": "Dear Anna,", "strokes": [[dx, dy, end_of_stroke], ...], "page": 1, "start_mm": [x, y], "paper": {...}}

so that saved pages are drawn again in another form without being written again.
"""

import base64
import dataclasses
import io
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageColor

from graves_jax.data.curves import smooth_segments, straight_segments
from graves_jax.data.ink import Ink
from graves_jax.drawing.animation import page_to_gif
from graves_jax.drawing.page import Page, check_bitmap_size, relative_widths
from graves_jax.drawing.pdf import pages_to_pdf, rgb
from graves_jax.drawing.plotter import Plotter, page_to_gcode, page_to_hpgl
from graves_jax.drawing.save import check_folder
from graves_jax.drawing.svg import INK_COLOUR, PAPER_COLOUR, page_to_svg
from graves_jax.errors import InputError
from graves_jax.files import is_file, whole_file
from graves_jax.layout.pages import Picture, Sheet, SheetLine
from graves_jax.layout.paper import Paper


@dataclasses.dataclass(frozen=True)
class Look:
    """How sheets are drawn.

    Attributes:
      colour: of the ink, as CSS writes it.
      background: of the paper, as CSS writes it; None leaves it clear.
      pen: its width, in mm.
      variable_width: whether the pen is broader where it is slower.
      smooth: curves through the pen points; if not, straight lines between them.
      dpi: of PNG; a GIF has half as many.
      seconds: that a GIF lasts for each page, at most.
      plotter: for G-code and HPGL.
    """

    colour: str = INK_COLOUR
    background: str | None = PAPER_COLOUR
    pen: float = 0.35
    variable_width: bool = False
    smooth: bool = True
    dpi: int = 200
    seconds: float = 15.0
    plotter: Plotter = dataclasses.field(default_factory=Plotter)

    def __post_init__(self):
        for colour in (self.colour, self.background):
            if colour is not None:
                rgb(colour)
        if not 0.01 <= self.pen <= 1_000:
            raise InputError(f"Expected a pen of 0.01 to 1,000 mm, found {self.pen:g}.")
        if not 1 <= self.dpi <= 10_000:
            raise InputError(f"Expected 1 to 10,000 dots per inch, found {self.dpi}.")
        if not 0.1 <= self.seconds <= 3_600:
            raise InputError(f"Expected a film of 0.1 to 3,600 seconds, found {self.seconds:g}.")


def draw_sheet(sheet: Sheet, look: Look) -> Page:
    """The curves of a sheet, in mm. Of a varying pen the broadest strokes have the pen's full width."""
    segments_of = smooth_segments if look.smooth else straight_segments
    lines = [[segments_of(stroke) for stroke in line.strokes] for line in sheet.lines]
    widths = relative_widths(lines, look.variable_width) if lines else []
    broadest = max((stroke.max() for line in widths for stroke in line), default=1.0)
    return Page(
        width=sheet.paper.width,
        height=sheet.paper.height,
        stroke_width=look.pen,
        smooth=look.smooth,
        lines=lines,
        widths=[[look.pen * stroke / broadest for stroke in line] for line in widths],
        texts=[line.text for line in sheet.lines],
        unit="mm",
        rules=sheet.rules,
        picture=sheet.picture,
    )


def save_sheets(path: str | os.PathLike, sheets: Sequence[Sheet], look: Look | None = None) -> list[Path]:
    """Writes sheets in the form that the suffix names; several files are numbered: letter-1.svg, letter-2.svg.

    Returns:
      The files, in order.
    Raises:
      InputError: as `sheet_saver`; or a page of too many pixels.
    """
    look = Look() if look is None else look
    path = Path(path)
    check_sheets(path, sheets, look)
    write = sheet_saver(path)
    if write in _WHOLE:
        paths, parts = [path], [list(sheets)]
    else:
        numbered = len(sheets) > 1
        paths = [path.with_stem(f"{path.stem}-{number}") if numbered else path for number in range(1, len(sheets) + 1)]
        parts = [[sheet] for sheet in sheets]
    for one, part in zip(paths, parts, strict=True):
        with whole_file(one) as unfinished:
            write(unfinished, part, look)
    return paths


# The name that it had first.
write_sheets = save_sheets


def check_sheets(path: str | os.PathLike, sheets: Sequence[Sheet], look: Look) -> None:
    """Raises InputError where a file of this name cannot hold these sheets; so a command can check them beforehand."""
    write, suffix = sheet_saver(path), Path(path).suffix.lower()
    if write in _INK_ALONE and any(sheet.picture for sheet in sheets):
        raise InputError(f"Expected pages of ink alone for {suffix}, found a picture; a signature may be .jsonl too.")
    if suffix in _DPI_SHARES:
        for sheet in sheets:
            check_bitmap_size(draw_sheet(Sheet(sheet.paper, []), look).in_pixels(look.dpi * _DPI_SHARES[suffix]))


def sheet_saver(path: str | os.PathLike) -> Callable[[Path, Sequence[Sheet], Look], None]:
    """The function that writes a file of this name; so a command can check it beforehand.

    Raises:
      InputError: an unknown suffix, or a folder that does not exist.
    """
    path = Path(path)
    if path.suffix.lower() not in SHEET_SAVERS:
        raise InputError(f"Pages are written to {', '.join(SHEET_SAVERS)}, found {path.name!r:.80}.")
    check_folder(path)
    return SHEET_SAVERS[path.suffix.lower()]


def read_sheets(path: str | os.PathLike) -> list[Sheet]:
    """The sheets that `save_sheets` saved as .jsonl.

    Raises:
      InputError: the file is missing or holds something else; the row is named by its number from 1.
    """
    path = Path(path)
    if not is_file(path):
        raise InputError(f"Expected a .jsonl file of pages at {str(path)!r:.300}, found no such file.")
    try:
        rows = [row for row in path.read_text(encoding="utf-8").split("\n") if row.strip()]
    except (OSError, UnicodeDecodeError):
        raise InputError(f"Expected JSON Lines in UTF-8 in {path}, found something else.") from None
    sheets: list[Sheet] = []
    for number, row in enumerate(rows, start=1):
        try:
            _add_row(sheets, json.loads(row))
        except (
            ValueError,
            KeyError,
            TypeError,
            IndexError,
            RecursionError,
            OverflowError,
            OSError,
            SyntaxError,
            Image.DecompressionBombError,
        ) as error:
            what = f": {error}" if isinstance(error, InputError) else "."
            raise InputError(f"Expected pages in {path}, found that row {number} is no line of one{what}") from None
    if not sheets:
        raise InputError(f"Expected lines of pages in {path}, found none.")
    return sheets


def is_pages(path: str | os.PathLike) -> bool:
    """Whether a .jsonl file holds pages; if not it may hold lines of ink."""
    if not is_file(Path(path)):
        return False
    with open(path, encoding="utf-8", errors="replace") as file:
        first = next((row for row in file if row.strip()), "")
    try:
        row = json.loads(first)
    except (ValueError, RecursionError):
        return False
    return isinstance(row, dict) and "page" in row and "paper" in row


def _add_row(sheets: list[Sheet], row: dict) -> None:
    """Adds a row to the sheet that it is of, or begins that one."""
    paper = Paper(**row["paper"])
    sides = dataclasses.astuple(paper)[:-1]
    if not all(isinstance(side, int | float) and 0 <= side < 1e6 for side in sides) or min(sides[:2]) <= 0:
        raise InputError("expected paper with sides and margins in mm.")
    rules = np.array(row.get("rules", []), np.float64).reshape(-1, 4)
    page = row["page"]
    if page not in (len(sheets), len(sheets) + 1) or page == 0:
        raise InputError(f"expected page {max(len(sheets), 1)} or the next one, found {page!r:.20}.")
    if page > len(sheets):
        sheets.append(Sheet(paper, [], rules, _read_picture(row)))
    if "strokes" not in row:
        return
    start = np.array(row["start_mm"], np.float64)
    if start.shape != (2,) or not np.isfinite(start).all():
        raise InputError("expected start_mm to be two numbers.")
    ink = Ink(np.array(row["strokes"]), row["text"])
    if not isinstance(row["text"], str):
        raise InputError("expected a text.")
    sheets[-1].lines.append(SheetLine(row["text"], [stroke + start for stroke in ink.strokes()]))


def _read_picture(row: dict) -> Picture | None:
    if "picture" not in row:
        return None
    png = base64.b64decode(row["picture"], validate=True)
    Image.open(io.BytesIO(png)).verify()
    box = np.array(row["picture_mm"], np.float64)
    if box.shape != (4,) or not np.isfinite(box).all() or (box[2:] <= 0).any():
        raise InputError("expected picture_mm to be left, top, width and height.")
    return Picture(png, *box.tolist())


def _rows(number: int, sheet: Sheet) -> list[str]:
    """The rows of a sheet; one without lines has a row that says so."""
    about = {"page": number, "paper": dataclasses.asdict(sheet.paper)}
    rows = []
    for line in sheet.lines:
        ink = Ink.from_strokes(line.strokes, line.text)
        strokes = [[float(str(dx)), float(str(dy)), int(bit)] for dx, dy, bit in ink.offsets]
        start = np.round(line.strokes[0][0], 4).tolist()
        rows.append({"text": line.text, "strokes": strokes, **about, "start_mm": start})
    rows = rows or [about]
    if sheet.picture is not None:
        png, *box = sheet.picture
        rows[0] = rows[0] | {"picture": base64.b64encode(png).decode(), "picture_mm": np.round(box, 3).tolist()}
    if len(sheet.rules):
        rows[0] = rows[0] | {"rules": np.round(sheet.rules, 3).tolist()}
    return [json.dumps(row, ensure_ascii=False) for row in rows]


def _save_json_lines(path: Path, sheets: Sequence[Sheet], look: Look) -> None:
    rows = [row for number, sheet in enumerate(sheets, start=1) for row in _rows(number, sheet)]
    path.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")


def _save_pdf(path: Path, sheets: Sequence[Sheet], look: Look) -> None:
    title = next((line.text for sheet in sheets for line in sheet.lines), "Handwriting")
    pages_to_pdf(
        path, [draw_sheet(sheet, look) for sheet in sheets], colour=look.colour, background=look.background, title=title
    )


def _save_svg(path: Path, sheets: Sequence[Sheet], look: Look) -> None:
    svg = page_to_svg(draw_sheet(sheets[0], look), colour=look.colour, background=look.background)
    path.write_text(svg, encoding="utf-8", newline="\n")


def _save_png(path: Path, sheets: Sequence[Sheet], look: Look) -> None:
    # Matplotlib takes a second to import.
    from graves_jax.drawing.raster import page_to_figure

    page = draw_sheet(sheets[0], look).in_pixels(look.dpi)
    # Matplotlib does not know all of CSS's ways to write a colour.
    ink, paper = ("#" + bytes(ImageColor.getrgb(name or "white")).hex() for name in (look.colour, look.background))
    figure = page_to_figure(page, colour=ink, background=look.background and paper, dpi=look.dpi)
    figure.savefig(path, format="png")


def _save_gif(path: Path, sheets: Sequence[Sheet], look: Look) -> None:
    page = draw_sheet(sheets[0], look).in_pixels(look.dpi * _DPI_SHARES[".gif"])
    points = sum(len(stroke) + 1 for stroke in page.strokes())
    page_to_gif(
        path,
        page,
        points_per_second=max(points / look.seconds, 120.0),
        colour=look.colour,
        background=look.background or PAPER_COLOUR,
    )


def _save_gcode(path: Path, sheets: Sequence[Sheet], look: Look) -> None:
    path.write_text(page_to_gcode(draw_sheet(sheets[0], look), look.plotter), encoding="ascii", newline="\n")


def _save_hpgl(path: Path, sheets: Sequence[Sheet], look: Look) -> None:
    path.write_text(page_to_hpgl(draw_sheet(sheets[0], look), look.plotter), encoding="ascii", newline="\n")


SHEET_SAVERS = {
    ".pdf": _save_pdf,
    ".svg": _save_svg,
    ".png": _save_png,
    ".gif": _save_gif,
    ".gcode": _save_gcode,
    ".hpgl": _save_hpgl,
    ".jsonl": _save_json_lines,
}
_WHOLE = (_save_pdf, _save_json_lines)
_INK_ALONE = (_save_gif, _save_gcode, _save_hpgl)
# Drawn in pixels, so many of the dots per inch.
_DPI_SHARES = {".png": 1.0, ".gif": 0.5}
