"""Ink as SVG: one smooth path per stroke, for a browser, a page or a pen plotter.

A path is the middle line of its stroke, never an outline. Coordinates are rounded to hundredths of a pixel and written
relative to the point before, and nothing depends on the time or the machine, so the same ink gives the same bytes.
"""

import base64
import re
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from graves_jax.data.ink import Ink
from graves_jax.drawing.page import RULE_COLOUR, RULE_WIDTH, Page, lay_out, runs_of_equal_width

INK_COLOUR = "#16233f"
PAPER_COLOUR = "white"

NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def ink_to_svg(
    lines: Ink | Sequence[Ink], *, colour: str = INK_COLOUR, background: str | None = PAPER_COLOUR, **layout
) -> str:
    """An SVG document of one line of ink or of several below each other.

    Args:
      lines: what to draw; the transcripts become the picture's title.
      colour: of the ink, as CSS writes it.
      background: of the page, as CSS writes it. None leaves it clear. It is a style of the page and no shape on it,
        so a plotter does not draw it.
      **layout: width, height, stroke_width, margin, line_spacing, smooth, variable_width: see `page.lay_out`.
    Raises:
      InputError: see `page.lay_out`.
    """
    return page_to_svg(lay_out(lines, **layout), colour=colour, background=background)


def page_to_svg(page: Page, *, colour: str = INK_COLOUR, background: str | None = PAPER_COLOUR) -> str:
    """An SVG document of a page: a group for each line, in it a path for each stroke.

    A page in millimetres is a drawing of that size, whose lines bear their transcripts.
    """
    elements = []
    for text, strokes, widths in zip(page.texts, page.lines, page.widths, strict=True):
        drawn = [_stroke_element(page, *stroke) for stroke in zip(strokes, widths, strict=True)]
        elements += [_line_group(page, text), *drawn, "</g>"]
    return svg_document(page, elements, colour=colour, background=background)


def svg_document(page: Page, elements: Sequence[str], *, colour: str, background: str | None) -> str:
    """The document around the elements: its size, title, background, pen, and what is printed on the paper."""
    title = " / ".join(text for text in page.texts if text) or "Handwriting"
    style = "" if background is None else f" style={_attribute(f'background:{background}')}"
    pen = f'stroke={_attribute(colour)} stroke-width="{_number(page.stroke_width)}"'
    size = [_number(side) for side in (page.width, page.height)]
    width, height = size if page.unit == "px" else [f"{side}mm" for side in size]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg"{_inkscape(page)} width="{width}" height="{height}" '
            f'viewBox="0 0 {" ".join(size)}" role="img"{style}>',
            f"<title>{escape(_legal(title))}</title>",
            *_rule_elements(page),
            *_picture_elements(page),
            f'<g fill="none" {pen} stroke-linecap="round" stroke-linejoin="round">',
            *elements,
            "</g>",
            "</svg>\n",
        ]
    )


def path_data(segments: np.ndarray, smooth: bool) -> str:
    """The `d` attribute of one stroke or a piece of it: a move and its Bezier curves, or straight lines.

    Args:
      segments: shape [S, 4, 2], in pixels.
    """
    hundredths = np.round(segments * 100).astype(np.int64)
    origin = hundredths[:, :1]
    offsets = (hundredths[:, 1:] - origin) if smooth else (hundredths[:, 3:] - origin)
    drawn = offsets[np.any(offsets != 0, axis=(1, 2))]
    move = "M" + _numbers(origin[0])
    if not len(drawn):
        # A dot. Its length of a hundredth is not seen, but some programs draw nothing for a path of no length.
        return move + "h.01"
    return move + ("c" if smooth else "l") + _numbers(drawn)


def pen_width(page: Page, width: float) -> str:
    """The attribute of a path whose pen is not the page's, with a space before it; nothing where it is."""
    return "" if width == page.stroke_width else f' stroke-width="{_number(width)}"'


def _inkscape(page: Page) -> str:
    """The name space of its labels, where there are any."""
    return "" if page.unit == "px" else ' xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape"'


def _line_group(page: Page, text: str | None) -> str:
    """The group of a line begins."""
    if page.unit == "px" or text is None:
        return "<g>"
    return f"<g inkscape:label={_attribute(text)}><title>{escape(_legal(text))}</title>"


def _rule_elements(page: Page) -> list[str]:
    """What is printed on the paper, in a layer whose name keeps plotter programs from drawing it."""
    if not len(page.rules):
        return []
    paths = "".join(
        f"M{_number(x0)} {_number(y0)}L{_number(x1)} {_number(y1)}" for x0, y0, x1, y1 in page.rules.tolist()
    )
    pen = f'stroke="{RULE_COLOUR}" stroke-width="{_number(RULE_WIDTH)}"'
    return [f'<g inkscape:groupmode="layer" inkscape:label="%paper" fill="none" {pen}><path d="{paths}"/></g>']


def _picture_elements(page: Page) -> list[str]:
    """The picture, inside the file."""
    if page.picture is None:
        return []
    png, *sides = page.picture
    box = " ".join(f'{name}="{_number(side)}"' for name, side in zip(("x", "y", "width", "height"), sides, strict=True))
    return [f'<image {box} href="data:image/png;base64,{base64.b64encode(png).decode()}"/>']


def _stroke_element(page: Page, segments: np.ndarray, widths: np.ndarray) -> str:
    """One path; or, where the pen's width varies, a group with one path for each run of equal width."""
    paths = [
        f'<path{pen_width(page, width)} d="{path_data(run, page.smooth)}"/>'
        for run, width in runs_of_equal_width(segments, widths)
    ]
    return paths[0] if len(paths) == 1 else "<g>" + "".join(paths) + "</g>"


def _numbers(hundredths: np.ndarray) -> str:
    """Whole hundredths as decimal numbers, set as closely as SVG allows: "1.5-.25 3"."""
    text = " ".join(map(_decimal, hundredths.ravel().tolist()))
    return text.replace(" -", "-")


def _number(value: float) -> str:
    return _decimal(round(value * 100))


def _decimal(hundredths: int) -> str:
    """150 as "1.5", -25 as "-.25", 300 as "3"."""
    whole, part = divmod(abs(hundredths), 100)
    digits = f".{part:02d}".rstrip("0") if part else ""
    return f"{'-' if hundredths < 0 else ''}{whole or ('' if digits else '0')}{digits}"


def _attribute(value: str) -> str:
    return quoteattr(_legal(value))


def _legal(text: str) -> str:
    """Text with the replacement character for each one that XML cannot hold in any form."""
    return NOT_IN_XML.sub("\ufffd", text)
