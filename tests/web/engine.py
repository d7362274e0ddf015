"""The page's engine in V8, without a browser: every module of the worker, and weights loaded into it."""

import base64
import json

import pytest

from graves_jax.web.bundle import bundle
from graves_jax.web.export import SOURCES

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
    const word = [0, 1, 2, 3].reduce((sum, i) => (sum << 6) | VALUES[text.charCodeAt(n + i) & 127], 0);
    bytes[to++] = word >> 16; bytes[to++] = word >> 8; bytes[to++] = word;
  }
  return bytes.slice(0, bytes.length - (text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0));
}
"""


class Engine:
    """Runs JavaScript in which the worker's modules are known as random_js, sampler_js and so on."""

    def __init__(self):
        mini_racer = pytest.importorskip("py_mini_racer", reason="V8 without a browser: pip install mini-racer")
        self._context = mini_racer.MiniRacer()
        self._context.eval(_WORKER + bundle(SOURCES, "worker"))

    def load(self, files: dict[str, bytes]) -> "Engine":
        """Weights as `page_files` gives them, as the variable `model`."""
        for name in ("model.json", "weights.safetensors", "kernel.wasm"):
            self._context.eval(f"var file_{name.split('.')[0]} = bytesOf({base64.b64encode(files[name]).decode()!r});")
        description = files["model.json"].decode()
        promise = self._context.eval(
            f"var model; weights_js.loadWeights({description}, file_weights.buffer, file_kernel)"
            ".then((loaded) => { model = loaded; return true; })"
        )
        assert promise.get() is True
        return self

    def run(self, script: str, **values):
        """The value of an expression, brought over as JSON; `values` are its variables."""
        names, arguments = ", ".join(values), ", ".join(map(json.dumps, values.values()))
        return json.loads(self._context.eval(f"JSON.stringify((({names}) => ({script}))({arguments}))"))


DRAINED = """
function drained(generator) {
  const yielded = [];
  let next = generator.next();
  for (; !next.done; next = generator.next()) yielded.push(next.value);
  return { yielded, returned: next.value };
}
"""
