import pytest

from graves_jax.errors import InputError
from graves_jax.layout.paper import make_paper


def test_sizes_and_margins():
    paper = make_paper("a4", [20])
    assert (paper.width, paper.height, paper.room) == (210, 297, (170, 257))
    paper = make_paper("100 x 62.5 mm", [1, 2, 3, 4])
    assert (paper.top, paper.right, paper.bottom, paper.left) == (1, 2, 3, 4)
    paper = make_paper("letter", [10, 20])
    assert (paper.top, paper.bottom, paper.left, paper.right) == (10, 10, 20, 20)
    assert make_paper("LEGAL").height == 355.6


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("B4",), "A4"),
        (("0x200",), "20 to 5,000"),
        (("200x",), "width x height"),
        (("1e9x5",), "width x height"),
        (("A4", [105]), "leave room"),
        (("A4", [-1]), "0 mm or more"),
        (("A4", [float("nan")]), "0 mm or more"),
        (("A4", [1, 2, 3]), "1, 2 or 4 margins"),
        (("A4", []), "1, 2 or 4 margins"),
        (("A4", [20], "dotted"), "ruling"),
    ],
)
def test_paper_that_cannot_be_is_refused(arguments, words):
    with pytest.raises(InputError, match=words):
        make_paper(*arguments)
