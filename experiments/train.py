"""Trains a network on pen strokes; run again with the same flags, it goes on where it stopped.

    python experiments/train.py --flagfile=quick.flags                      learns to write in minutes, on any machine
    python experiments/train.py --flagfile=k40.flags --data=iam.npz         the run of the seed
    python experiments/train.py --flagfile=k40.flags --data=iam.npz --workdir=/tmp/k40 --num_steps=200
    srun --ntasks-per-node=8 python experiments/train.py --flagfile=k40.flags --data=iam.npz --hosts=auto

All devices of this machine share the lines of a batch, or those of all processes where --hosts joins several; the
update is the same to rounding however many there are. docs/scaling.md has recipes.

The workdir holds checkpoints/, metrics.jsonl and samples/, which show it learn. Progress goes to standard error, a
report to standard output, and on its last line the same as JSON.

Ctrl-C and SIGTERM save a checkpoint; the report is printed, and the exit code is 130 or 143. It is 1 where the run
could not go on: the loss was not finite for too long, or the disk is full. The last checkpoint is whole in either case.
"""

import dataclasses
import functools
import logging
import pathlib
import signal
import sys
from typing import cast

import command_line

if __name__ == "__main__":
    command_line.use_huge_pages()  # before JAX, whose import takes seconds

import jax
from absl import flags

import graves_jax
from graves_jax.data.alphabet import ASCII_ALPHABET, GRAVES_ALPHABET, Alphabet
from graves_jax.data.batches import oversampled
from graves_jax.data.corpus import Corpus
from graves_jax.data.hershey.writers import hershey_corpus
from graves_jax.drawing import save_ink
from graves_jax.errors import InputError
from graves_jax.model.growing import grow_alphabet, grow_styles
from graves_jax.model.matmul import PRECISIONS, Precision
from graves_jax.model.network import CELLS, SCANS, Implementation, NetworkConfig
from graves_jax.model.scale import check_scale
from graves_jax.model.weights import Weights
from graves_jax.sampling.write import check_text, write_lines
from graves_jax.training import devices
from graves_jax.training.config import OPTIMIZERS, WEIGHT_NOISES, GradientPer, Optimizer, TrainingConfig, WeightNoise
from graves_jax.training.loop import Outcome, train, writers_of
from graves_jax.training.run import Run
from graves_jax.training.session import Intervals
from graves_jax.training.workdir import TrainingStoppedError
from graves_jax.version import __version__

DATA = flags.DEFINE_string("data", None, "Corpus made by prepare_data.py; without it, the synthetic writers' data set.")
WORKDIR = flags.DEFINE_string("workdir", "run", "Folder of the run; made if missing, gone on with if it holds one.")

NUM_LINES = flags.DEFINE_integer("hershey_lines", 10_000, "Lines of the synthetic data set.", 20, 1_000_000)
MAX_CHARACTERS = flags.DEFINE_integer("hershey_characters", 40, "Longest text of the synthetic data set.", 4, 200)
POINTS = flags.DEFINE_float("hershey_points", 20.0, "Points per character of the synthetic data set.", 5, 100)

