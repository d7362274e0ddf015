"""What all scripts share: flags, flagfiles, one sentence for bad input, and the JSON on the last line of output.

if __name__ == "__main__":
    command_line.run(main)
"""

import difflib
import io
import itertools
import json
import logging
import math
import os
import pathlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

from absl import flags
from absl import logging as absl_logging

from graves_jax.compilation import use_compilation_cache as use_compilation_cache
from graves_jax.errors import InputError
from graves_jax.files import is_file

# Where a flagfile is looked for that is not found from the current folder: the scripts say where theirs are.
FLAGFILES: pathlib.Path | None = None
BAD_INPUT_EXIT_CODE = 2
INTERRUPTED_EXIT_CODE = 130
# Flagfiles that name others can multiply without end.
MAX_FLAGFILES = 100
# For whole numbers whose flag has no bound of its own: more does not fit into the arrays that they end in.
MAX_WHOLE_NUMBER = 2**31 - 1
# Of a flag.
MAX_NAME = 100
# A sentence quotes what it found, which may be very long. One that lists all characters of a text that cannot be
# written is as long as it has to be, and bounds itself.
MAX_QUOTE, MAX_SENTENCE = 1_000, 4_000
_STARTED_ANEW = "started_with_huge_pages"
_HELP = {"--help", "-help", "-h", "--helpshort", "--helpfull"}


