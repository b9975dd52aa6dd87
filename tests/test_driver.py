"""A command where JAX is for GPUs and no driver answers: one line and the CPU, or one sentence."""

import ctypes
import types

import jax
import pytest

from launch import driver

NEXT = "mend the driver, or set JAX_PLATFORMS=cpu."


def a_driver(init=0, devices=1):
    def count(pointer):
        pointer._obj.value = devices
        return 0

    return types.SimpleNamespace(cuInit=lambda flags: init, cuDeviceGetCount=count)


@pytest.fixture
def machine(monkeypatch, request):
    """What `libcuda` is there and what JAX is told; gives the changes that are made to its configuration."""
    found, told = request.param

    def load(name):
        if found is None:
            raise OSError(f"{name}: cannot open shared object file")
        return found

    changes = {}
    monkeypatch.setattr(ctypes, "CDLL", load)
    monkeypatch.setattr(driver, "_has_plugin", lambda: True)
    config = types.SimpleNamespace(jax_platforms=told, update=changes.__setitem__)
    monkeypatch.setattr(jax, "config", config)
    return changes


@pytest.mark.parametrize(
    ("machine", "sentence"),
    [
        ((None, None), "there is no NVIDIA driver"),
        ((a_driver(init=803), None), "the NVIDIA driver does not work (CUDA error 803)"),
        ((a_driver(devices=0), ""), "the NVIDIA driver knows of none"),
    ],
    indirect=["machine"],
)
def test_no_gpu_answers(machine, sentence, capsys):
    driver.or_the_cpu()
    assert machine == {"jax_platforms": "cpu"}
    line = f"JAX is installed for GPUs, but {sentence}: all is done on the CPU; {NEXT}\n"
    assert capsys.readouterr().err == line


@pytest.mark.parametrize(
    "machine", [(a_driver(), None), (None, "cpu"), (None, "tpu,cpu"), (a_driver(), "cuda")], indirect=True
)
def test_a_gpu_answers_or_none_is_wanted(machine, capsys):
    driver.or_the_cpu()
    assert (machine, capsys.readouterr().err) == ({}, "")


@pytest.mark.parametrize("machine", [(None, "cuda")], indirect=True)
def test_a_gpu_is_wanted_and_none_answers(machine):
    with pytest.raises(ValueError, match=f"^JAX_PLATFORMS is 'cuda', but there is no NVIDIA driver; {NEXT}$"):
        driver.or_the_cpu()


def test_a_jax_for_cpus_asks_for_no_driver(monkeypatch, capsys):
    monkeypatch.setattr(driver, "_has_plugin", lambda: False)
    monkeypatch.setattr(driver, "_trouble", lambda: pytest.fail("the driver is asked"))
    driver.or_the_cpu()
    assert capsys.readouterr().err == ""
