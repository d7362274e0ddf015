"""Measures how well a hand is learned from few lines, on people whom the network never saw.

    python experiments/evaluate_hands.py --data=iam_writer.npz                            any, primed and fitted
    python experiments/evaluate_hands.py --data=iam_writer.npz --finetune --lines=10 --writers=5
    python experiments/evaluate_hands.py --data=iam.npz --weights=graves2013 --finetune   weights without style vectors

Of each writer of the split some lines are kept for the test, the same ones throughout. For each number of --lines that
the hand is learned from it prints

- nats per point on the test lines: of the weights as they are ("any"), led along the lines first ("primed"), with a
  style vector fitted to them ("fitted"), trained on with them ("fine-tuned");
- the share of lines, written over again from the texts of the test lines, that a classifier takes for this writer's.
  The classifier has learned from the other lines of all writers (graves_jax/evaluation/writers.py), knows nothing of
  the network, and is told of with its rate on the real test lines and by chance;
- how far slant, width and strokes per letter of these lines are from the writer's own;
- with --legibility how much of these lines an off-the-shelf recogniser misreads, beside the real ones (needs the extra
  'legibility'); and how long a fit and a fine-tuning took.

A report goes to standard output, and on its last line the same as JSON.
"""

import collections
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import command_line
import numpy as np
import tqdm
from absl import flags

from graves_jax.commands import weights_flags
from graves_jax.data.corpus import Corpus
from graves_jax.data.ink import Ink
from graves_jax.data.joining import join
from graves_jax.errors import InputError
from graves_jax.evaluation.following import follow
from graves_jax.evaluation.hands import Hand, measure_hand
from graves_jax.evaluation.legibility import error_rates
from graves_jax.evaluation.readers import Reader
from graves_jax.evaluation.writers import WriterClassifier
from graves_jax.model.weights import Weights, check_reads_text
from graves_jax.sampling.hands import line_to_read
from graves_jax.sampling.stand_in import stand_in
from graves_jax.sampling.styles import number_to_read
from graves_jax.sampling.write import write_lines
from graves_jax.training.finetuning import FineTuning, finetune, hold_out
from graves_jax.training.style_fitting import fit_vector, folded

DATA = flags.DEFINE_string("data", None, "Corpus made by prepare_data.py, under the weights' protocol.", required=True)
SPLIT = flags.DEFINE_string(
    "split", "testset_v", "Split of the corpus, or subset; lines without a writer do not count."
)
LINES = flags.DEFINE_list("lines", ["1", "5", "10", "20"], "Numbers of lines that a hand is learned from.")
WRITERS = flags.DEFINE_integer(
    "writers", None, "Measure only so many writers; the classifier knows all.", lower_bound=1
)
TEST_LINES = flags.DEFINE_integer("test_lines", 12, "Of each writer, kept for the test.", 2, 1_000)
FINETUNE = flags.DEFINE_bool("finetune", False, "Fine-tune too, which takes minutes a writer and number of lines.")
NUM_STEPS = flags.DEFINE_integer("num_steps", 150, "Of fine-tuning, at most.", lower_bound=1)
LEGIBILITY = flags.DEFINE_bool("legibility", False, "Have the written lines read, and the real ones.")
BIAS = flags.DEFINE_float("bias", 0.5, "The lines are written at.", lower_bound=0)
SEED = flags.DEFINE_integer("seed", 0, "Of the choice of lines, and of the writing.", 0, 2**32 - 1)

flags.adopt_module_key_flags(weights_flags)


class Person(NamedTuple):
    """A writer's lines in a random order, apart: for the test, and to learn from."""

    name: str
    test: list[Ink]
    rest: list[Ink]


class Measured(NamedTuple):
    """One way to know a hand.

    Attributes:
      nats: per point of the test lines.
      taken_for: share of written lines that the classifier takes for this writer's.
      slant, letter_width, strokes_per_letter: distance of the written lines' mean from the real ones'.
      misread: character error rate of a recogniser on the written lines; None where none reads them.
      seconds: that it took to learn the hand.
    """

    nats: float
    taken_for: float
    slant: float
    letter_width: float
    strokes_per_letter: float
    misread: float | None
    seconds: float


