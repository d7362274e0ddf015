"""Every part of the engine beside its counterpart in Python."""

import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import graves_jax
import graves_jax.web
from graves_jax import pretrained
from graves_jax.data.line_geometry import drop_standing_points, straighten, thin
from graves_jax.model.mixture import draw_noise, draw_with_noise, mixture_from_outputs
from graves_jax.model.network import HandwritingNetwork, initial_carry
from graves_jax.model.window import Window, log_window_weights, one_hot_text
from graves_jax.web.export import SOURCES


def test_the_kernel_is_what_its_text_says():
    wasmtime = pytest.importorskip("wasmtime", reason="turns WebAssembly's text into its bytes: pip install wasmtime")
    text = (pathlib.Path(graves_jax.web.__file__).parent / "kernel.wat").read_text(encoding="utf-8")
    assert wasmtime.wat2wasm(text) == (SOURCES / "kernel.wasm").read_bytes()


def test_keys_and_uniform_numbers_are_those_of_jax_to_the_bit(engine):
    for seed in (0, 7, 2**31 - 1):
        key = jax.random.fold_in(jax.random.key(seed), 12_345)
        words = engine.run("random_js.foldIn(random_js.key(seed), 12345)", seed=seed)
        assert words == jax.random.key_data(key).tolist()
        keys = engine.run("random_js.split(words, 3)", words=words)
        assert keys == jax.random.key_data(jax.random.split(key, 3)).tolist()
        numbers = engine.run("Array.from({length: 99}, (_, n) => random_js.uniform(words, n))", words=words)
        np.testing.assert_array_equal(np.float32(numbers), jax.random.uniform(key, 99))


@pytest.mark.parametrize("name", ["normal", "gumbel"])
def test_normal_and_gumbel_numbers_are_those_of_jax_in_the_last_places(engine, name):
    """20,000 numbers reach into the tails, which are computed apart."""
    key = jax.random.key(3)
    expected = getattr(jax.random, name)(key, 20_000)
    numbers = engine.run(f"Array.from({{length: 20000}}, (_, n) => random_js.{name}([0, 3], n))")
    np.testing.assert_allclose(numbers, expected, rtol=1e-6, atol=1e-6)
    assert np.abs(expected).max() > 3.5


@pytest.mark.parametrize("bias", [0.0, 0.75, 20.0])
def test_a_point_is_drawn_from_the_mixture_as_in_python(engine, bias):
    rng = np.random.default_rng(0)
    y_hat = rng.normal(scale=[2.0] * 7 + [1.0] * 12 + [4.0] * 6 + [6.0] * 6 + [3.0] * 6, size=(50, 37)).astype("f")
    keys = jax.random.split(jax.random.key(0), 50)
    noise = jax.vmap(lambda key: draw_noise(key, 6))(keys)
    expected = draw_with_noise(noise, mixture_from_outputs(jnp.array(y_hat), bias=bias, sigma_floor=0.01))
    drawn = engine.run(
        "yHats.map((yHat, n) => mixture_js.drawWithNoise(mixture_js.drawNoise(keys[n], 6), yHat, bias, 0.01))",
        yHats=y_hat.tolist(),
        keys=jax.random.key_data(keys).tolist(),
        bias=bias,
    )
    np.testing.assert_allclose(drawn, expected, rtol=1e-5, atol=1e-6)
    assert set(np.array(drawn)[:, 2]) == {0, 1}


def test_the_window_is_weighed_far_from_every_centre_too(engine):
    window = {"alpha": [0.5, 2.0], "beta": [3.0, 0.1], "kappa": [1.4, 60.0]}
    expected = log_window_weights(Window(*(jnp.array(window[name]) for name in ("alpha", "beta", "kappa"))), 300)
    assert np.exp(expected).min() == 0
    found = engine.run("Array.from(window_js.logWindowWeights(window, 300))", window=window)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def steps(weights, codes, points, z=None):
    """ŷ and the centres of the window at each point, in Python."""
    network = HandwritingNetwork(weights.network)
    characters = one_hot_text(codes, jnp.ones(len(codes), bool), weights.network.num_characters)
    step = jax.jit(lambda carry, x: network.apply({"params": weights.params}, carry, x, characters, z, method="step"))
    carry, outputs = initial_carry(weights.network, ()), []
    for x in points:
        carry, y_hat, window = step(carry, x)
        outputs.append(np.concatenate([y_hat, window.kappa]))
    return np.array(outputs)


STEPS = """
  (model.network.start(z ?? undefined),
  points.map((point) => [...model.network.step(point, codes), ...model.network.window.kappa]))
"""


def points_to_read(number):
    rng = np.random.default_rng(1)
    return np.column_stack([rng.normal(size=(number, 2)), rng.random(number) < 0.1]).astype(np.float32)


@pytest.mark.parametrize("name", pretrained.weight_names())
def test_the_network_of_weights_that_ship_step_by_step(loaded, name):
    weights, points = graves_jax.load(name), points_to_read(40)
    codes = weights.alphabet.encode("Winter is coming.")
    found = loaded(name).run(STEPS, points=points.tolist(), codes=codes.tolist(), z=None)
    np.testing.assert_allclose(found, steps(weights, codes, points), rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize(
    "fields",
    [
        {"cell": "lstm"},
        {"cell": "peephole_lstm", "num_layers": 1},
        {"cell": "gru", "num_layers": 3, "hidden_size": 33},
        {"num_window": 1, "num_components": 1, "hidden_size": 1},
        {"cell": "lstm", "style_size": 3},
        {"cell": "gru", "style_size": 3},
    ],
)
def test_a_network_of_any_kind_step_by_step(engine_with, random_weights, fields):
    weights, points = random_weights(**fields), points_to_read(30)
    codes = np.array([1, 5, 0, 3])
    engine = engine_with(weights)
    # A second line begins as the first did, whatever its hand.
    for z in [[0.5, -1.0, 2.0], None] if weights.network.style_size else [None, None]:
        found = engine.run(STEPS, points=points.tolist(), codes=codes.tolist(), z=z)
        expected = steps(weights, codes, points, None if z is None else jnp.array(z))
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("slope", [0.0, 0.3])
def test_own_ink_is_straightened_and_thinned_as_in_python(engine, slope):
    rng = np.random.default_rng(2)
    strokes = []
    for start in range(0, 900, 60):
        y = rng.choice([-40.0, -38.0, -90.0, 0.0, 2.0, 35.0], size=9).repeat(2)
        x = start + np.linspace(0, 50, 18)
        strokes.append(np.column_stack([x, y + slope * x]))
    strokes.append(np.array([[30.0, -120.0]]))
    expected = [thin(drop_standing_points(stroke), 3) for stroke in straighten(strokes)]
    found = engine.run(
        "line_geometry_js.straighten(strokes).map("
        "(stroke) => line_geometry_js.thin(line_geometry_js.dropStandingPoints(stroke), 3))",
        strokes=[stroke.tolist() for stroke in strokes],
    )
    assert [len(stroke) for stroke in found] == [len(stroke) for stroke in expected]
    np.testing.assert_allclose(np.concatenate(found), np.concatenate(expected), rtol=1e-9, atol=1e-9)
