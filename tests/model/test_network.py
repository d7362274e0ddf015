"""The whole network against NumPy written from the paper, point by point against sequences, and what reaches what."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit

from graves_jax.model import mixture as mixture_lib
from graves_jax.model import network as network_lib
from graves_jax.model.network import (
    HandwritingNetwork,
    NetworkConfig,
    fold_style,
    init_params,
    initial_carry,
    num_parameters,
)
from graves_jax.model.window import one_hot_text

from ..conftest import random_params

SMALL = NetworkConfig(
    num_characters=5, num_window=2, num_layers=3, hidden_size=6, num_components=2, points_per_character=2.0
)
T, B, U = 7, 3, 4
# Programs as small as these take longer to optimise than to run.
jit = functools.partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})


def random_batch(seed=0):
    """Points [T, B, 3] and one-hot texts [B, U, C] of 4, 3 and 2 characters."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(T, B, 3)).astype(np.float32)
    x[..., 2] = x[..., 2] > 0
    codes = jnp.array(rng.integers(SMALL.num_characters, size=(B, U)))
    text_mask = jnp.arange(U)[None] < jnp.array([[4], [3], [2]])
    return jnp.array(x), one_hot_text(codes, text_mask, SMALL.num_characters)


@functools.partial(jit, static_argnums=0)
def run(config, params, carry, x, characters=None, mask=None, z=None):
    return HandwritingNetwork(config).apply({"params": params}, carry, x, characters, mask, z)


@functools.partial(jit, static_argnums=0)
def step(config, params, carry, x_t, characters=None, z=None):
    return HandwritingNetwork(config).apply({"params": params}, carry, x_t, characters, z, method="step")


def assert_all_close(found, expected, **tolerance):
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    jax.tree.map(lambda f, e: np.testing.assert_allclose(f, e, **tolerance), found, expected)


# --- Size.


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (NetworkConfig(), network_lib.GRAVES_SYNTHESIS_PARAMETERS),
        (NetworkConfig(num_characters=0, num_window=0), network_lib.GRAVES_PREDICTION_3X400_PARAMETERS),
        (
            NetworkConfig(num_characters=0, num_window=0, num_layers=1, hidden_size=900),
            network_lib.GRAVES_PREDICTION_1X900_PARAMETERS,
        ),
    ],
)
def test_paper_networks_have_their_parameter_counts(config, expected):
    params = jax.eval_shape(lambda: init_params(jax.random.key(0), config))
    assert num_parameters(params) == expected


def test_named_counts_are_the_papers_networks_counted_by_hand():
    def lstm(inputs, cells):
        return 4 * cells * (inputs + cells + 1) + 3 * cells

    def stack(x_and_w, cells, layers):
        hidden = lstm(x_and_w, cells) + (layers - 1) * lstm(x_and_w + cells, cells)
        return hidden + (layers * cells + 1) * 121

    assert stack(3, 900, 1) == network_lib.GRAVES_PREDICTION_1X900_PARAMETERS == 3_366_121
    assert stack(3, 400, 3) == network_lib.GRAVES_PREDICTION_3X400_PARAMETERS == 3_368_121
    assert stack(3 + 57, 400, 3) + 401 * 30 == network_lib.GRAVES_SYNTHESIS_PARAMETERS == 3_653_751


# --- The equations.


def numpy_lstm(params, x, h, c):
    """(7)-(11) of one step, gate by gate."""
    w_x, w_h, b = (
        np.split(np.asarray(params[name], np.float64), 4, axis=-1) for name in ("input", "recurrent", "bias")
    )
    w_ci, w_cf, w_co = np.asarray(params["peephole"], np.float64)
    i, f, g, o = (x @ w_x[j] + h @ w_h[j] + b[j] for j in range(4))
    i, f = expit(i + w_ci * c), expit(f + w_cf * c)
    c = f * c + i * np.tanh(g)
    return expit(o + w_co * c) * np.tanh(c), c


