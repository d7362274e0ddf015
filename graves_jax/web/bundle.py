"""ES modules to one script, for a page that is opened from disk, where browsers load no modules.

The modules of `page/` import named things from files beside them and nothing else, so a module is a function that
returns what it exports. Nothing is renamed or taken away.
"""

import pathlib
import re

_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./(\w+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?(?:function\*?|class|const) (\w+))", re.MULTILINE)


def bundle(folder: pathlib.Path, entry: str) -> str:
    """A script that does what the module `entry`.js of a folder does.

    Raises:
      ValueError: modules import each other in a circle, or in a form that is not understood.
    """
    return "".join(
        f"const {name}_js = (() => {{\n{body}}})();\n\n" for name, body in _ordered(folder, entry, ()).items()
    )


def _ordered(folder: pathlib.Path, name: str, inside: tuple[str, ...]) -> dict[str, str]:
    """The modules that one needs, itself last: the body of each one's function by name."""
    if name in inside:
        raise ValueError(f"Expected modules without a circle, found {' -> '.join((*inside, name))}.")
    source = (folder / f"{name}.js").read_text(encoding="utf-8")
    modules: dict[str, str] = {}
    for _, needed in _IMPORT.findall(source):
        modules.update(_ordered(folder, needed, (*inside, name)))
    body = _IMPORT.sub(lambda match: f"const {{{match[1].replace(' as ', ': ')}}} = {match[2]}_js;\n", source)
    exported = [match[1] for match in _EXPORT.findall(body)]
    body = _EXPORT.sub(r"\1", body)
    if re.search(r"^(import|export)\b", body, re.MULTILINE):
        raise ValueError(f"Expected imports and exports of names in {name}.js, found another form.")
    modules[name] = f"{body}return {{ {', '.join(exported)} }};\n"
    return modules
