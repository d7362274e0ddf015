"""Batches: every line comes, none is padded into the loss, and a run that goes on sees what it would have seen."""

import collections
import dataclasses
import itertools
import json

import jax
import numpy as np
import pytest

from graves_jax.data import batches as batches_module
from graves_jax.data.alphabet import ASCII_ALPHABET, Alphabet
from graves_jax.data.augmentation import Augmentation
from graves_jax.data.batches import (
    END_POINT,
    Batch,
    TrainingBatches,
    epoch_order,
    evaluation_batches,
    make_buckets,
    oversampled,
    training_batches,
)
from graves_jax.data.corpus import Corpus, Line
from graves_jax.data.ink import Ink, Normalisation
from graves_jax.errors import InputError

NORMALISATION = Normalisation(mean=(2.0, -1.0), std=(4.0, 2.0))
MODEL = {"alphabet": ASCII_ALPHABET, "normalisation": NORMALISATION}


def make_corpus(lengths, split="training", seed=0):
    """Line n says "line n" and has its own ink, in strokes of about ten points that go to the right."""
    rng = np.random.default_rng(seed)
    lines = []
    for number, length in enumerate(lengths):
        bits = np.arange(length) % 10 == 9
        bits[-1] = True
        xy = np.column_stack([rng.integers(1, 20, length), rng.integers(-20, 20, length)])
        ink = Ink(np.column_stack([xy, bits]), f"line {number}")
        lines.append(Line(ink, f"id-{number}", split=split))
    return Corpus.from_lines(lines)


@pytest.fixture(scope="module")
def corpus():
    return make_corpus(np.random.default_rng(1).integers(20, 200, 75))


def realistic_lengths():
    """As many lines as Graves trained on, with IAM-OnDB's quantiles: 5 % 310, median 620, 95 % 955, at most 1,940."""
    quantiles = [0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 0.999, 1.0]
    lengths = np.interp(np.linspace(0, 1, 10_741), quantiles, [31, 310, 490, 620, 750, 955, 1_400, 1_940])
    return np.random.default_rng(2).permutation(lengths.astype(int))


def texts(batch):
    return ["".join(ASCII_ALPHABET.characters[c] for c in row[m]) for row, m in zip(batch[2], batch[3], strict=True)]


def assert_same(found, expected):
    jax.tree.map(np.testing.assert_array_equal, found, expected)


def assert_rows_are_lines(batch, corpus):
    """Each row holds the line that its text names, and nothing else."""
    for row, text in enumerate(texts(batch)):
        offsets = corpus[int(text.split()[1])].ink.offsets
        expected = np.column_stack([(offsets[:, :2] - NORMALISATION.mean) / NORMALISATION.std, offsets[:, 2]])
        np.testing.assert_allclose(batch.offsets[row, : len(offsets)], expected, rtol=1e-6)
        assert not batch.offsets[row, len(offsets) :].any()
        assert batch.mask[row].tolist() == [t < len(offsets) for t in range(batch.mask.shape[1])]
        assert not batch.codes[row, len(text) :].any()
        assert batch.text_mask[row].tolist() == [u < len(text) for u in range(batch.text_mask.shape[1])]


def test_an_epoch_takes_every_line_and_repeats_fewer_than_a_batch(corpus):
    batches = TrainingBatches(corpus=corpus, split="training", batch_size=8, seed=3, **MODEL)
    assert batches.batches_per_epoch == 10
    repeated = []
    for epoch in range(3):
        seen = collections.Counter()
        for number in range(10):
            batch = batches[epoch * 10 + number]
            assert_rows_are_lines(batch, corpus)
            assert len(batch.offsets) == 8
            seen.update(texts(batch))
        assert set(seen) == set(corpus.texts)
        assert sum(seen.values()) == 80 and max(seen.values()) == 2
        repeated.append({text for text, times in seen.items() if times == 2})
    assert len(repeated[0] | repeated[1] | repeated[2]) > 5


