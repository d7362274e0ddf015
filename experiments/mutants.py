"""Changes the package for the worse, one line at a time, and looks whether a test notices: the tests' own test.

    python experiments/mutants.py                       all of them, some minutes on a quiet machine
    python experiments/mutants.py --only=batches        those whose name has this in it

Each mutant is a defect that could slip in unseen: something lost on its way from a flag to what runs, a bound that is
loosened, a step that is left out. It is made in a copy of the checkout, of which the test files that answer for it are
run. The report names what survived; the last line has it as JSON. The aim is that none does.
"""

import dataclasses
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import command_line
from absl import flags

from graves_jax.bars import Bar
from graves_jax.errors import InputError

ONLY = flags.DEFINE_string("only", None, "Only mutants whose name has this in it.")
# Of one run of tests. A mutant that makes a test hang is noticed too.
MAX_SECONDS = 1_200

ROOT = pathlib.Path(__file__).parents[1]
COPIED = ("graves_jax", "experiments", "tests", "docs", "pyproject.toml", "README.md")


@dataclasses.dataclass(frozen=True)
class Mutant:
    """One defect.

    Attributes:
      name: what is wrong, in a few words.
      file: where, from the root of the checkout.
      before, after: the text that is replaced, which stands there once, and by what.
      tests: what is run: arguments of pytest, one string.
    """

    name: str
    file: str
    before: str
    after: str
    tests: str


