"""Fine-tuning for one person on a few lines of their ink, with early stopping.

Ten lines are soon overfitted: so some are held out, and the weights that find those most probable are kept. And the
network forgets what the lines do not have, a Q or a 7: so a part of each batch are lines that stand in for its training
data, which the weights themselves have written before (stand_in.py).
"""

import collections
import dataclasses
import functools
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import tqdm

from graves_jax.data.augmentation import Augmentation
from graves_jax.data.batches import Batch, Shape, pad, round_up
from graves_jax.data.ink import Ink
from graves_jax.model.likelihood import nats_per_line
from graves_jax.model.network import NetworkConfig
from graves_jax.model.weights import Weights
from graves_jax.training.config import TrainingConfig
from graves_jax.training.step import init_state, update

# One shape for all batches: one compilation.
_POINTS_MULTIPLE, _CHARACTERS_MULTIPLE = 64, 16
_FIRST_INPUT_ROW = 3
# One line in so many is held out.
HELD_OUT_EVERY = 5


@dataclasses.dataclass(frozen=True)
class FineTuning:
    """How.

    Attributes:
      num_steps: updates at most.
      own_lines, stand_in_lines: of each update; without lines that stand in, own ones take their places.
      learning_rate: Adam's, at its highest.
      patience: ends after so many updates without an improvement on the lines held out.
      validate_every: updates between looks at these.
      scale, slant: augmentation of own lines.
      seed: of the order of lines, and of the augmentation.
    """

    num_steps: int = 150
    own_lines: int = 8
    stand_in_lines: int = 4
    learning_rate: float = 5e-4
    patience: int = 40
    validate_every: int = 10
    scale: float = 0.05
    slant: float = 2.0
    seed: int = 0


class Parts(NamedTuple):
    """Lines to learn from, and lines to judge by."""

    own: list[Ink]
    held_out: list[Ink]


