"""Cluster the latents of a finished training, and images by deep clustering.

    python -m launch.cluster --run=runs/digits

clusters the test images of a run of launch.train: their pixels, their principal components, and every latent space of the
run, by k-means and by a mixture of Gaussians chosen by likelihood. Then it clusters all images, training and test, by
deep clustering from five seeds. Labels are used for nothing but the scores. It writes into runs/digits_clusters/:
scores.csv, clusters.csv (the deep clusters of every image), maps by t-SNE and confusion matrices (png and pdf), and
settings.json. The study, of runs of launch.train with the presets of the same names:

    python -m launch.cluster --preset=mnist
        expect an accuracy of 0.753 (cured recipe, latent 16, mixture) and 0.9803 (deep clustering)
    python -m launch.cluster --preset=mnist_latents        without deep clustering: minutes instead of an hour
    python -m launch.cluster --preset=mnist_invariant      expect an accuracy of 0.833 (invariant recipe, k-means)
"""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import aecluster as ae
from launch import command, runs, train
from launch.progress import Reporter

if TYPE_CHECKING:
    from aecluster import clustering


@dataclasses.dataclass(frozen=True)
class Settings:
    """Which run is clustered, and how."""

    run: Path = command.flag(Path("runs/digits"), "Folder of a finished training.")
    data_dir: Path | None = command.flag(None, "Where its images are now; by default where they were.")
    num_clusters: int = command.flag(10, "Clusters to look for.", at_least=2)
    num_seeds: int = command.flag(
        3, "Seeds of every method; of latents at most the seeds that were trained.", at_least=1
    )
    deep_seeds: int = command.flag(5, "Seeds of deep clustering; 0 leaves it out.", at_least=0)
    map: str | None = command.flag(
        None, "Latents to map and to show confused, as RECIPE_SIZE; by default the last recipe's middle size."
    )
    perplexity: float = command.flag(30.0, "Of t-SNE.", at_least=1)
    out: Path = runs.out()
    name: str | None = runs.name(None, "Name of the run folder; the run's with _clusters by default.")
    overwrite: bool = runs.overwrite()


PRESETS = {
    "digits": Settings(),
    "mnist": Settings(run=Path("runs/mnist")),
    "mnist_latents": Settings(run=Path("runs/mnist"), deep_seeds=0, name="mnist_latent_clusters"),
    "mnist_invariant": Settings(run=Path("runs/mnist_invariant")),
}
ACROSS = 60  # thumbnails across a map
HEADINGS = {"accuracy": "accuracy", "nmi": "NMI", "ari": "ARI", "silhouette": "silhouette"}


def tiny(settings: Settings) -> Settings:
    """A preset without deep clustering, of the training's tiny brother."""
    name = settings.name and f"{settings.name}_tiny"
    return dataclasses.replace(settings, run=Path(f"{settings.run}_tiny"), num_seeds=2, deep_seeds=0, name=name)


def main(settings: Settings) -> None:
    """Load, cluster, score, and when all numbers are in their place draw."""
    data, trained = load(settings)
    space = chosen_space(settings.map, trained)
    path = runs.place(settings.out, settings.name or f"{settings.run.resolve().name}_clusters")
    check(data, trained, settings)
    with runs.folder(path, settings.overwrite) as folder:
        command.save(folder, settings)
        named = spaces(data, trained, settings, space)
        rows = compare_all(labels_of(data.test), named, settings.num_clusters)
        summaries = write_scores(rows, folder)
        fitted: list[clustering.DeepClustering] = []
        if settings.deep_seeds:
            row, fitted = cluster_deeply(data, settings, folder)
            summaries = write_scores([*rows, row], folder)
    drawn = draw_space(data, named, rows, space, settings.perplexity, path)
    if fitted:
        latents, clusters = fitted[0].transform(data.test.images), fitted[0].predict(data.test.images)
        drawn += draw(data, latents, clusters, settings.perplexity, path, "deep")
    written = ["scores.csv", "clusters.csv"] if fitted else ["scores.csv"]
    print(f"{data.describe()}; {len(data.test.images):,} test images", end="")
    print(f"; deep clustering of all {len(data.everything().images):,}" if settings.deep_seeds else "")
    print(table(summaries))
    print(runs.wrote(path, *written, pictures=drawn))


def load(settings: Settings) -> tuple[ae.ImageData, ae.Trained]:
    """The images that the run was trained on, and every network of it, in the order of training."""
    data = train.images_of(settings.run, settings.data_dir)
    labels_of(data.everything() if settings.deep_seeds else data.test)
    return data, ae.trained(settings.run / "checkpoints")


def labels_of(split: ae.Split) -> np.ndarray:
    """The labels; ValueError where there are none."""
    if split.labels is None:
        raise ValueError(
            "`--run` was trained on images without labels, and clusters are scored by labels; give labels."
        )
    return split.labels


