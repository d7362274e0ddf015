"""Whole lines: the page writes the ink that Python writes."""

import dataclasses
import itertools
import json

import jax
import numpy as np
import pytest

import graves_jax
from graves_jax.data.ink import Ink
from graves_jax.errors import InputError
from graves_jax.sampling import faults, letters
from graves_jax.sampling import styles as styles_module
from graves_jax.sampling.styles import draw_style, load_style
from graves_jax.sampling.write import write_lines

WRITE = """drained(write_js.writeLine(model, text, {
  key: random_js.foldIn(random_js.key(seed), 0), style: styles_js.handOf(model, style, seed), bias, bestOf, maxAttempts
}))"""


def in_python(weights, text, *, seed=0, bias=0.75, style=None, best_of=1, max_attempts=5):
    [written] = write_lines(
        weights,
        [text],
        keys=[jax.random.fold_in(jax.random.key(seed), 0)],
        bias=bias,
        style=style,
        best_of=best_of,
        max_attempts=max_attempts,
    )
    return written


def in_javascript(engine, text, *, seed=0, bias=0.75, style=None, best_of=1, max_attempts=5):
    return engine.run(WRITE, text=text, seed=seed, bias=bias, style=style, bestOf=best_of, maxAttempts=max_attempts)


def assert_same_line(line, written, unit):
    offsets = np.array(line["offsets"])
    assert offsets.shape == written.ink.offsets.shape
    np.testing.assert_array_equal(offsets[:, 2], written.ink.offsets[:, 2])
    # Positions and not offsets: what differs adds up along the line.
    positions, expected = (np.cumsum(rows[:, :2], axis=0) for rows in (offsets, written.ink.offsets))
    assert np.abs(positions - expected).max() < unit
    assert line["position"] == written.position.tolist()
    assert (line["attempts"], line["fault"]) == (written.attempts, written.fault)
    assert line["sharpness"] == pytest.approx(written.sharpness, abs=1e-4)


# Texts of up to 16 characters, two drawings at a time at most: all are one compilation.
@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("Jon Snow, Arya-", {"seed": 2, "bias": 0.0}),
        ("a", {"seed": 3, "bias": 2.0, "best_of": 2}),
    ],
)
def test_lines_of_the_free_weights(loaded, text, options):
    line = in_javascript(loaded("hershey"), text, **options)
    assert_same_line(line["returned"], in_python(graves_jax.load("hershey"), text, **options), unit=0.1)


@pytest.mark.parametrize("style", [None, "any", "cursive", "ink"])
def test_lines_of_the_default_weights(loaded, style):
    """In the hand of the seed, in none, in one that ships, and written on from a line of ink."""
    weights = graves_jax.load()
    if style == "ink":
        ink = styles_module._shipped()["cursive"]
        hand, style = ink, {"text": ink.text, "offsets": ink.offsets.tolist()}
    else:
        hand = draw_style(5, weights) if style is None else load_style(style, weights)
    line = in_javascript(loaded("iam"), "It is known.", seed=5, style=style)
    assert_same_line(line["returned"], in_python(weights, "It is known.", seed=5, style=hand), unit=0.1)


@pytest.mark.parametrize("fields", [{"style_size": 3}, {"style_size": 3, "ends_text": True}])
def test_lines_in_a_hand_that_is_a_vector(engine_with, random_weights, fields):
    """Of networks that know nothing; the second says itself when a text is over, and does so soon."""
    weights = random_weights(points_per_character=2.0, **fields)
    if weights.network.ends_text:
        # Points that stand still, nearly.
        params = weights.params | {"output_kernel": weights.params["output_kernel"] / 16}
        params["output_bias"] = np.float32([1.0, *[0.0] * 9, *[-3.0] * 6, *[0.0] * 3])
        weights = dataclasses.replace(weights, params=params)
    engine = engine_with(weights)
    hand = {"between": [{"number": 4}, {"number": 5}], "share": 0.25}
    z = 0.75 * jax.random.normal(jax.random.key(4), 3) + 0.25 * jax.random.normal(jax.random.key(5), 3)
    lines = []
    for style, vector in (("any", None), (None, draw_style(6, weights)), (hand, np.asarray(z))):
        line = in_javascript(engine, "abcab", seed=6, style=style, max_attempts=2)
        written = in_python(weights, "abcab", seed=6, style=vector, max_attempts=2)
        assert_same_line(line["returned"], written, unit=0.1)
        lines.append(line["returned"])
    assert len({str(line["offsets"]) for line in lines}) == 3
    assert all(line["fault"] != "it did not end by itself" for line in lines)


