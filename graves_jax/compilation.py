"""Compiled programs are kept from one process to the next."""

import os
import pathlib


def use_compilation_cache(folder: str | os.PathLike | None = None) -> None:
    """Keeps compiled programs on disk, so that the next process starts fast. Call it before the first computation.

    Args:
      folder: None is what JAX_COMPILATION_CACHE_DIR names, or graves_jax/jax in the user's cache folder; where the
        variable is empty nothing is kept.
    """
    import jax

    if folder is not None:
        jax.config.update("jax_compilation_cache_dir", os.fspath(folder))
    elif "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
        jax.config.update("jax_compilation_cache_dir", str(cache / "graves_jax" / "jax"))
    # The small programs too: writing a line takes two dozen of them, a third of a second in all.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
