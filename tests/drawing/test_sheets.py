"""Sheets in every form, each read by something that did not write it."""

import json
import re
import zlib
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from graves_jax.data.curves import flatten, smooth_segments
from graves_jax.drawing.plotter import Plotter, ordered, page_to_gcode, page_to_hpgl, polylines, travel
from graves_jax.drawing.sheets import Look, check_sheets, draw_sheet, is_pages, read_sheets, save_sheets
from graves_jax.errors import InputError
from graves_jax.layout.pages import Setting, Sheet, SheetLine, rules_of
from graves_jax.layout.paper import make_paper

SVG = "{http://www.w3.org/2000/svg}"
PAPER = make_paper("120x80", [10])


def sheet_of(lines, ruling="plain"):
    paper = make_paper("120x80", [10], ruling)
    rows = []
    for number, ink in enumerate(lines):
        strokes = [stroke * 0.5 for stroke in ink.strokes()]
        low = np.concatenate(strokes).min(axis=0)
        rows.append(SheetLine(ink.text, [stroke - low + (12, 12 + 20 * number) for stroke in strokes]))
    return Sheet(paper, rows, rules_of(Setting(paper)))


@pytest.fixture
def sheet(lines):
    return sheet_of(lines)


def length(points):
    return np.hypot(*np.diff(points, axis=0).T).sum()


def drawn_length(sheet):
    """Of all strokes as smooth curves, finely cut."""
    return sum(
        length(np.concatenate([stroke[:1], flatten(smooth_segments(stroke), 32).reshape(-1, 2)]))
        for line in sheet.lines
        for stroke in line.strokes
        if len(stroke) > 1
    )


def points_of(sheet):
    return np.concatenate([stroke for line in sheet.lines for stroke in line.strokes])


def test_an_svg_is_a_drawing_in_millimetres_with_a_group_for_each_line(sheet, tmp_path):
    [path] = save_sheets(tmp_path / "page.svg", [sheet])
    root = ElementTree.fromstring(path.read_bytes())
    assert (root.get("width"), root.get("height"), root.get("viewBox")) == ("120mm", "80mm", "0 0 120 80")
    [ink] = root.findall(f"{SVG}g")
    groups = ink.findall(f"{SVG}g")
    assert [group.find(f"{SVG}title").text for group in groups] == [line.text for line in sheet.lines]
    assert [len(group.findall(f"{SVG}path")) for group in groups] == [len(line.strokes) for line in sheet.lines]
    assert ink.get("stroke-width") == ".35"


def test_another_library_reads_the_svg_and_finds_the_same_lengths(sheet, tmp_path):
    svgpathtools = pytest.importorskip("svgpathtools", reason="needs svgpathtools to read SVG independently")
    [path] = save_sheets(tmp_path / "page.svg", [sheet])
    paths, _ = svgpathtools.svg2paths(str(path))
    assert len(paths) == sum(len(line.strokes) for line in sheet.lines)
    found = sum(path.length(error=1e-4) for path in paths)
    assert found == pytest.approx(drawn_length(sheet), rel=0.005)
    boxes = np.array([path.bbox() for path in paths])
    assert boxes[:, [0, 2]].min() > 10 and boxes[:, 1].max() < 110 and boxes[:, 3].max() < 70


def test_vpype_takes_the_svg_as_it_is(sheet, tmp_path):
    vpype = pytest.importorskip("vpype", reason="needs vpype to read SVG as plotter programs do")
    [path] = save_sheets(tmp_path / "page.svg", [sheet])
    drawing, width, height = vpype.read_svg(str(path), quantization=0.01)
    mm = 96 / 25.4
    assert (width / mm, height / mm) == pytest.approx((120, 80))
    assert drawing.length() / mm == pytest.approx(drawn_length(sheet), rel=0.01)


def test_what_is_printed_on_the_paper_is_apart_from_the_ink(lines, tmp_path):
    sheet = sheet_of(lines, "ruled")
    [path] = save_sheets(tmp_path / "page.svg", [sheet])
    root = ElementTree.fromstring(path.read_bytes())
    layer, _ = root.findall(f"{SVG}g")
    assert layer.get("{http://www.inkscape.org/namespaces/inkscape}label") == "%paper"
    assert len(layer.findall(f"{SVG}path")) == 1
    # A plotter draws on ruled paper, and draws no rules.
    assert page_to_gcode(draw_sheet(sheet, Look())) == page_to_gcode(draw_sheet(sheet_of(lines), Look()))


def content_of(pdf: bytes) -> list[str]:
    return [zlib.decompress(stream).decode() for stream in re.findall(rb"stream\n(.*?)\nendstream", pdf, re.DOTALL)]


