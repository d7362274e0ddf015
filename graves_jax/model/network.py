"""Graves's network: recurrent layers stacked with skip connections, a window over the text, a mixture on top.

The Flax module owns the parameters and nothing else: its equations are the pure functions of mixture.py, window.py
and the scans. With a window it is the synthesis network (2013, section 5), without one the prediction network
(section 4). In both, x_t feeds every hidden layer and every hidden layer feeds the output; w_t feeds the layers above
the first at time t and the first at time t+1.

Beyond the paper, a style vector z may say in whose hand a line is written. It is constant along the line and enters
layer n as a bias of that line, b_n + z W_n, so the scans know nothing of it.
"""

import dataclasses
import itertools
from typing import Literal, NamedTuple, cast

import flax.linen as nn
import jax
import jax.numpy as jnp

from graves_jax.model import mixture as mixture_lib
from graves_jax.model import scan, scan_fused
from graves_jax.model.cell import Carry, Cell, LayerParams
from graves_jax.model.gradient_clipping import clip_gradient
from graves_jax.model.gru import GRU
from graves_jax.model.lstm import LSTM, PEEPHOLE_LSTM
from graves_jax.model.matmul import PRECISIONS, Precision, affine
from graves_jax.model.window import Window

Implementation = Literal["reference", "fused"]
CELLS: dict[str, Cell] = {"lstm": LSTM, "peephole_lstm": PEEPHOLE_LSTM, "gru": GRU}
SCANS = {"reference": scan, "fused": scan_fused}

# Parameter counts of the paper's three networks, with peepholes, skip connections and biases.
GRAVES_PREDICTION_1X900_PARAMETERS = 3_366_121
GRAVES_PREDICTION_3X400_PARAMETERS = 3_368_121
GRAVES_SYNTHESIS_PARAMETERS = 3_653_751

# The window's initial biases. α = 0.14 and β = 0.37 give it a width of about two characters; with κ̂ (below) it starts
# out moving along the text at the speed of the pen, which matters most for how soon it finds the text at all.
ALPHA_HAT_BIAS = -2.0
BETA_HAT_BIAS = -1.0

# At first a style vector moves a pre-activation by about a tenth of what the input does.
STYLE_STD = 0.02

# Every piece is compiled for itself, so short sequences are not cut.
TIME_PIECES = 4
MIN_PIECE_STEPS = 32


