"""train.py as a user runs it: what it leaves, how it stops, and one sentence for whatever is wrong."""

import dataclasses
import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import graves_jax
from graves_jax.data.corpus import Corpus, Line
from graves_jax.data.ink import Ink
from graves_jax.sampling.write import write_lines
from graves_jax.training.config import TrainingConfig

from .conftest import EXPERIMENTS, TINY, start_script

FLAGS = (*TINY, "--report_every=5", "--save_every=5", "--validate_every=10", "--draw_every=10", "--num_steps=20")


def make_line(rng, number, text="abc", split="training"):
    bits = np.arange(12) % 4 == 3
    return Line(Ink(np.column_stack([rng.integers(-9, 20, (12, 2)), bits]), text), f"line-{number}", split=split)


def save_corpus(path, last_split="validation", **options):
    rng = np.random.default_rng(0)
    lines = [make_line(rng, number, **options) for number in range(12)]
    Corpus.from_lines([*lines, make_line(rng, 12, split=last_split)]).save(path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A corpus."""
    folder = tmp_path_factory.mktemp("train")
    save_corpus(folder / "corpus.npz")
    return folder


@pytest.fixture(scope="module")
def start(folder, environment):
    def start_train(*flags):
        return start_script("train.py", *FLAGS, f"--data={folder / 'corpus.npz'}", *flags, cwd=folder, env=environment)

    return start_train


@pytest.fixture(scope="module")
def trained(folder, start):
    """A workdir, and what was printed while it was filled."""
    output, errors = (process := start("--workdir=trained")).communicate(timeout=300)
    assert process.returncode == 0, errors
    return folder / "trained", output, errors


def test_the_last_line_is_json(trained):
    workdir, output, _ = trained
    report = json.loads(output.splitlines()[-1])
    assert report["workdir"] == "trained"
    assert report["step"] == 20
    assert report["interrupted"] is False
    assert report["points_per_second"] > 0
    last = {
        name: value
        for line in (workdir / "metrics.jsonl").read_text().splitlines()
        for name, value in json.loads(line).items()
    }
    for name in ("nats_per_point", "nats_per_line", "gradient_norm", "skipped", "validation_nats_per_point"):
        assert report[name] == last[name]
    assert output.splitlines()[0].startswith("trained: 20 updates, done; ")


def test_what_is_in_the_workdir(trained):
    workdir, _, _ = trained
    assert sorted(path.name for path in workdir.iterdir()) == ["checkpoints", "lock", "metrics.jsonl", "samples"]
    assert sorted(path.name for path in (workdir / "samples").iterdir()) == ["step_0000010.png", "step_0000020.png"]
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in (workdir / "samples").iterdir())


def test_progress_goes_to_standard_error_and_nothing_else_does(trained):
    _, output, errors = trained
    assert "20/20" in errors and "points/s]" in errors and "20/20" not in output
    for line in errors.replace("\r", "\n").splitlines():
        assert not line.strip() or "/20 [" in line or "scan, float32, on" in line, line


def test_a_checkpoint_writes(trained, environment, tmp_path):
    command = [
        sys.executable,
        EXPERIMENTS / "sample.py",
        "--text=abc",
        f"--checkpoint={trained[0]}",
        "--output=abc.svg",
    ]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "abc.svg").exists()
    # Orbax has nothing to say to someone who writes; the network, which has hardly learned, may fail.
    assert all(line.startswith("warning: ") for line in done.stderr.splitlines()), done.stderr


def test_a_run_that_is_finished_says_so(trained, start):
    output, errors = (process := start("--workdir=trained")).communicate(timeout=300)
    assert process.returncode == 0, errors
    assert output.splitlines()[0] == "trained: 20 updates, done already; a larger --num_steps goes on from there"
    assert json.loads(output.splitlines()[-1])["step"] == 20


def test_a_warm_start_with_weight_noise(trained, start):
    """It begins where the other run ended, with weights drawn around them."""
    flags = ("--warm_start=trained", "--weight_noise=line", "--weight_noise_std=1e-6", "--learning_rate=1e-9")
    output, errors = (process := start("--workdir=warm", *flags)).communicate(timeout=300)
    assert process.returncode == 0, errors
    report, before = json.loads(output.splitlines()[-1]), json.loads(trained[1].splitlines()[-1])
    assert abs(report["validation_nats_per_point"] - before["validation_nats_per_point"]) < 1e-3
    assert report["complexity_nats_per_line"] > 0


def test_a_warm_start_takes_the_networks_shape_from_the_weights(folder, trained, environment):
    """Whatever was not asked for; the floor on sigma is no part of the shape, and can be."""
    command = [sys.executable, "-c", SHAPE_TAKER, EXPERIMENTS]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    network = json.loads(done.stdout)
    expected = {"cell": "lstm", "hidden_size": 8, "num_layers": 1, "num_components": 2, "num_window": 2}
    assert {name: network[name] for name in expected} == expected
    assert network["sigma_floor"] == 0.5


SHAPE_TAKER = """
import dataclasses, json, sys
sys.path.insert(0, sys.argv[1])
import command_line, train
flags = ["--data=corpus.npz", "--warm_start=trained", "--sigma_floor=0.5", "--num_layers=1"]
command_line.parse_flags(["train.py", *flags])
corpus = train.load_corpus()
run = train.describe_run(corpus, train.load_start(corpus))
print(json.dumps(dataclasses.asdict(run.network)))
"""


def test_a_warm_start_learns_new_characters(folder, trained, start):
    save_corpus(folder / "umlauts.npz", text="äbc")
    flags = ("--data=umlauts.npz", "--warm_start=trained", "--grow_alphabet", "--resembles=ä=a", "--draw_text=aäb")
    process = start("--workdir=grown", *flags, "--num_steps=5", "--draw_every=5")
    assert process.wait(timeout=300) == 0, process.stderr.read()
    assert [path.name for path in (folder / "grown" / "samples").iterdir()] == ["step_0000005.png"]


def test_styles_an_end_and_what_is_left_out(folder, trained, start, environment):
    """A run with all that regularises, from weights without styles; what it leaves writes and ends its texts."""
    rng = np.random.default_rng(0)
    lines = [make_line(rng, number, split="validation" if number == 12 else "training") for number in range(13)]
    lines = [
        dataclasses.replace(line, writer="ab"[number % 2], halfway=line.ink.offsets[:, :2] / 2)
        for number, line in enumerate(lines)
    ]
    Corpus.from_lines(lines).save(folder / "writers.npz")
    process = start(
        "--data=writers.npz", "--warm_start=trained", "--workdir=styled", "--style_size=3", "--end_symbol",
        "--optimizer=muon", "--dropout=0.1", "--weight_drop=0.1", "--rethin=0.1", "--oversample=2", "--slant=5",
        "--any_style_share=0.5", "--style_learning_rate=3",
    )  # fmt: skip
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert json.loads(output.splitlines()[-1])["divergence_per_writer"] > 0
    weights = graves_jax.load(checkpoint=folder / "styled")
    assert (weights.network.style_size, weights.network.ends_text, weights.alphabet.has_end) == (3, True, True)
    assert weights.params["layers_0"]["style"].shape == (3, 32)
    line = write_lines(weights, ["abc"], style=np.ones(3), max_attempts=1)[0]
    assert line.position.max() <= 3
    # Ink of nobody in particular, as own ink is, teaches them on.
    process = start("--warm_start=styled", "--workdir=unnamed", "--data=corpus.npz")
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert "divergence_per_writer" not in json.loads(output.splitlines()[-1])
    further = graves_jax.load(checkpoint=folder / "unnamed")
    assert further.network.style_size == 3
    assert (further.params["any_style"] != weights.params["any_style"]).any()


# Prints the number of parameters of each run that a flagfile describes, and how it trains.
DESCRIBER = """
import json, sys
sys.path.insert(0, sys.argv[1])
import command_line, dataclasses, jax, train
from absl import flags
from graves_jax.model.network import init_params, num_parameters
for name in json.loads(sys.stdin.read()):
    for flag in flags.FLAGS:
        flags.FLAGS[flag].unparse()
    command_line.parse_flags(["train.py", "--data=corpus.npz", f"--flagfile={name}"])
    train.check_numbers()
    corpus = train.load_corpus()
    run = train.describe_run(corpus, None)
    count = num_parameters(jax.eval_shape(lambda: init_params(jax.random.key(0), run.network)))
    print(json.dumps([count, train.WARM_START.value, train.WORKDIR.value, run.to_config()]))
"""


@pytest.fixture(scope="module")
def described(folder, environment):
    """What each flagfile of the paper's tables describes, by its name."""
    names = sorted(path.name for path in (EXPERIMENTS / "flags").glob("graves2013_*.flags"))
    command = [sys.executable, "-c", DESCRIBER, EXPERIMENTS]
    options = {"cwd": folder, "env": environment, "capture_output": True, "text": True, "timeout": 300}
    done = subprocess.run(command, input=json.dumps(names), **options)
    assert done.returncode == 0, done.stderr
    return dict(zip(names, map(json.loads, done.stdout.splitlines()), strict=True))


def test_the_flagfiles_of_the_paper_describe_its_networks(described):
    """Parameter counts of PAPER's three networks; his optimiser and his two bounds."""
    for row, expected in (
        ("prediction_1x900", 3_366_121),
        ("prediction_3x400", 3_368_121),
        ("synthesis", 3_653_751),
    ):
        for noise in ("", "_awn"):
            count, _, _, run = described[f"graves2013_{row}{noise}.flags"]
            assert count == expected
            assert (run["network"]["gate_gradient_bound"], run["network"]["output_gradient_bound"]) == (10, 100)
            assert run["network"]["sigma_floor"] == 0
            paper = {"optimizer": "rmsprop", "centered": True, "learning_rate": 1e-4, "decay": 0.95, "momentum": 0.9}
            paper |= {"epsilon": 1e-4, "gradient_per": "line", "batch_size": 16, "num_steps": 67_000}
            # What the paper does not have is off.
            defaults = dataclasses.asdict(TrainingConfig())
            noise = {"weight_noise", "lines_per_pass"} if noise else set()
            assert {name: value for name, value in run["training"].items() if name not in noise} == {
                name: value for name, value in (defaults | paper).items() if name not in noise
            }
            off = {"max_points": None, "max_gradient_norm": None, "ema_decay": 0, "scale": 0, "slant": 0, "dropout": 0}
            assert off == {name: defaults[name] for name in off}


def test_weight_noise_starts_from_the_plain_run(described):
    for name, (_, start, workdir, run) in described.items():
        assert workdir == name.removesuffix(".flags")
        noisy = name.endswith("_awn.flags")
        assert start == (workdir.removesuffix("_awn") if noisy else None)
        assert run["training"]["weight_noise"] == ("line" if noisy else "none")
        assert run["training"]["lines_per_pass"] == (12 if noisy else None)


def wait_for(condition, process):
    while process.poll() is None and not condition():
        time.sleep(0.005)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_signal_while_it_compiles(folder, start, number):
    """As soon as the first checkpoint is there, which is before the first update is compiled."""
    workdir = folder / f"stopped_by_{number.name}"
    process = start(f"--workdir={workdir}", "--hidden_size=9", "--num_steps=1000000")
    wait_for((workdir / "checkpoints" / "0").exists, process)
    process.send_signal(number)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 128 + number
    assert errors.count(f"{number.name}: saving a checkpoint, then leaving.") == 1
    assert "Traceback" not in errors
    report = json.loads(output.splitlines()[-1])
    assert report["interrupted"] is True
    assert (workdir / "checkpoints" / str(report["step"]) / "SHA256SUMS").exists()
    assert f"stopped by {number.name}; the same command goes on" in output


def test_a_run_that_diverges_ends_with_a_sentence(folder, start):
    flags = ("--learning_rate=1e25", "--num_steps=5000", "--validate_every=0", "--draw_every=0", "--report_every=1")
    process = start("--workdir=diverged", *flags)
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 1
    assert output == ""
    assert "Traceback" not in errors
    [sentence] = [line for line in errors.splitlines() if line.startswith("error: ")]
    assert "50 updates in a row" in sentence and "lower --learning_rate" in sentence and "diverged keeps" in sentence


# Runs train.py's main in this one process for each list of flags, as command_line.run does, and prints what came of it.
DRIVER = """
import contextlib, io, json, sys
sys.path.insert(0, sys.argv[1])
import command_line, train
from absl import flags
for case in json.loads(sys.stdin.read()):
    for name in flags.FLAGS:
        flags.FLAGS[name].unparse()
    sys.argv = ["train.py", *case]
    output, errors, code = io.StringIO(), io.StringIO(), "no exit"
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        try:
            command_line.run(train.main)
        except SystemExit as error:
            code = error.code
        except BaseException as error:
            code = repr(error)
    print(json.dumps([code, output.getvalue(), errors.getvalue()]))
"""


def bad_input(folder):
    """Flags, and words of the sentence that they deserve."""
    (folder / "garbage.npz").write_bytes(b"PK\x03\x04 no corpus")
    (folder / "file").write_text("precious")
    (folder / "wrong.flags").write_text("--num_steps=many\n")
    save_corpus(folder / "accents.npz", text="café")
    save_corpus(folder / "no_training.npz", split="none")
    save_corpus(folder / "no_validation.npz", last_split="training")
    save_corpus(folder / "umlauts.npz", text="äbc")
    data, umlauts = "--data=corpus.npz", "--data=umlauts.npz"
    return [
        (["--nonsense=1"], "Unknown flag --nonsense"),
        (["--learning_rat=1"], "did you mean --learning_rate"),
        (["surplus"], "'surplus'"),
        (["--flagfile=missing.flags"], "'missing.flags'"),
        (["--flagfile=wrong.flags"], "num_steps"),
        (["--learning_rate=high"], "learning_rate"),
        (["--learning_rate=-1"], "learning_rate"),
        (["--learning_rate=0"], "--learning_rate above 0"),
        (["--learning_rate=nan"], "--learning_rate to be a finite number, found nan"),
        (["--scale=inf"], "scale"),
        (["--epsilon=0"], "--epsilon above 0"),
        (["--momentum=1.5"], "momentum"),
        (["--num_steps=0"], "num_steps"),
        (["--batch_size=0"], "batch_size"),
        (["--max_points=0"], "--max_points above 0"),
        (["--max_gradient_norm=-3"], "--max_gradient_norm above 0"),
        (["--validation_lines=0"], "--validation_lines above 0"),
        (["--save_every=0"], "save_every"),
        (["--hidden_size=1000000"], "hidden_size"),
        (["--seed=-1"], "seed"),
        (["--seed=99999999999999999999"], "seed"),
        (["--cell=rnn"], "cell"),
        (["--precision=float8"], "precision"),
        (["--alphabet=greek"], "alphabet"),
        (["--weight_noise=point"], "weight_noise"),
        (["--weight_noise_std=0"], "--weight_noise_std above 0"),
        ([data, "--warm_start=nobody"], "'nobody'"),
        ([data, "--warm_start=.", "--workdir=new"], "checkpoints"),
        (
            [data, "--warm_start=trained", "--workdir=new", "--hidden_size=9", "--cell=gru", "--num_layers=1"],
            "to have cell gru, hidden_size 9, found cell lstm, hidden_size 8: leave these flags out, or give "
            "--cell=lstm --hidden_size=8.",
        ),
        (["--decay=1"], "--decay below 1, found 1.0"),
        ([data, "--grow_alphabet"], "to come with --warm_start"),
        ([data, "--warm_start=trained", "--resembles=ä=a"], "to come with --grow_alphabet"),
        ([data, "--warm_start=trained", "--workdir=new", "--grow_alphabet", "--resembles=ab"], "found 'ab'"),
        ([data, "--warm_start=trained", "--workdir=new", "--grow_alphabet", "--resembles=ä=a"], "'ä'"),
        ([umlauts, "--warm_start=trained", "--workdir=new", "--grow_alphabet", "--resembles=ä=x"], "found 'x'"),
        ([data, "--style_size=4"], "training lines with writers for --style_size, found none"),
        ([data, "--dropout=0.1", "--weight_noise=line"], "--weight_noise alone"),
        ([data, "--dropout=1"], "dropout"),
        ([data, "--rethin=0", "--workdir=new"], "prepare_data.py --protocol=writer"),
        ([data, "--end_symbol", "--task=prediction", "--workdir=new"], "--end_symbol with --task=synthesis"),
        (["--data=missing.npz"], "missing.npz"),
        (["--data=garbage.npz"], "garbage.npz"),
        (["--data=."], "."),
        (["--data=no_training.npz"], "training lines in no_training.npz, found none."),
        (["--data=no_validation.npz"], "found none; --validate_every=0"),
        (["--data=accents.npz", "--alphabet=ascii"], "'é' at position 4"),
        ([data, "--draw_text=Ω"], "'Ω' at position 1"),
        ([data, "--draw_text="], "empty"),
        ([data, "--workdir=file"], "a folder to write to at file"),
        ([data, "--workdir=file/inside"], "a folder to write to at file/inside"),
        ([data, "--workdir=trained", "--seed=5"], "training.seed 0 there and 5 here"),
        ([data, "--workdir=trained", "--hidden_size=9"], "network.hidden_size 8 there and 9 here"),
    ]


def test_bad_input_is_one_sentence_and_changes_nothing(folder, trained, environment):
    cases = bad_input(folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    command = [sys.executable, "-c", DRIVER, EXPERIMENTS]
    arguments = json.dumps([[*FLAGS, *flags] for flags, _ in cases])
    done = subprocess.run(
        command, cwd=folder, env=environment, input=arguments, capture_output=True, text=True, check=True, timeout=300
    )
    for (flags, words), line in zip(cases, done.stdout.splitlines(), strict=True):
        code, output, errors = json.loads(line)
        assert (code, output) == (2, ""), (flags, code, errors)
        assert errors.startswith("error: ") and errors.count("\n") == 1, (flags, errors)
        assert words in errors, (flags, errors)
    after = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert after == before
