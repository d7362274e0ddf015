"""Inputs of soak.py that meet a network: texts to write, styles, shipped weights, checkpoints."""

import dataclasses
import hashlib
import json
import pathlib
import random
import shutil
from typing import NamedTuple
from xml.etree import ElementTree

import jax
import numpy as np
import safetensors.numpy

from graves_jax.data.alphabet import ASCII_ALPHABET, GRAVES_ALPHABET, Alphabet
from graves_jax.data.ink import Ink, Normalisation
from graves_jax.data.json_lines import read_json_lines
from graves_jax.drawing import save_ink
from graves_jax.model.network import NetworkConfig, init_params
from graves_jax.model.weights import Weights, load_weights, save_weights, seal
from graves_jax.sampling.styles import MAX_POINTS, load_style
from graves_jax.sampling.write import MAX_CHARACTERS, MIN_TEXT, check_text, coverage, write_lines
from graves_jax.training.checkpoint import closing, find_whole, load_checkpoint, open_checkpoints, save
from graves_jax.training.config import TrainingConfig
from graves_jax.training.integrity import fault_of
from graves_jax.training.run import Run
from graves_jax.training.step import init_state
from graves_jax.training.workdir import Metrics
from soak.mutations import NUMBERS, damage_bytes, damage_json, strange_text

_NETWORK = NetworkConfig(
    num_window=2, num_layers=1, hidden_size=8, num_components=2, cell="lstm", points_per_character=2.0
)


def _tiny_weights(alphabet: Alphabet = GRAVES_ALPHABET) -> Weights:
    network = dataclasses.replace(_NETWORK, num_characters=len(alphabet))
    provenance = {"data": {"protocol": "writer"}, "character_counts": {"a": 500, "b": 3}}
    normalisation = Normalisation((8.0, 0.1), (40.0, 37.0))
    return Weights(init_params(jax.random.key(0), network), network, alphabet, normalisation, provenance)


# --- Texts.


def _prepare_texts(folder: pathlib.Path):
    weights = _tiny_weights()
    _write(folder, weights, "a" * MIN_TEXT, seed=0)
    return folder, weights, (weights.alphabet, ASCII_ALPHABET, Alphabet("abc é"))


def _feed_text(material, rng: random.Random) -> None:
    folder, weights, alphabets = material
    text, alphabet = strange_text(rng), rng.choice(alphabets)
    # Only this alphabet has the network's number of codes; checked is any.
    check_text(dataclasses.replace(weights, alphabet=alphabet), text)
    assert 0 < len(text) <= MAX_CHARACTERS and text.strip() and text.encode(), "a text that cannot be written"
    assert alphabet.has_other or set(text) <= set(alphabet.characters), "a character that is not known"
    assert set(coverage(weights, text)) <= set(text)
    if alphabet is weights.alphabet and len(text) <= MIN_TEXT and rng.random() < 0.1:
        _write(folder, weights, text, rng.getrandbits(32))


def _write(folder: pathlib.Path, weights: Weights, text: str, seed: int) -> None:
    [line] = write_lines(weights, [text], keys=[jax.random.key(seed)], bias=0.5, max_attempts=1)
    assert line.ink.text == text and line.ink.offsets[-1, 2] == 1
    for name in ("ink.svg", "ink.jsonl"):
        save_ink(folder / name, line.ink)
    assert ElementTree.parse(folder / "ink.svg").getroot().tag.endswith("svg")
    [again] = read_json_lines(folder / "ink.jsonl")
    assert again.ink.text == text and again.ink.offsets.tobytes() == line.ink.offsets.tobytes(), "other ink"


# --- Styles: own ink to write on from.


def _prepare_styles(folder: pathlib.Path):
    weights = _tiny_weights(ASCII_ALPHABET)
    paper = dataclasses.replace(weights, provenance={})
    return folder / "style.jsonl", (weights, paper)


def _feed_style(material, rng: random.Random) -> None:
    path, weights = material
    length, text = rng.choice((1, 2, 30, 400, 4_000)), rng.choice(("a hand", "x", "y" * 300, strange_text(rng)))
    numpy_rng = np.random.default_rng(rng.getrandbits(32))
    strokes = numpy_rng.normal(size=(length, 3)) * 10.0 ** rng.choice((-40, -9, 0, 1, 1, 2, 9, 37))
    strokes[:, rng.choice((0, 1, 2))] *= rng.choice((0, 1))
    strokes[:, 2] = numpy_rng.random(length) < 0.1
    strokes[-1, 2] = rng.random() < 0.95
    row = {"text": text, "strokes": strokes.tolist()}
    path.write_text(json.dumps(row if rng.random() < 0.7 else damage_json(row, rng)))
    style = load_style(str(path), rng.choice(weights))
    assert isinstance(style, Ink) and len(style) <= MAX_POINTS and style.offsets[-1, 2] == 1
    assert 0 < len(style.transcript) <= MAX_CHARACTERS


# --- Weights.


def _prepare_weights(folder: pathlib.Path):
    save_weights(folder / "whole", _tiny_weights(), dtype=np.float32)
    whole = load_weights(folder / "whole")
    return folder, whole