_BATCHES = "graves_jax/data/batches.py"
_LOOP = "graves_jax/training/loop.py"
_FAULTS = "graves_jax/sampling/faults.py"
_WRITE = "graves_jax/sampling/write.py"
_TRAIN = "experiments/train.py"
_CONFIG = "graves_jax/training/config.py"
_CORPUS = "graves_jax/data/corpus.py"
_PAPER = "experiments/flags/graves2013.flags"
_PAPER_TEST = "tests/experiments/test_train.py -k flagfiles_of"
_BATCHES_TEST = "tests/data/test_batches.py"
_FLAGS = "tests/experiments/test_flags.py"
_LOOP_TEST = "tests/training/test_loop.py -k configuration"
MUTANTS = [
    # From the configuration to what runs.
    Mutant(
        "the gates' bound does not reach the scans",
        "graves_jax/model/network.py",
        '"bound": config.gate_gradient_bound',
        '"bound": None',
        "tests/model/test_network.py -k each_clip",
    ),
    Mutant("loop: the seed is lost", _LOOP, "seed=training.seed,", "seed=0,", _LOOP_TEST),
    Mutant("loop: no augmentation", _LOOP, "augmentation=augmentation,", "augmentation=None,", _LOOP_TEST),
    Mutant("loop: the slant is lost", _LOOP, ", slant=training.slant)", ")", _LOOP_TEST),
    Mutant(
        "loop: slant alone augments nothing",
        _LOOP,
        "if training.scale or training.slant:",
        "if training.scale:",
        _LOOP_TEST,
    ),
    Mutant("loop: lines are not cropped", _LOOP, "max_points=training.max_points,", "max_points=None,", _LOOP_TEST),
    Mutant(
        "loop: says that a run has made no updates",
        _LOOP,
        "updates=step - progress.first_step",
        "updates=0",
        "tests/training/test_loop.py -k outcome",
    ),
    Mutant(
        "write: the bias is 0",
        _WRITE,
        "bias=np.full(len(codes), bias, np.float32),",
        "bias=np.zeros(len(codes), np.float32),",
        "tests/test_api.py -k bias",
    ),
    Mutant(
        "write: a style is not normalised",
        _WRITE,
        "points = weights.normalisation.normalise(style.offsets)",
        "points = style.offsets",
        "tests/sampling/test_write.py -k networks_unit",
    ),
    Mutant(
        "write: lines that are padded unlike share a batch",
        _WRITE,
        "lambda drawing: padded(lengths[drawing[0]]))",
        "lambda drawing: 0)",
        "tests/sampling/test_write.py -k padded_alike",
    ),
    Mutant(
        "write: a line is cut by the length of the longest",
        _WRITE,
        "limits = [*(point_limit(weights, len(text)) for text in texts)",
        "limits = [*(point_limit(weights, max(map(len, texts))) for text in texts)",
        "tests/sampling/test_write.py -k cut_by",
    ),
    Mutant(
        "write: a faulty line comes without a warning",
        "graves_jax/api.py",
        "if written.fault:",
        "if False:",
        "tests/test_api.py -k stays_wrong",
    ),
    Mutant(
        "sample.py ignores --seed",
        "graves_jax/commands/write_line.py",
        "jax.random.key(hand_flags.SEED.value)",
        "jax.random.key(0)",
        _FLAGS + " -k sample",
    ),
    Mutant(
        "sample.py ignores --style",
        "graves_jax/commands/write_line.py",
        "        style=style,\n",
        "        style=None,\n",
        _FLAGS + " -k sample",
    ),
    Mutant(
        "sample.py ignores --bias",
        "graves_jax/commands/write_line.py",
        "bias=hand_flags.BIAS.value,",
        "bias=0.75,",
        _FLAGS + " -k sample",
    ),
    Mutant(
        "sample.py ignores --best_of",
        "graves_jax/commands/write_line.py",
        "best_of=hand_flags.BEST_OF.value,",
        "best_of=1,",
        _FLAGS + " -k sample",
    ),
    Mutant(
        "evaluate.py ignores --split",
        "experiments/evaluate.py",
        '"split": SPLIT.value,\n        "seed"',
        '"split": "validation",\n        "seed"',
        _FLAGS + " -k evaluate_reaches",
    ),
    Mutant(
        "evaluate.py ignores --split of the likelihood",
        "experiments/evaluate.py",
        "        corpus,\n        SPLIT.value,",
        '        corpus,\n        "validation",',
        _FLAGS + " -k evaluate_reaches",
    ),
    Mutant(
        "evaluate.py ignores --seed",
        "experiments/evaluate.py",
        "default_rng(SEED.value)",
        "default_rng(0)",
        _FLAGS + " -k noise",
    ),
    *(
        Mutant(f"train.py: --{name} is lost", _TRAIN, f" {name}={name.upper()}.value,\n", "\n", _FLAGS + " -k train")
        for name in ("ema_decay", "centered", "max_gradient_norm", "momentum", "epsilon", "dropout", "sigma_floor")
    ),
    Mutant(
        "train.py: --gate_gradient_bound is lost",
        _TRAIN,
        "gate_gradient_bound=GATE_BOUND.value,",
        "gate_gradient_bound=None,",
        _FLAGS + " -k train",
    ),
    Mutant(
        "train.py: --validation_lines is lost",
        _TRAIN,
        "validation_lines=VALIDATION_LINES.value,",
        "validation_lines=None,",
        _FLAGS + " -k train",
    ),
    Mutant("the paper's flags: not centred", _PAPER, "--momentum=0.9\n", "--momentum=0.9\n--nocentered\n", _PAPER_TEST),
    Mutant(
        "the paper's flags: averaged weights",
        _PAPER,
        "--momentum=0.9\n",
        "--momentum=0.9\n--ema_decay=0.9\n",
        _PAPER_TEST,
    ),
    Mutant(
        "momentum comes before the learning rate",
        "graves_jax/training/optimizer.py",
        "            optax.scale_by_learning_rate(schedule),\n            optax.trace(config.momentum),\n",
        "            optax.trace(config.momentum),\n            optax.scale_by_learning_rate(schedule),\n",
        "tests/training/test_optimizer.py",
    ),
    # Evaluation.
    *(
        Mutant(
            f"evaluation: lines are cut at {points} points",
            _BATCHES,
            "        inks = [corpus[line].ink for line in lines[rows]]\n",
            f"        cut = [corpus[line].ink for line in lines[rows]]\n"
            f"        inks = [Ink(ink.offsets[:{points}], ink.text) for ink in cut]\n",
            _BATCHES_TEST,
        )
        for points in (256, 1_024)
    ),
    Mutant(
        "evaluation: long lines are dropped",
        _BATCHES,
        "    lines = corpus.indices(split)\n    if num_lines",
        "    lines = corpus.indices(split)\n    lines = lines[corpus.lengths[lines] <= 1_024]\n    if num_lines",
        _BATCHES_TEST,
    ),
    Mutant(
        "evaluation: num_lines is ignored",
        _BATCHES,
        "if num_lines is not None and num_lines < len(lines):",
        "if False:",
        _BATCHES_TEST,
    ),
    Mutant(
        "evaluation: num_lines takes the first",
        _BATCHES,
        "lines[np.linspace(0, len(lines) - 1, num_lines).astype(int)]",
        "lines[:num_lines]",
        _BATCHES_TEST,
    ),
    Mutant(
        "batches: the order is worked out for every batch",
        _BATCHES,
        "functools.lru_cache(maxsize=2)(",
        "(",
        _BATCHES_TEST,
    ),
    # The corpus.
    Mutant(
        "fingerprint: without the pen",
        _CORPUS,
        "for array in (self.xy, self.end_of_stroke, self.lengths, self.halfway):",
        "for array in (self.xy, self.lengths, self.halfway):",
        "tests/data/test_corpus.py",
    ),
    Mutant(
        "fingerprint: without the lengths",
        _CORPUS,
        "for array in (self.xy, self.end_of_stroke, self.lengths, self.halfway):",
        "for array in (self.xy, self.end_of_stroke, self.halfway):",
        "tests/data/test_corpus.py",
    ),
    Mutant(
        "corpus: a header is believed",
        _CORPUS,
        "if not all(type(length) is int for length in shape) or",
        "if not all(type(length) is int for length in shape) and",
        "tests/data/test_corpus.py -k claims",
    ),
    # Faults.
    Mutant(
        "faults: dwelling ten times",
        _FAULTS,
        "MAX_DWELLING = 8.8",
        "MAX_DWELLING = 88.0",
        "tests/sampling/test_faults.py",
    ),
    Mutant(
        "faults: a dwelling of 9", _FAULTS, "MAX_DWELLING = 8.8", "MAX_DWELLING = 9.0", "tests/sampling/test_faults.py"
    ),
    Mutant("faults: jumps of 4", _FAULTS, "MAX_JUMP = 2", "MAX_JUMP = 4", "tests/sampling/test_faults.py"),
    Mutant(
        "faults: widths of 0.3 to 3.1",
        _FAULTS,
        "WIDTH_RANGE = (0.45, 2.4)",
        "WIDTH_RANGE = (0.3, 3.1)",
        "tests/sampling/test_faults.py",
    ),
    Mutant("faults: a height of 0.6", _FAULTS, "MIN_HEIGHT = 1.5", "MIN_HEIGHT = 0.6", "tests/sampling/test_faults.py"),
    Mutant("faults: only from left to right", _FAULTS, "abs(mean_dx)", "mean_dx", "tests/sampling/test_faults.py"),
    # What users meet.
    Mutant(
        "ink shares its array",
        "graves_jax/data/ink.py",
        "offsets = np.array(self.offsets, np.float32)",
        "offsets = np.asarray(self.offsets, np.float32)",
        "tests/data/test_ink.py",
    ),
    Mutant(
        "ink can be edited",
        "graves_jax/data/ink.py",
        "        offsets.setflags(write=False)\n",
        "",
        "tests/data/test_ink.py",
    ),
    Mutant(
        "a style is not brought to scale",
        "graves_jax/sampling/styles.py",
        "weights.normalisation == shipped_normalisation(DEFAULT)",
        "True",
        "tests/sampling/test_styles.py",
    ),
    Mutant(
        "load ignores a name beside a checkpoint",
        "graves_jax/api.py",
        "    if name is not None:\n        raise",
        "    if False:\n        raise",
        "tests/test_api.py -k name_or",
    ),
    Mutant(
        "seeds are cut to 32 bits",
        _WRITE,
        "if not 0 <= seed <= MAX_SEED:",
        "if not 0 <= seed:",
        "tests/test_api.py -k seed",
    ),
    Mutant("decay is not checked", _CONFIG, '    "decay": _BELOW_ONE,\n', "", "tests/training/test_config.py"),
    Mutant(
        "names of optimisers are not checked",
        _CONFIG,
        '            ("optimizer", OPTIMIZERS),\n',
        "",
        "tests/training/test_config.py",
    ),
    Mutant(
        "files are for their owner alone",
        "graves_jax/files.py",
        "unfinished.replace(path)",
        "unfinished.chmod(0o600)\n        unfinished.replace(path)",
        "tests/test_files.py tests/model/test_weights.py",
    ),
    Mutant(
        "a run saves late",
        "graves_jax/training/session.py",
        "if now or due or self._first_is_due():",
        "if now or due:",
        "tests/training/test_loop.py -k early",
    ),
]