class Way(NamedTuple):
    """Weights that write a hand: by themselves, or after a line of it."""

    weights: Weights
    style: Ink | None = None
    seconds: float = 0.0


def main() -> None:
    started = time.perf_counter()
    numbers = list(dict.fromkeys(command_line.counts("lines", LINES.value)))
    command_line.use_compilation_cache()
    weights = load_weights()
    people = choose_people(Corpus.load(DATA.value), weights, most=max(numbers))
    classifier = WriterClassifier.fit(
        [ink for person in people for ink in person.rest], [person.name for person in people for _ in person.rest]
    )
    chosen = people[: WRITERS.value]
    real = float(np.mean([classifier.rate(person.test, person.name) for person in chosen]))
    reader = choose_reader() if LEGIBILITY.value else None
    measured = collections.defaultdict(list)
    with tqdm.tqdm(total=len(chosen) * len(numbers), unit="hand", dynamic_ncols=True) as bar:
        for person in chosen:
            for number in numbers:
                for name, way in ways(weights, person.rest[:number]):
                    measured[number, name].append(measure(way, person, classifier, reader))
                bar.update()
    misread = None
    if reader is not None:
        misread = float(np.mean([error_rates(person.test, reader)[0].rate for person in chosen]))
    report(measured, real=real, misread=misread, people=len(people), seconds=time.perf_counter() - started)


def choose_reader() -> Reader:
    """The recogniser of evaluate.py --legibility."""
    from graves_jax.evaluation.readers import PPOCR

    return PPOCR()


def load_weights() -> Weights:
    """The weights of --checkpoint or --weights, or the default ones; computed in float32 by the fast scan."""
    weights = weights_flags.load_weights()
    check_reads_text(weights)
    if not (weights.network.style_size or FINETUNE.value):
        print("These weights have no style vectors: only 'any' and 'primed' are measured; --finetune adds another way.")
    return weights.computed_with()


def choose_people(corpus: Corpus, weights: Weights, *, most: int) -> list[Person]:
    """The writers of the split who have lines enough, each with lines that the weights can read.

    Raises:
      InputError: there are not two of them.
    """
    lines_of = collections.defaultdict(list)
    for line in corpus.indices(SPLIT.value):
        if corpus.writers[line] and not weights.alphabet.unknown(corpus.texts[line]):
            lines_of[corpus.writers[line]].append(line)
    rng = np.random.default_rng(SEED.value)
    people = []
    for name in sorted(lines_of):
        inks = [corpus[line].ink for line in rng.permutation(lines_of[name])]
        if len(inks) >= TEST_LINES.value + most:
            people.append(Person(name, inks[: TEST_LINES.value], inks[TEST_LINES.value :]))
    if len(people) < 2:
        raise InputError(
            f"Expected writers of {TEST_LINES.value + most} lines or more in {SPLIT.value!r}, found {len(people)}."
        )
    return people


def ways(weights: Weights, own: list[Ink]) -> Iterator[tuple[str, Way]]:
    """Each way to know a hand from these lines, by name; the weights of each have no style vectors any more."""
    anyone = folded(weights)
    yield "any", Way(anyone)
    yield "primed", Way(anyone, style_of(own))
    start = anyone
    if weights.network.style_size:
        started = time.perf_counter()
        start = folded(weights, fit_vector(weights, own, progress=False))
        yield "fitted", Way(start, seconds=time.perf_counter() - started)
    if FINETUNE.value:
        started = time.perf_counter()
        parts = hold_out(own)
        if weights.network.style_size:
            start = folded(weights, fit_vector(weights, parts.own, progress=False))
        kept = stand_in(start, parts.own, seed=SEED.value)
        how = FineTuning(num_steps=NUM_STEPS.value, seed=SEED.value)
        tuned = finetune(start, parts.own, held_out=parts.held_out, stand_in=kept, how=how, progress=False)
        # As a .hand file of such weights has it: a line is read before each text.
        yield "fine-tuned", Way(tuned.weights, line_to_read(parts.own), time.perf_counter() - started)


