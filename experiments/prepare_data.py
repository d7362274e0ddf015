"""Makes the corpus that train.py and evaluate.py read, out of IAM-OnDB or of own ink.

    python experiments/prepare_data.py --source=iam_ondb --output=iam.npz
    python experiments/prepare_data.py --source=iam_ondb --output=iam_writer.npz --protocol=writer
    python experiments/prepare_data.py --source=iam_ondb --output=iam_writer.npz --protocol=writer --drop_misfits=iam
    python experiments/prepare_data.py --source=lines.jsonl --output=mine.npz
    python experiments/prepare_data.py --source=lines.inkml --output=mine.npz --like=iam

--drop_misfits has a network that ships read the training lines, and leaves out those whose ink and text do not belong
together (evaluation/outliers.py). All other lines stay, so that what is measured on them compares.

A report goes to standard output, and on its last line the same as JSON.
"""

import collections
import dataclasses
import os
import pathlib
import time
from typing import TYPE_CHECKING, Any

import command_line
from absl import flags

from graves_jax.bars import Bar
from graves_jax.data.corpus import Corpus, Line
from graves_jax.data.iam_ondb.cleaning import PROTOCOLS, Cleaned
from graves_jax.data.iam_ondb.recordings import Recording, read_iam_ondb
from graves_jax.data.ink import Ink, Normalisation
from graves_jax.data.json_lines import read_json_lines, split_by_writer
from graves_jax.data.own_ink.conform import conform
from graves_jax.data.own_ink.readers import read_own_ink
from graves_jax.errors import InputError
from graves_jax.evaluation.outliers import misfits
from graves_jax.files import sha256_of

if TYPE_CHECKING:
    from graves_jax.model.weights import Weights

SOURCE = flags.DEFINE_string(
    "source",
    None,
    "Folder with IAM-OnDB's archives (or what they unpack to), or a .jsonl or .inkml file of own ink.",
    required=True,
)
OUTPUT = flags.DEFINE_string("output", None, "The corpus to write, a .npz file.", required=True)
PROTOCOL = flags.DEFINE_enum(
    "protocol", "paper", sorted(PROTOCOLS), "What is done to the ink: 'paper' is the data of Graves (2013)."
)
DROP_MISFITS = flags.DEFINE_string(
    "drop_misfits", None, "Name of weights that ship, made under the same protocol: training lines are read with them."
)
LIKE = flags.DEFINE_string(
    "like", None, "Name of weights that ship: own ink of any device is brought to what they learned from."
)
OVERWRITE = flags.DEFINE_bool("overwrite", False, "Replace the output if it exists.")


def main() -> None:
    started = time.monotonic()
    output = pathlib.Path(OUTPUT.value)
    check_output(output, overwrite=OVERWRITE.value)
    if LIKE.value is not None and PROTOCOL.present:
        raise InputError("Expected one of --like and --protocol, found both: the weights' own protocol is taken.")
    like = None if LIKE.value is None else load_like(LIKE.value)
    protocol = PROTOCOL.value if like is None else learned_protocol(like)
    judge = None if DROP_MISFITS.value is None else load_judge(DROP_MISFITS.value, protocol)
    recording = read_source(pathlib.Path(SOURCE.value))
    cleaned = PROTOCOLS[protocol](recording.lines) if like is None else conform_lines(recording, like)
    if judge is not None:
        cleaned = drop_misfits(cleaned, judge)
    corpus = Corpus.from_lines(cleaned.lines, provenance(recording, cleaned, protocol))
    # Training ink that does not move is refused here, before anything is written.
    normalisation = corpus.normalisation if len(corpus.indices("training")) else None
    corpus.save(output)
    summary = summarise(recording, corpus, normalisation) | {"seconds": round(time.monotonic() - started, 1)}
    print_report(summary)
    command_line.print_json(summary)


def load_judge(name: str, protocol: str) -> "Weights":
    """The weights that ship under this name.

    Raises:
      InputError: there are none, or they learned from ink of another protocol.
    """
    weights = load_named(name)
    learned = learned_protocol(weights)
    if learned != protocol:
        raise InputError(f"Expected weights of ink under the protocol {protocol!r}, found {learned!r}.")
    return weights


def load_named(name: str) -> "Weights":
    """The weights that ship under this name."""
    # Weights are the one thing here that needs JAX.
    from graves_jax.pretrained import load_pretrained

    return load_pretrained(name)


def load_like(name: str) -> "Weights":
    """The weights to whose scale own ink is to be brought.

    Raises:
      InputError: there are none, or the source is no own ink.
    """
    if os.path.isdir(SOURCE.value):
        raise InputError(f"Expected a file of own ink at --source with --like, found the folder {SOURCE.value}.")
    return load_named(name)


def learned_protocol(weights: "Weights") -> str:
    """Under what protocol the weights' training data was made."""
    return weights.provenance.get("data", {}).get("protocol", "none")


def drop_misfits(cleaned: Cleaned, weights: "Weights") -> Cleaned:
    """Without the training lines that these weights find not to fit their text, which are printed."""
    from graves_jax.evaluation.following import fit, follow

    lines = [
        line for line in cleaned.lines if line.split == "training" and not weights.alphabet.unknown(line.ink.transcript)
    ]
    followed = follow(weights, [line.ink for line in lines])
    bar = Bar(followed, total=len(lines), desc="reading", unit="line")
    fits = {row: fit(weights, lines[row].ink, result) for row, result in bar}
    found = misfits(lines, [fits[row] for row in range(len(lines))])
    left_out = set()
    for reason, wrong in found.items():
        left_out |= {line.line_id for line in wrong}
        print(f"{reason[0].upper()}{reason[1:]}: {', '.join(line.line_id for line in wrong)}.")
    return Cleaned(
        [line for line in cleaned.lines if line.line_id not in left_out],
        cleaned.skipped | {reason: len(wrong) for reason, wrong in found.items()},
        cleaned.changed,
    )


