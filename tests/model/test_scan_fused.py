"""The fused scans held to the reference: values, carries and every gradient, in float64, and to numeric derivatives."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from graves_jax.model import scan, scan_fused
from graves_jax.model.gru import GRU
from graves_jax.model.lstm import LSTM, PEEPHOLE_LSTM

CELLS = {"lstm": LSTM, "peephole_lstm": PEEPHOLE_LSTM, "gru": GRU}
# T, B, H; each cell meets each of them.
SIZES = [(1, 1, 1), (2, 4, 3), (7, 3, 4), (9, 1, 5)]
BOUND = 0.3  # clips about half of all derivatives here
# Programs as small as these take longer to optimise than to run.
jit = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})


def cases():
    """Every cell with and without mask and bound, the sizes dealt out in turn."""
    for row, name in enumerate(CELLS):
        for column, (masked, bound) in enumerate([(False, None), (True, None), (False, BOUND), (True, BOUND)]):
            yield pytest.param(name, masked, bound, SIZES[(row + column) % 4], id=f"{name}-{masked}-{bound}")


def both_layers(scans, cell, case, mask, bound):
    """The layer with a window and one without, in one program."""
    options = {"mask": mask, "bound": bound}
    return scans.scan_window_layer(cell, *case.window, **options), scans.scan_layer(cell, *case.layer, **options)


def values_and_gradients(scans, cell, case, mask, bound, cotangents):
    """Values, and the gradients with respect to every argument: all parameters, initial carries, inputs, text."""

    def run(arguments):
        layer, window = arguments
        return both_layers(scans, cell, case._replace(layer=layer, window=window), mask, bound)

    values, vjp = jax.vjp(run, (case.layer, case.window))
    return values, vjp(cotangents)[0]


def random_like(tree, seed=1):
    rng = np.random.default_rng(seed)
    return jax.tree.map(lambda leaf: jnp.array(rng.normal(size=leaf.shape), leaf.dtype), tree)


def assert_all_close(found, expected, rtol=1e-9, atol=1e-10):
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    jax.tree.map(lambda f, e: np.testing.assert_allclose(f, e, rtol=rtol, atol=atol), found, expected)


def outputs_of(cell, case):
    return jax.eval_shape(lambda case: both_layers(scan, cell, case, None, None), case)


@pytest.mark.parametrize(("name", "masked", "bound", "size"), list(cases()))
def test_values_carries_and_gradients_are_the_references(float64, make_case, name, masked, bound, size):
    """With derivatives coming in from h and w of every step and from the final carry."""
    cell, case = CELLS[name], make_case(CELLS[name], *size)
    mask = case.mask if masked else None

    @jit
    def compare(case, mask, cotangents):
        return [values_and_gradients(scans, cell, case, mask, bound, cotangents) for scans in (scan_fused, scan)]

    fused, reference = compare(case, mask, random_like(outputs_of(cell, case)))
    assert_all_close(fused, reference)


def test_values_are_the_same_where_nothing_is_differentiated(float64, make_case):
    case = make_case(PEEPHOLE_LSTM, 5, 3, 4)
    fused, reference = jit(
        lambda case: [both_layers(scans, PEEPHOLE_LSTM, case, case.mask, BOUND) for scans in (scan_fused, scan)]
    )(case)
    assert_all_close(fused, reference)


@pytest.mark.parametrize("name", ["peephole_lstm", "gru"])
def test_gradients_are_numeric_derivatives(float64, make_case, name):
    """The slope along random directions in all arguments at once, by differences of fourth order."""
    cell, case = CELLS[name], make_case(CELLS[name], 6, 3, 4)
    weights = random_like(outputs_of(cell, case))

    @jit
    @jax.value_and_grad
    def loss_and_gradient(arguments):
        layer, window = arguments
        values = both_layers(scan_fused, cell, case._replace(layer=layer, window=window), case.mask, None)
        return sum(jnp.vdot(w, v) for w, v in zip(*map(jax.tree.leaves, (weights, values)), strict=True))

    arguments = (case.layer, case.window)
    _, gradient = loss_and_gradient(arguments)

    def loss_along(direction, step):
        return loss_and_gradient(jax.tree.map(lambda a, d: a + step * d, arguments, direction))[0]

    for seed in range(3):
        direction, step = random_like(arguments, seed), 2e-4
        one, two = (loss_along(direction, k * step) - loss_along(direction, -k * step) for k in (1, 2))
        numeric = (8 * one - two) / (12 * step)
        slope = sum(jnp.vdot(g, d) for g, d in zip(*map(jax.tree.leaves, (gradient, direction)), strict=True))
        np.testing.assert_allclose(slope, numeric, rtol=1e-6)


def test_two_halves_are_the_whole(float64, make_case):
    """A long line in chunks: the carry handed over, and its derivative handed back, the state's and the window's.

    The lines end before, in and at the end of the second chunk.
    """
    cell, case = PEEPHOLE_LSTM, make_case(PEEPHOLE_LSTM, 8, 3, 4)

    def in_chunks(arguments, chunks):
        layer, window = arguments
        states, outputs = (window.carry, layer.carry), []
        for chunk in chunks:
            part = case._replace(
                layer=layer._replace(carry=states[1], x=layer.x[chunk]),
                window=window._replace(carry=states[0], x=window.x[chunk]),
            )
            (first, h, w), (second, upper_h) = both_layers(scan_fused, cell, part, case.mask[chunk], BOUND)
            states = (first, second)
            outputs.append((h, w, upper_h))
        return states, jax.tree.map(lambda *parts: jnp.concatenate(parts), *outputs)

    @jit
    def compare(arguments, cotangents):
        results = []
        for chunks in ([slice(0, 8)], [slice(0, 5), slice(5, 8)]):
            values, vjp = jax.vjp(functools.partial(in_chunks, chunks=chunks), arguments)
            results.append((values, vjp(cotangents)))
        return results

    arguments = (case.layer, case.window)
    cotangents = random_like(jax.eval_shape(functools.partial(in_chunks, chunks=[slice(0, 8)]), arguments))
    whole, halves = compare(arguments, cotangents)
    assert_all_close(halves, whole)


def test_padding_has_no_derivative(float64, make_case):
    """Where a line has ended its inputs have none, and what stands there reaches no other gradient."""
    case = make_case(LSTM, 5, 3, 4)
    padded = case._replace(window=case.window._replace(x=jnp.where(case.mask[..., None], case.window.x, 1e3)))
    cotangents = random_like(outputs_of(LSTM, case))
    run = jit(functools.partial(values_and_gradients, scan_fused, LSTM, bound=None))
    _, (_, expected) = run(case, mask=case.mask, cotangents=cotangents)
    _, (_, found) = run(padded, mask=case.mask, cotangents=cotangents)
    assert_all_close(found, expected)
    assert not np.asarray(found.x)[~np.asarray(case.mask)].any()


def test_bfloat16_stays_close_to_float32(make_case):
    """Operands of 8 bits: over 7 steps values within 0.03 of float32's and each gradient within 2 % of its norm."""
    cell, case = PEEPHOLE_LSTM, make_case(PEEPHOLE_LSTM, 7, 4, 16)
    # Weights as they are at the start of training, not ones that make the states chaotic.
    arguments = case.window._replace(params=jax.tree.map(lambda leaf: leaf / 4, case.window.params))

    @jit
    def compare(arguments, cotangents):
        results = []
        for precision in ("bfloat16", "float32"):
            run = functools.partial(scan_fused.scan_window_layer, cell, precision=precision)
            values, vjp = jax.vjp(run, *arguments)
            results.append((values, vjp(cotangents)))
        return results

    cotangents, _ = random_like(outputs_of(cell, case))
    (rounded, rounded_gradient), (exact, gradient) = compare(arguments, cotangents)
    assert_all_close(rounded, exact, rtol=0, atol=0.03)
    assert any(np.abs(r - e).max() > 1e-4 for r, e in zip(*map(jax.tree.leaves, (rounded, exact)), strict=True))
    for found, expected in zip(*map(jax.tree.leaves, (rounded_gradient, gradient)), strict=True):
        assert found.dtype == expected.dtype == jnp.float32
        assert np.linalg.norm(found - expected) < 0.02 * np.linalg.norm(expected)
