"""What a network sees and expects while a line is written: the material of the figures.

The network is fed a line that it wrote, or that a person did, and everything it computes on the way is kept. Row t
belongs to row t of the ink: the window and the mixture from which that point was drawn, or could have been.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from graves_jax.data.batches import Batch, Shape, pad, round_up
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
    shape = Shape(round_up(len(ink), _POINTS_MULTIPLE), round_up(num_codes, _CHARACTERS_MULTIPLE))
    line = jax.tree.map(
        lambda rows: rows[0], pad([ink], shape, alphabet=weights.alphabet, normalisation=weights.normalisation)
    )
    outputs = jax.device_get(_run(weights.params, weights.network, line, bias))
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


def lead(params, config: NetworkConfig, batch: Batch, see: Callable[..., Any], *, bias: float | jax.Array = 0.0) -> Any:
    """Leads the network along lines, point by point, and keeps what is asked for at each.

    Args:
      batch: lines, normalised, or a single one: leading axes any or none.
      see: (carry, window, mixture, x_t) to what is kept of a point, a pytree. x_t is the point, which the mixture is
        the prediction of; carry and window are those from which it comes.
      bias: of the mixture.
    Returns:
      What was kept, time first.
    """
    characters = window_lib.one_hot_text(batch.codes, batch.text_mask, config.num_characters)
    offsets = jnp.moveaxis(jnp.asarray(batch.offsets), -2, 0)

    def step(carry, points):
        x_tm1, x_t = points
        carry, y_hat, window = network_step(params, config, carry, x_tm1, characters)
        return carry, see(carry, window, mixture_from_outputs(y_hat, bias=bias, sigma_floor=config.sigma_floor), x_t)

    points = (previous_points(offsets), offsets)
    return jax.lax.scan(step, initial_carry(config, batch.codes.shape[:-1]), points)[1]


@functools.partial(jax.jit, static_argnames="config")
def _run(
    params, config: NetworkConfig, line: Batch, bias: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array, Mixture]:
    """φ [T, U], w [T, C], κ [T, K] and the mixture of each point."""

    def see(carry, window, mixture, _):
        assert isinstance(carry.first, WindowCarry)
        return window_lib.window_weights(window, len(line.codes)), carry.first.w, window.kappa, mixture

    return lead(params, config, line, see, bias=bias)
