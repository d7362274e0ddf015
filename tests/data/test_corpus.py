"""A corpus gives back what was put in, on disk too, and says in one sentence what is wrong with a file."""

import dataclasses
import json
import os
import stat
import zipfile

import numpy as np
import pytest

from graves_jax.data.corpus import FORMAT_VERSION, Corpus, Line
from graves_jax.data.ink import Ink
from graves_jax.errors import InputError


def make_line(seed, length, text="ab c", *, scale=30.0, integers=True, **fields):
    rng = np.random.default_rng(seed)
    xy = rng.normal(scale=scale, size=(length, 2))
    bits = rng.random(length) < 0.1
    bits[-1] = True
    offsets = np.column_stack([np.rint(xy) if integers else xy, bits])
    return Line(ink=Ink(offsets, text), line_id=f"line-{seed}", **fields)


def make_lines(**options):
    return [
        make_line(0, 20, "hello", writer="w1", subset="trainset", split="training", **options),
        make_line(1, 1, "é", writer="w2", subset="testset_v", split="validation", **options),
        make_line(2, 33, "x y", writer="w1", subset="testset_f", split="training", **options),
        make_line(3, 5, "", **options),
    ]


def assert_same_line(found, expected):
    np.testing.assert_array_equal(found.ink.offsets, expected.ink.offsets)
    assert found.ink.text == expected.ink.text
    for name in ("line_id", "writer", "subset", "split"):
        assert getattr(found, name) == getattr(expected, name)


@pytest.mark.parametrize(("integers", "dtype"), [(True, np.int16), (False, np.float32)])
def test_file_gives_back_every_line(tmp_path, integers, dtype):
    lines = make_lines(integers=integers)
    corpus = Corpus.from_lines(iter(lines), provenance={"source": "made up", "skipped": {"no text": 2}})
    corpus.save(tmp_path / "corpus.npz")
    loaded = Corpus.load(tmp_path / "corpus.npz")
    assert loaded.xy.dtype == dtype
    assert len(loaded) == 4
    for index, line in enumerate(lines):
        assert_same_line(loaded[index], line)
    assert_same_line(loaded[-1], lines[-1])
    assert loaded.provenance == corpus.provenance
    assert loaded.provenance["skipped"] == {"no text": 2}
    assert loaded.fingerprint == corpus.fingerprint
    assert os.listdir(tmp_path) == ["corpus.npz"]


def test_large_steps_do_not_wrap_around():
    offsets = [[40_000, -40_000, 0], [32_767, -32_768, 1]]
    corpus = Corpus.from_lines([Line(ink=Ink(offsets, "a"), line_id="a"), make_line(1, 7)])
    assert corpus.xy.dtype == np.float32
    np.testing.assert_array_equal(corpus[0].ink.offsets, offsets)


