"""evaluate.py as a user runs it."""

import json

import numpy as np
import pytest

import graves_jax
from graves_jax.data.batches import evaluation_batches
from graves_jax.data.corpus import Corpus, Line
from graves_jax.data.ink import Ink
from graves_jax.model.likelihood import log_loss

from .conftest import run_script


def run(*flags):
    return run_script("evaluate.py", *flags)


def made_up(texts, *, seed=0, factor=1):
    rng = np.random.default_rng(seed)
    lines = []
    for number, text in enumerate(texts):
        rows = np.column_stack([rng.integers(-3, 6, 40) * factor, rng.integers(-6, 6, 40), np.arange(40) % 9 == 0])
        rows[-1, 2] = 1
        split = "training" if number == 0 else "validation"
        lines.append(Line(Ink(rows, text), f"line-{number}", split=split))
    return Corpus.from_lines(lines)


@pytest.fixture
def data(tmp_path):
    made_up(["training", "Jon", "Snow knows", "nothing"]).save(tmp_path / "data.npz")
    return tmp_path / "data.npz"


def test_the_report_is_the_librarys_figures(data):
    done = run("--weights=hershey", f"--data={data}", "--split=validation")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    weights, corpus = graves_jax.load("hershey"), Corpus.load(data)
    batches = evaluation_batches(
        corpus, "validation", alphabet=weights.alphabet, normalisation=weights.normalisation, batch_size=3
    )
    loss = log_loss(weights.params, weights.network, (batch for batch, _ in batches))
    std_dx, std_dy = weights.normalisation.std
    expected = {
        "nats_per_line": loss.nats_per_line,
        "nats_per_line_standard_error": loss.nats_per_line_standard_error,
        "nats_per_point": loss.nats_per_line / 40,
        "sse": loss.sse,
        "raw_nats_per_line": loss.nats_per_line + 40 * np.log(std_dx * std_dy),
        "std_dx": std_dx,
        "std_dy": std_dy,
        "lines": 3,
        "mean_points": 40.0,
        "sigma_floor": 0.01,
    }
    assert {name: report[name] for name in expected} == pytest.approx(expected, rel=1e-5)
    assert report["dequantised_nats_per_line"] != report["nats_per_line"]
    assert (report["split"], report["lines_not_finite"]) == ("validation", 0)
    # People are told that the weights learned from other ink.
    assert "own training lines" in done.stdout and "line" in done.stderr


def test_a_line_without_a_finite_loss_is_named_and_not_hidden(tmp_path):
    made_up(["training", "Jon", "Snow"], factor=1e25).save(tmp_path / "far.npz")
    done = run("--weights=hershey", f"--data={tmp_path / 'far.npz'}")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["nats_per_line"] is None and report["lines_not_finite"] == 2
    assert "line-1, line-2" in done.stdout


def test_texts_outside_the_alphabet_are_told(tmp_path):
    made_up(["training", "Schnee", "fällt"]).save(tmp_path / "snow.npz")
    complain(run("--weights=hershey", f"--data={tmp_path / 'snow.npz'}"), "'line-2'", "'ä' at position 2")


def test_wrong_flags_are_told(data):
    complain(run(f"--data={data}", "--weights=hershey", "--checkpoint=run"), "one of --checkpoint and --weights")
    complain(run(f"--data={data}", "--weights=hershey", "--legibility", "--biases=0,neat"), "0,neat")
    complain(run(f"--data={data}", "--weights=hershey", "--hands", "--failures"), "failures and hands")
    complain(run(f"--data={data}", "--weights=hershey", "--biases=1"), "--biases to come with --legibility")
    complain(run(f"--data={data}", "--weights=hershey", "--style=plain"), "found ink: 'plain'")


def complain(done, *words):
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr and done.stdout == ""
    for word in words:
        assert word in done.stderr.splitlines()[-1]


def test_legibility_is_printed_and_reported_for_each_bias(data):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("rapidocr")
    done = run("--weights=hershey", f"--data={data}", "--legibility", "--biases=0.5,1.5", "--texts=2")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert (report["texts"], report["left_out"]) == (2, 0)
    assert list(report["biases"]) == ["0.5", "1.5"]
    for row in report["biases"].values():
        assert row["real_error_rate"] == report["real_error_rate"]
        assert row["error_rate"] >= 0 and 0 <= row["failed"] <= row["failed_at_first"] <= 1
    assert "| 0.5 |" in done.stdout


def test_failures_are_counted_for_each_bias(data):
    done = run("--weights=hershey", f"--data={data}", "--failures", "--biases=0.5,1.5", "--texts=4")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["texts"] == 4 and list(report["biases"]) == ["0.5", "1.5"]
    for row in report["biases"].values():
        assert 0 <= row["in_the_end"] <= row["at_first"] == sum(row["faults"].values()) / 4
    # Made-up ink of no protocol is not what the network knows: it is not led along it.
    assert "real_lines" not in report and "none of it was led along" in done.stdout


def test_hands_are_measured_beside_real_ones(data):
    done = run("--weights=hershey", f"--data={data}", "--hands", "--texts=3", "--biases=1")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    # The lines are all of one page.
    assert (report["hands"], report["keys"]) == (1, 3)
    assert len(report["spread"]) == 3
    for column in report["spread"].values():
        assert all(row["low"] <= row["mean"] <= row["high"] for row in column.values())
    assert "strokes per letter" in done.stdout
