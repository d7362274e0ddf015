"""Trains a small recogniser of pen strokes, to measure what written lines are worth to those who train one.

    python experiments/prepare_data.py --source=iam_ondb --protocol=writer --output=iam_writer.npz
    python experiments/synthesize.py --lines=20_000 --per_shard=1_000 --format=jsonl --characters=10,40 --output=lines
    python experiments/recogniser.py --data=iam_writer.npz                                        people's lines alone
    python experiments/recogniser.py --data=iam_writer.npz --synthetic=lines                      both
    python experiments/recogniser.py --data=iam_writer.npz --synthetic=lines --real_lines=0       written ones alone

Residual dilated convolutions over the strokes, and connectionist temporal classification (Graves et al. 2006); read
greedily, without a language model. It is an example and no part of the package. The last line of output is JSON: the
character error rate on the corpus's validation lines, which are people's, and what it was trained on.
"""

import functools
import itertools
import json
import pathlib
import sys
import time

import command_line
from absl import flags

DATA = flags.DEFINE_string("data", None, "Corpus made by prepare_data.py: its validation lines are read.")
SYNTHETIC = flags.DEFINE_string("synthetic", None, "Folder of synthesize.py --format=jsonl.")
REAL_LINES = flags.DEFINE_integer("real_lines", None, "Train on so many lines of the corpus; none: all.", 0)
SYNTHETIC_LINES = flags.DEFINE_integer("synthetic_lines", None, "Train on so many written lines; none: all.", 0)
VALIDATION_LINES = flags.DEFINE_integer("validation_lines", None, "Read so many lines; none: all.", 1)
NUM_STEPS = flags.DEFINE_integer("num_steps", 20_000, "Updates.", 2, 10_000_000)
BATCH_SIZE = flags.DEFINE_integer("batch_size", 32, "Lines an update.", 1, 4_096)
CHANNELS = flags.DEFINE_integer("channels", 128, "Of the convolutions.", 1, 4_096)
BLOCKS = flags.DEFINE_integer("blocks", 8, "Convolutions; every fourth starts anew with the dilation 1.", 1, 64)
LEARNING_RATE = flags.DEFINE_float("learning_rate", 2e-3, "Adam's, at its highest.", 1e-9, 1.0)
SEED = flags.DEFINE_integer("seed", 0, "Of weights and data order.", 0, 2**32 - 1)

# Points are padded to a multiple of so many: a few shapes, each of which is compiled.
MULTIPLE = 128
REPORT_EVERY = 50


def main() -> None:
    from graves_jax.errors import InputError

    if DATA.value is None:
        raise InputError("Expected --data=CORPUS, found none.")
    command_line.use_compilation_cache()
    started = time.perf_counter()
    real, validation = read_corpus(DATA.value)
    synthetic = read_synthetic()
    lines = real + synthetic
    if not lines:
        raise InputError("Expected lines to train on, found none: --real_lines or --synthetic_lines leaves them out.")
    if not validation:
        raise InputError(f"Expected validation lines to read in {DATA.value}, found none.")
    characters = "".join(sorted({character for ink in lines for character in ink.transcript}))
    params, seconds = train(lines, characters)
    rate = read(params, characters, validation)
    print(f"{len(real):,} people's and {len(synthetic):,} written lines: character error rate {rate.rate:.1%}")
    command_line.print_json(
        {
            "character_error_rate": round(rate.rate, 4),
            "standard_error": round(rate.standard_error, 4),
            "validation_lines": len(validation),
            "real_lines": len(real),
            "synthetic_lines": len(synthetic),
            "num_steps": NUM_STEPS.value,
            "passes": round(NUM_STEPS.value * min(BATCH_SIZE.value, len(lines)) / len(lines), 2),
            "training_seconds": round(seconds, 1),
            "seconds": round(time.perf_counter() - started, 1),
        }
    )


def read_corpus(path: str):
    """People's lines: those to train on, and those to read."""
    import numpy as np

    from graves_jax.data.corpus import Corpus

    corpus = Corpus.load(path)
    training, validation = (corpus.indices(split) for split in ("training", "validation"))
    training = np.random.default_rng(SEED.value).permutation(training)[: REAL_LINES.value]
    if VALIDATION_LINES.value is not None and VALIDATION_LINES.value < len(validation):
        validation = validation[np.linspace(0, len(validation) - 1, VALIDATION_LINES.value).astype(int)]
    return [[corpus[line].ink for line in rows] for rows in (training, validation)]


def read_synthetic():
    """Written lines; those that went wrong are left out."""
    from graves_jax.errors import InputError

    if SYNTHETIC.value is None or SYNTHETIC_LINES.value == 0:
        return []
    shards = sorted(pathlib.Path(SYNTHETIC.value).glob("lines-*.jsonl"))
    if not shards:
        raise InputError(f"Expected files of synthesize.py --format=jsonl in {SYNTHETIC.value}, found none.")
    return list(itertools.islice(itertools.chain.from_iterable(map(read_shard, shards)), SYNTHETIC_LINES.value))


def read_shard(shard: pathlib.Path):
    """The ink of one file."""
    from graves_jax.data.ink import Ink
    from graves_jax.errors import InputError

    try:
        rows = [json.loads(row) for row in shard.read_text(encoding="utf-8").splitlines()]
        return [Ink(row["strokes"], row["text"]) for row in rows if row["fault"] is None]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"Expected rows of synthesize.py --format=jsonl in {shard}, found others: {error}.") from error