def test_dtypes(corpus):
    batch = TrainingBatches(corpus=corpus, split="training", batch_size=8, seed=3, **MODEL)[0]
    assert isinstance(batch, Batch)
    assert [array.dtype for array in batch[:4]] == [np.float32, bool, np.int32, bool]
    assert batch.writers is None


def test_order_changes_with_the_epoch_and_the_seed():
    buckets = np.zeros(100, int)
    orders = [epoch_order(buckets, batch_size=10, seed=s, epoch=e) for s, e in [(0, 0), (0, 1), (1, 0), (1, 1)]]
    assert all((one != other).mean() > 0.9 for one, other in itertools.combinations(orders, 2))
    np.testing.assert_array_equal(orders[1], epoch_order(buckets, batch_size=10, seed=0, epoch=1))


def test_neighbours_change_from_epoch_to_epoch():
    lengths = realistic_lengths()
    bucket_of, _ = make_buckets(lengths, lengths // 20, batch_size=32)
    pairs = [
        {
            frozenset(pair)
            for row in epoch_order(bucket_of, batch_size=32, seed=0, epoch=e)
            for pair in itertools.pairwise(row)
        }
        for e in range(2)
    ]
    assert len(pairs[0] & pairs[1]) < 0.02 * len(pairs[0])


def test_little_padding_and_few_shapes_on_realistic_lengths():
    lengths = realistic_lengths()
    bucket_of, shapes = make_buckets(lengths, lengths // 20 + 1, batch_size=32)
    order = epoch_order(bucket_of, batch_size=32, seed=0, epoch=0)
    padded = sum(32 * shapes[bucket_of[row].max()].points for row in order)
    assert 1 - lengths[order].sum() / padded < 0.085
    assert 8 <= len(shapes) <= 12
    # Short and long lines come in turn, not one after the other.
    steps = np.array([shapes[bucket_of[row].max()].points for row in order])
    assert abs(np.corrcoef(steps, np.arange(len(steps)))[0, 1]) < 0.2


def test_shapes_hold_their_lines_and_grow_in_both_directions():
    rng = np.random.default_rng(4)
    lengths, text_lengths = rng.integers(1, 900, 500), rng.integers(1, 70, 500)
    bucket_of, shapes = make_buckets(lengths, text_lengths, batch_size=16)
    for bucket, length, text_length in zip(bucket_of, lengths, text_lengths, strict=True):
        assert length <= shapes[bucket].points and text_length <= shapes[bucket].characters
    assert shapes == sorted(shapes) and all(a.characters <= b.characters for a, b in itertools.pairwise(shapes))
    assert all(shape.points % 16 == 0 and shape.characters % 8 == 0 for shape in shapes)
    assert np.bincount(bucket_of).min() >= 16


def test_buckets_are_the_best_division():
    rng = np.random.default_rng(5)
    for _ in range(30):
        lengths = 16 * rng.integers(1, 9, 40)
        bucket_of, shapes = make_buckets(lengths, lengths, batch_size=3)
        found = sum(shapes[bucket].points for bucket in bucket_of)
        rungs, tried = np.unique(lengths), []
        for inner in itertools.combinations(rungs[:-1], len(shapes) - 1):
            bounds = np.array([*inner, rungs[-1]])
            buckets = np.searchsorted(bounds, lengths)
            if np.bincount(buckets, minlength=len(bounds)).min() >= 3:
                tried.append(bounds[buckets].sum())
        assert found == min(tried)


def test_fewer_lines_than_a_batch():
    corpus = make_corpus([30, 60, 90])
    batches = TrainingBatches(corpus=corpus, split="training", batch_size=8, seed=0, **MODEL)
    assert batches.batches_per_epoch == 1
    assert_rows_are_lines(batches[0], corpus)
    seen = collections.Counter(texts(batches[0]))
    assert sorted(seen.values()) == [2, 3, 3]


def test_crops_have_one_shape_and_their_own_text():
    words = "one two three four five six seven eight"
    offsets = make_corpus([400]).xy.astype(float)
    offsets[9::10, 0] += 30  # pen-ups leave room
    bits = (np.arange(400) % 10 == 9).astype(float)
    ink = Ink(np.column_stack([offsets, bits]), words)
    corpus = Corpus.from_lines([Line(ink, f"id-{n}", split="training") for n in range(8)])
    batches = TrainingBatches(corpus=corpus, split="training", batch_size=8, seed=0, max_points=100, **MODEL)
    seen = set()
    for number in range(4):
        batch = batches[number]
        assert batch.offsets.shape == (8, 112, 3)
        assert batch.mask.sum(axis=1).max() <= 100
        assert all(text in words for text in texts(batch))
        seen |= set(texts(batch))
    assert len(seen) > 4


OPTIONS = {
    "whole lines": {},
    "crops": {"max_points": 50},
    "augmentation": {"augmentation": Augmentation(0.2, 10.0, 5.0)},
    "both": {"max_points": 50, "augmentation": Augmentation(0.2)},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_iterator_goes_on_where_it_stopped(corpus, options):
    def start():
        return training_batches(corpus, "training", batch_size=8, seed=7, **MODEL, **options)

    whole = start()
    expected = [next(whole) for _ in range(25)]
    for stop in (0, 1, 9, 10, 13):
        first = start()
        for _ in range(stop):
            next(first)
        state = json.loads(json.dumps(first.get_state()))
        assert state == {"next_index": stop}
        second = start()
        next(second)
        second.set_state(state)
        for number in range(stop, 25):
            assert_same(next(second), expected[number])


def test_iterator_is_the_sequence(corpus):
    options = {"batch_size": 8, "seed": 2, "max_points": 60, **MODEL}
    batches = TrainingBatches(corpus=corpus, split="training", **options)
    iterator = training_batches(corpus, "training", **options)
    for number in range(12):
        assert_same(next(iterator), batches[number])


def test_rows_are_random_each_on_its_own(corpus):
    line = Corpus.from_lines([corpus[0]])
    batches = TrainingBatches(
        corpus=line, split="training", batch_size=4, seed=0, augmentation=Augmentation(0.2), **MODEL
    )
    firsts = np.concatenate([batches[number].offsets[:, 0, 0] for number in range(5)])
    assert len(set(firsts.tolist())) == 20


def test_hosts_share_each_batch(corpus):
    options = {"corpus": corpus, "split": "training", "batch_size": 8, "seed": 1, "max_points": 90, **MODEL}
    whole = TrainingBatches(**options)
    hosts = [TrainingBatches(**options, process_index=host, process_count=4) for host in range(4)]
    for number in range(12):
        parts = [host[number] for host in hosts]
        assert all(len(part.offsets) == 2 for part in parts)
        assert_same(jax.tree.map(lambda *arrays: np.concatenate(arrays), *parts), whole[number])


def test_only_lines_of_the_split():
    corpus = Corpus.from_lines([*make_corpus([20] * 5), *make_corpus([30] * 5, split="validation")])
    batch = TrainingBatches(corpus=corpus, split="validation", batch_size=5, seed=0, **MODEL)[0]
    assert (batch.mask.sum(axis=1) == 30).all()


def test_evaluation_takes_each_line_once_and_fills_up(corpus):
    batches = list(evaluation_batches(corpus, "training", batch_size=8, **MODEL))
    assert len(batches) == 10
    lines = np.concatenate([indices for _, indices in batches])
    assert sorted(lines) == [-1] * 5 + list(range(75))
    assert (lines[-5:] == -1).all()
    assert (np.diff(corpus.lengths[lines[:-5]]) >= 0).all()
    for batch, indices in batches:
        real = indices >= 0
        rows = jax.tree.map(lambda array, real=real: array[real], batch)
        assert texts(rows) == [f"line {index}" for index in indices[real]]
        assert_rows_are_lines(rows, corpus)
        assert len(batch.offsets) == 8
        assert not any(array[~real].any() for array in jax.tree.leaves(batch))


def test_evaluation_of_less_than_a_batch():
    [(batch, indices)] = evaluation_batches(make_corpus([20, 10]), "training", batch_size=4, **MODEL)
    assert indices.tolist() == [1, 0, -1, -1]
    assert batch.mask.sum(axis=1).tolist() == [10, 20, 0, 0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "validation"}, "at least one line in the split 'validation', found none"),
        ({"split": "test"}, "found 'test'"),
        ({"alphabet": Alphabet("line 012345678")}, "Line 'id-9' cannot be used: .*'9' at position 6"),
        ({"batch_size": 0}, "found 0"),
        ({"batch_size": 9, "process_count": 2}, "positive multiple of the 2 process"),
        ({"process_index": 2, "process_count": 2}, "process index below 2, found 2"),
        ({"seed": -1}, "0 or more, found -1"),
        ({"max_points": 0}, "at least 1 point, found 0"),
    ],
)
def test_mistakes_are_named_before_the_first_batch(corpus, options, message):
    with pytest.raises(InputError, match=message):
        training_batches(**{"corpus": corpus, "split": "training", "batch_size": 8, "seed": 0, **MODEL, **options})


