"""Cluster the latents of a finished training, and images by deep clustering.

    python -m launch.cluster --run=runs/digits

clusters the test images of a run of launch.train: their pixels, their principal components, and every latent space of the
run, by k-means and by a mixture of Gaussians chosen by likelihood. Then it clusters all images, training and test, by
deep clustering from five seeds. Labels are used for nothing but the scores. It writes into runs/digits_clusters/:
scores.csv, clusters.csv (the deep clusters of every image), and maps by t-SNE and confusion matrices (png and pdf).

    python -m launch.cluster --run=runs/mnist                     # the README's table
    python -m launch.cluster --run=runs/mnist --deep_seeds=0      # without deep clustering: minutes instead of an hour
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from absl import flags

import aecluster as ae
from launch import old_command as command
from launch.progress import Reporter

if TYPE_CHECKING:
    from aecluster import clustering

FLAGS = flags.FLAGS

flags.DEFINE_string("run", "runs/digits", "Folder of a finished training.")
flags.DEFINE_string("data_dir", None, "Where its images are now; by default where they were.")
flags.DEFINE_integer("num_clusters", 10, "Clusters to look for.", lower_bound=2)
flags.DEFINE_integer(
    "num_seeds", 3, "Seeds of every method; of latents at most the seeds that were trained.", lower_bound=1
)
flags.DEFINE_integer("deep_seeds", 5, "Seeds of deep clustering; 0 leaves it out.", lower_bound=0)
flags.DEFINE_string(
    "map", None, "Latents to map and to show confused, as RECIPE_SIZE; by default the last recipe's middle size."
)
flags.DEFINE_float("perplexity", 30.0, "Of t-SNE.", lower_bound=1.0)
flags.DEFINE_string("out", "runs", "Folder that run folders are put into.")
flags.DEFINE_string("name", None, "Name of the run folder; the run's with _clusters by default.")
flags.DEFINE_bool("overwrite", False, "Replace a run folder of that name.")

ACROSS = 60  # thumbnails across a map
METHOD_DRAWN = "mixture"


def load_images(run: Path) -> ae.ImageData:
    """The images that the run was trained on."""
    if not (run / command.FLAGS_FILE).is_file() or not (run / "checkpoints").is_dir():
        raise ValueError(f"`--run` {str(run)!r} is no finished training; run `python -m launch.train` first.")
    saved = command.saved_flags(run)
    return ae.load(saved.get("data"), FLAGS.data_dir or saved.get("data_dir"))


def load_networks(run: Path) -> ae.Trained:
    """Every network of the run, by recipe and latent size, in the order of training."""
    trained: ae.Trained = {}
    for folder in sorted((run / "checkpoints").iterdir(), key=lambda folder: (folder.stat().st_mtime, folder.name)):
        recipe, _, size = folder.name.rpartition("_")
        trained[recipe, int(size)] = ae.restore(folder)
    return trained


def deep(images: np.ndarray, labels: np.ndarray) -> tuple["clustering.Row", list["clustering.DeepClustering"]]:
    """Deep clustering of all images from every seed: a row for the table, and the fitted estimators."""
    from aecluster import clustering

    fitted, scores = [], []
    with Reporter("deep clusterings") as reporter:
        for seed in range(FLAGS.deep_seeds):
            model = clustering.DeepClustering(FLAGS.num_clusters, random_state=seed)
            fitted.append(model.fit(images))
            scores.append(clustering.score(labels, model.labels_, model.manifold_, seed))
            reporter.tell(seed + 1, FLAGS.deep_seeds, f"accuracy {scores[-1].accuracy:.4f}", step=1)
    return clustering.Row("all images", "deep clustering", scores, [model.labels_ for model in fitted]), fitted


HEADINGS = {"accuracy": "accuracy", "nmi": "NMI", "ari": "ARI", "silhouette": "silhouette"}


def table(rows: list[dict[str, object]]) -> str:
    """The scores as a person wants to read them."""
    lines = [f"{'space':<14} {'method':<16}" + "".join(f"{heading:<18}" for heading in HEADINGS.values())]
    for row in rows:
        cells = (f"{row[name]:.3f} ± {row[f'{name}_std']:.3f}" for name in HEADINGS)
        lines.append(f"{row['space']:<14} {row['method']:<16}" + "".join(f"{cell:<18}" for cell in cells))
    return "\n".join(lines)


def chosen_space(names: list[str]) -> str:
    """The latents to draw: those asked for, or the last recipe's middle size."""
    latents = [name for name in names if "," in name and not name.startswith("PCA")]
    if FLAGS.map is not None:
        wanted = ", ".join(FLAGS.map.rsplit("_", 1))
        if wanted not in latents:
            known = ", ".join("_".join(name.split(", ")) for name in latents)
            raise ValueError(f"`--map={FLAGS.map}` is none of the run's latents; choose among {known}.")
        return wanted
    last = [name for name in latents if name.split(", ")[0] == latents[-1].split(", ")[0]]
    return sorted(last, key=lambda name: int(name.split(", ")[1]))[len(last) // 2]


def draw(
    images: np.ndarray, labels: np.ndarray, space: np.ndarray, clusters: np.ndarray, folder: Path, name: str
) -> list[str]:
    """A t-SNE map with thumbnails, and a confusion matrix."""
    from aecluster import clustering, figures

    agreed = clustering.matched(labels, clusters)
    places = clustering.tsne(space, perplexity=FLAGS.perplexity)
    pictures = {
        f"tsne_{name}": figures.thumbnails(places, images, labels, clusters=agreed, across=ACROSS, axis_names=None),
        f"confusion_{name}": figures.confusion_matrix(clustering.counts(labels, agreed)),
    }
    for stem, figure in pictures.items():
        figures.write(figure, [folder / f"{stem}.png", folder / f"{stem}.pdf"])
    return list(pictures)


def main() -> None:
    """Load, cluster, score, draw."""
    from aecluster import clustering

    run = Path(FLAGS.run)
    data, trained = load_images(run), load_networks(run)
    images, labels = data.test.images, data.test.labels
    if labels is None or data.train.labels is None:
        raise ValueError(
            "`--run` was trained on images without labels, and clusters are scored by labels; give labels."
        )
    everything = data.everything()
    path = Path(FLAGS.out) / (FLAGS.name or f"{run.name}_clusters")
    with command.run_folder(path, FLAGS.overwrite) as folder:
        named = dict(clustering.spaces(images, trained, FLAGS.num_seeds))
        space = chosen_space(list(named))
        rows: list[clustering.Row] = []
        total = sum(len(clustering.methods_for(spaces[0])) for spaces in named.values())
        with Reporter("methods") as reporter:
            for row in clustering.compare(labels, named, FLAGS.num_clusters):
                rows.append(row)
                scores = f"{row.space}, {row.method}: accuracy {row.summary()['accuracy']:.3f}"
                reporter.tell(len(rows), total, scores, step=1)
        mixture = next(row for row in rows if (row.space, row.method) == (space, METHOD_DRAWN))
        drawn = draw(images, labels, named[space][0], mixture.clusters[0], folder, space.replace(", ", "_"))
        if FLAGS.deep_seeds:
            row, fitted = deep(everything.images, np.concatenate([data.train.labels, labels]))
            rows.append(row)
            found = fitted[0].predict(images)
            drawn += draw(images, labels, fitted[0].transform(images), found, folder, "deep")
            everyone = np.column_stack([model.labels_ for model in fitted])
            names = [f"seed_{seed}" for seed in range(FLAGS.deep_seeds)]
            command.write_table(folder / "clusters.csv", [dict(zip(names, line, strict=True)) for line in everyone])
        summaries = [row.summary() for row in rows]
        command.write_table(folder / "scores.csv", summaries)
        command.save_flags(folder)
    print(
        f"{data.name}: {len(images):,} test images; deep clustering (where asked for) of all {len(everything.images):,}"
    )
    print(table(summaries))
    print(f"wrote {path}: scores.csv, {', '.join(drawn)} (png and pdf), {command.FLAGS_FILE}")


if __name__ == "__main__":
    command.run(main)
