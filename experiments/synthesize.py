"""Writes data sets of lines, for those who train recognisers.

    python experiments/synthesize.py --lines=100_000 --per_shard=1_000 --output=lines
    python experiments/synthesize.py --lines=1_000_000 --per_shard=2_000 --output=lines --engine=ray
    python experiments/synthesize.py --lines=50_000 --texts_file=letters.txt --png_height=64 --output=pictures
    python experiments/synthesize.py --lines=50_000 --words_file=words.txt --words=1,3 --format=parquet --output=words

--engine=serial writes in this process, ray on all cores of this machine or on a cluster (--ray_address), array in the
tasks of a SLURM array or a Kubernetes indexed job, each of which is started with this same command. Files that are
there are passed over, so the same command goes on where one was killed; which engine wrote, and what was killed,
changes no byte. DIR/DATA_CARD.md says what the lines are, and `sha256sum --check SHA256SUMS` whether they are whole.

Progress goes to standard error, a report to standard output, and on its last line the same as JSON.
"""

import os
import pathlib
import shlex
import sys
import time

import command_line
from absl import flags

from graves_jax.commands import weights_flags

LINES = flags.DEFINE_integer("lines", None, "How many lines, at most 2^32.", 1, 2**32)
PER_SHARD = flags.DEFINE_integer("per_shard", 1_000, "Lines of a file; a process holds them in memory.", 1)
OUTPUT = flags.DEFINE_string("output", None, "Folder of the data set; made if missing, gone on with if it holds it.")
ENGINE = flags.DEFINE_enum("engine", "serial", ["serial", "ray", "array"], "Who writes.")
FORMAT = flags.DEFINE_enum(
    "format", "tar", ["tar", "jsonl", "parquet", "array_record", "inkml"], "Of the files; tar is a WebDataset."
)
PNG_HEIGHT = flags.DEFINE_integer("png_height", 0, "Pixels of a picture of each line (tar); 0 draws none.", 0, 4_096)
SEED = flags.DEFINE_integer("seed", 0, "Another seed, other lines.", 0, 2**32 - 1)

TEXTS_FILE = flags.DEFINE_string("texts_file", None, "A UTF-8 file: its lines are written in turn.")
WORDS_FILE = flags.DEFINE_string("words_file", None, "A UTF-8 file of words, one a line, that are drawn at random.")
WORDS = flags.DEFINE_list("words", ["1", "1"], "Words of a text from --words_file: LOW,HIGH.")
CHARACTERS = flags.DEFINE_list("characters", ["4", "40"], "Characters of a made-up sentence: LOW,HIGH.")
BIAS = flags.DEFINE_list("bias", ["0.25", "1"], "LOW,HIGH; Graves section 5.4. 0 as messily as people, more is neater.")
HANDS = flags.DEFINE_list(
    "hands",
    None,
    "Kinds of hand, of which each line draws one: any (the network's own choice), styles (that ship), vectors (new "
    "hands, the default for weights that have style vectors).",
)
SCALE = flags.DEFINE_float("scale", 0.0, "Augmentation: share by which lines are stretched at most.", 0, 0.9)
SLANT = flags.DEFINE_float("slant", 0.0, "Augmentation: degrees by which lines are slanted at most.", 0, 60)
ROTATION = flags.DEFINE_float("rotation", 0.0, "Augmentation: degrees by which lines climb or fall at most.", 0, 60)

NUM_PLACES = flags.DEFINE_integer("num_places", 64, "Lines drawn at once; a GPU takes 256 and more.", 2, 65_536)
RAY_ADDRESS = flags.DEFINE_string("ray_address", "local", "local, auto, or HOST:PORT of a cluster that runs.")
NUM_GPUS = flags.DEFINE_float("num_gpus", 0.0, "GPUs, or the share of one, for each of Ray's workers.", 0, 64)
TASKS = flags.DEFINE_integer("tasks", None, "Tasks of the array, where the cluster does not say (Kubernetes).", 1)

flags.adopt_module_key_flags(weights_flags)

STOPPED_EXIT_CODE = 1
# What the data set does not depend on, and so what its card does not tell.
_ABOUT_THIS_RUN = {"engine", "output", "ray_address", "num_gpus", "tasks"}
_PATHS = {"texts_file", "words_file", "checkpoint"}


def main() -> None:
    started = time.perf_counter()
    lines, output = check_flags()
    # JAX takes a second to import: a wrong flag is told without it.
    from graves_jax.synthesis import engines
    from graves_jax.synthesis.data_card import data_card
    from graves_jax.synthesis.formats import check_format
    from graves_jax.synthesis.shards import finish, is_there, open_folder, read_summary

    command_line.use_compilation_cache()
    check_format(FORMAT.value)
    plan, folder = make_plan(lines), pathlib.Path(output)
    task = which_task()
    open_folder(plan, folder)
    shards = task.shards(plan)
    there = sum(is_there(plan, folder, shard) for shard in shards)
    if ENGINE.value == "ray":
        options = {"address": RAY_ADDRESS.value, "num_gpus": NUM_GPUS.value}
        try:
            engines.write_by_ray(plan, folder, shards, **options)
        except engines.SynthesisStoppedError as error:
            print(f"error: {error}", file=sys.stderr)
            sys.exit(STOPPED_EXIT_CODE)
    else:
        engines.write_here(plan, folder, shards)
    complete = finish(plan, folder, lambda summaries: data_card(plan, plan.description(), command(), summaries))
    own = [read_summary(plan, folder, shard) for shard in shards]
    report(own, there, complete is not None, time.perf_counter() - started)


