"""learn_hand.py as a user runs it: from ink of any device to a hand that writes, and one sentence for bad ink."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from graves_jax.data.corpus import Corpus, Line
from graves_jax.data.hershey.writers import draw_writer, render_text
from graves_jax.data.ink import Ink
from graves_jax.sampling.hands import load_hand

EXPERIMENTS = pathlib.Path(__file__).parents[2] / "experiments"
TEXTS = ["quick ink", "Jon Snow", "no way, 7", "a big fox"]
QUICK = ("--weights=hershey", "--num_steps=2", "--own_lines=2", "--stand_in_lines=1", "--finetune")

# Runs the script with each of the arguments in turn, in one process.
DRIVER = """
import contextlib, io, json, sys
sys.path.insert(0, sys.argv[1])
import command_line, learn_hand
from absl import flags
for case in json.loads(sys.stdin.read()):
    for name in flags.FLAGS:
        flags.FLAGS[name].unparse()
    sys.argv = ["learn_hand.py", *case]
    output, errors, code = io.StringIO(), io.StringIO(), "no exit"
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        try:
            command_line.run(learn_hand.main)
        except SystemExit as error:
            code = error.code
        except BaseException as error:
            code = repr(error)
    print(json.dumps([code, output.getvalue(), errors.getvalue()]))
