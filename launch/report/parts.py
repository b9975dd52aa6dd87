"""What a report consists of: commands, and what their figures show."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class Figure(NamedTuple):
    """A picture that a command writes, without its ending."""

    name: str
    shows: str
    """Two sentences."""


class Table(NamedTuple):
    """A CSV file that a command writes, and the columns that are told of it."""

    name: str
    columns: dict[str, str]
    """By their names in the file: their headings. One whose name with _std is a column too is told with its spread."""


@dataclasses.dataclass(frozen=True)
class Part:
    """One command's share of the study."""

    name: str
    title: str
    command: str
    flags: tuple[str, ...] = ()
    quick: tuple[str, ...] = ()
    """Flags that make it short."""
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    of_images: bool = False
    """Whether it takes --data_dir and --read."""
    follows: str | None = None
    """The part whose run it takes as --run."""
    resumes: bool = False

    def arguments(
        self, quick: bool, data_dir: Path | None, follows: Path | None = None, read: Sequence[str] = ()
    ) -> list[str]:
        """The command's flags, but for where it writes."""
        given = [*self.flags, *(self.quick if quick else ())]
        given += [f"--data_dir={data_dir}"] if self.of_images and data_dir is not None else []
        given += [f"--read={option}" for option in read if self.of_images and data_dir is not None]
        return [*given, *([f"--run={follows}"] if follows is not None else [])]


ERRORS = {"recipe": "recipe", "latent_size": "latent size", "parameters": "parameters", "test_mae": "test error"}
SCORES = {"space": "space", "method": "method", "accuracy": "accuracy", "nmi": "NMI", "ari": "ARI"}
RESTORED = {"method": "method", "mae": "MAE", "psnr": "PSNR", "ssim": "SSIM", "way": "way to the clear image"}
PARTS = (
    Part(
        "walk",
        "An optimizer stuck behind a hill",
        "trajectory",
        figures=(
            Figure(
                "walk",
                "Adam with learning rate 0.3 walks down the slope, overshoots the valley and climbs to 1.41 before it turns "
                "back. Gradient descent with the same learning rate swings between 0.9 and 1.2 for ever: it needs a hill of 0.2 "
                "to be trapped, Adam one of 0.41.",
            ),
        ),
    ),
    Part(
        "map",
        "How high a hill each setting escapes",
        "sweep",
        quick=("--axis=learning_rate:log:1e-3:1:128", "--axis=b1:log_complement:0:0.999:128"),
        figures=(
            Figure(
                "phase",
                "The colour is the critical height of Adam over learning rate and b1, and the star is the setting of the walk "
                "above. The teeth are real: the height jumps wherever a step of the walk lands on the valley's floor.",
            ),
        ),
        resumes=True,
    ),
    Part(
        "teeth",
        "Escaped or trapped",
        "sweep",
        ("--preset=teeth",),
        ("--axis=learning_rate:linear:0.05:0.6:200", "--heights=linear:0:1:100"),
        figures=(
            Figure(
                "phase",
                "Which hills are escaped at b1 = 0.9: those below the line. A larger learning rate does not always climb "
                "higher, since what counts is how far a step reaches beyond the valley.",
            ),
        ),
        resumes=True,
    ),
    Part(
        "autoencoders",
        "Autoencoders with three latent sizes",
        "train",
        quick=("--epochs=4", "--num_seeds=2"),
        of_images=True,
        resumes=True,
        tables=(Table("metrics.csv", ERRORS),),
        figures=(
            Figure(
                "reconstructions",
                "Test digits, and what the networks make of them from 2, 16 and more numbers, by the original's recipe and by the "
                "cured one. The cured recipe begins with cross-entropy, which leaves no pixel dead, and ends with L1.",
            ),
            Figure(
                "latent_points",
                "Where the test digits lie in the latent space of two numbers, coloured by their true labels. Neighbouring "
                "clusters are digits that look alike.",
            ),
            Figure(
                "latent_walk",
                "What the decoder draws along a grid of the two latent numbers. Between two digits lie shapes that are neither.",
            ),
            Figure(
                "loss_curves",
                "Training and test error over the epochs, with the spread over seeds. Where the two part, a network remembers "
                "rather than learns.",
            ),
        ),
    ),
    Part(
        "clusters",
        "What the latents know without labels",
        "cluster",
        quick=("--deep_seeds=0", "--num_seeds=1"),
        follows="autoencoders",
        tables=(Table("scores.csv", SCORES),),
        figures=(
            Figure(
                "tsne_*",
                "The test images laid out by t-SNE: filled by their cluster, with a border in the colour of the true label. A "
                "border that differs from its filling is a digit in the wrong cluster.",
            ),
            Figure(
                "confusion_*",
                "True labels against clusters, each cluster under the label that it fits best. What is off the diagonal is what "
                "the clusters confuse.",
            ),
        ),
    ),
    Part(
        "deblurring",
        "Undoing a blur",
        "deblur",
        quick=(
            "--epochs=2",
            "--num_seeds=1",
            "--methods=richardson_lucy,wiener,ridge,l1_16,composite_0.5,judged_16,restorer",
        ),
        of_images=True,
        resumes=True,
        tables=(Table("metrics.csv", RESTORED),),
        figures=(
            Figure(
                "restorations",
                "Blurred digits, and what every method makes of them. Classical methods are told the kernel; the networks have "
                "learned it from pairs.",
            ),
            Figure(
                "losses",
                "The same network trained by every loss, side by side. A loss that counts the blurred image as much as the clear "
                "one does not decide what is learned, and the network stays near the blur.",
            ),
        ),
    ),
)
"""In the order of the page; a part follows only what stands before it."""
