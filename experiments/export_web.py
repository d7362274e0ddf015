"""Puts the page that writes in the browser together with weights.

    python experiments/export_web.py --weights=hershey --output=page                  a folder for any web server
    python experiments/export_web.py --output=page --single_file                      one file that opens from disk
    python experiments/export_web.py --checkpoint=run --output=page --dtype=int8      half the size, another ink

    cd page && python -m http.server                                                  then open localhost:8000

The page computes in the browser and needs nothing else. A report goes to standard output, and on its last line the same
as JSON.
"""

import pathlib
from typing import cast

import command_line
from absl import flags

from graves_jax.commands import weights_flags
from graves_jax.errors import InputError
from graves_jax.files import whole_file

OUTPUT = flags.DEFINE_string("output", None, "Folder to write; made if missing.")
SINGLE_FILE = flags.DEFINE_bool("single_file", False, "Write index.html alone, with everything inside of it.")
DTYPE = flags.DEFINE_enum("dtype", "float16", ["float16", "int8"], "What the large matrices are stored as.")
PROMPTS = flags.DEFINE_integer("prompts", 20, "Sentences that the recorder asks for.", lower_bound=1)

flags.adopt_module_key_flags(weights_flags)


def main() -> None:
    output = check_output()
    # JAX takes a second to import: a wrong flag is told without it.
    from graves_jax.data.own_ink.prompts import prompts
    from graves_jax.web.export import Dtype, hands_for, page_files, single_file

    sentences = prompts(PROMPTS.value)
    name, weights = load_weights()
    files = page_files(weights, name=name, dtype=cast(Dtype, DTYPE.value), hands=hands_for(weights), prompts=sentences)
    if SINGLE_FILE.value:
        files = {"index.html": single_file(files)}
    output.mkdir(parents=True, exist_ok=True)
    for file, content in files.items():
        with whole_file(output / file) as unfinished:
            unfinished.write_bytes(content)
    report(output, files, name)


def report(output: pathlib.Path, files: dict[str, bytes], name: str) -> None:
    """What was written, for people and as JSON."""
    total = sum(map(len, files.values()))
    how = "open index.html" if SINGLE_FILE.value else "python -m http.server there, then open localhost:8000"
    print(f"{output}: {len(files)} file(s), {total / 1e6:.1f} MB, weights {name} in {DTYPE.value}; {how}")
    sizes = {file: len(content) for file, content in files.items()}
    command_line.print_json({"output": str(output), "files": sizes, "weights": name, "dtype": DTYPE.value})


def check_output() -> pathlib.Path:
    """The folder of --output, found out before the work whether it can be one."""
    if OUTPUT.value is None:
        raise InputError("Expected --output=FOLDER, found none.")
    output = pathlib.Path(OUTPUT.value)
    for folder in (output, *output.parents):
        if folder.exists() and not folder.is_dir():
            raise InputError(f"Expected a folder to write to, found that {str(folder)!r} is a file.")
    return output


def load_weights():
    """The weights of --checkpoint, or those that ship, and what the page calls them."""
    from graves_jax.pretrained import load_pretrained

    checkpoint = weights_flags.CHECKPOINT.value
    if checkpoint is not None:
        return pathlib.Path(checkpoint).name, weights_flags.load_weights()
    name = weights_flags.shipped_name()
    return name, load_pretrained(name)


if __name__ == "__main__":
    command_line.run(main)