def test_a_pdf_has_all_pages_in_their_size_and_no_fonts(sheet, tmp_path):
    pypdf = pytest.importorskip("pypdf", reason="needs pypdf to read PDF independently")
    [path] = save_sheets(tmp_path / "pages.pdf", [sheet, sheet_of([])])
    document = pypdf.PdfReader(path, strict=True)
    assert len(document.pages) == 2
    for page in document.pages:
        sides = np.array([page.mediabox.width, page.mediabox.height], float) / 72 * 25.4
        np.testing.assert_allclose(sides, [120, 80], atol=0.01)
        assert "/Font" not in page.get("/Resources", {})
    assert document.metadata.title == sheet.lines[0].text


def test_a_pdf_draws_the_strokes_where_they_are(sheet, tmp_path):
    [path] = save_sheets(tmp_path / "page.pdf", [sheet], Look(pen=0.5))
    [content] = content_of(path.read_bytes())
    assert content.startswith("2.834646 0 0 -2.834646 0 226.772 cm\n1 J 1 j")
    assert "0.500 w" in content
    starts = np.array([tuple(map(float, pair)) for pair in re.findall(r"^([\d.]+) ([\d.]+) m", content, re.MULTILINE)])
    expected = np.array([stroke[0] for line in sheet.lines for stroke in line.strokes])
    np.testing.assert_allclose(starts, expected, atol=0.0006)
    assert content.count(" c ") == sum(max(len(stroke) - 1, 1) for line in sheet.lines for stroke in line.strokes)
    again = save_sheets(tmp_path / "again.pdf", [sheet], Look(pen=0.5))[0].read_bytes()
    assert again == path.read_bytes()


def test_paper_is_painted_only_where_it_is_not_white(sheet, tmp_path):
    for background, painted in (("white", False), (None, False), ("ivory", True)):
        [path] = save_sheets(tmp_path / "page.pdf", [sheet], Look(background=background))
        assert ("re f" in content_of(path.read_bytes())[0]) == painted


def test_a_png_has_the_paper_in_pixels_and_the_ink_in_its_place(sheet, tmp_path):
    [path] = save_sheets(tmp_path / "page.png", [sheet], Look(dpi=100))
    image = Image.open(path)
    assert image.size == (round(120 / 25.4 * 100), round(80 / 25.4 * 100))
    dark = np.argwhere(np.asarray(image.convert("L")) < 128)[:, ::-1] / 100 * 25.4
    points = points_of(sheet)
    np.testing.assert_allclose(dark.min(axis=0), points.min(axis=0), atol=0.6)
    np.testing.assert_allclose(dark.max(axis=0), points.max(axis=0), atol=0.6)


def test_a_gif_lasts_as_long_as_asked_for(sheet, tmp_path):
    [path] = save_sheets(tmp_path / "page.gif", [sheet], Look(dpi=60, seconds=1.0))
    film = Image.open(path)
    assert 15 <= film.n_frames <= 30