TASK = flags.DEFINE_enum("task", "synthesis", ["synthesis", "prediction"], "Read a text, or only predict the pen.")
ALPHABET = flags.DEFINE_enum(
    "alphabet", "data", ["data", "ascii", "graves"],
    "Characters: those of the data, printable ASCII, or the paper's 56 and one for all others.",
)  # fmt: skip
CELL = flags.DEFINE_enum("cell", "peephole_lstm", list(CELLS), "Recurrent cell; Graves eq. 7-11 is peephole_lstm.")
NUM_LAYERS = flags.DEFINE_integer("num_layers", 3, "Recurrent layers; Graves section 5.", 1, 100)
HIDDEN_SIZE = flags.DEFINE_integer("hidden_size", 400, "Cells per layer; Graves section 5.", 1, 16_384)
NUM_COMPONENTS = flags.DEFINE_integer("num_components", 20, "Gaussians of the mixture; Graves section 5.", 1, 1_000)
NUM_WINDOW = flags.DEFINE_integer("num_window", 10, "Gaussians of the window; Graves section 5.", 1, 1_000)
SIGMA_FLOOR = flags.DEFINE_float("sigma_floor", 0.0, "Least deviation of a Gaussian, normalised units.", lower_bound=0)
GATE_BOUND = flags.DEFINE_float("gate_gradient_bound", None, "Clips gate derivatives; 10 in Graves section 2.1.")
OUTPUT_BOUND = flags.DEFINE_float("output_gradient_bound", None, "Clips output derivatives; 100 in Graves section 4.")
PRECISION = flags.DEFINE_enum("precision", "float32", list(PRECISIONS), "Of the matrix products' operands.")
STYLE_SIZE = flags.DEFINE_integer(
    "style_size", 0, "Numbers of a style vector; 0 is Graves's network, without.", 0, 10_000
)
END_SYMBOL = flags.DEFINE_bool(
    "end_symbol", False, "Every text ends with a symbol, every line with a point, for its end."
)
IMPLEMENTATION = flags.DEFINE_enum("implementation", "fused", list(SCANS), "Which scan: the fast one or the plain one.")

NUM_STEPS = flags.DEFINE_integer("num_steps", 10_000, "Updates in the whole run.", 1, 1_000_000_000)
BATCH_SIZE = flags.DEFINE_integer("batch_size", 32, "Lines an update.", 1, 65_536)
MAX_POINTS = flags.DEFINE_integer("max_points", None, "Crop lines to so many points, text too; none: whole lines.")
OPTIMIZER = flags.DEFINE_enum("optimizer", "rmsprop", list(OPTIMIZERS), "Graves eq. 38-45 is rmsprop.")
LEARNING_RATE = flags.DEFINE_float("learning_rate", 1e-4, "Learning rate; Graves eq. 44.", lower_bound=0)
FINAL_LEARNING_RATE = flags.DEFINE_float("final_learning_rate", 0.02, "After the cool-down, share of learning_rate.", 0)
WARMUP_STEPS = flags.DEFINE_integer("warmup_steps", 0, "Updates of linear warm-up.", lower_bound=0)
COOLDOWN_STEPS = flags.DEFINE_integer("cooldown_steps", 0, "Last updates, along a cosine.", lower_bound=0)
DECAY = flags.DEFINE_float("decay", 0.95, "Of RMSProp's averages (Graves eq. 42), or Adam's b2.", 0, 1)
MOMENTUM = flags.DEFINE_float("momentum", 0.9, "RMSProp's (Graves eq. 44), or Adam's b1.", 0, 1)
CENTERED = flags.DEFINE_bool("centered", True, "RMSProp divides by the deviation, not the root mean square.")
EPSILON = flags.DEFINE_float("epsilon", 1e-4, "In RMSProp's root (Graves eq. 44), or Adam's.", lower_bound=0)
GRADIENT_PER = flags.DEFINE_enum("gradient_per", "line", ["line", "point"], "What the summed gradient is divided by.")
MAX_GRADIENT_NORM = flags.DEFINE_float("max_gradient_norm", None, "Clips the whole gradient's norm; none: does not.")
EMA_DECAY = flags.DEFINE_float("ema_decay", 0.0, "Running average of the weights; 0 is off.", 0, 1)
WEIGHT_NOISE = flags.DEFINE_enum(
    "weight_noise", "none", list(WEIGHT_NOISES), "Adaptive weight noise (Graves 2011), drawn per batch or per line."
)
WEIGHT_NOISE_STD = flags.DEFINE_float(
    "weight_noise_std", 0.075, "Deviation that weight noise starts from.", lower_bound=0
)
WARM_START = flags.DEFINE_string(
    "warm_start", None, "Weights to start from, a name or a workdir; alphabet, normalisation and shape go with them."
)
GROW_ALPHABET = flags.DEFINE_bool(
    "grow_alphabet", False, "With --warm_start: learn the characters of the data that those weights do not know."
)
RESEMBLES = flags.DEFINE_multi_string(
    "resembles", [], "With --grow_alphabet: a new character and the known ones that it looks like, as in ä=a."
)
SCALE = flags.DEFINE_float("scale", 0.0, "Augmentation: share by which lines are stretched at most.", 0, 0.9)
SLANT = flags.DEFINE_float("slant", 0.0, "Augmentation: degrees by which lines are slanted at most.", 0, 60)
RETHIN = flags.DEFINE_float(
    "rethin", None, "Augmentation: other points are left out than in the data, with this jitter (0 to 1).", 0, 1
)
OVERSAMPLE = flags.DEFINE_integer("oversample", 1, "How often a pass takes lines with rare characters.", 1, 100)
DROPOUT = flags.DEFINE_float("dropout", 0.0, "Share of cells left out between layers and before the output.", 0, 0.99)
WEIGHT_DROP = flags.DEFINE_float("weight_drop", 0.0, "Share of recurrent weights left out at each update.", 0, 0.99)
ANY_STYLE_SHARE = flags.DEFINE_float(
    "any_style_share", 0.15, "Share of lines learned without their writer's style.", 0, 1
)
STYLE_LEARNING_RATE = flags.DEFINE_float(
    "style_learning_rate", 5.0, "Of the writers' style vectors, as a multiple of learning_rate.", lower_bound=0
)
HOSTS = flags.DEFINE_string(
    "hosts",
    None,
    "auto: SLURM, MPI, Kubernetes or Cloud TPU says which processes take part; or ADDRESS:PORT,COUNT,INDEX.",
)
DEVICES = flags.DEFINE_integer("devices", None, "Use so many devices of each process; none: all.", 1, 1_000_000)
SEED = flags.DEFINE_integer("seed", 0, "Of parameters, data order and augmentation.", 0, 2**32 - 1)

