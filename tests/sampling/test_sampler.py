"""The sampler against a plain Python loop: single steps of the network, single draws, and the paper's stop rule."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import logsumexp

from graves_jax.data.batches import END_POINT
from graves_jax.model import mixture as mixture_lib
from graves_jax.model.network import HandwritingNetwork, fold_style
from graves_jax.sampling.sampler import (
    BACK,
    END_TOLERANCE,
    MAX_POINTS_AFTER_END,
    Start,
    from_nothing,
    is_end_point,
    sample,
    sample_batch,
)

# Texts of 6, 3, 1 and 6 characters, padded to 6.
CODES = np.array([[0, 1, 2, 3, 4, 0], [3, 3, 1, 0, 0, 0], [2, 0, 0, 0, 0, 0], [4, 0, 4, 1, 1, 0]], np.int32)
LENGTHS = np.array([6, 3, 1, 6], np.int32)
BIASES = jnp.array([0.0, 0.5, 1.0, 3.0])
# More than any of these lines takes.
ENOUGH = 70


@pytest.fixture(scope="module")
def keys():
    return jax.random.split(jax.random.key(7), 4)


# Programs as small as these take longer to optimise than to run.
jit = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})


@functools.partial(jit, static_argnums=1)
def one_point(params, config, carry, x, characters, key, t, bias):
    """A single step and a single draw: carry, window, ŷ, point."""
    network = HandwritingNetwork(config)
    carry, y_hat, window = network.apply({"params": params}, carry, x, characters, method="step")
    mixture = mixture_lib.mixture_from_outputs(y_hat, bias=bias, sigma_floor=config.sigma_floor)
    return carry, window, y_hat, mixture_lib.draw(jax.random.fold_in(key, t), mixture)


def log_weights_of(window, num_positions):
    """log φ(t, u) for u = 1 .. num_positions."""
    alpha, beta, kappa = (np.asarray(field, np.float64)[:, None] for field in window)
    return logsumexp(np.log(alpha) - beta * (kappa - np.arange(1, num_positions + 1)) ** 2, axis=0)


def draw_by_loop(tiny, key, codes, *, max_points, bias, start=None, finish_letter=True):
    """One unpadded text: rows [N, 3], the positions looked at most, how sharply, whether the line ended by itself."""
    params, config = tiny
    carry, x = from_nothing(config) if start is None else start
    characters = np.eye(config.num_characters, dtype=np.float32)[codes]
    rows, positions, sharpness, left_at = [], [], [], None
    for t in range(max_points):
        carry, window, _, point = one_point(params, config, carry, x, characters, key, t, bias)
        log_weights = log_weights_of(window, len(codes) + 1)
        if left_at is None and log_weights[-1] > log_weights[:-1].max():
            left_at = t
        x = np.array(point)
        if finish_letter and left_at is not None and rows and rows[-1][2] == 1 and x[0] >= BACK:
            return np.array(rows), positions, sharpness, True
        rows.append(x.copy())
        positions.append(log_weights.argmax())
        sharpness.append(np.exp(log_weights.max() - logsumexp(log_weights)))
        if left_at is not None and (not finish_letter or t + 1 - left_at == MAX_POINTS_AFTER_END):
            rows[-1][2] = 1
            return np.array(rows), positions, sharpness, True
    rows[-1][2] = 1
    return np.array(rows), positions, sharpness, False


def assert_is_line(found, expected):
    """`found` is one line of a Sample, `expected` what the loop gave."""
    rows, positions, sharpness, finished = expected
    assert found.num_points == len(rows)
    assert found.finished == finished
    np.testing.assert_allclose(found.offsets[: len(rows)], rows, rtol=1e-4, atol=1e-5)
    assert not found.offsets[len(rows) :].any()
    assert found.offsets[len(rows) - 1, 2] == 1
    np.testing.assert_array_equal(found.position[: len(rows)], positions)
    np.testing.assert_allclose(found.sharpness[: len(rows)], sharpness, rtol=1e-4)


def line_of(sampled, row):
    return jax.tree.map(lambda field: np.asarray(field[row]), sampled)


def sample_lines(
    tiny, keys, codes=CODES, lengths=LENGTHS, *, max_points=ENOUGH, bias=BIASES, finish_letter=True, **start
):
    return sample_batch(
        *tiny, keys, codes, lengths, max_points=max_points, bias=bias, finish_letter=finish_letter, **start
    )


@pytest.mark.parametrize(
    ("max_points", "finish_letter", "num_finished"),
    [(ENOUGH, True, 4), (ENOUGH, False, 4), (16, True, 2), (21, True, 2)],
)
def test_batch_is_a_loop_over_lines_and_points(tiny, keys, max_points, finish_letter, num_finished):
    """Cut at a whole number of chunks and within one, too."""
    sampled = sample_lines(tiny, keys, max_points=max_points, finish_letter=finish_letter)
    assert sampled.offsets.shape == (4, max_points, 3)
    assert sampled.position.shape == (4, max_points)
    assert sampled.finished.sum() == num_finished
    for row, length in enumerate(LENGTHS):
        expected = draw_by_loop(
            tiny,
            keys[row],
            CODES[row, :length],
            max_points=max_points,
            bias=BIASES[row],
            finish_letter=finish_letter,
        )
        assert_is_line(line_of(sampled, row), expected)


def test_stop_rule_alone_ends_no_later_than_with_the_stroke_finished(tiny, keys):
    plain, finished = (sample_lines(tiny, keys, finish_letter=finish) for finish in (False, True))
    for row in range(4):
        shared = min(int(plain.num_points[row]), int(finished.num_points[row]))
        # Where the pen was up already the rule's own point is the one left out.
        assert plain.num_points[row] - 1 <= finished.num_points[row]
        np.testing.assert_array_equal(plain.offsets[row, : shared - 1], finished.offsets[row, : shared - 1])


def test_after_the_end_only_strokes_that_go_back_are_drawn(tiny):
    """The bar of a t comes after its stem; a stroke farther right would be that of a letter which is not there."""
    keys = jax.random.split(jax.random.key(1), 40)
    codes, lengths = np.repeat(CODES[:1], 40, axis=0), np.full(40, 6, np.int32)
    plain, finished = (
        sample_lines(tiny, keys, codes, lengths, bias=jnp.zeros(40), finish_letter=finish) for finish in (False, True)
    )
    strokes = 0
    for row in range(40):
        left_at, end = int(plain.num_points[row]) - 1, int(finished.num_points[row])
        # Lifts from the point before the window left on; the last one ends the line.
        lifts = left_at - 1 + np.flatnonzero(finished.offsets[row, left_at - 1 : end, 2])
        assert lifts[-1] == end - 1
        assert (finished.offsets[row, lifts[:-1] + 1, 0] < BACK).all()
        strokes += len(lifts) - 1
    assert strokes > 5


def test_pen_that_never_lifts_is_cut_some_points_after_the_end(tiny, keys):
    params = tiny.params | {"output_bias": tiny.params["output_bias"].at[0].set(-100.0)}
    stubborn = tiny._replace(params=params)
    sampled = sample_lines(stubborn, keys)
    ended = 0
    for row, length in enumerate(LENGTHS):
        options = {"max_points": ENOUGH, "bias": BIASES[row]}
        expected = draw_by_loop(stubborn, keys[row], CODES[row, :length], **options)
        assert_is_line(line_of(sampled, row), expected)
        rule, *_ = draw_by_loop(stubborn, keys[row], CODES[row, :length], finish_letter=False, **options)
        if expected[-1]:
            assert sampled.num_points[row] == len(rule) - 1 + MAX_POINTS_AFTER_END
            assert sampled.offsets[row, :, 2].sum() == 1
            ended += 1
    assert ended >= 2


def test_a_line_alone_and_padded_further_is_the_same(tiny, keys):
    together = sample_lines(tiny, keys)
    alone = jit(functools.partial(sample, max_points=ENOUGH), static_argnums=1)
    for row in range(4):
        # What stands in the padding is not a text.
        codes = np.append(CODES[row], [1, 2, 3]).astype(np.int32)
        codes[LENGTHS[row] :] = 4
        found = alone(*tiny, keys[row], codes, LENGTHS[row], bias=BIASES[row])
        expected = line_of(together, row)
        length = int(expected.num_points)
        assert_is_line(
            line_of(jax.tree.map(lambda field: field[None], found), 0),
            (
                *(field[:length] for field in (expected.offsets, expected.position, expected.sharpness)),
                bool(expected.finished),
            ),
        )


def test_a_line_does_not_depend_on_the_others(tiny, keys):
    expected = line_of(sample_lines(tiny, keys), 1)
    codes, lengths = np.roll(CODES, 1, axis=0), np.roll(LENGTHS, 1)
    codes[1], lengths[1] = CODES[1], LENGTHS[1]
    others = jnp.roll(keys, 2).at[1].set(keys[1])
    found = line_of(sample_lines(tiny, others, codes, lengths, bias=jnp.array([9.0, 0.5, 0.0, 0.0])), 1)
    length = int(expected.num_points)
    assert_is_line(
        found, (*(field[:length] for field in (expected.offsets, expected.position, expected.sharpness)), True)
    )


def test_keys_and_nothing_else_decide(tiny, keys):
    same = jnp.repeat(keys[:1], 4)
    codes, lengths = np.repeat(CODES[:1], 4, axis=0), np.repeat(LENGTHS[:1], 4)
    twins = sample_lines(tiny, same, codes, lengths, bias=jnp.zeros(4))
    np.testing.assert_allclose(twins.offsets[1:], np.repeat(twins.offsets[:1], 3, axis=0), rtol=1e-5, atol=1e-6)
    unlike = sample_lines(tiny, keys, codes, lengths, bias=jnp.zeros(4))
    assert len(np.unique(unlike.offsets[:, 0, 0])) == 4


def test_a_limit_of_its_own_cuts_a_line_as_max_points_does(tiny, keys):
    """Within a chunk, at its end, and past the line's own; the rows behind it are empty."""
    limits = np.array([5, 16, 21, ENOUGH + 9])
    together = sample_lines(tiny, keys, point_limits=limits)
    for row, limit in enumerate(limits):
        expected = line_of(sample_lines(tiny, keys, max_points=min(int(limit), ENOUGH)), row)
        found, length = line_of(together, row), int(expected.num_points)
        assert found.num_points == length <= limit and found.finished == expected.finished
        assert not found.offsets[length:].any() and found.offsets[length - 1, 2] == expected.offsets[length - 1, 2]
        np.testing.assert_array_equal(found.offsets[:length, :2], expected.offsets[:length, :2])


