"""The optimisers against updates worked out in NumPy, float64, and schedules against literal values."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from graves_jax.training.config import TrainingConfig
from graves_jax.training.optimizer import learning_rate_schedule, make_optimizer, scale_by_deviation

GRAVES = TrainingConfig()


def gradients(steps, seed=0):
    """Derivatives of two parameter arrays, some small, some large."""
    rng = np.random.default_rng(seed)
    return [{"a": rng.normal(size=3) * [1e-3, 1.0, 50.0], "b": rng.normal(size=(2, 2)) + 3.0} for _ in range(steps)]


def descend(config, sequence):
    """Weights after each update, from zero."""
    optimizer = make_optimizer(config)
    params = {name: jnp.zeros(g.shape) for name, g in sequence[0].items()}
    state, update = optimizer.init(params), jax.jit(optimizer.update)
    path = []
    for gradient in sequence:
        updates, state = update({name: jnp.asarray(g) for name, g in gradient.items()}, state, params)
        params = optax.apply_updates(params, updates)
        path.append({name: np.asarray(p) for name, p in params.items()})
    return path


def graves_path(sequence, *, centered=True):
    """Equations (38)-(45), as printed."""
    path = []
    shape_of = {name: g.shape for name, g in sequence[0].items()}
    n, m, delta, w = ({name: np.zeros(shape) for name, shape in shape_of.items()} for _ in range(4))
    for gradient in sequence:
        for name, g in gradient.items():
            n[name] = 0.95 * n[name] + 0.05 * g**2
            m[name] = 0.95 * m[name] + 0.05 * g
            spread = n[name] - m[name] ** 2 if centered else n[name]
            delta[name] = 0.9 * delta[name] - 1e-4 * g / np.sqrt(spread + 1e-4)
            w[name] = w[name] + delta[name]
        path.append({name: value.copy() for name, value in w.items()})
    return path


def assert_paths(found, expected, **tolerance):
    assert len(found) == len(expected) == 10
    for one, other in zip(found, expected, strict=True):
        for name in other:
            np.testing.assert_allclose(one[name], other[name], **tolerance)


def test_ten_updates_of_graves_rmsprop(float64):
    sequence = gradients(10)
    assert_paths(descend(GRAVES, sequence), graves_path(sequence), rtol=1e-12)


def test_ten_updates_in_single_precision():
    sequence = gradients(10)
    assert_paths(descend(GRAVES, sequence), graves_path(sequence), rtol=1e-5)


def test_the_first_update_by_hand(float64):
    """n = 0.05 · 4, m = 0.05 · 2, so Δ = -1e-4 · 2 / √(0.2 - 0.01 + 1e-4)."""
    [weights] = descend(GRAVES, [{"a": np.array([2.0])}])
    np.testing.assert_allclose(weights["a"], [-4.5871077e-4], rtol=1e-7)


def test_rmsprop_not_centred(float64):
    sequence = gradients(10)
    config = dataclasses.replace(GRAVES, centered=False)
    assert_paths(descend(config, sequence), graves_path(sequence, centered=False), rtol=1e-12)


def test_the_variance_is_that_of_optax(float64):
    """Optax keeps n and m, and takes the difference."""
    ours, theirs = scale_by_deviation(0.95, 1e-4), optax.scale_by_stddev(0.95, 1e-4)
    state, their_state = ours.init(gradients(1)[0]), theirs.init(gradients(1)[0])
    for gradient in gradients(30):
        scaled, state = ours.update(gradient, state)
        expected, their_state = theirs.update(gradient, their_state)
        np.testing.assert_allclose(scaled["a"], expected["a"], rtol=1e-9)
        np.testing.assert_allclose(state.variance["b"], their_state.nu["b"] - their_state.mu["b"] ** 2, rtol=1e-9)


@pytest.mark.parametrize("size", [1e-12, 1.0, 100.0, 1e4, 1e15])
def test_a_derivative_that_has_settled_has_a_finite_root(size):
    """In float32, n - m² of a large derivative that has come down to a constant falls below -ε."""
    transformation = scale_by_deviation(0.95, 1e-4)
    update = jax.jit(transformation.update)
    settled = size * jnp.array([1.0, 1.1, 1.3, -0.7, 0.9])
    state = transformation.init({"a": settled})
    for step in range(600):
        scaled, state = update({"a": settled * (2.0 if step < 50 else 1.0)}, state)
        assert bool(jnp.isfinite(scaled["a"]).all())
        assert bool((state.variance["a"] >= 0).all())


def test_ten_updates_of_adam(float64):
    config = TrainingConfig(optimizer="adam", learning_rate=1e-2, momentum=0.9, decay=0.99, epsilon=1e-8)
    sequence = gradients(10)
    m, v, w, expected = 0.0, 0.0, 0.0, []
    for step, gradient in enumerate(sequence, start=1):
        m = 0.9 * m + 0.1 * gradient["a"]
        v = 0.99 * v + 0.01 * gradient["a"] ** 2
        w = w - 1e-2 * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.99**step)) + 1e-8)
        expected.append({"a": w})
    assert_paths(descend(config, sequence), expected, rtol=1e-12)


def test_the_whole_gradient_is_clipped_to_its_norm(float64):
    """A gradient of norm 13 is scaled by 1/13, one within the bound is left alone."""
    config = dataclasses.replace(GRAVES, max_gradient_norm=1.0)
    long, short = {"a": np.array([3.0, 4.0]), "b": np.array([12.0])}, {"a": np.array([0.3, 0.4]), "b": np.array([0.1])}
    sequence = [long, short] * 5
    clipped = [{"a": np.array([3.0, 4.0]) / 13, "b": np.array([12.0]) / 13}, short] * 5
    assert_paths(descend(config, sequence), graves_path(clipped), rtol=1e-12)


def test_a_gradient_at_the_bound_is_not_clipped(float64):
    config = dataclasses.replace(GRAVES, max_gradient_norm=5.0)
    sequence = [{"a": np.array([3.0, 4.0])}] * 10
    assert_paths(descend(config, sequence), graves_path(sequence), rtol=1e-12)


def rates(config, steps):
    schedule = learning_rate_schedule(config)
    return [float(schedule(step)) for step in steps]


def test_a_constant_rate():
    assert rates(TrainingConfig(learning_rate=0.5), [0, 1, 10_000]) == [0.5, 0.5, 0.5]


def test_warm_up_plateau_and_cool_down(float64):
    """Linear over 4 updates, constant to 10, then a cosine over 10 to a fifth."""
    config = TrainingConfig(num_steps=20, learning_rate=1.0, warmup_steps=4, cooldown_steps=10, final_learning_rate=0.2)
    assert rates(config, range(5)) == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert rates(config, [5, 9, 10]) == [1.0, 1.0, 1.0]
    # 0.2 + 0.8 (1 + cos(π x)) / 2 at x = 1/4, 1/2, 3/4 and 1.
    literal = [0.8828427, 0.6, 0.3171573, 0.2]
    np.testing.assert_allclose(rates(config, [12.5, 15, 17.5, 20]), literal, rtol=1e-6)
    assert rates(config, [21, 1_000]) == pytest.approx([0.2, 0.2])


def test_a_cool_down_longer_than_the_rest_begins_after_the_warm_up(float64):
    config = TrainingConfig(num_steps=20, learning_rate=1.0, warmup_steps=5, cooldown_steps=100)
    assert rates(config, [4, 5]) == [0.8, 1.0]
    assert rates(config, [6])[0] < 1.0


def test_more_updates_leave_the_plateau_as_it_was():
    config = TrainingConfig(num_steps=100, warmup_steps=10, cooldown_steps=20)
    longer = dataclasses.replace(config, num_steps=1_000)
    assert rates(config, range(80)) == rates(longer, range(80))


def test_momentum_comes_behind_the_learning_rate(float64):
    """Δ ← ℶ Δ - η g / …: what has been gathered keeps the rate of its time when the rate falls."""
    config = dataclasses.replace(GRAVES, learning_rate=1.0, num_steps=10, cooldown_steps=5, final_learning_rate=0.01)
    sequence, rate = gradients(10), rates(config, range(10))
    assert rate[0] == 1.0 and rate[-1] < 0.2
    m, v, delta, w, expected = 0.0, 0.0, 0.0, 0.0, []
    for eta, gradient in zip(rate, sequence, strict=True):
        g = gradient["a"]
        v, m = 0.95 * (v + 0.05 * (g - m) ** 2), 0.95 * m + 0.05 * g
        delta = 0.9 * delta - eta * g / np.sqrt(v + 1e-4)
        w = w + delta
        expected.append({"a": w})
    assert_paths(descend(config, sequence), expected, rtol=1e-6)
