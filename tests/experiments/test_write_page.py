"""write_page.py and draw_page.py as a user runs them."""

import json
import os
import re

import pytest
from PIL import Image

from .conftest import EXPERIMENTS, run_script


def run(script, *flags):
    return run_script(script, *flags, env=os.environ | {"PYTHONPATH": str(EXPERIMENTS.parent)})


def report(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A letter written once, as saved ink, and the report."""
    folder = tmp_path_factory.mktemp("letter")
    (folder / "letter.txt").write_text("\ufeffDear Zoë,\n\n“late again…”\n" + "so it was\n" * 9, encoding="utf-8")
    flags = ("--weights=hershey", "--paper=80x60", "--margin=8", "--plain_letters", "--seed=2")
    done = run("write_page.py", f"--text_file={folder}/letter.txt", f"--output={folder}/letter.jsonl", *flags)
    return folder / "letter.jsonl", report(done), done


def test_a_text_becomes_pages_and_a_report(saved):
    path, found, done = saved
    assert found["outputs"] == [str(path)] and found["pages"] == 2 and found["lines"] == 11
    assert (found["words"], found["faults"], found["paper_mm"]) == (31, 0, [80.0, 60.0])
    assert found["mapped"] == {"ë": "e", "“": '"', "”": '"', "…": "..."}
    left, top, right, bottom = found["ink_mm"]
    assert 8 <= left < right <= 72 and 8 <= top < bottom <= 52
    assert len([row for row in done.stderr.splitlines() if row.startswith("warning")]) <= 1


@pytest.mark.parametrize("suffix, files", [(".pdf", 1), (".svg", 2), (".gcode", 2), (".hpgl", 2)])
def test_saved_pages_are_drawn_again(saved, suffix, files, tmp_path):
    done = run("draw_page.py", f"--ink={saved[0]}", f"--output={tmp_path}/again{suffix}", "--pen_width=0.3")
    assert len(report(done)["outputs"]) == files == len(list(tmp_path.iterdir()))
    assert report(done)["lines"] == 11


def test_saved_lines_of_ink_are_drawn_too(tmp_path):
    ink = tmp_path / "ink.jsonl"
    ink.write_text('{"text": "v", "strokes": [[1, 2, 0], [1, -2, 1]]}\n')
    assert report(run("draw_page.py", f"--ink={ink}", f"--output={tmp_path}/ink.svg"))["lines"] == 1
    assert (tmp_path / "ink.svg").read_text().startswith("<svg")
    assert report(run("draw_page.py", f"--ink={ink}", f"--output={tmp_path}/ink.json"))["lines"] == 1
    assert json.loads((tmp_path / "ink.json").read_text())[0]["text"] == "v"
    refused = run("draw_page.py", f"--ink={ink}", f"--output={tmp_path}/ink.png", "--dpi=300")
    assert refused.returncode == 2 and "--dpi to come with pages" in refused.stderr
    refused = run("draw_page.py", f"--ink={ink}", f"--output={tmp_path}/ink.gcode")
    assert refused.returncode == 2 and ".svg" in refused.stderr


@pytest.fixture
def texts(tmp_path):
    (tmp_path / "letter.txt").write_text("Dear Anna,")
    (tmp_path / "latin.txt").write_bytes("Grüße\nan alle".encode("latin-1"))
    Image.new("RGB", (40, 20), "white").save(tmp_path / "tom.png")
    (tmp_path / "spaces.txt").write_text(" \n \t\n")
    (tmp_path / "snow.txt").write_text("so\nmuch ☃, д")
    with open(tmp_path / "huge.txt", "wb") as file:
        file.truncate(100_000_000)
    return tmp_path


@pytest.mark.parametrize(
    "text, flags, words",
    [
        ("letter", ["--paper=B9"], "A4"),
        ("letter", ["--margin=110"], "leave room"),
        ("letter", ["--margin=1,2,3"], "1, 2 or 4"),
        ("letter", ["--margin=wide"], "numbers"),
        ("letter", ["--colour=inky"], "colour"),
        ("letter", ["--letter_size=0"], "x_height"),
        ("letter", ["--ruling=dotted"], "ruling"),
        ("letter", ["--feed=0"], "feed"),
        ("letter", ["--hyphenate=klingon"], "hyphen|language"),
        ("letter", ["--output=letter.docx"], ".pdf, .svg"),
        ("letter", ["--output=letter.png", "--dpi=2000"], "pixels"),
        ("letter", ["--output=letter.gcode", "--signature=tom.png"], "ink alone"),
        ("missing", [], "no such file"),
        ("latin", [], "UTF-8"),
        ("huge", [], "100,000,000"),
    ],
)
def test_what_cannot_be_is_one_sentence_before_jax_is_imported(texts, monkeypatch, text, flags, words):
    monkeypatch.chdir(texts)
    before = sorted(texts.iterdir())
    done = run(
        "write_page.py", f"--text_file={text}.txt", *(flags if "--output" in str(flags) else ["--output=a.pdf", *flags])
    )
    assert done.returncode == 2, done.stderr
    assert re.search(words, done.stderr) and len(done.stderr.splitlines()) == 1 and not done.stdout
    assert sorted(texts.iterdir()) == before


@pytest.mark.parametrize(
    "text, words", [("spaces", "something to write"), ("snow", "'☃' (line 2, column 6), 'д' (line 2, column 9)")]
)
def test_what_needs_the_weights_is_one_sentence_too(texts, text, words):
    done = run("write_page.py", f"--text_file={texts}/{text}.txt", f"--output={texts}/a.pdf", "--weights=hershey")
    assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr
    # No warning of a rare character comes before.
    assert len(done.stderr.splitlines()) == 1 and not (texts / "a.pdf").exists()


def test_help_shows_the_flags_of_all_parts_with_their_defaults():
    for script, names in (
        ("write_page.py", ["--text_file", "--bias", "--pen_width", "'0.35'", "'A4'", "'0.75'"]),
        ("draw_page.py", ["--ink", "--pen_up", "'M3 S0'"]),
        ("sample.py", ["--text:", "--bias", "'0.75'"]),
    ):
        done = run(script, "--help")
        assert done.returncode == 0 and all(name in done.stdout for name in names)
