"""TensorBoard gets the rows of metrics where it is installed, and is not missed where it is not."""

import sys
import types

import pytest

from graves_jax.training.workdir import Metrics

ROWS = [{"step": 20, "nats_per_point": 1.5, "skipped": 0}, {"step": 40, "nats_per_point": None, "skipped": 20}]


def write_rows(workdir):
    metrics = Metrics(workdir, 0)
    for row in ROWS:
        metrics.write(row)


def test_without_tensorboard_nothing_is_written_for_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard.summary", None)
    write_rows(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.jsonl"]


def test_each_number_is_a_scalar_at_its_step(tmp_path, monkeypatch):
    written = []

    class Writer:
        def __init__(self, folder):
            assert folder == str(tmp_path / "tensorboard")

        def add_scalar(self, name, value, step):
            written.append((name, value, step))

        def flush(self):
            written.append("flush")

    monkeypatch.setitem(sys.modules, "tensorboard", types.ModuleType("tensorboard"))
    monkeypatch.setitem(sys.modules, "tensorboard.summary", types.SimpleNamespace(Writer=Writer))
    write_rows(tmp_path)
    assert written == [("nats_per_point", 1.5, 20), ("skipped", 0, 20), "flush", ("skipped", 20, 40), "flush"]


def test_tensorboard_reads_what_was_written(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    write_rows(tmp_path)
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    [event] = events.Tensors("nats_per_point")
    assert (event.step, list(event.tensor_proto.float_val)) == (20, [1.5])
