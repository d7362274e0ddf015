"""The page in a real browser, through what people do: type, click, draw, save."""

import functools
import http.server
import json
import pathlib
import re
import shutil
import threading
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import graves_jax
from graves_jax.data.json_lines import read_json_lines
from graves_jax.data.own_ink.readers import read_own_ink
from graves_jax.web.export import page_files, single_file

PROMPTS = ["Jon Snow", "winter", "is here"]


@pytest.fixture(scope="session")
def files():
    return page_files(graves_jax.load("hershey"), name="hershey", prompts=PROMPTS)


@pytest.fixture(scope="session")
def folder(files, tmp_path_factory):
    return written(tmp_path_factory.mktemp("page"), files)


def written(folder: pathlib.Path, files: dict[str, bytes]) -> pathlib.Path:
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def serve():
    """A function from a folder to the address that it is served at."""
    servers = []

    def start(folder: pathlib.Path) -> str:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="drives a browser: pip install playwright")
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser):
    """A function from an address to a page of a fresh profile. Afterwards: nothing went elsewhere, nothing failed."""
    contexts, complaints, addresses, expected = [], [], [], set()

    def open_it(url, *, waits=True, expects=(), **options):
        context = browser.new_context(accept_downloads=True, **options)
        contexts.append(context)
        expected.update(expects)
        page = context.new_page()
        page.on("request", lambda request: addresses.append((url, request.url)))
        page.on("console", lambda message: message.type in ("error", "warning") and complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.set_default_timeout(60_000)
        page.goto(url)
        if waits:
            page.wait_for_function("window.graves.ready")
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert [text for text in complaints if not any(words in text for words in expected)] == []
    origins = [url.rpartition("/")[0] + "/" for url, _ in addresses]
    allowed = [(origin, f"blob:{origin}", "blob:null", "data:") for origin in origins]
    assert [to for start, (_, to) in zip(allowed, addresses, strict=True) if not to.startswith(start)] == []


def write(page, text, *, speed="5"):
    """Types and clicks; returns when the pen has come to the end."""
    page.fill("#text", text)
    page.fill("#speed", speed)
    page.click("#write")
    page.wait_for_selector("#stop:disabled")
    return page.inner_text("#status")


def saved(page, selector, folder):
    with page.expect_download() as download:
        page.click(selector)
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def draw(page, strokes):
    """Strokes on the surface, with the mouse: positions from its upper left corner."""
    box = page.locator("#pad").bounding_box()
    for stroke in strokes:
        for n, (x, y) in enumerate(stroke):
            page.mouse.move(box["x"] + x, box["y"] + y)
            if n == 0:
                page.mouse.down()
        page.mouse.up()


def test_the_ink_is_that_of_python(open_page, serve, folder):
    page = open_page(serve(folder))
    line = page.evaluate("graves.write({ text: 'Jon Snow', bias: 0.5, seed: 3 })")
    expected = graves_jax.write("Jon Snow", bias=0.5, seed=3, weights=graves_jax.load("hershey"))
    offsets = np.array(line["offsets"])
    assert offsets.shape == expected.offsets.shape
    np.testing.assert_array_equal(offsets[:, 2], expected.offsets[:, 2])
    assert np.abs(np.cumsum(offsets, axis=0) - np.cumsum(expected.offsets, axis=0))[:, :2].max() < 0.1
    # Several at once are written one after the other.
    both = page.evaluate("Promise.all([3, 4].map((seed) => graves.write({ text: 'Jon Snow', bias: 0.5, seed })))")
    assert both[0] == line and both[1] != line
    refused = page.evaluate("graves.write({ text: 'Jon Snöw' }).catch((error) => error.message)")
    assert "no letter for ö" in refused


def test_a_text_is_written_and_saved_in_every_form(open_page, serve, folder, tmp_path):
    page = open_page(serve(folder))
    assert page.locator("[data-save]:enabled").count() == 0
    status = write(page, "Jon & <Arya>\n\nSnow")
    assert re.match(r"2 lines, \d+ points\.", status)
    rows = read_json_lines(saved(page, "[data-save=jsonl]", tmp_path))
    assert [row.ink.text for row in rows] == ["Jon & <Arya>", "Snow"]
    [first] = graves_jax.sampling.write.write_lines(
        graves_jax.load("hershey"), ["Jon & <Arya>"], keys=[_key(0)], bias=0.75
    )
    np.testing.assert_allclose(rows[0].ink.offsets, first.ink.offsets, atol=0.01)

    svg = ElementTree.parse(saved(page, "[data-save=svg]", tmp_path)).getroot()
    space = "{http://www.w3.org/2000/svg}"
    titles = [title.text for title in svg.iter(f"{space}title")]
    assert titles == ["Jon & <Arya>", "Snow"] and svg.get("aria-label") == "Handwriting: Jon & <Arya>  Snow"
    paths = list(svg.iter(f"{space}path"))
    strokes = [stroke for row in rows for stroke in row.ink.strokes()]
    assert len(paths) == len(strokes) == page.locator("#sheet path").count()

    png = saved(page, "[data-save=png]", tmp_path)
    picture = _pixels(png)
    assert picture.shape[1] == 2_400 and 0.002 < (picture < 128).mean() < 0.2

    # The pen of the plotter goes down once for each stroke, and as far as the ink is long.
    moves = saved(page, "[data-save=gcode]", tmp_path).read_text().splitlines()
    assert sum(move.startswith("G1 Z0") for move in moves) == len(strokes)
    ends = np.array([re.findall(r"X(\S+) Y(\S+)", move)[0] for move in moves[:-2] if " X" in move], float)
    assert np.ptp(ends[:, 0]) == pytest.approx(180, abs=0.01) and ends.min() >= -0.001
    assert len(ends) == sum(map(len, strokes))


def _key(row):
    import jax

    return jax.random.fold_in(jax.random.key(0), row)


def _pixels(png):
    from PIL import Image

    return np.asarray(Image.open(png).convert("L"))


def test_the_pen_is_stopped_and_what_it_wrote_is_kept(open_page, serve, folder, tmp_path):
    page = open_page(serve(folder))
    page.fill("#text", "a long line of text that takes a while to write")
    page.fill("#speed", "0")
    page.click("#write")
    page.wait_for_function("document.querySelectorAll('#sheet path').length > 1")
    page.keyboard.press("Escape")
    page.wait_for_selector("#stop:disabled")
    assert page.inner_text("#status") == "Stopped."
    [row] = read_json_lines(saved(page, "[data-save=jsonl]", tmp_path))
    assert 1 <= len(row.ink) < 200 and row.ink.offsets[-1, 2] == 1
    # And it writes again.
    assert write(page, "no").startswith("1 line,")
    # The pen is stopped, too, while it follows a line that the network has long since finished.
    page.fill("#speed", "0")
    page.fill("#text", "a long line of text that takes a while to write")
    page.click("#write")
    page.wait_for_function("document.querySelectorAll('#sheet path').length > 1")
    page.wait_for_timeout(1500)
    page.keyboard.press("Escape")
    page.wait_for_timeout(200)
    assert page.inner_text("#status") == "Stopped."
    # A program that waits for a line is told that it was stopped.
    page.evaluate("""() => {
      window.told = graves.write({ text: "a long line of text" }).catch((error) => error.message);
      document.getElementById("another").click();
    }""")
    assert page.evaluate("told") == "The line was stopped."
    page.wait_for_selector("#stop:disabled")


def test_a_link_carries_the_settings_and_is_written_at_once(open_page, serve, folder):
    url = serve(folder)
    page = open_page(url)
    page.fill("#seed", "12")
    page.fill("#bias", "1.25")
    write(page, "Snow & co")
    link = page.url
    ink = page.locator("#sheet path").evaluate_all("paths => paths.map((path) => path.getAttribute('d'))")
    again = open_page(link)
    again.wait_for_selector("[data-save=svg]:enabled")
    assert again.input_value("#text") == "Snow & co" and again.input_value("#bias") == "1.25"
    assert again.locator("#sheet path").evaluate_all("paths => paths.map((path) => path.getAttribute('d'))") == ink
    # What does not fit is as the page begins.
    wrong = open_page(f"{url}#bias=much&seed=-5&hand=nobody&speed=99&script=1")
    values = [wrong.input_value(f"#{name}") for name in ("bias", "seed", "hand", "speed")]
    assert values[1:3] == ["0", ""] and 0 <= float(values[0]) <= 2 and values[3] in ("2", "5")


def test_what_cannot_be_written_is_named_while_it_is_typed(open_page, serve, folder):
    page = open_page(serve(folder))
    page.fill("#text", "Schnee\nfällt für 5 €")
    assert page.inner_text("#unknown") == "No letter for ä ü €"
    page.click("#write")
    page.wait_for_selector("#stop:disabled")
    # Nothing of it is written, not even the lines before.
    assert "no letter for ä ü €" in page.inner_text("#status")
    assert page.locator("#sheet path").count() == 0
    assert "nothing to write" in write(page, "  \n ")
    # Signs of word processors are written as what the hand knows.
    write(page, "“Snow…”")
    assert page.inner_text("#unknown") == ""
    assert page.get_attribute("#sheet", "aria-label") == 'Handwriting: "Snow..."'


STROKES = [
    [(40 + 22 * n, y) for n, y in enumerate([110, 80, 140, 75, 135, 90, 120])],
    [(60, 40)],
    [(230, 100), (300, 102)],
]


def test_a_hand_is_recorded_kept_saved_and_written_with(open_page, serve, folder, tmp_path):
    page = open_page(serve(folder))
    page.click("#record-tab")
    assert page.inner_text("#prompt") == "Jon Snow"
    draw(page, [*STROKES, [(300, 20), (310, 30)]])
    page.click("#undo")
    page.click("#undo")
    page.keyboard.press("Control+Shift+Z")
    page.click("#next")
    draw(page, STROKES[:1])
    page.click("#again")
    assert page.inner_text("#count") == "Sentence 2 of 3, 1 written"
    draw(page, STROKES[1:])
    # A closed tab loses nothing.
    page.reload()
    page.wait_for_function("window.graves.ready")
    page.click("#record-tab")
    assert page.inner_text("#count") == "Sentence 3 of 3, 2 written"
    page.click("#lines li:nth-child(1) button")

    file = saved(page, "#save-hand", tmp_path)
    rows = [json.loads(row) for row in file.read_text().splitlines()]
    assert [row["text"] for row in rows] == PROMPTS[:2]
    for row, line, strokes in zip(rows, read_json_lines(file), (STROKES, STROKES[1:]), strict=True):
        assert (row["unit"], row["device"]) == ("css px", "mouse")
        # The browser may report a point twice, and hundredths of a pixel are rounded; no point is lost.
        for drawn, expected in zip(line.ink.strokes(), strokes, strict=True):
            moved = drawn - line.ink.strokes()[0][0] + strokes[0][0]
            for point in expected:
                assert np.abs(moved - point).max(axis=1).min() < 0.6
        assert len(row["times"]) == sum(map(len, line.ink.strokes()))
        assert (np.diff(row["times"]) >= 0).all() and row["times"][0] == 0
    own = read_own_ink(file)
    assert [line.text for line in own] == PROMPTS[:2] and all(line.times is not None for line in own)

    page.click("#use")
    assert page.input_value("#hand") == "own:Jon Snow"
    assert re.match(r"1 line, \d+ points\.", write(page, "no"))
    page.once("dialog", lambda dialog: dialog.accept())
    page.click("#record-tab")
    page.click("#forget")
    assert page.inner_text("#count") == "Sentence 1 of 3, 0 written"
    assert page.evaluate("localStorage.length") == 0 and page.input_value("#hand") == ""


def test_hands_that_are_vectors_and_those_between_two(open_page, serve, random_weights, tmp_path):
    weights = random_weights(style_size=3, points_per_character=2.0)
    page = open_page(serve(written(tmp_path, page_files(weights, name="vectors"))))
    assert not page.is_visible("#share")
    page.select_option("#other", "new:5")
    page.fill("#share", "0.25")
    inks = []
    for hand in ("", "new:2", "any"):
        page.select_option("#hand", hand)
        assert page.is_visible("#other") == page.is_visible("#share") == (hand != "any")
        assert write(page, "abcd\nab").startswith("2 lines,")
        inks.append(page.locator("#sheet path").evaluate_all("paths => paths.map((path) => path.getAttribute('d'))"))
    assert inks[0] != inks[1] != inks[2]
    drawn = "graves.write({ text: 'ab', seed: 2, style })"
    hands = ["null", "{ number: 2 }", "'any'", "{ between: [null, { number: 2 }], share: 0.5 }"]
    lines = [page.evaluate(f"(() => {{ const style = {hand}; return {drawn}; }})()") for hand in hands]
    assert lines[0] == lines[1] == lines[3] != lines[2]


def test_finger_and_pen_draw_with_all_their_points(open_page, serve, folder):
    """A pen reports more points than there are pictures; beside a pen, a touch is the hand that rests on the screen."""
    page = open_page(serve(folder), has_touch=True)
    page.click("#record-tab")
    count = page.evaluate("""() => {
      const pad = document.getElementById("pad");
      const { left, top } = pad.getBoundingClientRect();
      pad.setPointerCapture = () => {};
      const send = (type, pointerType, pointerId, x, y, parts = []) => {
        const at = (dx) => ({ pointerType, pointerId, clientX: left + x + dx, clientY: top + y, bubbles: true });
        const event = new PointerEvent(type, at(0));
        event.getCoalescedEvents = () => parts.map((dx) => new PointerEvent(type, at(dx)));
        pad.dispatchEvent(event);
      };
      send("pointerdown", "pen", 1, 10, 50);
      send("pointerdown", "touch", 2, 200, 90);
      send("pointermove", "touch", 2, 210, 90);
      send("pointermove", "pen", 1, 30, 50, [-12, -8, -4, 0]);
      send("pointerup", "pen", 1, 30, 50);
      send("pointerup", "touch", 2, 210, 90);
      send("pointerdown", "touch", 3, 200, 90);
      send("pointerup", "touch", 3, 200, 90);
      return JSON.parse(localStorage.getItem("graves_jax/line/Jon Snow"));
    }""")
    assert count["device"] == "pen"
    assert [[round(x) for x, _, _ in stroke] for stroke in count["strokes"]] == [[10, 18, 22, 26, 30]]


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ("weights", "The weights are damaged"),
        ("cut", "The weights are damaged"),
        ("missing", "kernel.wasm is missing: the server said 404"),
    ],
)
def test_damage_is_told(open_page, serve, files, tmp_path, broken, words):
    weights = bytearray(files["weights.safetensors"])
    weights[len(weights) // 2] ^= 1
    changed = {
        "weights": {"weights.safetensors": bytes(weights)},
        "cut": {"weights.safetensors": bytes(weights[:100])},
        "missing": {"kernel.wasm": None},
    }[broken]
    kept = {name: content for name, content in (files | changed).items() if content is not None}
    page = open_page(serve(written(tmp_path, kept)), waits=False, expects=["404"])
    page.wait_for_selector("#broken:visible")
    assert words in page.inner_text("#broken")
    assert page.is_disabled("#write") and not page.evaluate("graves.ready")


def test_a_browser_without_simd_is_told(open_page, serve, files, tmp_path):
    """Such a browser finds that the kernel is no WebAssembly that it knows."""
    kernel = files["kernel.wasm"].replace(b"\xfd\x09", b"\xfd\xff", 1)
    assert kernel != files["kernel.wasm"]
    page = open_page(serve(written(tmp_path, files | {"kernel.wasm": kernel})), waits=False)
    page.wait_for_selector("#broken:visible")
    assert "no WebAssembly with SIMD" in page.inner_text("#broken")


def test_the_folder_says_that_it_needs_a_server(open_page, folder):
    page = open_page(
        (folder / "index.html").as_uri(), waits=False, expects=["CORS", "net::ERR_FAILED", "Content Security"]
    )
    page.wait_for_selector("#broken:visible")
    assert "needs a web server" in page.inner_text("#broken")


def test_a_single_file_opens_from_disk(open_page, files, tmp_path):
    file = tmp_path / "hand writing.html"
    file.write_bytes(single_file(files))
    page = open_page(file.as_uri())
    assert write(page, "Jon Snow").startswith("1 line,")
    page.click("#record-tab")
    draw(page, STROKES)
    page.click("#use")
    assert page.input_value("#hand") == "own:Jon Snow"


def test_keyboard_and_screen_reader(open_page, serve, folder):
    page = open_page(serve(folder))
    unnamed = page.evaluate("""[...document.querySelectorAll("button, input, select, textarea, progress, [role=img]")]
      .filter((field) => !field.ariaLabel && !field.labels?.length && !field.textContent.trim()).map(({ id }) => id)""")
    assert unnamed == []
    page.fill("#speed", "5")
    page.focus("#text")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#sheet[aria-label='Handwriting: The pen writes what you type, in a hand that nobody has.']")
    page.wait_for_selector("#stop:disabled")
    page.focus("#write-tab")
    page.keyboard.press("ArrowRight")
    assert page.is_visible("#record-view") and page.evaluate("document.activeElement.id") == "record-tab"
    assert page.get_attribute("#record-tab", "aria-selected") == "true"
    page.keyboard.press("ArrowLeft")
    assert page.is_visible("#write-view")


@pytest.mark.parametrize("width", [340, 1_280])
def test_nothing_is_wider_than_the_screen(open_page, serve, folder, width):
    page = open_page(serve(folder), viewport={"width": width, "height": 800})
    for tab in ("write", "record"):
        page.click(f"#{tab}-tab")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
