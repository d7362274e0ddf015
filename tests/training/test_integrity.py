"""Seals: any change to a sealed folder is noticed and named."""

import pathlib
import shutil
import subprocess

import pytest

from graves_jax.training.integrity import SEAL, fault_of, seal, set_aside


@pytest.fixture
def folder(tmp_path):
    """What a checkpoint looks like."""
    path = tmp_path / "120"
    (path / "state" / "d").mkdir(parents=True)
    (path / "state" / "d" / "0a1b").write_bytes(bytes(range(256)) * 40)
    (path / "state" / "empty").write_bytes(b"")
    (path / "progress").mkdir()
    (path / "progress" / "metadata").write_text('{"next_index": 7}')
    seal(path)
    (path / "_CHECKPOINT_METADATA").write_text("{}")
    (path / "commit_success.txt").write_text("done")
    return path


def test_a_sealed_folder_is_whole(folder):
    assert fault_of(folder) is None


def test_any_single_byte_that_changes_is_noticed(folder):
    file = folder / "progress" / "metadata"
    content = file.read_bytes()
    for place in range(len(content)):
        file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert fault_of(folder) == "progress/metadata is not what was saved"
    file.write_bytes(content)
    assert fault_of(folder) is None


@pytest.mark.parametrize("keep", [0, 1, 10_239])
def test_a_file_cut_short_is_noticed(folder, keep):
    file = folder / "state" / "d" / "0a1b"
    file.write_bytes(file.read_bytes()[:keep])
    assert fault_of(folder) == "state/d/0a1b is not what was saved"


def test_a_lost_file_is_named(folder):
    (folder / "state" / "empty").unlink()
    assert fault_of(folder) == "state/empty is missing"


def test_files_of_another_checkpoint_do_not_fit(folder):
    (folder / "state" / "d" / "ffff").write_bytes(b"more")
    assert fault_of(folder) == "state/d/ffff is not listed in SHA256SUMS"


def test_an_empty_folder_is_not_whole(tmp_path):
    (tmp_path / "120").mkdir()
    assert fault_of(tmp_path / "120") == "SHA256SUMS is missing"


def test_the_seal_itself_may_be_damaged(folder):
    content = (folder / SEAL).read_bytes()
    for damaged in (
        b"",
        content[:30],
        content[: content.index(b"\n") + 1],
        b"\xff" + content,
        content.replace(b"a", b"b"),
    ):
        (folder / SEAL).write_bytes(damaged)
        assert fault_of(folder) is not None


@pytest.mark.parametrize("content", [b"", b"{", b"\x00" * 20])
def test_what_orbax_writes_last_has_to_be_readable(folder, content):
    (folder / "_CHECKPOINT_METADATA").write_bytes(content)
    assert fault_of(folder).startswith("it cannot be read")
    (folder / "_CHECKPOINT_METADATA").unlink()
    assert fault_of(folder).startswith("it cannot be read")


def test_a_seal_is_not_renewed(folder):
    (folder / "state" / "empty").write_bytes(b"not any more")
    seal(folder)
    assert fault_of(folder) == "state/empty is not what was saved"


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs sha256sum")
def test_the_seal_is_read_by_sha256sum(folder):
    check = ["sha256sum", "--check", "--strict", "--quiet", SEAL]
    assert subprocess.run(check, cwd=folder, check=False).returncode == 0
    (folder / "state" / "empty").write_bytes(b"x")
    assert subprocess.run(check, cwd=folder, capture_output=True, check=False).returncode == 1


def test_damaged_folders_are_kept_side_by_side(tmp_path):
    kept: list[pathlib.Path] = []
    for content in ("first", "second", "third"):
        (tmp_path / "120").mkdir()
        (tmp_path / "120" / "file").write_text(content)
        kept.append(set_aside(tmp_path / "120", tmp_path / "damaged"))
    assert [path.name for path in kept] == ["120", "120.1", "120.2"]
    assert [(path / "file").read_text() for path in kept] == ["first", "second", "third"]
