"""synthesize.py as a user runs it, and as a cluster does: whoever writes, and whoever is killed, the same bytes."""

import importlib.util
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from .conftest import EXPERIMENTS, start_script

FLAGS = ("--weights=hershey", "--lines=24", "--per_shard=6", "--characters=3,8", "--num_places=8", "--scale=0.1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("synthesize")


@pytest.fixture(scope="module")
def environment(environment):
    # As Ray's workers have it, so that they find their programs compiled.
    return environment | {"XLA_FLAGS": f"{environment.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false"}


def start(output, environment, *flags):
    return start_script("synthesize.py", *FLAGS, f"--output={output}", *flags, env=environment)


def finish(process):
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return json.loads(output.splitlines()[-1])


def content(output):
    return {path.name: path.read_bytes() for path in output.rglob("*") if path.is_file()}


def wait_for(condition, process):
    while process.poll() is None and not condition():
        time.sleep(0.01)


@pytest.fixture(scope="module")
def serial(folder, environment):
    """What one process wrote that nobody disturbed."""
    report = finish(start(folder / "serial", environment))
    assert {name: report[name] for name in ("lines", "shards", "passed_over", "complete")} == {
        "lines": 24,
        "shards": 4,
        "passed_over": 0,
        "complete": True,
    }
    files = content(folder / "serial")
    assert report["bytes"] == sum(len(data) for name, data in files.items() if name.endswith(".tar"))
    return files


def test_a_killed_driver_is_started_again(serial, folder, environment):
    output = folder / "killed"
    process = start(output, environment)
    wait_for(lambda: list(output.glob("lines-*.tar")), process)
    process.kill()
    process.communicate()
    there = len(list(output.glob("lines-*.tar")))
    assert there and "SHA256SUMS" not in content(output)
    report = finish(start(output, environment))
    assert report["passed_over"] >= there
    assert content(output) == serial


def test_an_array_of_tasks(serial, folder, environment):
    output = folder / "array"
    tasks = [
        start(output, environment | {"SLURM_ARRAY_TASK_ID": index, "SLURM_ARRAY_TASK_COUNT": "2"}, "--engine=array")
        for index in ("0", "1")
    ]
    reports = [finish(task) for task in tasks]
    assert [report["lines"] for report in reports] == [12, 12]
    assert any(report["complete"] for report in reports)
    assert content(output) == serial


@pytest.mark.skipif(not importlib.util.find_spec("ray"), reason="takes Ray")
@pytest.mark.skipif(not pathlib.Path("/proc/self/environ").exists(), reason="finds Ray's workers by /proc")
def test_ray_whose_worker_is_killed(serial, folder, environment):
    output = folder / "ray"
    process = start(output, environment, "--engine=ray")
    # The name of the cache tells these workers from others.
    marks = (b"ray::", f"JAX_COMPILATION_CACHE_DIR={folder / 'cache'}".encode())
    killed = []

    def kill_a_worker_that_writes():
        for worker in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                texts = ((worker / "cmdline").read_bytes(), (worker / "environ").read_bytes())
            except OSError:
                continue
            if b"_write_for_ray" in texts[0] and all(mark in text for mark, text in zip(marks, texts, strict=True)):
                os.kill(int(worker.name), signal.SIGKILL)
                killed.append(worker.name)
                return True
        return False

    wait_for(kill_a_worker_that_writes, process)
    finish(process)
    assert killed
    assert content(output) == serial


# Runs main in this one process for each list of flags, as command_line.run does, and prints what came of it.
DRIVER = """
import contextlib, io, json, sys
sys.path.insert(0, sys.argv[1])
import command_line, synthesize
from absl import flags
for case in json.loads(sys.stdin.read()):
    for name in flags.FLAGS:
        flags.FLAGS[name].unparse()
    sys.argv = ["synthesize.py", *case]
    output, errors, code = io.StringIO(), io.StringIO(), "no exit"
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        try:
            command_line.run(synthesize.main)
        except SystemExit as error:
            code = error.code
        except BaseException as error:
            code = repr(error)
    print(json.dumps([code, output.getvalue(), errors.getvalue()]))
"""


def test_bad_input_is_one_sentence_and_writes_nothing(tmp_path, environment):
    (tmp_path / "texts.txt").write_text("süß\n", encoding="utf-8")
    (tmp_path / "long.txt").write_text("a" * 501)
    (tmp_path / "file").write_text("precious")
    lines, output = "--lines=5", "--output=new"
    cases = [
        ([output], "--lines"),
        ([lines], "--output"),
        ([lines, output, "--per_shard=0"], "per_shard"),
        (["--lines=0", output], "lines"),
        ([f"--lines={2**32 + 1}", output], "lines"),
        ([lines, output, "--engine=spark"], "engine"),
        ([lines, output, "--format=csv"], "format"),
        ([lines, output, "--bias=high"], "--bias=LOW,HIGH, found 'high'"),
        ([lines, output, "--bias=1,2,3"], "--bias=LOW,HIGH"),
        ([lines, output, "--bias=2,1"], "LOW,HIGH between 0 and 20"),
        ([lines, output, "--characters=9,3"], "LOW,HIGH"),
        ([lines, output, "--hands=left"], "any, styles"),
        ([lines, output, "--hands=vectors", "--weights=hershey"], "weights with style vectors"),
        ([lines, output, "--weights=nobody"], "'nobody'"),
        ([lines, output, "--checkpoint=nowhere"], "nowhere"),
        ([lines, output, "--weights=hershey", "--checkpoint=run"], "found both"),
        ([lines, output, "--texts_file=missing.txt"], "missing.txt"),
        ([lines, output, "--texts_file=texts.txt", "--words_file=texts.txt"], "found both"),
        ([lines, output, "--words=2,3"], "--words to come with --words_file"),
        ([lines, output, "--ray_address=auto"], "--ray_address to come with --engine=ray"),
        ([lines, output, "--engine=ray", "--tasks=3"], "--tasks to come with --engine=array"),
        ([lines, output, "--texts_file=texts.txt", "--characters=3,8"], "--characters to come with made-up"),
        ([lines, output, "--texts_file=texts.txt"], "characters that the weights know"),
        ([lines, output, "--texts_file=long.txt"], "at most 500 characters, found up to 501"),
        ([lines, output, "--format=jsonl", "--png_height=32"], "format tar"),
        ([lines, "--output=file"], "a folder to write to at file"),
        ([lines, "--output=."], "found other files"),
    ]
    before = content(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, EXPERIMENTS],
        cwd=tmp_path,
        env=environment,
        input=json.dumps([flags for flags, _ in cases]),
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    for (flags, words), line in zip(cases, done.stdout.splitlines(), strict=True):
        code, output, errors = json.loads(line)
        assert (code, output) == (2, ""), (flags, code, errors)
        assert errors.startswith("error: ") and errors.count("\n") == 1 and words in errors, (flags, errors)
    assert content(tmp_path) == before