@pytest.mark.parametrize(
    "options", [{"split": "validation"}, {"batch_size": 0}, {"num_lines": 0}, {"alphabet": Alphabet("line 0")}]
)
def test_mistakes_in_evaluation_are_named_at_once(corpus, options):
    with pytest.raises(InputError):
        evaluation_batches(**{"corpus": corpus, "split": "training", "batch_size": 8, **MODEL, **options})


ENDED = dataclasses.replace(ASCII_ALPHABET, has_end=True)


def test_training_teaches_the_end_and_evaluation_leaves_its_point_out(corpus):
    """Behind every line a point that stands and lifts, behind every text one more code; both within the shape."""
    options = {"alphabet": ENDED, "normalisation": NORMALISATION}
    batches = TrainingBatches(corpus=corpus, split="training", batch_size=4, seed=0, **options)
    for number in range(20):
        batch = batches[number]
        last = batch.mask.sum(axis=1) - 1
        np.testing.assert_array_equal(batch.offsets[range(4), last], np.tile(np.float32(END_POINT), (4, 1)))
        said = [ASCII_ALPHABET.characters[c] for row in batch.codes for c in row[: row.argmax()]]
        lines = [int(line) for line in "".join(said).replace("line ", " ").split()]
        np.testing.assert_array_equal(last, corpus.lengths[lines])
        np.testing.assert_array_equal(batch.codes[range(4), batch.text_mask.sum(axis=1) - 1], len(ENDED) - 1)
    for (batch, lines), (without, _) in zip(
        evaluation_batches(corpus, "training", batch_size=4, **options),
        evaluation_batches(corpus, "training", batch_size=4, **MODEL),
        strict=True,
    ):
        np.testing.assert_array_equal(batch.offsets, without.offsets)
        np.testing.assert_array_equal(batch.mask, without.mask)
        real = lines >= 0
        np.testing.assert_array_equal(batch.text_mask.sum(axis=1)[real], without.text_mask.sum(axis=1)[real] + 1)


