"""Trains the reader of single letters that notices misshapen words (sampling/letters.py), and says what it refuses.

    python experiments/train_letters.py --data=iam_writer.npz --output=letters.safetensors

The default weights are led along training lines, which tells which ink belongs to which letter; a small network learns
to tell the letters. Its last lines say, of validation lines, how many letters it tells and where their worst words
stand, which is what the bounds of sampling/faults.py come from. A report goes to standard output, and on its last line
the same as JSON.
"""

import pathlib
import time

import command_line
from absl import flags

DATA = flags.DEFINE_string("data", None, "A corpus file of prepare_data.py, writer protocol.")
OUTPUT = flags.DEFINE_string("output", None, "File to write.")
NUM_LINES = flags.DEFINE_integer("num_lines", 4_000, "Training lines to learn from, evenly spread.", lower_bound=1)
NUM_STEPS = flags.DEFINE_integer("num_steps", 8_000, "Updates of 256 letters each.", lower_bound=1)
HIDDEN = flags.DEFINE_integer("hidden", 128, "Units in each of the two hidden layers.", lower_bound=1)
SEED = flags.DEFINE_integer("seed", 0, "Of the initial values and the order.", lower_bound=0)

# Noise on the standardised features: no two letters are alike.
NOISE = 0.1
LEARNING_RATE, WEIGHT_DECAY, BATCH = 2e-3, 1e-3, 256
QUANTILES = (0.5, 0.9, 0.95, 0.98, 0.99, 0.995)


def main() -> None:
    import numpy as np

    from graves_jax.api import load
    from graves_jax.data.corpus import Corpus
    from graves_jax.errors import InputError
    from graves_jax.sampling.letters import letter_nats, save_reader, word_nats

    if DATA.value is None or OUTPUT.value is None:
        raise InputError("Expected --data=FILE and --output=FILE.")
    started = time.perf_counter()
    corpus, weights = Corpus.load(DATA.value), load()
    points_per_character = weights.network.points_per_character
    training = followed(corpus, weights, "training", NUM_LINES.value)
    validation = followed(corpus, weights, "validation", None)
    reader = learn(training, points_per_character)
    nats = [(ink.transcript, letter_nats(reader, ink, position, points_per_character)) for ink, position in validation]
    right = accuracy(reader, validation, points_per_character)
    words = np.concatenate([word_nats(text, values) for text, values in nats])
    worst = np.array([word_nats(text, values).max() for text, values in nats])
    save_reader(
        pathlib.Path(OUTPUT.value),
        reader,
        {"data": "iam_ondb, writer protocol", "lines": len(training), "steps": NUM_STEPS.value, "seed": SEED.value},
    )
    quantiles = {f"{q}": round(float(np.quantile(worst, q)), 2) for q in QUANTILES}
    print(f"{OUTPUT.value}: tells {right:.1%} of the letters of {len(validation)} validation lines")
    print(f"worst words of lines, quantiles: {quantiles}; of all words, 0.95: {np.quantile(words, 0.95):.2f}")
    command_line.print_json(
        {
            "output": OUTPUT.value,
            "lines": len(training),
            "validation_lines": len(validation),
            "accuracy": round(right, 4),
            "nats_per_letter": round(float(np.concatenate([values for _, values in nats]).mean()), 4),
            "worst_word_quantiles": quantiles,
            "seconds": round(time.perf_counter() - started, 1),
        }
    )


def followed(corpus, weights, split: str, num_lines: int | None):
    """Lines of a split, each with where the window looks along it."""
    import numpy as np
    import tqdm

    from graves_jax.evaluation.following import follow

    lines = corpus.indices(split)
    lines = lines[np.linspace(0, len(lines) - 1, min(num_lines or len(lines), len(lines))).astype(int)]
    inks = [corpus[line].ink for line in lines if not weights.alphabet.unknown(corpus[line].ink.text)]
    steps = tqdm.tqdm(follow(weights, inks), total=len(inks), desc=split, unit="line", dynamic_ncols=True)
    return [(inks[row], line.position) for row, line in steps]


def letters_of(lines, characters: str, points_per_character: float):
    """Features [N, D] and codes [N] of all letters that the window looked at."""
    import numpy as np

    from graves_jax.sampling.letters import letter_features

    features, codes = [], []
    for ink, position in lines:
        shown, seen = letter_features(ink, position, points_per_character)
        known = seen & np.array([character in characters for character in ink.text])
        features.append(shown[known])
        codes += [characters.index(character) for character, is_known in zip(ink.text, known, strict=True) if is_known]
    return np.concatenate(features).astype(np.float32), np.array(codes)


def learn(lines, points_per_character: float):
    """The reader of the lines' letters."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax
    import tqdm

    from graves_jax.sampling.letters import LetterReader

    characters = "".join(sorted(set("".join(ink.text for ink, _ in lines)) - {" "}))
    features, codes = letters_of(lines, characters, points_per_character)
    mean, std = features.mean(axis=0), features.std(axis=0) + 1e-3
    sizes = [features.shape[1], HIDDEN.value, HIDDEN.value, len(characters)]
    keys = jax.random.split(jax.random.key(SEED.value), len(sizes) - 1)
    params = [
        (jax.random.normal(key, (before, after)) * (2 / before) ** 0.5, jnp.zeros(after))
        for key, before, after in zip(keys, sizes[:-1], sizes[1:], strict=True)
    ]
    optimizer = optax.adamw(optax.cosine_decay_schedule(LEARNING_RATE, NUM_STEPS.value), weight_decay=WEIGHT_DECAY)

    def loss(params, x, y):
        for kernel, bias in params[:-1]:
            x = jax.nn.relu(x @ kernel + bias)
        logits = x @ params[-1][0] + params[-1][1]
        return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()

    @jax.jit
    def update(params, state, x, y):
        updates, state = optimizer.update(jax.grad(loss)(params, x, y), state, params)
        return optax.apply_updates(params, updates), state

    state, rng, shown = optimizer.init(params), np.random.default_rng(SEED.value), (features - mean) / std
    for _ in tqdm.trange(NUM_STEPS.value, desc="learning", unit="step", dynamic_ncols=True):
        rows = rng.integers(0, len(codes), BATCH)
        noise = rng.normal(0, NOISE, (BATCH, shown.shape[1])).astype(np.float32)
        params, state = update(params, state, shown[rows] + noise, codes[rows])
    layers = tuple((np.asarray(kernel), np.asarray(bias)) for kernel, bias in jax.device_get(params))
    return LetterReader(characters, mean, std, layers)


def accuracy(reader, lines, points_per_character: float) -> float:
    """Share of the letters that it finds the likeliest."""
    features, codes = letters_of(lines, reader.characters, points_per_character)
    return float((reader.log_probabilities(features).argmax(axis=1) == codes).mean())


if __name__ == "__main__":
    command_line.run(main)
