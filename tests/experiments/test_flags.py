"""Every flag of the scripts reaches what it is for: a value that is not the default changes it, and nothing is lost."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from graves_jax.data.corpus import Corpus, Line
from graves_jax.data.ink import Ink

EXPERIMENTS = pathlib.Path(__file__).parents[2] / "experiments"

# For each flag of train.py a value that is not its default, and what of a run becomes which.
TRAIN = [
    ("--data=other.npz", "provenance.data.source", "other"),
    ("--workdir=elsewhere", "workdir", "elsewhere"),
    ("--hershey_lines=21", "provenance.data.num_lines", 21),
    ("--hershey_characters=5", "provenance.data.max_characters", 5),
    ("--hershey_points=9", "provenance.data.points_per_character", 9.0),
    ("--task=prediction", "network.num_window", 0),
    ("--alphabet=ascii", "network.num_characters", 95),
    ("--alphabet=graves", "network.num_characters", 57),
    ("--cell=gru", "network.cell", "gru"),
    ("--num_layers=2", "network.num_layers", 2),
    ("--hidden_size=7", "network.hidden_size", 7),
    ("--num_components=5", "network.num_components", 5),
    ("--num_window=4", "network.num_window", 4),
    ("--sigma_floor=0.25", "network.sigma_floor", 0.25),
    ("--gate_gradient_bound=10", "network.gate_gradient_bound", 10.0),
    ("--output_gradient_bound=100", "network.output_gradient_bound", 100.0),
    ("--precision=bfloat16", "network.precision", "bfloat16"),
    ("--style_size=6", "network.style_size", 6),
    ("--style_size=6", "training.num_writers", 2),
    ("--end_symbol", "network.ends_text", True),
    ("--implementation=reference", "network.implementation", "reference"),
    ("--num_steps=77", "training.num_steps", 77),
    ("--batch_size=3", "training.batch_size", 3),
    ("--max_points=50", "training.max_points", 50),
    ("--optimizer=adam", "training.optimizer", "adam"),
    ("--learning_rate=0.5", "training.learning_rate", 0.5),
    ("--final_learning_rate=0.5", "training.final_learning_rate", 0.5),
    ("--warmup_steps=5", "training.warmup_steps", 5),
    ("--cooldown_steps=6", "training.cooldown_steps", 6),
    ("--decay=0.5", "training.decay", 0.5),
    ("--momentum=0.5", "training.momentum", 0.5),
    ("--nocentered", "training.centered", False),
    ("--epsilon=0.5", "training.epsilon", 0.5),
    ("--gradient_per=point", "training.gradient_per", "point"),
    ("--max_gradient_norm=3", "training.max_gradient_norm", 3.0),
    ("--ema_decay=0.5", "training.ema_decay", 0.5),
    ("--weight_noise=batch", "training.weight_noise", "batch"),
    ("--weight_noise_std=0.5", "training.weight_noise_std", 0.5),
    ("--warm_start=hershey", "provenance.warm_start.from", "hershey"),
    ("--scale=0.5", "training.scale", 0.5),
    ("--slant=5", "training.slant", 5.0),
    ("--rethin=0.5", "training.rethin", 0.5),
    ("--oversample=3", "training.oversample", 3),
    ("--dropout=0.5", "training.dropout", 0.5),
    ("--weight_drop=0.5", "training.weight_drop", 0.5),
    ("--any_style_share=0.5", "training.any_style_share", 0.5),
    ("--style_learning_rate=0.5", "training.style_learning_rate", 0.5),
    ("--devices=1", "num_devices", 1),
    ("--seed=9", "training.seed", 9),
    ("--report_every=11", "intervals.report", 11),
    ("--validate_every=12", "intervals.validate", 12),
    ("--save_every=13", "intervals.save", 13),
    ("--draw_every=14", "intervals.draw", 14),
    ("--validation_lines=2", "validation_lines", 2),
    ("--draw_text=abba", "texts", ["abba"]),
]
# Tried with the weights, or the other processes, that they need.
TRAIN_ELSEWHERE = {"grow_alphabet", "resembles", "hosts"}

# Prints what `train` would be called with, for each list of flags.
TRAIN_DRIVER = """
import dataclasses, json, sys
sys.path.insert(0, sys.argv[1])
import command_line, train
from absl import flags

class Called(Exception):
    pass

