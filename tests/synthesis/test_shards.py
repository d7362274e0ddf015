"""Shards: whole or not there, the same whoever writes them, passed over where they are there."""

import dataclasses
import hashlib
import pathlib
import subprocess

import numpy as np
import pytest

from graves_jax.data.ink import Ink
from graves_jax.errors import InputError
from graves_jax.synthesis import engines, formats
from graves_jax.synthesis.data_card import data_card
from graves_jax.synthesis.engines import Task, array_task
from graves_jax.synthesis.formats import FORMATS
from graves_jax.synthesis.shards import (
    check_folder,
    finish,
    is_there,
    open_folder,
    read_summary,
    round_off,
    shard_path,
    write_shards,
)


def write(plan, folder, shards=None):
    open_folder(plan, folder)
    engines.write_here(plan, folder, range(plan.shards) if shards is None else shards)
    return finish(plan, folder, lambda summaries: data_card(plan, plan.description(), "make it", summaries))


def content(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_data_set_is_whole_and_says_so(plan, pen, tmp_path):
    summaries = write(plan, tmp_path / "set")
    assert sorted(pen) == list(range(23))
    assert sum(summary.lines for summary in summaries) == 23
    assert sum(summary.points for summary in summaries) == 23 * 6
    assert summaries[0].faults == {"it is upside down": 1} and not summaries[1].faults
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=tmp_path / "set", text=True, capture_output=True
    )
    assert checked.returncode == 0 and checked.stdout.count("OK") == 5 + 2
    card = (tmp_path / "set" / "DATA_CARD.md").read_text()
    for words in ("23 in 5 files", "Apache-2.0", "it is upside down 1", "make it", "any 23"):
        assert words in card
    first = FORMATS["tar"].suffix
    digest = hashlib.sha256((tmp_path / "set" / f"lines-00000-of-00005{first}").read_bytes()).hexdigest()
    assert summaries[0].sha256 == digest


def test_tasks_of_an_array_write_the_same_and_the_last_one_closes(plan, pen, tmp_path):
    write(plan, tmp_path / "serial")
    ends = [write(plan, tmp_path / "array", Task(index, 3).shards(plan)) for index in (2, 0, 1)]
    assert ends[:2] == [None, None] and len(ends[2]) == 5
    assert content(tmp_path / "array") == content(tmp_path / "serial")


def test_shards_that_are_there_are_passed_over(plan, pen, tmp_path):
    write(plan, tmp_path, [1, 3])
    del pen[:]
    before = shard_path(plan, tmp_path, 1).stat().st_mtime_ns
    write(plan, tmp_path)
    assert sorted(pen) == [*range(5), *range(10, 15), *range(20, 23)]
    assert shard_path(plan, tmp_path, 1).stat().st_mtime_ns == before


