"""The scale of the ink that weights were trained on: a network does not generalise to another unit or rate."""

import numpy as np

from graves_jax.data.corpus import Corpus
from graves_jax.data.own_ink.conform import Target
from graves_jax.errors import InputError
from graves_jax.model.weights import Weights

# Factor by which training ink may be larger or smaller than that of the weights, and have more or fewer points per
# character. People of one corpus differ by less; a wrong unit or rate is farther off.
MAX_FACTOR = 1.8


def target_of(weights: Weights) -> Target:
    """What ink has to be like for these weights, which say under what protocol (cleaning.py) they learned."""
    points_per_character = weights.network.points_per_character
    data = weights.provenance.get("data")
    if isinstance(data, dict) and data.get("protocol") == "writer":
        return Target(points_per_character, every=2)
    return Target(points_per_character, spread=_size(weights.normalisation.std))


def check_scale(corpus: Corpus, weights: Weights) -> None:
    """Refuses to train weights on ink of another scale, which would ruin them.

    Raises:
      InputError: unit or rate of the corpus' training lines are not those of the weights.
    """
    training = corpus.indices("training")
    rate = corpus.lengths[training].sum() / corpus.text_lengths[training].sum()
    for what, found, expected in (
        ("points per character", rate, weights.network.points_per_character),
        ("units of spread", _size(corpus.normalisation.std), _size(weights.normalisation.std)),
    ):
        if not 1 / MAX_FACTOR < found / expected < MAX_FACTOR:
            raise InputError(
                f"Expected ink at the scale of the weights, {expected:.3g} {what}, found {found:.3g}: "
                "prepare_data.py --like=NAME brings own ink there, its --protocol or --hershey_points other data."
            )


def _size(std: tuple[float, float]) -> float:
    """One number for the spread of dx and dy, their geometric mean."""
    return float(np.sqrt(np.prod(std)))
