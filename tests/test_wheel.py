"""The wheel, built from the source distribution and tried where no checkout is."""

import email
import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import zipfile

import pytest

ROOT = pathlib.Path(__file__).parents[1]
# What the distributions are made of; all else stays behind, build folders of the checkout first of all.
SOURCE = ("setup.cfg", "pyproject.toml", "MANIFEST.in", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "CITATION.cff")
FOLDERS = ("graves_jax", "docs", "experiments/flags")
# Run in an empty folder: what is there, and where it comes from.
TRY = """
import importlib.metadata, json, graves_jax
from graves_jax.sampling.letters import reader_for
from graves_jax.web.export import page_files

weights = {name: graves_jax.load(name) for name in graves_jax.weight_names()}
print(json.dumps({
    "package": graves_jax.__file__,
    "version": [graves_jax.__version__, importlib.metadata.version("graves_jax")],
    "weights": list(weights),
    "styles": graves_jax.style_names(),
    "reads_letters": reader_for(graves_jax.load()) is not None,
    "page": sorted(page_files(weights["hershey"], name="hershey")),
}))
"""

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("build") is None, reason="needs the package build, of the extra 'test'"
)


@pytest.fixture(scope="module")
def distributions(tmp_path_factory):
    """The source distribution, and the wheel that was built from it."""
    source = tmp_path_factory.mktemp("source")
    for name in SOURCE:
        shutil.copy(ROOT / name, source)
    for path in ROOT.glob("LICENSE*"):
        shutil.copy(path, source)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", "dist", cwd=source)
    [sdist], [wheel] = source.glob("dist/*.tar.gz"), source.glob("dist/*.whl")
    return sdist, wheel


@pytest.fixture(scope="module")
def installed(distributions, tmp_path_factory):
    """A folder into which the wheel is installed, and the environment in which it comes before the checkout."""
    target = tmp_path_factory.mktemp("target")
    pip = ("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", target)
    run(sys.executable, *pip, distributions[1], cwd=target)
    return target, os.environ | {"PYTHONPATH": str(target), "JAX_COMPILATION_CACHE_DIR": ""}


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=300, **options)
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-2_000:]
    return done.stdout


def test_the_distributions_hold_what_they_are_said_to(distributions):
    sdist, wheel = distributions
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        [metadata] = [name for name in names if name.endswith(".dist-info/METADATA")]
        about = email.message_from_bytes(archive.read(metadata))
    packaged = {f"graves_jax/{path.relative_to(ROOT / 'graves_jax')}" for path in (ROOT / "graves_jax").rglob("*")
                if path.is_file() and path.suffix not in (".pyc", ".pyo")}  # fmt: skip
    assert {name for name in names if ".dist-info/" not in name} == packaged
    assert about["License-Expression"] == "Apache-2.0 AND LicenseRef-IAM-OnDB"
    licences = {path.name for path in ROOT.glob("LICENSE*")}
    assert set(about.get_all("License-File")) == licences
    folder = metadata.rpartition("/")[0]
    assert {f"{folder}/licenses/{name}" for name in licences} <= names
    with tarfile.open(sdist) as archive:
        kept = {name.partition("/")[2] for name in archive.getnames()}
    assert packaged | licences | {"CHANGELOG.md", "experiments/flags/quick.flags", "docs/api.md"} <= kept


def test_an_installed_package_has_all_its_data(installed, tmp_path):
    target, environment = installed
    found = json.loads(run(sys.executable, "-c", TRY, cwd=tmp_path, env=environment))
    assert pathlib.Path(found["package"]) == target / "graves_jax" / "__init__.py"
    assert len(set(found["version"])) == 1
    pretrained = ROOT / "graves_jax" / "pretrained"
    assert found["weights"] == sorted(path.parent.name for path in pretrained.glob("*/config.json"))
    rows = (pretrained / "styles.jsonl").read_text(encoding="utf-8").splitlines()
    assert found["styles"] == [json.loads(row)["id"] for row in rows]
    assert found["reads_letters"] and {"index.html", "kernel.wasm"} <= set(found["page"])


def test_the_installed_command_writes_in_an_empty_folder(installed, tmp_path):
    target, environment = installed
    out = run(
        sys.executable, target / "bin" / "graves-write", "--text=snow", "--weights=hershey", "--style=plain",
        "--output=snow.svg", cwd=tmp_path, env=environment,
    )  # fmt: skip
    assert json.loads(out.splitlines()[-1])["output"] == "snow.svg"
    assert (tmp_path / "snow.svg").read_text(encoding="utf-8").startswith("<svg")
    assert [path.name for path in tmp_path.iterdir()] == ["snow.svg"]
