"""What checkpoints rely on of Orbax and TensorStore beside their documented interface, so that a new version that has
changed it is told by its number and not by some run that fails."""

import importlib.metadata
import json

import numpy as np
import pytest
import tensorstore

from graves_jax.training.checkpoint import _disk_faults, closing, open_checkpoints, save
from graves_jax.training.integrity import _UNSEALED, SEAL
from graves_jax.training.step import init_state

from .conftest import NETWORK, TRAINING

ORBAX, TENSORSTORE = (
    f"{name} {importlib.metadata.version(name)} has changed" for name in ("orbax-checkpoint", "tensorstore")
)


def test_the_files_of_a_checkpoint_are_where_they_were(tmp_path, run):
    checkpoints = open_checkpoints(tmp_path)
    with closing(checkpoints):
        save(checkpoints, init_state(NETWORK, TRAINING), {"batches": 1}, run.to_config())
        assert checkpoints.latest_step() == 0, f"{ORBAX}: a step that is being saved is not yet the latest."
    folder = tmp_path / "checkpoints" / "0"
    assert folder.is_dir(), f"{ORBAX}: checkpoints have other names."
    found = {path.name for path in folder.iterdir()}
    expected = {"state", "progress", "description", SEAL, _UNSEALED[0]}
    assert found - set(_UNSEALED[1:]) == expected, f"{ORBAX}: a checkpoint holds {sorted(found)}."
    for name, content in (("progress", {"batches": 1}), ("description", run.to_config())):
        text = (folder / name / "metadata").read_text(encoding="utf-8")
        assert json.loads(text) == json.loads(json.dumps(content)), f"{ORBAX}: JSON is not kept as it is."
    written_at_last = (folder / _UNSEALED[0]).read_text(encoding="utf-8")
    assert isinstance(json.loads(written_at_last), dict), f"{ORBAX}: {_UNSEALED[0]} is no JSON object."


def test_a_fault_of_the_disk_has_its_number_in_the_message(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OSError) as error, _disk_faults():
        tensorstore.open(
            {"driver": "zarr", "kvstore": {"driver": "file", "path": str(tmp_path / "file" / "array")}},
            create=True,
            dtype=np.float32,
            shape=[3],
        ).result()
    assert error.value.errno, f"{TENSORSTORE}: its errors carry no number of the system's."
