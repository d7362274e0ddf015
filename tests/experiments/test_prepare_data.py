"""prepare_data.py from outside: a made-up database or own ink in, a corpus and a report out."""

import hashlib
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from graves_jax.data.corpus import Corpus
from graves_jax.data.hershey.writers import draw_writer, render_text
from graves_jax.data.ink import Ink
from graves_jax.data.json_lines import read_json_lines

REPOSITORY = pathlib.Path(__file__).parents[2]
SUBSETS = {"trainset": "a01-000", "testset_v": "b01-000", "testset_t": "c01-000", "testset_f": "d01-000"}
# The fourth step is a recording error.
POINTS = [(0, 0), (10, 4), (20, -5), (40, 3), (2_040, 3), (2_060, 6)]


def prepare(*arguments, cwd):
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, str(REPOSITORY / "experiments" / "prepare_data.py"), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def report(result):
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


def complaint(result):
    assert result.returncode == 2
    assert result.stdout == ""
    message = result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr
    return message


@pytest.fixture
def database(tmp_path):
    """Four forms of one line each, unpacked; the validation form has a line more, without ink."""
    folder = tmp_path / "database"
    points = "".join(f'<Point x="{x}" y="{y}"/>' for x, y in POINTS)
    for subset, form in SUBSETS.items():
        (folder / "lineStrokes" / form).mkdir(parents=True)
        (folder / "lineStrokes" / form / f"{form}-01.xml").write_text(f"<a><Stroke>{points}</Stroke></a>")
        (folder / "ascii" / form).mkdir(parents=True)
        (folder / "ascii" / form / f"{form}.txt").write_text("CSR:\nwords" + "\nno ink" * (subset == "testset_v"))
        (folder / f"{subset}.txt").write_text(f"{form}\n")
    return folder