@pytest.mark.parametrize("moment", ["in the file", "before its name"])
def test_a_shard_that_was_cut_off_is_done_again(plan, pen, tmp_path, monkeypatch, moment):
    write(plan, tmp_path / "whole")

    def fail(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if moment == "in the file":
            patch.setattr(formats.Record, "as_json", fail)
        else:
            patch.setattr("os.replace", fail)
        patch.setattr("pathlib.Path.unlink", lambda *args, **kwargs: None)  # as if the process had been killed
        with pytest.raises(KeyboardInterrupt):
            # The folder is there, as another process had made it.
            (tmp_path / "cut" / "summaries").mkdir(parents=True)
            (tmp_path / "cut" / "dataset.json").write_bytes((tmp_path / "whole" / "dataset.json").read_bytes())
            write_shards(plan, tmp_path / "cut", [2])
    assert not is_there(plan, tmp_path / "cut", 2)
    assert any(path.name.endswith(".unfinished") for path in (tmp_path / "cut").rglob("*"))
    write(plan, tmp_path / "cut")
    assert content(tmp_path / "cut") == content(tmp_path / "whole")


def test_a_shard_without_its_counts_is_done_again(plan, pen, tmp_path):
    write(plan, tmp_path)
    before = content(tmp_path)
    (tmp_path / "summaries" / "lines-00004-of-00005.tar.json").unlink()
    write(plan, tmp_path)
    assert content(tmp_path) == before


def test_counts_that_cannot_be_read_are_told(plan, pen, tmp_path):
    write(plan, tmp_path)
    (tmp_path / "summaries" / "lines-00004-of-00005.tar.json").write_text("{")
    with pytest.raises(InputError, match=r"lines-00004-of-00005\.tar\.json.*delete it"):
        read_summary(plan, tmp_path, 4)


@pytest.mark.parametrize(
    "changes, name",
    [({"seed": 8}, "seed is 7 there and 8 here"), ({"per_shard": 6}, "per_shard"), ({"bias": (1.0, 1.0)}, "bias")],
)
def test_another_data_sets_folder_is_refused(plan, pen, tmp_path, changes, name):
    write(plan, tmp_path, [0])
    before = content(tmp_path)
    with pytest.raises(InputError, match=name):
        open_folder(dataclasses.replace(plan, **changes), tmp_path)
    assert content(tmp_path) == before


def test_folders_that_are_none(plan, tmp_path):
    (tmp_path / "file").write_text("precious")
    with pytest.raises(InputError, match="found other files"):
        open_folder(plan, tmp_path)
    with pytest.raises(InputError, match="a folder to write to"):
        open_folder(plan, tmp_path / "file")
    (tmp_path / "dataset.json").write_text("[]")
    with pytest.raises(InputError, match="description of a data set"):
        check_folder(plan, tmp_path)
    assert sorted(content(tmp_path)) == ["dataset.json", "file"]


def test_rounding_off_moves_no_point_by_more_than_half_a_digit():
    rng = np.random.default_rng(0)
    ink = Ink(np.column_stack([rng.normal(size=(500, 2)), np.arange(500) == 499]), "a")
    rounded = round_off(ink, 2)
    apart = np.cumsum(rounded.offsets[:, :2].astype(float), axis=0) - np.cumsum(
        ink.offsets[:, :2].astype(float), axis=0
    )
    assert np.abs(apart).max() < 0.0051
    # Two decimals say all, as they stand in a file.
    assert all(len(str(value).partition(".")[2]) <= 2 for value in rounded.offsets[:, 0])


@pytest.mark.parametrize(
    "environment, count, expected",
    [
        ({}, None, None),
        ({"SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_TASK_COUNT": "4"}, None, Task(3, 4)),
        ({"SLURM_ARRAY_TASK_ID": "1", "SLURM_ARRAY_TASK_MIN": "1", "SLURM_ARRAY_TASK_COUNT": "4"}, None, Task(0, 4)),
        (
            {
                "SLURM_ARRAY_TASK_ID": "7",
                "SLURM_ARRAY_TASK_MIN": "1",
                "SLURM_ARRAY_TASK_STEP": "3",
                "SLURM_ARRAY_TASK_COUNT": "3",
            },
            None,
            Task(2, 3),
        ),
        ({"JOB_COMPLETION_INDEX": "2"}, 5, Task(2, 5)),
    ],
)
def test_the_cluster_says_which_task_this_is(environment, count, expected):
    assert array_task(environment, count) == expected


@pytest.mark.parametrize(
    "environment, count, words",
    [
        ({"JOB_COMPLETION_INDEX": "2"}, None, "--tasks=N"),
        ({"JOB_COMPLETION_INDEX": "5"}, 5, "below 5, found 5"),
        ({"SLURM_ARRAY_TASK_ID": "x", "SLURM_ARRAY_TASK_COUNT": "2"}, None, "SLURM_ARRAY_TASK_ID, found 'x'"),
        ({"SLURM_ARRAY_TASK_ID": "0"}, None, "SLURM_ARRAY_TASK_COUNT"),
    ],
)
def test_numbers_of_tasks_that_do_not_fit(environment, count, words):
    with pytest.raises(InputError, match=words):
        array_task(environment, count)


def test_all_tasks_have_all_shards_between_them(plan):
    assert sorted(shard for index in range(3) for shard in Task(index, 3).shards(plan)) == list(range(5))


def test_tasks_that_start_at_the_same_moment_find_each_others_folder(plan, tmp_path, monkeypatch):
    """Another task describes the data set and begins to write between the two looks at the folder."""
    folder, make = tmp_path / "set", pathlib.Path.mkdir

    def mkdir(path, **options):
        monkeypatch.setattr(pathlib.Path, "mkdir", make)
        open_folder(plan, folder)
        (folder / "lines-00000-of-00005.tar").write_bytes(b"")
        make(path, **options)

    monkeypatch.setattr(pathlib.Path, "mkdir", mkdir)
    open_folder(plan, folder)
    (folder / "dataset.json").unlink()
    with pytest.raises(InputError, match="found other files"):
        open_folder(plan, folder)
