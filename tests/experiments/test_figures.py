"""figures.py as a user runs it, and what it chooses to show."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from absl import flags
from PIL import Image

import graves_jax
from graves_jax.data.corpus import Corpus, Line
from graves_jax.data.ink import Ink

SCRIPT = pathlib.Path(__file__).parents[2] / "experiments" / "figures.py"
OF_DATA = "writers,line_in_time,network"
OF_WEIGHTS = "window,window_characters,mixture_density,mixture_weights,bias,keys,long_line"
OF_RUNS = "learning_curves,learning_samples"


@pytest.fixture(scope="module")
def figures_module():
    """The script, imported; afterwards its flags are free again for the other scripts, which share their names."""
    before = set(flags.FLAGS)
    sys.path.insert(0, str(SCRIPT.parent))
    import figures

    yield figures
    sys.path.remove(str(SCRIPT.parent))
    for name in set(flags.FLAGS) - before:
        delattr(flags.FLAGS, name)
    commands = [name for name in sys.modules if name.startswith("graves_jax.commands")]
    for name in ("figures", "command_line", *commands):
        del sys.modules[name]


@pytest.fixture
def corpus():
    """Twenty writers with two lines of 20 characters each; writer w takes 100 + 10 w points for one of them."""
    lines = []
    for number in range(40):
        w = number % 20
        offsets = np.tile([1.0, 0.5, 0.0], (100 + 10 * w, 1))
        offsets[5::7] *= [1, -1, 1]
        offsets[-1, 2] = 1
        lines.append(Line(Ink(offsets, "twenty characters do"), f"line-{number}", f"writer-{w}", "none", "training"))
    return Corpus.from_lines(lines)


@pytest.fixture
def workdir(tmp_path):
    """The workdir of a run that has been validated once and has drawn three times."""
    rows = [{"step": step, "nats_per_point": 3 - step / 100} for step in (20, 40, 60)]
    rows.append({"step": 60, "validation_nats_per_point": 2.5})
    folder = tmp_path / "my_run"
    (folder / "samples").mkdir(parents=True)
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for step in (20, 40, 60):
        Image.new("RGB", (80, 40), "white").save(folder / "samples" / f"step_{step:07d}.png")
    return folder


def test_every_figure_is_drawn_in_one_go(tmp_path, corpus, workdir):
    corpus.save(tmp_path / "corpus.npz")
    output = tmp_path / "new" / "figures"
    arguments = [f"--output={output}", "--text=Jon Snow", f"--data={tmp_path / 'corpus.npz'}", f"--runs={workdir}"]
    done = subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert "figure" in done.stderr  # the progress bar
    drawn = {pathlib.Path(file).stem for file in report["files"]}
    expected = {*OF_DATA.split(","), *OF_WEIGHTS.split(","), *OF_RUNS.split(","), "styles", "cleaning"}
    # The corpus does not say that it is raw ink.
    assert drawn | set(report["left_out"]) == expected
    assert {"cleaning"} <= set(report["left_out"]) <= {"styles", "cleaning"}
    for file in report["files"]:
        pixels = np.asarray(Image.open(file).convert("L"))
        assert pixels.shape[1] > 900 and pixels.std() > 5, file


@pytest.fixture
def run_here(figures_module, monkeypatch):
    """Runs the script in this process, which is faster; gives its exit code."""

    def run_script(*arguments):
        for name in flags.FLAGS:
            flags.FLAGS[name].unparse()
        monkeypatch.setattr(sys, "argv", [str(SCRIPT), *arguments])
        monkeypatch.setattr(figures_module, "NUM_LINES", 5)
        monkeypatch.setattr(figures_module.command_line, "use_compilation_cache", lambda: None)
        with pytest.raises(SystemExit) as left:
            figures_module.command_line.run(figures_module.main)
        return left.value.code

    return run_script


def test_only_some_figures_and_why_others_are_left_out(tmp_path, run_here, capsys):
    assert run_here(f"--output={tmp_path}", f"--only=network,{OF_RUNS}") == 0
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report["files"] == [str(tmp_path / "network.png")]
    assert set(report["left_out"]) == set(OF_RUNS.split(","))
    assert all("--runs" in why for why in report["left_out"].values())


@pytest.mark.parametrize(
    "arguments, words",
    [
        ((), "--output=DIR"),
        (("--output={tmp}", "--only=window,pie"), "'pie'"),
        (("--output={tmp}", "--data=missing.npz"), "missing.npz"),
        (("--output={tmp}", "--data={script}"), "not a corpus"),
        (("--output={tmp}", "--styles=nobody"), "'nobody'"),
        (("--output={tmp}", "--weights=nothing"), "nothing"),
        (("--output={tmp}", "--weights=hershey", "--checkpoint=run"), "found both"),
        (("--output={tmp}", "--runs=no_run"), "no_run"),
        (("--output={tmp}", "--weights=hershey", "--text=Snöw"), "'ö'"),
        (("--output={script}",), "folder"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path, run_here, capsys, arguments, words):
    assert run_here(*(flag.format(tmp=tmp_path, script=SCRIPT) for flag in arguments)) == 2
    [sentence] = capsys.readouterr().err.splitlines()
    assert sentence.startswith("error: ") and words in sentence
    assert not list(tmp_path.iterdir())


def test_writers_are_chosen_from_the_quickest_to_the_slowest(figures_module, corpus):
    chosen = figures_module.choose_writers(corpus, 5)
    assert [line.writer for line in chosen] == ["writer-2", "writer-6", "writer-10", "writer-13", "writer-17"]


def zigzag(text, line_id, *, swings=2, scale=1.0, slope=0.0):
    """Swings of the pen, two for a character and 11 points each, in strokes of a few."""
    t = np.arange(swings * len(text) * 11)
    points = np.column_stack([8.0 * t, -60 * np.cos(t * np.pi / 5.5) + slope * 8.0 * t]) * scale
    return Line(Ink.from_strokes(np.array_split(points, 5), text), line_id)


def test_the_most_changed_lines_are_shown_and_some_that_are_left_out(tmp_path, figures_module, run_here):
    lines = [
        zigzag("handwriting", "a-1", slope=0.1),
        zigzag("handwriting", "a-2", slope=-0.1),
        zigzag("handwriting", "b-1", scale=3.0),
        zigzag("handwriting", "b-2", scale=0.1),
        zigzag("longer writing", "c-1"),
        zigzag("some # words", "c-2"),
        zigzag("four", "d-1"),
    ]
    corpus = Corpus.from_lines(lines, {"protocol": "paper"})
    changes = figures_module.choose_changes(corpus)
    shown = [
        next(
            line.line_id
            for line in lines
            if len(line.ink) == len(c.before) and np.allclose(line.ink.offsets, c.before.offsets)
        )
        for c in changes
    ]
    assert shown == ["a-1", "a-2", "b-1", "b-2", "c-1", "c-2", "d-1"]
    assert [change.after is None for change in changes] == [False] * 5 + [True] * 2
    assert "falls by 10 %" in changes[0].label and "under 5 characters" in changes[-1].label
    corpus.save(tmp_path / "raw.npz")
    assert run_here(f"--output={tmp_path}", "--only=cleaning", f"--data={tmp_path / 'raw.npz'}") == 0
    assert (tmp_path / "cleaning.png").is_file()


def test_lines_stand_for_writers_that_are_not_known(figures_module, corpus):
    nameless = Corpus.from_lines(Line(corpus[n].ink, corpus[n].line_id) for n in range(5))
    assert [line.line_id for line in figures_module.choose_writers(nameless, 5)] == [f"line-{n}" for n in range(5)]
    with pytest.raises(figures_module.InputError, match="at least 6 writers, found 5"):
        figures_module.choose_writers(nameless, 6)


def test_samples_are_chosen_evenly_in_ratio(figures_module):
    steps = list(range(500, 64_001, 500))
    chosen = figures_module.spread_in_ratio([pathlib.Path(str(step)) for step in steps], steps)
    assert list(chosen.values()) == [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000]
    assert [path.name for path in chosen] == [str(step) for step in chosen.values()]
    alone = figures_module.spread_in_ratio([pathlib.Path("500")], [500])
    assert list(alone.values()) == [500]


def test_the_long_text_ends_with_a_whole_word(figures_module):
    weights = graves_jax.load("hershey")
    text = figures_module.long_text(weights, 900)
    assert 900 <= len(text) * weights.network.points_per_character < 1_000
    assert figures_module.long_text(weights, 9_000).split()[-1] in figures_module.PASSAGE.split()
