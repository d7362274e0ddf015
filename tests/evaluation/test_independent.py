"""The log-loss of shipped weights against a pass in plain NumPy and float64, written from the paper's equations."""

import numpy as np
import pytest
import scipy.stats
from scipy.special import expit, log_expit, log_softmax, logsumexp

import graves_jax
from graves_jax.data.batches import evaluation_batches
from graves_jax.data.hershey.writers import hershey_corpus
from graves_jax.model.likelihood import log_loss


def nats_of_line(params, network, points, codes):
    """-log p(line | text) of a normalised line [T, 3]: (7)-(11), (46)-(51), (18)-(26) of Graves (2013)."""
    text, u = np.eye(network.num_characters)[codes], np.arange(1, len(codes) + 1)
    h, c = (np.zeros((network.num_layers, network.hidden_size)) for _ in range(2))
    kappa, w, x, nats = np.zeros(network.num_window), np.zeros(network.num_characters), np.zeros(3), 0.0
    for point in points:
        below = []
        for n in range(network.num_layers):
            layer = params[f"layers_{n}"]
            peepholes = layer.get("peephole", np.zeros((3, network.hidden_size)))
            i, f, g, o = np.split(
                np.concatenate([x, w, *below]) @ layer["input"] + h[n] @ layer["recurrent"] + layer["bias"], 4
            )
            i, f = expit(i + peepholes[0] * c[n]), expit(f + peepholes[1] * c[n])
            c[n] = f * c[n] + i * np.tanh(g)
            h[n] = expit(o + peepholes[2] * c[n]) * np.tanh(c[n])
            below = [h[n]]
            if n == 0:
                window = params["window"]
                alpha, beta, step = np.split(np.exp(h[0] @ window["kernel"] + window["bias"]), 3)
                kappa = kappa + step
                w = (alpha[:, None] * np.exp(-beta[:, None] * (kappa[:, None] - u) ** 2)).sum(axis=0) @ text
        nats -= log_probability(h.ravel() @ params["output_kernel"] + params["output_bias"], network, point)
        x = point
    return nats


def log_probability(y_hat, network, point):
    """A point under outputs (end, π̂, μ̂, σ̂, ρ̂), by SciPy's own bivariate normal density."""
    pi_hat, mu, sigma_hat, rho_hat = np.split(y_hat[1:], np.cumsum([1, 2, 2]) * network.num_components)
    mu, sigma = mu.reshape(-1, 2), np.exp(sigma_hat.reshape(-1, 2)) + network.sigma_floor
    densities = [
        scipy.stats.multivariate_normal.logpdf(
            point[:2], m, np.outer(s, s) * np.array([[1, r], [r, 1]]), allow_singular=True
        )
        for m, s, r in zip(mu, sigma, np.tanh(rho_hat), strict=True)
    ]
    return logsumexp(log_softmax(pi_hat) + densities) + log_expit(y_hat[0] if point[2] else -y_hat[0])


@pytest.mark.parametrize("name", ["best_synthesis", "graves2013", "hershey"])
def test_the_log_loss_is_that_of_an_independent_pass(name):
    """Three lines, with peepholes (both of the paper's protocol) and without, to 1e-4 of a nat a point."""
    weights = graves_jax.load(name)
    corpus = hershey_corpus(num_lines=30, seed=1, min_characters=3, max_characters=6, points_per_character=20.0)
    options = {"alphabet": weights.alphabet, "normalisation": weights.normalisation}
    [(batch, lines)] = evaluation_batches(corpus, "training", batch_size=3, num_lines=3, **options)
    found = log_loss(weights.params, weights.network, [batch])
    params = {
        layer: {k: np.asarray(v, np.float64) for k, v in value.items()}
        if isinstance(value, dict)
        else np.asarray(value)
        for layer, value in weights.params.items()
    }
    for row, line in enumerate(lines):
        ink = corpus[line].ink
        points = weights.normalisation.normalise(ink.offsets).astype(np.float64)
        expected = nats_of_line(params, weights.network, points, weights.alphabet.encode(ink.text))
        assert abs(found.nats[row] - expected) < 1e-4 * len(ink)
