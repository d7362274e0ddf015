"""Inputs of soak.py that are given on a command line: every flag of most scripts, flagfiles, and whole commands."""

import functools
import importlib.util
import io
import json
import os
import pathlib
import random
import shlex
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from types import ModuleType
from typing import NamedTuple

import command_line
import numpy as np
from absl import flags

from graves_jax.data.corpus import Corpus, Line
from graves_jax.data.json_lines import save_json_lines
from graves_jax.errors import InputError
from soak.corpora import make_ink
from soak.mutations import damage_bytes, strange_text

EXPERIMENTS = pathlib.Path(__file__).parents[1]
_WORDS = (
    "", "0", "1", "-1", "+5", "2", "7", "0.5", "-0.0", "1e-9", "1e308", "1e999", "nan", "-nan", "inf", "-inf", "0x10",
    "1_000", "١٢", "²", "1e3", "9" * 18, "9" * 19, "9" * 30, "9" * 5_000, "2147483647", "2147483648", "4294967296",
    "true", "no", "None", "many", " 3 ", "1,2", "1,,2", "a,b", ",", '"', '"a', '"a"b', "a\nb", "a\rb", "'", "\\",
    ".", "..", "/", "/dev/null", "missing", "missing/a.svg", "a.svg", "a.SVG", "a.npz", "a.jsonl", "x" * 300 + ".svg",
    "x" * 5_000, "é", "😀", "\udcff", "\0", "a\0.jsonl", "%s", "--", "-", "~", "$HOME", "quick.flags",
)  # fmt: skip
_SHORT_RUN = (
    "--num_steps=1", "--validate_every=0", "--draw_every=0", "--hidden_size=4", "--num_layers=1", "--batch_size=2",
)  # fmt: skip
_ARGUMENTS = (
    "stray",
    "--",
    "-",
    "---",
    "--=",
    "--=1",
    "--nonsense=1",
    "-x",
    "--flagfile",
    "--flagfile=",
    "--undefok=x",
)


class _Script(NamedTuple):
    name: str
    module: ModuleType
    folder: pathlib.Path


# --- Flags of one script, read in this process.


def _prepare_script(name: str, folder: pathlib.Path) -> _Script:
    module = _load_script(name)
    os.chdir(folder)
    for file in ("a.jsonl", "a.npz", "text.txt"):
        (folder / file).write_text("not this\n")
    _write_ink(folder)
    return _Script(name, module, folder)


