"""What mkdocs does beyond its own: pages out of files that stand elsewhere in the repository.

The site mirrors the repository (README.md is its home, docs/write.md is docs/write.html), so a link that works in a
checkout works on the site too. Notebooks become pages as they were last run, their equations MathML, which browsers
draw themselves; the page of flags is asked from the commands. Nothing is fetched when the site is built or read.
"""

import html
import json
import pathlib
import re
import subprocess
import sys

import latex2mathml.converter
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from nbconvert import MarkdownExporter

ROOT = pathlib.Path(__file__).parents[2]
MIRRORED = (
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "LICENSE-IAM-OnDB.txt",
    "docs/**/*.md",
    "docs/*.css",
    "docs/*.svg",
    "experiments/*.md",
    "experiments/pictures/*",
    "graves_jax/pretrained/*/MODEL_CARD.md",
)
NOTEBOOKS = "experiments/notebooks/*.ipynb"
# Stands on the page of flags, where they go.
FLAGS_PLACE = "<!-- flags -->"
# Equations are set aside while Markdown is read, which would take their underscores for emphasis.
_EQUATION = re.compile(r"\$\$(.+?)\$\$|(?<![\\$\w])\$([^$\n]+?)\$(?!\w)", re.DOTALL)
_CODE = re.compile(r"^```.*?^```$|^(?: {4}[^\n]*\n)+|`[^`\n]+`", re.DOTALL | re.MULTILINE)
_NOTEBOOK_LINK = re.compile(r"\]\(([\w/.]+)\.ipynb\)")
_PLACE = "equation-{}-of-this-page"
_FETCHED = re.compile(r"<(?:script|img|iframe|source)\b[^>]*\bsrc=\"(?:https?:)?//[^\"]*|<link\b[^>]*\bhref=\"//[^\"]*")
_equations: list[str] = []


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """The theme's files, and those of the repository at the places where they stand in it."""
    mirrored = [file for file in files if file.src_dir != config.docs_dir]
    for pattern in MIRRORED:
        for path in sorted(ROOT.glob(pattern)):
            name = path.relative_to(ROOT).as_posix()
            mirrored.append(File.generated(config, name, abs_src_path=str(path)))
    for path in sorted(ROOT.glob(NOTEBOOKS)):
        mirrored += _pages_of_notebook(path, config)
    return Files(mirrored)


def on_page_markdown(markdown: str, page: Page, **_) -> str:
    """Puts in the flags, leads links to notebooks to their pages, and sets the notebooks' equations aside."""
    if FLAGS_PLACE in markdown:
        markdown = markdown.replace(FLAGS_PLACE, _flags())
    markdown = _NOTEBOOK_LINK.sub(r"](\1.md)", markdown)
    _equations.clear()
    return _set_aside(markdown) if page.file.src_uri.startswith("experiments/notebooks/") else markdown


def on_page_content(content: str, **_) -> str:
    """Puts the equations in their places."""
    for number, equation in enumerate(_equations):
        content = content.replace(_PLACE.format(number), equation, 1)
    return content


def on_post_page(output: str, page: Page, **_) -> str:
    """Refuses a page for which a browser would fetch something from elsewhere."""
    if found := _FETCHED.search(output):
        raise PluginError(f"{page.file.src_uri} fetches from elsewhere: {found.group()}")
    return output


def _pages_of_notebook(path: pathlib.Path, config: MkDocsConfig) -> list[File]:
    """A notebook as it was last run: a page and its pictures."""
    folder = path.parent.relative_to(ROOT)
    exporter = MarkdownExporter()
    body, resources = exporter.from_filename(str(path), {"output_files_dir": path.stem})
    pictures = [
        File.generated(config, (folder / name).as_posix(), content=content)
        for name, content in resources["outputs"].items()
    ]
    return [File.generated(config, (folder / f"{path.stem}.md").as_posix(), content=body), *pictures]


def _set_aside(markdown: str) -> str:
    """Words in the places of equations, none of them in code."""
    parts, end = [], 0
    for code in _CODE.finditer(markdown):
        parts += [_EQUATION.sub(_put_aside, markdown[end : code.start()]), code.group()]
        end = code.end()
    return "".join([*parts, _EQUATION.sub(_put_aside, markdown[end:])])


def _put_aside(equation: re.Match) -> str:
    displayed, inline = equation.groups()
    _equations.append(_math(displayed, "block") if displayed else _math(inline, "inline"))
    return _PLACE.format(len(_equations) - 1)


def _math(latex: str, display: str) -> str:
    """MathML of an equation, its number at the right."""
    tag = re.search(r"\\tag\{(.+?)\}", latex)
    if tag:
        latex = latex.replace(tag.group(), "")
    # The converter knows `align*` only, which is the same inside of $$.
    mathml = latex2mathml.converter.convert(latex.strip().replace("{aligned}", "{align*}"), display=display)
    number = f'<span class="equation-number">({html.escape(tag.group(1))})</span>' if tag else ""
    return f'<span class="equation">{mathml}{number}</span>' if display == "block" else mathml


def _flags() -> str:
    """Every command with its flags, as the commands themselves say."""
    asked = subprocess.run(
        [sys.executable, str(pathlib.Path(__file__).with_name("flags.py"))], cwd=ROOT, capture_output=True, text=True
    )
    if asked.returncode:
        raise PluginError(f"The commands could not be asked for their flags:\n{asked.stderr}")
    parts = []
    for command, described in json.loads(asked.stdout).items():
        rows = [_row_of_flag(name, flag) for name, flag in described["flags"].items()]
        table = "\n".join(["| flag | default | |", "|---|---|---|", *rows])
        parts += [f"## {command.rpartition('/')[2].removesuffix('.py')}", described["about"], table]
    return "\n\n".join(parts)


def _row_of_flag(name: str, flag: dict) -> str:
    takes = f" ({flag['takes']})" if flag["takes"] else ""
    cells = (
        f"`--{'[no]' if flag['boolean'] else ''}{name}`",
        "" if flag["default"] is None else f"`{flag['default']}`",
        html.escape(f"{flag['help']}{takes}", quote=False),
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
