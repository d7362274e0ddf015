"""One update of the weights, pure: (state, batch) to state."""

import functools
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import optax
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

from graves_jax.data.batches import Batch
from graves_jax.model.likelihood import summed_nats
from graves_jax.model.network import NetworkConfig, init_params
from graves_jax.training.config import TrainingConfig
from graves_jax.training.devices import LINES, Rows
from graves_jax.training.optimizer import make_optimizer
from graves_jax.training.regularisation import draw_dropout, drop_weights
from graves_jax.training.style_posteriors import NetworkAndHands, divergence, draw_styles, initial_hands
from graves_jax.training.weight_noise import Posterior, noisy_nats_and_gradient, posterior_around

# What a random stream of the run's key is for.
_NOISE, _HANDS, _LINES, _WEIGHT_DROP = 1, 2, 3, 4
# With weight noise a posterior over the weights; with styles the writers' too.
_Trained = dict | Posterior | NetworkAndHands


class Totals(NamedTuple):
    """Sums since the last row of metrics; they travel with the checkpoint so that a resumed run loses no row."""

    nats: jax.Array
    points: jax.Array
    lines: jax.Array
    gradient_norm: jax.Array
    updates: jax.Array


class TrainState(NamedTuple):
    """All that an update changes."""

    step: jax.Array  # updates tried so far, int32
    params: _Trained
    ema_params: dict  # running average of the weights or their means; equal to them where ema_decay is 0
    opt_state: optax.OptState
    totals: Totals
    skipped: jax.Array  # updates left out because loss or gradient was not finite, int32
    skipped_in_a_row: jax.Array  # int32


def no_totals() -> Totals:
    """Zeros, one array each so that all can be donated."""
    return Totals(*(jnp.zeros(()) for _ in Totals._fields))


@functools.partial(jax.jit, static_argnums=(0, 1))
def init_state(network: NetworkConfig, training: TrainingConfig, initial_params: dict | None = None) -> TrainState:
    """The state before the first update.

    Args:
      initial_params: weights to start from; None draws them from the run's seed.
    """
    weights = init_params(jax.random.key(training.seed), network) if initial_params is None else initial_params
    params = weights
    if training.weight_noise != "none":
        params = posterior_around(weights, training.weight_noise_std)
    if training.num_writers:
        hands_key = jax.random.fold_in(jax.random.key(training.seed), _HANDS)
        params = NetworkAndHands(weights, initial_hands(hands_key, training.num_writers, network.style_size))
    return TrainState(
        step=jnp.int32(0),
        params=params,
        ema_params=jax.tree.map(jnp.copy, weights),
        opt_state=make_optimizer(training).init(params),
        totals=no_totals(),
        skipped=jnp.int32(0),
        skipped_in_a_row=jnp.int32(0),
    )


class Sums(NamedTuple):
    """What a batch comes to, summed over its lines."""

    nats: jax.Array
    gradient: Any  # a tree like `TrainState.params`
    points: jax.Array
    lines: jax.Array


def train_step(state: TrainState, batch: Batch, network: NetworkConfig, training: TrainingConfig) -> TrainState:
    """One update. Where loss, gradient or the new weights are not finite, none changes: it is skipped and counted."""
    return apply(state, sum_lines(state, batch, network, training), training)


def sum_lines(
    state: TrainState, batch: Batch, network: NetworkConfig, training: TrainingConfig, rows: Rows | None = None
) -> Sums:
    """Loss and gradient of lines.

    Args:
      rows: which of the whole batch `batch` has; None: it is the whole batch.
    """
    rows = Rows(0, len(batch.mask)) if rows is None else rows
    nats, gradient = _nats_and_gradient(state, batch, network, training, rows)
    points, lines = jnp.sum(batch.mask, dtype=jnp.float32), jnp.sum(batch.mask[:, 0], dtype=jnp.float32)
    return Sums(nats, gradient, points, lines)


