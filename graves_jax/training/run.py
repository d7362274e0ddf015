"""What a run is: which network learns what from which data."""

import dataclasses
import pathlib
from typing import Any

from graves_jax.data.alphabet import Alphabet
from graves_jax.data.corpus import Corpus
from graves_jax.data.ink import Normalisation
from graves_jax.errors import InputError
from graves_jax.model.network import NetworkConfig
from graves_jax.model.weights import Weights, in_todays_words
from graves_jax.training.config import TrainingConfig
from graves_jax.version import __version__

# What may differ between a run and the one that goes on with it: it may be prolonged, by a later version, cooled down
# sooner or later, and regularised more once it overfits.
_MAY_DIFFER = (
    "training.num_steps",
    "training.cooldown_steps",
    "training.dropout",
    "training.weight_drop",
    "provenance.version",
)
# What a checkpoint of an older version lacks, a field that came later, had its default there.
_DEFAULTS = {"network": dataclasses.asdict(NetworkConfig()), "training": dataclasses.asdict(TrainingConfig())}
_DEFAULTS["alphabet"] = {"has_other": False, "has_end": False}


@dataclasses.dataclass(frozen=True)
class Run:
    """What is trained on what. Two runs with equal descriptions are the same run."""

    network: NetworkConfig
    training: TrainingConfig
    alphabet: Alphabet
    normalisation: Normalisation
    provenance: dict[str, Any]

    @classmethod
    def of(cls, corpus: Corpus, network: NetworkConfig, training: TrainingConfig) -> "Run":
        """A run whose alphabet are the characters of the corpus, and whose normalisation is that of its training split.

        Raises:
          InputError: the network has another number of characters, or the corpus no training lines.
        """
        alphabet = Alphabet(corpus.characters, has_end=network.ends_text)
        if network.reads_text and network.num_characters != len(alphabet):
            raise InputError(
                f"Expected a network for the corpus' {len(alphabet)} characters, found num_characters "
                f"{network.num_characters}."
            )
        provenance = {"data": corpus.provenance, "fingerprint": corpus.fingerprint, "version": __version__}
        return cls(network, training, alphabet, corpus.normalisation, provenance)

    def weights(self, params) -> Weights:
        """The network as it is with these parameters."""
        return Weights(params, self.network, self.alphabet, self.normalisation, self.provenance)

    def to_config(self) -> dict[str, Any]:
        """JSON values; stands in every checkpoint."""
        return self.weights({}).to_config() | {"training": dataclasses.asdict(self.training)}


def check_same_run(run: Run, found: dict[str, Any], workdir: pathlib.Path) -> None:
    """A workdir is gone on with only by the run that it holds; more updates may be asked of it.

    Args:
      found: the description in the workdir's checkpoint.
    Raises:
      InputError: it is another run's.
    """
    found = found | {"network": in_todays_words(found["network"])}
    found |= {name: defaults | found[name] for name, defaults in _DEFAULTS.items()}
    expected, found = _flat(run.to_config()), _flat(found)
    names = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    names = [name for name in names if name not in _MAY_DIFFER]
    if names:
        name = names[0]
        more = f" (and {len(names) - 1} more)" if len(names) > 1 else ""
        raise InputError(
            f"Expected {workdir} to hold the same run, found {name} {found.get(name)!r} there and "
            f"{expected.get(name)!r} here{more}: choose another --workdir."
        )


def _flat(description: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat = {}
    for name, value in description.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return flat
