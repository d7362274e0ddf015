import io
import zlib

import numpy as np
import pytest
from PIL import Image

from graves_jax.drawing.sheets import Look, read_sheets, save_sheets
from graves_jax.errors import InputError
from graves_jax.layout.pages import Setting, Sheet, SheetLine
from graves_jax.layout.paper import make_paper
from graves_jax.layout.signature import load_signature, sign
from graves_jax.layout.words import extent

SETTING = Setting(make_paper("100x100", [10]), pen=0.2)


def page(bottom):
    return Sheet(SETTING.paper, [SheetLine("Yours", [np.array([[20.0, bottom - 5], [40.0, bottom]])])])


@pytest.fixture
def files(tmp_path):
    """A signature as ink and as a picture, twice as wide as high; and what is none."""
    (tmp_path / "ink.jsonl").write_text('{"text": "Tom", "strokes": [[40, 20, 0], [0, -20, 1]]}\n')
    picture = Image.new("RGBA", (40, 20), (0, 0, 0, 0))
    picture.paste((200, 0, 0, 255), (0, 0, 20, 20))
    picture.save(tmp_path / "picture.png")
    (tmp_path / "none.png").write_text("no picture")
    (tmp_path / "flat.jsonl").write_text('{"text": "Tom", "strokes": [[0, 20, 0], [0, -20, 1]]}\n')
    return tmp_path


def test_ink_stands_under_the_last_line_in_the_width_asked_for(files):
    [sheet] = sign([page(30.0)], load_signature(files / "ink.jsonl"), SETTING, width=30.0)
    left, top, right, bottom = extent(sheet.lines[-1].strokes)
    assert sheet.lines[-1].text == "Tom" and left == pytest.approx(20.0)
    assert right - left == pytest.approx(30.0) and bottom - top == pytest.approx(15.0, rel=0.1)
    assert 30.0 < top < 40.0


@pytest.mark.parametrize("name", ["ink.jsonl", "picture.png"])
def test_it_goes_to_a_sheet_of_its_own_where_there_is_no_room(files, name):
    first, second = sign([page(85.0)], load_signature(files / name), SETTING, width=30.0)
    assert len(first.lines) == 1
    box = second.picture.box if name == "picture.png" else extent(second.lines[0].strokes)
    assert box[1] == pytest.approx(10.1, abs=0.01) and box[3] <= 90.0


def test_it_keeps_within_the_right_margin(files):
    [sheet] = sign([page(30.0)], load_signature(files / "picture.png"), SETTING, width=75.0)
    assert sheet.picture.box[2] <= 90.0 and sheet.picture.left < 20.0


def test_a_picture_is_in_every_form_that_can_hold_one_and_in_no_other(files):
    sheets = sign([page(30.0)], load_signature(files / "picture.png"), SETTING, width=30.0)
    box = sheets[0].picture.box
    [svg], [pdf], [png], [saved] = (
        save_sheets(files / f"page{suffix}", sheets, Look(dpi=100)) for suffix in (".svg", ".pdf", ".png", ".jsonl")
    )
    assert f'<image x="20" y="{box[1]:g}" width="30" height="15"' in svg.read_text()
    pixels = np.asarray(Image.open(png).convert("RGB"), int)
    red = np.argwhere((pixels[..., 0] > 150) & (pixels[..., 1] < 60))[:, ::-1] / 100 * 25.4
    # Its left half; the other one is clear.
    np.testing.assert_allclose(red.min(axis=0), box[:2], atol=0.4)
    np.testing.assert_allclose(red.max(axis=0), (box[0] + 15.0, box[3]), atol=0.8)
    [again] = read_sheets(saved)
    assert again.picture.box == pytest.approx(box, abs=0.01)
    assert Image.open(io.BytesIO(again.picture.png)).size == (40, 20)
    for suffix in (".gcode", ".hpgl", ".gif"):
        with pytest.raises(InputError, match="ink alone"):
            save_sheets(files / f"page{suffix}", sheets)
    assert b"/Subtype /Image /Width 40 /Height 20" in pdf.read_bytes()


def test_another_library_finds_the_picture_in_the_pdf(files):
    pypdf = pytest.importorskip("pypdf", reason="needs pypdf to read PDF independently")
    sheets = [page(30.0), *sign([page(30.0)], load_signature(files / "picture.png"), SETTING, width=30.0)]
    [path] = save_sheets(files / "page.pdf", sheets)
    first, second = pypdf.PdfReader(path, strict=True).pages
    assert not first.images and second.images[0].image.size == (40, 20)
    assert zlib.decompress(second["/Resources"]["/XObject"]["/Picture"]._data)[:3] == bytes([200, 0, 0])


@pytest.mark.parametrize("name", ["none.png", "flat.jsonl", "missing.png", "missing.jsonl"])
def test_what_is_no_signature_is_refused(files, name):
    with pytest.raises(InputError, match="Expected"):
        load_signature(files / name)


@pytest.mark.parametrize("width", [0.0, 81.0, float("nan")])
def test_one_that_does_not_fit_is_refused(files, width):
    with pytest.raises(InputError, match="fits into 80 x 80 mm"):
        sign([page(30.0)], load_signature(files / "picture.png"), SETTING, width=width)


def test_a_photograph_stands_as_it_was_held(tmp_path):
    """Orientation 6 of EXIF: the picture's top is the right side of what the camera stored."""
    stored = Image.new("RGB", (40, 20), "white")
    stored.paste("red", (0, 0, 40, 10))
    exif = stored.getexif()
    exif[0x0112] = 6
    stored.save(tmp_path / "photograph.jpg", exif=exif)
    upright = Image.open(io.BytesIO(load_signature(tmp_path / "photograph.jpg").picture)).convert("RGB")
    assert upright.size == (20, 40)
    assert upright.getpixel((16, 20))[1] < 100 < upright.getpixel((4, 20))[1]
