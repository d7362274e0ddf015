"""The mixture's densities against SciPy's and the paper's formulas, their extremes, and draws against the densities."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats
from jax.test_util import check_grads

from graves_jax.model import mixture as mixture_lib

# Compiled once for each shape and precision: operation by operation the tests would take minutes.
mixture_of = jax.jit(mixture_lib.mixture_from_outputs, static_argnames="sigma_floor")
component_log_density = jax.jit(mixture_lib.component_log_density)
log_density = jax.jit(mixture_lib.log_density)
log_probability = jax.jit(mixture_lib.log_probability)
draw = jax.jit(mixture_lib.draw)
density_and_gradient = jax.jit(jax.value_and_grad(mixture_lib.log_density))


def random_outputs(seed, leading=(), num_components=3, scale=0.7):
    rng = np.random.default_rng(seed)
    return rng.normal(scale=scale, size=(*leading, 1 + 6 * num_components))


def split_outputs(y_hat):
    """The raw numbers of one ŷ under the paper's names, by counting and not by the code's slices."""
    m = (len(y_hat) - 1) // 6
    numbers = iter(np.asarray(y_hat, np.float64))
    end_logit = next(numbers)
    pi_hat = np.array([next(numbers) for _ in range(m)])
    mu_hat, sigma_hat = (np.array([[next(numbers), next(numbers)] for _ in range(m)]) for _ in range(2))
    return end_logit, pi_hat, mu_hat, sigma_hat, np.array(list(numbers))


def scipy_density(y_hat, x):
    """p(x) of one ŷ at points [N, 2]."""
    _, pi_hat, mu, sigma_hat, rho_hat = split_outputs(y_hat)
    pi, sigma, rho = scipy.special.softmax(pi_hat), np.exp(sigma_hat), np.tanh(rho_hat)
    density = 0.0
    for j in range(len(pi)):
        covariance = rho[j] * sigma[j, 0] * sigma[j, 1]
        matrix = [[sigma[j, 0] ** 2, covariance], [covariance, sigma[j, 1] ** 2]]
        density = density + pi[j] * scipy.stats.multivariate_normal(mu[j], matrix).pdf(x)
    return density


def single(mu=(0.0, 0.0), sigma=(1.0, 1.0), rho_hat=0.0, end_logit=0.0):
    """One component with given parameters."""
    return mixture_of(jnp.array(np.array([end_logit, 0.0, *mu, *np.log(sigma), rho_hat])))


@pytest.mark.parametrize("num_components", [1, 4])
def test_density_is_scipys(float64, num_components):
    y_hat = random_outputs(num_components, num_components=num_components)
    x = np.random.default_rng(0).normal(scale=2, size=(50, 2))
    found = log_density(mixture_of(jnp.array(y_hat)[None]), jnp.array(x))
    np.testing.assert_allclose(found, np.log(scipy_density(y_hat, x)), rtol=1e-10)


def test_component_density_is_equations_24_and_25(float64):
    y_hat, x = random_outputs(5), np.array([0.4, -1.3])
    _, _, mu, sigma_hat, rho_hat = split_outputs(y_hat)
    expected = []
    for (mu_1, mu_2), (s_1, s_2), rho in zip(mu, np.exp(sigma_hat), np.tanh(rho_hat), strict=True):
        a, b = (x[0] - mu_1) / s_1, (x[1] - mu_2) / s_2
        z = a**2 + b**2 - 2 * rho * a * b
        expected.append(np.exp(-z / (2 * (1 - rho**2))) / (2 * np.pi * s_1 * s_2 * np.sqrt(1 - rho**2)))
    found = component_log_density(mixture_of(jnp.array(y_hat)), jnp.array(x))
    np.testing.assert_allclose(found, np.log(expected), rtol=1e-12)


def test_density_integrates_to_one(float64):
    mixture = mixture_of(jnp.array(random_outputs(2, scale=0.5)))
    axis = jnp.linspace(-25, 25, 801)
    grid = jnp.stack(jnp.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    mixture = jax.tree.map(lambda field: field[None], mixture)
    integral = jnp.sum(jnp.exp(log_density(mixture, grid))) * (axis[1] - axis[0]) ** 2
    np.testing.assert_allclose(integral, 1, atol=1e-9)


def test_point_adds_the_bernoulli_of_its_lift(float64):
    mixture = single(sigma=(2.0, 0.5), end_logit=0.3)
    probability = 1 / (1 + np.exp(-0.3))
    np.testing.assert_allclose(mixture.end_probability, probability, rtol=1e-12)
    offset = jnp.array([0.1, 0.2])
    for bit, expected in ((1.0, probability), (0.0, 1 - probability)):
        found = log_probability(mixture, jnp.array([*offset, bit]))
        np.testing.assert_allclose(found, log_density(mixture, offset) + np.log(expected), rtol=1e-12)


def test_certain_lifts_cost_their_logit():
    for logit, bit in ((200.0, 0.0), (-200.0, 1.0)):
        mixture = single(end_logit=logit)
        found = log_probability(mixture, jnp.array([0.0, 0.0, bit]))
        np.testing.assert_allclose(found - log_density(mixture, jnp.zeros(2)), -200, rtol=1e-5)


def test_shift_and_stretch_move_the_density_with_them(float64):
    """p(s x + d) of the stretched and shifted mixture is p(x) / |s|, axis by axis."""
    mixture = mixture_of(jnp.array(random_outputs(7)))
    x, shift, stretch = jnp.array([0.3, 1.1]), jnp.array([5.0, -2.0]), jnp.array([3.0, 0.2])
    moved = mixture._replace(
        mu=mixture.mu * stretch[None] + shift[None], log_sigma=mixture.log_sigma + jnp.log(stretch)[None]
    )
    found = log_density(moved, x * stretch + shift)
    np.testing.assert_allclose(found, log_density(mixture, x) - np.log(3.0 * 0.2), rtol=1e-10)


def test_mirror_turns_the_correlations_sign(float64):
    mixture = mixture_of(jnp.array(random_outputs(8)))
    mirror = jnp.array([-1.0, 1.0])
    mirrored = mixture._replace(mu=mixture.mu * mirror[None], rho_hat=-mixture.rho_hat)
    x = jnp.array([0.8, -0.4])
    found = log_density(mirrored, x * mirror)
    np.testing.assert_allclose(found, log_density(mixture, x), rtol=1e-12)


def test_component_may_be_split_in_two(float64):
    """A component twice at half its weight is the same mixture."""
    mixture = mixture_of(jnp.array(random_outputs(9)))
    twice = jax.tree.map(lambda field: jnp.concatenate([field, field]), mixture._replace(end_logit=jnp.zeros(1)))
    twice = twice._replace(log_pi=twice.log_pi - np.log(2), end_logit=mixture.end_logit)
    x = jnp.array([0.5, 0.5])
    np.testing.assert_allclose(log_density(twice, x), log_density(mixture, x), rtol=1e-12)


def test_derivatives_are_numeric_ones(float64):
    y_hat, point = jnp.array(random_outputs(3)), jnp.array([0.7, -0.2, 1.0])

    def nats(y_hat, x):
        mixture = mixture_of(y_hat, bias=0.3, sigma_floor=0.05)
        return log_probability(mixture, jnp.concatenate([x, point[2:]]))

    check_grads(nats, (y_hat, point[:2]), order=1, modes=["rev"], rtol=1e-6)


@pytest.mark.parametrize("distance", [200.0, 1e4])
def test_outliers_cost_many_nats_but_stay_finite(distance):
    def nats(y_hat, point):
        return log_probability(mixture_of(y_hat), point)

    y_hat, point = jnp.zeros(1 + 6 * 3), jnp.array([distance, 0.0, 0.0])
    value, gradients = jax.jit(jax.value_and_grad(nats, argnums=(0, 1)))(y_hat, point)
    np.testing.assert_allclose(value, -0.5 * distance**2 - np.log(4 * np.pi), rtol=1e-6)
    for gradient in gradients:
        assert np.isfinite(gradient).all()
    np.testing.assert_allclose(gradients[1][0], -distance, rtol=1e-5)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("along", "across"), [(0.0, 0.0), (1.5, 0.0), (0.0, 1e-9), (0.0, -3e-9)])
def test_correlations_next_to_one_keep_their_precision(sign, along, across):
    """Along its two diagonals the component is a product of normals whose variances 1 ± ρ follow from ρ̂ = 20 without
    the cancellation that would leave 1 - tanh 20 = 0 in float32. (Their sum would leave `across` to the rounding of
    `along`, so one of the two is 0.)"""
    x = jnp.array([along + across, sign * (along - across)]) / np.sqrt(2)
    deviations = np.sqrt(2 / (1 + np.exp([-40.0, 40.0])))
    expected = scipy.stats.norm.logpdf([along, across], scale=deviations).sum()
    value, gradient = density_and_gradient(single(rho_hat=sign * 20.0), x)
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    assert all(np.isfinite(field).all() for field in gradient)


def test_far_point_across_a_narrow_component_stays_finite():
    value, gradient = jax.value_and_grad(mixture_lib.log_density)(single(rho_hat=20.0), jnp.array([1.0, -1.0]))
    np.testing.assert_allclose(value, -0.25 * 4 * np.exp(40.0) / 2, rtol=1e-4)
    assert all(np.isfinite(field).all() for field in gradient)


@pytest.mark.parametrize("rho_hat", [0.0, 9.0, 20.0, 45.0, 1e3, 3e38])
@pytest.mark.parametrize("direction", [(1, 1), (1, -1), (1, 0), (0, 0), (1, 1 + 1e-6)])
def test_extreme_correlations_stay_finite_at_ten_thousand_deviations(rho_hat, direction):
    for sign, sigma in ((1, 1.0), (-1, 1.0), (1, 1e-3), (-1, 50.0)):
        mixture = single(sigma=(sigma, sigma), rho_hat=sign * rho_hat)
        x = 1e4 * sigma * jnp.array(direction, jnp.float32)
        value, gradient = density_and_gradient(mixture, x)
        assert np.isfinite(value)
        assert all(np.isfinite(field).all() for field in gradient)
        bounded = single(sigma=(sigma, sigma), rho_hat=sign * min(rho_hat, mixture_lib.MAX_RHO_HAT))
        assert value == log_density(bounded, x)


def test_outputs_that_are_no_numbers_are_not_hidden():
    for place in range(7):
        y_hat = jnp.zeros(7).at[place].set(jnp.nan)
        assert np.isnan(log_probability(mixture_of(y_hat), jnp.array([0.3, 0.4, 1.0])))


@pytest.mark.parametrize("bias", [0.0, 0.5, 3.0])
def test_bias_is_equations_61_and_62(float64, bias):
    y_hat = random_outputs(11)
    end_logit, pi_hat, mu_hat, sigma_hat, rho_hat = split_outputs(y_hat)
    mixture = mixture_of(jnp.array(y_hat), bias=bias, sigma_floor=0.0)
    powers = np.exp(pi_hat) ** (1 + bias)
    np.testing.assert_allclose(mixture.pi, powers / powers.sum(), rtol=1e-12)
    np.testing.assert_allclose(mixture.sigma, np.exp(sigma_hat - bias), rtol=1e-12)
    np.testing.assert_allclose(mixture.mu, mu_hat, rtol=1e-12)
    np.testing.assert_allclose(mixture.rho, np.tanh(rho_hat), rtol=1e-12)
    np.testing.assert_allclose(mixture.end_logit, end_logit, rtol=1e-12)


def test_floor_is_added_to_every_deviation(float64):
    y_hat = random_outputs(12)
    floored, plain = (mixture_of(jnp.array(y_hat), bias=1.5, sigma_floor=floor) for floor in (0.1, 0.0))
    np.testing.assert_allclose(floored.sigma, plain.sigma + 0.1, rtol=1e-12)
    tiny = jnp.array(y_hat).at[10:16].set(-80.0)
    np.testing.assert_allclose(mixture_of(tiny, sigma_floor=0.1).sigma, 0.1, rtol=1e-12)


def test_each_line_of_a_batch_may_have_its_own_bias():
    y_hat, bias = jnp.array(random_outputs(13, (4,))), jnp.array([0.0, 0.5, 1.0, 5.0])
    together = mixture_of(y_hat, bias=bias)
    for row in range(4):
        alone = mixture_of(y_hat[row], bias=float(bias[row]))
        for found, expected in zip(together, alone, strict=True):
            np.testing.assert_allclose(found[row], expected, rtol=1e-6)


def test_leading_axes_and_vmap_equal_one_at_a_time():
    leading, rng = (2, 3), np.random.default_rng(1)
    y_hat, points = jnp.array(random_outputs(1, leading)), rng.normal(size=(*leading, 3))
    points[..., 2] = points[..., 2] > 0

    @jax.jit
    def one(y_hat, point):
        return log_probability(mixture_of(y_hat, bias=0.2), point)

    together = one(y_hat, points)
    assert together.shape == leading
    np.testing.assert_allclose(jax.vmap(jax.vmap(one))(y_hat, points), together, rtol=1e-5)
    for index in np.ndindex(leading):
        np.testing.assert_allclose(together[index], one(y_hat[index], points[index]), rtol=1e-5)


@pytest.mark.parametrize("width", [1, 6, 8])
def test_width_that_is_no_mixtures_is_refused(width):
    with pytest.raises(ValueError, match=f"1 \\+ 6M with M at least 1, found width {width}"):
        mixture_lib.mixture_from_outputs(jnp.zeros(width))


def test_width_of_the_papers_outputs():
    assert mixture_lib.num_outputs(20) == 121
    assert mixture_of(jnp.zeros(121)).mu.shape == (20, 2)


def test_mean_offset_is_the_weighted_sum_of_means():
    y_hat = random_outputs(4, (2,))
    found = mixture_lib.mean_offset(mixture_of(jnp.array(y_hat)))
    for row in range(2):
        _, pi_hat, mu, _, _ = split_outputs(y_hat[row])
        expected = sum(p * m for p, m in zip(scipy.special.softmax(pi_hat), mu, strict=True))
        np.testing.assert_allclose(found[row], expected, rtol=1e-5, atol=1e-6)


# --- Drawing. Tolerances are five standard errors of the estimate, for seeds that are fixed.

NUM_DRAWS = 20_000
CENTRES = np.array([[-50.0, 0.0], [0.0, 30.0], [60.0, -20.0]])
SIGMAS = np.array([[1.0, 3.0], [0.5, 0.5], [4.0, 2.0]])
RHO_HATS = np.array([0.0, 1.2, -0.7])
WEIGHTS = np.array([0.2, 0.5, 0.3])


@pytest.fixture(scope="module")
def draws():
    """Many points from three components so far apart that each point tells which one it came from."""
    y_hat = jnp.array([-1.0, *np.log(WEIGHTS), *CENTRES.ravel(), *np.log(SIGMAS).ravel(), *RHO_HATS])
    mixture = mixture_of(y_hat)
    keys = jax.random.split(jax.random.key(3), NUM_DRAWS)
    points = np.asarray(jax.jit(jax.vmap(mixture_lib.draw, in_axes=(0, None)))(keys, mixture), np.float64)
    distances = np.linalg.norm(points[:, None, :2] - CENTRES, axis=-1)
    return points, np.argmin(distances, axis=1)


def test_components_are_drawn_as_often_as_they_weigh(draws):
    _, component = draws
    frequency = np.bincount(component, minlength=3) / NUM_DRAWS
    assert (abs(frequency - WEIGHTS) < 5 * np.sqrt(WEIGHTS * (1 - WEIGHTS) / NUM_DRAWS)).all()


@pytest.mark.parametrize("j", [0, 1, 2])
def test_offsets_have_their_components_moments(draws, j):
    points, component = draws
    scaled = (points[component == j, :2] - CENTRES[j]) / SIGMAS[j]
    error = 5 / np.sqrt(len(scaled))
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=error)
    np.testing.assert_allclose(scaled.std(axis=0), 1, atol=error / np.sqrt(2))
    rho = np.tanh(RHO_HATS[j])
    np.testing.assert_allclose(np.corrcoef(scaled.T)[0, 1], rho, atol=error * (1 - rho**2))
    # Not the first two moments only: the squared distance of a bivariate normal is exponential.
    squared = (scaled[:, 0] ** 2 + scaled[:, 1] ** 2 - 2 * rho * scaled[:, 0] * scaled[:, 1]) / (1 - rho**2)
    assert scipy.stats.kstest(squared, scipy.stats.expon(scale=2).cdf).pvalue > 1e-4


def test_pen_lifts_as_often_as_its_logit_says(draws):
    points, component = draws
    assert set(points[:, 2]) == {0.0, 1.0}
    probability = 1 / (1 + np.e)
    for chosen in (points, points[component == 0]):
        error = np.sqrt(probability * (1 - probability) / len(chosen))
        assert abs(chosen[:, 2].mean() - probability) < 5 * error


def test_one_key_draws_every_row_anew():
    mixture = mixture_of(jnp.zeros((4, 3, 7)))
    points = draw(jax.random.key(0), mixture)
    assert points.shape == (4, 3, 3)
    assert len(np.unique(points[..., 0])) == 12


def test_draw_at_a_correlation_next_to_one_stays_on_the_diagonal():
    point = draw(jax.random.key(1), single(sigma=(2.0, 3.0), rho_hat=100.0))
    np.testing.assert_allclose(point[0] / 2, point[1] / 3, rtol=1e-6)
