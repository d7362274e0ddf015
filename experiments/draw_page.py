"""Draws saved ink again in another form: `graves-draw` without an installation; --help shows all.

python experiments/draw_page.py --ink=letter.jsonl --output=letter.gcode
"""

from graves_jax.commands import draw_page

if __name__ == "__main__":
    draw_page.command()
