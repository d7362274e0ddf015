"""The stream against one line after the other by `sample`, and its lines against one another."""

import dataclasses
import functools

import jax
import numpy as np
import pytest

from graves_jax.data.alphabet import Alphabet
from graves_jax.data.ink import Ink, Normalisation
from graves_jax.errors import InputError
from graves_jax.model.network import fold_style, init_params
from graves_jax.model.weights import Weights
from graves_jax.sampling import write as write_module
from graves_jax.sampling.priming import prime
from graves_jax.sampling.sampler import sample
from graves_jax.sampling.stream import Request, write_stream
from graves_jax.sampling.write import point_limit

KEY = jax.random.key(3)
U = 16
STYLE = Ink([[1.0, 2.0, 0.0], [0.5, -1.0, 1.0], [2.0, 0.0, 0.0], [0.0, 1.0, 1.0]], "db")
TEXTS = ["abcd", "d", "dab cab", "ba", "cc", "abcd a", "dd bb", "a", "cbbc", "cab"]
REQUESTS = [Request(number, text, bias=0.1 * number) for number, text in enumerate(TEXTS)]
# A third of the lines carry on in a hand.
STYLED = [request._replace(style=STYLE if request.number % 3 == 0 else None) for request in REQUESTS]


@pytest.fixture(scope="module")
def weights(tiny):
    return Weights(tiny.params, tiny.config, Alphabet("abcd "), Normalisation((0.2, 0.0), (2.0, 3.0)), {})


@pytest.fixture
def faultless(monkeypatch):
    """Random weights write nothing that would pass."""
    monkeypatch.setattr(write_module, "find_fault", lambda *args, **kwargs: None)


def stream(weights, requests, **options):
    options = {"key": KEY, "num_characters": U, "num_places": 4} | options
    return {request.number: line for request, line in write_stream(weights, requests, **options)}


@functools.partial(jax.jit, static_argnames=("config", "max_points"))
def draw_one(params, config, key, codes, length, bias, style, num_style_points, *, max_points):
    start = None if style is None else prime(params, config, codes, length, style, num_style_points)
    return sample(params, config, key, codes, length, max_points=max_points, bias=bias, start=start)


@pytest.mark.parametrize("requests", [REQUESTS, STYLED], ids=["from nothing", "some after a style"])
def test_every_line_is_what_the_sampler_draws(weights, faultless, requests):
    lines = stream(weights, requests, has_styles=requests is STYLED)
    assert sorted(lines) == list(range(len(requests)))
    for request in requests:
        text = request.lead + request.text
        codes = np.zeros(U, np.int32)
        codes[: len(text)] = weights.alphabet.encode(text)
        key = jax.random.fold_in(jax.random.fold_in(KEY, request.number), 0)
        style = None if request.style is None else weights.normalisation.normalise(STYLE.offsets)
        arguments = (key, codes, len(text), request.bias, style, len(STYLE))
        # All of these texts are padded to 16 characters, of which the length of a line is reckoned.
        most = point_limit(weights, U)
        sampled = draw_one(weights.params, weights.network, *arguments, max_points=most)
        expected = write_module.written_line(weights, request.text, jax.device_get(sampled), len(request.lead))
        found = lines[request.number]
        np.testing.assert_allclose(found.ink.offsets, expected.ink.offsets, rtol=1e-4, atol=1e-4)
        np.testing.assert_array_equal(found.position, expected.position)
        assert (found.ink.text, found.attempts) == (request.text, 1)


def test_every_line_is_written_in_its_own_hand(weights, faultless):
    """A network with styles writes as the network without them does whose biases have the hand in them."""
    config = dataclasses.replace(weights.network, style_size=2)
    fresh = init_params(jax.random.key(1), config)
    params = {"any_style": np.float32([0.5, -0.5]), **weights.params}
    for name in (name for name in params if name.startswith("layers_")):
        params[name] = weights.params[name] | {"style": fresh[name]["style"]}
    styled = dataclasses.replace(weights, params=params, network=config)
    hands = [(1.0, 2.0), None, (-1.0, 0.5)]
    lines = stream(styled, [Request(number, "cab", 0.5, z=z) for number, z in enumerate(hands)])
    for number, z in enumerate(hands):
        folded, plain = fold_style(params, config, None if z is None else np.float32(z))
        alone = dataclasses.replace(weights, params=folded, network=plain)
        [expected] = stream(alone, [Request(number, "cab", 0.5)]).values()
        np.testing.assert_allclose(lines[number].ink.offsets, expected.ink.offsets, rtol=1e-4, atol=1e-4)
    with pytest.raises(InputError, match="style vector of 2 numbers, found 3"):
        stream(styled, [Request(0, "cab", 0.5, z=(0.0, 0.0, 0.0))])


def test_a_line_that_does_not_end_is_cut_where_the_sampler_cuts_it(weights, monkeypatch):
    told = []
    monkeypatch.setattr(write_module, "find_fault", lambda ink, *_, finished, **__: told.append((len(ink), finished)))
    params = weights.params
    window = params["window"] | {"bias": params["window"]["bias"].at[-weights.network.num_window :].set(-20.0)}
    standing = Weights(params | {"window": window}, *list(vars(weights).values())[1:])
    [line] = stream(standing, REQUESTS[:1]).values()
    most = point_limit(weights, U)
    assert told == [(most, False)] and line.ink.offsets[-1, 2] == 1


def test_a_line_is_the_same_to_the_bit_whatever_stands_beside_it(weights, faultless):
    together, alone = stream(weights, REQUESTS), stream(weights, REQUESTS[3:4])
    backwards = stream(weights, REQUESTS[:0:-1])
    assert 0 not in backwards
    for other in (alone, backwards):
        for number, line in other.items():
            np.testing.assert_array_equal(line.ink.offsets, together[number].ink.offsets)


def test_numbers_and_keys_tell_lines_apart(weights, faultless):
    one, other = (Request(number, "abcd", 0.0) for number in (1, 2**32 - 1))
    lines = stream(weights, [one, other])
    assert lines[1].ink.offsets.tolist() != lines[2**32 - 1].ink.offsets.tolist()
    [again] = stream(weights, [one], key=jax.random.key(4)).values()
    assert again.ink.offsets.tolist() != lines[1].ink.offsets.tolist()


def test_a_line_that_goes_wrong_is_drawn_again(weights, monkeypatch):
    tries = {text: [] for text in TEXTS}

    def find_fault(ink, *args, **kwargs):
        tries[ink.text].append(ink.offsets.tolist())
        wrong = ink.text == "a" or (ink.text == "ba" and len(tries["ba"]) == 1)
        return "it is upside down" if wrong else None

    monkeypatch.setattr(write_module, "find_fault", find_fault)
    lines = stream(weights, REQUESTS, max_attempts=3)
    found = {line.ink.text: (line.attempts, line.fault) for line in lines.values()}
    assert found == dict.fromkeys(TEXTS, (1, None)) | {"a": (3, "it is upside down"), "ba": (2, None)}
    assert tries["ba"][0] != tries["ba"][1]
    # The first of the tries is as it would be by itself.
    assert [len(tried) for tried in tries.values()] == [found[text][0] for text in TEXTS]


def test_nothing_to_write(weights):
    assert stream(weights, []) == {}


@pytest.mark.parametrize(
    "text, words", [("", "empty"), ("x", "'x' at position 1"), ("a" * (U + 1), "at most 16 characters, found 17")]
)
def test_texts_that_cannot_be_written(weights, text, words):
    with pytest.raises(InputError, match=words):
        stream(weights, [Request(0, text, 0.5)])