def run(main: Callable[[], None]) -> NoReturn:
    """Reads the flags, calls `main` and leaves.

    The exit code is 0; 2 after bad input (a wrong flag, an `InputError`, or a fault of the file system), with one
    sentence on standard error; 130 after Ctrl-C. Anything else that is raised is a defect and keeps its traceback.
    Logs go to standard error.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A file name may hold what no encoding has; in JSON the escape that stands for it is understood.
        sys.stdout.reconfigure(errors="backslashreplace")
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    # JAX tells at this level which kinds of device it did not find.
    logging.getLogger("jax").setLevel(logging.WARNING)
    if _HELP & set(sys.argv[1:]):
        print(_help(main.__module__))
        sys.exit(0)
    try:
        parse_flags(sys.argv)
        # Orbax tells by these how it reads a checkpoint, and a fault of the disk with pages of tracebacks before it
        # raises it: the exception says enough.
        absl_logging.set_verbosity(absl_logging.FATAL)
        main()
    except InputError as error:
        print(f"error: {one_line(error, MAX_SENTENCE)}", file=sys.stderr)
        sys.exit(BAD_INPUT_EXIT_CODE)
    except OSError as error:
        place = "" if error.filename is None else f" at {one_line(error.filename)}"
        print(f"error: Reading or writing{place} failed: {error.strerror or one_line(error)}.", file=sys.stderr)
        sys.exit(BAD_INPUT_EXIT_CODE)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED_EXIT_CODE)
    sys.exit(0)


def parse_flags(argv: Sequence[str]) -> None:
    """Fills `flags.FLAGS`. What stands on the command line wins over what stands in a flagfile, wherever either is.

    Raises:
      InputError: a flag is unknown or has a wrong value, a flagfile is missing, or something is no flag at all.
    """
    from_files, from_command_line = expand_flagfiles(argv[1:])
    for argument in (*from_files, *from_command_line):
        _check_argument(argument)
    try:
        rest = flags.FLAGS([argv[0], *from_files, *from_command_line])
    except flags.UnrecognizedFlagError as error:
        raise InputError(_unknown_flag(error.flagname)) from None
    except (flags.Error, ValueError) as error:
        raise InputError(f"Wrong flag: {one_line(error).rstrip('.')}.") from None
    if len(rest) > 1:
        raise InputError(f"Expected flags that begin with --, found {rest[1]!r:.200}.")
    for name in flags.FLAGS:
        _check_number(flags.FLAGS[name])


def _check_argument(argument: str) -> None:
    """What absl cannot take: a NUL character, and a name so long that its search for similar ones does not end."""
    name = argument.partition("=")[0].lstrip("-")
    if argument.startswith("-") and len(name) > MAX_NAME:
        raise InputError(_unknown_flag(name))
    if "\0" in argument:
        raise InputError(f"Expected flags that are text, found a NUL character in --{name}.")


def _check_number(flag: flags.Flag) -> None:
    """What absl does not look at: numbers that are not finite, and whole ones of any size."""
    if isinstance(flag.value, float) and not math.isfinite(flag.value):
        raise InputError(f"Expected --{flag.name} to be a finite number, found {flag.value}.")
    bounded = getattr(flag.parser, "upper_bound", None) is not None
    if isinstance(flag.value, int) and not bounded and abs(flag.value) > MAX_WHOLE_NUMBER:
        raise InputError(f"Expected --{flag.name} of at most {MAX_WHOLE_NUMBER:,}, found a larger number.")


def expand_flagfiles(
    arguments: Sequence[str], inside: tuple[pathlib.Path, ...] = (), numbers: Iterator[int] | None = None
) -> tuple[list[str], list[str]]:
    """Splits arguments into the content of the flagfiles that they name and those that are given directly.

    A flagfile has one flag per line; blank lines and those that begin with # are passed over. It may name another.

    Args:
      arguments: the command line without the script's name.
      inside: the flagfiles that are being read, outermost first.
      numbers: counts the flagfiles.
    Raises:
      InputError: a flagfile is missing or names itself, or there are too many.
    """
    from_files, direct = [], []
    numbers = itertools.count(1) if numbers is None else numbers
    remaining = list(arguments)
    while remaining:
        argument = remaining.pop(0)
        name, equals, value = argument.partition("=")
        if name not in ("--flagfile", "-flagfile"):
            direct.append(argument)
            continue
        path = find_flagfile(value if equals else "".join(remaining[:1]))
        if path in inside:
            raise InputError(f"The flagfile {path} names itself.")
        if next(numbers) > MAX_FLAGFILES:
            raise InputError(f"Expected at most {MAX_FLAGFILES} flagfiles, found more.")
        del remaining[: 0 if equals else 1]
        nested, own = expand_flagfiles(_flagfile_lines(path), (*inside, path), numbers)
        from_files += nested + own
    return from_files, direct


def find_flagfile(name: str) -> pathlib.Path:
    """The flagfile as seen from the current folder, or else the one of that name in `FLAGFILES`.

    Raises:
      InputError: it is in neither.
    """
    for path in (pathlib.Path(name), *([] if FLAGFILES is None else [FLAGFILES / name])):
        if is_file(path):
            return path.resolve()
    if FLAGFILES is None:
        raise InputError(f"Expected a flagfile, found no file {name!r:.200}.")
    known = ", ".join(sorted(path.name for path in FLAGFILES.glob("*.flags")))
    raise InputError(
        f"Expected a flagfile, found {name!r:.200} neither here nor in {FLAGFILES}, which has: {known or 'none'}."
    )


def _flagfile_lines(path: pathlib.Path) -> list[str]:
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError):
        raise InputError(f"Expected a flagfile with one flag per line, found no text in {path}.") from None
    return [line for line in lines if line and not line.startswith("#")]


def use_huge_pages() -> None:
    """Starts this process anew with memory in pages of 2 MB, where Linux and its C library can give them.

    An update of the weights on a CPU asks for some hundred MB and gives them back; handed out in pages of 4 KB they
    cost a tenth of its time. Writing a few lines gains nothing by it. The C library reads the setting when a process
    starts, and then only. GLIBC_TUNABLES in the environment, whatever it says, leaves all as it is.
    """
    has_setting = "CS_GNU_LIBC_VERSION" in getattr(os, "confstr_names", {})
    # The interpreter's own option tells a process that it is the new one, should the setting have been taken from it.
    is_new = _STARTED_ANEW in sys._xoptions
    if not has_setting or is_new or "GLIBC_TUNABLES" in os.environ or "IPython" in sys.modules or not sys.executable:
        return
    os.environ["GLIBC_TUNABLES"] = "glibc.malloc.hugetlb=1"
    os.execv(sys.executable, [sys.executable, "-X", _STARTED_ANEW, *sys.orig_argv[1:]])


def numbers(name: str, values: Sequence[str]) -> tuple[float, ...]:
    """The numbers of a list flag.

    Raises:
      InputError: one is none.
    """
    try:
        return tuple(float(value) for value in values)
    except ValueError:
        raise InputError(f"Expected --{name} to be numbers apart by commas, found {','.join(values)!r:.100}.") from None


def counts(name: str, values: Sequence[str]) -> list[int]:
    """The whole numbers of a list flag.

    Raises:
      InputError: there is none, or one is no whole number from 1 to 1,000.
    """
    if not values or not all(value.strip().isdecimal() and 0 < int(value) <= 1_000 for value in values):
        raise InputError(f"Expected --{name} to be numbers from 1 to 1,000, found {','.join(values)!r:.100}.")
    return [int(value) for value in values]


def resemblances(values: Sequence[str]) -> dict[str, str]:
    """Flags such as ä=a or œ=oe: for each new character the known ones that it looks like.

    Raises:
      InputError: a value has another form.
    """
    for value in values:
        if len(value) < 3 or value[1] != "=":
            raise InputError(f"Expected --resembles to be a new character, = and known ones, found {value!r:.40}.")
    return {value[0]: value[2:] for value in values}


def one_line(words: object, most: int = MAX_QUOTE) -> str:
    """What an error says, on one line of a length that can be read."""
    return " ".join(str(words).split())[:most]


def print_json(report: dict[str, Any]) -> None:
    """Prints the machine's report, the last line of standard output."""
    print(json.dumps(report, ensure_ascii=False), flush=True)


def _unknown_flag(name: str) -> str:
    name = name[:MAX_NAME]
    close = difflib.get_close_matches(name, list(flags.FLAGS), n=3)
    hint = (
        f", did you mean {' or '.join(f'--{flag}' for flag in close)}?" if close else ", --help lists the known ones."
    )
    return f"Unknown flag --{name}{hint}"


def _help(module: str) -> str:
    """What a command does and its flags with their defaults, those that it shares with other commands among them."""
    shown = flags.FLAGS.main_module_help() if module == "__main__" else flags.FLAGS.module_help(module)
    return f"{(sys.modules[module].__doc__ or '').strip()}\n\nFlags:\n{shown}"