@pytest.fixture
def own_ink(tmp_path):
    path = tmp_path / "mine.jsonl"
    rng = np.random.default_rng(0)
    end_of_stroke = [0] * 8 + [1]
    rows = [
        {
            "text": "ab",
            "writer": f"writer {number % 20}",
            "strokes": np.column_stack([rng.normal(size=(9, 2)), end_of_stroke]).tolist(),
        }
        for number in range(40)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_database_to_corpus(database, tmp_path):
    result = prepare("--source=database", "--output=out.npz", cwd=tmp_path)
    summary = report(result)
    assert summary["lines"] == 4
    assert summary["points"] == 4 * len(POINTS)
    assert summary["splits"] == {"training": 3, "validation": 1}
    assert summary["subsets"] == dict.fromkeys(sorted(SUBSETS), 1)
    assert summary["source_subsets"]["testset_v"] == {"forms": 1, "lines": 1, "with_transcript": 1}
    assert summary["skipped"] == {"no transcript": 0, "no strokes": 1}
    assert summary["changed"] == {
        "steps over 1,500 units dropped (training)": 3,
        "steps over 1,500 units dropped (validation)": 1,
    }
    steps = np.delete(np.diff(POINTS, axis=0), 3, axis=0)
    np.testing.assert_allclose(summary["mean"], steps.mean(axis=0))
    np.testing.assert_allclose(summary["std"], steps.std(axis=0))
    assert summary["sha256"] == hashlib.sha256((tmp_path / "out.npz").read_bytes()).hexdigest()
    assert summary["seconds"] >= 0
    assert "4 lines of ink" in result.stdout.splitlines()[0]


def test_the_corpus_knows_where_it_comes_from(database, tmp_path):
    summary = report(prepare("--source=database", "--output=out.npz", cwd=tmp_path))
    corpus = Corpus.load(tmp_path / "out.npz")
    assert corpus.fingerprint == summary["fingerprint"]
    assert corpus.provenance["source"] == "database"
    assert corpus.provenance["protocol"] == "paper"
    assert corpus.provenance["skipped"] == summary["skipped"]
    expected = hashlib.sha256((database / "trainset.txt").read_bytes()).hexdigest()
    assert corpus.provenance["sha256"]["trainset.txt"] == expected


def test_own_ink_to_corpus(own_ink, tmp_path):
    summary = report(prepare("--source=mine.jsonl", "--output=out.npz", cwd=tmp_path))
    assert summary["lines"] == summary["corpus_lines"] == 40
    assert summary["points"] == 40 * 10
    assert summary["splits"] == {"training": 38, "validation": 2}
    assert len(Corpus.load(tmp_path / "out.npz")) == 40


def test_ink_for_validation_alone_has_no_statistics(own_ink, tmp_path):
    rows = [json.loads(row) | {"split": "validation"} for row in own_ink.read_text().splitlines()]
    own_ink.write_text("".join(json.dumps(row) + "\n" for row in rows))
    summary = report(prepare("--source=mine.jsonl", "--output=out.npz", cwd=tmp_path))
    assert summary["mean"] is summary["std"] is None


def test_output_is_not_overwritten_unasked(own_ink, tmp_path):
    (tmp_path / "out.npz").write_text("precious")
    message = complaint(prepare("--source=mine.jsonl", "--output=out.npz", cwd=tmp_path))
    assert message == "error: out.npz exists: name another --output, or add --overwrite to replace it."
    assert (tmp_path / "out.npz").read_text() == "precious"
    report(prepare("--source=mine.jsonl", "--output=out.npz", "--overwrite", cwd=tmp_path))
    assert len(Corpus.load(tmp_path / "out.npz")) == 40


def test_bad_input_leaves_nothing_behind(own_ink, database, tmp_path):
    (tmp_path / "broken.jsonl").write_text('{"text": "a"}\n')
    (tmp_path / "flat.jsonl").write_text('{"text": "a", "strokes": [[1, 0, 0], [2, 0, 1]]}\n')
    before = sorted(tmp_path.rglob("*"))
    for arguments, message in [
        (["--source=gone", "--output=out.npz"], "Expected a folder or a .jsonl file at --source=gone, found nothing."),
        (["--source=broken.jsonl", "--output=out.npz"], "Row 1 of broken.jsonl is wrong"),
        (["--source=mine.jsonl", "--output=out.txt"], "whose name ends with .npz"),
        (["--source=mine.jsonl", "--output=gone/out.npz"], "Expected a folder that can be written to at gone"),
        (["--source=mine.jsonl", "--output=out.npz", "--protocol=none"], "--protocol=none"),
        (["--source=flat.jsonl", "--output=out.npz"], "Training ink needs movement along both axes"),
        (["--source=mine.jsonl"], "output"),
        (["--output=out.npz"], "source"),
    ]:
        assert message in complaint(prepare(*arguments, cwd=tmp_path))
    (database / "lineStrokes" / "a01-000" / "a01-000-01.xml").write_text("<a>")
    assert "'a01-000-01.xml' in" in complaint(prepare("--source=database", "--output=out.npz", cwd=tmp_path))
    assert sorted(tmp_path.rglob("*")) == before


def test_a_protocol_that_leaves_nothing_says_so(own_ink, tmp_path):
    message = complaint(prepare("--source=mine.jsonl", "--output=out.npz", "--protocol=writer", cwd=tmp_path))
    assert "needs at least one line" in message
    assert not (tmp_path / "out.npz").exists()


def test_it_does_not_wait_for_jax(own_ink, tmp_path):
    code = (
        "import runpy, sys; sys.argv = ['prepare_data.py', '--help']\n"
        f"sys.path.insert(0, {str(REPOSITORY / 'experiments')!r})\n"
        "import prepare_data; print('jax' in sys.modules, 'matplotlib' in sys.modules)"
    )
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    output = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert output.stdout.split() == ["False", "False"]


def twice_the_points(ink):
    """With a point in the middle of every step on paper: the writer protocol leaves every second one."""
    strokes = []
    for stroke in ink.strokes():
        places = np.arange(2 * len(stroke) - 1) / 2
        strokes.append(np.column_stack([np.interp(places, np.arange(len(stroke)), axis) for axis in stroke.T]))
    return Ink.from_strokes(strokes, ink.text)


def test_a_network_finds_lines_that_do_not_fit_their_text(tmp_path):
    """Lines that the weights wrote themselves: one says more than its ink, another less, the others stay."""
    styles = read_json_lines(REPOSITORY / "graves_jax" / "pretrained" / "styles.jsonl")[:3]
    inks = [twice_the_points(style.ink) for style in styles]
    text = "a line that shows my hand"
    rows = [(0, text, "training"), (1, text, "training"), (2, text, "training"), (0, f"{text} once more", "training")]
    rows += [(1, "a line that shows", "training"), (2, f"{text} once more", "validation")]
    source = tmp_path / "lines.jsonl"
    with source.open("w") as file:
        for number, (ink, said, split) in enumerate(rows):
            row = {"id": f"page{number}-1", "text": said, "strokes": inks[ink].offsets.tolist(), "split": split}
            file.write(json.dumps(row) + "\n")
    options = (f"--source={source}", "--output=out.npz", "--protocol=writer")
    done = prepare(*options, "--drop_misfits=iam", cwd=tmp_path)
    assert report(done)["skipped"] == {
        "words of the text are not in the ink": 1,
        "words of the ink are not in the text": 1,
    }
    assert "page3-1" in done.stdout and "page4-1" in done.stdout
    corpus = Corpus.load(tmp_path / "out.npz")
    assert corpus.line_ids == ("page0-1", "page1-1", "page2-1", "page5-1")
    assert corpus.provenance["misfits_found_by"] == "iam"


@pytest.mark.parametrize(("weights", "words"), [("iam", "'paper'"), ("nothing", "'nothing'")])
def test_a_network_that_cannot_judge_is_refused(tmp_path, own_ink, weights, words):
    result = prepare(f"--source={own_ink}", "--output=a.npz", f"--drop_misfits={weights}", cwd=tmp_path)
    assert words in complaint(result)
    assert not (tmp_path / "a.npz").exists()


def test_own_ink_of_any_device_is_brought_to_the_scale_of_weights(tmp_path):
    """InkML in millimetres at a high rate, for weights of 10.7 points per character and a spread of 5.05."""
    rng = np.random.default_rng(3)
    writer = draw_writer(rng, faces=("futural",))
    groups = []
    for text in ["Jon Snow is here", "knows nothing now", "You know the way", "and so do I too"]:
        strokes = render_text(text, writer, rng, points_per_character=50.0).strokes()
        traces = "".join(f"<trace>{','.join(f'{x:.4f} {y:.4f}' for x, y in 0.2 * s)}</trace>" for s in strokes)
        groups.append(f'<traceGroup><annotation type="truth">{text}</annotation>{traces}</traceGroup>')
    # Ink that no one can read a text from.
    groups.append('<traceGroup><annotation type="truth">one line</annotation><trace>0 0,1 1</trace></traceGroup>')
    (tmp_path / "mine.inkml").write_text(f"<ink>{''.join(groups)}</ink>")
    found = report(prepare("--source=mine.inkml", "--output=mine.npz", "--like=hershey", cwd=tmp_path))
    assert found["corpus_lines"] == 4 and sum(found["skipped"].values()) == 1
    corpus = Corpus.load(tmp_path / "mine.npz")
    assert abs(corpus.lengths.sum() / corpus.text_lengths.sum() / 10.7 - 1) < 0.1
    assert abs(np.sqrt(np.prod(corpus.xy.std(axis=0))) / 5.05 - 1) < 0.02
    assert "a file of own ink" in complaint(prepare("--source=.", "--output=new.npz", "--like=hershey", cwd=tmp_path))
    # The judge's protocol is asked of the weights whose scale the ink is brought to.
    judged = ("--source=mine.inkml", "--output=new.npz", "--like=iam", "--drop_misfits=hershey")
    assert "under the protocol 'writer', found" in complaint(prepare(*judged, cwd=tmp_path))
    both = ("--source=mine.inkml", "--output=new.npz", "--like=hershey", "--protocol=writer")
    assert "one of --like and --protocol" in complaint(prepare(*both, cwd=tmp_path))
