"""Writes text by hand, each text on one line: `graves-write` without an installation; --help shows all.

python experiments/sample.py --text="You know nothing Jon Snow" --output=snow.svg
python experiments/sample.py --texts_file=lines.txt --style=mine.jsonl --output=lines.jsonl
"""

from graves_jax.commands import write_line

if __name__ == "__main__":
    write_line.command()
