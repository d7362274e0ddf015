"""The page's engine in V8, without a browser: every module of the worker, and weights loaded into it."""

import base64
import dataclasses
import functools
import json

import jax
import numpy as np
import pytest

import graves_jax
from graves_jax.data.alphabet import Alphabet
from graves_jax.model.network import NetworkConfig
from graves_jax.model.weights import Weights
from graves_jax.web.bundle import bundle
from graves_jax.web.export import SOURCES, hands_for, page_files, restored, stored

from ..conftest import random_params

# What a worker has and V8 alone has not.
_WORKER = """
globalThis.onmessage = null;
globalThis.posted = [];
globalThis.postMessage = (message) => posted.push(message);
globalThis.performance = { now: () => 0 };
globalThis.TextDecoder = class { decode(bytes) { return String.fromCharCode(...bytes); } };
const SIX_BITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const VALUES = new Uint8Array(128);
for (let n = 0; n < 64; n++) VALUES[SIX_BITS.charCodeAt(n)] = n;
function bytesOf(text) {
  const bytes = new Uint8Array(3 * text.length / 4);
  for (let n = 0, to = 0; n < text.length; n += 4) {
    let word = 0;
    for (let i = 0; i < 4; i++) word = (word << 6) | VALUES[text.charCodeAt(n + i) & 127];
    bytes[to++] = word >> 16; bytes[to++] = word >> 8; bytes[to++] = word;
  }
  return bytes.slice(0, bytes.length - (text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0));
}
function drained(generator) {
  const yielded = [];
  let next = generator.next();
  for (; !next.done; next = generator.next()) yielded.push(next.value);
  return { yielded, returned: next.value };
}
"""


class Engine:
    """Runs JavaScript in which the worker's modules are known as random_js, sampler_js and so on."""

    def __init__(self):
        mini_racer = pytest.importorskip("py_mini_racer", reason="needs V8 without a browser: pip install mini-racer")
        self._context = mini_racer.MiniRacer()
        self._context.eval(_WORKER + bundle(SOURCES, "worker"))

    def load(self, files: dict[str, bytes]) -> "Engine":
        """Weights as `page_files` gives them, as the variable `model`."""
        for name in ("weights.safetensors", "kernel.wasm"):
            self._context.eval(f"var file_{name.split('.')[0]} = bytesOf({base64.b64encode(files[name]).decode()!r});")
        self._context.eval("var model;")
        self.settle(
            f"weights_js.loadWeights({files['model.json'].decode()}, file_weights.buffer, file_kernel)"
            ".then((loaded) => { model = loaded; })"
        )
        return self

    def run(self, expression: str, **values):
        """The value of an expression, brought over as JSON; `values` are its variables."""
        names, arguments = ", ".join(values), ", ".join(map(json.dumps, values.values()))
        return json.loads(self._context.eval(f"JSON.stringify((({names}) => ({expression}))({arguments}))"))

    def settle(self, promise: str):
        """What a promise comes to, brought over as JSON; the message of an error."""
        return json.loads(
            self._context.eval(
                f"({promise}).then((value) => JSON.stringify(value ?? null), (error) => JSON.stringify(error.message))"
            ).get()
        )


@pytest.fixture(scope="session")
def engine():
    """The engine without weights."""
    return Engine()


@pytest.fixture(scope="session")
def engine_with():
    """A function from weights to an engine that has them."""
    return lambda weights: Engine().load(page_files(weights, name="test", hands=hands_for(weights)))


@pytest.fixture(scope="session")
def loaded(engine_with):
    """The same from the name of weights that ship, each loaded once."""
    return functools.cache(lambda name: engine_with(graves_jax.load(name)))


@pytest.fixture(scope="session")
def random_weights():
    """A function from the fields of a NetworkConfig to a small network, its parameters as float16 holds them.

    Its window crosses a character in about three points.
    """

    def make(**fields) -> Weights:
        num_characters = 6 + fields.get("ends_text", False)
        small = {
            "num_characters": num_characters,
            "num_window": 2,
            "num_layers": 2,
            "hidden_size": 9,
            "num_components": 3,
        }
        config = NetworkConfig(**small | fields)
        params = jax.tree.map(np.array, random_params(config, scale=0.3))
        params["window"]["bias"] = np.repeat(np.float32([0, 0, np.log(0.3)]), config.num_window)
        params["output_bias"][0] = -0.7
        return dataclasses.replace(
            graves_jax.load("hershey"),
            params=restored(stored(params, "float16")),
            network=config,
            alphabet=Alphabet(" abcde", has_end=config.ends_text),
        )

    return make
