"""How many images a second each method restores on this machine.

    python -m launch.bench.deblurring

restores images of 28 x 28 that the original study's blur has blurred: by scikit-image's Richardson-Lucy (100 iterations),
image by image, as its documentation calls it, and by that of `aecluster.deblurring`; by Wiener's filter; by ridge regression;
by a dense autoencoder and the restorer, whose numbers do not matter here and are fresh. All take turns, so that they meet the
same machine; what compiles is done before. It prints images a second and the ratio to scikit-image (median, least to
greatest), and of the networks the share of the speed of a large matrix product.
--cores=1 confines all to one core (Linux). Expect a ratio of 21 for the restorer on one core of an AMD EPYC.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

import aecluster as ae
from launch import command
from launch.bench import timing


@dataclasses.dataclass(frozen=True)
class Settings:
    """How much is restored, how often and on how many cores."""

    num_images: int = command.flag(2_000, "Images that a fast method restores in one call.", at_least=256)
    slow_images: int = command.flag(50, "Images for Richardson-Lucy, image by image.", at_least=1)
    repeats: int = command.flag(5, "Times that everything is measured.", at_least=1)
    cores: int | None = command.flag(None, "CPU cores to use; all by default.", at_least=1)


Networks = dict[str, tuple[ae.Ensemble, float]]
"""By name, and the floating-point operations that an image needs."""
Calls = dict[str, tuple[Callable[[], Any], int]]
"""By name, and the number of images that each restores."""
SIDE = 28
FIRST = "scikit-image, image by image"
OURS = "Richardson-Lucy, ours"


def main(settings: Settings) -> None:
    """Time, compare, print."""
    timing.confine(settings.cores)
    images = np.random.default_rng(0).random((settings.num_images, SIDE, SIDE, 1), np.float32)
    data = ae.ImageData("noise", ae.Split(images), ae.Split(images))
    trained, ceiling = networks(data), timing.matmul_speed()
    speeds = taking_turns(contestants(data, trained, settings.slow_images), settings.repeats)
    print(timing.machine(ceiling))
    for name, measured in speeds.items():
        ratios = [one / other for one, other in zip(measured, speeds[FIRST], strict=True)]
        line = f"{name:<32} {np.median(measured):>10,.0f} images/s, ratio {timing.spread(ratios)}"
        if name in trained:
            line += f"; {trained[name][1] * float(np.median(measured)) / ceiling:.0%} of the ceiling"
        print(line)


def networks(data: ae.ImageData) -> Networks:
    """A dense network and the restorer."""
    dense, restorer = ae.Dense(256), ae.Restorer()
    pixels, (hidden,) = SIDE * SIDE, dense.hidden()
    weights = 2 * (pixels * hidden + hidden * dense.latent_size)
    inner = 4 * restorer.channels * (restorer.reach**2 + 9) + restorer.blocks * 2 * 9 * restorer.channels**2
    still = ae.Recipe(epochs=1, batch_size=256, learning_rate=1e-9)
    return {
        "dense autoencoder, latent 256": (ae.train(dense, data, still), 2.0 * weights),
        "restorer": (ae.train(restorer, data, still), 2.0 * inner * (SIDE // 2) ** 2),
    }


def contestants(data: ae.ImageData, trained: Networks, slow_images: int) -> Calls:
    """Every method as a call."""
    from skimage.restoration import richardson_lucy

    from aecluster import deblurring

    kernel = np.asarray(ae.Blur().kernel())
    lucy = deblurring.RichardsonLucy(kernel)
    blurred = ae.corrupted(ae.Blur(), data.test.images)
    few = blurred[:slow_images]
    ridge = deblurring.learn_ridge(ae.corrupted(ae.Blur(), data.train.images), data.train.images)
    calls: Calls = {
        FIRST: (lambda: [richardson_lucy(image[..., 0], kernel, lucy.num_iterations) for image in few], len(few)),
        OURS: (lambda: lucy(blurred), len(blurred)),
        "Wiener": (lambda: deblurring.Wiener(kernel, 1e-4)(blurred), len(blurred)),
        "ridge regression": (lambda: ridge(blurred), len(blurred)),
    }
    for name, (ensemble, _) in trained.items():
        calls[name] = (functools.partial(ensemble.reconstruct, blurred), len(blurred))
    return calls


def taking_turns(calls: Calls, repeats: int) -> dict[str, list[float]]:
    """Images a second, measured one method after the other, again and again; what compiles is done before."""
    for call, _ in calls.values():
        call()
    speeds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, (call, count) in calls.items():
            speeds[name].append(count / timing.seconds(call))
    return speeds


if __name__ == "__main__":
    command.run(main, Settings)