def conform_lines(recording: Recording, weights: "Weights") -> Cleaned:
    """Own ink at the scale of weights.

    Raises:
      InputError: nothing of it can be used.
    """
    from graves_jax.model.scale import target_of

    source = pathlib.Path(SOURCE.value)
    conformed = conform(read_own_ink(source), target_of(weights))
    skipped = collections.Counter(line.reason for line in conformed if line.reason)
    lines = [
        dataclasses.replace(line, ink=found.ink)
        for line, found in zip(recording.lines, conformed, strict=True)
        if found.reason is None
    ]
    if not lines:
        raise InputError(f"Expected lines that can be used in {source}, found none: {', '.join(skipped)}.")
    return Cleaned(lines, dict(skipped), changed={})


def check_output(output: pathlib.Path, *, overwrite: bool) -> None:
    """Finds out before the work what would stop the result from being written.

    Raises:
      InputError: the name does not end with .npz, the file exists, or its folder cannot be written to.
    """
    if output.suffix != ".npz":
        raise InputError(f"Expected an --output whose name ends with .npz, found {output}.")
    if not os.path.isdir(output.parent) or not os.access(output.parent, os.W_OK):
        raise InputError(f"Expected a folder that can be written to at {output.parent}, found none.")
    if os.path.isdir(output) or (os.path.exists(output) and not overwrite):
        raise InputError(f"{output} exists: name another --output, or add --overwrite to replace it.")


def read_source(source: pathlib.Path) -> Recording:
    """Reads a folder as IAM-OnDB, a file as JSON Lines or InkML.

    Raises:
      InputError: there is no such source, or it is not what it should be.
    """
    # os.path, for which a path that is too long for a name does not exist; pathlib raises.
    if os.path.isdir(source):
        return read_iam_ondb(source)
    if not os.path.exists(source):
        raise InputError(f"Expected a folder or a .jsonl file at --source={source}, found nothing.")
    if source.suffix.lower() in (".inkml", ".xml"):
        lines = split_by_writer(
            [Line(Ink.from_strokes(own.strokes, own.text), own.line_id) for own in read_own_ink(source)]
        )
    else:
        lines = read_json_lines(source)
    points = sum(len(stroke) for line in lines for stroke in line.ink.strokes())
    return Recording(lines, len(lines), points, subsets={}, skipped={}, sha256={source.name: sha256_of(source)})


def provenance(recording: Recording, cleaned: Cleaned, protocol: str) -> dict[str, Any]:
    """Where the corpus comes from, and what was left out or changed on the way."""
    return {
        "source": pathlib.Path(SOURCE.value).name,
        "sha256": recording.sha256,
        "protocol": protocol,
        "misfits_found_by": DROP_MISFITS.value,
        "skipped": recording.skipped | cleaned.skipped,
        "changed": cleaned.changed,
    }


def summarise(recording: Recording, corpus: Corpus, normalisation: Normalisation | None) -> dict[str, Any]:
    """What is printed. `lines` and `points` are the source's, `corpus_lines` and `corpus_offsets` the output's."""
    return {
        "protocol": corpus.provenance["protocol"],
        "lines": recording.num_lines,
        "points": recording.num_points,
        "source_subsets": recording.subsets,
        "corpus_lines": len(corpus),
        "corpus_offsets": len(corpus.xy),
        "splits": {name: len(corpus.indices(name)) for name in sorted(set(corpus.splits))},
        "subsets": {name: len(corpus.indices(name)) for name in sorted(set(corpus.subsets))},
        "skipped": corpus.provenance["skipped"],
        "changed": corpus.provenance["changed"],
        "mean": list(normalisation.mean) if normalisation else None,
        "std": list(normalisation.std) if normalisation else None,
        "characters": corpus.characters,
        "fingerprint": corpus.fingerprint,
        "output": OUTPUT.value,
        "sha256": sha256_of(pathlib.Path(OUTPUT.value)),
    }


def print_report(summary: dict[str, Any]) -> None:
    """The same for people."""
    print(f"Source:    {summary['lines']:,} lines of ink, {summary['points']:,} points.")
    for name, count in summary["source_subsets"].items():
        print(
            f"  {name:10} {count['forms']:5,} forms, {count['lines']:6,} lines, {count['with_transcript']:6,} with text"
        )
    for reason, count in summary["skipped"].items():
        print(f"Left out:  {count:,} lines, {reason}.")
    for kind, count in summary["changed"].items():
        print(f"Changed:   {count:,} {kind}.")
    per_split = ", ".join(f"{count:,} {name}" for name, count in summary["splits"].items())
    print(f"Corpus:    {summary['corpus_lines']:,} lines ({per_split}), {summary['corpus_offsets']:,} offsets.")
    if summary["mean"]:
        mean, std = summary["mean"], summary["std"]
        print(f"Offsets:   mean ({mean[0]:.2f}, {mean[1]:.2f}), standard deviation ({std[0]:.2f}, {std[1]:.2f}).")
    print(f"Text:      {len(summary['characters'])} characters: {summary['characters']}")
    print(f"Written:   {summary['output']} after {summary['seconds']} s.")


if __name__ == "__main__":
    command_line.run(main)
