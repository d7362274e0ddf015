"""The cells against NumPy and the paper's equations, and their derivatives by hand against autodiff of the cell."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit

from graves_jax.model.cell import Cell
from graves_jax.model.gru import GRU
from graves_jax.model.lstm import LSTM, PEEPHOLE_LSTM

CELLS = {"lstm": LSTM, "peephole_lstm": PEEPHOLE_LSTM, "gru": GRU}
T, B, H = 3, 2, 5


def numpy_lstm(extra, x_pre, h_pre, h_tm1, c_tm1):
    """Equations (7)-(11); a plain LSTM is one whose peepholes are 0."""
    del h_tm1
    a_i, a_f, a_g, a_o = (x_pre[..., j * H : (j + 1) * H] + h_pre[..., j * H : (j + 1) * H] for j in range(4))
    w_ci, w_cf, w_co = extra.get("peephole", np.zeros((3, H)))
    i = expit(a_i + w_ci * c_tm1)
    f = expit(a_f + w_cf * c_tm1)
    c = f * c_tm1 + i * np.tanh(a_g)
    o = expit(a_o + w_co * c)
    return o * np.tanh(c), c


def numpy_gru(extra, x_pre, h_pre, h_tm1):
    (x_r, x_z, x_n), (h_r, h_z, h_n) = (
        (pre[..., :H], pre[..., H : 2 * H], pre[..., 2 * H :]) for pre in (x_pre, h_pre)
    )
    r, z = expit(x_r + h_r), expit(x_z + h_z)
    n = np.tanh(x_n + r * (h_n + extra["candidate_bias"]))
    return ((1 - z) * n + z * h_tm1,)


NUMPY_CELLS = {"lstm": numpy_lstm, "peephole_lstm": numpy_lstm, "gru": numpy_gru}


def random_inputs(cell: Cell, seed=0, scale=1.0):
    """Arguments of `forward` but the bound: extra, x_pre, h_pre, carry, for T times B steps at once."""
    rng = np.random.default_rng(seed)

    def draw(*shape):
        return jnp.array(rng.normal(scale=scale, size=shape))

    extra = {name: draw(*shape) for name, shape in cell.extra_shapes(H).items()}
    width = cell.num_blocks * H
    return extra, draw(T, B, width), draw(T, B, width), tuple(draw(T, B, H) for _ in range(cell.num_states))


@pytest.mark.parametrize("name", CELLS)
def test_step_is_numpys(float64, name):
    extra, x_pre, h_pre, carry = random_inputs(CELLS[name])
    found, _ = CELLS[name].forward(extra, x_pre, h_pre, carry, None)
    expected = NUMPY_CELLS[name](*jax.tree.map(np.asarray, (extra, x_pre, h_pre)), *map(np.asarray, carry))
    assert len(found) == len(expected) == CELLS[name].num_states
    for found_state, expected_state in zip(found, expected, strict=True):
        np.testing.assert_allclose(found_state, expected_state, rtol=1e-12)


@pytest.mark.parametrize("name", CELLS)
def test_saturated_gates_stay_finite(name):
    cell = CELLS[name]
    extra, x_pre, h_pre, carry = random_inputs(cell, scale=1e3)

    def loss(x_pre, h_pre, carry):
        return sum(jnp.sum(state) for state in cell.forward(extra, x_pre, h_pre, carry, None)[0])

    value, gradient = jax.value_and_grad(loss, argnums=(0, 1, 2))(x_pre, h_pre, carry)
    assert np.isfinite(value)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))


def derivatives_by_hand(cell, inputs, d_carry, bound):
    extra, x_pre, h_pre, carry_tm1 = inputs
    carry, gates = cell.forward(extra, x_pre, h_pre, carry_tm1, None)
    d_x_pre, d_carry_tm1 = cell.backward(extra, gates, carry_tm1, carry, d_carry, bound)
    d_own = cell.extra_gradient(d_x_pre, gates, carry_tm1, carry)
    return d_own, d_x_pre, cell.h_derivative(d_x_pre, gates), d_carry_tm1


def derivatives_by_autodiff(cell, inputs, d_carry, bound):
    _, vjp = jax.vjp(lambda *inputs: cell.forward(*inputs, bound)[0], *inputs)
    return vjp(d_carry)


def assert_all_close(found, expected, rtol=1e-9):
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    jax.tree.map(lambda f, e: np.testing.assert_allclose(f, e, rtol=rtol, atol=1e-12), found, expected)


@pytest.mark.parametrize("name", CELLS)
def test_derivatives_by_hand_are_autodiffs(float64, name):
    """Without a bound, with one that clips most derivatives, some and none."""
    cell = CELLS[name]
    inputs, d_carry = random_inputs(cell), random_inputs(cell, seed=1, scale=3.0)[3]
    unclipped = derivatives_by_autodiff(cell, inputs, d_carry, None)
    assert_all_close(derivatives_by_hand(cell, inputs, d_carry, None), unclipped)
    magnitudes = np.abs(unclipped[1])
    for bound in (np.quantile(magnitudes, 0.1), np.quantile(magnitudes, 0.7), 2 * magnitudes.max()):
        clipped = derivatives_by_autodiff(cell, inputs, d_carry, float(bound))
        assert_all_close(derivatives_by_hand(cell, inputs, d_carry, float(bound)), clipped)
        assert np.abs(clipped[1]).max() <= bound


@pytest.mark.parametrize("name", CELLS)
def test_bound_acts_only_below_the_largest_derivative(float64, name):
    """At and above it nothing changes; below it the largest becomes the bound."""
    cell = CELLS[name]
    inputs, d_carry = random_inputs(cell, seed=2), random_inputs(cell, seed=3)[3]
    unclipped = derivatives_by_hand(cell, inputs, d_carry, None)
    largest = float(np.abs(unclipped[1]).max())
    for bound in (largest, 1.5 * largest):
        assert_all_close(derivatives_by_hand(cell, inputs, d_carry, bound), unclipped)
    clipped = derivatives_by_hand(cell, inputs, d_carry, 0.9 * largest)
    np.testing.assert_allclose(np.abs(clipped[1]).max(), 0.9 * largest, rtol=1e-12)
    assert np.abs(clipped[1] - unclipped[1]).max() > 0


@pytest.mark.parametrize("name", CELLS)
def test_shapes_are_those_the_cell_announces(name):
    cell = CELLS[name]
    assert cell.bias_init(H).shape == (cell.num_blocks * H,)
    extra, x_pre, h_pre, carry = random_inputs(cell)
    new, _ = cell.forward(extra, x_pre, h_pre, carry, None)
    assert [state.shape for state in new] == [(T, B, H)] * cell.num_states


def test_forget_gate_starts_by_remembering():
    for cell in (LSTM, PEEPHOLE_LSTM):
        np.testing.assert_array_equal(cell.bias_init(2), [0, 0, 1, 1, 0, 0, 0, 0])


def test_plain_lstm_is_one_whose_peepholes_are_zero(float64):
    _, x_pre, h_pre, carry = random_inputs(LSTM)
    plain, _ = LSTM.forward({}, x_pre, h_pre, carry, None)
    peepholes, _ = PEEPHOLE_LSTM.forward({"peephole": jnp.zeros((3, H))}, x_pre, h_pre, carry, None)
    assert_all_close(plain, peepholes)