def apply(state: TrainState, sums: Sums, training: TrainingConfig) -> TrainState:
    """The state after an update by a whole batch."""
    nats, gradient, points, lines = sums
    divisor = lines if training.gradient_per == "line" else points
    gradient = jax.tree.map(lambda g: g / divisor, gradient)
    gradient_norm = optax.tree.norm(gradient)

    updates, opt_state = make_optimizer(training).update(gradient, state.opt_state, state.params)
    if isinstance(updates, NetworkAndHands):
        updates = updates._replace(hands=jax.tree.map(lambda u: training.style_learning_rate * u, updates.hands))
    params = cast(_Trained, optax.apply_updates(state.params, updates))
    decay = jnp.minimum(training.ema_decay, (1 + state.step) / (10 + state.step))
    weights = _weights(params)
    ema_params = optax.incremental_update(weights, state.ema_params, 1 - decay) if training.ema_decay else weights
    totals = Totals(*map(jnp.add, state.totals, (nats, points, lines, gradient_norm, 1.0)))

    finite = jnp.isfinite(nats) & jnp.isfinite(gradient_norm) & jnp.isfinite(optax.tree.norm(params))
    changed = (params, ema_params, opt_state, totals)
    unchanged = (state.params, state.ema_params, state.opt_state, state.totals)
    params, ema_params, opt_state, totals = jax.tree.map(lambda n, o: jnp.where(finite, n, o), changed, unchanged)
    return TrainState(
        step=state.step + 1,
        params=params,
        ema_params=ema_params,
        opt_state=opt_state,
        totals=totals,
        skipped=state.skipped + ~finite,
        skipped_in_a_row=jnp.where(finite, 0, state.skipped_in_a_row + 1),
    )


def _nats_and_gradient(state: TrainState, batch: Batch, network: NetworkConfig, training: TrainingConfig, rows: Rows):
    """Summed nats of the batch, and the gradient: a tree like `state.params`."""

    def key(stream):
        return jax.random.fold_in(jax.random.fold_in(jax.random.key(training.seed), stream), state.step)

    if training.weight_noise != "none" and isinstance(state.params, Posterior):
        return noisy_nats_and_gradient(
            key(_NOISE),
            state.params,
            network,
            batch,
            drawn_per=training.weight_noise,
            lines_per_pass=training.pass_lines,
            rows=rows,
        )
    # A key for each line, so that what is drawn for it depends on its row alone.
    style_keys, dropout_keys = rows.own(jax.random.split(key(_LINES), (2, rows.total)), len(batch.mask))
    dropout = draw_dropout(dropout_keys, network, training.dropout) if training.dropout else None

    def loss(params):
        weights, z, cost = _weights(params), None, 0.0
        if isinstance(params, NetworkAndHands):
            assert batch.writers is not None
            z = draw_styles(style_keys, params.hands, weights["any_style"], batch.writers, training.any_style_share)
            cost = jnp.sum(batch.mask[:, 0]) / training.pass_lines * divergence(params.hands)
        if training.weight_drop:
            weights = drop_weights(key(_WEIGHT_DROP), weights, training.weight_drop)
        nats = summed_nats(weights, network, batch, z=z, dropout=dropout)
        return nats + cost, nats

    (_, nats), gradient = jax.value_and_grad(loss, has_aux=True)(state.params)
    return nats, gradient


def _weights(params: _Trained) -> dict:
    """What is evaluated and sampled of what is trained."""
    if isinstance(params, Posterior):
        return params.mean
    return params.network if isinstance(params, NetworkAndHands) else params


@functools.partial(jax.jit, static_argnums=(2, 3), donate_argnums=0)
def update(
    state: TrainState, batch: Batch, network: NetworkConfig, training: TrainingConfig
) -> tuple[TrainState, jax.Array]:
    """`train_step`, compiled. It takes the memory of the state that it is given.

    Returns:
      The new state, and how many updates in a row were skipped: a number of its own, which can be waited for and read
      when the state has been handed on.
    """
    state = train_step(state, batch, network, training)
    return state, state.skipped_in_a_row.astype(jnp.float32)


@functools.partial(jax.jit, static_argnames=("network", "training", "mesh"), donate_argnums=0)
def update_on_mesh(
    state: TrainState,
    batch: Batch,
    flags: jax.Array,
    network: NetworkConfig,
    training: TrainingConfig,
    mesh: Mesh,
) -> tuple[TrainState, jax.Array, jax.Array]:
    """`update` with the lines of a batch divided among devices; it takes one sum over all of them.

    Each device sums loss and gradient over its lines. (Left to itself, XLA would gather all lines everywhere: the scans
    lay lines and points into one axis, of which it knows no division.)

    Args:
      flags: one of each device, shape [devices]; their sum goes along.
    Returns:
      The new state and the skipped updates as `update` gives them, and the sum of the flags.
    """

    def of_own_lines(state: TrainState, batch: Batch, flags: jax.Array):
        count = len(batch.mask)
        rows = Rows(jax.lax.axis_index(LINES) * count, mesh.size * count)
        return jax.lax.psum((sum_lines(state, batch, network, training, rows), flags[0]), LINES)

    divided = (P(), P(LINES), P(LINES))
    # check_vma: the scans start from zeros, which are the same everywhere, and go on with what is not.
    sum_all = jax.shard_map(of_own_lines, mesh=mesh, in_specs=divided, out_specs=P(), check_vma=False)
    sums, flags = sum_all(state, batch, flags)
    state = apply(state, sums, training)
    return state, state.skipped_in_a_row.astype(jnp.float32), flags