def test_one_text_and_bias_are_those_of_all_lines(tiny, keys):
    codes, length = CODES[0].tolist(), int(LENGTHS[0])
    short = sample_batch(*tiny, keys, codes, length, max_points=32, bias=0.5)
    full = sample_batch(
        *tiny, keys, np.tile(codes, (4, 1)), np.full(4, length), max_points=32, bias=np.full(4, 0.5, np.float32)
    )
    jax.tree.map(np.testing.assert_array_equal, short, full)
    alone = sample(*tiny, keys[0], codes, length, max_points=32, bias=0.5)
    assert_is_line(line_of(short, 0), (*(np.asarray(f)[: int(alone.num_points)] for f in (
        alone.offsets, alone.position, alone.sharpness)), bool(alone.finished)))  # fmt: skip


@pytest.mark.parametrize("argument", [{"codes": CODES[:3]}, {"lengths": LENGTHS[:3]}, {"bias": np.zeros((4, 1))}])
def test_arguments_for_another_number_of_lines_are_refused(tiny, keys, argument):
    with pytest.raises(ValueError, match="for all 4 keys or for each of them, found shape"):
        sample_lines(tiny, keys, **argument)


@pytest.mark.parametrize("max_points", [16, 21])
def test_line_that_fills_max_points_is_not_finished(tiny, max_points):
    """Wherever max_points falls in a chunk: the step that would find the pen up is no longer taken. A line that is
    one point shorter is finished."""
    codes, lengths = np.repeat(CODES[:1], 4, axis=0), np.full(4, 4, np.int32)
    seen = set()
    for seed in range(50):
        keys = jax.random.split(jax.random.key(seed), 4)
        whole = sample_lines(tiny, keys, codes, lengths)
        if not np.isin(whole.num_points, (max_points, max_points - 1)).any():
            continue
        cut = sample_lines(tiny, keys, codes, lengths, max_points=max_points)
        for row in range(4):
            assert cut.finished[row] == (whole.num_points[row] < max_points)
            seen.add(int(whole.num_points[row]))
        if {max_points, max_points - 1} <= seen:
            break
    assert {max_points, max_points - 1} <= seen


