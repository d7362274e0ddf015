import io
import subprocess
import sys

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from graves_jax.data.ink import Ink
from graves_jax.drawing import plots
from graves_jax.drawing.plots.mixture import page_density
from graves_jax.errors import InputError

TEXT = "Snow is white."


def window_for(ink, size):
    """Weights [T, size] that move over the text once."""
    at = np.linspace(0, size - 1, len(ink))
    return np.exp(-((at[:, None] - np.arange(size)) ** 2))


def mixture_for(ink, num_components=3):
    rng = np.random.default_rng(0)
    shape = (len(ink), num_components)
    pi = rng.dirichlet(np.ones(num_components), len(ink))
    mu = ink.offsets[:, None, :2] + rng.normal(size=(*shape, 2))
    sigma = rng.uniform(0.5, 2, (*shape, 2))
    return pi, mu, sigma, rng.uniform(-0.9, 0.9, shape), rng.uniform(size=len(ink))


def figures(ink, text=TEXT):
    """One of each kind."""
    phi = window_for(ink, len(text))
    pi, *rest = mixture_for(ink)
    return {
        "line": plots.plot_line_in_time(ink),
        "writers": plots.plot_writers([("a", ink), ("b", ink)]),
        "samples": plots.plot_samples([("bias 0", ink), ("costs $5_000, or $6", ink)], "A title with $ and _"),
        "changes": plots.plot_changes([("straight", ink, ink), ("costs $5_000", ink, None)]),
        "window": plots.plot_window(phi, text, ink),
        "characters": plots.plot_window_characters(phi, list(text)),
        "density": plots.plot_mixture_density(ink, pi, *rest),
        "weights": plots.plot_mixture_weights(ink, pi),
        "learning": plots.plot_learning({"training": (np.arange(3), np.ones(3))}),
        "network": plots.plot_network(),
        "progress": plots.plot_progress([("500 updates", np.zeros((4, 9, 3))), ("1,000 updates", np.ones((5, 9, 4)))]),
    }


def texts(figure):
    return " ".join(
        text.get_text() for axes in figure.axes for text in (axes.xaxis.label, axes.yaxis.label, *axes.texts)
    )


def test_every_figure_can_be_drawn(line):
    for name, figure in figures(line).items():
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=40)
        assert file.getvalue().startswith(b"\x89PNG"), name


@pytest.mark.parametrize("offsets", [[[0, 0, 1]], [[0, 0, 0], [9, 0, 1]]])
def test_every_figure_can_be_drawn_of_the_least_ink(offsets):
    for figure in figures(Ink(np.array(offsets), "a"), "a").values():
        figure.savefig(io.BytesIO(), format="png", dpi=20)


def test_a_line_in_time_shows_its_offsets_and_lifts(line):
    _, dx, dy = plots.plot_line_in_time(line).axes
    np.testing.assert_array_equal(dx.lines[0].get_ydata(), line.offsets[:, 0])
    np.testing.assert_array_equal(dy.lines[0].get_ydata(), line.offsets[:, 1])
    assert len(dx.collections[0].get_segments()) == line.offsets[:, 2].sum()
    assert dy.yaxis_inverted() and not dx.yaxis_inverted()
    assert "ink units" in dx.get_ylabel()


def test_writers_show_points_per_character(line):
    figure = plots.plot_writers([("Ann", line), ("Bob", Ink(line.offsets, "ab"))])
    assert f"{len(line) / len(TEXT):.1f} points" in texts(figure)
    assert f"Bob\n{len(line) / 2:.1f} points" in texts(figure)


def test_writers_need_texts(line):
    with pytest.raises(InputError, match="'Bob'"):
        plots.plot_writers([("Ann", line), ("Bob", Ink(line.offsets))])


def test_samples_stand_below_each_other_at_one_scale(line):
    double = Ink(line.offsets * [2, 2, 1])
    figure = plots.plot_samples([("one", line), ("two", double)], "title")
    (axes,) = figure.axes
    small, large = (np.concatenate([path.vertices for path in sheet.get_paths()]) for sheet in axes.collections)
    np.testing.assert_allclose(np.ptp(large, axis=0), 2 * np.ptp(small, axis=0), rtol=1e-3)
    assert small[:, 1].max() < large[:, 1].min()
    assert np.isclose(small[:, 0].min(), large[:, 0].min(), atol=0.02 * np.ptp(large[:, 0]))
    assert axes.yaxis_inverted()
    # As many inches for a unit of x as for a unit of y.
    inches = figure.get_size_inches() / np.abs([np.diff(axes.get_xlim())[0], np.diff(axes.get_ylim())[0]])
    assert inches[0] == pytest.approx(inches[1])
    right = large[:, 0].max()
    assert right <= axes.get_xlim()[1]