def test_a_line_that_never_ends_is_cut_where_python_cuts_it(engine_with, random_weights):
    """The code for the end of a text is none of its characters, 16 here, by which the length is bounded."""
    weights = random_weights(points_per_character=2.0, style_size=3, ends_text=True)
    line = in_javascript(engine_with(weights), "abcababcababcaba", style="any", max_attempts=1)["returned"]
    written = in_python(weights, "abcababcababcaba", max_attempts=1)
    assert line["fault"] == written.fault == "it did not end by itself"
    assert len(line["offsets"]) == len(written.ink)


@pytest.mark.parametrize("style", [None, "joined"])
def test_points_are_shown_while_the_line_is_drawn(loaded, style):
    """What is handed over point by point is the line, until a drawing has to be left out."""
    line = in_javascript(loaded("iam"), "Hodor", seed=1, style=style, max_attempts=1)
    shown = [row for event in line["yielded"] for row in event.get("offsets", [])]
    assert line["yielded"][0] == {"drawing": 0}
    assert shown == line["returned"]["offsets"]


def test_lines_that_go_wrong_are_drawn_again_alike(loaded, monkeypatch):
    """With a bound so tight that most drawings are refused, both refuse the same ones for the same reasons."""
    weights = graves_jax.load("hershey")
    engine = loaded("hershey")
    usual = engine.run("model.faults.max_dwelling")
    try:
        for bound in (2.2, 0.1):
            monkeypatch.setattr(faults, "MAX_DWELLING", bound)
            engine.run("(model.faults.max_dwelling = bound, 0)", bound=bound)
            for seed in (0, 1):
                written = in_python(weights, "Snow", seed=seed, max_attempts=4)
                line = in_javascript(engine, "Snow", seed=seed, max_attempts=4)
                assert_same_line(line["returned"], written, unit=0.1)
        assert written.fault == "the window stood still" and written.attempts == 4
    finally:
        engine.run("(model.faults.max_dwelling = bound, 0)", bound=usual)


@pytest.mark.parametrize(
    ("position", "finished", "scale"),
    [
        ([0, 0, 1, 1, 2, 3], True, [1.0, 1.0]),
        ([0, 0, 1, 1, 2, 3], False, [1.0, 1.0]),
        ([0] * 6, True, [1.0, 1.0]),
        ([0, 0, 3, 3, 3, 3], True, [1.0, 1.0]),
        ([2, 2, 2, 2, 2, 3], True, [1.0, 1.0]),
        ([0, 0, 1, 1, 2, 3], True, [9.0, 1.0]),
        ([0, 0, 1, 1, 2, 3], True, [0.01, 1.0]),
        ([0, 0, 1, 1, 2, 3], True, [1.0, 0.01]),
    ],
)
def test_every_fault_has_its_name(loaded, position, finished, scale):
    weights = graves_jax.load("hershey")
    points = weights.network.points_per_character * weights.normalisation.mean[0] * 3 / 6
    rows = np.array([[points, y, n == 5] for n, y in enumerate([0, -60, 50, -70, 60, 10])], np.float32)
    rows[:, :2] *= scale
    # A window that stands still does so for as long as it takes.
    repeats = 40 if position == [0] * 6 else 1
    position = np.repeat(position, repeats)
    for text in ("abc", ".-,"):
        expected = faults.find_fault(Ink(rows, text), position, finished=finished, weights=weights)
        found = loaded("hershey").run(
            "faults_js.findFault(line, text, finished, model)",
            line={"offsets": rows.tolist(), "position": position.tolist()},
            text=text,
            finished=finished,
        )
        assert found == expected


def test_words_that_cannot_be_told_are_told_alike(engine_with, monkeypatch):
    """By a reader of random parameters, which doubts some words more than others; and the fault that it makes."""
    rng = np.random.default_rng(3)
    sizes = [3 * letters.POINTS + 2, 12, 10, 5]
    layers = [(rng.normal(size=(i, o)) / 4, rng.normal(size=o)) for i, o in itertools.pairwise(sizes)]
    layers = tuple((np.float32(np.float16(kernel)), np.float32(bias)) for kernel, bias in layers)
    reader = letters.LetterReader("nthJo", np.float32(rng.normal(size=50)), np.float32(rng.random(50) + 1), layers)
    monkeypatch.setattr(letters, "_shipped", lambda: reader)
    weights = graves_jax.load()
    engine = engine_with(weights)
    text = "It's not, Jon  to"
    line = in_javascript(engine, text, seed=8, max_attempts=1)["returned"]
    ink, position = Ink(line["offsets"], text), np.array(line["position"])
    expected = letters.doubts(ink, position, weights)
    assert np.ptp(expected) > 1
    np.testing.assert_allclose(engine.run("letters_js.doubts(line, text, model)", line=line, text=text), expected)
    for bound in (expected.max() - 0.01, expected.max() + 0.01):
        monkeypatch.setattr(faults, "MAX_DOUBT", bound)
        engine.run("(model.faults.max_doubt = bound, 0)", bound=bound)
        fault = faults.find_fault(ink, position, finished=True, weights=weights, words=expected)
        found = engine.run("faults_js.findFault(line, text, true, model)", line=line, text=text)
        assert found == fault and (fault is None or "cannot be told" in fault)
    # What the window passed over is doubtful too.
    position = np.where(position == 2, 1, position)
    line["position"] = position.tolist()
    np.testing.assert_allclose(
        engine.run("letters_js.doubts(line, text, model)", line=line, text=text), letters.doubts(ink, position, weights)
    )


