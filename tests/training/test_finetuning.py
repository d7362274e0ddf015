"""A tiny network is trained on for one person, beside lines that stand in for what it knew."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from graves_jax.data.alphabet import Alphabet
from graves_jax.data.ink import Ink, Normalisation
from graves_jax.model.network import NetworkConfig, init_params
from graves_jax.model.weights import Weights
from graves_jax.training.finetuning import FineTuning, finetune, hold_out, judge

NETWORK = NetworkConfig(
    num_characters=3, num_window=2, num_layers=2, hidden_size=8, num_components=2, cell="lstm",
    points_per_character=4.0, sigma_floor=0.01,
)  # fmt: skip
QUICK = FineTuning(num_steps=30, own_lines=4, stand_in_lines=2, learning_rate=5e-3, validate_every=5, patience=10)


@pytest.fixture(scope="module")
def weights():
    params = init_params(jax.random.key(0), NETWORK)
    return Weights(params, NETWORK, Alphabet("abc"), Normalisation((2.0, 0.0), (2.0, 2.0)), {"data": "made up"})


def person(number, *, climb, seed=0):
    """Lines whose pen goes up and down in zigzags, of one hand: how much it climbs on the way."""
    rng = np.random.default_rng(seed)
    inks = []
    for _ in range(number):
        dy = np.tile([3.0, -3.0], 8) - climb + 0.1 * rng.normal(size=16)
        inks.append(Ink(np.column_stack([2.0 + 0.1 * rng.normal(size=16), dy, np.arange(16) % 4 == 3]), "abca"))
    return inks


@pytest.mark.parametrize(("lines", "held_out"), [(1, []), (2, [1]), (3, [1]), (5, [2]), (10, [2, 7]), (12, [2, 7])])
def test_one_line_in_five_is_held_out(lines, held_out):
    inks = person(lines, climb=0)
    parts = hold_out(inks)
    assert [inks.index(ink) for ink in parts.held_out] == held_out
    assert len(parts.own) + len(parts.held_out) == lines


def test_lines_of_the_person_become_probable(weights):
    inks = person(12, climb=1.0)
    tuned = finetune(weights, inks[:8], held_out=inks[8:10], how=QUICK, progress=False)
    assert tuned.nats_before == pytest.approx(judge(weights, inks[8:10]))
    assert tuned.nats_after == pytest.approx(judge(tuned.weights, inks[8:10]), abs=1e-5)
    assert judge(tuned.weights, inks[10:]) < judge(weights, inks[10:]) - 0.5
    assert 0 < tuned.steps <= QUICK.num_steps


def test_it_is_the_same_every_time(weights):
    inks = person(5, climb=1.0)
    first, second = (finetune(weights, inks, how=dataclasses.replace(QUICK, num_steps=3), progress=False) for _ in "12")
    for a, b in zip(*(jax.tree.leaves(tuned.weights.params) for tuned in (first, second)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_it_stops_where_the_lines_held_out_stop_gaining(weights):
    """Those held out are of quite another hand here, which the lines learned from lead away from."""
    inks, others = person(4, climb=1.0), person(2, climb=-6.0)
    settled = finetune(weights, others, how=dataclasses.replace(QUICK, num_steps=120), progress=False).weights
    tuned = finetune(settled, inks, held_out=others, how=QUICK, progress=False)
    assert tuned.steps <= 10
    assert tuned.nats_after <= tuned.nats_before


def test_lines_that_stand_in_keep_what_was_known(weights):
    known = person(12, climb=-1.5, seed=1)
    trained = finetune(weights, known[:10], how=dataclasses.replace(QUICK, num_steps=60), progress=False).weights
    own = person(6, climb=1.5)
    alone, beside = (
        finetune(trained, own, stand_in=lines, how=QUICK, progress=False).weights for lines in ([], known[:6])
    )
    assert judge(beside, known[10:]) < judge(alone, known[10:]) - 0.1
    assert judge(beside, own) < judge(trained, own) - 0.3


def test_only_the_rows_of_given_codes_may_learn(weights):
    inks = person(5, climb=1.0)
    tuned = finetune(weights, inks, how=QUICK, codes=[1], progress=False).weights
    for name, layer in weights.params.items():
        for key, value in layer.items() if isinstance(layer, dict) else [(None, layer)]:
            found = np.asarray(tuned.params[name] if key is None else tuned.params[name][key])
            rows = 3 + 1 if name.startswith("layers_") and key == "input" else None
            if rows is None:
                np.testing.assert_array_equal(found, value)
            else:
                assert (found[rows] != np.asarray(value)[rows]).any()
                np.testing.assert_array_equal(np.delete(found, rows, axis=0), np.delete(np.asarray(value), rows, 0))
    assert judge(tuned, inks) < judge(weights, inks)


def test_no_lines_have_no_nats(weights):
    assert np.isnan(judge(weights, []))
    assert jnp.isfinite(judge(weights, person(1, climb=0)))


def test_a_line_that_alone_has_a_new_character_is_learned_from():
    inks = person(10, climb=0)
    inks[2], inks[6], inks[7] = (
        dataclasses.replace(inks[row], text=text) for row, text in ((2, "ßca"), (6, "öca"), (7, "öba"))
    )
    parts = hold_out(inks, new="ßö")
    assert parts.held_out == [inks[7]]
    # Of two such lines, both of which would be held out, one stays.
    inks[2] = dataclasses.replace(inks[2], text="öab")
    inks[6] = dataclasses.replace(inks[6], text="abc")
    assert len(hold_out(inks, new="ö").held_out) == 1
    assert len(hold_out(inks).held_out) == 2
