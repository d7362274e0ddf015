"""Lines that stand in for the data that weights once learned from, written by the weights themselves.

Training on a person's ten lines forgets what these lack, a Q or a 7. The lines written here rehearse it
(pseudo-rehearsal, Robins 1995). They are written on from the person's own ink, in that hand as far as the weights
know it, so that learning them does not pull back to other hands.
"""

from collections.abc import Sequence

import jax
import numpy as np

from graves_jax.data.hershey.sentences import make_sentence
from graves_jax.data.ink import Ink
from graves_jax.data.own_ink.prompts import prompts
from graves_jax.model.weights import Weights
from graves_jax.sampling.styles import MAX_POINTS
from graves_jax.sampling.write import write_lines

# Neater than people write, so that no letter is learned from a blot.
BIAS = 0.5
# Four batches.
NUM_LINES = 32
# Texts with everything in them are taken first.
_NUM_PROMPTS = 16


def stand_in_texts(weights: Weights, number: int, *, max_characters: int, seed: int = 0) -> list[str]:
    """Texts that the weights can read and that have the most of their characters in them."""
    rng = np.random.default_rng(seed)
    known = set(weights.alphabet.characters)
    made_up = [
        make_sentence(rng, min_characters=max_characters // 2, max_characters=max_characters) for _ in range(3 * number)
    ]
    texts = (_cut(text, max_characters) for text in [*prompts(_NUM_PROMPTS), *made_up])
    legible = ["".join(character for character in text if character in known).strip() for text in texts]
    # A sentence is worth its letters: most of them have to be left.
    return [text for text in dict.fromkeys(legible) if len(text) >= min(8, max_characters // 2)][:number]


def _cut(text: str, max_characters: int) -> str:
    """As many whole words as fit, or as many letters."""
    while len(text) > max_characters and " " in text:
        text = text.rpartition(" ")[0]
    return text[:max_characters]


def stand_in(weights: Weights, own: Sequence[Ink], *, number: int = NUM_LINES, seed: int = 0) -> list[Ink]:
    """Writes lines in a hand, as far as the weights know it; those in which a fault is noticed are left out.

    Args:
      own: the person's lines, at the weights' scale. The longest that can be read on is carried on.
      number: of lines at most.
    """
    style = max((ink for ink in own if len(ink) <= MAX_POINTS), key=len, default=None)
    texts = stand_in_texts(weights, number, max_characters=max(len(ink.transcript) for ink in own), seed=seed)
    keys = [jax.random.fold_in(jax.random.key(seed), row) for row in range(len(texts))]
    written = write_lines(weights, texts, keys=keys, bias=BIAS, style=style, max_attempts=2)
    return [line.ink for line in written if line.fault is None]
