"""Prints every command with its flags, as the commands themselves define them, as one JSON object.

    python docs/tools/flags.py

The commands are imported and not run. hooks.py makes the page of flags out of it, and tests/test_docs.py compares the
examples of the documentation with it.
"""

import importlib.util
import inspect
import json
import pathlib
import sys

from absl import flags

ROOT = pathlib.Path(__file__).parents[2]
# The installed commands and their modules.
INSTALLED = {"graves-write": "write_line", "graves-page": "write_page", "graves-draw": "draw_page"}


def commands() -> dict[str, pathlib.Path]:
    """What is typed to the module that has its flags, the installed commands first."""
    installed = {name: ROOT / "graves_jax" / "commands" / f"{module}.py" for name, module in INSTALLED.items()}
    scripts = sorted(ROOT.glob("experiments/*.py"))
    with_flags = [script for script in scripts if "command_line.run(main)" in script.read_text(encoding="utf-8")]
    return installed | {f"python {script.relative_to(ROOT)}": script for script in with_flags}


def describe(path: pathlib.Path) -> dict:
    """A command's docstring and flags, in the order in which they are defined."""
    before = set(flags.FLAGS)
    # Under a name of its own: a folder may have that of a script.
    module_name = f"command_{path.stem}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None and spec.loader is not None
    module = sys.modules[module_name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    rows = {flag.name: _row(flag) for flag in flags.FLAGS.get_key_flags_for_module(module_name)}
    # All flags share one namespace, and the next command has some of the same names: what is imported again defines
    # its flags again.
    for name in set(flags.FLAGS) - before:
        delattr(flags.FLAGS, name)
    for name in [name for name in sys.modules if name.startswith("graves_jax.commands")]:
        del sys.modules[name]
    return {"about": inspect.cleandoc(module.__doc__ or ""), "flags": rows}


def _row(flag: flags.Flag) -> dict:
    """What it takes, what it is where it is not given, and what it is for."""
    choices = getattr(flag.parser, "enum_values", None)
    takes = " | ".join(choices) if choices else "" if flag.boolean else flag.parser.syntactic_help
    default = flag.default
    if isinstance(default, list):
        default = ", ".join(default) or None
    if flag.boolean:
        default = str(default).lower()
    return {
        "boolean": bool(flag.boolean),
        "takes": takes,
        "default": None if default is None else str(default),
        # absl puts the choices before the help, and how to repeat a flag after it.
        "help": flag.help.removeprefix(f"<{'|'.join(choices or [])}>: ").partition(";\n")[0].strip(),
    }


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "experiments"))
    print(json.dumps({name: describe(path) for name, path in commands().items()}))
