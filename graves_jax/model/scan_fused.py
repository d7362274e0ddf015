"""The two scans of scan.py with the same signature, faster, by a derivative written by hand.

Three things make the difference:
  - The input products of all T steps are one large matrix product outside the scan, but for the layer that reads the
    text, whose input w depends on the step before.
  - The scan backwards computes derivatives of pre-activations only. Each weight's gradient is ONE product over T·B at
    the end, where autodiff of a scan adds a matrix of the weight's size at every step.
  - Activated gates are kept from the way forward, so that the way back computes no sigmoid again.

Tests hold values, carries and every gradient to scan.py. Not for `jax.vmap` over a training step: it would make one
weight gradient a line. Keep the batch axis in the arrays. Nor for forward-mode derivatives (`jax.jvp`, `jax.jacfwd`,
and so `jax.hessian`): a derivative written by hand is one on the way back. `implementation="reference"` has both, where
no bound clips derivatives.
"""

import functools

import jax
import jax.numpy as jnp
from jax.experimental.layout import Layout, with_layout_constraint

from graves_jax.model import scan
from graves_jax.model import window as window_lib
from graves_jax.model.cell import Carry, Cell, LayerParams
from graves_jax.model.matmul import Precision, affine, matmul
from graves_jax.model.scan import WindowCarry, WindowParams, hold_where_masked


def scan_layer(
    cell: Cell,
    params: LayerParams,
    carry: Carry,
    x: jax.Array,
    *,
    mask: jax.Array | None = None,
    bound: float | None = None,
    precision: Precision = "float32",
) -> tuple[Carry, jax.Array]:
    """`scan.scan_layer`, faster."""
    return _layer(cell, bound, precision, params, carry, x, mask)


def scan_window_layer(
    cell: Cell,
    params: LayerParams,
    window_params: WindowParams,
    carry: WindowCarry,
    x: jax.Array,
    characters: jax.Array,
    *,
    mask: jax.Array | None = None,
    bound: float | None = None,
    precision: Precision = "float32",
) -> tuple[WindowCarry, jax.Array, jax.Array]:
    """`scan.scan_window_layer`, faster."""
    return _window_layer(cell, bound, precision, params, window_params, carry, x, characters, mask)


# --- A layer over known inputs.


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2))
def _layer(cell, bound, precision, params, carry, x, mask):
    # Where nothing is differentiated nothing needs to be kept, and the plain scan is the faster one.
    return scan.scan_layer(cell, params, carry, x, mask=mask, bound=bound, precision=precision)


def _layer_fwd(cell, bound, precision, params, carry_0, x, mask):
    # The bias is added step by step, where it costs nothing: here it would be one more pass through memory.
    x_product = matmul(x, params.input, precision)

    def step(carry, inputs):
        x_product_t, mask_t = inputs
        h_pre = matmul(carry[0], params.recurrent, precision)
        x_pre = x_product_t + jax.lax.broadcast_to_rank(params.bias, x_product_t.ndim)
        new, gates = cell.forward(params.extra, x_pre, h_pre, carry, None)
        carry = hold_where_masked(mask_t, new, carry)
        return carry, (carry, gates)

    carry, (carries, gates) = jax.lax.scan(step, carry_0, (x_product, mask))
    return (carry, carries[0]), (params, carry_0, x, mask, carries, gates)