def _load_script(name: str) -> ModuleType:
    """By its file, for `soak` is the name of this folder too."""
    spec = importlib.util.spec_from_file_location(f"{name}_script", EXPERIMENTS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _write_ink(folder: pathlib.Path) -> None:
    """A corpus and a file of own ink."""
    lines = [Line(make_ink(n, 20, "ab c"), f"line-{n}", split="training") for n in range(6)]
    Corpus.from_lines(lines).save(folder / "corpus.npz")
    save_json_lines(folder / "lines.jsonl", [line.ink for line in lines])


def _check_train(train: ModuleType) -> None:
    train.check_numbers()
    corpus = Corpus.load("corpus.npz")
    train.training_config(corpus, start=None)
    train.network_config(corpus, train.choose_alphabet(corpus))


def _check_sample(sample: ModuleType) -> None:
    sample.write_line._check_output()
    sample.write_line._read_texts()


def _check_prepare_data(prepare_data: ModuleType) -> None:
    output = pathlib.Path(prepare_data.OUTPUT.value)
    prepare_data.check_output(output, overwrite=prepare_data.OVERWRITE.value)
    prepare_data.read_source(pathlib.Path(prepare_data.SOURCE.value))


def _check_evaluate(evaluate: ModuleType) -> None:
    if evaluate.BIASES.value is not None:
        evaluate.parse_biases(evaluate.BIASES.value)
    Corpus.load(evaluate.DATA.value).indices(evaluate.SPLIT.value)


def _check_synthesize(synthesize: ModuleType) -> None:
    lines, _ = synthesize.check_flags()
    synthesize.make_plan(lines)


def _check_recogniser(recogniser: ModuleType) -> None:
    recogniser.read_corpus(recogniser.DATA.value)
    recogniser.read_synthetic()


# What each script does with its flags before anything else, and flags that it takes.
_SCRIPTS: dict[str, tuple[Callable[[ModuleType], object], list[str]]] = {
    "train": (_check_train, []),
    "sample": (_check_sample, ["--text=a", "--output=a.svg"]),
    "prepare_data": (_check_prepare_data, ["--source=lines.jsonl", "--output=new.npz"]),
    "evaluate": (_check_evaluate, ["--data=corpus.npz"]),
    "benchmark": (lambda benchmark: benchmark.read_batch_sizes(), []),
    "figures": (lambda figures: (figures.check_names(), figures.make_output()), ["--output=figures"]),
    "export_weights": (lambda export_weights: None, ["--checkpoint=run", "--output=new", "--licence=none"]),
    "soak": (lambda soak: None, []),
    "synthesize": (_check_synthesize, ["--lines=10", "--output=new", "--weights=hershey"]),
    "recogniser": (_check_recogniser, ["--data=corpus.npz"]),
    "write_page": (lambda write_page: write_page.write_page._check_flags(), ["--text_file=text.txt", "--output=a.pdf"]),
    "learn_hand": (lambda learn_hand: learn_hand.check_files(), ["--ink=lines.jsonl", "--output=new.hand"]),
    "export_web": (lambda export_web: export_web.check_output(), ["--output=new"]),
}


def _feed_flags(script: _Script, rng: random.Random) -> None:
    check, usual = _SCRIPTS[script.name]
    arguments = [*(usual if rng.random() < 0.9 else []), *(_argument(rng) for _ in range(rng.choice((0, 1, 1, 2, 4))))]
    if rng.random() < 0.3:
        arguments.append(_write_flagfile(script.folder, arguments, rng))
        del arguments[: len(arguments) - 1 if rng.random() < 0.5 else 0]
    for name in flags.FLAGS:
        flags.FLAGS[name].unparse()
    output, errors = io.StringIO(), io.StringIO()
    try:
        with redirect_stdout(output), redirect_stderr(errors):
            command_line.parse_flags(["script.py", *arguments])
            check(script.module)
    except InputError as error:
        raise InputError(command_line.one_line(error)) from error
    assert not errors.getvalue() and not output.getvalue(), "something was printed"
    for name in flags.FLAGS:
        _check_range(flags.FLAGS[name])


def _argument(rng: random.Random) -> str:
    if rng.random() < 0.1:
        return rng.choice(_ARGUMENTS)
    name = rng.choice(sorted(set(flags.FLAGS) - {"flagfile", "undefok"}))
    kind = rng.random()
    if kind < 0.05:
        return rng.choice((f"--{name}", f"--no{name}", f"-{name}", f"--{name[:-1]}", f"--{name.upper()}=1"))
    choices = getattr(flags.FLAGS[name].parser, "enum_values", None)
    if choices and kind < 0.5:
        return f"--{name}={rng.choice(choices)}"
    bounds = [str(bound) for bound in _bounds(flags.FLAGS[name]) if bound is not None]
    value = rng.choice(bounds) if bounds and kind < 0.3 else strange_text(rng) if kind > 0.9 else rng.choice(_WORDS)
    return f"--{name}={value}"


def _bounds(flag: flags.Flag) -> tuple[float | None, float | None]:
    return getattr(flag.parser, "lower_bound", None), getattr(flag.parser, "upper_bound", None)


def _check_range(flag: flags.Flag) -> None:
    """Numbers are finite and in their range."""
    least, most = _bounds(flag)
    if isinstance(flag.value, int | float) and not isinstance(flag.value, bool):
        assert np.isfinite(float(flag.value)), f"--{flag.name} is {flag.value}"
        assert (least is None or flag.value >= least) and (most is None or flag.value <= most), flag.name
        assert not isinstance(flag.value, int) or abs(flag.value) < 2**32, f"--{flag.name} is {flag.value}"


def _write_flagfile(folder: pathlib.Path, arguments: list[str], rng: random.Random) -> str:
    """A flagfile with the arguments in it, or one that is damaged, names itself, or others a thousand times over."""
    content = "# flags\n\n" + "\n".join(argument.replace("\n", " ") for argument in arguments) + "\n"
    match rng.randrange(6):
        case 0:
            content += "--flagfile=a.flags\n"
        case 1:
            for name, other in zip("abcdefgh", "bcdefghi", strict=True):
                (folder / f"{name}.flags").write_text(f"--flagfile={other}.flags\n" * 10)
            (folder / "i.flags").write_text("")
            return "--flagfile=a.flags"
        case 2:
            for number in range(2_000):
                (folder / f"{number}.flags").write_text(f"--flagfile={number + 1}.flags\n")
            return "--flagfile=0.flags"
    encoded = content.encode("utf-8", "surrogateescape" if "\udcff" in content else "replace")
    (folder / "a.flags").write_bytes(damage_bytes(encoded, rng) if rng.random() < 0.4 else encoded)
    return rng.choice(("--flagfile=a.flags", "--flagfile=./a.flags", "-flagfile=a.flags", "--flagfile=missing"))


# --- Whole commands, each a process.


def _prepare_commands(folder: pathlib.Path) -> pathlib.Path:
    (folder / "material").mkdir()
    _write_ink(folder / "material")
    return folder


def _feed_command(folder: pathlib.Path, rng: random.Random) -> None:
    damaged = folder / "damaged"
    damaged.mkdir(exist_ok=True)
    for file in (folder / "material").iterdir():
        content = file.read_bytes()
        (damaged / file.name).write_bytes(damage_bytes(content, rng) if rng.random() < 0.7 else content)
    corpus, ink, output = damaged / "corpus.npz", damaged / "lines.jsonl", damaged / rng.choice(("a.svg", "a.jsonl"))
    text = strange_text(rng).replace("\0", "") or " "
    arguments = rng.choice(
        (
            ["sample.py", f"--text={text}", f"--output={output}", "--weights=hershey"],
            ["sample.py", "--text=a", f"--output={output}", "--weights=hershey", f"--style={ink}"],
            ["sample.py", f"--texts_file={ink}", f"--output={output}", f"--bias={rng.choice(('nan', '-1', '21'))}"],
            ["sample.py", "--text=a", f"--output={output}", f"--checkpoint={rng.choice((damaged, ink, corpus))}"],
            ["train.py", f"--data={corpus}", f"--workdir={damaged}/run", *_SHORT_RUN],
            [
                "train.py",
                f"--{rng.choice(('num_steps', 'learning_rate', 'decay'))}={rng.choice(('', 'x', '-2', '1e999'))}",
            ],
            ["prepare_data.py", f"--source={ink}", f"--output={damaged}/new.npz", "--overwrite"],
            ["prepare_data.py", f"--source={damaged}", f"--output={damaged}/new.npz", "--overwrite"],
            ["evaluate.py", f"--data={corpus}", "--weights=hershey", "--split=training"],
            ["benchmark.py", f"--batch_sizes={rng.choice(('x', '0', '-1', '9' * 30, '9' * 5_000, '²'))}"],
            ["export_weights.py", f"--checkpoint={damaged}", f"--output={damaged}/out", "--licence=none"],
            ["figures.py", f"--output={damaged}", f"--data={corpus}", "--only=writers", "--weights=hershey"],
            ["figures.py", f"--output={damaged}", "--only=nothing"],
        )
    )
    command = [sys.executable, str(EXPERIMENTS / arguments[0]), *arguments[1:]]
    command = [argument.encode("utf-8", "surrogatepass") for argument in command]
    done = subprocess.run(command, capture_output=True, timeout=900)
    errors = done.stderr.decode(errors="replace")
    shown = f"{shlex.join(arguments)[:200]}: exit code {done.returncode}, {errors[-300:]}"
    assert "Traceback" not in errors, shown
    if done.returncode:
        assert done.returncode == 2, shown
        sentences = [line for line in errors.splitlines() if line.startswith("error: ")]
        assert len(sentences) == 1, shown
        raise InputError(sentences[0][:1_000])
    json.loads(done.stdout.decode().splitlines()[-1])


FAMILIES = {f"flags_of_{name}": (0.014, functools.partial(_prepare_script, name), _feed_flags) for name in _SCRIPTS}
FAMILIES |= {"commands": (0.000_3, _prepare_commands, _feed_command)}
