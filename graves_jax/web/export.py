"""Weights and the page's sources to a folder that any web server can hand out, or to one file that opens from disk.

The page computes in float32 with the parameters as they are stored: in float16, as the weights that ship are, it writes
the ink that Python writes; in int8 half the size, and another ink for the same seed.
"""

import base64
import contextlib
import hashlib
import json
import pathlib
import re
from collections.abc import Sequence
from typing import Any, Literal

import flax.traverse_util
import numpy as np
import safetensors.numpy
from rjsmin import jsmin

from graves_jax.data.alphabet import Alphabet
from graves_jax.data.ink import Ink
from graves_jax.errors import InputError
from graves_jax.layout.characters import REPLACEMENTS
from graves_jax.model.weights import Weights, check_reads_text
from graves_jax.sampling import faults, letters, sampler, styles, write
from graves_jax.version import __version__
from graves_jax.web.bundle import bundle

Dtype = Literal["float16", "int8"]
DTYPES: tuple[Dtype, ...] = ("float16", "int8")

SOURCES = pathlib.Path(__file__).parent / "page"
WEIGHTS_FILE = "weights.safetensors"
MODEL_FILE = "model.json"
# The large matrices, which hold nearly all parameters. What is left is small, and the output all the more sensitive.
_QUANTISED = re.compile(r"layers_\d+/(input|recurrent)")


def page_files(
    weights: Weights,
    *,
    name: str,
    dtype: Dtype = "float16",
    hands: dict[str, Ink | np.ndarray] | None = None,
    prompts: Sequence[str] = (),
) -> dict[str, bytes]:
    """The files of the folder, by name.

    Args:
      weights: a synthesis network's.
      name: what the page calls the weights.
      dtype: what the matrices are stored as.
      hands: styles to choose from, lines in the unit of the training data or style vectors.
      prompts: what the recorder asks people to write.
    Raises:
      InputError: the page cannot write with these weights.
    """
    hands = hands or {}
    check_reads_text(weights)
    reader = letters.reader_for(weights)
    arrays = stored(weights.params, dtype)
    arrays |= {f"styles/{name}": hand.offsets if isinstance(hand, Ink) else hand for name, hand in hands.items()}
    file = safetensors.numpy.save(arrays | _reader_arrays(reader))
    model = {
        **weights.to_config(),
        "name": name,
        "package_version": __version__,
        "weights": {"file": WEIGHTS_FILE, "dtype": dtype, "sha256": hashlib.sha256(file).hexdigest()},
        "styles": [
            {"name": name, "text": hand.text} if isinstance(hand, Ink) else {"name": name}
            for name, hand in hands.items()
        ],
        "replacements": _replacements(weights.alphabet),
        "letters": reader and reader.characters,
        "prompts": list(prompts),
        **_bounds(weights),
    }
    model |= _provenance(model.pop("provenance"))
    sources = {path.name: _content(path) for path in sorted(SOURCES.iterdir()) if path.is_file()}
    return sources | {MODEL_FILE: json.dumps(model, ensure_ascii=False).encode(), WEIGHTS_FILE: file}


def single_file(files: dict[str, bytes]) -> bytes:
    """`page_files` as one HTML file that needs no server."""
    page = files["index.html"].decode()
    data = [
        f'<script type="text/plain" id="{name}">{base64.b64encode(files[name]).decode()}</script>'
        for name in ("kernel.wasm", MODEL_FILE, WEIGHTS_FILE)
    ]
    scripts = [
        f'<script type="text/plain" id="worker.js">\n{_script("worker")}</script>',
        *data,
        f'<script type="module">\n{_script("page")}</script>',
    ]
    for tag, inlined in (
        ('<link rel="stylesheet" href="style.css">', f"<style>\n{files['style.css'].decode()}</style>"),
        ('<script type="module" src="page.js"></script>', "\n".join(scripts)),
        ("script-src 'self'", "script-src 'unsafe-inline' blob:"),
        ("style-src 'self'", "style-src 'unsafe-inline'"),
        ("worker-src 'self'", "worker-src blob:"),
    ):
        if page.count(tag) != 1:
            raise ValueError(f"Expected {tag} once in index.html, found it {page.count(tag)} times.")
        page = page.replace(tag, inlined)
    return page.encode()


