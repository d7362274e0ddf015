import io

import numpy as np
import pytest
from PIL import Image

from graves_jax.data.ink import Ink
from graves_jax.drawing.page import lay_out
from graves_jax.drawing.raster import ink_to_figure, save_pdf, save_png
from graves_jax.errors import InputError


def png(ink, **options):
    file = io.BytesIO()
    save_png(file, ink, **options)
    return Image.open(file)


def darkness(image):
    return 255 - np.asarray(image.convert("L"), int)


@pytest.mark.parametrize("width, height", [(1_000, None), (333, None), (1_001, 77), (640, 480), (57, 43)])
@pytest.mark.parametrize("dpi", [100, 72, 300])
def test_a_png_has_the_pages_pixels(line, width, height, dpi):
    page = lay_out(line, width=width, height=height)
    assert png(line, width=width, height=height, dpi=dpi).size == (page.width, page.height) == (width, page.height)


def test_ink_is_where_the_page_says(line):
    image = darkness(png(line))
    page = lay_out(line)
    for x, y in np.concatenate(page.strokes())[:, 3]:
        assert image[round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3].max() > 100
    rows, columns = np.nonzero(image)
    reach = page.stroke_width + 2
    assert columns.min() > 20 - reach and columns.max() < page.width - 20 + reach
    assert rows.min() > 20 - reach and rows.max() < page.height - 20 + reach


def test_a_single_dot_is_seen():
    assert darkness(png(Ink(np.array([[0, 0, 1]])))).sum() > 255


def test_dpi_changes_no_pixel_by_much(line):
    assert np.abs(darkness(png(line, dpi=50)) - darkness(png(line, dpi=200))).mean() < 1


def test_a_varying_pen_differs(wave):
    assert np.any(darkness(png(wave)) != darkness(png(wave, variable_width=True)))


def test_background_and_colour(wave):
    assert np.asarray(png(wave, background=None).convert("RGBA"))[0, 0, 3] == 0
    assert png(wave, background="#ff0000").convert("RGB").getpixel((0, 0)) == (255, 0, 0)
    red, green, _ = np.asarray(png(wave, colour="red", stroke_width=6).convert("RGB")).reshape(-1, 3).T
    assert green.min() < 10 and red.min() > 245


@pytest.mark.parametrize("options", [{"colour": "inkish"}, {"background": "#12"}, {"dpi": 0}, {"width": 70_000}])
def test_impossible_options_are_named(wave, options):
    with pytest.raises(InputError, match="found"):
        ink_to_figure(wave, **options)


def test_equal_ink_gives_equal_files(line):
    for save in (save_png, save_pdf):
        first, second = io.BytesIO(), io.BytesIO()
        save(first, line)
        save(second, Ink(line.offsets.copy(), line.text))
        assert first.getvalue() == second.getvalue()


def test_a_pdf_is_one_page_of_vectors(line):
    file = io.BytesIO()
    save_pdf(file, line, width=720, dpi=100)
    content = file.getvalue()
    assert content.startswith(b"%PDF")
    # 720 pixels at 100 per inch are 7.2 inches of 72 points.
    assert b"/MediaBox [0 0 518.4 " in content.replace(b"[ ", b"[")
    assert b"/Image" not in content.replace(b"/ImageB", b"").replace(b"/ImageC", b"").replace(b"/ImageI", b"")
