"""What people call: texts in, ink out, with the weights that ship."""

import dataclasses

import jax
import numpy as np
import pytest

import graves_jax
from graves_jax.data.alphabet import Alphabet
from graves_jax.data.ink import Ink, Normalisation
from graves_jax.errors import InputError
from graves_jax.model.growing import grow_alphabet, grow_styles
from graves_jax.model.network import NetworkConfig, init_params
from graves_jax.model.weights import Weights
from graves_jax.sampling import write as write_module
from graves_jax.sampling.sampler import Sample
from graves_jax.sampling.styles import draw_style, load_style
from graves_jax.sampling.write import Written, coverage, write_lines


@pytest.fixture(scope="module")
def weights():
    return graves_jax.load("hershey")


def keys(*seeds):
    return [jax.random.key(seed) for seed in seeds]


def drawn_as_numbered(monkeypatch, *, sharpness, faults):
    """In place of the network: drawing n has the given sharpness, and a fault if n is among `faults`."""
    batches = []
    number_of = {jax.random.key_data(jax.random.fold_in(jax.random.key(0), n)).tobytes(): n for n in range(9)}

    def write_batch(weights, texts, keys, bias, style, **options):
        numbers = [number_of[jax.random.key_data(key).tobytes()] for key in keys]
        batches.append(numbers)
        ink = Ink([[1.0, 1.0, 1.0]], texts[0])
        return [
            Written(ink, np.zeros(1), sharpness[n], attempts=1, fault="it is upside down" if n in faults else None)
            for n in numbers
        ]

    monkeypatch.setattr(write_module, "_write_batch", write_batch)
    return batches


def test_the_same_arguments_give_the_same_ink(weights):
    first, again = (write_lines(weights, ["Snow"], keys=keys(3), bias=0.5)[0] for _ in range(2))
    np.testing.assert_array_equal(first.ink.offsets, again.ink.offsets)
    [other] = write_lines(weights, ["Snow"], keys=keys(4), bias=0.5)
    assert first.ink.offsets.shape != other.ink.offsets.shape or (first.ink.offsets != other.ink.offsets).any()


def test_order_and_texts_are_kept_whatever_their_length(weights):
    texts = ["a long line of text", "no", "winter is"]
    written = write_lines(weights, texts, keys=keys(0, 1, 2), bias=1.0)
    assert [line.ink.text for line in written] == texts
    assert len(written[0].ink) > len(written[2].ink) > len(written[1].ink)
    assert all(line.ink.offsets[-1, 2] == 1 for line in written)


def test_a_line_that_goes_wrong_is_drawn_again_and_reported(weights, monkeypatch):
    faults = iter(["it is upside down", None])
    monkeypatch.setattr(write_module, "find_fault", lambda *args, **kwargs: next(faults))
    [line] = write_lines(weights, ["Snow"], keys=keys(0), bias=0.5)
    assert (line.attempts, line.fault) == (2, None)
    monkeypatch.setattr(write_module, "find_fault", lambda *args, **kwargs: "it is upside down")
    [line] = write_lines(weights, ["Snow"], keys=keys(0), bias=0.5, max_attempts=3)
    assert (line.attempts, line.fault) == (3, "it is upside down")


def test_lines_that_are_padded_alike_share_a_batch():
    lengths = [3, 500, 64, 65, 10, 5, 128, 7, 8, 9, 6, 2]
    drawings = [(row, 0) for row in range(len(lengths))]
    batches = write_module._batches(drawings, lengths, write_module.MAX_BATCH)
    assert sorted(drawing for batch in batches for drawing in batch) == drawings
    assert [sorted(lengths[row] for row, _ in batch) for batch in batches] == [
        [2, 3, 5, 6, 7, 8, 9, 10], [64], [65, 128], [500],
    ]  # fmt: skip


def test_a_line_is_the_same_beside_one_that_is_far_longer(weights):
    """Of the short one nothing changes, to the bit: neither its padding nor where it would be cut."""
    [alone] = write_lines(weights, ["Snow"], keys=keys(1), bias=0.0)
    _, beside = write_lines(weights, ["winter is coming " * 5, "Snow"], keys=keys(0, 1), bias=0.0, max_attempts=1)
    np.testing.assert_array_equal(alone.ink.offsets, beside.ink.offsets)