def called(run, corpus, workdir, *, intervals, draw, validation_lines, initial_params, num_devices):
    report = run.to_config() | {"workdir": str(workdir), "intervals": dataclasses.asdict(intervals)}
    report |= {"num_devices": num_devices}
    report |= {"validation_lines": validation_lines, "texts": draw.args[0], "warm": initial_params is not None}
    print(json.dumps(report))
    raise Called

train.train = called
for case in json.loads(sys.stdin.read()):
    for name in flags.FLAGS:
        flags.FLAGS[name].unparse()
    command_line.parse_flags(["train.py", *case])
    try:
        train.main()
    except Called:
        pass
print(json.dumps(sorted(flag.name for flag in flags.FLAGS.get_key_flags_for_module(train))))
"""


def drive(driver, cases, folder):
    environment = os.environ | {"JAX_COMPILATION_CACHE_DIR": str(folder / "cache"), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, "-c", driver, EXPERIMENTS], input=json.dumps(cases), cwd=folder, env=environment,
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def value_at(report, path):
    for name in path.split("."):
        report = report[name]
    return report


def save_corpus(path, source):
    rng = np.random.default_rng(0)
    lines = []
    for number in range(8):
        ink = Ink(np.column_stack([rng.integers(-9, 20, (12, 2)), np.arange(12) % 4 == 3]), "abba")
        halfway = rng.normal(size=(12, 2)).astype(np.float32)
        split = "training" if number < 6 else "validation"
        lines.append(Line(ink, f"line-{number}", writer="ab"[number % 2], split=split, halfway=halfway))
    Corpus.from_lines(lines, {"source": source}).save(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("flags")
    save_corpus(folder / "corpus.npz", "made up")
    save_corpus(folder / "other.npz", "other")
    return folder


def test_every_flag_of_train_reaches_the_run(folder):
    # What says how lines are made, or needs weights of their scale, is tried without a corpus.
    made = ["--hershey_lines=20", "--hershey_points=10"]
    given = [[*made, flag] if "hershey" in flag else ["--data=corpus.npz", flag] for flag, _, _ in TRAIN]
    cases = [["--data=corpus.npz"], *given]
    usual, *reports, known = drive(TRAIN_DRIVER, cases, folder)
    for (flag, path, expected), report in zip(TRAIN, reports, strict=True):
        assert value_at(report, path) == expected, flag
        if "hershey" not in flag:
            assert value_at(usual, path) != expected, flag
    [warm] = [report for (flag, _, _), report in zip(TRAIN, reports, strict=True) if "warm_start" in flag]
    assert warm["warm"] and not usual["warm"]
    tried = {flag.removeprefix("--").removeprefix("no").partition("=")[0] for flag, _, _ in TRAIN}
    assert {name.removeprefix("no") for name in known} == tried | TRAIN_ELSEWHERE


# Prints how the command calls what writes, with and without a flag.
SAMPLE = [
    ("--seed=5", "keys"),
    ("--style=plain", "style"),
    ("--bias=2", "bias"),
    ("--best_of=3", "best_of"),
    ("--num_samples=2", "texts"),
    ("--text=Snow", "texts"),
    ("--precision=bfloat16", "precision"),
    ("--weights=iam", "characters"),
]
SAMPLE_DRIVER = """
import hashlib, json, sys
sys.path.insert(0, sys.argv[1])
import command_line, jax
from absl import flags
from graves_jax.commands import write_line
from graves_jax.sampling import write

class Called(Exception):
    pass

def called(weights, texts, *, keys, bias, style, best_of, progress):
    print(json.dumps({
        "texts": texts, "keys": [jax.random.key_data(key).tolist() for key in keys], "bias": bias,
        "style": None if style is None else hashlib.sha256(getattr(style, "offsets", style).tobytes()).hexdigest(),
        "best_of": best_of,
        "precision": weights.network.precision, "characters": weights.network.num_characters,
    }))
    raise Called

write.write_lines = called
for case in json.loads(sys.stdin.read()):
    for name in flags.FLAGS:
        flags.FLAGS[name].unparse()
    command_line.parse_flags(["sample.py", *case])
    try:
        write_line.main()
    except Called:
        pass