def check_flags() -> tuple[int, str]:
    """What can be told without JAX; --lines and --output, which must be there."""
    from graves_jax.errors import InputError

    lines, output = LINES.value, OUTPUT.value
    if lines is None or output is None:
        raise InputError(f"Expected --{(LINES if lines is None else OUTPUT).name}, found none.")
    if TEXTS_FILE.value is not None and WORDS_FILE.value is not None:
        raise InputError("Expected one of --texts_file and --words_file, found both.")
    if WORDS.present and WORDS_FILE.value is None:
        raise InputError("Expected --words to come with --words_file, found it alone.")
    if CHARACTERS.present and (TEXTS_FILE.value or WORDS_FILE.value):
        raise InputError("Expected --characters to come with made-up sentences, found a file of texts or words.")
    for flag, engine in ((RAY_ADDRESS, "ray"), (NUM_GPUS, "ray"), (TASKS, "array")):
        if flag.present and ENGINE.value != engine:
            raise InputError(f"Expected --{flag.name} to come with --engine={engine}, found {ENGINE.value}.")
    weights_flags.check()
    for flag, kind in ((WORDS, int), (CHARACTERS, int), (BIAS, float)):
        pair(flag, kind)
    return lines, output


def pair(flag, kind: type) -> tuple:
    """LOW and HIGH of a flag; one number is both."""
    from graves_jax.errors import InputError

    try:
        low, high = map(kind, flag.value if len(flag.value) != 1 else flag.value * 2)
    except ValueError:
        raise InputError(f"Expected --{flag.name}=LOW,HIGH, found {','.join(flag.value)!r:.100}.") from None
    return low, high


def make_plan(lines: int):
    """The data set of the flags."""
    from graves_jax.data.augmentation import Augmentation
    from graves_jax.synthesis.plan import Plan, prepare, usual_hands
    from graves_jax.synthesis.texts import Lines, Sentences, Words

    if TEXTS_FILE.value is not None:
        texts = Lines(os.path.abspath(TEXTS_FILE.value))
    elif WORDS_FILE.value is not None:
        texts = Words(os.path.abspath(WORDS_FILE.value), *pair(WORDS, int))
    else:
        texts = Sentences(*pair(CHARACTERS, int))
    checkpoint = weights_flags.CHECKPOINT.value
    weights = weights_flags.shipped_name() if checkpoint is None else os.path.abspath(checkpoint)
    changes = (SCALE.value, SLANT.value, ROTATION.value)
    plan = Plan(
        lines=lines,
        per_shard=PER_SHARD.value,
        seed=SEED.value,
        weights=weights,
        texts=texts,
        bias=pair(BIAS, float),
        hands=tuple(HANDS.value or usual_hands(weights)),
        augmentation=Augmentation(*changes) if any(changes) else None,
        format=FORMAT.value,
        png_height=PNG_HEIGHT.value,
        num_places=NUM_PLACES.value,
    )
    prepare(plan)
    return plan


def which_task():
    """The part of the data set that this process answers for: all of it, but in an array."""
    from graves_jax.synthesis.engines import Task, array_task

    if ENGINE.value != "array":
        return Task(0, 1)
    task = array_task(os.environ, TASKS.value)
    if task is None:
        print("warning: Neither SLURM nor Kubernetes says which task this is: it writes all shards.", file=sys.stderr)
        return Task(0, 1)
    return task


def command() -> str:
    """The command that makes this data set, without what it does not depend on."""
    given = []
    for flag in flags.FLAGS.get_key_flags_for_module(sys.modules[__name__]):
        if flag.present and flag.name not in _ABOUT_THIS_RUN:
            name, equals, value = flag.serialize().partition("=")
            # Where a file was says nothing about the lines.
            given.append(f"{name}{equals}{os.path.basename(value) if flag.name in _PATHS else value}")
    return shlex.join(["python", "experiments/synthesize.py", *sorted(given), "--output=DIR"])


def report(summaries, there: int, complete: bool, seconds: float) -> None:
    """What was written, for people and as JSON."""
    lines, points, size = (sum(getattr(own, name) for own in summaries) for name in ("lines", "points", "bytes"))
    state = "complete" if complete else "other tasks' shards are missing"
    print(f"{OUTPUT.value}: {lines:,} lines in {len(summaries):,} shards, {size:,} bytes, {seconds:.1f} s; {state}")
    command_line.print_json(
        {
            "output": OUTPUT.value,
            "lines": lines,
            "shards": len(summaries),
            "bytes": size,
            "points": points,
            "faults": sum(sum(summary.faults.values()) for summary in summaries),
            "passed_over": there,
            "complete": complete,
            "seconds": round(seconds, 2),
        }
    )


if __name__ == "__main__":
    command_line.use_huge_pages()
    command_line.run(main)