@pytest.mark.parametrize(
    "style", [None, Ink([[1.0, 1.0, 0.0], [1.0, -1.0, 1.0]], "a hand of some forty characters it says")]
)
def test_a_line_is_cut_by_its_own_length(weights, monkeypatch, style):
    """2.5 times what its text takes on average, in steps of 16 characters; the style's own text takes nothing."""
    seen = {}

    def sample_batch(params, config, keys, codes, lengths, *, max_points, point_limits, **options):
        seen.update(max_points=max_points, limits=point_limits.tolist(), shape=codes.shape)
        one = Sample(np.ones((3, 3), np.float32), 3, True, np.zeros(3, int), np.ones(3))
        return jax.tree.map(lambda field: np.stack([field] * len(codes)), one)

    monkeypatch.setattr(write_module, "sample_batch", sample_batch)
    write_lines(weights, ["a", "a" * 16, "a" * 17], keys=keys(0, 1, 2), style=style, max_attempts=1)
    points = 2.5 * weights.network.points_per_character
    assert seen == {
        "max_points": int(points * 64),
        "limits": [int(points * 16), int(points * 16), int(points * 32), 1],
        "shape": (4, 64),
    }


def test_few_shapes_serve_all_lengths():
    assert {write_module.padded(length) for length in range(1, 201)} == {64, 128, 256}
    assert {write_module.padded(length, write_module.MIN_STYLE) for length in range(1, 1_501)} == {
        128, 256, 512, 1024, 2048,
    }  # fmt: skip


def test_of_several_drawings_the_sharpest_without_a_fault_is_kept(weights, monkeypatch):
    drawings = drawn_as_numbered(monkeypatch, sharpness=[0.2, 0.9, 0.4, 0.5], faults={1})
    [best] = write_lines(weights, ["Snow"], keys=keys(0), bias=0.5, best_of=3)
    assert (best.sharpness, best.attempts, best.fault) == (0.5, 4, None)
    assert drawings == [[0, 1, 2], [3]]


def test_a_line_is_chosen_alike_alone_and_among_others(weights):
    texts = ["Snow", "on", "a line", "no"]
    together = write_lines(weights, texts, keys=keys(0, 1, 2, 3), bias=0.5, best_of=3)
    [alone] = write_lines(weights, texts[1:2], keys=keys(1), bias=0.5, best_of=3)
    np.testing.assert_array_equal(alone.ink.offsets, together[1].ink.offsets)
    # With a choice of one it is the line of the first drawing, which the choice of three starts from.
    [first] = write_lines(weights, texts[1:2], keys=keys(1), bias=0.5)
    assert first.sharpness <= alone.sharpness


def test_where_all_drawings_fail_there_is_an_end(weights, monkeypatch):
    drawings = drawn_as_numbered(monkeypatch, sharpness=[0.1, 0.3, 0.2, 0.1, 0.1], faults=range(5))
    [line] = write_lines(weights, ["Snow"], keys=keys(0), bias=0.5, best_of=2, max_attempts=4)
    assert (line.sharpness, line.attempts, line.fault) == (0.3, 5, "it is upside down")
    assert sum(map(len, drawings)) == 5


@pytest.mark.parametrize("numbers", [{"best_of": 0}, {"max_attempts": 0}])
def test_a_line_is_drawn_at_least_once(weights, numbers):
    with pytest.raises(InputError, match="at least once"):
        write_lines(weights, ["Snow"], keys=keys(0), bias=0.5, **numbers)


def test_a_style_is_carried_on_and_is_not_in_the_ink(weights):
    [style] = write_lines(weights, ["nothing"], keys=keys(1), bias=1.0)
    [line] = write_lines(weights, ["Snow"], keys=keys(2), bias=1.0, style=style.ink)
    assert line.ink.text == "Snow"
    # The way through the air from the style is gone: the ink is as wide as its word and no wider.
    [alone] = write_lines(weights, ["Snow"], keys=keys(2), bias=1.0)
    widths = [np.ptp(np.concatenate(written.ink.strokes())[:, 0]) for written in (line, alone)]
    assert 0.4 < widths[0] / widths[1] < 2.5
    assert line.position.max() <= len("Snow")


