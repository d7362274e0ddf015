"""The synthesis network as a diagram, Graves (2013) figure 12: rolled up, and unrolled over three steps."""

from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyBboxPatch

from graves_jax.drawing.plots.axes import BLUE, GREEN, GREY, ORANGE, RED, bare, new_figure

# One time step is a stack of boxes; these are their heights on the page, upwards.
TEXT, INPUT, FIRST, WINDOW, SECOND, THIRD, OUTPUT, TITLE = 0.0, 1.0, 2.2, 3.25, 4.3, 5.5, 6.7, 7.5
LAYERS = (FIRST, SECOND, THIRD)
# Half the width and half the height of a box, and how far from the middle of its side a second line joins it.
SIDE, TOP, ASIDE = 0.9, 0.28, 0.15
# Places to the right of the stack's middle: the window, and the lanes on the left in which lines run upwards.
WINDOW_PLACE, INPUT_LANE, OUTPUT_LANE = 2.0, -1.2, -1.45
STEP = 4.8
FROM_INPUT, FROM_TEXT, FROM_LAYER, FROM_WINDOW, LATER = BLUE, GREEN, "#333333", ORANGE, RED

Corners = list[tuple[float, float]]


class Labels(NamedTuple):
    """What stands in a step's boxes."""

    input: str
    layers: tuple[str, str, str]
    window: str
    output: str


def plot_network() -> Figure:
    """Input, three LSTM layers, window and mixture: left rolled up, right at three steps of time.

    The input reaches every layer; the window is moved by layer 1 over the text, feeds layers 2 and 3 at the same step
    and layer 1 at the next; every layer reaches the output; what is drawn from the mixture is the next input.
    """
    figure = new_figure(14, 6.2)
    rolled, unrolled = figure.subplots(1, 2, width_ratios=[5.8, 2 * STEP + 5.1])
    _draw_rolled(rolled)
    _draw_unrolled(unrolled)
    # The unrolled steps go on at either edge, so their connections are cut off there.
    for axes, left, right in ((rolled, -2.3, 3.5), (unrolled, -1.7, 2 * STEP + 3.4)):
        axes.set(xlim=(left, right), ylim=(-0.4, TITLE + 0.2), aspect="equal")
        bare(axes)
    kinds = {
        "from the input": (FROM_INPUT, "-"),
        "from the text": (FROM_TEXT, "-"),
        "from a layer": (FROM_LAYER, "-"),
        "from the window": (FROM_WINDOW, "-"),
        "to the next step": (LATER, "--"),
    }
    handles = [Line2D([], [], color=colour, ls=style, label=name) for name, (colour, style) in kinds.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(kinds), frameon=False)
    return figure


def _draw_rolled(axes: Axes) -> None:
    point = "pen point $x_t$\n(dx, dy, end)"
    _draw_step(axes, 0, Labels(point, ("LSTM 1", "LSTM 2", "LSTM 3"), "window $w_t$", "mixture for $x_{t+1}$"))
    _box(axes, WINDOW_PLACE, TEXT, "text $c_1 … c_U$", GREEN)
    axes.text(0, TITLE, "Rolled up", ha="center", va="center", fontsize=12)
    for x, y in [(0, FIRST), (0, SECOND), (0, THIRD)]:
        loop = [(SIDE, -ASIDE), (SIDE + 0.2, -ASIDE), (SIDE + 0.2, -TOP - 0.2), (0.6, -TOP - 0.2), (0.6, -TOP)]
        _connect(axes, [(x + dx, y + dy) for dx, dy in loop], LATER, dashed=True)
    loop = [(SIDE, ASIDE), (SIDE + 0.2, ASIDE), (SIDE + 0.2, TOP + 0.2), (0.6, TOP + 0.2), (0.6, TOP)]
    _connect(axes, [(WINDOW_PLACE + dx, WINDOW + dy) for dx, dy in loop], LATER, dashed=True)
    end, below = WINDOW_PLACE + SIDE, FIRST - TOP - 0.4
    back = [(end, WINDOW), (end + 0.4, WINDOW), (end + 0.4, below), (0.3, below), (0.3, FIRST - TOP)]
    _connect(axes, back, LATER, dashed=True)
    lane = OUTPUT_LANE - 0.35
    drawn = [(-SIDE, OUTPUT + ASIDE), (lane, OUTPUT + ASIDE), (lane, INPUT - ASIDE), (-SIDE, INPUT - ASIDE)]
    _connect(axes, drawn, LATER, dashed=True)
    axes.text(
        lane - 0.1, (OUTPUT + INPUT) / 2, "the next point is drawn", rotation=90, ha="right", va="center", color=LATER
    )


