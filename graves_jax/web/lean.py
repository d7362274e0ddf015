"""Sources as a browser needs them: without comments, and without spaces and line ends that mean nothing.

Nothing is renamed or moved. Not a general tool: the sources of `page/` keep to what it understands. Their comments
begin a line or stand behind two slashes and a space, every statement ends with a semicolon, no template stands inside
of another, and a regular expression follows a bracket.
"""

import re

_BLOCK_COMMENTS = re.compile(r"^ */\*.*?\*/\n", re.MULTILINE | re.DOTALL)
_LINE_COMMENTS = re.compile(r"(^| )// .*$", re.MULTILINE)
# Strings, templates and regular expressions, in which every space counts.
_LITERALS = re.compile(
    r'("(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`|(?<=\()/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*)'
)
_SIGNS = re.compile(r" ?([=*/<>?:,;{}()\[\]&|!%^]) ?")
# Between operands only: two signs in a row would become another operator.
_PLUS_MINUS = re.compile(r"(?<=[\w)\]]) ([+-]) (?=[\w(\[])")
# A single parameter needs no brackets, except behind `async`.
_PARAMETER = re.compile(r"(?<![\w$])\(([a-z]\w*)\)=>")
# One declaration after another, the first of them without braces.
_DECLARATIONS = re.compile(r"(?<!export )(?<!\()\b(const|let) ([^;{}]*);\1 ")
_LINE_ENDS = re.compile(r"(?<=[{;,(\[])\n|,?\n(?=[)\]])|;?\n(?=\})")


def lean_script(source: str) -> str:
    """JavaScript."""
    source = _LINE_COMMENTS.sub("", _BLOCK_COMMENTS.sub("", source))
    source = "\n".join(line.strip() for line in source.splitlines() if line.strip())
    pieces = _LITERALS.split(source)
    return "".join(piece if n % 2 else _lean_code(piece) for n, piece in enumerate(pieces)) + "\n"


def _lean_code(code: str) -> str:
    """Of a piece between literals, which need no space around them."""
    code = _PARAMETER.sub(r"\1=>", _PLUS_MINUS.sub(r"\1", _SIGNS.sub(r"\1", code.strip(" "))))
    code, merged = _LINE_ENDS.sub("", re.sub(r"\b0\.(?=\d)", ".", code)), 1
    while merged:
        code, merged = _DECLARATIONS.subn(r"\1 \2,", code)
    return code


def lean_style(source: str) -> str:
    """CSS: one rule a line."""
    source = re.sub(r"\s*\n\s*", " ", source)
    source = re.sub(r" ?([{};,]) ?|: ", lambda match: match[1] or ":", source)
    source = re.sub(r"\b0\.(?=\d)", ".", source)
    return source.replace(";}", "}").replace("}", "}\n").replace("}\n}", "}}").strip() + "\n"