def test_normalisation_is_that_of_the_training_rows_alone():
    lines = make_lines(integers=False)
    training = np.concatenate([line.ink.offsets[:, :2] for line in lines if line.split == "training"]).astype(
        np.float64
    )
    normalisation = Corpus.from_lines(lines).normalisation
    np.testing.assert_allclose(normalisation.mean, training.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(normalisation.std, training.std(axis=0), rtol=1e-12)


def test_normalisation_does_not_lose_digits_over_many_rows():
    # Summed in float32, 200,000 times 1,000.1 is off by more than this tolerance.
    offsets = np.tile([[1_000.1, 1.0, 0], [1_000.3, -1.0, 1]], (100_000, 1))
    corpus = Corpus.from_lines([Line(ink=Ink(offsets, "a"), line_id="a", split="training")])
    values = np.float32([1_000.1, 1_000.3]).astype(np.float64)
    np.testing.assert_allclose(corpus.normalisation.mean[0], values.mean(), rtol=1e-12)
    np.testing.assert_allclose(corpus.normalisation.std, [values.std(), 1.0], rtol=1e-9)


def test_normalisation_needs_training_ink_that_moves():
    with pytest.raises(InputError, match="no line in it"):
        _ = Corpus.from_lines([make_line(0, 5)]).normalisation
    flat = Line(ink=Ink([[1, 0, 0], [2, 0, 1]], "-"), line_id="flat", split="training")
    with pytest.raises(InputError, match="both axes"):
        _ = Corpus.from_lines([flat]).normalisation


def test_indices_by_split_and_by_subset():
    corpus = Corpus.from_lines(make_lines())
    assert corpus.indices("training").tolist() == [0, 2]
    assert corpus.indices("validation").tolist() == corpus.indices("testset_v").tolist() == [1]
    assert corpus.indices("testset_f").tolist() == [2]
    assert corpus.indices("none").tolist() == [3]
    with pytest.raises(InputError, match="training, validation, none, testset_f, testset_v, trainset, found 'test'"):
        corpus.indices("test")


def test_characters_and_lengths():
    corpus = Corpus.from_lines(make_lines())
    assert corpus.characters == " ehloxyé"
    assert corpus.text_lengths.tolist() == [5, 1, 3, 0]
    assert corpus.lengths.tolist() == [20, 1, 33, 5]


def test_fingerprint_sees_each_kind_of_change():
    lines = make_lines()
    other_text = Line(Ink(lines[0].ink.offsets, "hellO"), "line-0", "w1", "trainset", "training")
    moved = lines[0].ink.offsets.copy()
    moved[3, 0] += 1
    other_ink = Line(Ink(moved, "hello"), "line-0", "w1", "trainset", "training")
    variants = [lines, [other_text, *lines[1:]], [other_ink, *lines[1:]], lines[::-1], lines[:-1]]
    assert len({Corpus.from_lines(variant).fingerprint for variant in variants}) == len(variants)
    again = Corpus.from_lines(make_lines(), provenance={"source": "elsewhere"})
    assert again.fingerprint == Corpus.from_lines(lines).fingerprint


def test_lines_that_do_not_make_a_corpus():
    with pytest.raises(InputError, match="at least one line"):
        Corpus.from_lines([])
    with pytest.raises(InputError, match="transcript for each line, found none for 'line-0'"):
        Corpus.from_lines([make_line(0, 5, None)])
    with pytest.raises(InputError, match="found 'train'"):
        Corpus.from_lines([make_line(0, 5, split="train")])
    with pytest.raises(IndexError):
        Corpus.from_lines([make_line(0, 5)])[1]


def test_a_failed_save_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "corpus.npz"
    Corpus.from_lines(make_lines()).save(path)
    before = path.read_bytes()

    def full_disk(file, **arrays):
        file.write(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full_disk)
    with pytest.raises(OSError, match="No space"):
        Corpus.from_lines(make_lines()[:2]).save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["corpus.npz"]


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"no such file\.$"):
        Corpus.load(tmp_path / "none.npz")


@pytest.mark.parametrize("keep", [0, 10, 500, -1, -30])
def test_truncated_file(tmp_path, keep):
    path = tmp_path / "corpus.npz"
    Corpus.from_lines(make_lines()).save(path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match=r"is not a corpus .* or is damaged"):
        Corpus.load(path)


def test_every_flipped_byte_is_noticed_or_harmless(tmp_path):
    path = tmp_path / "corpus.npz"
    corpus = Corpus.from_lines(make_lines())
    corpus.save(path)
    whole = path.read_bytes()
    for position in range(0, len(whole), 7):
        damaged = bytearray(whole)
        damaged[position] ^= 0xFF
        path.write_bytes(damaged)
        try:
            loaded = Corpus.load(path)
        except InputError:
            continue
        assert loaded.fingerprint == corpus.fingerprint


def test_other_files_are_not_corpora(tmp_path):
    np.save(tmp_path / "array.npy", np.zeros(3))
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    np.savez(tmp_path / "pickled.npz", metadata=np.array([{"format_version": 1}], object))
    np.savez(tmp_path / "list.npz", metadata=np.frombuffer(b"[1]", np.uint8))
    (tmp_path / "text.npz").write_text("hello")
    for name in ("array.npy", "other.npz", "pickled.npz", "list.npz", "text.npz"):
        with pytest.raises(InputError, match="is not a corpus"):
            Corpus.load(tmp_path / name)


