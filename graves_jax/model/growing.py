"""New characters and style vectors for trained weights, whose output for known texts stays as it is.

A character reaches the network as a row of each layer's input weights, which is what the window's view of it adds to
the gates. A new character is a new row, and is soon learned from the row of a similar one: an ä from the a.
"""

import dataclasses
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from graves_jax.data.alphabet import Alphabet
from graves_jax.errors import InputError
from graves_jax.model.network import init_params
from graves_jax.model.weights import Weights, check_reads_text

# A layer's inputs are the pen's point, then what the window sees of the alphabet, then the layer below.
_FIRST_ROW = 3
# How far the rows of characters that resemble none lie from the mean row, and so from each other: in standard
# deviations of the rows that there are.
_SPREAD = 0.1


def grow_alphabet(weights: Weights, alphabet: Alphabet, *, resembles: Mapping[str, str] | None = None) -> Weights:
    """The same network over another alphabet.

    Codes that both alphabets have keep their rows, wherever they stand, so texts of theirs are read as before (up to
    the order in which a product adds up). A new code begins at the mean of the rows of the characters that it
    resembles, or else near the mean of all characters' rows. One that resembles nothing ("") begins as zeros: as if no
    character stood there, which is what the window sees behind a text.

    Args:
      weights: of a synthesis network.
      alphabet: may also lack codes that the weights have; these are forgotten.
      resembles: for new codes, as `Alphabet.codes` names them, the known characters that they look like.
    Raises:
      InputError: the network reads no text, or `resembles` names a code that is not new or a character that is not
        known.
    """
    check_reads_text(weights)
    resembles = {} if resembles is None else resembles
    _check(weights.alphabet, alphabet, resembles)
    if alphabet == weights.alphabet:
        return weights
    params = {
        name: layer | {"input": _grown(layer["input"], weights.alphabet, alphabet, resembles)}
        if name.startswith("layers_")
        else layer
        for name, layer in weights.params.items()
    }
    network = dataclasses.replace(weights.network, num_characters=len(alphabet), ends_text=alphabet.has_end)
    return dataclasses.replace(weights, params=params, network=network, alphabet=alphabet)


def grow_styles(key: jax.Array, weights: Weights, style_size: int) -> Weights:
    """The same network with style vectors, with nearly no effect at first; "any" is exactly the network of before.

    Raises:
      InputError: the weights have styles of another size.
    """
    found = weights.network.style_size
    if found == style_size:
        return weights
    if found:
        raise InputError(f"Expected weights without styles, or with styles of {style_size} numbers, found {found}.")
    network = dataclasses.replace(weights.network, style_size=style_size)
    fresh = init_params(key, network)
    params = {
        name: layer | {"style": fresh[name]["style"]} if name.startswith("layers_") else layer
        for name, layer in weights.params.items()
    }
    return dataclasses.replace(weights, params=params | {"any_style": fresh["any_style"]}, network=network)


def _check(known: Alphabet, alphabet: Alphabet, resembles: Mapping[str, str]) -> None:
    new = [code for code in alphabet.codes if code not in known.codes]
    for code, look_alikes in resembles.items():
        if code not in new:
            raise InputError(f"Expected {code!r} to be a new character, found one that is known or not wanted.")
        unknown = known.unknown(look_alikes)
        if unknown:
            raise InputError(f"Expected {code!r} to resemble characters that are known, found {unknown[0][1]!r}.")


def _grown(kernel: jnp.ndarray, known: Alphabet, alphabet: Alphabet, resembles: Mapping[str, str]) -> jnp.ndarray:
    """Input weights of a layer. Shape [3 + C + ..., G] to [3 + C' + ..., G]."""
    before, rows, after = np.split(np.asarray(kernel), [_FIRST_ROW, _FIRST_ROW + len(known)])
    row_of = dict(zip(known.codes, rows, strict=True))
    listed = rows[: len(known.characters)]

    def row(code: str) -> np.ndarray:
        if code in row_of:
            return row_of[code]
        if code not in resembles:
            # Seeded by the code alone, so that it does not matter which others come with it.
            noise = np.random.default_rng(list(code.encode())).standard_normal(listed.shape[1])
            return listed.mean(axis=0) + _SPREAD * listed.std(axis=0) * noise
        look_alikes = [row_of[character] for character in resembles[code]]
        return np.mean(look_alikes, axis=0) if look_alikes else np.zeros_like(listed[0])

    grown = np.stack([row(code) for code in alphabet.codes])
    return jnp.asarray(np.concatenate([before, grown, after]), kernel.dtype)