def _feed_weights(material, rng: random.Random) -> None:
    folder, whole = material
    shutil.rmtree(folder / "damaged", ignore_errors=True)
    damaged = pathlib.Path(shutil.copytree(folder / "whole", folder / "damaged"))
    file, config = damaged / "model.safetensors", damaged / "config.json"
    match rng.randrange(6):
        case 0:
            file.write_bytes(damage_bytes(file.read_bytes(), rng))
        case 1:
            config.write_bytes(damage_bytes(config.read_bytes(), rng))
        case 2:
            rng.choice((file, config)).unlink()
        case 3:
            # The sum is right, what it stands for is no safetensors file.
            file.write_bytes(damage_bytes(file.read_bytes(), rng))
            _seal_again(config, json.loads(config.read_text()), file)
        case 4:
            _seal_again(config, damage_json(json.loads(config.read_text()), rng), file)
        case 5:
            safetensors.numpy.save_file(_strange_arrays(safetensors.numpy.load_file(file), rng), file)
            _seal_again(config, json.loads(config.read_text()), file)
            _check_usable(load_weights(damaged))
            return
    weights = load_weights(damaged)
    if config.read_bytes() == (folder / "whole" / "config.json").read_bytes():
        jax.tree.map(np.testing.assert_array_equal, weights.params, whole.params)
    _check_usable(weights)


def _seal_again(config: pathlib.Path, description: object, file: pathlib.Path) -> None:
    if isinstance(description, dict):
        description |= {"sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
        description = seal(description)
    config.write_text(json.dumps(description))


def _strange_arrays(arrays: dict[str, np.ndarray], rng: random.Random) -> dict[str, np.ndarray]:
    name = rng.choice(list(arrays))
    array = arrays[name]
    match rng.randrange(5):
        case 0:
            arrays[name] = array.astype(rng.choice(("f2", "f8", "i4", "u1", "?")))
        case 1:
            arrays[name] = rng.choice((array[:0], array[None], array.T.copy(), array.ravel()[:1].copy()))
        case 2:
            arrays[rng.choice(("extra", f"{name}/more", "", "/", name.partition("/")[0]))] = array
        case 3:
            del arrays[name]
        case 4:
            with np.errstate(over="ignore"):
                array.flat[rng.randrange(array.size)] = min(max(float(rng.choice(NUMBERS[:20])), -1e38), 1e38)
            array.flat[rng.randrange(array.size)] = rng.choice((np.nan, np.inf, 0))
    return arrays


def _check_usable(weights: Weights) -> None:
    assert isinstance(weights.network, NetworkConfig) and isinstance(weights.provenance, dict)
    assert not weights.network.reads_text or len(weights.alphabet) == weights.network.num_characters
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(weights.params)), "weights that are no numbers"
    coverage(weights, "ab")
    json.dumps(weights.to_config())


# --- Checkpoints.


class _Checkpoints(NamedTuple):
    folder: pathlib.Path
    params: dict[str, list[bytes]]  # of each step that is there


def _prepare_checkpoints(folder: pathlib.Path) -> _Checkpoints:
    weights, training = _tiny_weights(), TrainingConfig()
    run = Run(weights.network, training, weights.alphabet, weights.normalisation, weights.provenance)
    workdir = folder / "whole"
    workdir.mkdir()
    metrics, checkpoints, params = Metrics(workdir, 0), open_checkpoints(workdir), {}
    with closing(checkpoints):
        for step, nats in ((10, -1.0), (20, -2.0), (30, -1.5)):
            state = init_state(run.network, training)
            ema_params = jax.tree.map(lambda leaf, step=step: leaf + step, state.params)
            state = state._replace(step=np.int32(step), ema_params=ema_params)
            save(checkpoints, state, {"batches": {"next_index": step}}, run.to_config())
            metrics.write({"step": step, "validation_nats_per_point": nats})
            params[str(step)] = _bytes(ema_params)
    load_checkpoint(workdir)
    return _Checkpoints(folder, params)


def _bytes(params) -> list[bytes]:
    return [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(params)]


def _feed_checkpoint(material: _Checkpoints, rng: random.Random) -> None:
    shutil.rmtree(material.folder / "damaged", ignore_errors=True)
    workdir = pathlib.Path(shutil.copytree(material.folder / "whole", material.folder / "damaged"))
    for _ in range(rng.choice((1, 1, 3))):
        _damage_workdir(workdir, rng)
    whole, faults = find_whole(workdir)
    if whole is None:
        assert not any((workdir / "checkpoints").glob("[0-9]*")) and not (workdir / "metrics.jsonl").exists()
        return
    assert fault_of(whole) is None and whole not in faults
    weights = load_checkpoint(rng.choice((workdir, whole)))
    assert _bytes(weights.params) in material.params.values(), "other weights than were saved"


def _damage_workdir(workdir: pathlib.Path, rng: random.Random) -> None:
    files = sorted(path for path in workdir.rglob("*") if path.is_file())
    folders = sorted(path for path in workdir.rglob("*") if path.is_dir())
    metrics = workdir / "metrics.jsonl"
    match rng.randrange(8):
        case 0 | 1 | 2 if files:
            file = rng.choice(files)
            file.write_bytes(damage_bytes(file.read_bytes(), rng))
        case 3 if files:
            rng.choice(files).unlink()
        case 4 if folders:
            shutil.rmtree(rng.choice(folders))
        case 5 if folders:
            (rng.choice(folders) / rng.choice(("7", "new", "x.orbax-checkpoint-tmp", "9" * 30, "٣"))).mkdir(
                exist_ok=True
            )
        case 6:
            rows = map(json.loads, (workdir.parent / "whole" / metrics.name).read_text().splitlines())
            rows = [damage_json(row, rng) if rng.random() < 0.5 else row for row in rows]
            metrics.write_text("".join(json.dumps(row) + "\n" for row in rows))
        case 7 if files:
            file = rng.choice(files)
            file.write_bytes(bytes(file.stat().st_size))


FAMILIES = {
    "texts": (0.14, _prepare_texts, _feed_text),
    "styles": (0.03, _prepare_styles, _feed_style),
    "weights": (0.015, _prepare_weights, _feed_weights),
    "checkpoints": (0.004, _prepare_checkpoints, _feed_checkpoint),
}
