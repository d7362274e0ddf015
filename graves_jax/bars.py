"""Bars that show how far something is, on standard error."""

import sys
from typing import Any

import tqdm


class Bar(tqdm.tqdm):
    """tqdm's bar, which writes at most once a second where no terminal is: a log file keeps everything."""

    def __init__(self, *args: Any, **options: Any):
        mininterval = 0.1 if sys.stderr.isatty() else 1.0
        super().__init__(*args, **({"mininterval": mininterval, "dynamic_ncols": True} | options))
