import json

import pytest
from PIL import Image

from graves_jax.drawing import save_ink
from graves_jax.drawing.save import SAVERS, saver_of
from graves_jax.drawing.svg import ink_to_svg
from graves_jax.errors import InputError

BEGINNINGS = {".svg": b"<svg", ".png": b"\x89PNG", ".pdf": b"%PDF", ".gif": b"GIF89a", ".jsonl": b"{", ".json": b"["}


@pytest.mark.parametrize("suffix", BEGINNINGS)
def test_the_suffix_decides(tmp_path, lines, suffix):
    for name in ("small", "CAPITALS"):
        path = tmp_path / (name + (suffix.upper() if name.isupper() else suffix))
        save_ink(path, lines)
        assert path.read_bytes().startswith(BEGINNINGS[suffix])
        save_ink(str(path), lines[0])
    assert len(list(tmp_path.iterdir())) == 2


def test_every_suffix_is_tested():
    assert set(SAVERS) == set(BEGINNINGS)


def test_options_reach_the_drawing(tmp_path, line):
    save_ink(tmp_path / "a.svg", line, width=321, colour="green")
    assert (tmp_path / "a.svg").read_text() == ink_to_svg(line, width=321, colour="green")
    save_ink(tmp_path / "a.png", line, width=321)
    assert Image.open(tmp_path / "a.png").width == 321


def test_json_lines_hold_one_line_of_ink_each(tmp_path, lines):
    save_ink(tmp_path / "a.jsonl", lines)
    rows = [json.loads(row) for row in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert [row["text"] for row in rows] == [line.text for line in lines]
    assert [len(row["strokes"]) for row in rows] == [len(line) for line in lines]


@pytest.mark.parametrize("name", ["a.bmp", "a", ".svg", "a.svg.gz"])
def test_an_unknown_suffix_names_the_known_ones(tmp_path, line, name):
    with pytest.raises(InputError, match=r"\.svg, \.png, \.pdf, \.gif, \.jsonl"):
        save_ink(tmp_path / name, line)


def test_a_folder_that_is_missing_or_in_the_way(tmp_path, line):
    with pytest.raises(InputError, match="does not exist"):
        save_ink(tmp_path / "none" / "a.svg", line)
    (tmp_path / "a.svg").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        saver_of(tmp_path / "a.svg")


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, line):
    for suffix in (".svg", ".png", ".pdf", ".gif"):
        path = tmp_path / f"a{suffix}"
        path.write_bytes(b"old")
        with pytest.raises(InputError):
            save_ink(path, line, width=-1)
        assert path.read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 4


def test_an_interruption_half_way_leaves_the_old_file(tmp_path, line, monkeypatch):
    def half(path, lines):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setitem(SAVERS, ".svg", half)
    (tmp_path / "a.svg").write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt):
        save_ink(tmp_path / "a.svg", line)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.svg", b"old")]
