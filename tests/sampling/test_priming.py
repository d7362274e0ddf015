"""Priming against the network stepped over the style by hand."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from graves_jax.model.network import HandwritingNetwork, initial_carry
from graves_jax.sampling.priming import prime
from graves_jax.sampling.sampler import sample

CODES = np.array([0, 3, 2, 4, 1, 1, 2], np.int32)  # the style's text, then the new one
OFFSETS = np.random.default_rng(5).normal(size=(8, 3)).astype(np.float32)
OFFSETS[:, 2] = OFFSETS[:, 2] > 0


# Programs as small as these take longer to optimise than to run.
jit = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})


@functools.partial(jit, static_argnums=1)
def step(params, config, carry, x, characters):
    return HandwritingNetwork(config).apply({"params": params}, carry, x, characters, method="step")


jitted_prime = jit(prime, static_argnums=1)


def read_by_hand(tiny, points):
    """The state after the null vector and all points but the last, one step each."""
    params, config = tiny
    characters = jnp.eye(config.num_characters)[CODES]
    carry = initial_carry(config, ())
    for x in [np.zeros(3, np.float32), *points[:-1]]:
        carry, _, _ = step(params, config, carry, jnp.array(x), characters)
    return carry


def assert_same_state(found, expected):
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    jax.tree.map(lambda f, e: np.testing.assert_allclose(f, e, rtol=1e-5, atol=1e-6), found, expected)


@pytest.mark.parametrize("num_points", [1, 2, 6, 8])
def test_state_is_that_of_steps_over_all_points_but_the_last(tiny, num_points):
    start = jitted_prime(*tiny, CODES, len(CODES), OFFSETS, num_points)
    np.testing.assert_array_equal(start.x, OFFSETS[num_points - 1])
    assert_same_state(start.carry, read_by_hand(tiny, OFFSETS[:num_points]))


def test_padding_of_ink_and_text_has_no_effect(tiny):
    expected = jitted_prime(*tiny, CODES, len(CODES), OFFSETS, 6)
    ink = np.concatenate([OFFSETS[:6], np.full((5, 3), 77.0, np.float32)])
    text = np.append(CODES, [4, 4]).astype(np.int32)
    found = jitted_prime(*tiny, text, len(CODES), ink, 6)
    np.testing.assert_array_equal(found.x, expected.x)
    assert_same_state(found.carry, expected.carry)


def test_window_is_carried_over_with_all_other_state(tiny):
    """Every part of the state has moved, and the window stands where the style's points have brought it."""
    start = jitted_prime(*tiny, CODES, len(CODES), OFFSETS, 8)
    assert all(np.abs(leaf).max() > 1e-3 for leaf in jax.tree.leaves(start.carry))
    earlier = jitted_prime(*tiny, CODES, len(CODES), OFFSETS, 4)
    assert (start.carry.first.kappa > earlier.carry.first.kappa).all()
    assert (earlier.carry.first.kappa > 0.5).all()


def test_first_point_drawn_follows_the_styles_last(tiny):
    """With all but no spread the first row is the mean of what the network expects after the whole style: the last
    point is read once, by the step that draws."""
    params, config = tiny.params, dataclasses.replace(tiny.config, sigma_floor=0.0)
    start = jitted_prime(*tiny, CODES, len(CODES), OFFSETS, 6)
    draw = jit(functools.partial(sample, max_points=4), static_argnums=1)
    line = draw(params, config, jax.random.key(0), CODES, np.int32(len(CODES)), bias=30.0, start=start)
    characters = jnp.eye(config.num_characters)[CODES]
    carry = read_by_hand(tiny, OFFSETS[:6])
    _, y_hat, window = step(*tiny, carry, jnp.array(OFFSETS[5]), characters)
    likeliest = int(np.argmax(y_hat[1:4]))
    np.testing.assert_allclose(line.offsets[0, :2], y_hat[4 + 2 * likeliest :][:2], rtol=1e-4, atol=1e-5)
    assert (window.kappa > start.carry.first.kappa).all()
    # Drawing begins at the first character that the style has left to write, not at the style's own text.
    assert line.position[0] > 0


def test_styles_of_a_batch_equal_each_alone(tiny):
    num_points = np.array([3, 8], np.int32)
    inks = np.stack([OFFSETS, OFFSETS[::-1]])
    together = jit(jax.vmap(lambda ink, n: prime(*tiny, CODES, len(CODES), ink, n)))(inks, num_points)
    for row in range(2):
        alone = jitted_prime(*tiny, CODES, len(CODES), inks[row], num_points[row])
        assert_same_state(jax.tree.map(lambda leaf: leaf[row], together), alone)  # noqa: B023
