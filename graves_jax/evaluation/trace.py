"""What a network sees and expects while a line is written: the material of the figures.

The network is fed a line that it wrote, or that a person did, and everything it computes on the way is kept. Row t
belongs to row t of the ink: the window and the mixture from which that point was drawn, or could have been.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from graves_jax.data.batches import Shape, pad
from graves_jax.data.ink import Ink
from graves_jax.errors import InputError
from graves_jax.model import window as window_lib
from graves_jax.model.likelihood import previous_points
from graves_jax.model.mixture import Mixture, mixture_from_outputs
from graves_jax.model.network import NetworkConfig, initial_carry, network_step
from graves_jax.model.scan import WindowCarry
from graves_jax.model.weights import Weights

# Lines are padded to a multiple of so many points, texts of so many characters: few shapes, few compilations.
_POINTS_MULTIPLE, _CHARACTERS_MULTIPLE = 128, 16


class Trace(NamedTuple):
    """T points of a line over a text of U characters. Lengths are in the unit of the ink. NumPy arrays, float32."""

    phi: np.ndarray  # weight of each character in the window, (46). Shape [T, U]
    w: np.ndarray  # what the window sees of the alphabet, (47). Shape [T, C]
    kappa: np.ndarray  # centres of the window's Gaussians, characters from 1, (51). Shape [T, K]
    pi: np.ndarray  # weights of the mixture's components, (19). Shape [T, M]
    mu: np.ndarray  # mean offsets, (20). Shape [T, M, 2]
    sigma: np.ndarray  # standard deviations, (21). Shape [T, M, 2]
    rho: np.ndarray  # correlations, (22). Shape [T, M]
    e: np.ndarray  # probability that the pen lifts after this point, (18). Shape [T]


def trace(weights: Weights, ink: Ink, *, bias: float = 0.0) -> Trace:
    """Runs the network along a line.

    Args:
      weights: of a synthesis network.
      ink: a line with its text, in the unit of the weights' training data.
      bias: of the mixture, (61) and (62); the bias that the line was written at shows what it was drawn from.
    Raises:
      InputError: the line has no text, or one that the network cannot read; or the network reads no text.
    """
    if not weights.network.reads_text:
        raise InputError("Expected weights of a synthesis network, found a prediction network, which has no window.")
    if ink.text is None:
        raise InputError("Expected a line of ink with its text, found one without.")
    num_codes = len(weights.alphabet.encode(ink.text))
    shape = Shape(_round_up(len(ink), _POINTS_MULTIPLE), _round_up(num_codes, _CHARACTERS_MULTIPLE))
    line = jax.tree.map(
        lambda rows: rows[0], pad([ink], shape, alphabet=weights.alphabet, normalisation=weights.normalisation)
    )
    inputs = previous_points(jnp.asarray(line.offsets))
    outputs = jax.device_get(_run(weights.params, weights.network, inputs, line.codes, line.text_mask, bias))
    phi, w, kappa, mixture = jax.tree.map(lambda field: field[: len(ink)], outputs)
    mean, std = (np.asarray(value, np.float32) for value in (weights.normalisation.mean, weights.normalisation.std))
    return Trace(
        phi=phi[:, : len(ink.text)],
        w=w,
        kappa=kappa,
        pi=np.asarray(mixture.pi),
        mu=mixture.mu * std + mean,
        sigma=np.asarray(mixture.sigma) * std,
        # A positive scale of each axis leaves the correlation as it is.
        rho=np.asarray(mixture.rho),
        e=np.asarray(mixture.end_probability),
    )


@functools.partial(jax.jit, static_argnames="config")
def _run(
    params, config: NetworkConfig, inputs: jax.Array, codes: jax.Array, text_mask: jax.Array, bias: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array, Mixture]:
    """φ [T, U], w [T, C], κ [T, K] and the mixture at each input. Inputs are normalised, shape [T, 3]."""
    characters = window_lib.one_hot_text(codes, text_mask, config.num_characters)

    def step(carry, x_t):
        carry, y_hat, window = network_step(params, config, carry, x_t, characters)
        assert isinstance(carry.first, WindowCarry)
        mixture = mixture_from_outputs(y_hat, bias=bias, sigma_floor=config.sigma_floor)
        phi = window_lib.window_weights(window, len(codes))
        return carry, (phi, carry.first.w, window.kappa, mixture)

    _, outputs = jax.lax.scan(step, initial_carry(config, ()), inputs)
    return outputs


def _round_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple
