"""The documentation is true: its examples run, its flags and files are there, and it leaves nothing public out."""

import ast
import json
import pathlib
import re
import subprocess
import sys
import warnings

import pytest

import graves_jax

ROOT = pathlib.Path(__file__).parents[1]
PACKAGE = ROOT / "graves_jax"
API = ROOT / "docs" / "api.md"
REFERENCE = ROOT / "docs" / "reference"
# Whatever gives a command line.
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
    *sorted(ROOT.glob("docs/*.md")),
    *sorted(ROOT.glob("experiments/*.md")),
    *sorted(PACKAGE.glob("pretrained/*/MODEL_CARD.md")),
]
# Modules that the reference leaves to the page of public names and to that of flags.
NOT_IN_REFERENCE = {"api", "pages", "version"}


def read(file):
    return file.read_text(encoding="utf-8")


def examples(file):
    return re.findall(r"^```python\n(.*?)^```$", read(file), re.M | re.S)


def test_the_examples_of_the_api_run_one_after_another(tmp_path, monkeypatch):
    import jax
    from jax.experimental.compilation_cache import compilation_cache

    monkeypatch.chdir(tmp_path)
    # Two examples change settings of JAX.
    options = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")
    before = {option: getattr(jax.config, option) for option in options}
    names = {}
    try:
        with warnings.catch_warnings():
            for number, example in enumerate(examples(API)):
                exec(compile(example, f"docs/api.md, example {number}", "exec"), names)
    finally:
        for option, value in before.items():
            jax.config.update(option, value)
        # Else it goes on writing to the folder of this test.
        compilation_cache.reset_cache()
    assert names["sampled"].offsets.shape == (2, 200, 3)
    assert names["outcome"].step == 4 and len(names["loss"].nats) == len(names["corpus"].indices("validation"))


@pytest.mark.parametrize("page", [API, REFERENCE / "public.md"], ids=lambda page: page.name)
def test_every_public_name_is_in_the_documentation(page):
    missing = [
        name for name in graves_jax.__all__ if name != "__version__" and not re.search(rf"\b{name}\b", read(page))
    ]
    assert not missing


def test_every_module_is_in_the_reference_once():
    written = [name for page in REFERENCE.glob("*.md") for name in re.findall(r"^::: (\S+)$", read(page), re.M)]
    modules = [name for name in written if hasattr_module(name)]
    there = set()
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[0] in {"commands", "pretrained"} | NOT_IN_REFERENCE or parts[-1] == "__init__":
            continue
        there.add(".".join(("graves_jax", *parts)))
    packages = {name for name in modules if (PACKAGE / "/".join(name.split(".")[1:])).is_dir()}
    assert sorted(set(modules) - packages) == sorted(there)
    assert len(modules) == len(set(modules))


def hasattr_module(name):
    """Whether a name of the reference is a module's and not one that graves_jax itself has."""
    return name.removeprefix("graves_jax.") not in graves_jax.__all__


def test_the_files_of_find_it_are_there():
    text = read(ROOT / "docs" / "find_it.md")
    files = re.findall(r"`((?:\w+/)+\w+\.(?:py|jsonl))`", text)
    assert len(files) > 20
    assert [name for name in files if not (PACKAGE / name).exists() and not (ROOT / name).exists()] == []


def commands(text):
    """Command, flag and value of each flag that stands behind a command in code."""
    text = re.sub(r"\\\n\s*", " ", text)
    fenced = re.findall(r"^ *```\w*\n(.*?)^ *```$", text, re.M | re.S)
    rest = re.sub(r"^ *```\w*\n.*?^ *```$", "", text, flags=re.M | re.S)
    lines = [line for block in fenced for line in block.splitlines()] + re.findall(r"^ {4}.*$", rest, re.M)
    for code in [*lines, *re.findall(r"`([^`]+)`", rest)]:
        parts = re.split(r"(\bgraves-(?:write|page|draw)\b|\b\w+\.py\b)", code.partition("   #")[0])
        for command, arguments in zip(parts[1::2], parts[2::2], strict=True):
            for flag, value in re.findall(r"--([a-z_0-9]+)(?:=([^\s\"'`)\]]*))?", re.split(r" && | \| ", arguments)[0]):
                yield command, flag, value


def test_every_flag_that_the_documentation_gives_to_a_command_is_one_of_its_flags():
    asked = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "tools" / "flags.py")],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=300,
    )
    assert asked.returncode == 0, asked.stderr
    flags = {name.rpartition("/")[2]: described["flags"] for name, described in json.loads(asked.stdout).items()}
    flags |= {"sample.py": flags["graves-write"], "write_page.py": flags["graves-page"]}
    flags |= {"draw_page.py": flags["graves-draw"]}
    wrong, seen = [], 0
    for page in PAGES:
        for command, flag, value in commands(read(page)):
            if command not in flags:
                continue
            seen += 1
            known = flags[command]
            is_negated = flag.startswith("no") and known.get(flag[2:], {}).get("boolean")
            if flag not in known and not is_negated and flag not in ("flagfile", "help"):
                wrong.append((page.name, command, flag))
            if flag == "flagfile" and value.islower() and not (ROOT / "experiments" / "flags" / value).exists():
                wrong.append((page.name, command, value))
    assert not wrong
    assert seen > 100


def test_the_readme_tests_as_continuous_integration_does():
    called = [
        line
        for line in read(ROOT / ".ci" / "run").splitlines()
        if re.match(r"ruff|pyright|mkdocs|python -m pytest", line)
    ]
    [command] = re.findall(r"^python3 -m venv .*pytest.*$", read(ROOT / "README.md"), re.M)
    assert command.split(" && ")[-len(called) :] == called
    assert " && ".join(called) in read(ROOT / "CONTRIBUTING.md")
    [extras] = re.findall(r"pip install (\S+)", command.replace("pip install --", ""))
    assert f"--quiet {extras}" in read(ROOT / ".ci" / "run")


def test_the_version_is_the_same_everywhere():
    cited = dict(re.findall(r"^(version|date-released): (\S+)$", read(ROOT / "CITATION.cff"), re.M))
    sections = re.findall(r"^## \[(.+?)\](?: - (\S+))?$", read(ROOT / "CHANGELOG.md"), re.M)
    assert sections[0] == ("Unreleased", "")
    assert sections[1] == (cited["version"], cited["date-released"]) and cited["version"] == graves_jax.__version__


def test_type_checkers_see_what_the_interpreter_does():
    tree = ast.parse(read(pathlib.Path(graves_jax.__file__)))
    [block] = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {alias.asname: node.module for node in block.body for alias in node.names}
    assert seen == graves_jax._HOMES
    assert all(getattr(graves_jax, name).__module__ == home for name, home in graves_jax._HOMES.items())
    assert (pathlib.Path(graves_jax.__file__).parent / "py.typed").exists()