def test_newer_format_says_so(tmp_path):
    metadata = json.dumps({"format_version": FORMAT_VERSION + 1}).encode()
    np.savez(tmp_path / "newer.npz", metadata=np.frombuffer(metadata, np.uint8))
    with pytest.raises(InputError, match="has corpus format 2, expected at most 1"):
        Corpus.load(tmp_path / "newer.npz")


def test_points_left_out_come_back_from_the_file_and_belong_to_the_fingerprint(tmp_path):
    lines = [dataclasses.replace(line, halfway=line.ink.offsets[:, :2] / 3) for line in make_lines()]
    corpus = Corpus.from_lines(lines)
    corpus.save(tmp_path / "corpus.npz")
    loaded = Corpus.load(tmp_path / "corpus.npz")
    for number, line in enumerate(lines):
        np.testing.assert_allclose(loaded[number].halfway, line.halfway, rtol=1e-6)
    assert loaded.fingerprint == corpus.fingerprint != Corpus.from_lines(make_lines()).fingerprint
    partly = Corpus.from_lines([*lines[:-1], make_lines()[-1]])
    assert partly.halfway is None and partly[0].halfway is None


@pytest.mark.parametrize("halfway", [np.zeros((3, 2)), np.zeros((59, 1)), np.full((59, 2), np.nan)])
def test_points_left_out_that_are_not_those_of_the_ink_are_refused(halfway):
    corpus = Corpus.from_lines(make_lines())
    with pytest.raises(InputError, match="A corpus needs"):
        dataclasses.replace(corpus, halfway=halfway.astype(np.float32))
    with pytest.raises(InputError, match="halfway of float32"):
        dataclasses.replace(corpus, halfway=np.zeros((59, 2)))


@pytest.mark.parametrize("fault", [MemoryError, TypeError, AttributeError])
def test_a_defect_of_ours_is_not_told_as_one_of_the_file(tmp_path, monkeypatch, fault):
    path = tmp_path / "corpus.npz"
    Corpus.from_lines(make_lines()).save(path)

    def fail(*arguments, **options):
        raise fault("no room")

    monkeypatch.setattr(np.lib.format, "read_array", fail)
    with pytest.raises(fault, match="no room"):
        Corpus.load(path)


def test_what_was_found_is_the_cause_of_the_error(tmp_path):
    path = tmp_path / "corpus.npz"
    path.write_bytes(b"no archive")
    with pytest.raises(InputError) as error:
        Corpus.load(path)
    assert isinstance(error.value.__cause__, zipfile.BadZipFile)


def save_claiming(path, header):
    """A corpus whose `lengths` say in their header that they are something else."""
    Corpus.from_lines(make_lines()).save(path)
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    header = header.encode().ljust(117) + b"\n"
    entries["lengths.npy"] = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(24)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


@pytest.mark.parametrize("shape", ["(9999999999,)", "(2**62,)", "(True,)", "(-1,)", "(3", "'many'"])
def test_a_header_that_claims_another_shape_is_refused_before_room_is_made(tmp_path, shape):
    path = tmp_path / "corpus.npz"
    save_claiming(path, f"{{'descr': '<i8', 'fortran_order': False, 'shape': {shape}, }}")
    with pytest.raises(InputError, match=r"is not a corpus .* or is damaged"):
        Corpus.load(path)


def test_the_fingerprint_knows_the_pen_and_the_lengths():
    """Ink that differs in nothing but where the pen lifts, or in where one line ends and the next begins."""
    corpus = Corpus.from_lines(make_lines())
    bits = corpus.end_of_stroke.copy()
    bits[0] ^= True
    lengths = corpus.lengths.copy()
    lengths[:2] += (-1, 1)
    others = [dataclasses.replace(corpus, end_of_stroke=bits), dataclasses.replace(corpus, lengths=lengths)]
    assert len({corpus.fingerprint, *(other.fingerprint for other in others)}) == 3


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_the_file_is_for_all_whom_the_umask_lets(tmp_path):
    before = os.umask(0o027)
    try:
        Corpus.from_lines(make_lines()).save(tmp_path / "corpus.npz")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "corpus.npz").stat().st_mode) == 0o640
