"""How fast is training on this machine, beside PyTorch, and how far from what its cores can multiply?

    python -m launch.bench.training

times an epoch of the three dense autoencoders by the original recipe (60,000 images of 28 x 28, batch 256, Adam): ours in
one scanned jit, and where PyTorch is installed the same network on the same device, in a tight loop with fused Adam on the data
in memory. The two take turns, so that both meet the same machine; the first epoch of each, which compiles, is left out. It prints
seconds an epoch, their ratio (median, least to greatest), and the share of the measured speed of a large matrix product.
--cores=1 confines both to one core (Linux). Expect ratios of 1.03, 1.05 and 1.13 to PyTorch 2.13 on one core of an AMD EPYC
with AVX-512.
"""

import dataclasses
import importlib.util
import itertools
import os
import time
from collections.abc import Iterator

import jax
import numpy as np

import aecluster as ae
from launch import command
from launch.bench import timing


@dataclasses.dataclass(frozen=True)
class Settings:
    """What is timed, how often and on how many cores."""

    latent_sizes: tuple[int, ...] = command.flag((2, 16, 256), "Latent sizes of the networks.", at_least=1)
    num_images: int = command.flag(60_000, "Images an epoch.", at_least=256)
    repeats: int = command.flag(5, "Epochs timed of each.", at_least=1)
    cores: int | None = command.flag(None, "CPU cores to use; all by default.", at_least=1)


RECIPE = ae.RECIPES["original"]


def main(settings: Settings) -> None:
    """Time, compare, print."""
    timing.confine(settings.cores)
    images = np.random.default_rng(0).random((settings.num_images, 28, 28, 1), np.float32)
    has_torch = importlib.util.find_spec("torch") is not None
    ceiling = timing.matmul_speed()
    print(timing.machine(ceiling))
    for size in settings.latent_sizes:
        architecture = ae.Dense(size)
        theirs = torch_epochs(architecture, images, settings.cores) if has_torch else None
        ours, others = taking_turns(architecture, images, theirs, settings.repeats)
        share = operations(architecture, images[0].size, len(images)) / float(np.median(ours)) / ceiling
        print(f"{line(size, ours, others)}; {share:.0%} of the ceiling", flush=True)
    if not has_torch:
        print("PyTorch is not installed; nothing to compare with")


def line(size: int, ours: list[float], others: list[float]) -> str:
    """Seconds an epoch, and how they compare."""
    told = f"latent {size:>3}: ours {timing.spread(ours)} s/epoch"
    if not others:
        return told
    ratios = [one / other for one, other in zip(ours, others, strict=True)]
    return f"{told}, PyTorch {timing.spread(others)} s/epoch, ratio {timing.spread(ratios)}"


def taking_turns(
    architecture: ae.Dense, images: np.ndarray, theirs: Iterator[float] | None, repeats: int
) -> tuple[list[float], list[float]]:
    """Seconds of our epochs and of theirs, one of each in turn; the first of each, which compiles, is left out."""
    ours: list[float] = []
    others: list[float] = []
    began = None
    if theirs is not None:
        next(theirs)

    def after_epoch(progress: ae.Progress) -> None:
        nonlocal began
        if began is not None:
            ours.append(time.perf_counter() - began)
            others.extend([] if theirs is None else [next(theirs)])
        began = time.perf_counter()

    data = ae.ImageData("noise", ae.Split(images), ae.Split(images[:256]))
    ae.train(architecture, data, dataclasses.replace(RECIPE, epochs=repeats + 1), callbacks=[after_epoch])
    return ours, others


def torch_epochs(architecture: ae.Dense, images: np.ndarray, cores: int | None) -> Iterator[float]:
    """The same network and loss in PyTorch: a tight loop over a shuffled tensor, fused Adam."""
    import torch

    torch.set_num_threads(cores or os.cpu_count() or 1)
    torch.set_default_device(torch_device())
    pixels = torch.tensor(images.reshape(len(images), -1))
    network = torch.nn.Sequential(torch_network(architecture, pixels.shape[1]), torch.nn.Sigmoid())
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)
    while True:
        began = time.perf_counter()
        order = torch.randperm(len(pixels))
        for step in range(len(pixels) // RECIPE.batch_size):
            batch = pixels[order[step * RECIPE.batch_size : (step + 1) * RECIPE.batch_size]]
            optimizer.zero_grad(set_to_none=True)
            (network(batch) - batch).abs().mean().backward()
            optimizer.step()
        float(network[0][0].weight.detach().sum())  # waits for the device
        yield time.perf_counter() - began


def torch_device() -> str:
    """PyTorch's, of the same kind as JAX's; ValueError where it has none."""
    import torch

    if jax.default_backend() == "cpu":
        return "cpu"
    if not torch.cuda.is_available():
        raise ValueError("JAX has a GPU and PyTorch has none; set JAX_PLATFORMS=cpu, or install PyTorch for GPUs.")
    torch.set_float32_matmul_precision("high")  # tensor cores for float32, as JAX uses them
    return "cuda"


def torch_network(architecture: ae.Dense, pixels: int):  # type: ignore[no-untyped-def]
    """The layers up to the logits, with Glorot's weights and no biases at first."""
    import torch

    widths = (pixels, *architecture.hidden(), architecture.latent_size)
    layers: list[torch.nn.Module] = []
    for stack in (widths, widths[::-1]):
        for before, after in itertools.pairwise(stack):
            layer = torch.nn.Linear(before, after)
            torch.nn.init.xavier_uniform_(layer.weight)
            torch.nn.init.zeros_(layer.bias)
            layers += [layer, torch.nn.ReLU()]
        layers.pop()
    return torch.nn.Sequential(*layers)


def operations(architecture: ae.Dense, pixels: int, num_images: int) -> float:
    """Multiplications and additions an epoch needs: forward, both gradients, but none to the images."""
    widths = (pixels, *architecture.hidden(), architecture.latent_size)
    weights = sum(before * after for before, after in itertools.pairwise(widths))
    return num_images * (6 * 2 * weights - 2 * widths[0] * widths[1])


if __name__ == "__main__":
    command.run(main, Settings)