def numpy_network(params, x, characters):
    """One line through the synthesis network: (46)-(53) on top of three layers. Shape [T, 1 + 6M]."""
    params = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), params)
    h, c = np.zeros((3, 6)), np.zeros((3, 6))
    kappa, w, outputs = np.zeros(2), np.zeros(5), []
    for x_t in x:
        h[0], c[0] = numpy_lstm(params["layers_0"], np.concatenate([x_t, w]), h[0], c[0])
        alpha, beta, moved = np.exp(h[0] @ params["window"]["kernel"] + params["window"]["bias"]).reshape(3, 2)
        kappa = kappa + moved
        w = np.zeros(5)
        for u, character in enumerate(characters, start=1):
            w = w + np.sum(alpha * np.exp(-beta * (kappa - u) ** 2)) * character
        for n in (1, 2):
            h[n], c[n] = numpy_lstm(params[f"layers_{n}"], np.concatenate([x_t, w, h[n - 1]]), h[n], c[n])
        outputs.append(np.concatenate(h) @ params["output_kernel"] + params["output_bias"])
    return np.array(outputs)


@pytest.mark.parametrize("implementation", ["reference", "fused"])
def test_outputs_are_numpys(implementation):
    params, (x, characters) = random_params(SMALL), random_batch()
    config = dataclasses.replace(SMALL, implementation=implementation)
    _, y_hat = run(config, params, initial_carry(config, (B,)), x, characters)
    for line in range(B):
        expected = numpy_network(params, np.asarray(x)[:, line], np.asarray(characters)[line])
        np.testing.assert_allclose(y_hat[:, line], expected, atol=2e-6, rtol=1e-5)


@pytest.mark.parametrize(("cell", "reads_text"), [("peephole_lstm", True), ("gru", True), ("lstm", False)])
def test_steps_one_by_one_are_the_sequence(cell, reads_text):
    config = dataclasses.replace(SMALL, cell=cell)
    x, characters = random_batch()
    if not reads_text:
        config, characters = dataclasses.replace(config, num_characters=0, num_window=0), None
    params, carry = random_params(config), initial_carry(config, (B,))
    final, y_hat = run(config, params, carry, x, characters)
    assert y_hat.shape == (T, B, 13)
    for t in range(T):
        carry, y_hat_t, window = step(config, params, carry, x[t], characters)
        np.testing.assert_allclose(y_hat[t], y_hat_t, atol=2e-6, rtol=1e-5)
        assert (window is None) != reads_text
    assert_all_close(carry, final, atol=2e-6, rtol=1e-5)


def test_step_takes_a_single_line_without_a_batch_axis():
    params, (x, characters) = random_params(SMALL), random_batch()
    carry, y_hat, window = step(SMALL, params, initial_carry(SMALL, ()), x[0, 1], characters[1])
    together, y_hats, windows = step(SMALL, params, initial_carry(SMALL, (B,)), x[0], characters)
    expected = jax.tree.map(lambda leaf: leaf[1], (together, y_hats, windows))
    assert_all_close((carry, y_hat, window), expected, atol=1e-6, rtol=1e-5)


# --- What reaches what.


def silenced(params, layer, rows):
    """The parameters with some rows of a layer's input matrix set to zero."""
    changed = params[layer] | {"input": params[layer]["input"].at[rows].set(0.0)}
    return params | {layer: changed}


def hidden_after(params, carry, x_t, characters):
    """h of the three layers after one step."""
    carry, _, _ = step(SMALL, params, carry, x_t, characters)
    return carry, [carry.first.cell[0], carry.others[0][0], carry.others[1][0]]


def changed(found, expected):
    return [bool(np.abs(f - e).max() > 1e-6) for f, e in zip(found, expected, strict=True)]


X_ROWS, W_ROWS, H_ROWS = slice(0, 3), slice(3, 8), slice(8, 14)


def test_window_feeds_the_upper_layers_at_once_and_the_first_a_step_later():
    """By changing the text: at t the first layer has not seen it, the others have, each by its own input."""
    params, (x, characters) = random_params(SMALL), random_batch()
    other = 1 - characters
    # Without the way through h of the layer below, what reaches a layer is w itself.
    params = silenced(silenced(params, "layers_1", H_ROWS), "layers_2", H_ROWS)
    carry = initial_carry(SMALL, (B,))
    found, expected = (hidden_after(params, carry, x[0], text) for text in (characters, other))
    assert changed(found[1], expected[1]) == [False, True, True]
    # From the two states that now differ in w, on the same text: the first layer sees the difference.
    one = hidden_after(params, expected[0]._replace(others=found[0].others), x[1], characters)
    two = hidden_after(params, found[0], x[1], characters)
    assert changed(one[1], two[1])[0]


