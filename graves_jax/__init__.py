"""Handwriting synthesis after Graves (2013), in JAX and Flax.

Three LSTM layers are stacked with skip connections. The first reads the pen's last point and, through a mixture of
Gaussians that slides along the text (the window), a few characters at a time; what the window sees feeds the other
layers too. On top, a mixture density network gives the distribution of the pen's next offset and of its lift. The
whole is trained end to end on pen strokes by maximum likelihood, and writes by drawing one point after another.

    import graves_jax
    graves_jax.write("You know nothing Jon Snow", bias=0.5, seed=1)

Axes, one letter each, in every docstring:

    T  pen points of a line          B  lines in a batch        U  characters of a text
    K  Gaussians of the window       M  components of the mixture
    H  cells of a layer              C  characters of the alphabet

Sequences are [B, T, ...] outside the model and [T, B, ...] inside it.

What `graves_jax.__all__` names is public: it keeps its name and meaning until the next major version, and docs/api.md
has an example of each. Modules below are internal: they are there to be read, and what is in them may move.
"""

import importlib
from typing import TYPE_CHECKING

from graves_jax.version import __version__

# What editors and type checkers see; `_HOMES` says the same to the interpreter (a test compares the two).
if TYPE_CHECKING:
    from graves_jax.api import load as load
    from graves_jax.api import write as write
    from graves_jax.compilation import use_compilation_cache as use_compilation_cache
    from graves_jax.data.alphabet import Alphabet as Alphabet
    from graves_jax.data.batches import Batch as Batch
    from graves_jax.data.batches import pad_inks as pad_inks
    from graves_jax.data.batches import pad_texts as pad_texts
    from graves_jax.data.corpus import Corpus as Corpus
    from graves_jax.data.corpus import Line as Line
    from graves_jax.data.hershey.writers import hershey_corpus as hershey_corpus
    from graves_jax.data.ink import Ink as Ink
    from graves_jax.data.ink import Normalisation as Normalisation
    from graves_jax.data.ink_files import ink_from_json as ink_from_json
    from graves_jax.data.ink_files import ink_to_json as ink_to_json
    from graves_jax.data.ink_files import read_ink as read_ink
    from graves_jax.drawing.save import save_ink as save_ink
    from graves_jax.drawing.save import write_ink as write_ink
    from graves_jax.drawing.sheets import Look as Look
    from graves_jax.drawing.sheets import save_sheets as save_sheets
    from graves_jax.drawing.sheets import write_sheets as write_sheets
    from graves_jax.errors import FaultWarning as FaultWarning
    from graves_jax.errors import InputError as InputError
    from graves_jax.evaluation.log_loss import evaluate as evaluate
    from graves_jax.evaluation.trace import Trace as Trace
    from graves_jax.evaluation.trace import trace as trace
    from graves_jax.layout.pages import Setting as Setting
    from graves_jax.layout.paper import make_paper as make_paper
    from graves_jax.model.likelihood import LogLoss as LogLoss
    from graves_jax.model.likelihood import nats_per_line as nats_per_line
    from graves_jax.model.network import HandwritingNetwork as HandwritingNetwork
    from graves_jax.model.network import NetworkConfig as NetworkConfig
    from graves_jax.model.network import init_params as init_params
    from graves_jax.model.network import initial_carry as initial_carry
    from graves_jax.model.weights import Weights as Weights
    from graves_jax.pages import write_pages as write_pages
    from graves_jax.pretrained import weight_names as weight_names
    from graves_jax.sampling.priming import prime as prime
    from graves_jax.sampling.sampler import Sample as Sample
    from graves_jax.sampling.sampler import sample as sample
    from graves_jax.sampling.sampler import sample_batch as sample_batch
    from graves_jax.sampling.styles import adjust_style as adjust_style
    from graves_jax.sampling.styles import draw_style as draw_style
    from graves_jax.sampling.styles import load_style as load_style
    from graves_jax.sampling.styles import style_names as style_names
    from graves_jax.sampling.write import Written as Written
    from graves_jax.sampling.write import coverage as coverage
    from graves_jax.sampling.write import warm_up as warm_up
    from graves_jax.sampling.write import write_lines as write_lines
    from graves_jax.training.config import TrainingConfig as TrainingConfig
    from graves_jax.training.loop import Outcome as Outcome
    from graves_jax.training.loop import train as train
    from graves_jax.training.run import Run as Run
    from graves_jax.training.session import Intervals as Intervals

# Where each public name lives. They are imported when first used, so that reading data never waits for JAX.
_HOMES = {
    "load": "graves_jax.api",
    "write": "graves_jax.api",
    "use_compilation_cache": "graves_jax.compilation",
    "Alphabet": "graves_jax.data.alphabet",
    "Batch": "graves_jax.data.batches",
    "pad_inks": "graves_jax.data.batches",
    "pad_texts": "graves_jax.data.batches",
    "Corpus": "graves_jax.data.corpus",
    "Line": "graves_jax.data.corpus",
    "hershey_corpus": "graves_jax.data.hershey.writers",
    "Ink": "graves_jax.data.ink",
    "Normalisation": "graves_jax.data.ink",
    "ink_from_json": "graves_jax.data.ink_files",
    "ink_to_json": "graves_jax.data.ink_files",
    "read_ink": "graves_jax.data.ink_files",
    "save_ink": "graves_jax.drawing.save",
    "write_ink": "graves_jax.drawing.save",
    "Look": "graves_jax.drawing.sheets",
    "save_sheets": "graves_jax.drawing.sheets",
    "write_sheets": "graves_jax.drawing.sheets",
    "FaultWarning": "graves_jax.errors",
    "InputError": "graves_jax.errors",
    "LogLoss": "graves_jax.model.likelihood",
    "evaluate": "graves_jax.evaluation.log_loss",
    "Trace": "graves_jax.evaluation.trace",
    "trace": "graves_jax.evaluation.trace",
    "Setting": "graves_jax.layout.pages",
    "make_paper": "graves_jax.layout.paper",
    "HandwritingNetwork": "graves_jax.model.network",
    "NetworkConfig": "graves_jax.model.network",
    "init_params": "graves_jax.model.network",
    "initial_carry": "graves_jax.model.network",
    "Weights": "graves_jax.model.weights",
    "write_pages": "graves_jax.pages",
    "weight_names": "graves_jax.pretrained",
    "Sample": "graves_jax.sampling.sampler",
    "sample": "graves_jax.sampling.sampler",
    "sample_batch": "graves_jax.sampling.sampler",
    "prime": "graves_jax.sampling.priming",
    "adjust_style": "graves_jax.sampling.styles",
    "draw_style": "graves_jax.sampling.styles",
    "load_style": "graves_jax.sampling.styles",
    "style_names": "graves_jax.sampling.styles",
    "Written": "graves_jax.sampling.write",
    "coverage": "graves_jax.sampling.write",
    "warm_up": "graves_jax.sampling.write",
    "write_lines": "graves_jax.sampling.write",
    "TrainingConfig": "graves_jax.training.config",
    "Outcome": "graves_jax.training.loop",
    "train": "graves_jax.training.loop",
    "nats_per_line": "graves_jax.model.likelihood",
    "Run": "graves_jax.training.run",
    "Intervals": "graves_jax.training.session",
}

__all__ = ["__version__", *_HOMES]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module 'graves_jax' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__():
    return __all__
