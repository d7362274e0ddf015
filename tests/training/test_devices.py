"""Many devices compute what one does, with one sum an update between them; and who takes part is said clearly."""

import json
import os
import pathlib
import subprocess
import sys

import jax
import numpy as np
import pytest

from graves_jax.errors import InputError
from graves_jax.training import devices
from graves_jax.training.devices import Rows

from . import on_four_devices

SCRIPT = pathlib.Path(on_four_devices.__file__)


@pytest.fixture(scope="module")
def measured():
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=4"
    done = subprocess.run(
        [sys.executable, SCRIPT, "noise per line"],
        env=os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        timeout=3_600,
    )
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {(row["kind"], row["devices"]): row for row in rows}


CASES = [*((kind, 4) for kind in on_four_devices.KINDS), ("noise per line", 2)]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_devices_exchange_one_sum_and_nothing_else(measured, case):
    counts = measured[case]["collectives"]
    assert counts == dict.fromkeys(counts, 0) | {"all-reduce": 1}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_update_is_that_of_one_device(measured, case):
    row = measured[case]
    assert row["gradient"] < 1e-6
    # After 20 updates.
    assert row["nats"] < 1e-5 and row["params"] < 1e-5


@pytest.mark.parametrize("case", CASES, ids=str)
def test_one_raised_flag_is_seen_by_all(measured, case):
    assert measured[case]["raised"] == 1.0


def test_keys_are_those_of_the_whole_batch():
    keys = jax.random.split(jax.random.key(0), (2, 6))
    own = Rows(jax.numpy.int32(2), 6).own(keys, 2)
    np.testing.assert_array_equal(jax.random.key_data(own), jax.random.key_data(keys)[:, 2:4])
    assert Rows(0, 6).own(keys, 6) is keys


def test_one_device_is_no_mesh_and_more_are_not_there():
    assert devices.make_mesh(1) is None
    with pytest.raises(InputError, match=rf"Expected 999 devices, found {jax.local_device_count()}"):
        devices.make_mesh(999)


@pytest.mark.parametrize(
    "hosts",
    [
        "",
        "localhost",
        "localhost:1",
        "localhost:1,2",
        "localhost:1,2,2",
        "localhost:x,2,0",
        ":1,2,0",
        "a:0,2,0",
        "a:1,2,-1",
    ],
)
def test_hosts_that_say_nothing(hosts):
    with pytest.raises(InputError, match="ADDRESS:PORT,COUNT,INDEX"):
        devices.connect(hosts)


@pytest.mark.parametrize(
    "hosts, cluster",
    [
        # Nobody listens there.
        ("localhost:1,2,1", {}),
        # The others never come; SLURM's variables say who they are.
        ("auto", {"JOB_ID": "7", "STEP_NODELIST": "localhost", "NTASKS": "2", "PROCID": "1", "LOCALID": "0"}),
    ],
)
def test_processes_that_do_not_meet_end_with_a_sentence(hosts, cluster):
    code = f"from graves_jax.training import devices\ndevices.CONNECT_SECONDS = 2\ndevices.connect({hosts!r})"
    environment = os.environ | {f"SLURM_{name}": value for name, value in cluster.items()}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: Expected all processes to meet") and done.stderr.count("\n") == 1


def test_hosts_that_no_cluster_names(monkeypatch):
    for name in [name for name in os.environ if name.startswith(("SLURM_", "OMPI_", "PMIX_", "KUBERNETES_"))]:
        monkeypatch.delenv(name)
    code = "from graves_jax.training import devices\ndevices.connect('auto')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert "Expected SLURM, MPI, Kubernetes or Cloud TPU to say who takes part" in done.stderr.splitlines()[-1]


def test_a_process_alone_agrees_with_itself():
    assert devices.agree(lambda: 3) == 3 and devices.is_first()
    with pytest.raises(InputError, match="no"):
        devices.agree(lambda: devices.connect("no"))
