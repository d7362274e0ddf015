"""Measures a network on real lines it did not learn from: how probable it finds them, or how well its own are read.

    python experiments/evaluate.py --data=iam.npz                                        log-loss of the default weights
    python experiments/evaluate.py --checkpoint=run --data=iam.npz --split=validation    of a training run's best
    python experiments/evaluate.py --weights=hershey --data=mine.npz --legibility --biases=0,0.5,1 --texts=150

The log-loss is over all lines of the split, none cropped, computed in float32. Lines are normalised as the network's
training lines were, whatever the corpus' own statistics. SSE is the squared distance from the mixture's mean to the
true offset, in normalised units, averaged over points (Graves leaves the estimator open). raw_nats_per_line adds
T log(std_dx std_dy), which undoes the division by the standard deviations; dequantised_nats_per_line is the log-loss of
the same lines with uniform noise of half a raw unit on every offset.

--legibility writes texts of the split instead, at each bias, and has an off-the-shelf recogniser read them, with the
real ink of the same texts beside. It needs the extra 'legibility'. Never select weights or tune anything by it.

A report goes to standard output, and on its last line the same as JSON.
"""

import dataclasses
import math
import time
from collections.abc import Iterable, Iterator
from typing import Any

import command_line
import numpy as np
import tqdm
from absl import flags

import graves_jax
from graves_jax.data.alphabet import Alphabet
from graves_jax.data.batches import Batch, evaluation_batches
from graves_jax.data.corpus import Corpus
from graves_jax.errors import InputError
from graves_jax.evaluation.likelihood import LogLoss, dequantise, is_on_grid, log_loss
from graves_jax.model.weights import Weights
from graves_jax.pretrained import DEFAULT

DATA = flags.DEFINE_string("data", None, "Corpus made by prepare_data.py.", required=True)
SPLIT = flags.DEFINE_string("split", "validation", "Split of the corpus, or subset, such as testset_v.")
CHECKPOINT = flags.DEFINE_string("checkpoint", None, "Workdir of a training run, or one checkpoint in it.")
WEIGHTS = flags.DEFINE_string("weights", None, "Name of weights that ship with the package.")
BATCH_SIZE = flags.DEFINE_integer("batch_size", 32, "Lines at a time; only speed and memory change.", lower_bound=1)
SEED = flags.DEFINE_integer("seed", 0, "Of the dequantisation noise; with --legibility of the writing.", lower_bound=0)
LEGIBILITY = flags.DEFINE_bool("legibility", False, "Have written lines read, instead of the log-loss.")
BIASES = flags.DEFINE_list("biases", ["0", "0.25", "0.5", "0.75", "1", "1.5"], "To write at; Graves section 5.4.")
TEXTS = flags.DEFINE_integer("texts", 150, "How many texts to write and read, spread over the split.", lower_bound=1)


def main() -> None:
    started = time.perf_counter()
    biases = parse_biases(BIASES.value)
    command_line.use_compilation_cache()
    weights, corpus = load_weights(), Corpus.load(DATA.value)
    report = measure_legibility(weights, corpus, biases) if LEGIBILITY.value else measure_likelihood(weights, corpus)
    report |= {"split": SPLIT.value, "seed": SEED.value, "seconds": round(time.perf_counter() - started, 1)}
    command_line.print_json({name: finite(value) for name, value in report.items()})


def parse_biases(values: list[str]) -> list[float]:
    """The biases as numbers, each once.

    Raises:
      InputError: one is no number, or there is none.
    """
    try:
        biases = list(dict.fromkeys(float(value) for value in values))
    except ValueError:
        biases = []
    if not biases:
        raise InputError(f"Expected --biases to be numbers with commas between, found {','.join(values)!r}.")
    return biases


def load_weights() -> Weights:
    """The weights of --checkpoint or --weights, or the default ones; to be computed in float32 by the fast scan."""
    if CHECKPOINT.value is not None and WEIGHTS.value is not None:
        raise InputError("Expected one of --checkpoint and --weights, found both.")
    weights = graves_jax.load(WEIGHTS.value or DEFAULT, checkpoint=CHECKPOINT.value)
    network = dataclasses.replace(weights.network, precision="float32", implementation="auto")
    return dataclasses.replace(weights, network=network)


def measure_likelihood(weights: Weights, corpus: Corpus) -> dict[str, Any]:
    """Log-loss and squared error over the split, printed and as JSON values."""
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


def split_loss(weights: Weights, corpus: Corpus, name: str) -> tuple[LogLoss, list[str]]:
    """The loss of every line of the split, and the lines' ids in the same order."""
    batches = evaluation_batches(
        corpus,
        SPLIT.value,
        # A prediction network reads no text: any transcript will do.
        alphabet=weights.alphabet if weights.network.reads_text else Alphabet(corpus.characters),
        normalisation=weights.normalisation,
        batch_size=BATCH_SIZE.value,
    )
    line_ids: list[str] = []

    def rows_noted() -> Iterator[Batch]:
        with tqdm.tqdm(total=len(corpus.indices(SPLIT.value)), desc=name, unit="line", dynamic_ncols=True) as bar:
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


def measure_legibility(weights: Weights, corpus: Corpus, biases: list[float]) -> dict[str, Any]:
    """Error rates of a recogniser on written lines and on real ones, printed and as JSON values."""
    from graves_jax.evaluation.legibility import choose_lines, error_rate, legibility
    from graves_jax.evaluation.readers import PPOCR

    reader = PPOCR()
    lines, left_out = choose_lines(corpus, SPLIT.value, weights, TEXTS.value)
    with tqdm.tqdm(total=len(lines) * (len(biases) + 1), unit="line", dynamic_ncols=True) as bar:
        real = error_rate([corpus[line].ink for line in lines], reader)
        bar.update(len(lines))
        rows = []
        for bias in biases:
            rows.append(legibility(weights, [corpus.texts[line] for line in lines], reader, bias=bias, seed=SEED.value))
            bar.update(len(lines))
    print(f"{DATA.value}, {SPLIT.value}: {len(lines)} texts; {left_out} lines left out for characters not known")
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
    return {
        "reader": reader.name,
        "reader_sha256": reader.sha256,
        "texts": len(lines),
        "left_out": left_out,
        "real_error_rate": real.rate,
        "real_error_rate_standard_error": real.standard_error,
        "biases": {
            f"{row.bias:g}": {
                "error_rate": row.written.rate,
                "error_rate_standard_error": finite(row.written.standard_error),
                "real_error_rate": real.rate,
                "ratio": finite(ratio(row.written.rate, real.rate)),
                "failed_at_first": row.failed_at_first,
                "failed": row.failed,
            }
            for row in rows
        },
    }


def print_table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """A table in Markdown, ready for a README."""
    print(f"| {' | '.join(header)} |")
    print("|---" * len(tuple(header)) + "|")
    for row in rows:
        print(f"| {' | '.join(row)} |")


def ratio(written: float, real: float) -> float:
    """Written over real; infinite where real ink is read without a mistake and written ink is not."""
    if not real:
        return math.inf if written else math.nan
    return written / real


def finite(value: Any) -> Any:
    """None in place of what JSON cannot say, infinity and NaN; the report for people has it."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


if __name__ == "__main__":
    command_line.run(main)