def style_of(own: list[Ink]) -> Ink:
    """As many of the lines, side by side, as are read before a text is written on."""
    return join(own[: number_to_read([len(ink) for ink in own])])


def measure(way: Way, person: Person, classifier: WriterClassifier, reader: Reader | None) -> Measured:
    """How probable the test lines are, and whose hand their texts are written in."""
    texts = [ink.transcript for ink in person.test]
    written = [line.ink for line in write_lines(way.weights, texts, seed=SEED.value, bias=BIAS.value, style=way.style)]
    distances = np.abs(np.subtract(mean_hand(written), mean_hand(person.test)))
    return Measured(
        nats_per_point(way, person.test),
        classifier.rate(written, person.name),
        *map(float, distances),
        misread=None if reader is None else error_rates(written, reader)[0].rate,
        seconds=way.seconds,
    )


def mean_hand(inks: Sequence[Ink]) -> Hand:
    return Hand(*np.mean([measure_hand(ink) for ink in inks], axis=0))


def nats_per_point(way: Way, inks: Sequence[Ink]) -> float:
    """Of the lines, behind the style where there is one. A line's first movement is not counted."""
    joined = [ink if way.style is None else join([way.style, ink]) for ink in inks]
    nats = [followed.nats[len(followed.nats) - len(inks[n]) + 1 :] for n, followed in follow(way.weights, joined)]
    return float(np.concatenate(nats).mean())


def report(
    measured: dict[tuple[int, str], list[Measured]],
    *,
    real: float,
    misread: float | None,
    people: int,
    seconds: float,
) -> None:
    """Tables for people, and the same as JSON."""
    numbers = list(dict.fromkeys(number for number, _ in measured))
    names = list(dict.fromkeys(name for _, name in measured))
    writers = len(next(iter(measured.values())))
    print(f"{SPLIT.value}: {writers} writer(s), {TEST_LINES.value} test lines each.")
    print(f"The classifier knows {people} writers: {real:.1%} of their real test lines, {1 / people:.1%} by chance.")
    if misread is not None:
        print(f"The recogniser misreads {misread:.1%} of the real test lines.")
    means = {
        key: {
            field: None if None in values else float(np.mean(values))
            for field, values in zip(Measured._fields, zip(*rows, strict=True), strict=True)
        }
        for key, rows in measured.items()
    }
    for field, title, form in (
        ("nats", "nats per point on other lines", ".3f"),
        ("taken_for", "written lines taken for this writer's", ".0%"),
        ("slant", "slant, degrees off", ".1f"),
        ("letter_width", "width of a character, heights off", ".3f"),
        ("strokes_per_letter", "strokes per letter off", ".3f"),
        ("misread", "misread by a recogniser", ".1%"),
        ("seconds", "seconds to learn it", ".0f"),
    ):
        if field == "misread" and misread is None:
            continue
        print(f"\n| {title}: lines | {' | '.join(names)} |\n{'|---' * (len(names) + 1)}|")
        for number in numbers:
            cells = (format(means[number, name][field], form) for name in names)
            print(f"| {number} | {' | '.join(cells)} |")
    report: dict[str, Any] = {
        "split": SPLIT.value,
        "writers": writers,
        "real_rate": round(float(real), 4),
        "chance": round(1 / people, 4),
        "real_misread": None if misread is None else round(float(misread), 4),
        "lines": {
            str(number): {
                name: {
                    field: None if value is None else round(value, 4) for field, value in means[number, name].items()
                }
                for name in names
            }
            for number in numbers
        },
        "seconds": round(seconds, 1),
    }
    command_line.print_json(report)


if __name__ == "__main__":
    command_line.use_huge_pages()
    command_line.run(main)