def test_a_line_cut_while_the_pen_is_down_has_no_end():
    corpus = make_corpus([40])
    cut = TrainingBatches(
        corpus=corpus, split="training", batch_size=1, seed=0, max_points=5, alphabet=ENDED, normalisation=NORMALISATION
    )[0]
    assert cut.mask.sum() == 5


def test_lines_with_rare_characters_come_more_often():
    """One letter in 400 lines is a Q: its lines thrice a pass, all others once; an epoch takes each of these."""
    lines = [Line(Ink([[1, 1, 1]], "e" if n % 200 else "Q"), f"{n}", split="training") for n in range(400)]
    corpus = Corpus.from_lines(lines)
    taken = oversampled(corpus, "training", 3)
    assert collections.Counter(taken) == {n: 1 if n % 200 else 3 for n in range(400)}
    np.testing.assert_array_equal(oversampled(corpus, "training", 1), np.arange(400))
    batches = TrainingBatches(corpus=corpus, split="training", batch_size=4, seed=0, oversample=3, **MODEL)
    assert batches.batches_per_epoch == 101
    codes = np.concatenate([batches[number].codes[:, 0] for number in range(101)])
    assert (codes == ASCII_ALPHABET.encode("Q")[0]).sum() == 6


def test_batches_number_the_writers_they_are_told(corpus):
    writers = ["b", "a", ""]
    lines = [dataclasses.replace(corpus[n], writer=writers[n % 3]) for n in range(len(corpus))]
    named = Corpus.from_lines(lines)
    batches = TrainingBatches(corpus=named, split="training", batch_size=5, seed=0, writers=["a", "b"], **MODEL)
    for number in range(15):
        lines_of_batch = [int(text.split()[1]) for text in texts(batches[number])]
        np.testing.assert_array_equal(batches[number].writers, [[1, 0, -1][line % 3] for line in lines_of_batch])
    assert TrainingBatches(corpus=named, split="training", batch_size=5, seed=0, **MODEL)[0].writers is None


