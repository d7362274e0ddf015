"""Lines whose ink and text do not fit, found beside the other lines of their page."""

import numpy as np

from graves_jax.data.corpus import Line, page_of

# Logarithms of the ratio of offsets per character (few: letters are scrawled or words are missing in the ink; many:
# they are missing in the text) and of width per character. Lines of IAM-OnDB that lie outside were looked at.
OFFSETS_PER_CHARACTER_RANGE = (-0.35, 0.55)
WIDTH_PER_CHARACTER_RANGE = (-0.4, 0.45)


def fits_its_page(lines: list[Line]) -> np.ndarray:
    """Whether a line's offsets and width per character are near the medians of its page. Shape [N], bool.

    A page is what lines share that have the same id up to its last dash and the same writer. People differ by a
    factor of three in both, the lines of one page hardly: so a missing word shows.
    """
    characters = np.array([len(line.ink.transcript) for line in lines])
    offsets = np.array([len(line.ink) for line in lines])
    width = np.array([np.ptp(np.cumsum(line.ink.offsets[:, 0])) for line in lines])
    pages = [(page_of(line.line_id), line.writer) for line in lines]
    _, page = np.unique([repr(name) for name in pages], return_inverse=True)
    fits = np.ones(len(lines), bool)
    for values, (least, most) in ((offsets, OFFSETS_PER_CHARACTER_RANGE), (width, WIDTH_PER_CHARACTER_RANGE)):
        # A line without any width is infinitely far below the others, which is what it should be.
        with np.errstate(divide="ignore"):
            ratio = np.log(values / characters)
        medians = np.array([np.median(ratio[page == number]) for number in range(page.max(initial=-1) + 1)])
        deviation = ratio - medians[page]
        fits &= (deviation >= least) & (deviation <= most)
    return fits