def _layer_bwd(cell, bound, precision, residuals, cotangents):
    params, carry_0, x, mask, carries, gates = residuals
    d_carry, d_h = cotangents
    carries_tm1 = _one_step_before(carry_0, carries)
    recurrent_transposed = params.recurrent.T

    def step(d_carry, inputs):
        d_h_t, mask_t, gates_t, carry_tm1, carry_t = inputs
        d_carry = (d_carry[0] + d_h_t, *d_carry[1:])
        d_new, d_held = _split_where_masked(mask_t, d_carry)
        d_x_pre, d_direct = cell.backward(params.extra, gates_t, carry_tm1, carry_t, d_new, bound)
        d_through_h = matmul(cell.h_derivative(d_x_pre, gates_t), recurrent_transposed, precision)
        d_carry = (d_direct[0] + d_through_h, *d_direct[1:])
        return jax.tree.map(jnp.add, d_carry, d_held) if mask_t is not None else d_carry, d_x_pre

    inputs = (d_h, mask, gates, carries_tm1, carries)
    d_carry, d_x_pre = jax.lax.scan(step, d_carry, inputs, reverse=True)
    d_h_pre = cell.h_derivative(d_x_pre, gates)
    d_params = LayerParams(
        input=_weight_gradient(x, d_x_pre, precision),
        recurrent=_weight_gradient(carries_tm1[0], d_h_pre, precision),
        bias=_bias_gradient(params.bias, d_x_pre),
        extra=cell.extra_gradient(d_x_pre, gates, carries_tm1, carries),
    )
    return d_params, d_carry, matmul(d_x_pre, params.input.T, precision), None


_layer.defvjp(_layer_fwd, _layer_bwd)


# --- The layer that reads the text.


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2))
def _window_layer(cell, bound, precision, params, window_params, carry, x, characters, mask):
    return scan.scan_window_layer(
        cell, params, window_params, carry, x, characters, mask=mask, bound=bound, precision=precision
    )


def _look(window_hat, kappa_tm1, characters):
    """The window's own step, without a matrix of parameters: its derivative is left to autodiff."""
    window = window_lib.window_from_outputs(window_hat, kappa_tm1)
    return window.kappa, window_lib.attend(window, characters)


def _window_layer_fwd(cell, bound, precision, params, window_params, carry_0, x, characters, mask):
    # x has three numbers beside w's: its product is not worth an array of all steps' pre-activations.
    def step(carry, inputs):
        x_t, mask_t = inputs
        h_pre = matmul(carry.cell[0], params.recurrent, precision)
        x_and_w = jnp.concatenate([x_t, carry.w], axis=-1)
        x_pre = affine(x_and_w, params.input, params.bias, precision)
        cell_carry, gates = cell.forward(params.extra, x_pre, h_pre, carry.cell, None)
        window_hat = affine(cell_carry[0], window_params.kernel, window_params.bias, precision)
        new = WindowCarry(cell_carry, *_look(window_hat, carry.kappa, characters))
        carry = hold_where_masked(mask_t, new, carry)
        return carry, (carry, gates, window_hat)

    carry, (carries, gates, window_hat) = jax.lax.scan(step, carry_0, (x, mask))
    residuals = (params, window_params, carry_0, x, characters, mask, carries, gates, window_hat)
    return (carry, carries.cell[0], carries.w), residuals