"""


def row(text, number, *, change=None, **more):
    """A line of one synthetic hand as a tablet has it: 40 points a character, in hundredths of a millimetre."""
    rng = np.random.default_rng(number)
    writer = draw_writer(np.random.default_rng(7), faces=("futural",))
    written = render_text(text.replace("ä", "a"), writer, rng, points_per_character=40.0)
    strokes = [np.round(30 * stroke) for stroke in written.strokes()]
    ink = Ink.from_strokes(strokes if change is None else change(strokes), text)
    return {"text": text, "strokes": [[float(dx), float(dy), int(bit)] for dx, dy, bit in ink.offsets]} | more


def save(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("hand")


@pytest.fixture(scope="module")
def run(folder, environment):
    def run(*cases):
        command = [sys.executable, "-c", DRIVER, EXPERIMENTS]
        done = subprocess.run(
            command, cwd=folder, env=environment, input=json.dumps(cases), capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


def test_prompts_are_printed(run):
    [(code, output, _)] = run(["--prompts=3"])
    *lines, report = output.splitlines()
    assert code == 0 and json.loads(report) == {"prompts": lines} and len(lines) == 3


def test_a_hand_is_learned_with_its_new_characters_and_writes(folder, run, environment):
    rows = [row(text.replace("a", "ä"), number) for number, text in enumerate(TEXTS)]
    # One line says more than its ink.
    rows.append(row("no way", 9) | {"text": "no way that this is all", "id": "wrong"})
    save(folder / "mine.jsonl", rows)
    flags = [*QUICK, "--ink=mine.jsonl", "--output=mine.hand", "--picture=mine.png", "--new_characters"]
    [(code, output, errors)] = run(flags)
    assert code == 0, errors
    report = json.loads(output.splitlines()[-1])
    assert report["lines"] == 4 and report["held_out"] == 1 and report["new_characters"] == "ä"
    assert list(report["left_out"]) == ["wrong"]
    assert report["nats_per_point_fitted"] <= report["nats_per_point_any"]
    assert (folder / "mine.png").read_bytes().startswith(b"\x89PNG")
    hand = load_hand(folder / "mine.hand")
    assert hand.vector is None and hand.weights == "mine.weights"
    assert hand.facts["nats_per_point_fitted"] == report["nats_per_point_fitted"]
    assert sorted(path.name for path in folder.iterdir()) == ["mine.hand", "mine.jsonl", "mine.png", "mine.weights"]
    command = [sys.executable, EXPERIMENTS / "sample.py", "--text=wäy", "--style=mine.hand", "--output=way.jsonl"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads((folder / "way.jsonl").read_text())["text"] == "wäy"
    # So does what measures it, with the hand's own weights.
    Corpus.from_lines(
        [
            Line(render_text("way", draw_writer(rng), rng, points_per_character=10.7), f"line-{n}", split=split)
            for n, split in enumerate(("training", "validation"))
            for rng in [np.random.default_rng(n)]
        ]
    ).save(folder / "lines.npz")
    command = [sys.executable, EXPERIMENTS / "evaluate.py", "--data=lines.npz", "--failures", "--texts=1"]
    done = subprocess.run(
        [*command, "--style=mine.hand", "--biases=1"], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def turned(strokes):
    return [stroke * [1, -1] for stroke in strokes]


def bad_input(folder):
    """Flags, and words of the sentence that they deserve."""
    good = [row(text, number) for number, text in enumerate(TEXTS)]
    few = [
        row(text, number, change=lambda strokes: [s[:: len(s) // 2 + 1] for s in strokes])
        for number, text in enumerate(TEXTS)
    ]
    coarse = [
        row(text, number, change=lambda strokes: [np.round(s / 100) for s in strokes])
        for number, text in enumerate(TEXTS)
    ]
    files = {
        "good": good,
        "empty": [],
        "one_stroke": [row("Jon Snow", 0, change=lambda strokes: strokes[:1])],
        "no_ink": [good[0] | {"strokes": []}],
        "no_text": [good[0] | {"text": ""}],
        "y_up": [row(text, number, change=turned) for number, text in enumerate(TEXTS)],
        "few_points": few,
        "coarse": coarse,
        "many_points": [good[0] | {"strokes": [[1, 1, 0]] * 99_999 + [[1, 1, 1]]}],
        "umlaut": [row("wäy", 0), *good],
    }
    for name, rows in files.items():
        save(folder / f"{name}.jsonl", rows)
    (folder / "other.jsonl").write_bytes(b"\x89PNG\r\n\x1a\n\xff")
    (folder / "other.inkml").write_text("<svg/>")
    (folder / "other.txt").write_text("Jon Snow")
    (folder / "taken.weights").mkdir(exist_ok=True)
    (folder / "taken.weights" / "notes.txt").write_text("not to be lost")

    def learn(name, *flags):
        return [*QUICK, f"--ink={name}", "--output=new.hand", *flags]

    return [
        ([], "--ink=FILE and --output=FILE.hand"),
        (["--ink=good.jsonl"], "--output=FILE.hand"),
        (["--prompts=0"], "1 to 100 prompts"),
        (["--ink=good.jsonl", "--output=new.txt"], "ends with .hand"),
        (["--ink=good.jsonl", "--output=missing/new.hand"], "a folder to write to"),
        (["--ink=good.jsonl", "--output=new.hand", "--weights=hershey"], "Expected --finetune"),
        (["--ink=good.jsonl", "--output=new.hand", "--weights=nobody", "--finetune"], "'nobody'"),
        (learn("good.jsonl", "--checkpoint=run"), "one of --checkpoint and --weights"),
        (learn("good.jsonl", "--picture=new.docx"), "--picture"),
        (learn("good.jsonl", "--resembles=ä=a"), "'ä' to be a new character"),
        ([*QUICK, "--ink=good.jsonl", "--output=taken.hand"], "weights of a hand at taken.weights"),
        (learn("missing.jsonl"), "no such file"),
        (learn("empty.jsonl"), "found none"),
        (learn("one_stroke.jsonl"), "'1' (1 stroke(s) of ink for 2 word(s))"),
        (learn("no_ink.jsonl"), "strokes"),
        (learn("no_text.jsonl"), "text"),
        (learn("y_up.jsonl"), "upside down"),
        (learn("good.jsonl", "--y_up"), "leave out --y_up"),
        (learn("few_points.jsonl"), "points per character"),
        (learn("coarse.jsonl"), "grid of whole units"),
        (learn("many_points.jsonl"), "at most 20,000 points"),
        (learn("umlaut.jsonl"), "found 'ä': --new_characters"),
        (learn("other.jsonl"), "found something else"),
        (learn("other.inkml"), "XML of another kind"),
        (learn("other.txt"), "a .jsonl or .inkml file"),
    ]


def test_bad_input_is_one_sentence_and_nothing_is_written(folder, run):
    cases = bad_input(folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for (flags, words), (code, output, errors) in zip(cases, run(*[flags for flags, _ in cases]), strict=True):
        assert (code, output) == (2, ""), (flags, code, errors)
        assert errors.startswith("error: ") and errors.count("\n") == 1, (flags, errors)
        assert words in errors, (flags, errors)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