REPORT_EVERY = flags.DEFINE_integer("report_every", 20, "Updates between rows of metrics.", lower_bound=1)
VALIDATE_EVERY = flags.DEFINE_integer(
    "validate_every", 1_000, "Updates between validations; 0 is never.", lower_bound=0
)
VALIDATION_LINES = flags.DEFINE_integer("validation_lines", None, "Validate on so many lines; none: on all.")
SAVE_EVERY = flags.DEFINE_integer("save_every", 500, "Updates between checkpoints.", lower_bound=1)
DRAW_EVERY = flags.DEFINE_integer("draw_every", 500, "Updates between pictures of samples; 0 is never.", lower_bound=0)
DRAW_TEXTS = flags.DEFINE_multi_string(
    "draw_text", ["You know nothing Jon Snow", "The quick brown fox", "jumps over a lazy dog"], "Texts of the pictures."
)

STOPPED_EXIT_CODE = 1
_log = logging.getLogger(__name__)


def main() -> None:
    command_line.use_compilation_cache()
    check_numbers()
    if HOSTS.value is not None:
        devices.connect(HOSTS.value)
    corpus = load_corpus()
    start = load_start(corpus)
    run = describe_run(corpus, start)
    _log.info("%s scan, %s, on %s.", IMPLEMENTATION.value, PRECISION.value, jax.devices()[0].device_kind)
    workdir = pathlib.Path(WORKDIR.value)
    try:
        outcome = train(
            run,
            corpus,
            workdir,
            intervals=Intervals(REPORT_EVERY.value, VALIDATE_EVERY.value, SAVE_EVERY.value, DRAW_EVERY.value),
            draw=functools.partial(draw_samples, texts_to_draw(run, corpus)),
            validation_lines=VALIDATION_LINES.value,
            initial_params=None if start is None else start.params,
            num_devices=DEVICES.value,
        )
    except TrainingStoppedError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(STOPPED_EXIT_CODE)
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        print("error: The memory does not suffice: lower --batch_size, --max_points or --hidden_size.", file=sys.stderr)
        sys.exit(STOPPED_EXIT_CODE)
    if devices.is_first():
        report(outcome, workdir)
    if outcome.stopped_by is not None:
        # What a shell gives for a process that a signal ended.
        sys.exit(128 + outcome.stopped_by)