"""


def test_every_flag_of_sample_reaches_what_writes(folder):
    usual = ["--text=Jon", "--output=a.svg", "--weights=hershey"]
    styled = [
        [*usual, "--weights=iam", flag] for flag in ("--seed=0", "--slant=9", "--letter_width=0.8", "--strokes=0.7")
    ]
    cases = [usual, *([*usual, flag] for flag, _ in SAMPLE), *styled]
    plain, *reports = drive(SAMPLE_DRIVER, cases, folder)
    reports, moved = reports[: len(SAMPLE)], reports[len(SAMPLE) :]
    assert len({report.pop("style") for report in moved}) == 4 and moved == [moved[0]] * 4
    for (flag, name), report in zip(SAMPLE, reports, strict=True):
        # Two samples have two keys, and weights with style vectors the hand of the seed; else only what was asked for.
        others = {"num_samples": {"texts", "keys"}, "weights": {"characters", "style"}}.get(flag[2:].partition("=")[0])
        others = others or {name}
        assert {key for key in plain if plain[key] != report[key]} == others, flag
    assert (reports[2]["bias"], reports[3]["best_of"], reports[5]["texts"]) == (2.0, 3, ["Snow"])
    assert reports[4]["texts"] == ["Jon", "Jon"] and reports[4]["keys"][0] == plain["keys"][0]


# Prints how evaluate.py calls what measures.
EVALUATE_DRIVER = """
import json, sys
sys.path.insert(0, sys.argv[1])
import command_line, evaluate
from absl import flags

class Called(Exception):
    pass

def measured(what):
    def called(weights, corpus, **options):
        print(json.dumps({"what": what, "characters": weights.network.num_characters} | options))
        raise Called
    return called

def batches(weights, corpus, split, **options):
    print(json.dumps({"what": "likelihood", "split": split, "batch_size": options["batch_size"]}))
    raise Called

evaluate.split_batches = batches
evaluate.MEASURES = {name: (measured(name), *rest) for name, (_, *rest) in evaluate.MEASURES.items()}
for case in json.loads(sys.stdin.read()):
    for name in flags.FLAGS:
        flags.FLAGS[name].unparse()
    command_line.parse_flags(["evaluate.py", "--data=corpus.npz", "--weights=hershey", *case])
    try:
        evaluate.main()
    except Called:
        pass
"""


def test_every_flag_of_evaluate_reaches_what_measures(folder):
    written = {"characters": 95, "split": "validation", "seed": 0, "style": None}
    legibility = {
        "what": "legibility",
        "biases": [0, 0.25, 0.5, 0.75, 1, 1.5],
        "num_lines": 150,
        "best_of": 1,
    } | written
    failures = {"what": "failures", "biases": [0.75], "num_lines": 1_000} | written
    cases = [
        ([], {"what": "likelihood", "split": "validation", "batch_size": 32}),
        (["--split=training"], {"what": "likelihood", "split": "training", "batch_size": 32}),
        (["--batch_size=5"], {"what": "likelihood", "split": "validation", "batch_size": 5}),
        (["--legibility"], legibility),
        (["--legibility", "--best_of=4"], legibility | {"best_of": 4}),
        (["--legibility", "--split=training"], legibility | {"split": "training"}),
        (["--failures"], failures),
        (["--failures", "--seed=7"], failures | {"seed": 7}),
        (["--failures", "--texts=9"], failures | {"num_lines": 9}),
        (["--failures", "--biases=0.5,2"], failures | {"biases": [0.5, 2.0]}),
        (["--failures", "--style=any"], failures | {"style": "any"}),
        (["--failures", "--weights=iam"], failures | {"characters": 79}),
        (["--hands"], {"what": "hands", "biases": [0.75], "num_lines": 48} | written),
    ]
    reports = drive(EVALUATE_DRIVER, [flags for flags, _ in cases], folder)
    for (flags, expected), report in zip(cases, reports, strict=True):
        assert report == expected, flags


def test_the_seed_of_evaluate_is_that_of_the_noise(folder):
    """On which the dequantised figure rests, and nothing else."""
    script = [sys.executable, EXPERIMENTS / "evaluate.py", "--data=corpus.npz", "--weights=hershey"]
    reports = [
        json.loads(
            subprocess.run([*script, f"--seed={seed}"], cwd=folder, capture_output=True, text=True, check=True)
            .stdout.splitlines()[-1]
        )
        for seed in (0, 1)
    ]  # fmt: skip
    assert reports[0]["nats_per_line"] == reports[1]["nats_per_line"]
    assert reports[0]["dequantised_nats_per_line"] != reports[1]["dequantised_nats_per_line"]
