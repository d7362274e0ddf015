"""What every script does with its flags, seen from outside: exit code, standard output, standard error."""

import json
import math
import os
import pathlib
import subprocess
import sys

import pytest
from absl import flags
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graves_jax.errors import InputError

REPOSITORY = pathlib.Path(__file__).parents[2]
SCRIPT = '''"""A script for tests."""
import command_line
from absl import flags
from graves_jax.errors import InputError

STEPS = flags.DEFINE_integer("num_steps", 5, "Number of steps.", lower_bound=0)
RATE = flags.DEFINE_float("rate", 0.5, "A rate.", lower_bound=0)
SEED = flags.DEFINE_integer("seed", 0, "A seed.", 0, 2**32 - 1)
NAMES = flags.DEFINE_list("names", [], "Names.")
NAME = flags.DEFINE_string("name", "none", "A name.")
DO = flags.DEFINE_string("do", "", "What to do.")


def main():
    if DO.value == "reject":
        raise InputError("Expected this,\\nfound that.")
    if DO.value == "interrupt":
        raise KeyboardInterrupt
    if DO.value == "write":
        open("/dev/full/file", "w")
    if DO.value == "fail":
        raise ZeroDivisionError("a defect")
    print("A report.")
    command_line.print_json({"num_steps": STEPS.value, "name": NAME.value})


command_line.run(main)
'''