def check_numbers() -> None:
    """Bounds that do not belong to the range themselves, which absl does not know."""
    for flag in (
        MAX_POINTS,
        MAX_GRADIENT_NORM,
        VALIDATION_LINES,
        GATE_BOUND,
        OUTPUT_BOUND,
        LEARNING_RATE,
        EPSILON,
        WEIGHT_NOISE_STD,
    ):
        if flag.value is not None and flag.value <= 0:
            raise InputError(f"Expected --{flag.name} above 0, found {flag.value}.")
    for flag in (DECAY, MOMENTUM, EMA_DECAY):
        if flag.value >= 1:
            raise InputError(f"Expected --{flag.name} below 1, found {flag.value}.")


def load_corpus() -> Corpus:
    """The corpus of --data, or the synthetic writers'."""
    if DATA.value is not None:
        corpus = Corpus.load(DATA.value)
        for split, without in (("training", ""), ("validation", "; --validate_every=0 trains without them")):
            if not len(corpus.indices(split)) and (split == "training" or VALIDATE_EVERY.value):
                raise InputError(f"Expected {split} lines in {DATA.value}, found none{without}.")
        return corpus
    return hershey_corpus(
        num_lines=NUM_LINES.value,
        seed=SEED.value,
        min_characters=3,
        max_characters=MAX_CHARACTERS.value,
        points_per_character=POINTS.value,
    )


def load_start(corpus: Corpus) -> Weights | None:
    """The weights of --warm_start, if any: shipped ones by name, or the best of a workdir; grown if asked for."""
    if WARM_START.value is None:
        if GROW_ALPHABET.value or RESEMBLES.value:
            raise InputError("Expected --grow_alphabet and --resembles to come with --warm_start, found none.")
        return None
    source = pathlib.Path(WARM_START.value)
    start = graves_jax.load(checkpoint=source) if source.is_dir() else graves_jax.load(WARM_START.value)
    take_shape(start)
    if STYLE_SIZE.value:
        start = grow_styles(jax.random.key(SEED.value), start, STYLE_SIZE.value)
    if END_SYMBOL.value:
        # Its rows begin as zeros: the window sees zeros behind a text.
        ended = dataclasses.replace(start.alphabet, has_end=True)
        start = grow_alphabet(start, ended, resembles={} if start.alphabet.has_end else {"end": ""})
    check_scale(corpus, start)
    if not GROW_ALPHABET.value:
        if RESEMBLES.value:
            raise InputError("Expected --resembles to come with --grow_alphabet, found it alone.")
        return start
    alphabet = start.alphabet.with_characters(corpus.characters)
    return grow_alphabet(start, alphabet, resembles=command_line.resemblances(RESEMBLES.value))


def describe_run(corpus: Corpus, start: Weights | None) -> Run:
    """The run of the flags.

    Args:
      start: weights to start from, or None.
    Raises:
      InputError: these weights are not of the network that the flags describe.
    """
    provenance = {"data": corpus.provenance, "fingerprint": corpus.fingerprint, "version": __version__}
    training = training_config(corpus, start)
    if start is None:
        alphabet = choose_alphabet(corpus)
        return Run(network_config(corpus, alphabet), training, alphabet, corpus.normalisation, provenance)
    network = network_config(corpus, start.alphabet)
    # It is only where the window begins, and how long a line may become.
    network = dataclasses.replace(network, points_per_character=start.network.points_per_character)
    provenance |= {"warm_start": {"from": WARM_START.value, "provenance": start.provenance}}
    return Run(network, training, start.alphabet, start.normalisation, provenance)


def take_shape(start: Weights) -> None:
    """Flags of the network's shape that were not given take it from the weights of --warm_start.

    Raises:
      InputError: one was given and says something else; every such flag is named.
    """
    network = start.network
    found = [
        (TASK, "synthesis" if network.reads_text else "prediction"),
        (CELL, network.cell),
        (NUM_LAYERS, network.num_layers),
        (HIDDEN_SIZE, network.hidden_size),
        (NUM_COMPONENTS, network.num_components),
        # It is none of the parameters: another one may be asked for.
        (SIGMA_FLOOR, SIGMA_FLOOR.value if SIGMA_FLOOR.present else network.sigma_floor),
    ]
    if network.reads_text:
        found.append((NUM_WINDOW, network.num_window))
    # Styles that the weights do not have can be given to them.
    if network.style_size or not STYLE_SIZE.present:
        found.append((STYLE_SIZE, network.style_size))
    wrong = [(flag, value) for flag, value in found if flag.present and flag.value != value]
    if wrong:
        raise InputError(
            f"Expected --warm_start={WARM_START.value} to have {', '.join(f'{f.name} {f.value}' for f, _ in wrong)}, "
            f"found {', '.join(f'{flag.name} {value}' for flag, value in wrong)}: leave these flags out, or give "
            f"{' '.join(f'--{flag.name}={value}' for flag, value in wrong)}."
        )
    for flag, value in found:
        flags.FLAGS[flag.name].value = value


def choose_alphabet(corpus: Corpus) -> Alphabet:
    """The alphabet that --alphabet names."""
    if END_SYMBOL.value and TASK.value != "synthesis":
        raise InputError(f"Expected --end_symbol with --task=synthesis, which reads text, found {TASK.value}.")
    named = {"data": Alphabet(corpus.characters), "ascii": ASCII_ALPHABET, "graves": GRAVES_ALPHABET}
    return dataclasses.replace(named[ALPHABET.value], has_end=END_SYMBOL.value)


def network_config(corpus: Corpus, alphabet: Alphabet) -> NetworkConfig:
    """The network that the flags describe."""
    reads_text = TASK.value == "synthesis"
    training = corpus.indices("training")
    return NetworkConfig(
        num_characters=len(alphabet) if reads_text else 0,
        num_window=NUM_WINDOW.value if reads_text else 0,
        num_layers=NUM_LAYERS.value,
        hidden_size=HIDDEN_SIZE.value,
        num_components=NUM_COMPONENTS.value,
        cell=CELL.value,
        points_per_character=round(float(corpus.lengths[training].sum() / corpus.text_lengths[training].sum()), 2),
        sigma_floor=SIGMA_FLOOR.value,
        gate_gradient_bound=GATE_BOUND.value,
        output_gradient_bound=OUTPUT_BOUND.value,
        precision=cast(Precision, PRECISION.value),
        implementation=cast(Implementation, IMPLEMENTATION.value),
        style_size=STYLE_SIZE.value,
        ends_text=reads_text and alphabet.has_end,
    )


