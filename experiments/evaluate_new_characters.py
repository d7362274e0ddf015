"""Measures how many examples of a new character weights need, with synthetic writers whom they never saw.

    python experiments/evaluate_new_characters.py --new=umlauts                      ä, ö, ü and the euro sign
    python experiments/evaluate_new_characters.py --new=greek --examples=5,20 --finetune --picture=greek.png

For each number of examples a writer writes so many lines for each new character. The alphabet grows, and the network
learns its view of the new characters alone, or with --finetune all of its weights, as learn_hand.py does. Nats per
point on other lines with these characters are printed, before and after, and beside them those of the writer's lines
without, which is as good as it gets. --picture shows a text in the new characters as it is written then.

A report goes to standard output, and on its last line the same as JSON.
"""

import time
from collections.abc import Sequence

import command_line
import numpy as np
from absl import flags

import graves_jax
from graves_jax.data.hershey.more_glyphs import more_glyphs
from graves_jax.data.hershey.writers import Writer, draw_writer, render_text
from graves_jax.data.ink import Ink
from graves_jax.data.look_alikes import look_alikes
from graves_jax.drawing import save_ink
from graves_jax.model.growing import grow_alphabet
from graves_jax.model.weights import Weights
from graves_jax.sampling.stand_in import stand_in
from graves_jax.sampling.write import write_lines
from graves_jax.training.finetuning import FineTuning, finetune, judge

# Words with the new characters, and what the picture shows.
WORDS = {
    "umlauts": (
        "äöü€",
        "spät Käse März Bär hält fällt schön böse hören Löwe König für über müde Tür Glück grün 5€ 12€ €70 83€ €4 9€",
        ["für 5€", "Löwe im März", "schöne Tür"],
    ),
    "greek": (
        "αβγδεζηθικλμνξοπρστυφχψω",
        "αγορα βιβλιο γραμμα δεντρο ελπιδα ζωη ηλιοσ θαλασσα ιδεα καρδια λογοσ μηλο νησι ξυλο οδοσ ποταμι ρυθμοσ σοφια "
        "τεχνη υδωρ φωσ χρονοσ ψυχη ωρα ξενοσ βροχη ζεστη ψωμι",
        ["καλημερα", "φιλε μου", "ψυχη"],
    ),
}
# A line is a word with a new character among words without.
PLAIN_WORDS = ["and", "the", "we", "see", "at", "noon", "red", "her", "boat", "is", "on", "as", "no", "one", "can"]
NUM_TEST_LINES = 12

NEW = flags.DEFINE_enum("new", "umlauts", sorted(WORDS), "What is new.")
EXAMPLES = flags.DEFINE_list("examples", ["1", "3", "10"], "Lines for each new character.")
WEIGHTS = flags.DEFINE_string("weights", "hershey", "Name of weights that ship, of the synthetic writers' ink.")
FINETUNE = flags.DEFINE_bool("finetune", False, "Train all weights, not the new rows alone.")
NUM_STEPS = flags.DEFINE_integer("num_steps", 60, "Updates at most.", lower_bound=1)
PICTURE = flags.DEFINE_string("picture", None, "Draws a text after the last number of examples: .png, .svg or .pdf.")
SEED = flags.DEFINE_integer("seed", 0, "Of writer, texts and training.", 0, 2**32 - 1)


def main() -> None:
    started = time.perf_counter()
    numbers = command_line.counts("examples", EXAMPLES.value)
    command_line.use_compilation_cache()
    known = graves_jax.load(WEIGHTS.value)
    characters, words, texts = WORDS[NEW.value]
    writer = draw_writer(np.random.default_rng([SEED.value, 1]), faces=("futural",))
    alphabet = known.alphabet.with_characters(characters)
    weights = grow_alphabet(known, alphabet, resembles=look_alikes(characters, known.alphabet.characters))
    test = write(weights, writer, lines_of(characters, words, -(-NUM_TEST_LINES // len(characters)), seed=2), seed=3)
    plain = write(weights, writer, [plain_line(n) for n in range(NUM_TEST_LINES)], seed=4)
    before, floor = judge(weights, test), judge(weights, plain)
    print(
        f"{NEW.value}: {len(characters)} new characters, one writer of {WEIGHTS.value}'s kind, {len(test)} test lines."
    )
    print(f"Nats per point: {before:.3f} before, {floor:.3f} on lines without new characters.\n")
    print("| examples of each | lines | updates | nats per point | of the gap closed |\n|---|---|---|---|---|")
    rows, learned = {}, weights
    for number in numbers:
        own = write(weights, writer, lines_of(characters, words, number, seed=5), seed=6)
        learned, steps = learn(weights, own, characters)
        after = judge(learned, test)
        closed = (before - after) / (before - floor)
        rows[str(number)] = {
            "lines": len(own),
            "steps": steps,
            "nats_per_point": round(after, 4),
            "closed": round(closed, 3),
        }
        print(f"| {number} | {len(own)} | {steps} | {after:.3f} | {closed:.0%} |", flush=True)
    if PICTURE.value is not None:
        # In that writer's hand: behind one of the lines, unless all weights have learned it.
        style = None if FINETUNE.value else test[0]
        lines = write_lines(learned, texts, seed=SEED.value, bias=0.75, style=style)
        save_ink(PICTURE.value, [line.ink for line in lines])
    command_line.print_json(
        {
            "new": characters,
            "before": round(before, 4),
            "without_new_characters": round(floor, 4),
            "examples": rows,
            "seconds": round(time.perf_counter() - started, 1),
        }
    )


def lines_of(characters: str, words: str, number: int, *, seed: int) -> list[str]:
    """So many lines for each new character: a word that has it among words that have none."""
    rng = np.random.default_rng([SEED.value, seed])
    texts = []
    for character in characters:
        fitting = [word for word in words.split() if character in word]
        for _ in range(number):
            around = rng.choice(PLAIN_WORDS, 2, replace=False)
            texts.append(f"{around[0]} {fitting[int(rng.integers(len(fitting)))]} {around[1]}")
    return texts


def plain_line(number: int) -> str:
    """Words without new characters."""
    return " ".join(np.random.default_rng([SEED.value, 7, number]).choice(PLAIN_WORDS, 4, replace=False))


def write(weights: Weights, writer: Writer, texts: Sequence[str], *, seed: int) -> list[Ink]:
    """Lines of a writer at the weights' scale."""
    rate = weights.network.points_per_character
    return [
        render_text(
            text,
            writer,
            np.random.default_rng([SEED.value, seed, number]),
            points_per_character=rate,
            more=more_glyphs(writer.face),
        )
        for number, text in enumerate(texts)
    ]


def learn(weights: Weights, own: list[Ink], characters: str) -> tuple[Weights, int]:
    """The weights that know the new characters, and the updates that it took."""
    codes = [weights.alphabet.codes.index(character) for character in characters]
    rows = FineTuning(num_steps=NUM_STEPS.value, stand_in_lines=0, learning_rate=5e-3, seed=SEED.value)
    held_out = own[::5] if len(own) > 5 else []
    kept = [ink for row, ink in enumerate(own) if not held_out or row % 5]
    tuned = finetune(weights, kept, held_out=held_out, how=rows, codes=codes)
    steps = tuned.steps
    if FINETUNE.value:
        how = FineTuning(num_steps=NUM_STEPS.value, seed=SEED.value)
        tuned = finetune(tuned.weights, kept, held_out=held_out, stand_in=stand_in(weights, kept[:1]), how=how)
        steps += tuned.steps
    return tuned.weights, steps


if __name__ == "__main__":
    command_line.run(main)
