"""Draws saved ink again in another form, without writing it again.

    graves-draw --ink=letter.jsonl --output=letter.gcode --feed=3000
    graves-draw --ink=letter.jsonl --output=letter.png --colour=black --variable_width --dpi=300
    graves-draw --ink=snow.jsonl --output=snow.svg                    lines of ink that graves-write saved

From a checkout without an installation: python experiments/draw_page.py. Pages become what their suffix names, one file
for each page or one for all, as graves-page writes them; lines of ink become one picture, as graves-write draws them. A
report goes to standard output, and on its last line the same as JSON.
"""

import time

from absl import flags

from graves_jax.commands import command_line, look_flags
from graves_jax.errors import InputError

INK = flags.DEFINE_string("ink", None, "A .jsonl file of pages or of lines of ink.")
OUTPUT = flags.DEFINE_string("output", None, "File to write: .pdf, .svg, .png, .gif, .gcode, .hpgl or .jsonl.")

flags.adopt_module_key_flags(look_flags)


def main() -> None:
    """What the flags ask for."""
    from graves_jax.drawing.sheets import is_pages, read_sheets, save_sheets, sheet_saver

    started = time.perf_counter()
    if INK.value is None:
        raise InputError("Expected --ink=FILE, a .jsonl file of pages or of lines of ink, found none.")
    if OUTPUT.value is None:
        raise InputError("Expected --output=FILE, found none.")
    look = look_flags.look()
    if is_pages(INK.value):
        sheet_saver(OUTPUT.value)
        sheets = read_sheets(INK.value)
        outputs = save_sheets(OUTPUT.value, sheets, look)
        pages, lines = len(sheets), sum(len(sheet.lines) for sheet in sheets)
    else:
        outputs, pages, lines = [OUTPUT.value], 1, _draw_lines(INK.value, OUTPUT.value, look)
    seconds = time.perf_counter() - started
    print(f"{', '.join(map(str, outputs))}: {pages} page(s), {lines} lines in {seconds:.1f} s")
    report = {"outputs": list(map(str, outputs)), "pages": pages, "lines": lines, "seconds": round(seconds, 2)}
    command_line.print_json(report)


def _draw_lines(ink: str, output: str, look) -> int:
    """Draws lines of ink as one picture and returns how many there are."""
    from graves_jax.data.json_lines import read_json_lines
    from graves_jax.drawing.save import save_ink, saver_of

    given = [flag.name for flag in (look_flags.PEN_WIDTH, look_flags.DPI, look_flags.FILM_SECONDS) if flag.present]
    if given:
        raise InputError(
            f"Expected --{given[0]} to come with pages, found lines of ink in {ink}, which are in no unit."
        )
    saver_of(output)
    inks = [line.ink for line in read_json_lines(ink)]
    is_ink = output.lower().endswith((".jsonl", ".json"))
    options = {"colour": look.colour, "background": look.background, "variable_width": look.variable_width}
    save_ink(output, inks, **({} if is_ink else options))
    return len(inks)


def command() -> None:
    """The installed command."""
    command_line.run(main)