def stored(params: dict, dtype: Dtype) -> dict[str, np.ndarray]:
    """Parameters as the page's weights file holds them, by name; an int8 matrix has its columns' scales beside it.

    Raises:
      InputError: a parameter is too large for float16.
    """
    arrays = {}
    for name, value in flax.traverse_util.flatten_dict(params, sep="/").items():
        value = np.asarray(value, np.float32)
        if dtype == "int8" and _QUANTISED.fullmatch(name):
            scale = np.maximum(np.abs(value).max(axis=0), np.finfo(np.float32).tiny) / 127
            arrays |= {name: np.rint(value / scale).astype(np.int8), f"{name}/scale": scale}
            continue
        with np.errstate(over="ignore"):
            arrays[name] = value.astype(np.float16)
        if not np.isfinite(arrays[name]).all():
            raise InputError(
                f"Expected parameters within the range of float16, found {np.abs(value).max():g} in {name}."
            )
    return arrays


def restored(arrays: dict[str, np.ndarray]) -> dict:
    """The parameters that the page computes with, from what `stored` gave."""
    flat = {
        name: value.astype(np.float32) * arrays.get(f"{name}/scale", np.float32(1))
        for name, value in arrays.items()
        if not name.endswith("/scale")
    }
    return flax.traverse_util.unflatten_dict(flat, sep="/")


def hands_for(weights: Weights) -> dict[str, Ink | np.ndarray]:
    """The styles that ship, where the weights can write on from them and come from the same data, under one licence."""
    data = weights.provenance.get("data")
    source = (data.get("source"), data.get("protocol")) if isinstance(data, dict) else None
    if source != ("iam_ondb", "writer"):
        return {}
    hands = {}
    for name in styles.style_names():
        with contextlib.suppress(InputError):  # of a text that the alphabet cannot say
            hands[name] = styles.load_style(name, weights)
    return hands


def _replacements(alphabet: Alphabet) -> dict[str, str]:
    """Signs that the weights cannot write, and what is written for them."""
    known = set(alphabet.characters)
    return {sign: other for sign, other in REPLACEMENTS.items() if sign not in known and set(other) <= known}


def _reader_arrays(reader: letters.LetterReader | None) -> dict[str, np.ndarray]:
    """The reader of letters, whose kernels are as float16 holds them."""
    if reader is None:
        return {}
    arrays: dict[str, np.ndarray] = {
        "letters/mean": np.asarray(reader.mean, np.float32),
        "letters/std": np.asarray(reader.std, np.float32),
    }
    for number, (kernel, bias) in enumerate(reader.layers):
        arrays[f"letters/kernel_{number}"] = np.asarray(kernel, np.float16)
        arrays[f"letters/bias_{number}"] = np.asarray(bias, np.float32)
    return arrays


def _bounds(weights: Weights) -> dict[str, Any]:
    """The numbers that Python writes by, so that the page has no copy of them."""
    counts = weights.provenance.get("character_counts")
    characters = weights.alphabet.characters if counts is not None else ""
    return {
        "sampler": {
            "back": sampler.BACK,
            "max_points_after_end": sampler.MAX_POINTS_AFTER_END,
            "end_tolerance": sampler.END_TOLERANCE,
        },
        "write": {
            "text_multiple": write.TEXT_MULTIPLE,
            "max_slowness": write.MAX_SLOWNESS,
            "max_characters": write.MAX_CHARACTERS,
            "max_bias": write.MAX_BIAS,
            "max_attempts": write.MAX_ATTEMPTS,
            "default_bias": write.DEFAULT_BIAS,
            "low_marks": write.LOW_MARKS,
            "tallest_low_mark": write.TALLEST_LOW_MARK,
            "max_style_points": styles.MAX_POINTS,
        },
        "faults": {
            "max_dwelling": faults.MAX_DWELLING,
            "neighbours": faults._NEIGHBOURS,
            "max_jump": faults.MAX_JUMP,
            "width_range": faults.WIDTH_RANGE,
            "characters_more_or_less": faults._CHARACTERS_MORE_OR_LESS,
            "min_height": faults.MIN_HEIGHT,
            "max_doubt": faults.MAX_DOUBT,
        },
        "rare_characters": "".join(sorted(write.coverage(weights, characters))),
    }


def _provenance(provenance: dict[str, Any]) -> dict[str, Any]:
    """What of it the page tells or needs."""
    data = provenance.get("data")
    protocol = data.get("protocol") if isinstance(data, dict) else None
    return {"licence": provenance.get("licence", "not stated"), "protocol": protocol}


def _content(path: pathlib.Path) -> bytes:
    """A source as it goes into the folder: scripts without comments and spaces."""
    return path.read_bytes() if path.suffix != ".js" else _minified(path.read_text(encoding="utf-8")).encode()


def _script(entry: str) -> str:
    """A module and all that it needs, as it may stand inside of a script element."""
    return _minified(bundle(SOURCES, entry)).replace("</script", "<\\/script")


def _minified(script: str) -> str:
    return str(jsmin(script))  # text for text; it is declared to return bytes too
