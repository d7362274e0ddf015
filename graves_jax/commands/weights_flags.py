"""Flags that choose weights: those of a training run, or those that ship."""

from absl import flags

from graves_jax.errors import InputError

CHECKPOINT = flags.DEFINE_string("checkpoint", None, "Workdir of a training run, or one checkpoint in it.")
WEIGHTS = flags.DEFINE_string("weights", None, "Name of weights that ship with the package; iam where none is named.")


def check() -> None:
    """Raises InputError where both are given."""
    if CHECKPOINT.value is not None and WEIGHTS.value is not None:
        raise InputError("Expected one of --checkpoint and --weights, found both.")


def shipped_name() -> str:
    """The name of --weights, or that of the default ones."""
    from graves_jax.pretrained import default_name

    return WEIGHTS.value or default_name()


def load_weights(style: str | None = None):
    """The weights of --checkpoint or --weights, or where neither is given the style's own, or else the default ones.

    Raises:
      InputError: both are given, or there are none such.
    """
    # JAX takes a second to import: a wrong flag is told without it.
    from graves_jax.api import load
    from graves_jax.sampling.hands import own_weights

    check()
    own = own_weights(style) if CHECKPOINT.value is None and WEIGHTS.value is None else None
    return own or load(WEIGHTS.value, checkpoint=CHECKPOINT.value)