def test_upper_layers_see_the_new_window_only():
    """w_{t-1} is the first layer's alone: cut off there, it reaches nothing."""
    params, (x, characters) = silenced(random_params(SMALL), "layers_0", W_ROWS), random_batch()
    carry = initial_carry(SMALL, (B,))
    other = carry._replace(first=carry.first._replace(w=carry.first.w + 1))
    found, expected = (hidden_after(params, start, x[0], characters)[1] for start in (carry, other))
    assert changed(found, expected) == [False, False, False]


@pytest.mark.parametrize(
    ("silent", "expected"),
    [((), [True, True, True]), ((0,), [False, True, True]), ((0, 1), [False, False, True]), ((0, 1, 2), [False] * 3)],
)
def test_input_feeds_every_layer(silent, expected):
    """With the lower layers' own x silenced, what a layer sees of x came to it directly."""
    params, (x, characters) = random_params(SMALL), random_batch()
    for layer in silent:
        params = silenced(params, f"layers_{layer}", X_ROWS)
    carry = initial_carry(SMALL, (B,))
    found, other = (hidden_after(params, carry, x_t, characters)[1] for x_t in (x[0], x[0] + 1))
    assert changed(found, other) == expected


def test_every_layer_feeds_the_output():
    params, (x, characters) = random_params(SMALL), random_batch()
    carry = initial_carry(SMALL, (B,))
    new, y_hat, _ = step(SMALL, params, carry, x[0], characters)
    for layer, h in enumerate([new.first.cell[0], new.others[0][0], new.others[1][0]]):
        rows = slice(6 * layer, 6 * layer + 6)
        without = params | {"output_kernel": params["output_kernel"].at[rows].set(0.0)}
        _, less, _ = step(SMALL, without, carry, x[0], characters)
        np.testing.assert_allclose(y_hat - less, h @ params["output_kernel"][rows], atol=1e-6)


@pytest.mark.parametrize("reads_text", [True, False])
def test_outputs_do_not_depend_on_later_inputs(reads_text):
    config, (x, characters) = SMALL, random_batch()
    if not reads_text:
        config, characters = dataclasses.replace(config, num_characters=0, num_window=0), None
    params, carry = random_params(config), initial_carry(config, (B,))
    _, expected = run(config, params, carry, x, characters)
    for t in range(T):
        _, found = run(config, params, carry, x.at[t].add(1.0), characters)
        np.testing.assert_array_equal(found[:t], expected[:t])
        assert (np.abs(found[t] - expected[t]).max(axis=-1) > 1e-4).all()


def test_lines_do_not_depend_on_each_other():
    params, (x, characters) = random_params(SMALL), random_batch()
    carry = initial_carry(SMALL, (B,))
    _, expected = run(SMALL, params, carry, x, characters)
    _, found = run(SMALL, params, carry, x.at[:, 1].add(1.0), characters.at[1].set(0.0))
    np.testing.assert_allclose(found[:, [0, 2]], expected[:, [0, 2]], rtol=1e-6)


def test_masked_lines_hand_over_the_state_of_their_last_point():
    params, (x, characters) = random_params(SMALL), random_batch()
    lengths = [7, 4, 1]
    mask = jnp.arange(T)[:, None] < jnp.array([lengths])
    final, _ = run(SMALL, params, initial_carry(SMALL, (B,)), x, characters, mask)
    for line, length in enumerate(lengths):
        carry = initial_carry(SMALL, ())
        for t in range(length):
            carry, _, _ = step(SMALL, params, carry, x[t, line], characters[line])
        assert_all_close(jax.tree.map(lambda leaf: leaf[line], final), carry, atol=2e-6, rtol=1e-5)  # noqa: B023


# --- Derivatives.


def nats(params, config, x, characters, mask):
    """What training minimises, in short: each point from those before it."""
    carry = initial_carry(config, x.shape[1:2], x.dtype)
    inputs = jnp.concatenate([jnp.zeros_like(x[:1]), x[:-1]])
    _, y_hat = HandwritingNetwork(config).apply({"params": params}, carry, inputs, characters, mask)
    log_probability = mixture_lib.log_probability(mixture_lib.mixture_from_outputs(y_hat), x)
    return -jnp.sum(jnp.where(mask, log_probability, 0.0))


