"""Every import inside the package goes from a room to one below it, or stays in the room."""

import ast
import pathlib

import graves_jax

PACKAGE = pathlib.Path(graves_jax.__file__).parent
GROUND = {"errors", "version", "files", "bars", "compilation"}
INK = GROUND | {"data"}
NETWORK = INK | {"model", "pretrained"}
# What each room may import. `__init__` names the public API and is not a room; no room imports it.
BELOW = {
    "data": GROUND,
    "layout": INK,
    "drawing": INK | {"layout"},
    "model": INK,
    "pretrained": INK | {"model"},
    "training": NETWORK,
    "sampling": NETWORK | {"layout"},
    "evaluation": NETWORK | {"training", "sampling"},
    "api": NETWORK | {"training", "sampling"},
    "pages": NETWORK | {"layout", "sampling", "evaluation"},
    "synthesis": NETWORK | {"drawing", "sampling", "api"},
    "web": NETWORK | {"layout", "sampling"},
    "commands": NETWORK | {"layout", "drawing", "sampling", "api", "pages"},
}
# In a notebook, ink shows itself.
EXCEPTIONS = {("data/ink.py", "drawing")}


def imported_rooms(tree):
    """The rooms that a module imports from, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            names = [node.module] if node.module.count(".") else [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [f"{alias.name}." for alias in node.names]
        else:
            continue
        yield from (name.split(".")[1] for name in names if name.split(".")[0] == "graves_jax")


def test_no_import_goes_upwards():
    upwards = []
    for file in sorted(PACKAGE.rglob("*.py")):
        place = file.relative_to(PACKAGE)
        room = place.parts[0].removesuffix(".py")
        if room == "__init__":
            continue
        allowed = {room} | (set() if room in GROUND else BELOW[room])
        rooms = set(imported_rooms(ast.parse(file.read_text(encoding="utf-8")))) - allowed
        upwards += [f"{place} imports {other}" for other in rooms if (place.as_posix(), other) not in EXCEPTIONS]
    assert not upwards


def test_imports_are_seen_in_all_their_forms():
    source = "import graves_jax\nfrom graves_jax import data\ndef f():\n    from graves_jax.model.scan import x\n"
    assert sorted(imported_rooms(ast.parse(source))) == ["", "data", "model"]