@pytest.mark.parametrize(
    ("dx", "bits", "positions", "expected"),
    [
        # The way through the air is left out.
        ([2.0, 1.0, 1.0, 1.0], [0, 0, 0, 1], [4, 4, 5, 5], [1.0, 1.0, 1.0]),
        # So is a dot of the style, and another, and the way back from them.
        ([-3.0, 0.0, 2.0, 1.0], [0, 1, 0, 1], [4, 4, 4, 5], [1.0]),
        ([-3.0, -1.0, 2.0, 1.0, 1.0], [1, 1, 0, 0, 1], [4, 4, 4, 5, 5], [1.0, 1.0]),
        # A full stop of the new text goes on to the right, and a stroke of it ends when the window is there.
        ([2.0, 0.0, 2.0, 1.0], [0, 1, 0, 1], [4, 4, 5, 5], [0.0, 2.0, 1.0]),
        ([-3.0, 0.0, 2.0, 1.0], [0, 1, 0, 1], [4, 5, 5, 5], [0.0, 2.0, 1.0]),
        # Something is always left.
        ([-3.0, 0.0], [0, 1], [4, 4], [0.0]),
    ],
)
def test_what_belongs_to_the_style_is_left_out(weights, monkeypatch, dx, bits, positions, expected):
    """The text is "ab", the style has four characters and a space."""
    offsets = np.column_stack([dx, np.ones(len(dx)), bits]).astype(np.float32)

    def sample_batch(params, config, keys, codes, *rest, **options):
        one = Sample(offsets, len(dx), True, np.array(positions), np.full(len(dx), 0.5))
        return jax.tree.map(lambda field: np.stack([field] * len(codes)), one)

    monkeypatch.setattr(write_module, "sample_batch", sample_batch)
    style = Ink([[1.0, 1.0, 0.0], [1.0, -1.0, 1.0]], "four")
    [line] = write_lines(weights, ["ab"], keys=keys(0), bias=0.5, style=style, max_attempts=1)
    normalised = weights.normalisation.normalise(line.ink.offsets)
    np.testing.assert_allclose(normalised[:, 0], expected, atol=1e-5)
    assert len(line.position) == len(expected) and line.position.min() >= 0


@pytest.mark.parametrize(
    ("text", "dx", "dy", "left_at", "num_points"),
    [
        # An "a" and a dot, then a tall stroke to the right, during which the window leaves.
        ("a.", 1.0, 2.0, 5, 4),
        ("a-", 1.0, 2.0, 6, 4),
        # Not behind a letter, nor back to the left, nor low, nor long begun; nor where the window stays.
        ("ab", 1.0, 2.0, 5, 7),
        ("a.", -1.0, 2.0, 5, 7),
        ("a.", 1.0, 0.5, 5, 7),
        ("a.", 1.0, 2.0, 7, 7),
        ("a.", 1.0, 2.0, 99, 7),
    ],
)
def test_a_letter_behind_the_last_mark_is_left_out(weights, monkeypatch, text, dx, dy, left_at, num_points):
    offsets = np.array([[1, 1, 0], [1, -1, 1], [0, 1, 0], [0, 0, 1], [dx, -1, 0], [0, dy, 0], [0, 0, 1]], np.float32)
    positions = np.where(np.arange(7) >= left_at, 2, [0, 0, 1, 1, 1, 1, 1])

    def sample_batch(params, config, keys, codes, *rest, **options):
        one = Sample(offsets, 7, True, positions, np.full(7, 0.5))
        return jax.tree.map(lambda field: np.stack([field] * len(codes)), one)

    monkeypatch.setattr(write_module, "sample_batch", sample_batch)
    [line] = write_lines(weights, [text], keys=keys(0), bias=0.5, max_attempts=1)
    assert len(line.ink) == len(line.position) == num_points
    assert line.ink.offsets[-1, 2] == 1


def test_a_line_of_a_single_stroke_may_end_with_a_mark(weights):
    """There is no stroke behind the mark that could be left out."""
    offsets = np.array([[1, 1, 0], [1, -1, 0], [0, 0, 1]], np.float32)
    line = Sample(offsets, 3, True, np.array([0, 1, 2]), np.full(3, 0.5))
    assert len(write_module.written_line(weights, "a.", line, 0).ink) == 3


@pytest.mark.parametrize(
    "text, bias, words",
    [
        ("", 0.5, "empty"),
        ("   ", 0.5, "only spaces"),
        ("Schnee fällt", 0.5, "'ä' at position 9"),
        ("x" * 501, 0.5, "at most 500"),
        ("Snow", -0.1, "bias of 0 to 20"),
        ("Snow", float("nan"), "bias of 0 to 20"),
    ],
)
def test_bad_input_is_told_in_one_sentence(weights, text, bias, words):
    with pytest.raises(InputError, match=words) as error:
        write_lines(weights, [text], keys=keys(0), bias=bias)
    assert "\n" not in str(error.value)


def test_coverage_names_rare_characters():
    weights = graves_jax.load("hershey")
    counted = type(weights)(**(vars(weights) | {"provenance": {"character_counts": {"a": 5_000, "Q": 3}}}))
    assert coverage(counted, "aQ@") == {"@": 0, "Q": 3}
    silent = type(weights)(**(vars(weights) | {"provenance": {}}))
    assert coverage(silent, "aQ@") == {}


