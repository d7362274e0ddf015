"""export_web.py as a user runs it."""

import gzip
import hashlib
import json
import pathlib

import pytest

from .conftest import run_script

PRETRAINED = pathlib.Path(__file__).parents[2] / "graves_jax" / "pretrained"


def run(*flags):
    return run_script("export_web.py", *flags)


def test_a_folder_with_everything_in_it(tmp_path):
    output = tmp_path / "new" / "page"
    done = run("--weights=hershey", f"--output={output}", "--dtype=int8")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert (report["weights"], report["dtype"]) == ("hershey", "int8")
    assert report["files"] == {path.name: path.stat().st_size for path in output.iterdir()}
    model = json.loads((output / "model.json").read_text())
    assert model["weights"]["sha256"] == hashlib.sha256((output / "weights.safetensors").read_bytes()).hexdigest()
    assert model["licence"] == "Apache-2.0" and len(model["prompts"]) == 20
    page = [path for path in output.iterdir() if path.name not in ("model.json", "weights.safetensors")]
    assert sum(path.stat().st_size for path in page) < 68_000
    assert sum(len(gzip.compress(path.read_bytes())) for path in page) < 30_000


def test_one_file_in_place_of_the_folder(tmp_path):
    done = run(f"--checkpoint={PRETRAINED / 'hershey'}", f"--output={tmp_path}", "--single_file")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]
    assert list(json.loads(done.stdout.splitlines()[-1])["files"]) == ["index.html"]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], "--output=FOLDER"),
        (["--output=taken/page"], "is a file"),
        (["--output=page", "--dtype=int4"], "dtype"),
        (["--output=page", "--weights=none"], "hershey"),
        (["--output=page", "--weights=hershey", "--checkpoint=run"], "found both"),
        (["--output=page", "--checkpoint=run"], "found nothing"),
        (["--output=page", "--prompts=1000"], "prompts"),
    ],
)
def test_bad_input_is_one_sentence_and_nothing_is_written(tmp_path, monkeypatch, flags, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("")
    done = run(*flags)
    assert done.returncode == 2
    assert words in done.stderr and "Traceback" not in done.stderr and len(done.stderr.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