def test_whole_networks_gradient_is_the_references(float64):
    """With both of Graves's clips at work."""
    config = dataclasses.replace(SMALL, num_layers=2, gate_gradient_bound=0.2, output_gradient_bound=0.5)
    params, batch = random_params(config), random_batch()
    params, x, characters = jax.tree.map(lambda leaf: leaf.astype(jnp.float64), (params, *batch))
    mask = jnp.arange(T)[:, None] < jnp.array([[7, 5, 2]])

    @jit
    def gradients(params):
        unclipped = dataclasses.replace(config, gate_gradient_bound=None, output_gradient_bound=None)
        configs = [dataclasses.replace(config, implementation=name) for name in ("fused", "reference")]
        return [jax.value_and_grad(nats)(params, c, x, characters, mask) for c in (*configs, unclipped)]

    fused, reference, unclipped = gradients(params)
    assert_all_close(fused, reference, rtol=1e-9, atol=1e-10)
    difference = jax.tree.map(lambda f, u: np.abs(f - u).max(), fused[1], unclipped[1])
    assert min(jax.tree.leaves(difference)) > 1e-6


@pytest.mark.parametrize("implementation", ["reference", "fused"])
def test_each_clip_acts_where_it_belongs(implementation):
    """That of the gates on all that lies below them, each layer's own included, and on nothing above."""
    free = dataclasses.replace(SMALL, num_layers=2, implementation=implementation)
    params, (x, characters), mask = random_params(free), random_batch(), jnp.ones((T, 3), bool)
    clipped = dataclasses.replace(free, gate_gradient_bound=1e-3)
    gradient, other = jit(lambda p: [jax.grad(nats)(p, c, x, characters, mask) for c in (free, clipped)])(params)
    np.testing.assert_allclose(gradient["output_kernel"], other["output_kernel"], rtol=1e-5)
    for name in ("layers_0", "layers_1"):
        assert np.abs(gradient[name]["bias"]).max() > 0.05 > np.abs(other[name]["bias"]).max()


def test_forward_mode_derivatives_of_the_reference_are_those_of_the_way_back(float64):
    """Where nothing clips derivatives; the fused scan, whose derivative is written by hand, says that it has none."""
    config = dataclasses.replace(SMALL, num_layers=2, implementation="reference")
    params, batch = random_params(config), random_batch()
    params, x, characters = jax.tree.map(lambda leaf: leaf.astype(jnp.float64), (params, *batch))
    mask, rng = jnp.ones((T, 3), bool), np.random.default_rng(0)
    direction = jax.tree.map(lambda leaf: jnp.array(rng.normal(size=leaf.shape)), params)

    def loss(params, config):
        return nats(params, config, x, characters, mask)

    @jit
    def slope_and_gradient(params):
        _, slope = jax.jvp(lambda params: loss(params, config), (params,), (direction,))
        return slope, jax.grad(loss)(params, config)

    slope, gradient = slope_and_gradient(params)
    expected = sum(jax.tree.leaves(jax.tree.map(lambda g, d: jnp.sum(g * d), gradient, direction)))
    np.testing.assert_allclose(slope, expected, rtol=1e-10)
    fused = dataclasses.replace(config, implementation="fused")
    with pytest.raises(TypeError, match="forward-mode"):
        jax.jvp(lambda params: loss(params, fused), (params,), (direction,))


@pytest.mark.parametrize("reads_text", [True, False])
@pytest.mark.parametrize("masked", [True, False])
def test_cut_into_pieces_a_sequence_is_the_same(float64, monkeypatch, reads_text, masked):
    """Pieces of unequal length, lines that end in the first and the last: the reference, which is not cut."""
    monkeypatch.setattr(network_lib, "TIME_PIECES", 3)
    monkeypatch.setattr(network_lib, "MIN_PIECE_STEPS", 2)
    assert [piece.stop - piece.start for piece in network_lib.time_pieces(T)] == [2, 2, 3]
    assert network_lib.time_pieces(5) == [slice(0, 5)]
    config = SMALL if reads_text else dataclasses.replace(SMALL, num_characters=0, num_window=0)
    params, batch = random_params(config), random_batch()
    params, x, characters = jax.tree.map(lambda leaf: leaf.astype(jnp.float64), (params, *batch))
    mask = jnp.arange(T)[:, None] < jnp.array([[7, 5, 2]]) if masked else None

    def loss(params, config):
        carry = initial_carry(config, x.shape[1:2], x.dtype)
        text = characters if reads_text else None
        carry, y_hat = HandwritingNetwork(config).apply({"params": params}, carry, x, text, mask)
        return sum(jnp.sum(jnp.sin(leaf)) for leaf in jax.tree.leaves((carry, y_hat))), (carry, y_hat)

    @jit
    def both(params):
        configs = [dataclasses.replace(config, implementation=name) for name in ("fused", "reference")]
        return [jax.value_and_grad(loss, has_aux=True)(params, c) for c in configs]

    cut, whole = both(params)
    assert_all_close(cut, whole, rtol=1e-9, atol=1e-10)