def test_samples_need_rows():
    with pytest.raises(InputError, match="at least one row"):
        plots.plot_samples([])


def test_changes_stand_side_by_side_each_column_at_its_own_scale(line):
    double = Ink(line.offsets * [2, 2, 1])
    figure = plots.plot_changes([("kept", line, double), ("twice as large", double, line), ("left out", line, None)])
    (axes,) = figure.axes
    boxes = [np.concatenate([path.vertices for path in ink.get_paths()]) for ink in axes.collections]
    first, second, third, after, after_second = (np.ptp(box, axis=0) for box in boxes)
    np.testing.assert_allclose(second, 2 * first, rtol=0.01)
    np.testing.assert_allclose(third, first, rtol=0.01)
    np.testing.assert_allclose(after, 2 * after_second, rtol=0.01)
    assert boxes[0][:, 1].max() < boxes[1][:, 1].min() and boxes[1][:, 0].max() < boxes[3][:, 0].min()
    assert all(word in texts(figure) for word in ("kept", "left out", "before", "after"))


def test_changes_need_rows():
    with pytest.raises(InputError, match="at least one row"):
        plots.plot_changes([])


def test_the_window_has_a_row_for_each_letter_and_a_column_for_each_point(line):
    phi = window_for(line, len(TEXT))
    page, window, *_ = plots.plot_window(phi, TEXT, line).axes
    np.testing.assert_array_equal(window.images[0].get_array(), phi.T)
    ticks = [tick.get_text() for tick in window.get_yticklabels()]
    assert "".join(ticks) == TEXT.replace(" ", "␣")
    # The picture's row u lies at tick u, its column t over the point t + 1.
    assert window.images[0].get_extent() == [0.5, len(line) + 0.5, len(TEXT) - 0.5, -0.5]
    assert len(page.collections[0].get_paths()) == len(line.strokes())


def test_each_letter_is_joined_to_the_moment_it_is_looked_at(line):
    phi = np.zeros((len(line), len(TEXT)))
    starts = np.arange(len(TEXT)) * len(line) // len(TEXT)
    for u, start in enumerate(starts):
        phi[start:, u] = 1 + u
    figure = plots.plot_window(phi, TEXT, line)
    positions = np.cumsum(line.offsets[:, 0])
    joins = [(artist.xy1[0], artist.xy2[0]) for artist in figure.artists]
    np.testing.assert_allclose(joins, np.column_stack([positions[starts], starts + 1]))


def test_window_characters_leave_out_what_is_never_looked_at():
    w = np.zeros((30, 5))
    w[:20, 1], w[15:, 4] = 1, 0.5
    axes = plots.plot_window_characters(w, ["a", "b", " ", "c", "other"]).axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["b", "other"]
    np.testing.assert_array_equal(axes.images[0].get_array(), w[:, [1, 4]].T)


def test_the_density_is_that_of_scipy_moved_to_the_pen():
    before = np.array([[0.0, 0.0], [10.0, 5.0]])
    pi = np.array([[0.3, 0.7], [1.0, 0.0]])
    mu = np.array([[[2.0, 1.0], [4.0, -2.0]], [[1.0, 1.0], [0.0, 0.0]]])
    sigma = np.array([[[1.0, 2.0], [1.5, 0.7]], [[2.0, 1.0], [1.0, 1.0]]])
    rho = np.array([[0.8, -0.6], [0.5, 0.0]])
    pixel = 0.02
    density = page_density(before, pi, mu, sigma, rho, box=(-6, -8, 18, 12), pixel=pixel)
    xs, ys = np.arange(-6 + pixel / 2, 18, pixel), np.arange(-8 + pixel / 2, 12, pixel)
    expected = np.zeros_like(density)
    for t, j in [(0, 0), (0, 1), (1, 0)]:
        sx, sy = sigma[t, j]
        covariance = [[sx**2, rho[t, j] * sx * sy], [rho[t, j] * sx * sy, sy**2]]
        grid = np.stack(np.meshgrid(xs, ys), axis=-1)
        expected += pi[t, j] * multivariate_normal(before[t] + mu[t, j], covariance).pdf(grid)
    np.testing.assert_allclose(density, expected, atol=1e-3 * expected.max())
    # Each of the two points is somewhere.
    assert density.sum() * pixel**2 == pytest.approx(2, rel=2e-3)


