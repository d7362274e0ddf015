"""Measures a network on real lines it did not learn from: how probable it finds them, or how well its own are read.

    python experiments/evaluate.py --data=iam_writer.npz                                 log-loss of the default weights
    python experiments/evaluate.py --data=iam.npz --weights=best_synthesis               of the paper's network
    python experiments/evaluate.py --checkpoint=run --data=iam.npz --split=validation    of a training run's best
    python experiments/evaluate.py --weights=hershey --data=mine.npz --legibility --biases=0,0.5,1 --texts=150
    python experiments/evaluate.py --data=iam_writer.npz --legibility --biases=0.75 --best_of=4
    python experiments/evaluate.py --data=iam_writer.npz --failures --texts=1000         how many lines go wrong
    python experiments/evaluate.py --data=iam_writer.npz --hands                         how much hands differ

The log-loss is over all lines of the split, none cropped, computed in float32. Lines are normalised as the network's
training lines were, whatever the corpus' own statistics. SSE is the squared distance from the mixture's mean to the
true offset, in normalised units, averaged over points (Graves leaves the estimator open). raw_nats_per_line adds
T log(std_dx std_dy), which undoes the division by the standard deviations; dequantised_nats_per_line is the log-loss of
the same lines with uniform noise of half a raw unit on every offset.

--legibility writes texts of the split instead, at each bias, and has an off-the-shelf recogniser read them, with the
real ink of the same texts beside. It needs the extra 'legibility'. Never select weights or tune anything by it.
--failures writes texts of the split and as many made-up ones, and counts the lines in which a fault is noticed. --hands
measures slant, width and pen lifts of real lines, one of each writer, and of written ones. Weights with style vectors
write each line in a hand of its own, drawn from N(0, 1) as a seed of sample.py draws it; --style=any in none.

A report goes to standard output, and on its last line the same as JSON.
"""

import functools
import time
from collections.abc import Callable, Iterator
from typing import Any

import command_line
import numpy as np
from absl import flags

from graves_jax.bars import Bar
from graves_jax.commands import weights_flags
from graves_jax.data.batches import Batch
from graves_jax.data.corpus import Corpus
from graves_jax.errors import InputError
from graves_jax.evaluation import report
from graves_jax.evaluation.log_loss import dequantise, is_on_grid, split_batches
from graves_jax.model.likelihood import LogLoss, log_loss
from graves_jax.model.weights import Weights
from graves_jax.sampling.hands import is_hand
from graves_jax.sampling.styles import load_style
from graves_jax.sampling.write import DEFAULT_BIAS
from graves_jax.training.style_fitting import folded

DATA = flags.DEFINE_string("data", None, "Corpus made by prepare_data.py.", required=True)
SPLIT = flags.DEFINE_string("split", "validation", "Split of the corpus, or subset, such as testset_v.")
BATCH_SIZE = flags.DEFINE_integer("batch_size", 32, "Lines at a time; only speed and memory change.", lower_bound=1)
SEED = flags.DEFINE_integer("seed", 0, "Of the dequantisation noise; with --legibility of the writing.", lower_bound=0)
LEGIBILITY = flags.DEFINE_bool("legibility", False, "Have written lines read, instead of the log-loss.")
FAILURES = flags.DEFINE_bool("failures", False, "Count the lines that go wrong, instead of the log-loss.")
HANDS = flags.DEFINE_bool("hands", False, "Measure how hands differ, instead of the log-loss.")
BIASES = flags.DEFINE_list("biases", None, "To write at, Graves section 5.4; none: six of them, or the default one.")
STYLE = flags.DEFINE_string(
    "style", None, "Hand to write in, as sample.py takes it; none: another for each line, as seeds draw them."
)
TEXTS = flags.DEFINE_integer("texts", None, "How many lines to write; none: 150, 1,000 or 48.", lower_bound=1)
BEST_OF = flags.DEFINE_integer(
    "best_of", 1, "With --legibility: drawings that each line is chosen from.", lower_bound=1
)

flags.adopt_module_key_flags(weights_flags)


def main() -> None:
    started = time.perf_counter()
    measure = choose_measure()
    command_line.use_compilation_cache()
    # In float32 by the fast scan, however it was in training.
    weights = weights_flags.load_weights(STYLE.value).computed_with()
    report = measure(weights, Corpus.load(DATA.value))
    report |= {"split": SPLIT.value, "seed": SEED.value, "seconds": round(time.perf_counter() - started, 1)}
    command_line.print_json(finite(report))


def choose_measure() -> Callable[[Weights, Corpus], dict[str, Any]]:
    """What the flags ask for, with its options.

    Raises:
      InputError: they ask for two things at once, or a bias is no number.
    """
    asked = [flag.name for flag in (LEGIBILITY, FAILURES, HANDS) if flag.value]
    if len(asked) > 1:
        raise InputError(f"Expected one of --legibility, --failures and --hands, found {' and '.join(asked)}.")
    if not asked:
        given = [flag.name for flag in (BIASES, TEXTS, BEST_OF) if flag.present]
        if given:
            raise InputError(f"Expected --{given[0]} to come with --legibility, --failures or --hands, found it alone.")
        return measure_likelihood
    measure, biases, num_lines = MEASURES[asked[0]]
    options = {
        "biases": biases if BIASES.value is None else parse_biases(BIASES.value),
        "num_lines": TEXTS.value or num_lines,
        "split": SPLIT.value,
        "seed": SEED.value,
        "style": STYLE.value,
    }
    if LEGIBILITY.value:
        options["best_of"] = BEST_OF.value
    return functools.partial(measure, **options)


