"""The reference scans against NumPy written from the equations, a Python loop over single steps, and themselves cut
in two."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit

from graves_jax.model import scan
from graves_jax.model.gru import GRU
from graves_jax.model.lstm import LSTM, PEEPHOLE_LSTM

CELLS = {"lstm": LSTM, "peephole_lstm": PEEPHOLE_LSTM, "gru": GRU}

scan_layer = jax.jit(scan.scan_layer, static_argnums=0)
scan_window_layer = jax.jit(scan.scan_window_layer, static_argnums=0)
layer_step = jax.jit(scan.layer_step, static_argnums=0)
window_layer_step = jax.jit(scan.window_layer_step, static_argnums=0)


def assert_all_close(found, expected, rtol=1e-10):
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    jax.tree.map(lambda f, e: np.testing.assert_allclose(f, e, rtol=rtol, atol=1e-12), found, expected)


def numpy_window_layer(params, window_params, carry, x, characters):
    """One line through the peephole LSTM with a window, gate by gate and Gaussian by Gaussian: (7)-(11), (46)-(51)."""
    (h, c), kappa, w = carry
    w_x = dict(zip("ifgo", np.split(params.input, 4, axis=1), strict=True))
    w_h = dict(zip("ifgo", np.split(params.recurrent, 4, axis=1), strict=True))
    b = dict(zip("ifgo", np.split(params.bias, 4), strict=True))
    w_c = dict(zip("ifo", params.extra["peephole"], strict=True))
    all_h, all_w = [], []
    for x_t in x:
        inputs = np.concatenate([x_t, w])
        a = {gate: inputs @ w_x[gate] + h @ w_h[gate] + b[gate] for gate in "ifgo"}
        i, f = expit(a["i"] + w_c["i"] * c), expit(a["f"] + w_c["f"] * c)
        c = f * c + i * np.tanh(a["g"])
        h = expit(a["o"] + w_c["o"] * c) * np.tanh(c)
        alpha, beta, step = np.split(np.exp(h @ window_params.kernel + window_params.bias), 3)
        kappa = kappa + step
        w = sum(
            alpha[k] * np.exp(-beta[k] * (kappa[k] - (u + 1)) ** 2) * characters[u]
            for k in range(len(kappa))
            for u in range(len(characters))
        )
        all_h.append(h)
        all_w.append(w)
    return ((h, c), kappa, w), np.array(all_h), np.array(all_w)


def test_window_layer_is_numpys(float64, make_case):
    arguments = make_case(PEEPHOLE_LSTM, 6, 3, 4).window
    carry, h, w = scan_window_layer(PEEPHOLE_LSTM, *arguments)
    for line in range(3):
        params, window_params, carry_0, x, characters = jax.tree.map(np.asarray, arguments)
        carry_0 = jax.tree.map(lambda state: state[line], carry_0)  # noqa: B023
        expected, expected_h, expected_w = numpy_window_layer(
            params, window_params, carry_0, x[:, line], characters[line]
        )
        assert_all_close(h[:, line], expected_h)
        assert_all_close(w[:, line], expected_w)
        found = jax.tree.map(lambda state: state[line], tuple(carry))  # noqa: B023
        assert_all_close(found, expected)


@pytest.mark.parametrize("name", CELLS)
def test_scans_are_loops_over_single_steps(float64, make_case, name):
    """Each line by itself and only as far as it runs: an independent account of the batch axis and of the mask."""
    cell, case = CELLS[name], make_case(CELLS[name], 5, 3, 4)
    found_carry, found_h = scan_layer(cell, *case.layer, mask=case.mask)
    window_carry, window_h, found_w = scan_window_layer(cell, *case.window, mask=case.mask)
    for line, length in enumerate(np.asarray(case.mask.sum(axis=0))):
        carry = jax.tree.map(lambda state: state[line], case.layer.carry)  # noqa: B023
        first = jax.tree.map(lambda state: state[line], case.window.carry)  # noqa: B023
        for t in range(length):
            carry = layer_step(cell, case.layer.params, carry, case.layer.x[t, line])
            assert_all_close(found_h[t, line], carry[0])
            params, window_params, _, x, characters = case.window
            first, _ = window_layer_step(cell, params, window_params, first, x[t, line], characters[line])
            assert_all_close((window_h[t, line], found_w[t, line]), (first.cell[0], first.w))
        # Held from there on.
        for t in range(length, 5):
            assert_all_close(found_h[t, line], carry[0])
            assert_all_close((window_h[t, line], found_w[t, line]), (first.cell[0], first.w))
        assert_all_close(jax.tree.map(lambda state: state[line], found_carry), carry)  # noqa: B023
        assert_all_close(jax.tree.map(lambda state: state[line], window_carry), first)  # noqa: B023


def test_masked_inputs_do_not_matter(float64, make_case):
    """Nor do NaNs: padding is never computed into a state that counts."""
    case = make_case(LSTM, 5, 3, 4)
    poisoned = case.window._replace(x=jnp.where(case.mask[..., None], case.window.x, jnp.nan))
    found = scan_window_layer(LSTM, *poisoned, mask=case.mask)
    assert_all_close(found, scan_window_layer(LSTM, *case.window, mask=case.mask))


def test_window_reads_the_text_one_step_late(make_case):
    """Layer 1 sees w_{t-1}: other characters change w at once and h from the next step on."""
    case = make_case(LSTM, 3, 1, 4)
    _, h, w = scan_window_layer(LSTM, *case.window)
    _, other_h, other_w = scan_window_layer(LSTM, *case.window._replace(characters=case.window.characters + 1))
    np.testing.assert_array_equal(h[0], other_h[0])
    assert np.abs(w[0] - other_w[0]).min() > 1e-3
    assert np.abs(h[1] - other_h[1]).max() > 1e-3


def test_step_gives_the_window_that_it_looked_through(float64, make_case):
    params, window_params, carry, x, characters = make_case(LSTM, 1, 2, 4).window
    new, window = window_layer_step(LSTM, params, window_params, carry, x[0], characters)
    assert_all_close(window.kappa, new.kappa)
    window_hat = new.cell[0] @ window_params.kernel + window_params.bias[None]
    alpha, beta, step = np.split(np.exp(window_hat), 3, axis=-1)
    assert_all_close((window.alpha, window.beta, window.kappa), (alpha, beta, carry.kappa + step))
