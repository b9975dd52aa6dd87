"""How long until the restorer is at 35 and at 40 dB, beside PyTorch?

    python -m launch.bench.restoring --data_dir=PATH/mnist

trains the restorer of `launch.deblur --preset=mnist` to undo the original study's blur, and where PyTorch is installed the same
network by the same recipe there. It prints the seconds from the first call, compilation and a test after every epoch included,
as wall and as CPU time, until the mean peak signal-to-noise ratio of the test images is so high, or what was reached where
it was not. --cores=1 confines both to one core (Linux).
"""

import dataclasses
import importlib.util
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import aecluster as ae
from launch import command
from launch.bench import timing
from launch.bench.quality import Passed, torch_device, torch_optimizers


@dataclasses.dataclass(frozen=True)
class Settings:
    """What is trained, and until when."""

    data: str = command.flag("mnist", "A known set of images.", choices=ae.NAMES)
    data_dir: Path | None = command.flag(None, "Where its files are; downloaded by default.")
    targets: tuple[float, ...] = command.flag((35.0, 40.0), "Peak signal-to-noise ratios to reach, in dB.", above=0)
    epochs: int = command.flag(5, "Epochs of the recipe.", at_least=1)
    num_test: int = command.flag(2_000, "Images to test on after every epoch.", at_least=1)
    seed: int = command.flag(0, "Seed of both networks.", at_least=0)
    cores: int | None = command.flag(None, "CPU cores to use; all by default.", at_least=1)


def main(settings: Settings) -> None:
    """Train, wait, print."""
    from aecluster import deblurring

    timing.confine(settings.cores)
    data = ae.load(settings.data, settings.data_dir).take(test=settings.num_test)
    print(timing.machine(timing.matmul_speed()))
    preset = deblurring.networks(data.image_shape)["restorer"]
    recipe = dataclasses.replace(preset.recipe, epochs=settings.epochs, degradation=ae.Blur())
    assert isinstance(preset.architecture, ae.Restorer)
    report("ours", our_epochs(preset.architecture, data, recipe, settings), settings.targets)
    if importlib.util.find_spec("torch") is None:
        print("PyTorch is not installed; nothing to compare with")
    else:
        report("PyTorch", torch_epochs(preset.architecture, data, recipe, settings), settings.targets)


def our_epochs(architecture: ae.Restorer, data: ae.ImageData, recipe: ae.Recipe, settings: Settings) -> list[Passed]:
    """By `ae.train`, until the highest target is reached."""
    found: list[Passed] = []
    blurred = ae.corrupted(recipe.degradation, data.test.images)
    began, began_cpu = time.perf_counter(), time.process_time()

    def after_epoch(progress: ae.Progress) -> bool:
        reached = decibels(progress.ensemble.reconstruct(blurred)[0], data.test.images)
        found.append(Passed(-reached, time.perf_counter() - began, time.process_time() - began_cpu))
        return reached >= max(settings.targets)

    ae.train(architecture, data, recipe, seeds=(settings.seed,), callbacks=[after_epoch])
    return found


def torch_epochs(
    architecture: ae.Restorer, data: ae.ImageData, recipe: ae.Recipe, settings: Settings
) -> Iterator[Passed]:
    """The same network and recipe in PyTorch, on images that were blurred before the clock runs."""
    import torch

    blurred = [ae.corrupted(recipe.degradation, split.images) for split in (data.train, data.test)]
    began, began_cpu = time.perf_counter(), time.process_time()
    torch.manual_seed(settings.seed)
    torch.set_num_threads(settings.cores or os.cpu_count() or 1)
    torch.set_default_device(torch_device())
    given, shown = (torch.tensor(images).movedim(-1, 1) for images in blurred)
    clear = torch.tensor(data.train.images).movedim(-1, 1)
    network = torch_restorer(architecture, data.image_shape[2])
    num_steps = len(given) // recipe.batch_size
    optimizers = torch_optimizers(network, recipe)
    schedules = [torch.optim.lr_scheduler.CosineAnnealingLR(one, recipe.epochs * num_steps) for one in optimizers]
    weights = [weight for weight, _ in recipe.loss.terms]  # type: ignore[attr-defined]
    for _ in range(recipe.epochs):
        order = torch.randperm(len(given))
        for step in range(num_steps):
            chosen = order[step * recipe.batch_size : (step + 1) * recipe.batch_size]
            for one in optimizers:
                one.zero_grad(set_to_none=True)
            error = torch.sigmoid(network(given[chosen])) - clear[chosen]
            (weights[0] * error.abs().mean() + weights[1] * error.square().mean()).backward()
            for each in (*optimizers, *schedules):
                each.step()
        with torch.no_grad():
            restored = torch.sigmoid(torch.cat([network(part) for part in shown.split(500)])).movedim(1, -1)
        reached = decibels(restored.cpu().numpy(), data.test.images)
        yield Passed(-reached, time.perf_counter() - began, time.process_time() - began_cpu)
        if reached >= max(settings.targets):
            break


def torch_restorer(architecture: ae.Restorer, channels: int) -> Any:
    """The layers up to the logits. Kernels are matrices, as PyTorch's Muon wants them."""
    import torch
    from torch.nn import functional

    class Convolution(torch.nn.Module):
        def __init__(self, before: int, after: int, side: int):
            super().__init__()
            self.shape = after, before, side, side
            self.matrix = torch.nn.Parameter(torch.zeros(after, before * side**2))
            self.bias = torch.nn.Parameter(torch.zeros(after))

        def forward(self, images):  # type: ignore[no-untyped-def]
            return functional.conv2d(images, self.matrix.view(self.shape), self.bias, padding="same")

    class Restorer(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            width, folded = architecture.channels, 4 * channels
            self.first, self.last = Convolution(folded, width, architecture.reach), Convolution(width, folded, 3)
            self.blocks = torch.nn.ModuleList(Convolution(width, width, 3) for _ in range(2 * architecture.blocks))
            for layer in (self.first, *self.blocks):
                torch.nn.init.xavier_uniform_(layer.matrix.data.view(layer.shape))

        def forward(self, images):  # type: ignore[no-untyped-def]
            x = self.first(functional.pixel_unshuffle(images, 2))
            for before, after in zip(self.blocks[::2], self.blocks[1::2], strict=True):
                x = x + after(functional.relu(before(functional.relu(x))))
            change = functional.pixel_shuffle(self.last(functional.relu(x)), 2)
            return change + torch.logit(images, 1 / 510)

    return Restorer()


def decibels(restored: np.ndarray, clear: np.ndarray) -> float:
    """The mean peak signal-to-noise ratio."""
    return float(-10 * np.log10(np.square(restored - clear).mean((1, 2, 3))).mean())


def report(name: str, passed: Iterable[Passed], targets: tuple[float, ...]) -> None:
    """When each target was reached."""
    passed = list(passed)
    for target in targets:
        reached = [(number, one) for number, one in enumerate(passed, 1) if -one.error >= target]
        number, one = reached[0] if reached else (len(passed), passed[-1])
        not_yet = "" if reached else "not "
        print(
            f"{name:<8} {target:.0f} dB {not_yet}after {one.wall:7.1f} s ({one.cpu:7.1f} s of CPU time), "
            f"{number} epochs: {-one.error:.2f}",
            flush=True,
        )


if __name__ == "__main__":
    command.run(main, Settings)
