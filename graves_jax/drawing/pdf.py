"""Pages as one PDF: strokes as Bezier curves in real millimetres, no fonts, no pictures, the same bytes each time."""

import io
import os
import zlib
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageColor

from graves_jax.drawing.page import MM_PER_INCH, RULE_COLOUR, RULE_WIDTH, Page, runs_of_equal_width
from graves_jax.drawing.svg import INK_COLOUR, PAPER_COLOUR
from graves_jax.errors import InputError

POINTS_PER_MM = 72 / MM_PER_INCH


def pages_to_pdf(
    path: str | os.PathLike,
    pages: Sequence[Page],
    *,
    colour: str = INK_COLOUR,
    background: str | None = PAPER_COLOUR,
    title: str = "Handwriting",
) -> None:
    """Writes pages in millimetres.

    Args:
      path: the file.
      pages: at least one.
      colour, background: as CSS writes them. White paper, or None, is not painted.
      title: what a viewer shows.
    Raises:
      InputError: an unknown colour.
    """
    ink, paper, rule = rgb(colour), None if background is None else rgb(background), rgb(RULE_COLOUR)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count %d /Kids [%s] >>"
        % (len(pages), b" ".join(b"%d 0 R" % (4 + 2 * number) for number in range(len(pages)))),
        b"<< /Title %s /Producer (graves_jax) >>" % _text(title),
    ]
    pictures: list[bytes] = []
    for number, page in enumerate(pages):
        stream = zlib.compress(_content(page, ink, paper, rule).encode("ascii"))
        size = b"%.3f %.3f" % (page.width * POINTS_PER_MM, page.height * POINTS_PER_MM)
        objects += [
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %s] /Resources << %s >> /Contents %d 0 R >>"
            % (size, _add_picture(page, pictures, first=4 + 2 * len(pages)), 5 + 2 * number),
            b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(stream), stream),
        ]
    with open(path, "wb") as file:
        file.write(_document(objects + pictures))


def rgb(colour: str) -> tuple[float, float, float]:
    """Red, green and blue from 0 to 1 of a colour as CSS writes it.

    Raises:
      InputError: there is no such colour.
    """
    try:
        red, green, blue, *_ = ImageColor.getrgb(colour)
        return red / 255, green / 255, blue / 255
    except ValueError as error:
        raise InputError(f"Expected a colour as CSS writes it, found {colour!r:.60}.") from error


def _document(objects: Sequence[bytes]) -> bytes:
    """The file around its objects, the third of which says what it is about."""
    parts, offsets = [b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"], []
    length = len(parts[0])
    for number, content in enumerate(objects, start=1):
        offsets.append(length)
        parts.append(b"%d 0 obj\n%s\nendobj\n" % (number, content))
        length += len(parts[-1])
    entries = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    parts.append(b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, entries))
    parts.append(b"trailer\n<< /Size %d /Root 1 0 R /Info 3 0 R >>\n" % (len(objects) + 1))
    parts.append(b"startxref\n%d\n%%%%EOF\n" % length)
    return b"".join(parts)


def _content(page: Page, ink, paper, rule) -> str:
    """The operators that draw a page, in millimetres from its upper left corner."""
    down = f"{POINTS_PER_MM:.6f} 0 0 {-POINTS_PER_MM:.6f} 0 {page.height * POINTS_PER_MM:.3f} cm"
    drawn = [down, "1 J 1 j"]
    if paper is not None and paper != (1, 1, 1):
        drawn.append(f"{_colour(paper)} rg 0 0 {page.width:.3f} {page.height:.3f} re f")
    if len(page.rules):
        drawn.append(f"{_colour(rule)} RG {RULE_WIDTH:.3f} w")
        drawn += ["{:.3f} {:.3f} m {:.3f} {:.3f} l S".format(*row) for row in page.rules.tolist()]
    if page.picture is not None:
        _, left, top, width, height = page.picture
        drawn.append(f"q {width:.3f} 0 0 {-height:.3f} {left:.3f} {top + height:.3f} cm /Picture Do Q")
    drawn.append(f"{_colour(ink)} RG {page.stroke_width:.3f} w")
    pen = page.stroke_width
    for segments, widths in zip(page.strokes(), page.stroke_widths(), strict=True):
        for run, width in runs_of_equal_width(segments, widths):
            if width != pen:
                drawn.append(f"{width:.3f} w")
                pen = width
            drawn.append(_path(run, page.smooth))
    return "\n".join(drawn)


def _add_picture(page: Page, pictures: list[bytes], *, first: int) -> bytes:
    """What a page's resources say of its picture; its objects, colours and opacity, are added. `first` numbers them."""
    if page.picture is None:
        return b""
    image = Image.open(io.BytesIO(page.picture[0])).convert("RGBA")
    form = b"<< /Type /XObject /Subtype /Image /Width %d /Height %d /BitsPerComponent 8 /ColorSpace /%s%s "
    number = first + len(pictures)
    for space, mask, part in (
        (b"DeviceRGB", b" /SMask %d 0 R" % (number + 1), image.convert("RGB")),
        (b"DeviceGray", b"", image.getchannel("A")),
    ):
        pixels = zlib.compress(part.tobytes())
        head = form % (*image.size, space, mask) + b"/Filter /FlateDecode /Length %d >>" % len(pixels)
        pictures.append(b"%s\nstream\n%s\nendstream" % (head, pixels))
    return b"/XObject << /Picture %d 0 R >>" % number


def _path(segments: np.ndarray, smooth: bool) -> str:
    """A stroke; a dot is a line without length, which the round pen makes a disc."""
    start = "{:.3f} {:.3f} m ".format(*segments[0, 0])
    if smooth:
        return start + (("{:.3f} " * 6 + "c ") * len(segments)).format(*segments[:, 1:].ravel().tolist()) + "S"
    return start + ("{:.3f} {:.3f} l " * len(segments)).format(*segments[:, 3].ravel().tolist()) + "S"


def _colour(values: tuple[float, float, float]) -> str:
    return " ".join(f"{value:.4g}" for value in values)


def _text(text: str) -> bytes:
    """A string as PDF holds any: UTF-16 in hexadecimal."""
    return b"<" + ("\ufeff" + text).encode("utf-16-be", errors="replace").hex().encode() + b">"