def parse_biases(values: list[str]) -> list[float]:
    """The biases as numbers, each once.

    Raises:
      InputError: one is no number, or there is none.
    """
    if not values:
        raise InputError("Expected --biases to be numbers apart by commas, found none.")
    return list(dict.fromkeys(command_line.numbers("biases", values)))


def measure_likelihood(weights: Weights, corpus: Corpus) -> dict[str, Any]:
    """Log-loss and squared error over the split in the hand of --style, printed and as JSON values.

    Raises:
      InputError: the hand is ink, which no line begins with here.
    """
    if STYLE.value is not None:
        weights = in_hand(weights, STYLE.value)
    loss, lines = split_loss(weights, corpus, "as recorded")
    noisy, _ = split_loss(weights, dequantise(corpus, np.random.default_rng(SEED.value)), "dequantised")
    std_dx, std_dy = weights.normalisation.std
    report = {
        "nats_per_line": loss.nats_per_line,
        "nats_per_line_standard_error": loss.nats_per_line_standard_error,
        "nats_per_point": loss.nats_per_point,
        "sse": loss.sse,
        "raw_nats_per_line": loss.raw_nats_per_line(weights.normalisation),
        "dequantised_nats_per_line": noisy.nats_per_line,
        "std_dx": std_dx,
        "std_dy": std_dy,
        "lines": len(loss.nats),
        "mean_points": float(loss.points.mean()),
        "sigma_floor": weights.network.sigma_floor,
        "lines_not_finite": int((~np.isfinite(loss.nats)).sum()),
    }
    print_likelihood(report)
    for note in likelihood_notes(weights, corpus, loss, lines):
        print(f"Note: {note}")
    return report


def in_hand(weights: Weights, name: str) -> Weights:
    """The weights with a hand's vector in their biases; a hand with weights of its own is these."""
    style = load_style(name, weights)
    if isinstance(style, np.ndarray):
        return folded(weights, style)
    if style is not None and not is_hand(name):
        raise InputError(f"Expected a hand that is a style vector, found ink: {name!r:.200}; log-loss reads none.")
    return weights


def split_loss(weights: Weights, corpus: Corpus, name: str) -> tuple[LogLoss, list[str]]:
    """The loss of every line of the split, and the lines' ids in the same order."""
    batches = split_batches(weights, corpus, SPLIT.value, batch_size=BATCH_SIZE.value)
    line_ids: list[str] = []

    def rows_noted() -> Iterator[Batch]:
        with Bar(total=len(corpus.indices(SPLIT.value)), desc=name, unit="line") as bar:
            for batch, rows in batches:
                yield batch
                line_ids.extend(corpus.line_ids[row] for row in rows if row >= 0)
                bar.update((rows >= 0).sum())

    return log_loss(weights.params, weights.network, rows_noted()), line_ids


def print_likelihood(report: dict[str, Any]) -> None:
    """The report for people."""
    error = report["nats_per_line_standard_error"]
    print(f"{DATA.value}, {SPLIT.value}: {report['lines']:,} lines of {report['mean_points']:.1f} points on average")
    print(f"  log-loss           {report['nats_per_line']:10.1f} ± {error:.1f} nats per line")
    print(f"                     {report['nats_per_point']:10.4f} nats per point")
    print(f"  in raw units       {report['raw_nats_per_line']:10.1f} nats per line")
    print(f"  dequantised        {report['dequantised_nats_per_line']:10.1f} nats per line")
    print(f"  SSE                {report['sse']:10.4f} per point")
    print(f"  normalised by std  {report['std_dx']:10.2f}, {report['std_dy']:.2f} raw units in x, y")
    print(f"  floor on sigma     {report['sigma_floor']:10.4g}")


def likelihood_notes(weights: Weights, corpus: Corpus, loss: LogLoss, line_ids: list[str]) -> Iterator[str]:
    """What one has to know beside the figures."""
    if "training" in corpus.splits:
        own, used = (np.array([n.mean, n.std]) for n in (corpus.normalisation, weights.normalisation))
        if not np.allclose(own, used, rtol=1e-6, atol=1e-6):
            (mean_dx, mean_dy), (std_dx, std_dy) = own
            yield (
                f"the corpus' own training lines have mean ({mean_dx:.2f}, {mean_dy:.2f}) and std ({std_dx:.2f}, "
                f"{std_dy:.2f}), other than those the weights learned from; compare raw figures only."
            )
    if not is_on_grid(corpus):
        yield "the ink is not on a grid of whole units, so the dequantised figure is only that of noisy ink."
    infinite = [line_id for line_id, nats in zip(line_ids, loss.nats, strict=True) if not np.isfinite(nats)]
    if infinite:
        yield f"{len(infinite)} line(s) have no finite log-loss, among them {', '.join(infinite[:5])}."


# For each flag what it calls, the biases to write at, and how many lines.
MEASURES = {
    "legibility": (report.measure_legibility, [0, 0.25, 0.5, 0.75, 1, 1.5], 150),
    "failures": (report.measure_failures, [DEFAULT_BIAS], 1_000),
    "hands": (report.measure_hands, [DEFAULT_BIAS], 48),
}


def finite(value: Any) -> Any:
    """None in place of what JSON cannot say, infinity and NaN; the report for people has it."""
    if isinstance(value, dict):
        return {name: finite(part) for name, part in value.items()}
    return None if isinstance(value, float) and not np.isfinite(value) else value


if __name__ == "__main__":
    command_line.run(main)
