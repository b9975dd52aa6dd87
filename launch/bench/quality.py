"""How long until a network is as good as the study's, and as ours, beside PyTorch?

    python -m launch.bench.quality --data_dir=PATH/mnist

trains the three dense autoencoders on MNIST until the mean absolute error on the test images is what the original study
reports after 40 epochs (0.0870, 0.0460 and 0.0311 with 2, 16 and 256 numbers), and until it is that of the cured recipe
after 30 (0.0734, 0.0246, 0.0085): by that recipe, and where PyTorch is installed by PyTorch with the original recipe and
with the cured one. It prints the seconds from the first call, what compiles and the tests after every epoch included, as wall
and as CPU time, or what was reached where the target was not. --cores=1 confines all to one core (Linux).
"""

import dataclasses
import importlib.util
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import aecluster as ae
from launch import command
from launch.bench import timing
from launch.bench.training import torch_device, torch_network

STUDY = {2: 0.0870, 16: 0.0460, 256: 0.0311}
CURED = {2: 0.0734, 16: 0.0246, 256: 0.0085}


@dataclasses.dataclass(frozen=True)
class Settings:
    """What is trained, and until when."""

    data: str = command.flag("mnist", "A known set of images.", choices=ae.NAMES)
    data_dir: Path | None = command.flag(None, "Where its files are; downloaded by default.")
    latent_sizes: tuple[int, ...] = command.flag((2, 16, 256), "Latent sizes of the networks.", at_least=1)
    targets: tuple[float, ...] = command.flag(
        (), "Test errors to reach; the study's and ours by default.", above=0, may_be_empty=True
    )
    cured_epochs: int = command.flag(30, "Epochs of the cured recipe.", at_least=1)
    max_epochs: int = command.flag(40, "Epochs of the original recipe, at most.", at_least=1)
    seed: int = command.flag(0, "Seed of all networks.", at_least=0)
    cores: int | None = command.flag(None, "CPU cores to use; all by default.", at_least=1)


class Passed(NamedTuple):
    """The error after an epoch, and the time since the call."""

    error: float
    wall: float
    cpu: float


Run = Callable[[float], list[Passed]]  # train until the error is so small; every epoch's end


def main(settings: Settings) -> None:
    """Train, wait, print."""
    for size in settings.latent_sizes:
        targets_of(size, settings)
    timing.confine(settings.cores)
    data = ae.load(settings.data, settings.data_dir)
    print(timing.machine(timing.matmul_speed()))
    has_torch = importlib.util.find_spec("torch") is not None
    for size in settings.latent_sizes:
        targets = targets_of(size, settings)
        for name, run in runs_of(ae.Dense(size), data, settings, has_torch).items():
            passed = run(min(targets))
            for target in targets:
                print(f"latent {size:>3}, {name:<24} {told(passed, target)}", flush=True)
    if not has_torch:
        print("PyTorch is not installed; nothing to compare with")


def targets_of(size: int, settings: Settings) -> tuple[float, ...]:
    """The errors to reach; ValueError for a size of which none was reported."""
    targets = settings.targets or tuple(known[size] for known in (STUDY, CURED) if size in known)
    if not targets:
        raise ValueError(f"`--latent_sizes` has {size}, for which nothing was reported; give `--targets`.")
    return targets


def told(passed: list[Passed], target: float) -> str:
    """When the target was reached."""
    for epoch, (error, wall, cpu) in enumerate(passed, 1):
        if error <= target:
            return f"{target:.4f} after {wall:7.1f} s ({cpu:7.1f} s of CPU time), {epoch} epochs: {error:.4f}"
    error, wall, cpu = passed[-1]
    least = min(one.error for one in passed)
    return f"{target:.4f} not after {wall:5.1f} s ({cpu:7.1f} s of CPU time), {len(passed)} epochs: {error:.4f}, least {least:.4f}"