def test_start_past_the_end_still_draws_a_point(tiny, keys):
    """After a style whose pen is up at its last point nothing has been drawn yet, so nothing is finished."""
    nothing = from_nothing(tiny.config)
    first = nothing.carry.first._replace(kappa=jnp.array([50.0, 50.0]))
    start = Start(nothing.carry._replace(first=first), jnp.array([0.5, -0.5, 1.0]))
    starts = jax.tree.map(lambda leaf: jnp.stack([leaf] * 4), start)
    sampled = sample_lines(tiny, keys, start=starts)
    for row, length in enumerate(LENGTHS):
        expected = draw_by_loop(tiny, keys[row], CODES[row, :length], max_points=ENOUGH, bias=BIASES[row], start=start)
        assert_is_line(line_of(sampled, row), expected)
        assert sampled.num_points[row] >= 1


def test_bias_narrows_the_first_points_spread_as_its_mixture_says(tiny):
    """Over 400 keys, within five standard errors; neater with bias 2 than without."""
    params, config = tiny
    start, num_keys, spreads = from_nothing(config), 400, []
    characters = np.eye(config.num_characters, dtype=np.float32)[CODES[0]]
    _, _, y_hat, _ = one_point(params, config, start.carry, start.x, characters, jax.random.key(0), 0, BIASES[0])
    many = jax.random.split(jax.random.key(1), num_keys)
    draw_many = jit(
        lambda bias: jax.vmap(lambda key: sample(*tiny, key, CODES[0], LENGTHS[0], max_points=1, bias=bias))(many)
    )
    for bias in (0.0, 2.0):
        mixture = mixture_lib.mixture_from_outputs(y_hat, bias=bias, sigma_floor=config.sigma_floor)
        mean = np.asarray(mixture_lib.mean_offset(mixture))
        variance = np.asarray(mixture.pi) @ (np.asarray(mixture.sigma) ** 2 + np.asarray(mixture.mu) ** 2) - mean**2
        offsets = np.asarray(draw_many(bias).offsets)[:, 0, :2]
        np.testing.assert_allclose(offsets.std(axis=0), np.sqrt(variance), rtol=5 / np.sqrt(num_keys))
        assert (abs(offsets.mean(axis=0) - mean) < 5 * np.sqrt(variance / num_keys)).all()
        spreads.append(offsets.std(axis=0))
    assert (spreads[1] < 0.7 * spreads[0]).all()


