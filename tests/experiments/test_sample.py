"""sample.py as a user runs it."""

import json

import pytest

from .conftest import run_script


def run(*flags):
    return run_script("sample.py", *flags)


def test_a_text_becomes_a_file_and_a_report(tmp_path):
    output = tmp_path / "snow.svg"
    done = run("--text=“Jon Snow”", f"--output={output}", "--seed=1", "--weights=hershey")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["lines"] == 1 and report["points"] > 20
    assert report["mapped"] == {"“": '"', "”": '"'} and 'Replaced: “ by "' in done.stdout
    assert output.read_text().startswith("<svg")


def test_more_samples_do_not_change_the_first_and_ink_can_prime(tmp_path):
    style, alone, many = (tmp_path / name for name in ("style.jsonl", "alone.jsonl", "many.jsonl"))
    assert run("--text=nothing", f"--output={style}", "--weights=hershey").returncode == 0
    flags = ("--text=Snow", "--weights=hershey", f"--style={style}", "--bias=1")
    assert run(*flags, f"--output={alone}").returncode == 0
    assert run(*flags, f"--output={many}", "--num_samples=3").returncode == 0
    assert many.read_text().splitlines()[0] == alone.read_text().splitlines()[0]
    assert len(set(many.read_text().splitlines())) == 3


def test_the_best_of_several_is_one_of_them(tmp_path):
    output = tmp_path / "best.jsonl"
    done = run("--text=Snow", "--weights=hershey", "--bias=1", "--best_of=3", f"--output={output}")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["lines"] == len(output.read_text().splitlines()) == 1


@pytest.mark.parametrize(
    "flags, words",
    [
        (["--output=a.svg"], "exactly one of --text and --texts_file"),
        (["--text=a"], "--output=FILE"),
        (["--text=a", "--output=a.docx"], ".svg, .png"),
        (["--text=a", "--output=missing/a.svg"], "does not exist"),
        (["--texts_file=missing.txt", "--output=a.svg"], "missing.txt"),
        (["--text=a", "--output=a.svg", "--bias=much"], "bias"),
    ],
)
def test_wrong_flags_are_told_before_jax_is_imported(tmp_path, monkeypatch, flags, words):
    monkeypatch.chdir(tmp_path)
    done = run(*flags)
    assert done.returncode == 2
    assert words in done.stderr and "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1 and not list(tmp_path.iterdir())


def test_what_needs_the_weights_is_one_sentence_too(tmp_path):
    output = tmp_path / "a.svg"
    for flag, words in (
        ("--weights=none", "hershey"),
        (f"--checkpoint={tmp_path}", "found none"),
        ("--style=no", "no"),
    ):
        done = run("--text=a", f"--output={output}", flag)
        assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr
        assert not output.exists()