def main() -> None:
    chosen = [mutant for mutant in MUTANTS if ONLY.value is None or ONLY.value in mutant.name]
    if not chosen:
        raise InputError(f"Expected --only to be part of a mutant's name, found {ONLY.value!r}.")
    started, survived = time.perf_counter(), []
    with tempfile.TemporaryDirectory() as folder:
        copy = copy_checkout(pathlib.Path(folder))
        with Bar(chosen, desc="mutants", unit="mutant") as bar:
            for mutant in bar:
                if not is_noticed(mutant, copy):
                    survived.append(mutant.name)
                    bar.write(f"survived: {mutant.name}", file=sys.stderr)
    noticed = len(chosen) - len(survived)
    print(f"{noticed} of {len(chosen)} mutants were noticed, {noticed / len(chosen):.0%}.")
    for name in survived:
        print(f"  survived: {name}")
    seconds = round(time.perf_counter() - started, 1)
    report = {"mutants": len(chosen), "noticed": noticed, "score": noticed / len(chosen)}
    command_line.print_json(report | {"survived": survived, "seconds": seconds})


def copy_checkout(folder: pathlib.Path) -> pathlib.Path:
    """What the tests need of the checkout."""
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


def is_noticed(mutant: Mutant, copy: pathlib.Path) -> bool:
    """Whether a test fails on a mutant.

    Raises:
      InputError: what the mutant changes is not there, or there more than once, or its tests are none.
    """
    file = copy / mutant.file
    whole = file.read_text(encoding="utf-8")
    if whole.count(mutant.before) != 1:
        raise InputError(
            f"Expected {mutant.before!r} once in {mutant.file}, found it {whole.count(mutant.before)} times."
        )
    file.write_text(whole.replace(mutant.before, mutant.after), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        *mutant.tests.split(" -k ")[0].split(),
    ]
    command += ["-k", mutant.tests.split(" -k ")[1]] if " -k " in mutant.tests else []
    environment = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        code = subprocess.run(command, cwd=copy, env=environment, capture_output=True, timeout=MAX_SECONDS).returncode
    except subprocess.TimeoutExpired:
        return True
    finally:
        file.write_text(whole, encoding="utf-8")
    if code not in (0, 1):
        raise InputError(f"Expected tests in {mutant.tests!r}, found pytest's exit code {code}.")
    return code == 1


if __name__ == "__main__":
    command_line.run(main)