def test_several_pages_are_numbered_where_a_file_holds_but_one(sheet, tmp_path):
    names = [path.name for path in save_sheets(tmp_path / "letter.svg", [sheet, sheet])]
    assert names == ["letter-1.svg", "letter-2.svg"]
    assert [path.name for path in save_sheets(tmp_path / "letter.gcode", [sheet])] == ["letter.gcode"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["letter-1.svg", "letter-2.svg", "letter.gcode"]


def simulate(gcode: str, plotter: Plotter) -> tuple[list[np.ndarray], float]:
    """What a machine draws that understands G0, G1, G4, G21, G90, M2 and the pen's commands; and its way in the air."""
    at, down, strokes, air, feed = np.zeros(2), False, [], 0.0, None
    for row in gcode.splitlines():
        row = row.split(";")[0].strip()
        if row in ("", "G21", "G90", "M2") or row.startswith("G4 P"):
            continue
        if row == plotter.pen_down:
            assert not down
            down = True
            strokes.append([at])
            continue
        if row == plotter.pen_up:
            down = False
            continue
        command, *words = row.split()
        assert command in ("G0", "G1")
        values = {word[0]: float(word[1:]) for word in words}
        feed = values.get("F", feed)
        target = np.array([values["X"], values["Y"]])
        assert np.isfinite(target).all() and (not down or (command == "G1" and feed == plotter.feed))
        if down:
            strokes[-1].append(target)
        else:
            air += np.hypot(*(target - at))
        at = target
    assert not down
    return [np.array(stroke) for stroke in strokes], air


@pytest.mark.parametrize(
    "plotter",
    [
        Plotter(),
        Plotter(pen_up="M5", pen_down="M3 S90", feed=900.0, travel_feed=4_000.0, dwell=0.0),
        Plotter(origin="top_left", offset=(5.0, -7.0)),
    ],
)
def test_a_simulated_plotter_draws_what_the_svg_shows(sheet, plotter, tmp_path):
    strokes, _ = simulate(page_to_gcode(draw_sheet(sheet, Look()), plotter), plotter)
    strokes = [stroke - plotter.offset for stroke in strokes]
    if plotter.origin == "bottom_left":
        strokes = [stroke * (1, -1) + (0, 80) for stroke in strokes]
    svgpathtools = pytest.importorskip("svgpathtools", reason="needs svgpathtools to read SVG independently")
    [path] = save_sheets(tmp_path / "page.svg", [sheet])
    paths, _ = svgpathtools.svg2paths(str(path))
    assert len(strokes) == len(paths)
    assert sum(map(length, strokes)) == pytest.approx(sum(path.length(error=1e-4) for path in paths), rel=0.01)
    # Each path of the SVG has its stroke, forwards or backwards, and the stroke keeps to the path.
    left = list(strokes)
    for path in paths:
        fine = np.array([(at.real, at.imag) for at in (path.point(t) for t in np.linspace(0, 1, 200))])
        ends = fine[[0, -1]]
        costs = [min(np.abs(s[[0, -1]] - ends).max(), np.abs(s[[-1, 0]] - ends).max()) for s in left]
        stroke = left.pop(int(np.argmin(costs)))
        assert min(costs) < 0.02
        distances = np.hypot(*(stroke[:, None] - fine[None]).transpose(2, 0, 1)).min(axis=1)
        assert distances.max() < 0.2


def test_hpgl_draws_the_same_in_fortieths_of_a_millimetre(sheet):
    page = draw_sheet(sheet, Look())
    commands = page_to_hpgl(page).replace("\n", "").split(";")
    assert commands[:2] == ["IN", "SP1"] and commands[-3:] == ["PU0,0", "SP0", ""]
    strokes = []
    for up, down in zip(commands[2:-3:2], commands[3:-3:2], strict=True):
        assert up[:2] == "PU" and down[:2] == "PD"
        strokes.append(np.array(f"{up[2:]},{down[2:]}".split(","), float).reshape(-1, 2) / 40)
    expected = sum(map(length, polylines(page)))
    assert sum(map(length, strokes)) == pytest.approx(expected, rel=0.02)
    points = np.concatenate(strokes) * (1, -1) + (0, 80)
    np.testing.assert_allclose(points.min(axis=0), points_of(sheet).min(axis=0), atol=0.1)


def test_polylines_keep_within_the_tolerance():
    angle = np.linspace(0, 1.5 * np.pi, 8)
    stroke = np.column_stack([60 + 20 * np.cos(angle), 40 + 20 * np.sin(angle)])
    sheet = Sheet(PAPER, [SheetLine("o", [stroke])])
    [coarse] = polylines(draw_sheet(sheet, Look()), tolerance=0.5)
    [fine] = polylines(draw_sheet(sheet, Look()), tolerance=0.005)
    curve = flatten(smooth_segments(stroke), 2_000).reshape(-1, 2)
    middles = (fine[1:] + fine[:-1]) / 2
    assert np.hypot(*(middles[:, None] - curve[None]).transpose(2, 0, 1)).min(axis=1).max() < 0.01
    assert len(coarse) < len(fine)


def test_the_order_lets_the_pen_travel_little(sheet):
    strokes = polylines(draw_sheet(sheet, Look()))
    shuffled = [strokes[i] for i in np.random.default_rng(0).permutation(len(strokes))]
    assert travel(ordered(shuffled)) < 0.6 * travel(shuffled)
    assert travel(ordered(strokes)) <= travel(strokes)

    def drawn(strokes):
        return sorted(tuple(map(tuple, min(s.tolist(), s[::-1].tolist()))) for s in strokes)

    assert drawn(ordered(strokes)) == drawn(strokes)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"feed": 0.0}, "feed"),
        ({"travel_feed": float("inf")}, "travel_feed"),
        ({"origin": "centre"}, "bottom_left"),
        ({"pen_up": "M5\nM30"}, "one line"),
        ({"pen_down": " "}, "one line"),
        ({"offset": (1.0,)}, "two numbers"),
        ({"dwell": -1.0}, "60 s"),
    ],
)
def test_a_plotter_that_cannot_be_is_refused(options, words):
    with pytest.raises(InputError, match=words):
        Plotter(**options)


