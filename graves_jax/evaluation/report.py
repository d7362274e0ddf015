"""The parts of evaluate.py that have a network write: how its lines are read, how often they fail, how hands differ.

Each prints a report for people and gives the same as JSON values.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import jax
import numpy as np

from graves_jax.bars import Bar
from graves_jax.data.corpus import Corpus
from graves_jax.data.hershey.sentences import make_sentence
from graves_jax.data.ink import Ink
from graves_jax.errors import InputError
from graves_jax.evaluation.failures import count_failures, count_refusals
from graves_jax.evaluation.hands import Hand, Spread, choose_hands, measure_hand, spread
from graves_jax.evaluation.legibility import choose_lines, error_rates, legibility
from graves_jax.model.weights import Weights
from graves_jax.sampling.styles import draw_hands, load_style
from graves_jax.sampling.write import write_lines

# Made-up sentences are about as long as real lines.
SENTENCE_CHARACTERS = 8, 40
# What all keys write when hands are compared.
TEXT_OF_HANDS = "a line that shows my hand"
NAMES_OF_MEASURES = {
    "slant": "slant, degrees",
    "letter_width": "width of a character, heights of the line",
    "strokes_per_letter": "strokes per letter",
}


def measure_legibility(
    weights: Weights,
    corpus: Corpus,
    *,
    split: str,
    biases: Sequence[float],
    num_lines: int,
    seed: int,
    style: str | None,
    best_of: int,
) -> dict[str, Any]:
    """Error rates of a recogniser on written lines and on real ones."""
    from graves_jax.evaluation.readers import PPOCR

    reader = PPOCR()
    lines, left_out = choose_lines(corpus, split, weights, num_lines)
    texts = [corpus.texts[line] for line in lines]
    hands = choose_styles(style, weights, len(texts), seed)
    with Bar(total=len(lines) * (len(biases) + 1), unit="line") as bar:
        real, real_by_kind = error_rates([corpus[line].ink for line in lines], reader)
        bar.update(len(lines))
        rows = []
        for bias in biases:
            rows.append(legibility(weights, texts, reader, bias=bias, seed=seed, best_of=best_of, style=hands))
            bar.update(len(lines))
    print(f"{split}: {len(lines)} texts; {left_out} lines left out for characters not known")
    print(f"Character error rate of {reader.name}, real ink: {real.rate:.1%} ± {real.standard_error:.1%}\n")
    print_table(
        ("bias", "written", "real ink", "ratio", "failed", "after redrawing"),
        [
            (
                f"{row.bias:g}",
                f"{row.written.rate:.1%} ± {row.written.standard_error:.1%}",
                f"{real.rate:.1%}",
                f"{ratio(row.written.rate, real.rate):.2f}",
                f"{row.failed_at_first:.1%}",
                f"{row.failed:.1%}",
            )
            for row in rows
        ],
    )
    print("\nShare of characters of each kind that are misread:\n")
    print_table(
        ("", *real_by_kind),
        [("real ink", *(f"{rate.rate:.1%}" for rate in real_by_kind.values()))]
        + [(f"bias {row.bias:g}", *(f"{rate.rate:.1%}" for rate in row.by_kind.values())) for row in rows],
    )
    return {
        "reader": reader.name,
        "reader_sha256": reader.sha256,
        "texts": len(lines),
        "best_of": best_of,
        "left_out": left_out,
        "real_error_rate": real.rate,
        "real_error_rate_standard_error": real.standard_error,
        "real_by_kind": {kind: rate.rate for kind, rate in real_by_kind.items()},
        "biases": {
            f"{row.bias:g}": {
                "error_rate": row.written.rate,
                "error_rate_standard_error": row.written.standard_error,
                "real_error_rate": real.rate,
                "ratio": ratio(row.written.rate, real.rate),
                "by_kind": {kind: rate.rate for kind, rate in row.by_kind.items()},
                "failed_at_first": row.failed_at_first,
                "failed": row.failed,
            }
            for row in rows
        },
    }


def measure_failures(
    weights: Weights,
    corpus: Corpus,
    *,
    split: str,
    biases: Sequence[float],
    num_lines: int,
    seed: int,
    style: str | None,
) -> dict[str, Any]:
    """Shares of lines in which a fault is noticed, before and after they are drawn again, and of real lines."""
    lines, _ = choose_lines(corpus, split, weights, -(-num_lines // 2))
    texts = [corpus.texts[line] for line in lines]
    texts += made_up_texts(weights, num_lines - len(texts), seed=seed)
    hands = choose_styles(style, weights, len(texts), seed)
    rows = {}
    for bias in Bar(biases, unit="bias"):
        rows[f"{bias:g}"] = count_failures(weights, texts, bias=bias, seed=seed, style=hands)
    print(f"{split}: {len(lines)} of its texts and {len(texts) - len(lines)} made-up ones\n")
    print_table(
        ("bias", "failed", "after redrawing", "of them at first"),
        [(bias, f"{row.at_first:.2%}", f"{row.in_the_end:.2%}", name_counts(row.faults)) for bias, row in rows.items()],
    )
    report = {"texts": len(texts), "biases": {bias: row._asdict() for bias, row in rows.items()}}
    if is_of_one_kind(weights, corpus):
        refused = count_refusals(weights, [corpus[line].ink for line in lines])
        print(f"\nOf {len(lines)} real lines {sum(refused.values())} would be refused: {name_counts(refused)}.")
        report |= {"real_lines": len(lines), "real_lines_refused": refused}
    else:
        print("\nThe corpus' ink is not of the kind that the weights learned from, so none of it was led along.")
    return report


def measure_hands(
    weights: Weights,
    corpus: Corpus,
    *,
    split: str,
    biases: Sequence[float],
    num_lines: int,
    seed: int,
    style: str | None,
) -> dict[str, Any]:
    """Spread of slant, width and strokes: real hands, their texts as the network writes them, one text in many keys."""
    lines = [line for line in choose_hands(corpus, split) if not weights.alphabet.unknown(corpus.texts[line])]
    if not lines:
        raise InputError(f"Expected texts in the split {split!r} that the weights can write, found none.")
    columns = {"real, one line of each hand": spread(measure_hand(corpus[line].ink) for line in lines)}
    texts = [corpus.texts[line] for line in lines]
    for bias in Bar(biases, unit="bias"):
        columns[f"written at bias {bias:g}, the same texts"] = spread(write_hands(weights, texts, bias, seed, style))
        columns[f"at bias {bias:g}, one text"] = spread(
            write_hands(weights, [TEXT_OF_HANDS] * num_lines, bias, seed, style)
        )
    print(f"{split}: {len(lines)} hands; {num_lines} keys of {TEXT_OF_HANDS!r}. Mean, and 5 % to 95 % of the lines.\n")
    print_table(
        ("", *columns),
        [
            (name, *(name_spread(column[measure]) for column in columns.values()))
            for measure, name in NAMES_OF_MEASURES.items()
        ],
    )
    return {
        "hands": len(lines),
        "keys": num_lines,
        "spread": {
            name: {measure: row._asdict() for measure, row in column.items()} for name, column in columns.items()
        },
    }


def made_up_texts(weights: Weights, count: int, *, seed: int) -> list[str]:
    """Sentences of characters that the weights know."""
    rng = np.random.default_rng(seed)
    least, most = SENTENCE_CHARACTERS
    texts: list[str] = []
    while len(texts) < count:
        text = make_sentence(rng, min_characters=least, max_characters=most)
        if not weights.alphabet.unknown(text):
            texts.append(text)
    return texts


def choose_styles(style: str | None, weights: Weights, num_lines: int, seed: int) -> Ink | np.ndarray | None:
    """The hand of every line, as `write_lines` takes it: where none is named one for each, drawn as a seed draws it."""
    return draw_hands(range(seed, seed + num_lines), weights) if style is None else load_style(style, weights)


def write_hands(weights: Weights, texts: Sequence[str], bias: float, seed: int, style: str | None = None) -> list[Hand]:
    """Each text with a key of its own."""
    key = jax.random.key(seed)
    keys = [jax.random.fold_in(key, row) for row in range(len(texts))]
    written = write_lines(weights, texts, keys=keys, bias=bias, style=choose_styles(style, weights, len(texts), seed))
    return [measure_hand(line.ink) for line in written]


def is_of_one_kind(weights: Weights, corpus: Corpus) -> bool:
    """Whether the corpus went through the protocol of the weights' training data."""
    learned = weights.provenance.get("data")
    return isinstance(learned, dict) and learned.get("protocol") == corpus.provenance.get("protocol", "")


def print_table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """A table in Markdown, ready for a README."""
    print(f"| {' | '.join(header)} |")
    print("|---" * len(tuple(header)) + "|")
    for row in rows:
        print(f"| {' | '.join(row)} |")


def name_counts(counts: dict[str, int]) -> str:
    """What was counted, the most frequent first."""
    in_order = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join(f"{count} {name}" for name, count in in_order) or "none"


def name_spread(row: Spread) -> str:
    """Mean, and range in brackets."""
    return f"{row.mean:.2f} ({row.low:.2f} to {row.high:.2f})"


def ratio(written: float, real: float) -> float:
    """Written over real; infinite where real ink is read without a mistake and written ink is not."""
    if not real:
        return math.inf if written else math.nan
    return written / real