@pytest.fixture
def script(tmp_path):
    """A function that runs SCRIPT with arguments, in a folder of its own."""
    (tmp_path / "script.py").write_text(SCRIPT)

    def run(*arguments):
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "experiments")])}
        command = [sys.executable, "script.py", *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    return run


def report(result):
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


def complaint(result):
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.stderr
    return result.stderr.strip()


def test_flags_and_the_last_line_of_output(script):
    assert report(script()) == {"num_steps": 5, "name": "none"}
    assert report(script("--num_steps=7", "--name=Jön")) == {"num_steps": 7, "name": "Jön"}


def test_bad_input_is_one_sentence(script):
    assert complaint(script("--do=reject")) == "error: Expected this, found that."
    assert complaint(script("--num_step=3")) == "error: Unknown flag --num_step, did you mean --num_steps?"
    assert complaint(script("--zzz")) == "error: Unknown flag --zzz, --help lists the known ones."
    assert "--num_steps=many: invalid literal" in complaint(script("--num_steps=many"))
    assert "--num_steps=-1" in complaint(script("--num_steps=-1"))
    assert "num_steps" in complaint(script("--num_steps"))
    assert complaint(script("stray")) == "error: Expected flags that begin with --, found 'stray'."


def test_numbers_out_of_any_range(script):
    assert "--rate to be a finite number, found nan" in complaint(script("--rate=nan"))
    assert "--rate to be a finite number, found inf" in complaint(script("--rate=1e999"))
    assert "--num_steps of at most 2,147,483,647" in complaint(script("--num_steps=2147483648"))
    assert "seed" in complaint(script("--seed=4294967296"))
    assert report(script("--seed=4294967295", "--num_steps=2147483647"))["num_steps"] == 2_147_483_647


def test_a_fault_of_the_file_system_is_one_sentence(script):
    assert complaint(script("--do=write")) == "error: Reading or writing at /dev/full/file failed: Not a directory."


def test_a_value_that_no_encoding_has_is_reported(script):
    assert report(script(b"--name=\xff"))["name"] == "\udcff"


def test_a_sentence_is_short_whatever_it_quotes(script):
    for argument in (f"--num_steps={'9' * 50_000}", f"--{'x' * 50_000}=1", "y" * 50_000, f"--flagfile={'z' * 50_000}"):
        assert len(complaint(script(argument))) < 1_100


def test_interrupt_and_defect(script):
    interrupted = script("--do=interrupt")
    assert (interrupted.returncode, interrupted.stdout, interrupted.stderr) == (130, "", "")
    failed = script("--do=fail")
    assert failed.returncode == 1
    assert "ZeroDivisionError: a defect" in failed.stderr


def test_help_lists_docstring_and_flags(script):
    result = script("--help")
    assert result.returncode == 0
    assert result.stdout.startswith("A script for tests.")
    assert "Number of steps." in result.stdout


def test_flagfile(script, tmp_path):
    (tmp_path / "some.flags").write_text("# a comment\n\n--num_steps=9\n  --name=from file\n")
    assert report(script("--flagfile=some.flags")) == {"num_steps": 9, "name": "from file"}
    assert report(script("--flagfile", "some.flags", "--name=x")) == {"num_steps": 9, "name": "x"}
    assert report(script("--name=x", "--flagfile=some.flags"))["name"] == "x", "the command line wins in any order"


def test_flagfiles_in_flagfiles(script, tmp_path):
    (tmp_path / "inner.flags").write_text("--num_steps=1\n--name=inner\n")
    (tmp_path / "outer.flags").write_text("--name=outer\n--flagfile=inner.flags\n")
    assert report(script("--flagfile=outer.flags")) == {"num_steps": 1, "name": "outer"}
    (tmp_path / "inner.flags").write_text("--flagfile=outer.flags\n")
    assert "names itself" in complaint(script("--flagfile=outer.flags"))


def test_flagfiles_that_name_more_and_more_of_each_other(script, tmp_path):
    for number in range(9):
        (tmp_path / f"{number}.flags").write_text(f"--flagfile={number + 1}.flags\n" * 10)
    (tmp_path / "9.flags").write_text("")
    assert complaint(script("--flagfile=0.flags")) == "error: Expected at most 100 flagfiles, found more."


def test_flagfile_with_a_nul_character(script, tmp_path):
    (tmp_path / "nul.flags").write_bytes(b"--name=a\0b\n")
    assert "NUL" in complaint(script("--flagfile=nul.flags"))


def test_flagfile_is_looked_up_in_the_flags_folder(script):
    shipped = sorted(path.name for path in (REPOSITORY / "experiments" / "flags").glob("*.flags"))
    message = complaint(script("--flagfile=nowhere.flags"))
    assert "'nowhere.flags'" in message
    assert all(name in message for name in shipped)
    assert shipped
    # It is found; this script does not know what it says.
    assert "flagfile" not in complaint(script(f"--flagfile={shipped[0]}"))


def test_missing_flagfile_name(script):
    assert "Expected a flagfile, found ''" in complaint(script("--flagfile="))
    assert "Expected a flagfile, found ''" in complaint(script("--flagfile"))


def test_flagfile_that_is_no_text(script, tmp_path):
    (tmp_path / "binary.flags").write_bytes(b"\xff\xfe\x00")
    assert "binary.flags" in complaint(script("--flagfile=binary.flags"))


@pytest.fixture
def parse(script, monkeypatch):
    """Reads the flags of SCRIPT in this process; gives their values."""
    monkeypatch.syspath_prepend(str(REPOSITORY / "experiments"))
    import command_line

    values = flags.FlagValues()
    monkeypatch.setattr(flags, "FLAGS", values)
    flags.DEFINE_integer("num_steps", 5, "", lower_bound=0, flag_values=values)
    flags.DEFINE_integer("seed", 0, "", 0, 2**32 - 1, flag_values=values)
    flags.DEFINE_float("rate", 0.5, "", lower_bound=0, flag_values=values)
    flags.DEFINE_enum("kind", "a", ["a", "b"], "", flag_values=values)
    flags.DEFINE_list("names", [], "", flag_values=values)
    flags.DEFINE_bool("on", False, "", flag_values=values)

    def parse_arguments(arguments):
        for name in values:
            values[name].unparse()
        command_line.parse_flags(["script", *arguments])
        return values

    return parse_arguments


WORDS = (
    st.text(max_size=8) | st.floats().map(str) | st.integers().map(str) | st.sampled_from(["a", "true", "2147483648"])
)


@settings(
    max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.tuples(st.sampled_from(["num_steps", "seed", "rate", "kind", "names", "on", "or"]), WORDS), max_size=3)
)
def test_any_flags_are_in_their_range_or_refused(parse, arguments):
    try:
        values = parse([f"--{name}={word}" for name, word in arguments])
    except InputError as error:
        assert arguments and str(error).endswith((".", "?"))
        return
    assert 0 <= values.num_steps < 2**31 and 0 <= values.seed < 2**32
    assert 0 <= values.rate < math.inf and values.kind in ("a", "b") and values.on in (True, False)
    assert all(isinstance(name, str) for name in values.names)


@pytest.mark.skipif(not hasattr(os, "confstr"), reason="no C library to ask")
@pytest.mark.parametrize("setting", [None, "", "glibc.malloc.check=0"])
def test_huge_pages_start_the_process_anew_once_and_only_where_nothing_is_set(tmp_path, setting):
    """The new process has the number, the flags of Python and the arguments of the old one."""
    code = (
        "import os, sys, command_line; print(os.getpid(), flush=True); command_line.use_huge_pages(); "
        "print(os.environ.get('GLIBC_TUNABLES'), sys.flags.dont_write_bytecode, sys.argv[1:])"
    )
    environment = {name: value for name, value in os.environ.items() if name != "GLIBC_TUNABLES"}
    environment |= {"PYTHONPATH": os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "experiments")])}
    environment |= {} if setting is None else {"GLIBC_TUNABLES": setting}
    command = [sys.executable, "-B", "-c", code, "--a b", "c"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    *numbers, last = done.stdout.splitlines()
    anew = setting is None and "CS_GNU_LIBC_VERSION" in os.confstr_names
    expected = "glibc.malloc.hugetlb=1" if anew else setting
    assert last == f"{expected} 1 ['--a b', 'c']"
    assert len(numbers) == (2 if anew else 1) and len(set(numbers)) == 1
