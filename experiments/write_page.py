"""Writes a text file as pages in one hand: `graves-page` without an installation; --help shows all.

python experiments/write_page.py --text_file=letter.txt [--paper=A4] [--margin=20] [--style=NAME] --output=letter.pdf
"""

from graves_jax.commands import write_page

if __name__ == "__main__":
    write_page.command()