def _window_layer_bwd(cell, bound, precision, residuals, cotangents):
    params, window_params, carry_0, x, characters, mask, carries, gates, window_hat = residuals
    d_carry, d_h, d_w = cotangents
    carries_tm1 = _one_step_before(carry_0, carries)
    _, input_w = jnp.split(params.input, [x.shape[-1]])
    input_w_transposed, recurrent_transposed = input_w.T, params.recurrent.T
    kernel_transposed = window_params.kernel.T

    def step(d_carry, inputs):
        d_h_t, d_w_t, mask_t, gates_t, window_hat_t, carry_tm1, carry_t = inputs
        d_cell = (d_carry.cell[0] + d_h_t, *d_carry.cell[1:])
        d_carry = WindowCarry(d_cell, d_carry.kappa, d_carry.w + d_w_t)
        d_new, d_held = _split_where_masked(mask_t, d_carry)
        _, look_vjp = jax.vjp(_look, window_hat_t, carry_tm1.kappa, characters)
        d_window_hat, d_kappa, _ = look_vjp((d_new.kappa, d_new.w))
        d_cell = (d_new.cell[0] + matmul(d_window_hat, kernel_transposed, precision), *d_new.cell[1:])
        d_x_pre, d_direct = cell.backward(params.extra, gates_t, carry_tm1.cell, carry_t.cell, d_cell, bound)
        d_through_h = matmul(cell.h_derivative(d_x_pre, gates_t), recurrent_transposed, precision)
        d_cell = (d_direct[0] + d_through_h, *d_direct[1:])
        d_carry = WindowCarry(d_cell, d_kappa, matmul(d_x_pre, input_w_transposed, precision))
        if mask_t is not None:
            d_carry = jax.tree.map(jnp.add, d_carry, d_held)
        return d_carry, (d_x_pre, d_window_hat, d_new.w)

    inputs = (d_h, d_w, mask, gates, window_hat, carries_tm1, carries)
    d_carry, (d_x_pre, d_window_hat, d_attended) = jax.lax.scan(step, d_carry, inputs, reverse=True)
    d_h_pre = cell.h_derivative(d_x_pre, gates)
    x_and_w = jnp.concatenate([x, carries_tm1.w], axis=-1)
    d_params = LayerParams(
        input=_weight_gradient(x_and_w, d_x_pre, precision),
        recurrent=_weight_gradient(carries_tm1.cell[0], d_h_pre, precision),
        bias=_bias_gradient(params.bias, d_x_pre),
        extra=cell.extra_gradient(d_x_pre, gates, carries_tm1.cell, carries.cell),
    )
    d_window_params = WindowParams(
        kernel=_weight_gradient(carries.cell[0], d_window_hat, precision),
        bias=jnp.sum(d_window_hat, axis=(0, 1)),
    )
    d_x = matmul(d_x_pre, params.input[: x.shape[-1]].T, precision)
    # Dead code unless somebody differentiates with respect to the text; XLA then drops it.
    window = window_lib.window_from_outputs(window_hat, carries_tm1.kappa)
    phi = window_lib.window_weights(window, characters.shape[-2])
    d_characters = jnp.einsum("tbu,tbc->buc", phi, d_attended, precision=jax.lax.Precision.HIGHEST)
    return d_params, d_window_params, d_carry, d_x, d_characters, None


_window_layer.defvjp(_window_layer_fwd, _window_layer_bwd)


# --- What both share.


def _one_step_before(carry_0, carries):
    """States s_0 .. s_{T-1} from s_0 and s_1 .. s_T."""
    return jax.tree.map(lambda s_0, s: jnp.concatenate([s_0[None], s[:-1]]), carry_0, carries)


def _split_where_masked(mask_t, d_carry):
    """A state's derivative, split into what belongs to the new state and what to the state held from before."""
    if mask_t is None:
        return d_carry, None
    d_new = jax.tree.map(lambda d: jnp.where(mask_t[:, None], d, 0), d_carry)
    d_held = jax.tree.map(lambda d: jnp.where(mask_t[:, None], 0, d), d_carry)
    return d_new, d_held


def _bias_gradient(bias, d_x_pre):
    """Σ over time, and over the lines where they share the bias. Shape [T, B, G] to that of the bias, [G] or [B, G].

    As a product with ones, which XLA's CPU backend reads several times as fast as it sums over the first axis. (A
    training step with a bias for each line took a fifth longer.)
    """
    rows = d_x_pre.reshape(-1, bias.size)
    return matmul(jnp.ones((1, len(rows)), rows.dtype), rows, "float32").reshape(bias.shape)


def _weight_gradient(inputs, d_outputs, precision):
    """Σ over time and lines of inputs ⊗ derivatives, as one matrix product. Shapes [T, B, I], [T, B, O] to [I, O]."""
    flat_inputs = inputs.reshape(-1, inputs.shape[-1])
    transposed = flat_inputs.T
    if precision == "bfloat16":
        # XLA's CPU backend multiplies in bfloat16 only what lies in order, and a transposed operand in float32 instead,
        # half as fast; a GPU takes either.
        transposed = jax.lax.platform_dependent(flat_inputs, cpu=_transposed_in_memory, default=jnp.transpose)
    return matmul(transposed, d_outputs.reshape(-1, d_outputs.shape[-1]), precision)


def _transposed_in_memory(matrix: jax.Array) -> jax.Array:
    """A transpose that is carried out, where XLA would only note it and leave the numbers where they lie."""
    return with_layout_constraint(matrix.T, Layout(major_to_minor=(0, 1)))
