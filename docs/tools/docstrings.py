"""Reads the project's docstrings as they are written.

Sections and lists without blank lines above them, and fields that have a comment instead of a docstring.
"""

import re
from typing import Any

import griffe

_SECTION = re.compile(r"(?<!\n)\n(?=(?:Args|Attributes|Returns|Yields|Raises):\n| {0,2}- )")
_COMMENT = re.compile(r"\s{2}# (.+)$")


class Docstrings(griffe.Extension):
    """What griffe would take for running text, or pass over."""

    def on_class_members(self, *, cls: griffe.Class, **_: Any) -> None:
        """Lists the fields of a class that have comments, where its docstring does not list them."""
        fields = [(name, _comment_of(member)) for name, member in cls.members.items() if member.is_attribute]
        rows = [f"  {name}: {comment}" for name, comment in fields if comment]
        if rows and cls.docstring and "Attributes:" not in cls.docstring.value:
            cls.docstring.value += "\n\nAttributes:\n" + "\n".join(rows)

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Puts blank lines above sections and lists."""
        if obj.docstring:
            obj.docstring.value = _SECTION.sub("\n\n", obj.docstring.value)


def _comment_of(field: griffe.Object | griffe.Alias) -> str:
    """The comment behind a field, or else the lines of it above."""
    if field.is_alias or field.docstring or not field.lineno or not field.endlineno:
        return ""
    lines = field.lines_collection[field.filepath]
    behind = _COMMENT.search(lines[field.endlineno - 1])
    first = field.lineno - 1
    while lines[first - 1].lstrip().startswith("# "):
        first -= 1
    return behind[1] if behind else " ".join(line.strip()[2:] for line in lines[first : field.lineno - 1])
