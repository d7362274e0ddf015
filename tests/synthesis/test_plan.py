"""What chance decides about a line: from (seed, number) alone, and each thing by itself."""

import dataclasses

import numpy as np
import pytest

from graves_jax.data.augmentation import Augmentation
from graves_jax.data.ink import Ink
from graves_jax.errors import InputError
from graves_jax.sampling.styles import style_names
from graves_jax.synthesis import plan as plan_module
from graves_jax.synthesis.plan import augment, draw, prepare, request_of
from graves_jax.synthesis.texts import Lines


def drawn(plan, **changes):
    plan = dataclasses.replace(plan, **changes)
    return [draw(plan, number) for number in range(20)]


def test_a_line_depends_on_seed_and_number_alone(plan):
    lines = drawn(plan)
    assert lines == drawn(plan, lines=1_000, per_shard=3, num_places=8, format="jsonl")
    assert len(set(lines)) == 20
    other = drawn(plan, seed=8)
    assert not set(lines) & set(other)


def test_what_is_drawn_for_one_thing_leaves_the_others_alone(plan):
    lines = drawn(plan)
    styled = drawn(plan, hands=("any", "styles"), augmentation=Augmentation(0.1))
    assert [line[:2] for line in styled] == [line[:2] for line in lines]
    biased = drawn(plan, bias=(2.0, 3.0))
    assert [line.text for line in biased] == [line.text for line in lines]
    assert all(2 <= line.bias <= 3 for line in biased) and len({line.bias for line in biased}) == 20
    assert {line.bias for line in drawn(plan, bias=(0.5, 0.5))} == {0.5}


def test_hands_are_drawn_from_the_kinds_that_are_asked_for(plan):
    assert {line.hand for line in drawn(plan)} == {"any"}
    hands = {draw(dataclasses.replace(plan, hands=("any", "styles")), number).hand for number in range(200)}
    assert hands == {"any", *style_names()}
    styled = dataclasses.replace(plan, hands=("styles",))
    request = request_of(styled, 4, draw(styled, 4))
    assert request.style.text == prepare(styled).styles[draw(styled, 4).hand].text
    assert request_of(plan, 4, draw(plan, 4)).style is None


def test_new_hands_are_drawn_where_the_weights_have_styles(plan, monkeypatch):
    with pytest.raises(InputError, match="weights with style vectors"):
        prepare(dataclasses.replace(plan, hands=("vectors",)))
    weights = plan_module.load_weights("hershey")
    styled = dataclasses.replace(weights, network=dataclasses.replace(weights.network, style_size=4))
    monkeypatch.setattr(plan_module, "load_weights", lambda name: styled)
    plan = dataclasses.replace(plan, weights="styled", hands=("vectors",))
    lines = drawn(plan)
    assert plan_module.usual_hands("styled") == ("vectors",) and lines == drawn(plan, lines=99)
    z = np.array([line.z for line in lines])
    assert z.shape == (20, 4) and {line.hand for line in lines} == {"vector"}
    assert abs(z.mean()) < 0.4 and 0.7 < z.std() < 1.3 and len(np.unique(z)) == z.size
    assert request_of(plan, 3, lines[3]).z == lines[3].z


def test_augmentation_is_of_the_line_and_none_leaves_the_ink(plan):
    ink = Ink([[10.0, 2.0, 0.0], [3.0, 7.0, 1.0]], "a")
    assert augment(plan, 1, ink) is ink
    plan = dataclasses.replace(plan, augmentation=Augmentation(0.2))
    one, again, other = (augment(plan, number, ink).offsets for number in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    ratio = one[0, :2] / ink.offsets[0, :2]
    assert ((ratio >= 0.8) & (ratio <= 1.2)).all() and (one != other).any()


def test_shards_have_every_line_once(plan):
    numbers = [number for shard in range(plan.shards) for number in plan.numbers(shard)]
    assert numbers == list(range(23)) and plan.shards == 5 and len(plan.numbers(4)) == 3


def test_a_description_knows_weights_and_texts_by_what_they_are(plan, tmp_path):
    paths = [tmp_path / name for name in ("one.txt", "same.txt", "other.txt")]
    for path, text in zip(paths, ("snow", "snow", "ice"), strict=True):
        path.write_text(text)
    one, same, other = (dataclasses.replace(plan, texts=Lines(str(path))).description() for path in paths)
    assert one == same != other
    assert one["weights"]["licence"] == "Apache-2.0" and len(one["weights"]["sha256"]) == 64
    assert str(tmp_path) not in str(one)
    # A PNG holds what the drawing library makes of the ink.
    assert "matplotlib" in dataclasses.replace(plan, png_height=32).description()["versions"].keys() - one["versions"]


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"bias": (0.5, 0.2)}, "LOW,HIGH"),
        ({"bias": (float("nan"), 1.0)}, "LOW,HIGH"),
        ({"hands": ("left",)}, "any, styles"),
        ({"hands": ()}, "found none"),
        ({"format": "inkml", "png_height": 32}, "format tar"),
    ],
)
def test_plans_that_are_none(plan, changes, words):
    with pytest.raises(InputError, match=words):
        dataclasses.replace(plan, **changes)
