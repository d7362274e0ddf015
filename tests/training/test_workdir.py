"""The metrics file and the lock."""

import json
import os
import subprocess
import sys

import pytest

from graves_jax.errors import InputError
from graves_jax.training.workdir import Metrics, locked, read_metrics, validation_nats

HOLD = """
import pathlib, sys, time
from graves_jax.training.workdir import locked
with locked(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_second_process_is_refused_until_the_first_is_gone_even_killed(tmp_path):
    workdir = tmp_path / "run"
    with subprocess.Popen([sys.executable, "-c", HOLD, workdir], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(InputError, match="run to be free, found another run training in it"), locked(workdir):
            pass
        process.kill()
    with locked(workdir):
        pass


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("precious")
    for workdir in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(InputError, match="Expected a folder to write to at"), locked(workdir):
            pass
    assert (tmp_path / "file").read_text() == "precious"


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_that_cannot_be_written(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="Permission denied"), locked(tmp_path):
        pass


def test_rows_are_on_disk_at_once(tmp_path):
    metrics = Metrics(tmp_path, 0)
    metrics.write({"step": 20, "nats_per_point": 1.5})
    assert (tmp_path / "metrics.jsonl").read_text() == '{"step": 20, "nats_per_point": 1.5}\n'
    metrics.write({"step": 40, "nats_per_point": 0.1 + 0.2})
    assert read_metrics(tmp_path) == [{"step": 20, "nats_per_point": 1.5}, {"step": 40, "nats_per_point": 0.1 + 0.2}]


def test_going_on_drops_what_was_written_after_the_checkpoint(tmp_path):
    metrics = Metrics(tmp_path, 0)
    for step in (20, 40, 60):
        metrics.write({"step": step})
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 80, "nats_per')  # killed here
    metrics = Metrics(tmp_path, 50)
    assert metrics.rows == read_metrics(tmp_path) == [{"step": 20}, {"step": 40}]
    metrics.write({"step": 60, "again": True})
    assert [row["step"] for row in read_metrics(tmp_path)] == [20, 40, 60]
    assert metrics.last() == {"step": 60, "again": True}


def test_a_row_cut_off_at_its_very_end_does_not_count(tmp_path):
    """Without its newline the next row would stand on the same line."""
    (tmp_path / "metrics.jsonl").write_text('{"step": 20}\n{"step": 40}')
    Metrics(tmp_path, 100).write({"step": 40})
    assert [row["step"] for row in read_metrics(tmp_path)] == [20, 40]


@pytest.mark.parametrize("row", ["rubbish", "[]", "{}", '{"step": null}', "\x00\x00", "7"])
def test_a_row_that_is_none_is_named_and_the_file_left_as_it_is(tmp_path, row):
    content = f'{{"step": 20}}\n{row}\n{{"step": 40}}\n'
    (tmp_path / "metrics.jsonl").write_text(content)
    with pytest.raises(InputError, match=r"Expected a JSON object with a step in .*metrics\.jsonl, row 2, found"):
        Metrics(tmp_path, 100)
    assert (tmp_path / "metrics.jsonl").read_text() == content


def test_what_is_not_finite_is_null_and_never_the_best(tmp_path):
    metrics = Metrics(tmp_path, 0)
    for step, nats in ((10, float("nan")), (20, 2.0), (30, float("-inf"))):
        metrics.write({"step": step, "validation_nats_per_point": nats})
    rows = [
        json.loads(row, parse_constant=pytest.fail) for row in (tmp_path / "metrics.jsonl").read_text().splitlines()
    ]
    assert [row["validation_nats_per_point"] for row in rows] == [None, 2.0, None]
    assert validation_nats(tmp_path) == {20: 2.0}
    assert metrics.validated(30) and not metrics.validated(40)
    assert metrics.last()["validation_nats_per_point"] is None
