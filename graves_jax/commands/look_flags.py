"""Flags of the commands that draw pages: ink, pen, pictures, plotters."""

from absl import flags

from graves_jax.commands import command_line

COLOUR = flags.DEFINE_string("colour", "#16233f", "Of the ink, as CSS writes it.")
BACKGROUND = flags.DEFINE_string("background", "white", "Of the paper, as CSS writes it; none leaves it clear.")
PEN_WIDTH = flags.DEFINE_float("pen_width", 0.35, "Of the pen, mm.")
VARIABLE_WIDTH = flags.DEFINE_bool("variable_width", False, "A pen that is broader where it is slower.")
DPI = flags.DEFINE_integer("dpi", 200, "Of a PNG; a GIF has half as many.")
FILM_SECONDS = flags.DEFINE_float("film_seconds", 15.0, "That a GIF lasts for each page, at most.")
PEN_UP = flags.DEFINE_string("pen_up", "M3 S0", "G-code: commands that lift the pen, apart by semicolons.")
PEN_DOWN = flags.DEFINE_string("pen_down", "M3 S1000", "G-code: commands that lower the pen, apart by semicolons.")
FEED = flags.DEFINE_float("feed", 2_000.0, "G-code: speed of the pen on paper, mm/min.")
TRAVEL_FEED = flags.DEFINE_float("travel_feed", None, "G-code: speed of the pen in the air, mm/min; none is G0.")
PEN_SECONDS = flags.DEFINE_float("pen_seconds", 0.15, "G-code: how long the pen takes to go up or down.")
ORIGIN = flags.DEFINE_string("origin", "bottom_left", "G-code, HPGL: corner of the paper at (0, 0), or top_left.")
OFFSET = flags.DEFINE_list("offset", ["0", "0"], "G-code, HPGL: where that corner is on the machine, x,y in mm.")


def look():
    """What the flags say of how pages are drawn.

    Raises:
      InputError: a value is out of range.
    """
    from graves_jax.drawing.plotter import Plotter
    from graves_jax.drawing.sheets import Look

    return Look(
        colour=COLOUR.value,
        background=None if BACKGROUND.value in ("none", "") else BACKGROUND.value,
        pen=PEN_WIDTH.value,
        variable_width=VARIABLE_WIDTH.value,
        dpi=DPI.value,
        seconds=FILM_SECONDS.value,
        plotter=Plotter(
            pen_up=PEN_UP.value,
            pen_down=PEN_DOWN.value,
            feed=FEED.value,
            travel_feed=TRAVEL_FEED.value,
            dwell=PEN_SECONDS.value,
            origin=ORIGIN.value,
            offset=command_line.numbers("offset", OFFSET.value),
        ),
    )