def features(ink):
    """What the recogniser sees: movements in parts of the line's own spread, and the pen. Shape [T, 3]."""
    import numpy as np

    xy = ink.offsets[:, :2]
    return np.column_stack([xy / np.maximum(xy.std(), 1e-6), ink.offsets[:, 2]]).astype(np.float32)


def make_batch(inks, characters: str, labels: int):
    """Strokes [B, T, 3] and their padding [B, T / 2]; texts [B, U], 0 being the blank, and theirs [B, U]."""
    import numpy as np

    length = -(-max(map(len, inks)) // MULTIPLE) * MULTIPLE
    strokes, is_padding = np.zeros((len(inks), length, 3), np.float32), np.ones((len(inks), length // 2), np.float32)
    codes, no_code = np.zeros((len(inks), labels), np.int32), np.ones((len(inks), labels), np.float32)
    for row, ink in enumerate(inks):
        strokes[row, : len(ink)] = features(ink)
        is_padding[row, : -(-len(ink) // 2)] = 0
        code = [characters.index(character) + 1 for character in ink.text if character in characters]
        codes[row, : len(code)], no_code[row, : len(code)] = code, 0
    return strokes, is_padding, codes, no_code


@functools.cache
def network(num_characters: int):
    """Scores of the blank and of each character, for every second point. [B, T, 3] to [B, T / 2, 1 + C]."""
    import flax.linen as nn

    class Recogniser(nn.Module):
        @nn.compact
        def __call__(self, strokes, is_padding):
            keep = (1 - is_padding)[..., None]
            x = nn.Conv(CHANNELS.value, (6,), strides=(2,))(strokes) * keep
            for block in range(BLOCKS.value):
                y = nn.Conv(CHANNELS.value, (5,), kernel_dilation=(2 ** (block % 4),))(nn.LayerNorm()(x) * keep)
                x = x + nn.Dense(CHANNELS.value)(nn.gelu(y)) * keep
            return nn.Dense(1 + num_characters, kernel_init=nn.initializers.zeros)(nn.LayerNorm()(x))

    return Recogniser()


def train(inks, characters: str):
    """Parameters that read, and the seconds it took to learn them."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax
    import tqdm

    model, labels = network(len(characters)), max(len(ink.text) for ink in inks)
    # Of similar length together, in another order each pass.
    order = sorted(range(len(inks)), key=lambda line: len(inks[line]))
    rng = np.random.default_rng(SEED.value)
    rate = optax.warmup_cosine_decay_schedule(0.0, LEARNING_RATE.value, max(1, NUM_STEPS.value // 20), NUM_STEPS.value)
    optimizer = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(rate))

    def loss(params, batch):
        strokes, is_padding, codes, no_code = batch
        scores = jnp.asarray(model.apply({"params": params}, strokes, is_padding))
        nats = optax.ctc_loss(scores, is_padding, codes, no_code)
        return jnp.sum(nats) / jnp.sum(1 - no_code)

    @jax.jit
    def step(params, state, batch):
        nats, gradient = jax.value_and_grad(loss)(params, batch)
        updates, state = optimizer.update(gradient, state)
        return optax.apply_updates(params, updates), state, nats

    first = make_batch(inks[: BATCH_SIZE.value], characters, labels)
    params = jax.jit(model.init)(jax.random.key(SEED.value), *first[:2])["params"]
    state, number, started = optimizer.init(params), 0, time.perf_counter()
    with tqdm.tqdm(total=NUM_STEPS.value, mininterval=0.2 if sys.stderr.isatty() else 30.0) as bar:
        while number < NUM_STEPS.value:
            # The last batch is filled up with lines of the one before.
            starts = [*range(0, len(order) - BATCH_SIZE.value, BATCH_SIZE.value), max(0, len(order) - BATCH_SIZE.value)]
            for start in rng.permutation(starts)[: NUM_STEPS.value - number]:
                batch = [inks[line] for line in order[start : start + BATCH_SIZE.value]]
                params, state, nats = step(params, state, make_batch(batch, characters, labels))
                number += 1
                bar.update()
                if number % REPORT_EVERY == 0:
                    bar.set_postfix_str(f"{float(nats):.2f} nats a character", refresh=False)
    return jax.block_until_ready(params), time.perf_counter() - started


def read(params, characters: str, inks):
    """Reads lines: the character error rate."""
    import jax
    import numpy as np

    from graves_jax.evaluation.legibility import character_error_rate
    from graves_jax.evaluation.readers import greedy_text

    model = network(len(characters))
    score = jax.jit(lambda strokes, is_padding: model.apply({"params": params}, strokes, is_padding))
    texts, labels = {}, max(len(ink.text) for ink in inks)
    order = sorted(range(len(inks)), key=lambda line: len(inks[line]))
    for start in range(0, len(order), BATCH_SIZE.value):
        rows = order[start : start + BATCH_SIZE.value]
        strokes, is_padding, *_ = make_batch([inks[row] for row in rows], characters, labels)
        scores = np.asarray(score(strokes, is_padding))
        for row, line, padding in zip(rows, scores, is_padding, strict=True):
            texts[row] = greedy_text(line[padding == 0], ["", *characters], read=characters)
    return character_error_rate([texts[row] for row in range(len(inks))], [ink.text for ink in inks])


if __name__ == "__main__":
    command_line.use_huge_pages()
    command_line.run(main)
