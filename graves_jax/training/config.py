"""What a training run is, besides the network's shape: one frozen dataclass, written into every checkpoint."""

import dataclasses
import math
from typing import Literal

from graves_jax.errors import InputError

Optimizer = Literal["rmsprop", "adam", "muon"]
GradientPer = Literal["line", "point"]
WeightNoise = Literal["none", "batch", "line"]
OPTIMIZERS: tuple[Optimizer, ...] = ("rmsprop", "adam", "muon")
GRADIENTS_PER: tuple[GradientPer, ...] = ("line", "point")
WEIGHT_NOISES: tuple[WeightNoise, ...] = ("none", "batch", "line")

_ABOVE_ZERO = (math.ulp(0.0), math.inf, "of more than 0")
_AT_LEAST_ZERO = (0, math.inf, "of at least 0")
_WHOLE_FROM_ZERO = (0, math.inf, "to be a whole number of at least 0")
_WHOLE_FROM_ONE = (1, math.inf, "to be a whole number of at least 1")
_BELOW_ONE = (0, 1, "of at least 0 and less than 1")
_UP_TO_ONE = (0, math.nextafter(1, 2), "of 0 to 1")
# Each number's least value, the first one beyond its range, and both in words.
_RANGES = {
    "num_steps": _WHOLE_FROM_ONE,
    "batch_size": _WHOLE_FROM_ONE,
    "max_points": _WHOLE_FROM_ONE,
    "learning_rate": _ABOVE_ZERO,
    "warmup_steps": _WHOLE_FROM_ZERO,
    "cooldown_steps": _WHOLE_FROM_ZERO,
    "final_learning_rate": _AT_LEAST_ZERO,
    "decay": _BELOW_ONE,
    "momentum": _BELOW_ONE,
    "epsilon": _ABOVE_ZERO,
    "max_gradient_norm": _ABOVE_ZERO,
    "ema_decay": _BELOW_ONE,
    "weight_noise_std": _ABOVE_ZERO,
    "lines_per_pass": _WHOLE_FROM_ONE,
    "scale": _BELOW_ONE,
    "slant": (0, math.nextafter(60, 61), "of 0 to 60 degrees"),
    "rethin": _UP_TO_ONE,
    "oversample": _WHOLE_FROM_ONE,
    "dropout": _BELOW_ONE,
    "weight_drop": _BELOW_ONE,
    "num_writers": _WHOLE_FROM_ZERO,
    "any_style_share": _UP_TO_ONE,
    "style_learning_rate": _AT_LEAST_ZERO,
    "seed": (0, 2**32, "to be a whole number of 0 to 2³² - 1"),
}
# Of those that may be None, whose default says nothing of their kind.
_FRACTIONS = ("max_gradient_norm", "rethin")


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """Hyper-parameters of a run. Defaults: the optimiser of Graves (2013), equations (38)-(45).

    Attributes:
      num_steps: updates in the whole run.
      batch_size: lines an update.
      max_points: points a line is cropped to, together with its text; None trains on whole lines.
      optimizer: rmsprop, adam, or muon: Adam with the layers' matrices orthogonalised (optimizer.py).
      learning_rate: at its highest.
      warmup_steps: first updates, over which the rate rises linearly from 0.
      cooldown_steps: last updates, over which the rate falls along a cosine. In between it is constant, so that a run
        can be prolonged: raise num_steps before its cool-down begins.
      final_learning_rate: where the cool-down ends, as a share of `learning_rate`.
      decay: of RMSProp's running averages, or Adam's b2.
      momentum: RMSProp's, or Adam's b1.
      centered: whether RMSProp divides by the standard deviation (the paper) or by the root mean square.
      epsilon: inside the root of RMSProp, outside Adam's.
      gradient_per: what the summed gradient is divided by for the optimiser: the lines or the points of the batch.
      max_gradient_norm: clips the whole gradient's norm; None does not. (The paper clips derivatives inside
        back-propagation instead: NetworkConfig.)
      ema_decay: of the running average of the weights that is evaluated and sampled; 0 uses the weights themselves.
      weight_noise: draws weights from a posterior (weight_noise.py), for each batch or each line; none does not.
      weight_noise_std: standard deviation that the posterior starts from.
      lines_per_pass: lines of a pass, over which the complexity of the weights, and the divergence of the writers'
        style vectors, are spread.
      scale: augmentation: each line is scaled by up to this share, x and y on their own.
      slant: augmentation: each line is slanted by up to so many degrees.
      rethin: augmentation: other points are left out than the corpus leaves out, with so much jitter; None does not.
      oversample: how often a pass takes the lines with a rare character (batches.py).
      dropout: share of the cells that is left out between layers and before the output, along a whole line.
      weight_drop: share of the recurrent weights that is left out, each update others.
      num_writers: V, writers whose style vectors are learned, which the network has to have; 0 learns every line in
        no hand in particular.
      any_style_share: share of their lines that is written without their style.
      style_learning_rate: of the writers' posteriors, as a multiple of the learning rate: each update sees but a few.
      seed: of parameters, data order and augmentation.
    """

    num_steps: int = 10_000
    batch_size: int = 32
    max_points: int | None = None
    optimizer: Optimizer = "rmsprop"
    learning_rate: float = 1e-4
    warmup_steps: int = 0
    cooldown_steps: int = 0
    final_learning_rate: float = 0.02
    decay: float = 0.95
    momentum: float = 0.9
    centered: bool = True
    epsilon: float = 1e-4
    gradient_per: GradientPer = "line"
    max_gradient_norm: float | None = None
    ema_decay: float = 0.0
    weight_noise: WeightNoise = "none"
    weight_noise_std: float = 0.075
    lines_per_pass: int | None = None
    scale: float = 0.0
    slant: float = 0.0
    rethin: float | None = None
    oversample: int = 1
    dropout: float = 0.0
    weight_drop: float = 0.0
    num_writers: int = 0
    any_style_share: float = 0.15
    style_learning_rate: float = 5.0
    seed: int = 0

    @property
    def pass_lines(self) -> int:
        """`lines_per_pass`, where there has to be one: with weight noise or writers."""
        assert self.lines_per_pass is not None
        return self.lines_per_pass

    def __post_init__(self):
        for name, choices in (
            ("optimizer", OPTIMIZERS),
            ("gradient_per", GRADIENTS_PER),
            ("weight_noise", WEIGHT_NOISES),
        ):
            if getattr(self, name) not in choices:
                raise InputError(f"Expected {name} to be one of {', '.join(choices)}, found {getattr(self, name)!r}.")
        for field in dataclasses.fields(self):
            self._check_number(field)
        if (self.weight_noise != "none" or self.num_writers) and not self.lines_per_pass:
            raise InputError(
                f"Expected lines_per_pass above 0 with weight noise or writers, found {self.lines_per_pass}."
            )
        if self.weight_noise != "none" and (self.num_writers or self.dropout or self.weight_drop):
            raise InputError("Expected weight noise, or style vectors, dropout and weight_drop, found both.")

    def _check_number(self, field: dataclasses.Field) -> None:
        value = getattr(self, field.name)
        if field.name not in _RANGES or (value is None and field.default is None):
            return
        low, high, expected = _RANGES[field.name]
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        is_whole = isinstance(value, int) or isinstance(field.default, float) or field.name in _FRACTIONS
        # Written so that what is not a number is outside.
        if not is_number or not is_whole or not low <= value < high:
            raise InputError(f"Expected {field.name} {expected}, found {value!r}.")