# --- Styles.


@pytest.fixture(scope="module")
def styled(tiny):
    """The tiny network with styles of three numbers, and four of them."""
    params, config = tiny
    rng = np.random.default_rng(4)
    params = params | {"any_style": jnp.asarray(rng.normal(size=3), jnp.float32)}
    for number in range(config.num_layers):
        layer = params[f"layers_{number}"]
        style = jnp.asarray(rng.normal(scale=0.3, size=(3, len(layer["bias"]))), jnp.float32)
        params[f"layers_{number}"] = layer | {"style": style}
    return params, dataclasses.replace(config, style_size=3), jnp.asarray(rng.normal(size=(4, 3)), jnp.float32)


def test_lines_in_styles_of_their_own_are_those_of_networks_with_these_biases(styled, keys):
    """A batch of hands against a loop over networks whose biases hold them."""
    params, config, z = styled
    sampled = sample_lines((params, config), keys, z=z)
    for row, length in enumerate(LENGTHS):
        plain = {name: value for name, value in params.items() if name != "any_style"}
        for number in range(config.num_layers):
            layer = dict(params[f"layers_{number}"])
            layer["bias"] = layer["bias"] + z[row] @ layer.pop("style")
            plain[f"layers_{number}"] = layer
        network = (plain, dataclasses.replace(config, style_size=0))
        expected = draw_by_loop(network, keys[row], CODES[row, :length], max_points=ENOUGH, bias=BIASES[row])
        assert_is_line(line_of(sampled, row), expected)