def test_derivative_of_each_output_is_clipped(float64):
    """The output's bias sums the derivatives of ŷ: of one point it is that derivative, within the bound."""
    x, characters = random_batch()
    params, x, characters = jax.tree.map(
        lambda leaf: leaf.astype(jnp.float64), (random_params(SMALL), x[:1, :1] + 3, characters[:1])
    )

    @jit
    def output_bias_gradients(params):
        configs = [dataclasses.replace(SMALL, output_gradient_bound=bound) for bound in (None, 0.5)]
        return [jax.grad(nats)(params, c, x, characters, jnp.ones((1, 1), bool))["output_bias"] for c in configs]

    exact, clipped = output_bias_gradients(params)
    assert np.abs(exact).max() > 1
    np.testing.assert_allclose(clipped, np.clip(exact, -0.5, 0.5), rtol=1e-9)


# --- Configuration.


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"cell": "rnn"}, "Expected cell to be one of lstm, peephole_lstm, gru, found 'rnn'"),
        ({"precision": "float16"}, "Expected precision to be one of float32, tensorfloat32, bfloat16, found 'float16'"),
        ({"implementation": "fast"}, "Expected implementation to be one of reference, fused, found 'fast'"),
        ({"num_window": 0}, "both 0 .* or both above 0 .*, found 57 and 0"),
        ({"num_characters": 0}, "both 0 .* or both above 0 .*, found 0 and 10"),
        ({"num_window": -1}, "num_window of at least 0, found -1"),
        ({"num_layers": 0}, "num_layers of at least 1, found 0"),
        ({"hidden_size": 0}, "hidden_size of at least 1, found 0"),
        ({"num_components": 0}, "num_components of at least 1, found 0"),
        ({"sigma_floor": -0.1}, "sigma_floor of at least 0, found -0.1"),
        ({"points_per_character": 0.0}, "points_per_character above 0, found 0.0"),
        ({"gate_gradient_bound": 0.0}, "gate_gradient_bound above 0, found 0.0"),
        ({"output_gradient_bound": -1.0}, "output_gradient_bound above 0, found -1.0"),
    ],
)
def test_impossible_configurations_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        NetworkConfig(**fields)


def test_texts_of_another_alphabet_are_refused():
    params, (x, characters) = random_params(SMALL), random_batch()
    carry = initial_carry(SMALL, (B,))
    for wrong, found in ((characters[..., :4], 4), (None, 0)):
        with pytest.raises(ValueError, match=f"width 5, found {found}"):
            run(SMALL, params, carry, x, wrong)
        with pytest.raises(ValueError, match=f"width 5, found {found}"):
            step(SMALL, params, carry, x[0], wrong)


def test_window_starts_out_at_the_speed_of_the_pen():
    """Fresh parameters move the window by about one character in `points_per_character` points."""
    config = dataclasses.replace(SMALL, hidden_size=32, points_per_character=20.0)
    params, (x, characters) = jit(init_params, static_argnums=1)(jax.random.key(0), config), random_batch()
    carry, _ = run(config, params, initial_carry(config, (B,)), x, characters)
    np.testing.assert_allclose(carry.first.kappa, T / 20, rtol=0.2)


@pytest.mark.parametrize("implementation", ["reference", "fused"])
def test_every_float32_product_is_asked_for_in_full_precision(implementation):
    """The window's view of the text too: on a GPU a product that asks for nothing is rounded to TF32."""
    config = dataclasses.replace(SMALL, implementation=implementation)
    params, (x, characters) = random_params(config), random_batch()
    loss = functools.partial(nats, config=config, x=x, characters=characters, mask=jnp.ones((T, B), bool))
    program = str(jax.make_jaxpr(jax.grad(loss))(params))
    assert program.count("dot_general[") == program.count("precision=(Precision.HIGHEST, Precision.HIGHEST)") > 10


# --- Styles.

STYLED = dataclasses.replace(SMALL, style_size=3)
STYLES = np.random.default_rng(5).normal(size=(B, 3)).astype(np.float32)