def test_write_gives_ink_that_shows_itself():
    ink = graves_jax.write("Jon", seed=1, weights=graves_jax.load("hershey"))
    assert ink._repr_svg_().startswith("<svg")


@pytest.fixture(scope="module")
def styled(weights):
    """The shipped weights with styles of three numbers that show."""
    grown = grow_styles(jax.random.key(0), weights, 3)
    params = {
        name: layer | {"style": 10 * layer["style"]} if name.startswith("layers_") else layer
        for name, layer in grown.params.items()
    }
    return dataclasses.replace(grown, params=params)


def test_a_style_vector_is_a_hand(weights, styled):
    """Without one the network writes as before; one hand is not another; a line is the same alone and in a batch."""
    one, two = np.array([1.0, 0.0, -1.0]), np.array([-1.0, 1.0, 0.0])
    options = {"keys": keys(1, 2), "bias": 1.0}
    plain = write_lines(weights, ["Snow", "nothing"], **options)
    anyone = write_lines(styled, ["Snow", "nothing"], **options)
    first, second = (write_lines(styled, ["Snow", "nothing"], style=z, **options) for z in (one, two))
    [alone] = write_lines(styled, ["nothing"], style=one, keys=keys(2), bias=1.0)
    for found, expected in zip(anyone, plain, strict=True):
        np.testing.assert_array_equal(found.ink.offsets, expected.ink.offsets)
    assert all(
        (a.ink.offsets.shape != b.ink.offsets.shape) or (a.ink.offsets != b.ink.offsets).any()
        for a, b in zip(first, second, strict=True)
    )
    np.testing.assert_array_equal(alone.ink.offsets, first[1].ink.offsets)


def test_each_line_in_a_hand_of_its_own(styled):
    """Lines of all lengths, so that batches are put together anew; each as it is written alone in its hand."""
    texts = ["Snow", "nothing " * 9, "a"]
    hands = np.array([[1.0, 0.0, -1.0], [-1.0, 1.0, 0.0], [0.0, 2.0, 0.0]])
    options = {"bias": 1.0, "max_attempts": 1}
    together = write_lines(styled, texts, keys=keys(1, 2, 3), style=hands, **options)
    for row, line in enumerate(together):
        [alone] = write_lines(styled, texts[row : row + 1], keys=keys(row + 1), style=hands[row], **options)
        np.testing.assert_array_equal(line.ink.offsets, alone.ink.offsets)
    [first] = write_lines(styled, texts[:1], keys=keys(1), style=hands[1], **options)
    assert (
        first.ink.offsets.shape != together[0].ink.offsets.shape or (first.ink.offsets != together[0].ink.offsets).any()
    )


@pytest.mark.parametrize("style", [np.zeros(2), np.full(3, np.nan), "upright", np.zeros((2, 3))])
def test_a_vector_that_is_no_style_of_these_weights_is_refused(weights, styled, style):
    with pytest.raises(InputError, match=r"3 (finite )?numbers"):
        write_lines(styled, ["Snow"], keys=keys(0), style=style)
    with pytest.raises(InputError, match="weights without"):
        write_lines(weights, ["Snow"], keys=keys(0), style=np.zeros(3))


def test_a_network_that_ends_texts_writes(weights):
    """Its alphabet puts an end behind the text, and padding and positions count the characters alone."""
    alphabet = dataclasses.replace(weights.alphabet, has_end=True)
    ended = grow_alphabet(weights, alphabet, resembles={"end": ""})
    assert ended.network.ends_text
    # Far behind the text as before, it draws on until it is cut: nothing taught it to end.
    [line] = write_lines(ended, ["Snow"], keys=keys(0), bias=1.0, max_attempts=1)
    assert line.fault == "it did not end by itself"
    assert line.position.max() == 4 and line.ink.text == "Snow" and line.ink.offsets[-1, 2] == 1


def test_a_call_that_names_no_style_writes_in_the_hand_of_its_seed(weights, styled):
    ink = graves_jax.write("Snow", weights=styled, seed=3, bias=1.0)
    [expected] = write_lines(styled, ["Snow"], seed=3, bias=1.0, style=draw_style(3, styled))
    np.testing.assert_array_equal(ink.offsets, expected.ink.offsets)
    anyone = graves_jax.write("Snow", weights=styled, seed=3, bias=1.0, style="any")
    [expected] = write_lines(styled, ["Snow"], seed=3, bias=1.0)
    np.testing.assert_array_equal(anyone.offsets, expected.ink.offsets)
    given = graves_jax.write("Snow", weights=styled, seed=3, bias=1.0, style=draw_style(3, styled))
    np.testing.assert_array_equal(given.offsets, ink.offsets)
    assert draw_style(3, weights) is None and load_style("any", weights) is None


