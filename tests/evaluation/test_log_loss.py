"""The log-loss against a forward pass of its own, written from the paper's equations in NumPy and float64."""

import jax
import numpy as np
import pytest

from graves_jax.data.alphabet import Alphabet
from graves_jax.data.batches import evaluation_batches
from graves_jax.data.corpus import Corpus, Line
from graves_jax.data.ink import Ink, Normalisation
from graves_jax.evaluation.log_loss import dequantise, is_on_grid
from graves_jax.model.likelihood import LogLoss, log_loss, nats_per_line
from graves_jax.model.network import NetworkConfig

from ..conftest import random_params

ALPHABET = Alphabet("abc ", has_other=True)
NORMALISATION = Normalisation(mean=(4.0, -0.5), std=(6.0, 9.0))
SYNTHESIS = NetworkConfig(num_characters=5, num_window=3, num_layers=3, hidden_size=7, num_components=4)
PREDICTION = NetworkConfig(num_characters=0, num_window=0, num_layers=2, hidden_size=7, num_components=4)
FLOORED = NetworkConfig(
    num_characters=5, num_window=2, num_layers=1, hidden_size=6, num_components=3, sigma_floor=0.2, cell="lstm"
)


@pytest.fixture(scope="module")
def corpus():
    rng = np.random.default_rng(0)
    return Corpus.from_lines([made_up_line(rng, number) for number in range(7)])


def made_up_line(rng, number):
    length = int(rng.integers(5, 40))
    offsets = np.column_stack([rng.integers(-9, 20, length), rng.integers(-20, 20, length), rng.random(length) < 0.2])
    offsets[-1, 2] = 1
    text = "".join(rng.choice(list("abc ?"), rng.integers(1, 9)))
    return Line(Ink(offsets, text), line_id=f"line-{number}", split="validation")


def measured(params, network, corpus, *, batch_size=3):
    """The loss of each line, by its index in the corpus."""
    batches = list(
        evaluation_batches(corpus, "validation", alphabet=ALPHABET, normalisation=NORMALISATION, batch_size=batch_size)
    )
    rows = np.concatenate([rows for _, rows in batches])
    rows = rows[rows >= 0]
    loss = log_loss(params, network, (batch for batch, _ in batches))
    return LogLoss(*(field[np.argsort(rows)] for field in loss))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def numpy_outputs(params, network, x, codes):
    """ŷ_t for one line, equations (1)-(11), (46)-(51) and the skip connections of figure 1. Shape [T, 1 + 6M]."""
    params = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), params)
    hidden = network.hidden_size
    state = [(np.zeros(hidden), np.zeros(hidden)) for _ in range(network.num_layers)]
    kappa, w = np.zeros(network.num_window), np.zeros(network.num_characters)
    outputs = []
    for x_t in x:
        below = np.concatenate([x_t, w])
        for number in range(network.num_layers):
            layer, (h, c) = params[f"layers_{number}"], state[number]
            i, f, g, o = np.split(below @ layer["input"] + h @ layer["recurrent"] + layer["bias"], 4)
            p_i, p_f, p_o = layer.get("peephole", np.zeros((3, hidden)))
            i, f = sigmoid(i + p_i * c), sigmoid(f + p_f * c)
            c = f * c + i * np.tanh(g)
            h = sigmoid(o + p_o * c) * np.tanh(c)
            state[number] = (h, c)
            if number == 0 and network.reads_text:
                alpha, beta, step = np.split(np.exp(h @ params["window"]["kernel"] + params["window"]["bias"]), 3)
                kappa = kappa + step
                w = np.zeros(network.num_characters)
                for u, code in enumerate(codes, start=1):
                    w[code] += np.sum(alpha * np.exp(-beta * (kappa - u) ** 2))
            below = np.concatenate([x_t, w, h])
        top = np.concatenate([h for h, _ in state])
        outputs.append(top @ params["output_kernel"] + params["output_bias"])
    return np.array(outputs)


def numpy_line(params, network, offsets, codes, *, mean=0.0, std=1.0):
    """Nats of a line (19)-(26), and its squared error, of the mixture moved and stretched by mean and std."""
    fed = np.concatenate([np.zeros((1, 3)), offsets[:-1]])
    m, nats, error = network.num_components, 0.0, 0.0
    for y, (dx, dy, lift) in zip(numpy_outputs(params, network, fed, codes), offsets, strict=True):
        pi = np.exp(y[1 : 1 + m]) / np.exp(y[1 : 1 + m]).sum()
        mu = y[1 + m : 1 + 3 * m].reshape(m, 2) * std + mean
        sigma = (np.exp(y[1 + 3 * m : 1 + 5 * m].reshape(m, 2)) + network.sigma_floor) * std
        rho = np.tanh(y[1 + 5 * m :])
        a, b = ((np.array([dx, dy]) * std + mean - mu) / sigma).T
        z = a**2 + b**2 - 2 * rho * a * b
        density = np.exp(-z / (2 * (1 - rho**2))) / (2 * np.pi * sigma.prod(axis=1) * np.sqrt(1 - rho**2))
        end = sigmoid(y[0])
        nats -= np.log(np.sum(pi * density)) + np.log(end if lift else 1 - end)
        error += np.sum((pi @ mu - mean - np.array([dx, dy]) * std) ** 2)
    return nats, error