def training_config(corpus: Corpus, start: Weights | None) -> TrainingConfig:
    """How the flags train.

    Raises:
      InputError: the network is to learn styles, but the corpus names no writers; or with weight noise.
    """
    num_writers = len(writers_of(corpus)) if STYLE_SIZE.value else 0
    # Weights that have styles keep them, and learn lines of no writer in no hand in particular.
    has_styles = start is not None and start.network.style_size > 0
    if STYLE_SIZE.value and not (num_writers or has_styles):
        raise InputError(
            "Expected training lines with writers for --style_size, found none that names its writer: make the corpus "
            "from a source that does (IAM-OnDB with writers.tsv), or leave --style_size out."
        )
    noisy = WEIGHT_NOISE.value != "none"
    if noisy and (num_writers or DROPOUT.value or WEIGHT_DROP.value):
        raise InputError("Expected --weight_noise alone, found it with --style_size, --dropout or --weight_drop.")
    lines_per_pass = len(oversampled(corpus, "training", OVERSAMPLE.value)) if noisy or num_writers else None
    return TrainingConfig(
        num_steps=NUM_STEPS.value,
        batch_size=BATCH_SIZE.value,
        max_points=MAX_POINTS.value,
        optimizer=cast(Optimizer, OPTIMIZER.value),
        learning_rate=LEARNING_RATE.value,
        warmup_steps=WARMUP_STEPS.value,
        cooldown_steps=COOLDOWN_STEPS.value,
        final_learning_rate=FINAL_LEARNING_RATE.value,
        decay=DECAY.value,
        momentum=MOMENTUM.value,
        centered=CENTERED.value,
        epsilon=EPSILON.value,
        gradient_per=cast(GradientPer, GRADIENT_PER.value),
        max_gradient_norm=MAX_GRADIENT_NORM.value,
        ema_decay=EMA_DECAY.value,
        weight_noise=cast(WeightNoise, WEIGHT_NOISE.value),
        weight_noise_std=WEIGHT_NOISE_STD.value,
        lines_per_pass=lines_per_pass,
        scale=SCALE.value,
        slant=SLANT.value,
        rethin=RETHIN.value,
        oversample=OVERSAMPLE.value,
        dropout=DROPOUT.value,
        weight_drop=WEIGHT_DROP.value,
        num_writers=num_writers,
        any_style_share=ANY_STYLE_SHARE.value,
        style_learning_rate=STYLE_LEARNING_RATE.value,
        seed=SEED.value,
    )


def texts_to_draw(run: Run, corpus: Corpus) -> list[str]:
    """What the pictures of samples say: --draw_text, or what the network can write, from its own data if need be.

    Raises:
      InputError: --draw_text was given and has characters that the network does not know.
    """
    if not run.network.reads_text:
        return []
    if DRAW_TEXTS.present:
        for text in DRAW_TEXTS.value:
            check_text(run.weights({}), text)
        return DRAW_TEXTS.value
    known = [text for text in DRAW_TEXTS.value if run.alphabet.has_other or not run.alphabet.unknown(text)]
    return known or [corpus.texts[line] for line in corpus.indices("validation")[:3]]


def draw_samples(texts: list[str], weights: Weights, path: pathlib.Path) -> None:
    """Draws the texts at bias 0.5 and with the same keys each time, just as they come, without a second try."""
    if not texts:
        return
    keys = [jax.random.key(row) for row in range(len(texts))]
    written = write_lines(weights, texts, keys=keys, bias=0.5, max_attempts=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Under another name first, so that a picture that is there is whole.
    unfinished = path.with_name(f"unfinished_{path.name}.png")
    save_ink(unfinished, [line.ink for line in written])
    unfinished.replace(path.with_suffix(".png"))


def report(outcome: Outcome, workdir: pathlib.Path) -> None:
    """What was reached, for people and as JSON."""
    interrupted = outcome.stopped_by is not None
    state = "done"
    if interrupted:
        state = f"stopped by {signal.Signals(outcome.stopped_by).name}; the same command goes on"
    elif not outcome.updates:
        state = "done already; a larger --num_steps goes on from there"
    speed = f"; {outcome.points_per_second:,.0f} points/s" if outcome.points_per_second else ""
    print(f"{workdir}: {outcome.step} updates, {state}{speed}")
    rows = {name: value for name, value in outcome.rows.items() if name not in ("step", "learning_rate")}
    for name, value in rows.items():
        print(f"  {name}: {'not finite' if value is None else format(value, '.4g')}")
    command_line.print_json(
        {
            "workdir": str(workdir),
            "step": outcome.step,
            "interrupted": interrupted,
            "points_per_second": round(outcome.points_per_second, 1),
            **rows,
        }
    )


if __name__ == "__main__":
    command_line.run(main)
