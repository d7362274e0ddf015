"""Mutation testing: puts one defect at a time into the package and looks whether a test fails.

    python experiments/mutants.py                       all of them, some minutes on a quiet machine
    python experiments/mutants.py --only=batches        those whose name has this in it

Each mutant is a defect that could slip in unseen: something lost on its way from a flag to what runs, a bound that is
loosened, a step that is left out. It is made in a copy of the checkout, and the tests that should fail are run there.
The report names the mutants that survived; the last line has it as JSON. The aim is that none does.
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


# By file and tests (arguments of pytest): what is wrong, the text that is replaced, which stands there once, by what.
DEFECTS = {
    # From the configuration to what runs.
    ("graves_jax/model/network.py", "tests/model/test_network.py -k each_clip"): [
        ("the gates' bound does not reach the scans", '"bound": config.gate_gradient_bound', '"bound": None'),
    ],
    ("graves_jax/training/loop.py", "tests/training/test_loop.py -k configuration"): [
        ("loop: the seed is lost", "seed=training.seed,", "seed=0,"),
        ("loop: no augmentation", "augmentation=augmentation,", "augmentation=None,"),
        ("loop: the slant is lost", ", slant=training.slant)", ")"),
        ("loop: slant alone augments nothing", "if training.scale or training.slant:", "if training.scale:"),
        ("loop: lines are not cropped", "max_points=training.max_points,", "max_points=None,"),
    ],
    ("graves_jax/training/loop.py", "tests/training/test_loop.py -k outcome"): [
        ("loop: says that a run has made no updates", "updates=step - progress.first_step", "updates=0"),
    ],
    ("graves_jax/sampling/write.py", "tests/test_api.py -k bias"): [
        (
            "write: the bias is 0",
            "bias=np.full(len(codes), bias, np.float32),",
            "bias=np.zeros(len(codes), np.float32),",
        ),
    ],
    ("graves_jax/sampling/write.py", "tests/sampling/test_write.py -k networks_unit"): [
        (
            "write: a style is not normalised",
            "points = weights.normalisation.normalise(style.offsets)",
            "points = style.offsets",
        ),
    ],
    ("graves_jax/sampling/write.py", "tests/sampling/test_write.py -k padded_alike"): [
        (
            "write: lines that are padded unlike share a batch",
            "lambda drawing: padded(lengths[drawing[0]]))",
            "lambda drawing: 0)",
        ),
    ],
    ("graves_jax/sampling/write.py", "tests/sampling/test_write.py -k cut_by"): [
        (
            "write: a line is cut by the length of the longest",
            "limits = [*(point_limit(weights, len(text)) for text in texts)",
            "limits = [*(point_limit(weights, max(map(len, texts))) for text in texts)",
        ),
    ],
    ("graves_jax/api.py", "tests/test_api.py -k stays_wrong"): [
        ("write: a faulty line comes without a warning", "if written.fault:", "if False:"),
    ],
    ("graves_jax/commands/write_line.py", "tests/experiments/test_flags.py -k sample"): [
        ("sample.py ignores --seed", "jax.random.key(hand_flags.SEED.value)", "jax.random.key(0)"),
        ("sample.py ignores --style", "        style=style,\n", "        style=None,\n"),
        ("sample.py ignores --bias", "bias=hand_flags.BIAS.value,", "bias=0.75,"),
        ("sample.py ignores --best_of", "best_of=hand_flags.BEST_OF.value,", "best_of=1,"),
    ],
    ("experiments/evaluate.py", "tests/experiments/test_flags.py -k evaluate_reaches"): [
        (
            "evaluate.py ignores --split",
            '"split": SPLIT.value,\n        "seed"',
            '"split": "validation",\n        "seed"',
        ),
        (
            "evaluate.py ignores --split of the likelihood",
            "        corpus,\n        SPLIT.value,",
            '        corpus,\n        "validation",',
        ),
    ],
    ("experiments/evaluate.py", "tests/experiments/test_flags.py -k noise"): [
        ("evaluate.py ignores --seed", "default_rng(SEED.value)", "default_rng(0)"),
    ],
    ("experiments/train.py", "tests/experiments/test_flags.py -k train"): [
        *(
            (f"train.py: --{name} is lost", f" {name}={name.upper()}.value,\n", "\n")
            for name in ("ema_decay", "centered", "max_gradient_norm", "momentum", "epsilon", "dropout", "sigma_floor")
        ),
        (
            "train.py: --gate_gradient_bound is lost",
            "gate_gradient_bound=GATE_BOUND.value,",
            "gate_gradient_bound=None,",
        ),
        ("train.py: --validation_lines is lost", "validation_lines=VALIDATION_LINES.value,", "validation_lines=None,"),
    ],
    ("experiments/flags/graves2013.flags", "tests/experiments/test_train.py -k flagfiles_of"): [
        ("the paper's flags: not centred", "--momentum=0.9\n", "--momentum=0.9\n--nocentered\n"),
        ("the paper's flags: averaged weights", "--momentum=0.9\n", "--momentum=0.9\n--ema_decay=0.9\n"),
    ],
    ("graves_jax/training/optimizer.py", "tests/training/test_optimizer.py"): [
        (
            "momentum comes before the learning rate",
            "            optax.scale_by_learning_rate(schedule),\n            optax.trace(config.momentum),\n",
            "            optax.trace(config.momentum),\n            optax.scale_by_learning_rate(schedule),\n",
        ),
    ],
    # Evaluation.
    ("graves_jax/data/batches.py", "tests/data/test_batches.py"): [
        *(
            (
                f"evaluation: lines are cut at {points} points",
                "        inks = [corpus[line].ink for line in lines[rows]]\n",
                f"        cut = [corpus[line].ink for line in lines[rows]]\n"
                f"        inks = [Ink(ink.offsets[:{points}], ink.text) for ink in cut]\n",
            )
            for points in (256, 1_024)
        ),
        (
            "evaluation: long lines are dropped",
            "    lines = corpus.indices(split)\n    if num_lines",
            "    lines = corpus.indices(split)\n    lines = lines[corpus.lengths[lines] <= 1_024]\n    if num_lines",
        ),
        ("evaluation: num_lines is ignored", "if num_lines is not None and num_lines < len(lines):", "if False:"),
        (
            "evaluation: num_lines takes the first",
            "lines[np.linspace(0, len(lines) - 1, num_lines).astype(int)]",
            "lines[:num_lines]",
        ),
        ("batches: the order is worked out for every batch", "functools.lru_cache(maxsize=2)(", "("),
    ],
    # The corpus.
    ("graves_jax/data/corpus.py", "tests/data/test_corpus.py"): [
        (
            "fingerprint: without the pen",
            "for array in (self.xy, self.end_of_stroke, self.lengths, self.halfway):",
            "for array in (self.xy, self.lengths, self.halfway):",
        ),
        (
            "fingerprint: without the lengths",
            "for array in (self.xy, self.end_of_stroke, self.lengths, self.halfway):",
            "for array in (self.xy, self.end_of_stroke, self.halfway):",
        ),
    ],
    ("graves_jax/data/corpus.py", "tests/data/test_corpus.py -k claims"): [
        (
            "corpus: a header is believed",
            "if not all(type(length) is int for length in shape) or",
            "if not all(type(length) is int for length in shape) and",
        ),
    ],
    # Faults.
    ("graves_jax/sampling/faults.py", "tests/sampling/test_faults.py"): [
        ("faults: dwelling ten times", "MAX_DWELLING = 8.8", "MAX_DWELLING = 88.0"),
        ("faults: a dwelling of 9", "MAX_DWELLING = 8.8", "MAX_DWELLING = 9.0"),
        ("faults: jumps of 4", "MAX_JUMP = 2", "MAX_JUMP = 4"),
        ("faults: widths of 0.3 to 3.1", "WIDTH_RANGE = (0.45, 2.4)", "WIDTH_RANGE = (0.3, 3.1)"),
        ("faults: a height of 0.6", "MIN_HEIGHT = 1.5", "MIN_HEIGHT = 0.6"),
        ("faults: only from left to right", "abs(mean_dx)", "mean_dx"),
    ],
    # What users meet.
    ("graves_jax/data/ink.py", "tests/data/test_ink.py"): [
        (
            "ink shares its array",
            "offsets = np.array(self.offsets, np.float32)",
            "offsets = np.asarray(self.offsets, np.float32)",
        ),
        ("ink can be edited", "        offsets.setflags(write=False)\n", ""),
    ],
    ("graves_jax/sampling/styles.py", "tests/sampling/test_styles.py"): [
        ("a style is not brought to scale", "weights.normalisation == shipped_normalisation(DEFAULT)", "True"),
    ],
    ("graves_jax/api.py", "tests/test_api.py -k name_or"): [
        (
            "load ignores a name beside a checkpoint",
            "    if name is not None:\n        raise",
            "    if False:\n        raise",
        ),
    ],
    ("graves_jax/sampling/write.py", "tests/test_api.py -k seed"): [
        ("seeds are cut to 32 bits", "if not 0 <= seed <= MAX_SEED:", "if not 0 <= seed:"),
    ],
    ("graves_jax/training/config.py", "tests/training/test_config.py"): [
        ("decay is not checked", '    "decay": _BELOW_ONE,\n', ""),
        ("names of optimisers are not checked", '            ("optimizer", OPTIMIZERS),\n', ""),
    ],
    ("graves_jax/files.py", "tests/test_files.py tests/model/test_weights.py"): [
        (
            "files are for their owner alone",
            "unfinished.replace(path)",
            "unfinished.chmod(0o600)\n        unfinished.replace(path)",
        ),
    ],
    ("graves_jax/training/session.py", "tests/training/test_loop.py -k early"): [
        ("a run saves late", "if now or due or self._first_is_due():", "if now or due:"),
    ],
}
MUTANTS = [
    Mutant(name, file, before, after, tests)
    for (file, tests), defects in DEFECTS.items()
    for name, before, after in defects
]


def main() -> None:
    chosen = [mutant for mutant in MUTANTS if ONLY.value is None or ONLY.value in mutant.name]
    if not chosen:
        raise InputError(f"Expected --only to be part of a mutant's name, found {ONLY.value!r}.")
    started, survived = time.perf_counter(), []
    with tempfile.TemporaryDirectory() as folder:
        copy = copy_checkout(pathlib.Path(folder))
        # Tests that fail anyway would notice everything.
        for tests in Bar(sorted({mutant.tests for mutant in chosen}), desc="unchanged", unit="run"):
            if tests_fail(tests, copy):
                raise InputError(f"Expected tests that pass on the code as it is, found {tests!r} to fail.")
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
      InputError: what the mutant changes is not there, or there more than once, or it has no tests.
    """
    file = copy / mutant.file
    whole = file.read_text(encoding="utf-8")
    if whole.count(mutant.before) != 1:
        raise InputError(
            f"Expected {mutant.before!r} once in {mutant.file}, found it {whole.count(mutant.before)} times."
        )
    file.write_text(whole.replace(mutant.before, mutant.after), encoding="utf-8")
    try:
        return tests_fail(mutant.tests, copy)
    finally:
        file.write_text(whole, encoding="utf-8")


def tests_fail(tests: str, copy: pathlib.Path) -> bool:
    """Whether one of these tests fails, or all of them take too long.

    Raises:
      InputError: there are no such tests.
    """
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests.split()]
    environment = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        code = subprocess.run(command, cwd=copy, env=environment, capture_output=True, timeout=MAX_SECONDS).returncode
    except subprocess.TimeoutExpired:
        return True
    if code not in (0, 1):
        raise InputError(f"Expected tests in {tests!r}, found pytest's exit code {code}.")
    return code == 1


if __name__ == "__main__":
    command_line.run(main)
