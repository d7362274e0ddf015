"""A file is there whole, or what was there before is."""

import os
import stat

import pytest

from graves_jax.files import whole_file


def test_it_has_its_name_when_it_is_whole(tmp_path):
    path = tmp_path / "file"
    path.write_text("before")
    with whole_file(path) as unfinished:
        unfinished.write_bytes(b"after")
        assert path.read_text() == "before"
    assert path.read_text() == "after" and os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("fault", [ValueError, KeyboardInterrupt])
def test_after_an_error_nothing_has_happened(tmp_path, fault):
    path = tmp_path / "file"
    path.write_text("before")
    with pytest.raises(fault), whole_file(path) as unfinished:
        unfinished.write_bytes(b"aft")
        raise fault
    assert path.read_text() == "before" and os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_who_may_read_it_is_the_umasks_to_say(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        with whole_file(tmp_path / "file") as unfinished:
            unfinished.write_bytes(b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode
