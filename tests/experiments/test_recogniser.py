"""recogniser.py learns to read two words, as a user would start it."""

import json

import numpy as np

from graves_jax.data.corpus import Corpus, Line
from graves_jax.data.ink import Ink
from graves_jax.evaluation.readers import greedy_text

from .conftest import run_script


def run(folder, *flags):
    return run_script("recogniser.py", *flags, cwd=folder, timeout=1_200)


def make_ink(rng, text):
    """An a goes up and down, a b down and up; every letter takes eight points."""
    letters = [
        np.tile([[1.0, sign * 4.0, 0.0], [1.0, -sign * 4.0, 1.0]], (4, 1))
        for sign in (1 - 2 * (np.array(list(text)) == "b"))
    ]
    offsets = np.concatenate(letters)
    offsets[:, :2] += rng.normal(scale=0.1, size=(len(offsets), 2))
    return Ink(offsets, text)


def test_it_learns_to_read(tmp_path):
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list("ab"), 4)) for _ in range(48)]
    inks = [make_ink(rng, text) for text in texts]
    lines = [Line(ink, f"{n}", split="validation" if n < 16 else "training") for n, ink in enumerate(inks[:24])]
    Corpus.from_lines(lines).save(tmp_path / "corpus.npz")
    (tmp_path / "written").mkdir()
    rows = [{"text": ink.text, "strokes": ink.offsets.tolist(), "fault": None} for ink in inks[24:]]
    rows.append({"text": "wrong", "strokes": [[1, 1, 1]], "fault": "it is flat"})
    (tmp_path / "written" / "lines-00000-of-00001.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    network = ["--batch_size=16", "--channels=16", "--blocks=2", "--num_steps=150"]
    done = run(tmp_path, "--data=corpus.npz", "--synthetic=written", *network)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert (report["real_lines"], report["synthetic_lines"], report["validation_lines"]) == (8, 24, 16)
    assert report["character_error_rate"] < 0.1
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / "lines-00000-of-00001.jsonl").write_text('{"text": "a", "strokes": [[1, 1')
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "lines-00000-of-00001.jsonl").write_text('{"text": "a", "strokes": [[1, 1, 1]]}')
    for name in ("cut", "own"):
        done = run(tmp_path, "--data=corpus.npz", f"--synthetic={name}")
        assert done.returncode == 2 and f"{name}/lines-00000" in done.stderr and done.stderr.count("\n") == 1
    for flags, words in ((["--data=corpus.npz", "--synthetic=."], "found none"), ([], "--data=CORPUS")):
        done = run(tmp_path, *flags)
        assert done.returncode == 2 and words in done.stderr and done.stderr.count("\n") == 1


def test_it_counts_what_it_reads(tmp_path):
    """The best path, in any script; and a corpus that has nothing to be read is told before the training."""
    codes = [0, 1, 1, 0, 1, 2, 2, 0]
    assert greedy_text(np.eye(3)[codes], ["", *"éß"], read="éß") == "éé" + "ß"
    rng = np.random.default_rng(0)
    Corpus.from_lines([Line(make_ink(rng, "ab"), "0", split="training")]).save(tmp_path / "corpus.npz")
    done = run(tmp_path, "--data=corpus.npz", "--num_steps=2")
    assert done.returncode == 2 and "validation lines" in done.stderr and done.stderr.count("\n") == 1