def test_other_points_are_left_out_each_time_a_line_comes(corpus):
    halfway = np.random.default_rng(0).normal(size=corpus.xy.shape).astype(np.float32)
    known = dataclasses.replace(corpus, halfway=halfway)
    options = {"split": "training", "batch_size": 75, "seed": 0, **MODEL}
    plain = TrainingBatches(corpus=known, **options)
    batches = TrainingBatches(corpus=known, rethin=0.1, **options)
    first, again, second = batches[0], batches[0], batches[1]
    assert_same(first, again)
    np.testing.assert_array_equal(first.mask, plain[0].mask)
    by_text = dict(zip(texts(second), second.offsets, strict=True))
    assert all((by_text[text] != row).any() for text, row in zip(texts(first), first.offsets, strict=True))
    with pytest.raises(InputError, match="left out"):
        TrainingBatches(corpus=corpus, rethin=0.1, **options)


def test_the_order_of_an_epoch_is_worked_out_once(corpus, monkeypatch):
    calls = []
    original = batches_module.epoch_order

    def counted(*arguments, **options):
        calls.append(options["epoch"])
        return original(*arguments, **options)

    monkeypatch.setattr(batches_module, "epoch_order", counted)
    batches = TrainingBatches(corpus=corpus, split="training", batch_size=4, seed=0, **MODEL)
    for number in range(3 * batches.batches_per_epoch):
        batches[number]
    assert calls == [0, 1, 2]


@pytest.mark.parametrize("longest", [257, 1_025, 3_000])
def test_evaluation_takes_the_longest_lines_whole(longest):
    lengths = [20, longest, 255]
    corpus = make_corpus(lengths)
    batches = evaluation_batches(corpus, "training", batch_size=2, **MODEL)
    points = {int(row): int(mask.sum()) for batch, rows in batches for row, mask in zip(rows, batch.mask, strict=True)}
    points.pop(-1)
    assert points == dict(enumerate(lengths))


def test_a_part_of_the_lines_is_spread_evenly_over_the_split():
    """First and last are in it, and as many between as were asked for; more than there are is all of them."""
    corpus = make_corpus([20] * 21)

    def taken(num_lines):
        batches = evaluation_batches(corpus, "training", batch_size=4, num_lines=num_lines, **MODEL)
        return sorted(int(row) for _, rows in batches for row in rows if row >= 0)

    assert taken(5) == [0, 5, 10, 15, 20]
    assert taken(2) == [0, 20]
    assert taken(21) == taken(99) == taken(None) == list(range(21))
