"""The optimisers: Graves's RMSProp, and Adam, with schedule and clipping, from Optax."""

import optax

from graves_jax.training.config import TrainingConfig


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


def make_optimizer(config: TrainingConfig) -> optax.GradientTransformation:
    """The run's optimiser.

    Optax's centred RMSProp with momentum is Graves's, equations (38)-(45), term by term:

        n ← ℵ n + (1-ℵ) g²    m ← ℵ m + (1-ℵ) g    Δ ← ℶ Δ - η g / √(n - m² + ε)    w ← w + Δ

    with `decay` ℵ, `momentum` ℶ, `learning_rate` η and `epsilon` ε, inside the root.
    """
    schedule = learning_rate_schedule(config)
    if config.optimizer == "rmsprop":
        optimizer = optax.rmsprop(
            schedule,
            decay=config.decay,
            eps=config.epsilon,
            eps_in_sqrt=True,
            centered=config.centered,
            momentum=config.momentum,
        )
    else:
        optimizer = optax.adam(schedule, b1=config.momentum, b2=config.decay, eps=config.epsilon)
    if config.max_gradient_norm is None:
        return optimizer
    return optax.chain(optax.clip_by_global_norm(config.max_gradient_norm), optimizer)