@pytest.mark.parametrize("network", [SYNTHESIS, PREDICTION, FLOORED], ids=["synthesis", "prediction", "floored"])
def test_a_forward_pass_in_numpy_agrees_on_every_line(corpus, network):
    params = random_params(network, seed=2)
    loss = measured(params, network, corpus)
    assert loss.points.tolist() == corpus.lengths.tolist()
    for number in range(len(corpus)):
        ink = corpus[number].ink
        offsets = NORMALISATION.normalise(ink.offsets).astype(np.float64)
        nats, error = numpy_line(params, network, offsets, ALPHABET.encode(ink.text))
        assert loss.nats[number] == pytest.approx(nats, rel=1e-5)
        assert loss.squared_errors[number] == pytest.approx(error, rel=1e-5)


def test_raw_nats_are_those_of_the_density_of_raw_ink(corpus):
    params = random_params(SYNTHESIS, seed=2)
    raw = [
        numpy_line(
            params,
            SYNTHESIS,
            NORMALISATION.normalise(line.ink.offsets).astype(np.float64),
            ALPHABET.encode(line.ink.text),
            mean=np.array(NORMALISATION.mean),
            std=np.array(NORMALISATION.std),
        )[0]
        for line in (corpus[number] for number in range(len(corpus)))
    ]
    assert measured(params, SYNTHESIS, corpus).raw_nats_per_line(NORMALISATION) == pytest.approx(np.mean(raw), rel=1e-5)


def test_neither_company_nor_padding_changes_a_line(corpus):
    params = random_params(SYNTHESIS, seed=2)
    few = measured(params, SYNTHESIS, corpus, batch_size=2)
    together = measured(params, SYNTHESIS, corpus, batch_size=16)
    np.testing.assert_allclose(together.nats, few.nats, rtol=1e-5)
    np.testing.assert_allclose(together.squared_errors, few.squared_errors, rtol=1e-5)


def test_it_is_the_loss_that_training_minimises(corpus):
    params = random_params(SYNTHESIS, seed=2)
    [(batch, rows)] = evaluation_batches(
        corpus, "validation", alphabet=ALPHABET, normalisation=NORMALISATION, batch_size=7
    )
    loss = log_loss(params, SYNTHESIS, [batch])
    assert len(rows) == 7
    minimised = jax.jit(nats_per_line, static_argnums=1)(params, SYNTHESIS, batch)
    np.testing.assert_allclose(loss.nats, minimised, rtol=1e-6)


def test_summaries_by_hand():
    loss = LogLoss(np.array([-10.0, -20.0, -60.0]), np.array([10, 10, 20]), np.array([1.0, 2.0, 5.0]))
    assert loss.nats_per_line == -30.0
    assert loss.nats_per_point == -90.0 / 40
    assert loss.sse == 8.0 / 40
    # Deviations 20, 10 and -30: variance 1400 / 2, over three lines.
    assert loss.nats_per_line_standard_error == pytest.approx(np.sqrt(700 / 3))
    assert loss.raw_nats_per_line(NORMALISATION) == pytest.approx(-30.0 + 40 / 3 * np.log(6.0 * 9.0))
    assert np.isnan(LogLoss(*(field[:1] for field in loss)).nats_per_line_standard_error)


def test_dequantisation_is_uniform_noise_on_each_offset(corpus):
    many = Corpus.from_lines([made_up_line(np.random.default_rng(n), n) for n in range(300)])
    noisy = dequantise(many, np.random.default_rng(5))
    noise = noisy.xy - many.xy
    assert len(noise) > 5_000
    assert -0.5 <= noise.min() < -0.49 and 0.49 < noise.max() <= 0.5
    np.testing.assert_allclose(noise.var(axis=0), 1 / 12, rtol=0.05)
    # Noise on coordinates would give successive offsets a correlation of -1/2.
    assert abs(np.corrcoef(noise[1:, 0], noise[:-1, 0])[0, 1]) < 0.05
    np.testing.assert_array_equal(noisy.end_of_stroke, many.end_of_stroke)
    assert noisy.texts == many.texts
    np.testing.assert_array_equal(noisy.xy, dequantise(many, np.random.default_rng(5)).xy)
    assert not np.array_equal(noisy.xy, dequantise(many, np.random.default_rng(6)).xy)
    assert is_on_grid(many) and not is_on_grid(noisy)


def test_dequantised_loss_cannot_profit_from_the_grid():
    """A density that is a spike on the one offset that ever occurs: many nats gained, all of them lost again."""
    network = NetworkConfig(num_characters=0, num_window=0, num_layers=1, hidden_size=2, num_components=1)
    params = jax.tree.map(np.zeros_like, random_params(network, seed=2))
    log_sigma = -7.0
    params["output_bias"] = np.array([0, 0, 0, 0, log_sigma, log_sigma, 0], np.float32)
    offsets = np.tile([4.0, -0.0, 0.0], (50, 1))
    offsets[-1, 2] = 1
    still = Corpus.from_lines([Line(Ink(offsets, "a"), "still", split="validation")])
    centred = Normalisation(mean=(4.0, 0.0), std=(6.0, 9.0))

    def nats_per_point(corpus):
        [(batch, _)] = evaluation_batches(corpus, "validation", alphabet=ALPHABET, normalisation=centred, batch_size=1)
        return log_loss(params, network, [batch]).nats_per_point

    assert nats_per_point(still) == pytest.approx(np.log(2 * np.pi) + 2 * log_sigma + np.log(2), rel=1e-5)
    # The offset alone is certain, so no density of it may fall below -log 1 = 0 nats in raw units.
    assert nats_per_point(dequantise(still, np.random.default_rng(0))) + np.log(6.0 * 9.0) > 0
