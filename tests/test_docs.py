"""The examples of the documentation run as they are written, and leave no public name out."""

import ast
import pathlib
import re
import warnings

import graves_jax

API = pathlib.Path(__file__).parents[1] / "docs" / "api.md"
README = API.parents[1] / "README.md"


def examples(file):
    return re.findall(r"^```python\n(.*?)^```$", file.read_text(encoding="utf-8"), re.M | re.S)


def test_the_examples_of_the_api_run_one_after_another(tmp_path, monkeypatch):
    import jax

    monkeypatch.chdir(tmp_path)
    # Two examples change settings of JAX; and what is compiled here runs for milliseconds, and need not be fast.
    options = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")
    before = {option: getattr(jax.config, option) for option in options} | {"jax_disable_most_optimizations": False}
    jax.config.update("jax_disable_most_optimizations", True)
    names = {}
    try:
        with warnings.catch_warnings():
            for number, example in enumerate(examples(API)):
                exec(compile(example, f"docs/api.md, example {number}", "exec"), names)
    finally:
        for option, value in before.items():
            jax.config.update(option, value)
    assert names["sampled"].offsets.shape == (2, 200, 3)
    assert names["outcome"].step == 4 and len(names["loss"].nats) == len(names["corpus"].indices("validation"))


def test_every_public_name_is_in_the_documentation():
    text = API.read_text(encoding="utf-8")
    missing = [name for name in graves_jax.__all__ if name != "__version__" and not re.search(rf"\b{name}\b", text)]
    assert not missing


def test_type_checkers_see_what_the_interpreter_does():
    tree = ast.parse(pathlib.Path(graves_jax.__file__).read_text(encoding="utf-8"))
    [block] = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {alias.asname: node.module for node in block.body for alias in node.names}
    assert seen == graves_jax._HOMES
    assert all(getattr(graves_jax, name).__module__ == home for name, home in graves_jax._HOMES.items())
    assert (pathlib.Path(graves_jax.__file__).parent / "py.typed").exists()
