"""The window against a double loop over the text, its stop rule near and far past the end, and padded texts."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from graves_jax.model import window as window_lib
from graves_jax.model.window import Window

# Compiled once for each shape, not operation by operation.
attend = jax.jit(window_lib.attend)
is_past_end = jax.jit(window_lib.is_past_end, static_argnums=2)
log_window_weights = jax.jit(window_lib.log_window_weights, static_argnums=1)
one_hot_text = jax.jit(window_lib.one_hot_text, static_argnums=2)
window_from_outputs = jax.jit(window_lib.window_from_outputs)
window_weights = jax.jit(window_lib.window_weights, static_argnums=1)


def random_window(seed, num_gaussians, leading=()):
    rng = np.random.default_rng(seed)
    shape = (*leading, num_gaussians)
    return Window(*(jnp.array(rng.uniform(low, high, shape)) for low, high in ((0.1, 2), (0.05, 1), (0, 6))))


def weights_by_loop(window, num_positions):
    """Equation (46), as printed."""
    weights = []
    for u in range(1, num_positions + 1):
        gaussians = zip(*(np.asarray(field, np.float64) for field in window), strict=True)
        weights.append(sum(alpha * math.exp(-beta * (kappa - u) ** 2) for alpha, beta, kappa in gaussians))
    return np.array(weights)


def centred(*kappa, alpha=1.0, beta=1.0):
    """Gaussians of one height and width, at `kappa`."""
    return Window(jnp.full(len(kappa), alpha), jnp.full(len(kappa), beta), jnp.array(kappa))


@pytest.mark.parametrize(("num_gaussians", "num_positions"), [(1, 1), (1, 5), (4, 7)])
def test_weights_and_view_are_a_double_loop(float64, num_gaussians, num_positions):
    window = random_window(num_positions, num_gaussians)
    characters = np.eye(9)[np.random.default_rng(0).integers(9, size=num_positions)]
    expected = weights_by_loop(window, num_positions)
    np.testing.assert_allclose(window_weights(window, num_positions), expected, rtol=1e-12)
    np.testing.assert_allclose(log_window_weights(window, num_positions), np.log(expected), rtol=1e-12, atol=1e-12)
    view = sum(weight * character for weight, character in zip(expected, characters, strict=True))
    np.testing.assert_allclose(attend(window, jnp.array(characters)), view, rtol=1e-12)


def test_leading_axes_equal_one_at_a_time():
    window = random_window(3, 2, leading=(2, 3))
    characters = jnp.array(np.random.default_rng(1).normal(size=(2, 3, 5, 4)), jnp.float32)
    together = attend(window, characters)
    for index in np.ndindex(2, 3):
        alone = attend(jax.tree.map(lambda field: field[index], window), characters[index])  # noqa: B023
        np.testing.assert_allclose(together[index], alone, rtol=1e-5)


def test_outputs_are_equations_49_to_51(float64):
    window_hat, kappa_tm1 = np.random.default_rng(2).normal(size=9), np.array([0.0, 1.5, 7.0])
    window = window_from_outputs(jnp.array(window_hat), jnp.array(kappa_tm1))
    np.testing.assert_allclose(window.alpha, np.exp(window_hat[:3]), rtol=1e-12)
    np.testing.assert_allclose(window.beta, np.exp(window_hat[3:6]), rtol=1e-12)
    np.testing.assert_allclose(window.kappa, kappa_tm1 + np.exp(window_hat[6:]), rtol=1e-12)


def test_window_never_turns_back():
    window_hat = jnp.array(np.random.default_rng(4).normal(scale=5, size=(50, 6)), jnp.float32)
    kappa_tm1 = jnp.zeros((50, 2))
    assert (window_from_outputs(window_hat, kappa_tm1).kappa > kappa_tm1).all()


def test_widths_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="width 3K = 6, found 7"):
        window_lib.window_from_outputs(jnp.zeros(7), jnp.zeros(2))


def test_text_is_one_row_a_character_and_zeros_on_padding():
    found = one_hot_text(jnp.array([2, 0, 1, 0]), jnp.array([True, True, False, False]), 3)
    np.testing.assert_array_equal(found, [[0, 0, 1], [1, 0, 0], [0, 0, 0], [0, 0, 0]])


def test_padding_adds_nothing_to_the_view():
    window, codes = random_window(5, 3), jnp.array([3, 1, 2, 0, 0, 0, 0])
    short = one_hot_text(codes[:3], jnp.ones(3, bool), 4)
    padded = one_hot_text(codes, jnp.arange(7) < 3, 4)
    np.testing.assert_allclose(attend(window, padded), attend(window, short), rtol=1e-6)


# --- The stop rule.


@pytest.mark.parametrize("text_length", [1, 4])
@pytest.mark.parametrize("padding", [0, 5])
def test_single_gaussian_is_past_the_end_from_half_a_character_on(text_length, padding):
    """The position it weighs most is the nearest one, so the border is in the middle between U and U + 1."""
    for kappa in np.concatenate([np.linspace(0, text_length + 0.49, 7), np.linspace(text_length + 0.51, 50, 7)]):
        found = is_past_end(centred(kappa), jnp.int32(text_length), text_length + padding)
        assert bool(found) == (kappa > text_length + 0.5), kappa


@pytest.mark.parametrize("kappa", [30.0, 1e3, 1e5])
@pytest.mark.parametrize("padding", [0, 20])
def test_window_far_past_the_text_is_past_its_end(kappa, padding):
    """Where every weight is 0 in float32, the rule still holds."""
    window = centred(kappa, kappa + 2, beta=5.0)
    assert not window_weights(window, 5).any()
    assert is_past_end(window, jnp.int32(4), 4 + padding)


def test_window_far_before_the_end_is_not_past_it():
    assert not is_past_end(centred(1.0, beta=50.0), jnp.int32(100), 120)


@pytest.mark.parametrize("seed", range(5))
def test_rule_is_the_papers_over_the_weights(float64, seed):
    """φ(t, U+1) > φ(t, u) for all u, by the loop, for windows whose Gaussians lie on both sides of the end."""
    window, text_length = random_window(seed, 3), 4
    weights = weights_by_loop(window, text_length + 1)
    expected = all(weights[text_length] > weights[u] for u in range(text_length))
    assert bool(is_past_end(window, jnp.int32(text_length), 9)) == expected


def test_high_weight_beyond_the_next_position_is_not_the_end():
    """Past the end is where position U + 1 leads, not where the padding or a later position would."""
    window = Window(jnp.array([1.0, 0.5]), jnp.array([5.0, 5.0]), jnp.array([2.0, 6.0]))
    assert not is_past_end(window, jnp.int32(3), 8)


def test_texts_of_a_batch_end_each_at_its_own_length():
    window = Window(*(jnp.array([[value]] * 3) for value in (1.0, 1.0, 3.2)))
    np.testing.assert_array_equal(is_past_end(window, jnp.array([2, 3, 5]), 6), [True, False, False])