@pytest.mark.parametrize("sigma", [1e-9, 1e-3, 0.05, 3.0])
def test_a_component_keeps_its_mass_however_narrow(sigma):
    density = page_density(
        np.array([[3.21, 4.56]]),
        np.ones((1, 1)),
        np.zeros((1, 1, 2)),
        np.full((1, 1, 2), sigma),
        np.zeros((1, 1)),
        box=(-17, -17, 23, 23),
        pixel=0.1,
    )
    assert density.sum() * 0.1**2 == pytest.approx(1, rel=0.02)


def test_the_density_lies_under_the_ink_and_the_ends_below(line):
    pi, mu, sigma, rho, e = mixture_for(line)
    figure = plots.plot_mixture_density(line, pi, mu, sigma, rho, e)
    page, ends = figure.axes[:2]
    left, right, bottom, top = page.images[0].get_extent()
    after = np.cumsum(line.offsets[:, :2], axis=0)
    assert left < after[:, 0].min() and right > after[:, 0].max()
    assert top < after[:, 1].min() and bottom > after[:, 1].max()
    np.testing.assert_allclose([s[1] for s in ends.collections[0].get_segments()], np.column_stack([after[:, 0], e]))
    lifts = line.offsets[:, 2] == 1
    np.testing.assert_allclose(ends.lines[0].get_ydata(), e[lifts])


def test_mixture_weights_have_a_row_for_each_component(line):
    pi = mixture_for(line, 7)[0]
    axes = plots.plot_mixture_weights(line, pi).axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array(), pi.T)
    assert axes.get_yticks().tolist() == [1, 5]
    # Column t of the map lies over t + 1; row t of the ink that follows a lift is the first of its stroke.
    firsts = [t + 1 for t in range(1, len(line)) if line.offsets[t - 1, 2] == 1]
    assert axes.lines[0].get_xdata().tolist() == firsts


def test_learning_shows_every_curve_with_its_name_and_unit():
    curves = {f"run {n}": (np.arange(50) * 100, np.full(50, n)) for n in range(8)}
    axes = plots.plot_learning(curves, unit="nats per line").axes[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == list(curves)
    assert len({(line.get_color(), line.get_linestyle()) for line in axes.lines}) == 8
    assert "nats per line" in axes.get_ylabel()


@pytest.mark.parametrize("curves", [{}, {"a": (np.arange(3), np.ones(2))}, {"a": ([], [])}])
def test_learning_needs_curves(curves):
    with pytest.raises(InputError):
        plots.plot_learning(curves)


def test_progress_shows_each_picture_below_its_label():
    pictures = [(f"{n} updates", np.full((3 + n, 10, 3), n / 5)) for n in range(5)]
    figure = plots.plot_progress(pictures)
    shown = [axes for axes in figure.axes if axes.images]
    assert [axes.get_title(loc="left") for axes in shown] == [label for label, _ in pictures]
    for axes, (_, picture) in zip(shown, pictures, strict=True):
        np.testing.assert_array_equal(axes.images[0].get_array(), picture)


def test_progress_needs_pictures():
    with pytest.raises(InputError, match="at least one picture"):
        plots.plot_progress([])


def test_the_network_names_its_parts():
    labels = " ".join(texts(figure) for figure in [plots.plot_network()])
    for part in ("LSTM 1", "LSTM 2", "LSTM 3", "window", "mixture", "text", "pen point", "h^3_{t+1}", "κ_{t}"):
        assert part in labels


def test_wrong_shapes_are_named(line):
    phi, (pi, mu, sigma, rho, e) = window_for(line, len(TEXT)), mixture_for(line)
    wrong = [
        ("phi", lambda: plots.plot_window(phi[1:], TEXT, line)),
        ("phi", lambda: plots.plot_window(phi, TEXT[1:], line)),
        ("w", lambda: plots.plot_window_characters(phi, "ab")),
        ("pi", lambda: plots.plot_mixture_weights(line, pi[0])),
        ("pi", lambda: plots.plot_mixture_density(line, pi[1:], mu, sigma, rho, e)),
        ("pi", lambda: plots.plot_mixture_density(line, np.array(1.0), mu, sigma, rho, e)),
        ("mu", lambda: plots.plot_mixture_density(line, pi, mu[..., 0], sigma, rho, e)),
        ("e", lambda: plots.plot_mixture_density(line, pi, mu, sigma, rho, e[:, None])),
    ]
    for name, call in wrong:
        with pytest.raises(InputError, match=rf"needs {name} of shape .* found \["):
            call()


def test_figures_leave_pyplot_alone():
    program = (
        "import sys, numpy as np; from graves_jax.drawing import plots; plots.plot_network(); "
        "print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