def test_drawn_hands_are_standard_normal(styled):
    hands = np.stack([draw_style(number, styled) for number in range(400)])
    np.testing.assert_allclose(hands.mean(axis=0), 0, atol=0.2)
    np.testing.assert_allclose(np.cov(hands.T), np.eye(3), atol=0.25)


def test_among_many_a_line_depends_on_nothing_beside_it_either(weights):
    [style] = write_lines(weights, ["on"], keys=keys(9), bias=1.0)
    options = {"bias": 0.5, "style": style.ink, "many": True}
    together = write_lines(weights, ["Snow", "a line", "no"], keys=keys(0, 1, 2), **options)
    [alone] = write_lines(weights, ["a line"], keys=keys(1), **options)
    np.testing.assert_array_equal(alone.ink.offsets, together[1].ink.offsets)
    assert [line.ink.text for line in together] == ["Snow", "a line", "no"]
    # The style's ink is not in the line.
    assert together[0].position.max() <= len("Snow")


def test_a_style_is_read_in_the_networks_unit(weights, monkeypatch):
    """Raw ink of a style is normalised as any line that the network learned from."""
    seen = {}
    prime = write_module._prime_batch

    def primed(params, network, codes, lengths, points, num_points):
        seen.update(points=points[:num_points], num_points=num_points, shape=points.shape)
        return prime(params, network, codes, lengths, points, num_points)

    monkeypatch.setattr(write_module, "_prime_batch", primed)
    style = load_style("plain", weights)
    write_lines(weights, ["a"], keys=keys(0), style=style, max_attempts=1)
    np.testing.assert_array_equal(seen["points"], weights.normalisation.normalise(style.offsets))
    assert seen["num_points"] == len(style) and seen["shape"] == (512, 3)


def test_after_a_warm_up_nothing_is_compiled_whatever_is_written():
    """No line of up to 200 characters, alone or among others; in a network that is compiled in no time."""
    network = NetworkConfig(
        num_characters=3, num_window=1, num_layers=1, hidden_size=2, num_components=1, points_per_character=2.0
    )
    params = init_params(jax.random.key(0), network)
    tiny = Weights(params, network, Alphabet("abc"), Normalisation((8.0, 0.0), (40.0, 37.0)), {})
    compiled = write_module.sample_batch._cache_size
    before = compiled()
    write_module.warm_up(tiny, lines=3)
    warm = compiled()
    # Three lengths, by two lines and four.
    assert warm - before == 6
    for length, count in ((1, 1), (63, 2), (64, 3), (65, 1), (127, 4), (129, 1), (200, 3)):
        codes, lengths = write_module._pad_texts(tiny, ["abc"[length % 3] * length] * count)
        row_keys = [write_module.line_key(0, row) for row in range(len(codes))]
        starts = write_module._starts(tiny, codes, lengths, None)
        write_module._draw(tiny, row_keys, codes, lengths, [1] * len(codes), 0.5, None, starts)
    assert compiled() == warm


@pytest.mark.parametrize(
    ("rows", "left", "kept"),
    [
        # The style's stroke; the way through the air, which ends in a dot; another dot; a stroke.
        ([[1, 1, 1], [9, 5, 1], [2, 0, 1], [3, 1, 0], [1, 1, 1]], "..", [[0, 0, 1], [2, 0, 1], [3, 1, 0], [1, 1, 1]]),
        # Of a stroke the way through the air is left out.
        ([[1, 1, 1], [9, 5, 0], [2, 0, 1], [3, 1, 0], [1, 1, 1]], "ab", [[2, 0, 1], [3, 1, 0], [1, 1, 1]]),
        # Nothing but a dot, or but the style.
        ([[1, 1, 1], [9, 5, 1]], ".", [[0, 0, 1]]),
        ([[-9, 5, 1]], ".", [[0, 0, 1]]),
    ],
)
def test_a_text_that_begins_with_a_dot_keeps_it(weights, rows, left, kept):
    """Behind a style that is ink. A stroke that begins by going back belongs to the style."""
    offsets = np.array(rows, np.float32)
    offsets[0, 0] = -9
    position = np.arange(len(rows)) + 2
    position[0] = 0
    line = Sample(offsets, len(rows), True, position, np.full(len(rows), 0.5))
    ink = write_module.written_line(weights, left, line, 3).ink
    expected = np.array(kept, float)
    inside = ~((expected == [0, 0, 1]).all(axis=1))
    expected[inside] = weights.normalisation.denormalise(expected[inside])
    np.testing.assert_allclose(ink.offsets, expected, rtol=1e-5)