@pytest.mark.parametrize(
    "options", [{"colour": "inky"}, {"background": "#12"}, {"pen": 0.0}, {"dpi": 0}, {"seconds": 0}]
)
def test_a_look_that_cannot_be_is_refused(options):
    with pytest.raises(InputError, match="Expected"):
        Look(**options)


def test_a_varying_pen_is_nowhere_broader_than_the_pen(sheet):
    page = draw_sheet(sheet, Look(pen=0.4, variable_width=True))
    widths = np.concatenate(page.stroke_widths())
    assert widths.max() == pytest.approx(0.4) and widths.min() < 0.3


def test_saved_pages_are_the_pages_again(lines, tmp_path):
    sheets = [sheet_of(lines, "ruled"), sheet_of([], "ruled"), sheet_of(lines[:1], "ruled")]
    [path] = save_sheets(tmp_path / "pages.jsonl", sheets)
    again = read_sheets(path)
    assert is_pages(path) and [len(sheet.lines) for sheet in again] == [3, 0, 1]
    for sheet, saved in zip(sheets, again, strict=True):
        assert saved.paper == sheet.paper
        np.testing.assert_allclose(saved.rules, sheet.rules, atol=1e-3)
        for line, saved_line in zip(sheet.lines, saved.lines, strict=True):
            assert saved_line.text == line.text
            for stroke, saved_stroke in zip(line.strokes, saved_line.strokes, strict=True):
                np.testing.assert_allclose(saved_stroke, stroke, atol=1e-3)


def test_saved_pages_are_lines_of_ink_too(sheet, tmp_path):
    from graves_jax.data.json_lines import read_json_lines

    [path] = save_sheets(tmp_path / "pages.jsonl", [sheet])
    assert [line.ink.text for line in read_json_lines(path)] == [line.text for line in sheet.lines]


@pytest.mark.parametrize(
    "change",
    [
        {"page": 3},
        {"page": 0},
        {"page": "one"},
        {"paper": {}},
        {"paper": None},
        {"paper": {"width": -1, "height": 1, "left": 0, "top": 0, "right": 0, "bottom": 0}},
        {"strokes": []},
        {"strokes": [["a", 1, 1]]},
        {"start_mm": [1]},
        {"start_mm": [float("nan"), 1]},
        {"text": None},
        {"rules": [[1, 2]]},
    ],
)
def test_a_file_that_holds_no_pages_is_refused_with_its_row(sheet, tmp_path, change):
    [path] = save_sheets(tmp_path / "pages.jsonl", [sheet])
    first, *others = path.read_text().splitlines()
    path.write_text("\n".join([json.dumps(json.loads(first) | change), *others]))
    with pytest.raises(InputError, match="row 1"):
        read_sheets(path)


def test_files_that_are_none_are_refused(tmp_path):
    missing = tmp_path / "missing.jsonl"
    with pytest.raises(InputError, match="no such file"):
        read_sheets(missing)
    assert not is_pages(missing)
    missing.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="UTF-8"):
        read_sheets(missing)
    missing.write_text("\n")
    with pytest.raises(InputError, match="found none"):
        read_sheets(missing)
    for name, words in (("page.docx", ".pdf"), ("no/page.pdf", "does not exist")):
        with pytest.raises(InputError, match=words):
            save_sheets(tmp_path / name, [])


def test_a_page_of_too_many_pixels_is_refused_and_nothing_is_left(sheet, tmp_path):
    for look, name in ((Look(dpi=2_000), "page.png"), (Look(dpi=4_000), "page.gif")):
        with pytest.raises(InputError, match="pixels"):
            save_sheets(tmp_path / name, [sheet], look)
        # A command is told so before the work.
        with pytest.raises(InputError, match="pixels"):
            check_sheets(tmp_path / name, [sheet], look)
    assert not list(tmp_path.iterdir())


def test_a_blank_page_is_a_gif_of_one_frame(tmp_path):
    [path] = save_sheets(tmp_path / "blank.gif", [Sheet(PAPER, [])], Look(dpi=50))
    image = Image.open(path)
    assert image.n_frames == 1 and set(np.asarray(image.convert("L")).ravel()) == {255}


def test_a_png_takes_all_colours_that_css_has(sheet, tmp_path):
    pictures = [
        save_sheets(tmp_path / f"{number}.png", [sheet], Look(dpi=60, colour=colour, background="hsl(0, 0%, 100%)"))[0]
        for number, colour in enumerate(["rgb(20, 30, 60)", "#141e3c"])
    ]
    assert pictures[0].read_bytes() == pictures[1].read_bytes()