def _draw_unrolled(axes: Axes) -> None:
    times = ("t-1", "t", "t+1", "t+2")
    for n in range(3):
        now = times[n]
        first, second, third = (f"$h^{layer}_{{{now}}}$" for layer in (1, 2, 3))
        _draw_step(
            axes,
            n * STEP,
            Labels(
                f"$x_{{{now}}}$",
                (first, second, third),
                f"$w_{{{now}}},\\ κ_{{{now}}}$",
                f"mixture for $x_{{{times[n + 1]}}}$",
            ),
        )
    for n in range(4):
        _draw_passage(axes, n * STEP)
    middle = STEP + WINDOW_PLACE / 2
    _box(axes, middle, TEXT, "text $c_1 … c_U$, the same at every step", GREEN, half_width=STEP + 1.9)
    axes.text(middle, TITLE, "Unrolled in time", ha="center", va="center", fontsize=12)


def _draw_passage(axes: Axes, x: float) -> None:
    """What the step around x is handed by the step before."""
    before = x - STEP
    window = before + WINDOW_PLACE + SIDE
    down, sample = window + 0.1, window + 0.3
    passages = [[(before + SIDE, y), (x - SIDE, y)] for y in LAYERS]
    passages += [
        [(window, WINDOW), (x + WINDOW_PLACE - SIDE, WINDOW)],
        [(down, WINDOW), (down, FIRST - ASIDE), (x - SIDE, FIRST - ASIDE)],
        [(before + SIDE, OUTPUT), (sample, OUTPUT), (sample, INPUT - ASIDE), (x - SIDE, INPUT - ASIDE)],
    ]
    for corners in passages:
        _connect(axes, corners, LATER, dashed=True)


def _draw_step(axes: Axes, x: float, labels: Labels) -> None:
    """The boxes of one time step around x, and the connections within it."""
    left, right, window = x - SIDE, x + SIDE, x + WINDOW_PLACE
    for y in (SECOND, THIRD):
        _connect(axes, _around(left, x + INPUT_LANE, INPUT + ASIDE, y - ASIDE), FROM_INPUT)
        _connect(axes, [(window, WINDOW + TOP), (window, y + ASIDE), (right, y + ASIDE)], FROM_WINDOW)
    for y in (FIRST, SECOND):
        _connect(axes, _around(left, x + OUTPUT_LANE, y + ASIDE, OUTPUT - ASIDE), FROM_LAYER)
    _connect(axes, [(x, INPUT + TOP), (x, FIRST - TOP)], FROM_INPUT)
    for below, above in ((FIRST, SECOND), (SECOND, THIRD), (THIRD, OUTPUT)):
        _connect(axes, [(x, below + TOP), (x, above - TOP)], FROM_LAYER)
    corner = window - 0.4
    _connect(axes, [(right, FIRST + ASIDE), (corner, FIRST + ASIDE), (corner, WINDOW - TOP)], FROM_LAYER)
    _connect(axes, [(window + 0.4, TEXT + TOP), (window + 0.4, WINDOW - TOP)], FROM_TEXT)

    _box(axes, x, INPUT, labels.input, FROM_INPUT)
    for y, label in zip(LAYERS, labels.layers, strict=True):
        _box(axes, x, y, label, FROM_LAYER)
    _box(axes, window, WINDOW, labels.window, FROM_WINDOW)
    _box(axes, x, OUTPUT, labels.output, GREY)


def _around(side: float, lane: float, start: float, end: float) -> Corners:
    """From a box's side out to a lane, along it, and back to the same side at another height."""
    return [(side, start), (lane, start), (lane, end), (side, end)]


def _box(axes: Axes, x: float, y: float, label: str, colour: str, half_width: float = SIDE) -> None:
    round_by = 0.08
    shape = FancyBboxPatch(
        (x - half_width + round_by, y - TOP + round_by),
        2 * (half_width - round_by),
        2 * (TOP - round_by),
        boxstyle=f"round,pad={round_by}",
        fc="white",
        ec=colour,
        lw=1.4,
        zorder=3,
    )
    axes.add_patch(shape)
    axes.text(x, y, label, ha="center", va="center", fontsize=9, zorder=4)


def _connect(axes: Axes, corners: Corners, colour: str, dashed: bool = False) -> None:
    """A line around corners with an arrow head at its end."""
    axes.plot(*zip(*corners, strict=True), color=colour, lw=1.2, ls="--" if dashed else "-", zorder=1)
    head = {"arrowstyle": "-|>", "color": colour, "lw": 0, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 10}
    axes.annotate("", corners[-1], corners[-2], arrowprops=head, annotation_clip=True, zorder=2).set_in_layout(False)