@pytest.mark.parametrize("name", ["iam", "graves2013"])
def test_own_ink_is_brought_to_scale_and_written_on_from(loaded, tmp_path, name):
    """Ink in another unit, at a slope and at twice the sampling rate; one of the weights is of another protocol."""
    weights = graves_jax.load(name)
    rows = styles_module._shipped()["round"].offsets.astype(float)
    fine = np.repeat(rows, 2, axis=0) / [2, 2, 1]
    fine[::2, 2] = 0
    fine[:, 1] += 0.1 * fine[:, 0]
    row = {"text": "a line that shows my hand", "strokes": (fine * [0.3, 0.3, 1]).tolist()}
    file = tmp_path / "mine.jsonl"
    file.write_text(json.dumps(row))
    expected = load_style(str(file), weights)
    found = loaded(name).run("styles_js.toScale(model, row)", row=row)
    assert found["text"] == expected.text
    np.testing.assert_allclose(found["offsets"], expected.offsets, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(
    ("text", "bias", "words"),
    [
        ("", 0.5, "nothing to write"),
        ("  ", 0.5, "nothing to write"),
        ("Schnee fällt für €", 0.5, "no letter for ä ü €"),
        ("x" * 501, 0.5, "at most 500"),
        ("Snow", -1, "bias of 0 to 20"),
        ("Snow", None, "bias of 0 to 20"),
    ],
)
def test_what_python_refuses_is_refused(loaded, text, bias, words):
    refused = loaded("hershey").run(
        "(() => { try { write_js.writeLine(model, text, { key: [0, 0], bias: bias ?? NaN }).next(); }"
        " catch (error) { return error.message; } })()",
        text=text,
        bias=bias,
    )
    assert words in refused
    with pytest.raises(InputError):
        in_python(graves_jax.load("hershey"), text, bias=float("nan") if bias is None else bias)


def test_the_worker_answers_each_line_in_turn(loaded):
    """As the page talks to it: two lines, the second of them refused, and one that is stopped before it began."""
    engine = loaded("hershey")
    engine.run(
        "(globalThis.MessageChannel = class { constructor() {"
        " this.port1 = { close() {} }; this.port2 = { postMessage: () => this.port1.onmessage() }; } }, 0)"
    )
    engine.settle(
        "(onmessage({ data: { type: 'load', kernel: file_kernel, weights: file_weights.buffer, description:"
        " { ...model, network: model.network.config, styles: [] } } }), worker_js, Promise.resolve())"
    )
    posted = engine.settle(
        "new Promise((resolve) => {"
        " globalThis.postMessage = (message) => { posted.push(message); if (message.id === 3) resolve(posted); };"
        " const line = { type: 'write', bias: 1, seed: 0, row: 0, bestOf: 1 };"
        " onmessage({ data: { ...line, id: 1, text: 'Snow' } });"
        " onmessage({ data: { ...line, id: 2, text: 'Snow', style: 'nobody' } });"
        " onmessage({ data: { ...line, id: 3, text: '€' } }); })"
    )
    kinds = [(message.get("id"), message["type"]) for message in posted if message["type"] != "points"]
    assert kinds == [(None, "ready"), (1, "drawing"), (1, "written"), (2, "refused"), (3, "refused")]
    assert "found nobody" in posted[-2]["message"]


def test_a_text_that_begins_with_a_dot_keeps_it(engine_with):
    """Behind a style that is ink, by weights that lift the pen at every point."""
    weights = graves_jax.load("hershey")
    output_bias = weights.params["output_bias"].at[0].add(50.0)
    weights = dataclasses.replace(weights, params=weights.params | {"output_bias": output_bias})
    style = load_style("joined", weights)
    row = {"text": style.text, "offsets": style.offsets.tolist()}
    line = in_javascript(engine_with(weights), "ab", style=row, max_attempts=1)
    written = in_python(weights, "ab", style=style, max_attempts=1)
    assert_same_line(line["returned"], written, unit=0.1)
    assert line["returned"]["offsets"][0] == [0, 0, 1]
    shown = [row for event in line["yielded"] for row in event.get("offsets", [])]
    assert shown == line["returned"]["offsets"]