def hold_out(inks: Sequence[Ink], every: int = HELD_OUT_EVERY, *, new: Collection[str] = ()) -> Parts:
    """One line in so many is held out, of fewer still one; a single line is learned from.

    A line that alone has one of the characters `new` is learned from too.
    """
    every = min(every, len(inks))
    held_out = list(range(every // 2, len(inks), every)) if len(inks) > 1 else []
    lines_with = collections.Counter(character for ink in inks for character in set(ink.transcript) & set(new))
    for row in list(held_out):
        kept = collections.Counter(set(inks[row].transcript) & set(new))
        if any(lines_with[character] == 1 for character in kept):
            held_out.remove(row)
        else:
            lines_with -= kept
    own = [ink for row, ink in enumerate(inks) if row not in held_out]
    return Parts(own, [inks[row] for row in held_out])


class FineTuned(NamedTuple):
    """What came of it. Nats are per point on the lines held out, NaN where there are none."""

    weights: Weights
    nats_before: float
    nats_after: float
    steps: int  # updates after which these weights were best


def finetune(
    weights: Weights,
    own: Sequence[Ink],
    *,
    held_out: Sequence[Ink] = (),
    stand_in: Sequence[Ink] = (),
    how: FineTuning | None = None,
    codes: Sequence[int] | None = None,
    progress: bool = True,
) -> FineTuned:
    """Trains on.

    Args:
      weights: of a synthesis network.
      own: lines of a person to learn from, at the weights' scale, with texts of their alphabet.
      held_out: other lines of that person, which say when to stop; without any, all updates are made.
      stand_in: lines that keep the weights from forgetting.
      codes: only the network's view of these codes of the alphabet is learned, everything else stays as it is.
      progress: whether to show a bar on standard error.
    """
    how = FineTuning() if how is None else how
    training = TrainingConfig(
        batch_size=how.own_lines + how.stand_in_lines,
        optimizer="adam",
        learning_rate=how.learning_rate,
        warmup_steps=10,
        decay=0.99,
        epsilon=1e-8,
        gradient_per="point",
        max_gradient_norm=1.0,
        seed=how.seed,
    )
    before = judge(weights, held_out)
    best = FineTuned(weights, before, before, 0)
    state = init_state(weights.network, training, weights.params)
    mask = None if codes is None else _rows_of(weights.params, codes)
    with tqdm.tqdm(total=how.num_steps, desc="fine-tuning", unit="update", disable=not progress) as bar:
        for step, batch in zip(range(1, how.num_steps + 1), _batches(weights, own, stand_in, how), strict=False):
            state, _ = update(state, batch, weights.network, training)
            if mask is not None:
                params = _only(mask, state.params, weights.params)
                # One copy each: the update takes the memory of its state.
                state = state._replace(params=params, ema_params=jax.tree.map(jnp.copy, params))
            bar.update()
            if step % how.validate_every and step != how.num_steps:
                continue
            nats = judge(dataclasses.replace(weights, params=state.params), held_out)
            bar.set_postfix_str(f"held out {nats:.3f} nats/point")
            if not held_out or nats < best.nats_after:
                params = jax.tree.map(jnp.copy, state.params)
                best = FineTuned(dataclasses.replace(weights, params=params), best.nats_before, nats, step)
            elif step - best.steps >= how.patience:
                break
    return best


def judge(weights: Weights, inks: Sequence[Ink]) -> float:
    """Nats per point of lines, normalised units; NaN where there are none."""
    if not inks:
        return float("nan")
    return float(_nats_per_point(weights.params, weights.network, padded(weights, inks)))


@functools.partial(jax.jit, static_argnums=1)
def _nats_per_point(params: dict, network: NetworkConfig, batch: Batch) -> jax.Array:
    return jnp.sum(nats_per_line(params, network, batch)) / jnp.sum(batch.mask)


def _batches(weights: Weights, own: Sequence[Ink], stand_in: Sequence[Ink], how: FineTuning) -> Iterator[Batch]:
    """Own lines, a little changed each time, and lines that stand in. Each set is gone through before it repeats."""
    rng = np.random.default_rng(how.seed)
    augmentation = Augmentation(how.scale, how.slant)
    shape = _shape([*own, *stand_in])
    own_lines = how.own_lines if stand_in else how.own_lines + how.stand_in_lines
    own_order, stand_in_order = _endless(len(own), rng), _endless(len(stand_in), rng)
    while True:
        inks = [augmentation(own[next(own_order)], rng) for _ in range(own_lines)]
        if stand_in:
            inks += [stand_in[next(stand_in_order)] for _ in range(how.stand_in_lines)]
        yield padded(weights, inks, shape, end_point=True)


def _endless(number: int, rng: np.random.Generator) -> Iterator[int]:
    while True:
        yield from rng.permutation(number).tolist()


def _shape(inks: Sequence[Ink]) -> Shape:
    """With room for what may stand behind a line and its text."""
    characters = max(len(ink.transcript) for ink in inks)
    return Shape(round_up(max(map(len, inks)) + 1, _POINTS_MULTIPLE), round_up(characters + 1, _CHARACTERS_MULTIPLE))


def padded(weights: Weights, inks: Sequence[Ink], shape: Shape | None = None, *, end_point: bool = False) -> Batch:
    """Lines as a batch of these weights, of a shape that fits all of them where none is given; else as `pad`."""
    return pad(
        inks,
        _shape(inks) if shape is None else shape,
        alphabet=weights.alphabet,
        normalisation=weights.normalisation,
        end_point=end_point,
    )


def _rows_of(params: dict, codes: Sequence[int]) -> dict:
    """1 where a parameter is the network's view of one of these codes, else 0; a tree like the parameters."""
    rows = _FIRST_INPUT_ROW + np.asarray(codes)
    return {
        name: {
            key: jnp.zeros(value.shape).at[rows].set(1.0) if key == "input" else jnp.zeros_like(value)
            for key, value in part.items()
        }
        if name.startswith("layers_")
        else jax.tree.map(jnp.zeros_like, part)
        for name, part in params.items()
    }


@jax.jit
def _only(mask: dict, new: dict, old: dict) -> dict:
    """The new parameters where the mask is 1, elsewhere the old ones."""
    return jax.tree.map(lambda m, n, o: jnp.where(m == 1, n, o), mask, new, old)
