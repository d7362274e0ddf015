"""Takes the averaged weights out of a checkpoint, as a folder with model.safetensors and config.json.

    python experiments/export_weights.py --checkpoint=run --output=graves_jax/pretrained/hershey --licence=Apache-2.0

The folder's name, under graves_jax/pretrained/, is what --weights calls it.
"""

import collections
import dataclasses
import pathlib

import command_line
import numpy as np
from absl import flags

from graves_jax.data.corpus import Corpus
from graves_jax.errors import InputError
from graves_jax.model.network import num_parameters
from graves_jax.model.weights import save_weights
from graves_jax.training.checkpoint import load_checkpoint

CHECKPOINT = flags.DEFINE_string("checkpoint", None, "Workdir of a run, or one checkpoint in it.", required=True)
OUTPUT = flags.DEFINE_string("output", None, "Folder to write; made if missing.", required=True)
DATA = flags.DEFINE_string("data", None, "Corpus it learned from: its character counts go into config.json.")
DTYPE = flags.DEFINE_enum("dtype", "float16", ["float16", "float32"], "What the parameters are stored as.")
LICENCE = flags.DEFINE_string(
    "licence", None, "What the weights may be used for; stands in config.json.", required=True
)
OVERWRITE = flags.DEFINE_bool("overwrite", False, "Replace weights that are in the folder.")


def main() -> None:
    output = pathlib.Path(OUTPUT.value)
    if (output / "config.json").exists() and not OVERWRITE.value:
        raise InputError(f"Expected no weights in {output}, found some: --overwrite replaces them.")
    weights = load_checkpoint(pathlib.Path(CHECKPOINT.value))
    # Which scan computes it, and how precisely, is for whoever uses the weights to say.
    provenance = weights.provenance | {"licence": LICENCE.value}
    if DATA.value is not None:
        provenance["character_counts"] = character_counts(Corpus.load(DATA.value))
    weights = dataclasses.replace(weights.computed_with(), provenance=provenance)
    save_weights(output, weights, dtype=np.dtype(DTYPE.value))
    size = (output / "model.safetensors").stat().st_size
    print(f"{output}: {num_parameters(weights.params):,} parameters, {size / 1e6:.1f} MB")
    command_line.print_json({"output": str(output), "parameters": num_parameters(weights.params), "bytes": size})


def character_counts(corpus: Corpus) -> dict[str, int]:
    """How often each character stands in the transcripts of the training split."""
    counts = collections.Counter("".join(corpus.texts[line] for line in corpus.indices("training")))
    return dict(sorted(counts.items()))


if __name__ == "__main__":
    command_line.run(main)