@dataclasses.dataclass(frozen=True)
class NetworkConfig:
    """The network's shape, and how it is computed. Defaults: Graves's synthesis network.

    Attributes:
      num_characters: C, codes of the alphabet; 0 for the prediction network, which sees no text.
      num_window: K, Gaussians in the window; 0 exactly when num_characters is 0.
      num_layers: recurrent layers.
      hidden_size: H, cells in each.
      num_components: M, Gaussians in the mixture.
      cell: lstm, peephole_lstm (the paper's) or gru.
      points_per_character: of the training data; the window's first speed is one character in so many points.
      sigma_floor: least standard deviation of a component, normalised units; 0 is the paper's.
      gate_gradient_bound: clips derivatives of gate pre-activations; 10 in the paper, None does not clip.
      output_gradient_bound: clips derivatives of the outputs ŷ; 100 in the paper, None does not clip.
      precision: of the matrix products: float32, tensorfloat32 or bfloat16.
      implementation: which scan runs whole sequences, fused (the fast one) or reference (the plain one).
      style_size: E, numbers in a style vector; 0 is the paper's network, which has none.
      ends_text: whether the last code stands behind every text and a point of its own behind every line (`END_POINT`
        of batches.py), which says that all is written. The paper's network knows neither.
    """

    num_characters: int = 57
    num_window: int = 10
    num_layers: int = 3
    hidden_size: int = 400
    num_components: int = 20
    cell: str = "peephole_lstm"
    points_per_character: float = 25.0
    sigma_floor: float = 0.0
    gate_gradient_bound: float | None = None
    output_gradient_bound: float | None = None
    precision: Precision = "float32"
    implementation: Implementation = "fused"
    style_size: int = 0
    ends_text: bool = False

    def __post_init__(self):
        for name, value, choices in (
            ("cell", self.cell, CELLS),
            ("precision", self.precision, PRECISIONS),
            ("implementation", self.implementation, SCANS),
        ):
            if value not in choices:
                raise ValueError(f"Expected {name} to be one of {', '.join(choices)}, found {value!r}.")
        for name in ("num_layers", "hidden_size", "num_components"):
            if getattr(self, name) < 1:
                raise ValueError(f"Expected {name} of at least 1, found {getattr(self, name)}.")
        for name in ("num_characters", "num_window", "sigma_floor", "style_size"):
            if getattr(self, name) < 0:
                raise ValueError(f"Expected {name} of at least 0, found {getattr(self, name)}.")
        for name in ("points_per_character", "gate_gradient_bound", "output_gradient_bound"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ValueError(f"Expected {name} above 0, found {value}.")
        if bool(self.num_characters) != bool(self.num_window):
            raise ValueError(
                "Expected num_characters and num_window both 0 (prediction) or both above 0 (synthesis), "
                f"found {self.num_characters} and {self.num_window}."
            )
        if self.ends_text and not self.num_characters:
            raise ValueError("Expected a network that reads text where texts have an end, found num_characters 0.")

    @property
    def reads_text(self) -> bool:
        """Whether this is the synthesis network."""
        return self.num_window > 0


class Dropout(NamedTuple):
    """Factors on the layers' outputs, constant along a line: 0 where a cell is left out, 1 / (1 - rate) elsewhere."""

    between: jax.Array  # on what each layer but the last hands to the layer above. Shape [B, layers - 1, H]
    output: jax.Array  # on what the output layer sees. Shape [B, layers x H]


class NetworkCarry(NamedTuple):
    """The whole recurrent state: what priming has to hand over. Leading axes any."""

    first: Carry | scan.WindowCarry
    others: tuple[Carry, ...]


def initial_carry(config: NetworkConfig, batch_shape: tuple[int, ...], dtype=jnp.float32) -> NetworkCarry:
    """All zeros, the window before the text's first character."""
    cell = CELLS[config.cell]

    def zeros(size):
        return jnp.zeros((*batch_shape, size), dtype)

    carries = [tuple(zeros(config.hidden_size) for _ in range(cell.num_states)) for _ in range(config.num_layers)]
    first = carries[0]
    if config.reads_text:
        first = scan.WindowCarry(first, zeros(config.num_window), zeros(config.num_characters))
    return NetworkCarry(first, tuple(carries[1:]))


def time_pieces(num_steps: int) -> list[slice]:
    """Cuts a sequence into pieces that are run one after another, each layer's carry handed on.

    Nothing but speed depends on it. While the first layer runs over a piece the second can run over the one before, and
    the third over the one before that: XLA's CPU backend then fills with one layer's products the gaps that the small
    steps of another leave. (3 x 400, 256 points, 16 lines, 2 cores: 4 pieces are 1.1 times as fast as one, 8 no more.)
    A GPU runs one kernel after another and has nothing to gain.
    """
    long_enough = num_steps >= TIME_PIECES * MIN_PIECE_STEPS
    num_pieces = TIME_PIECES if long_enough and jax.default_backend() == "cpu" else 1
    bounds = [num_steps * piece // num_pieces for piece in range(num_pieces + 1)]
    return [slice(start, stop) for start, stop in itertools.pairwise(bounds)]


def _fan_in(fan_in: int):
    """Initialiser N(0, 1 / fan_in): the paper leaves it open."""
    return nn.initializers.normal(fan_in**-0.5)


class RecurrentLayer(nn.Module):
    """Owns a layer's parameters. The paper leaves their initial values open."""

    cell: Cell
    input_size: int
    hidden_size: int
    style_size: int

    @nn.compact
    def __call__(self, z: jax.Array | None = None) -> LayerParams:
        """The parameters of lines with style vector z, shape [E] or [B, E]; None where the network has no styles."""
        width = self.cell.num_blocks * self.hidden_size
        params = LayerParams(
            input=self.param("input", _fan_in(self.input_size), (self.input_size, width)),
            recurrent=self.param("recurrent", _fan_in(self.hidden_size), (self.hidden_size, width)),
            bias=self.param("bias", lambda key: self.cell.bias_init(self.hidden_size)),
            extra={
                name: self.param(name, nn.initializers.zeros, shape)
                for name, shape in self.cell.extra_shapes(self.hidden_size).items()
            },
        )
        if not self.style_size or z is None:
            return params
        style = self.param("style", nn.initializers.normal(STYLE_STD), (self.style_size, width))
        return params._replace(bias=style_bias(params.bias, style, z))


def style_bias(bias: jax.Array, style: jax.Array, z: jax.Array) -> jax.Array:
    """b + z W: the bias of a layer for lines with style vector z. Shapes [G], [E, G] and [..., E] to [..., G]."""
    return affine(z, style, bias)


class WindowLayer(nn.Module):
    """Owns the window's parameters."""

    config: NetworkConfig

    @nn.compact
    def __call__(self) -> scan.WindowParams:
        config = self.config

        def bias(key):
            kappa_hat = -jnp.log(config.points_per_character)
            return jnp.repeat(jnp.array([ALPHA_HAT_BIAS, BETA_HAT_BIAS, kappa_hat]), config.num_window)

        # Small at first, so that the biases rule until the text has shown what to change.
        shape = (config.hidden_size, 3 * config.num_window)
        kernel = self.param("kernel", nn.initializers.normal(0.1 * config.hidden_size**-0.5), shape)
        return scan.WindowParams(kernel, self.param("bias", bias))


class HandwritingNetwork(nn.Module):
    """The stack. `__call__` runs whole sequences, `step` one point; both give ŷ, the mixture's parameters."""

    config: NetworkConfig

    def setup(self):
        config, cell = self.config, CELLS[self.config.cell]
        first_input = 3 + config.num_characters
        sizes = [first_input] + [first_input + config.hidden_size] * (config.num_layers - 1)
        self.layers = [RecurrentLayer(cell, size, config.hidden_size, config.style_size) for size in sizes]
        if config.style_size:
            self.any_style = self.param("any_style", nn.initializers.zeros, (config.style_size,))
        if config.reads_text:
            self.window = WindowLayer(config)
        hidden, outputs = config.num_layers * config.hidden_size, mixture_lib.num_outputs(config.num_components)
        self.output_kernel = self.param("output_kernel", _fan_in(hidden), (hidden, outputs))
        self.output_bias = self.param("output_bias", nn.initializers.zeros, (outputs,))

    def __call__(
        self,
        carry: NetworkCarry,
        x: jax.Array,
        characters: jax.Array | None = None,
        mask: jax.Array | None = None,
        z: jax.Array | None = None,
        dropout: Dropout | None = None,
    ) -> tuple[NetworkCarry, jax.Array]:
        """Outputs for the points that follow each input.

        Args:
          carry: state before the first input (`initial_carry`).
          x: pen points, the one before each that is predicted; the first is zero. Shape [T, B, 3].
          characters: one-hot texts, zeros on padding. Shape [B, U, C]; None for the prediction network.
          mask: True where a line still runs. Shape [T, B]. Needed only where the final carry of lines of unequal
            length is used; None computes on through the padding, whose outputs the loss leaves out.
          z: style vectors. Shape [B, E], or [E] for all lines; None is the learned vector of no hand in particular.
          dropout: what to leave out of the layers' outputs, in training; None leaves out nothing.
        Returns:
          The carry after the last input, and ŷ, shape [T, B, 1 + 6M].
        Raises:
          ValueError: the characters are not as wide as the network's alphabet, or z is not as wide as its styles.
        """
        params = self._layer_params(characters, z)
        window_params = self.window() if self.config.reads_text else None
        hidden = []
        for piece in [slice(None)] if self.config.implementation == "reference" else time_pieces(len(x)):
            mask_piece = None if mask is None else mask[piece]
            carry, h = self._run_layers(params, window_params, carry, x[piece], characters, mask_piece, dropout)
            hidden.append(h)
        return carry, self._output(jnp.concatenate(hidden))

    def _run_layers(self, params, window_params, carry, x, characters, mask, dropout) -> tuple[NetworkCarry, jax.Array]:
        """The carry after the last input, and all layers' outputs side by side. Shape [T, B, layers x H]."""
        config, cell, scans = self.config, CELLS[self.config.cell], SCANS[self.config.implementation]
        options = {"mask": mask, "bound": config.gate_gradient_bound, "precision": config.precision}
        if config.reads_text:
            first, h, w = scans.scan_window_layer(cell, params[0], window_params, carry.first, x, characters, **options)
            skip = jnp.concatenate([x, w], axis=-1)
        else:
            first, h = scans.scan_layer(cell, params[0], carry.first, x, **options)
            skip = x
        hidden, others = [h], []
        for number, (layer_params, layer_carry) in enumerate(zip(params[1:], carry.others, strict=True)):
            below = hidden[-1] if dropout is None else hidden[-1] * dropout.between[None, :, number]
            inputs = jnp.concatenate([skip, below], axis=-1)
            layer_carry, h = scans.scan_layer(cell, layer_params, layer_carry, inputs, **options)
            hidden.append(h)
            others.append(layer_carry)
        h = jnp.concatenate(hidden, axis=-1)
        return NetworkCarry(first, tuple(others)), h if dropout is None else h * dropout.output[None]

    def step(
        self,
        carry: NetworkCarry,
        x_t: jax.Array,
        characters: jax.Array | None = None,
        z: jax.Array | None = None,
    ) -> tuple[NetworkCarry, jax.Array, Window | None]:
        """One point: what sampling runs. Leading axes any or none.

        Args:
          x_t: the point before. Shape [..., 3].
          characters: one-hot text. Shape [..., U, C].
          z: style vector, as in `__call__`. Shape [..., E]. A loop over points folds it in once: `fold_style`.
        Returns:
          The new carry; ŷ, shape [..., 1 + 6M]; and the window, None for the prediction network.
        Raises:
          ValueError: the characters are not as wide as the network's alphabet, or z is not as wide as its styles.
        """
        params = self._layer_params(characters, z)
        config, cell = self.config, CELLS[self.config.cell]
        if isinstance(carry.first, scan.WindowCarry):
            assert characters is not None  # they were seen to fit
            first, window = scan.window_layer_step(
                cell, params[0], self.window(), carry.first, x_t, characters, precision=config.precision
            )
            h, skip = first.cell[0], jnp.concatenate([x_t, first.w], axis=-1)
        else:
            first, window = scan.layer_step(cell, params[0], carry.first, x_t, precision=config.precision), None
            h, skip = first[0], x_t
        hidden, others = [h], []
        for layer_params, layer_carry in zip(params[1:], carry.others, strict=True):
            inputs = jnp.concatenate([skip, hidden[-1]], axis=-1)
            layer_carry = scan.layer_step(cell, layer_params, layer_carry, inputs, precision=config.precision)
            hidden.append(layer_carry[0])
            others.append(layer_carry)
        return NetworkCarry(first, tuple(others)), self._output(jnp.concatenate(hidden, axis=-1)), window

    def _layer_params(self, characters: jax.Array | None, z: jax.Array | None) -> list[LayerParams]:
        """Every layer's parameters for lines with this style, once text and style are seen to fit."""
        found = 0 if characters is None else characters.shape[-1]
        if found != self.config.num_characters:
            raise ValueError(f"Expected one-hot characters of width {self.config.num_characters}, found {found}.")
        check_style(self.config, z)
        if z is None and self.config.style_size:
            z = self.any_style
        return [layer(z) for layer in self.layers]

    def _output(self, hidden: jax.Array) -> jax.Array:
        y_hat = affine(hidden, self.output_kernel, self.output_bias, self.config.precision)
        return clip_gradient(y_hat, self.config.output_gradient_bound)


def network_step(
    params, config: NetworkConfig, carry: NetworkCarry, x_t: jax.Array, characters: jax.Array
) -> tuple[NetworkCarry, jax.Array, Window]:
    """One point of the synthesis network: `HandwritingNetwork.step` with these parameters."""
    # Flax cannot know what a method returns.
    return cast(
        tuple[NetworkCarry, jax.Array, Window],
        HandwritingNetwork(config).apply({"params": params}, carry, x_t, characters, method="step"),
    )


def check_style(config: NetworkConfig, z: jax.Array | None) -> None:
    """Raises ValueError where a style vector is not as wide as the network's."""
    if z is not None and jnp.shape(z)[-1:] != (config.style_size,):
        raise ValueError(f"Expected a style vector of {config.style_size} numbers, found shape {jnp.shape(z)}.")


def fold_style(params: dict, config: NetworkConfig, z: jax.Array | None) -> tuple[dict, NetworkConfig]:
    """The network without styles that writes in the hand z: z W_n becomes part of each layer's bias.

    What runs point by point does so with the paper's network, at its speed. Under `jax.vmap` over z, only the biases
    get an axis of their own; the matrices stay shared.

    Args:
      z: style vector. Shape [E]; None is the learned vector of no hand in particular.
    Returns:
      Parameters and configuration with `style_size` 0; as they came where the network has no styles.
    Raises:
      ValueError: z is not as wide as the network's styles.
    """
    check_style(config, z)
    if not config.style_size:
        return params, config
    z = params["any_style"] if z is None else z
    folded = {name: value for name, value in params.items() if name != "any_style"}
    for number in range(config.num_layers):
        layer = dict(params[f"layers_{number}"])
        layer["bias"] = style_bias(layer["bias"], layer.pop("style"), z)
        folded[f"layers_{number}"] = layer
    return folded, dataclasses.replace(config, style_size=0)


def init_params(key: jax.Array, config: NetworkConfig) -> dict:
    """Fresh parameters, a pytree of float32 arrays."""
    carry = initial_carry(config, ())
    characters = jnp.zeros((1, config.num_characters)) if config.reads_text else None
    network = HandwritingNetwork(config)
    return dict(network.init(key, carry, jnp.zeros(3), characters, method=network.step)["params"])


def num_parameters(params) -> int:
    """How many numbers a parameter pytree holds."""
    return sum(leaf.size for leaf in jax.tree.leaves(params))