def test_a_style_adds_one_matrix_a_layer_and_one_vector():
    config = dataclasses.replace(NetworkConfig(), style_size=32)
    shapes = jax.eval_shape(lambda: init_params(jax.random.key(0), config))
    extra = 3 * 32 * 4 * 400 + 32
    assert num_parameters(shapes) == network_lib.GRAVES_SYNTHESIS_PARAMETERS + extra
    params = jit(init_params, static_argnums=1)(jax.random.key(0), STYLED)
    assert not params["any_style"].any() and all(params[f"layers_{n}"]["style"].std() > 0.01 for n in range(3))


@pytest.mark.parametrize("implementation", ["reference", "fused"])
@pytest.mark.parametrize("cell", ["peephole_lstm", "gru"])
def test_a_style_is_a_bias_of_its_line(implementation, cell):
    """Three lines in three hands at once, each against the network without styles whose biases hold its hand."""
    config = dataclasses.replace(STYLED, implementation=implementation, cell=cell)
    params, (x, characters) = random_params(config), random_batch()
    _, y_hat = run(config, params, initial_carry(config, (B,)), x, characters, z=STYLES)
    for line in range(B):
        folded, plain = fold_style(params, config, STYLES[line])
        for number in range(config.num_layers):
            layer = params[f"layers_{number}"]
            expected = layer["bias"] + STYLES[line] @ layer["style"]
            np.testing.assert_allclose(folded[f"layers_{number}"]["bias"], expected, rtol=1e-5, atol=1e-6)
        assert plain.style_size == 0 and num_parameters(folded) == num_parameters(random_params(plain))
        rows = slice(line, line + 1)
        _, alone = run(plain, folded, initial_carry(plain, (1,)), x[:, rows], characters[rows])
        np.testing.assert_allclose(y_hat[:, rows], alone, rtol=1e-4, atol=1e-5)


def test_steps_in_a_style_are_the_sequence():
    params, (x, characters) = random_params(STYLED), random_batch()
    carry = initial_carry(STYLED, (B,))
    _, expected = run(STYLED, params, carry, x, characters, z=STYLES)
    for t in range(T):
        carry, y_hat, _ = step(STYLED, params, carry, x[t], characters, z=STYLES)
        np.testing.assert_allclose(y_hat, expected[t], rtol=1e-4, atol=1e-5)


def test_no_style_given_is_the_learned_one_and_one_style_serves_all_lines():
    params, (x, characters) = random_params(STYLED), random_batch()
    carry = initial_carry(STYLED, (B,))
    found = run(STYLED, params, carry, x, characters)
    assert_all_close(found, run(STYLED, params, carry, x, characters, z=params["any_style"]))
    np.testing.assert_allclose(
        found[1],
        run(STYLED, params, carry, x, characters, z=jnp.tile(params["any_style"], (B, 1)))[1],
        rtol=1e-5,
        atol=1e-6,
    )


@pytest.mark.parametrize("cell", ["lstm", "peephole_lstm", "gru"])
def test_gradients_with_styles_are_the_references(float64, cell):
    """With respect to every parameter and to each line's style, masked and clipped."""
    config = dataclasses.replace(STYLED, cell=cell, num_layers=2, gate_gradient_bound=0.2)
    params, x, characters, z = jax.tree.map(
        lambda leaf: jnp.asarray(leaf, jnp.float64), (random_params(config), *random_batch(), STYLES)
    )
    mask = jnp.arange(T)[:, None] < jnp.array([[7, 5, 2]])

    def loss(params, z, config):
        carry = initial_carry(config, (B,), x.dtype)
        carry, y_hat = HandwritingNetwork(config).apply({"params": params}, carry, x, characters, mask, z)
        return sum(jnp.sum(jnp.sin(leaf)) for leaf in jax.tree.leaves((carry, y_hat)))

    @jit
    def both(params, z):
        configs = [dataclasses.replace(config, implementation=name) for name in ("fused", "reference")]
        return [jax.value_and_grad(loss, argnums=(0, 1))(params, z, c) for c in configs]

    fused, reference = both(params, z)
    assert_all_close(fused, reference, rtol=1e-9, atol=1e-10)
    assert (np.abs(fused[1][1]).min(axis=1) > 0).all()


@pytest.mark.parametrize("z", [np.zeros(2), np.zeros((B, 4))])
def test_styles_of_another_size_are_refused(z):
    params, (x, characters) = random_params(STYLED), random_batch()
    with pytest.raises(ValueError, match="Expected a style vector of 3 numbers"):
        run(STYLED, params, initial_carry(STYLED, (B,)), x, characters, z=z)
    with pytest.raises(ValueError, match="Expected a style vector of 3 numbers"):
        fold_style(params, STYLED, z)