def chosen_space(wanted: str | None, trained: ae.Trained) -> tuple[str, int]:
    """The latents to draw, by recipe and size: those asked for, or the last recipe's middle size."""
    known = {f"{recipe}_{size}": (recipe, size) for recipe, size in trained}
    if wanted is None:
        last, _ = list(trained)[-1]
        sizes = sorted(size for recipe, size in trained if recipe == last)
        return last, sizes[len(sizes) // 2]
    if wanted not in known:
        raise ValueError(f"`--map={wanted}` is none of the run's latents; choose among {', '.join(known)}.")
    return known[wanted]


def check(data: ae.ImageData, trained: ae.Trained, settings: Settings) -> None:
    """Refuse before any clustering what a later step would."""
    from aecluster import clustering, figures

    images, labels = data.test.images, labels_of(data.test)
    figures.check_drawable("images", images)
    figures.check_classes("labels", labels)
    if settings.num_clusters > figures.MOST_CLASSES:
        raise ValueError(
            f"`--num_clusters` must be at most {figures.MOST_CLASSES:,} to be drawn, got {settings.num_clusters}; look for fewer."
        )
    for ensemble in trained.values():
        ensemble.check(images)
    pixels = images.reshape(len(images), -1)
    clustering.check_mappable(pixels, settings.perplexity)
    clustering.check_comparable(labels, {"pixels": [pixels]}, settings.num_clusters)


def spaces(
    data: ae.ImageData, trained: ae.Trained, settings: Settings, drawn: tuple[str, int]
) -> dict[str, Sequence[np.ndarray]]:
    """Every space of the test images, by name: one a seed. ValueError where the one to be drawn cannot be mapped."""
    from aecluster import clustering

    named = dict(clustering.spaces(data.test.images, trained, settings.num_seeds))
    clustering.check_mappable(named["{}, {}".format(*drawn)][0], settings.perplexity)
    return named


def write_scores(rows: list["clustering.Row"], folder: Path) -> list[dict[str, object]]:
    """The table of what is scored so far; its rows."""
    summaries = [row.summary() for row in rows]
    runs.write_table(folder / "scores.csv", summaries)
    return summaries


def draw_space(
    data: ae.ImageData,
    named: Mapping[str, Sequence[np.ndarray]],
    rows: list["clustering.Row"],
    space: tuple[str, int],
    perplexity: float,
    folder: Path,
) -> list[str]:
    """The pictures of the chosen latents, by name: clusters of the last method, a mixture unless the latents are too many."""
    recipe, size = space
    name = f"{recipe}, {size}"
    clusters = [row.clusters[0] for row in rows if row.space == name][-1]
    return draw(data, named[name][0], clusters, perplexity, folder, f"{recipe}_{size}")


def compare_all(
    labels: np.ndarray, named: Mapping[str, Sequence[np.ndarray]], num_clusters: int
) -> list["clustering.Row"]:
    """One row a space and method."""
    from aecluster import clustering

    rows: list[clustering.Row] = []
    total = sum(len(clustering.methods_for(spaces[0])) for spaces in named.values())
    with Reporter("methods") as reporter:
        for row in clustering.compare(labels, named, num_clusters):
            rows.append(row)
            scores = f"{row.space}, {row.method}: accuracy {row.summary()['accuracy']:.3f}"
            reporter.tell(len(rows), total, scores, step=1)
    return rows


def cluster_deeply(
    data: ae.ImageData, settings: Settings, folder: Path
) -> tuple["clustering.Row", list["clustering.DeepClustering"]]:
    """Deep clustering of all images, written: a row for the table, and the fitted estimators."""
    everything = data.everything()
    row, fitted = deep(everything.images, labels_of(everything), settings)
    columns = np.column_stack([model.labels_ for model in fitted])
    names = [f"seed_{seed}" for seed in range(settings.deep_seeds)]
    runs.write_table(folder / "clusters.csv", [dict(zip(names, line, strict=True)) for line in columns])
    return row, fitted


def deep(
    images: np.ndarray, labels: np.ndarray, settings: Settings
) -> tuple["clustering.Row", list["clustering.DeepClustering"]]:
    """From every seed: a row for the table, and the fitted estimators."""
    from aecluster import clustering

    fitted, scores = [], []
    with Reporter("deep clusterings") as reporter:
        for seed in range(settings.deep_seeds):
            model = clustering.DeepClustering(settings.num_clusters, random_state=seed)
            fitted.append(model.fit(images))
            scores.append(clustering.score(labels, model.labels_, model.manifold_, seed))
            reporter.tell(seed + 1, settings.deep_seeds, f"accuracy {scores[-1].accuracy:.4f}", step=1)
    return clustering.Row("all images", "deep clustering", scores, [model.labels_ for model in fitted]), fitted


def draw(
    data: ae.ImageData, space: np.ndarray, clusters: np.ndarray, perplexity: float, folder: Path, name: str
) -> list[str]:
    """A t-SNE map of the test images with thumbnails, and a confusion matrix."""
    from aecluster import clustering, figures

    images, labels = data.test.images, labels_of(data.test)
    agreed = clustering.matched(labels, clusters)
    places = clustering.tsne(space, perplexity=perplexity)
    pictures = {
        f"tsne_{name}": figures.thumbnails(places, images, labels, clusters=agreed, across=ACROSS, axis_names=None),
        f"confusion_{name}": figures.confusion_matrix(clustering.counts(labels, agreed)),
    }
    for stem, figure in pictures.items():
        figures.write(figure, [folder / f"{stem}.png", folder / f"{stem}.pdf"])
    return list(pictures)


def table(rows: list[dict[str, object]]) -> str:
    """The scores as a person wants to read them."""
    lines = [f"{'space':<14} {'method':<16}" + "".join(f"{heading:<18}" for heading in HEADINGS.values())]
    for row in rows:
        cells = (f"{row[name]:.3f} ± {row[f'{name}_std']:.3f}" for name in HEADINGS)
        lines.append(f"{row['space']:<14} {row['method']:<16}" + "".join(f"{cell:<18}" for cell in cells))
    return "\n".join(lines)


if __name__ == "__main__":
    command.run(main, Settings, PRESETS, tiny)