def runs_of(architecture: ae.Dense, data: ae.ImageData, settings: Settings, has_torch: bool) -> dict[str, Run]:
    """Every way to train, by name."""
    cured = dataclasses.replace(ae.RECIPES["cured"], epochs=settings.cured_epochs)

    def ours(target: float) -> list[Passed]:
        return our_epochs(architecture, data, cured, settings.seed, target)

    def theirs(recipe: ae.Recipe, epochs: int) -> Run:
        return lambda target: until(target, torch_epochs(architecture, data, recipe, epochs, settings))

    found: dict[str, Run] = {"ours, cured recipe": ours}
    if has_torch:
        found["PyTorch, original recipe"] = theirs(ae.RECIPES["original"], settings.max_epochs)
        found["PyTorch, cured recipe"] = theirs(cured, cured.epochs)
    return found


def our_epochs(architecture: ae.Dense, data: ae.ImageData, recipe: ae.Recipe, seed: int, target: float) -> list[Passed]:
    """By `ae.train`, which tests after every epoch, until the target is reached."""
    found: list[Passed] = []
    began, began_cpu = time.perf_counter(), time.process_time()

    def after_epoch(progress: ae.Progress) -> bool:
        found.append(Passed(progress.test_error, time.perf_counter() - began, time.process_time() - began_cpu))
        return progress.test_error <= target

    ae.train(architecture, data, recipe, seeds=(seed,), callbacks=[after_epoch])
    return found


def until(target: float, epochs: Iterator[Passed]) -> list[Passed]:
    """The epochs up to the first that reaches the target."""
    found = []
    for passed in epochs:
        found.append(passed)
        if passed.error <= target:
            break
    return found


def torch_epochs(
    architecture: ae.Dense, data: ae.ImageData, recipe: ae.Recipe, epochs: int, settings: Settings
) -> Iterator[Passed]:
    """The same network and recipe in PyTorch: a tight loop over a shuffled tensor, fused Adam or its own Muon."""
    import torch

    began, began_cpu = time.perf_counter(), time.process_time()
    torch.manual_seed(settings.seed)
    torch.set_num_threads(settings.cores or os.cpu_count() or 1)
    torch.set_default_device(torch_device())
    train, test = (torch.tensor(split.images.reshape(len(split.images), -1)) for split in (data.train, data.test))
    network = torch_network(architecture, train.shape[1])
    batch_size, is_cured = recipe.batch_size, recipe.name == "cured"
    num_steps = len(train) // batch_size
    optimizers = torch_optimizers(network, recipe)
    schedules = [
        torch.optim.lr_scheduler.CosineAnnealingLR(one, recipe.epochs * num_steps) for one in optimizers if is_cured
    ]
    for epoch in range(epochs):
        order = torch.randperm(len(train))
        for step in range(num_steps):
            batch = train[order[step * batch_size : (step + 1) * batch_size]]
            for one in optimizers:
                one.zero_grad(set_to_none=True)
            logits = network(batch)
            if is_cured and epoch < recipe.loss.epochs:  # type: ignore[attr-defined]
                loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, batch)
            else:
                loss = (torch.sigmoid(logits) - batch).abs().mean()
            loss.backward()
            for each in (*optimizers, *schedules):
                each.step()
        with torch.no_grad():
            error = float((torch.sigmoid(network(test)) - test).abs().mean())
        yield Passed(error, time.perf_counter() - began, time.process_time() - began_cpu)


def torch_optimizers(network, recipe: ae.Recipe) -> list:  # type: ignore[no-untyped-def]
    """Fused Adam for the original recipe; for others Muon for the matrices and Adam for the biases, as optax's has it."""
    import torch

    rate = recipe.learning_rate
    if recipe.name == "original":
        return [torch.optim.Adam(network.parameters(), lr=rate, fused=True)]
    matrices = [one for one in network.parameters() if one.ndim == 2]
    biases = [one for one in network.parameters() if one.ndim == 1]
    return [
        torch.optim.Muon(matrices, lr=rate, weight_decay=0.0, momentum=0.95),
        torch.optim.Adam(biases, lr=rate, fused=True),
    ]


if __name__ == "__main__":
    command.run(main, Settings)
