"""Writes a text file as pages in one hand.

    graves-page --text_file=letter.txt --output=letter.pdf
    graves-page --text_file=letter.txt --paper=A5 --margin=15 --ruling=ruled --style=joined --output=letter.png
    graves-page --text_file=brief.txt --plain_letters --hyphenate=de_DE --justify --output=brief.pdf
    graves-page --text_file=card.txt --paper=148x105 --pen_up="M5" --pen_down="M3 S90" --output=card.gcode
    graves-page --text_file=letter.txt --output=letter.jsonl          graves-draw draws it again in any other form

From a checkout without an installation: python experiments/write_page.py. The suffix of --output says what is written:
.pdf and .jsonl hold all pages, .svg, .png, .gif, .gcode and .hpgl one each, numbered letter-1.svg, letter-2.svg where
there are several. A report goes to standard output, and on its last line the same as JSON.
"""

import dataclasses
import time

from absl import flags

from graves_jax.commands import command_line, hand_flags, look_flags
from graves_jax.errors import InputError

TEXT_FILE = flags.DEFINE_string("text_file", None, "A UTF-8 text file; each of its lines is a paragraph.")
OUTPUT = flags.DEFINE_string("output", None, "File to write: .pdf, .svg, .png, .gif, .gcode, .hpgl or .jsonl.")
PAPER = flags.DEFINE_string("paper", "A4", "A3, A4, A5, A6, letter, legal, or width x height in mm as 210x297.")
MARGIN = flags.DEFINE_list("margin", ["20"], "mm: all; vertical,horizontal; or top,right,bottom,left.")
RULING = flags.DEFINE_string("ruling", "plain", "What is printed on the paper: plain, ruled or squared.")
LETTER_SIZE = flags.DEFINE_float("letter_size", 2.2, "Height of an x, mm.")
LINE_SPACING = flags.DEFINE_float("line_spacing", 7.0, "From baseline to baseline, mm.")
WANDER = flags.DEFINE_float("wander", 0.8, "By how much at most the left edge wanders, mm; 0 is straight.")
JUSTIFY = flags.DEFINE_bool("justify", False, "Lines reach to the right margin.")
HYPHENATE = flags.DEFINE_string("hyphenate", None, "Language in which words may be broken, as en_GB, de_DE, fr.")
JOIN_LINES = flags.DEFINE_bool("join_lines", False, "Only blank lines part paragraphs: for texts wrapped by hand.")
SIGNATURE = flags.DEFINE_string("signature", None, "Under the text: a picture, or a .jsonl file of own ink.")
SIGNATURE_WIDTH = flags.DEFINE_float("signature_width", 45.0, "Of the signature, mm.")
DRAW_SIGNS = flags.DEFINE_bool("draw_signs", True, "Draw signs that the hand lacks from a stroke font.")

flags.adopt_module_key_flags(hand_flags)
flags.adopt_module_key_flags(look_flags)


def main() -> None:
    """What the flags ask for."""
    if hand_flags.LIST_STYLES.value:
        command_line.print_json(hand_flags.list_styles())
        return
    started = time.perf_counter()
    text, output, setting, look, hyphenate, signature = _check_flags()
    # JAX takes a second to import: a wrong flag is told without it.
    from graves_jax.drawing.sheets import save_sheets
    from graves_jax.layout.signature import sign
    from graves_jax.pages import write_pages

    command_line.use_compilation_cache()
    weights = hand_flags.load_weights()
    pages = write_pages(
        weights,
        text,
        setting,
        style=hand_flags.load_hand(weights),
        seed=hand_flags.SEED.value,
        bias=hand_flags.BIAS.value,
        best_of=hand_flags.BEST_OF.value,
        plain_letters=hand_flags.PLAIN_LETTERS.value,
        draw_signs=DRAW_SIGNS.value,
        join_lines=JOIN_LINES.value,
        hyphenate=hyphenate,
        progress=True,
    )
    if signature is not None:
        signed = sign(pages.sheets, signature, setting, width=SIGNATURE_WIDTH.value)
        pages = dataclasses.replace(pages, sheets=signed)
    hand_flags.warn(_warnings(weights, pages))
    outputs = save_sheets(output, pages.sheets, look)
    _report(outputs, pages, setting, seconds=time.perf_counter() - started)


def _check_flags():
    """All that can be found wrong before anything is written."""
    from graves_jax.drawing.sheets import check_sheets
    from graves_jax.layout.hyphens import hyphenator
    from graves_jax.layout.pages import Setting, Sheet
    from graves_jax.layout.paper import make_paper
    from graves_jax.layout.signature import load_signature, sign

    if TEXT_FILE.value is None:
        raise InputError("Expected --text_file=FILE, a UTF-8 text file, found none.")
    if OUTPUT.value is None:
        raise InputError("Expected --output=FILE, one of .pdf, .svg, .png, .gif, .gcode, .hpgl or .jsonl, found none.")
    look = look_flags.look()
    setting = Setting(
        paper=make_paper(PAPER.value, command_line.numbers("margin", MARGIN.value), RULING.value),
        x_height=LETTER_SIZE.value,
        line_spacing=LINE_SPACING.value,
        wander=WANDER.value,
        justify=JUSTIFY.value,
        pen=look.pen,
        seed=hand_flags.SEED.value,
    )
    hyphenate = None if HYPHENATE.value is None else hyphenator(HYPHENATE.value)
    signature = None if SIGNATURE.value is None else load_signature(SIGNATURE.value)
    # What cannot be is told before anything is written.
    sheets = [Sheet(setting.paper, [])]
    if signature is not None:
        sheets = sign(sheets, signature, setting, width=SIGNATURE_WIDTH.value)
    check_sheets(OUTPUT.value, sheets, look)
    return hand_flags.read_text(TEXT_FILE.value), OUTPUT.value, setting, look, hyphenate, signature


def _warnings(weights, pages) -> list[str | None]:
    written = "".join(line.ink.text for line in pages.lines)
    reasons = [hand_flags.rare_characters(weights, written)]
    if pages.drawn:
        reasons.append(f"{', '.join(map(repr, pages.drawn))} the hand does not know: a stroke font draws them")
    if pages.shrunk:
        words = ", ".join(f"{word!r:.40}" for word in pages.shrunk[:5])
        more = f" and {len(pages.shrunk) - 5} more" if len(pages.shrunk) > 5 else ""
        reasons.append(f"no line can hold {words}{more}, made smaller to fit")
    return [*reasons, hand_flags.faults(pages.lines)]


def _report(outputs, pages, setting, *, seconds: float) -> None:
    """What was written, for people and as JSON."""
    lines = sum(len(sheet.lines) for sheet in pages.sheets)
    names = [str(output) for output in outputs]
    print(f"{', '.join(names)}: {len(pages.sheets)} page(s), {lines} lines, {pages.num_words} words in {seconds:.1f} s")
    command_line.print_json(
        {
            "outputs": names,
            "pages": len(pages.sheets),
            "lines": lines,
            "words": pages.num_words,
            "faults": len(pages.faults),
            "paper_mm": [setting.paper.width, setting.paper.height],
            "ink_mm": pages.ink_box(setting.pen),
            "mapped": pages.mapped,
            "drawn": pages.drawn,
            "shrunk": pages.shrunk,
            "redrawn": pages.redrawn,
            "seconds": round(seconds, 2),
        }
    )


def command() -> None:
    """The installed command."""
    command_line.run(main)
