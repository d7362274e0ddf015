"""The optimisers: Graves's RMSProp, and Adam, with schedule and clipping."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
import optax.contrib

from graves_jax.training.config import TrainingConfig

# Muon's updates have this root mean square, about Adam's, so that one learning rate serves both (Liu et al. 2025).
MUON_RMS = 0.2


def learning_rate_schedule(config: TrainingConfig) -> optax.Schedule:
    """Learning rate by update: a linear warm-up from 0, constant, and a cosine at the end; either may be left out."""
    peak = config.learning_rate
    schedules, boundaries = [optax.constant_schedule(peak)], []
    if config.warmup_steps:
        schedules.insert(0, optax.linear_schedule(0.0, peak, config.warmup_steps))
        boundaries.append(config.warmup_steps)
    if config.cooldown_steps:
        schedules.append(optax.cosine_decay_schedule(peak, config.cooldown_steps, config.final_learning_rate))
        boundaries.append(max(config.num_steps - config.cooldown_steps, config.warmup_steps))
    return optax.join_schedules(schedules, boundaries)


def _layer_matrices(params: optax.Params):
    """Which parameters Muon orthogonalises: a tree like `params`, None for those that are Adam's."""

    def numbers(path, leaf):
        name = getattr(path[-1], "key", None)
        return optax.contrib.MuonDimensionNumbers() if name in ("input", "recurrent") and leaf.ndim == 2 else None

    return jax.tree.map_with_path(numbers, params)


class DeviationState(NamedTuple):
    """Running statistics of each derivative; as the parameters in shape."""

    mean: optax.Params
    variance: optax.Params


def scale_by_deviation(decay: float, epsilon: float) -> optax.GradientTransformation:
    """Divides each derivative by its running standard deviation: the first half of Graves's RMSProp.

        n ← ℵ n + (1-ℵ) g²    m ← ℵ m + (1-ℵ) g    g / √(n - m² + ε)              (38)-(41)

    What is kept is not n but the variance v = n - m² itself, which by the two lines above obeys

        v ← ℵ (v + (1-ℵ) (g - m)²)                                                with the m of before

    and so is a sum of squares. The difference n - m² of two large float32 numbers that are nearly equal (a derivative
    that hardly changes) can fall below -ε, and its root is then not a number.
    """

    def init(params):
        return DeviationState(jax.tree.map(jnp.zeros_like, params), jax.tree.map(jnp.zeros_like, params))

    def update(updates, state, params=None):
        del params
        variance = jax.tree.map(
            lambda g, m, v: decay * (v + (1 - decay) * jnp.square(g - m)), updates, state.mean, state.variance
        )
        mean = jax.tree.map(lambda g, m: decay * m + (1 - decay) * g, updates, state.mean)
        scaled = jax.tree.map(lambda g, v: g / jnp.sqrt(v + epsilon), updates, variance)
        return scaled, DeviationState(mean, variance)

    return optax.GradientTransformation(init, update)


def make_optimizer(config: TrainingConfig) -> optax.GradientTransformation:
    """The run's optimiser.

    RMSProp, centred and with momentum, is Graves's, equations (38)-(45):

        Δ ← ℶ Δ - η g / √(n - m² + ε)    w ← w + Δ

    with `momentum` ℶ, `learning_rate` η, `epsilon` ε, and n and m as in `scale_by_deviation`. Not centred, it leaves
    out m².

    Muon (Jordan et al. 2024) orthogonalises the updates of the recurrent layers' matrices; all else is Adam's.
    """
    schedule = learning_rate_schedule(config)
    if config.optimizer == "adam":
        optimizer = optax.adam(schedule, b1=config.momentum, b2=config.decay, eps=config.epsilon)
    elif config.optimizer == "muon":
        optimizer = optax.contrib.muon(
            schedule,
            adam_b1=config.momentum,
            adam_b2=config.decay,
            consistent_rms=MUON_RMS,
            muon_weight_dimension_numbers=_layer_matrices,
        )
    else:
        scale = scale_by_deviation if config.centered else optax.scale_by_rms
        optimizer = optax.chain(
            scale(config.decay, config.epsilon),
            optax.scale_by_learning_rate(schedule),
            optax.trace(config.momentum),
        )
    if config.max_gradient_norm is None:
        return optimizer
    return optax.chain(optax.clip_by_global_norm(config.max_gradient_norm), optimizer)
