"""How many images a second each method restores on this machine.

    python -m launch.deblur_bench

restores images of 28 x 28 that the original study's blur has blurred: by scikit-image's Richardson-Lucy (100 iterations),
image by image, as its documentation calls it, and in stacks, as `aecluster.deblurring` does; by Wiener's filter; by ridge
regression; by a dense autoencoder and the restorer, whose numbers do not matter here and are fresh. All take turns, so that
they meet the same machine; what compiles is done before. It prints images a second and the ratio to Richardson-Lucy image
by image (median, least to greatest), and of the networks the share of the speed of a large matrix product.
--cores=1 confines all to one core (Linux).
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from absl import flags

import aecluster as ae
from launch import old_command as command
from launch import timing

FLAGS = flags.FLAGS

flags.DEFINE_integer("num_images", 2_000, "Images that a fast method restores in one call.", lower_bound=200)
flags.DEFINE_integer("slow_images", 50, "Images for Richardson-Lucy, image by image.", lower_bound=1)
flags.DEFINE_integer("repeats", 5, "Times that everything is measured.", lower_bound=1)
flags.DEFINE_integer("cores", None, "CPU cores to use; all by default.", lower_bound=1)

SIDE = 28
FIRST = "Richardson-Lucy, image by image"
STACKED = "Richardson-Lucy, stacked"


def networks(data: ae.ImageData) -> dict[str, tuple[ae.Ensemble, float]]:
    """A dense network and the restorer, and the floating-point operations that an image needs."""
    dense, restorer = ae.Dense(256), ae.Restorer()
    pixels, (hidden,) = SIDE * SIDE, dense.hidden()
    weights = 2 * (pixels * hidden + hidden * dense.latent_size)
    inner = 4 * restorer.channels * (restorer.reach**2 + 9) + restorer.blocks * 2 * 9 * restorer.channels**2
    still = ae.Recipe(epochs=1, batch_size=256, learning_rate=1e-9)
    return {
        "dense autoencoder, latent 256": (ae.train(dense, data, still), 2.0 * weights),
        "restorer": (ae.train(restorer, data, still), 2.0 * inner * (SIDE // 2) ** 2),
    }


def contestants(data: ae.ImageData, trained: dict[str, tuple[ae.Ensemble, float]]) -> dict[str, tuple[Callable, int]]:
    """A call and the number of images that it restores, by name."""
    from aecluster import deblurring

    kernel = np.asarray(ae.Blur().kernel())
    lucy = deblurring.RichardsonLucy(kernel)
    blurred = ae.corrupted(ae.Blur(), data.test.images)
    few = blurred[: FLAGS.slow_images]
    calls: dict[str, tuple[Callable[[], Any], int]] = {
        FIRST: (lambda: [lucy(image[None]) for image in few], len(few)),
        STACKED: (lambda: lucy(blurred[:200]), 200),
        "Wiener": (lambda: deblurring.Wiener(kernel, 1e-4)(blurred), len(blurred)),
    }
    ridge = deblurring.learn_ridge(ae.corrupted(ae.Blur(), data.train.images), data.train.images)
    calls["ridge regression"] = (lambda: ridge(blurred), len(blurred))
    for name, (ensemble, _) in trained.items():
        calls[name] = (functools.partial(ensemble.reconstruct, blurred), len(blurred))
    return calls


def main() -> None:
    """Time, compare, print."""
    timing.confine(FLAGS.cores)
    images = np.random.default_rng(0).random((FLAGS.num_images, SIDE, SIDE, 1), np.float32)
    data = ae.ImageData("noise", ae.Split(images), ae.Split(images))
    trained, ceiling = networks(data), timing.matmul_speed()
    calls = contestants(data, trained)
    for call, _ in calls.values():
        call()
    speeds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(FLAGS.repeats):
        for name, (call, count) in calls.items():
            speeds[name].append(count / timing.seconds(call))
    print(timing.machine(ceiling))
    for name, measured in speeds.items():
        ratios = [one / other for one, other in zip(measured, speeds[FIRST], strict=True)]
        line = f"{name:<32} {np.median(measured):>10,.0f} images/s, ratio {timing.spread(ratios)}"
        if name in trained:
            line += f"; {trained[name][1] * float(np.median(measured)) / ceiling:.0%} of the ceiling"
        print(line)


if __name__ == "__main__":
    command.run(main)