def test_no_style_is_any(styled, keys):
    params, config, z = styled
    sampled = sample_lines((params, config), keys)
    named = sample_lines((params, config), keys, z=params["any_style"])
    jax.tree.map(
        lambda found, expected: np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5), sampled, named
    )
    assert (sampled.offsets != sample_lines((params, config), keys, z=z).offsets).any()


def test_one_line_in_many_hands_by_vmap(styled, keys):
    params, config, z = styled
    draw = functools.partial(sample, params, config, keys[0], CODES[0], LENGTHS[0], max_points=ENOUGH)
    lines = jax.jit(jax.vmap(lambda z: draw(z=z)))(z)
    for row in range(4):
        alone = jax.jit(draw)(z=z[row])
        np.testing.assert_allclose(lines.offsets[row], alone.offsets, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [2, 4])
def test_a_style_of_another_size_is_refused(styled, keys, size):
    with pytest.raises(ValueError, match=f"style vector of 3 numbers, found shape \\({size},\\)"):
        sample(*styled[:2], keys[0], CODES[0], LENGTHS[0], max_points=9, z=jnp.zeros(size))


def test_a_network_without_styles_takes_none(tiny, keys):
    with pytest.raises(ValueError, match="style vector of 0 numbers"):
        sample(*tiny, keys[0], CODES[0], LENGTHS[0], max_points=9, z=jnp.zeros(3))
    assert fold_style(*tiny, None) == tuple(tiny)


# --- A learned end.


def test_an_end_point_is_told_from_other_points():
    lifted, down = jnp.array([0.3, 0.1, 1.0]), jnp.array([0.3, 0.1, 0.0])
    assert is_end_point(lifted, jnp.array(END_POINT))
    assert not is_end_point(down, jnp.array(END_POINT))
    assert not is_end_point(lifted, jnp.array([0.0, 0.0, 0.0]))
    for axis in range(2):
        for offset, expected in ((0.9 * END_TOLERANCE, True), (-1.1 * END_TOLERANCE, False)):
            assert is_end_point(lifted, jnp.array(END_POINT).at[axis].set(offset)) == expected


def test_a_line_ends_with_its_end_point_once_the_window_is_at_the_last_character(tiny):
    """A network that always stands still with the pen up ends where its window first looks at the last character.

    Mixture means of 0 with deviations of e^-6, a pen that always lifts; the end point is not part of the line.
    """
    params, config = tiny
    num_components = config.num_components
    bias = jnp.zeros_like(params["output_bias"]).at[0].set(50.0)
    bias = bias.at[1 + 3 * num_components : 1 + 5 * num_components].set(-6.0)
    still = params | {"output_kernel": jnp.zeros_like(params["output_kernel"]), "output_bias": bias}
    ended = dataclasses.replace(config, ends_text=True)
    codes, length = CODES[0], 6  # five characters and the end
    line = sample(still, ended, jax.random.key(0), codes, length, max_points=ENOUGH)
    free = sample(still, config, jax.random.key(0), codes, length, max_points=ENOUGH, finish_letter=False)
    first = int(np.flatnonzero(free.position >= 4)[0])
    assert line.finished and line.num_points == first > 2
    assert not line.offsets[first:].any()
    assert line.position.max() <= 5


def test_a_network_that_ends_texts_and_does_not_is_cut(tiny, keys):
    params, config = tiny
    ended = dataclasses.replace(config, ends_text=True)
    far = params | {"output_bias": params["output_bias"].at[1 + config.num_components :].add(1.0)}
    line = sample(far, ended, keys[0], CODES[0], LENGTHS[0], max_points=50)
    assert not line.finished and line.num_points == 50 and line.offsets[-1, 2] == 1
