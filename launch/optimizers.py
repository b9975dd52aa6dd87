"""Every optimizer of optax on the tent hill, with what can be swept of it.

    python -m launch.optimizers

prints one line for each public optimizer of optax and optax.contrib: the numbers that sweep as arrays, what it asks for
besides the slope, and the highest rise within --max_steps at three learning rates, all other numbers at optax's defaults.
It writes runs/optimizers/optimizers.csv and flags.txt. The last line counts those that sweep, n of n.
"""

from pathlib import Path

import jax
import numpy as np
from absl import flags

import hillopt as ho
from launch import old_command as command
from launch.progress import Reporter

FLAGS = flags.FLAGS

flags.DEFINE_list("learning_rates", ["0.03", "0.1", "0.3"], "Learning rates to walk with.")
flags.DEFINE_integer("max_steps", 2_000, "Steps of each walk.", lower_bound=1)
flags.DEFINE_string("out", "runs", "Folder that run folders are put into.")
flags.DEFINE_string("name", "optimizers", "Name of the run folder.")
flags.DEFINE_bool("overwrite", False, "Replace a run folder of that name.")

RATES = ("learning_rate", "max_learning_rate")


def row_of(name: str, rates: list[float]) -> dict[str, str]:
    """What there is to say of one optimizer; `problem` says why it does not sweep, if it does not."""
    _, settings = ho.optax_settings(name)
    rate = next(key for key in RATES if key in settings)
    row = {"optimizer": name, "swept": "", "asks": "", "problem": ""}
    row |= {f"height_{value:g}": "" for value in rates}
    try:
        optimizer = ho.optax_named(name, **{rate: np.array(rates)})
        walks = ho.critical_height(ho.TentHill(), optimizer, max_steps=FLAGS.max_steps, implementation="plain")
    except ValueError as error:
        return {**row, "problem": str(error)}
    asks = [*optimizer.asks, *(["an axis"] if optimizer.wants_axis else [])]
    heights = {f"height_{value:g}": f"{float(h):.4g}" for value, h in zip(rates, walks.height, strict=True)}
    return {**row, "swept": " ".join(optimizer.swept), "asks": " ".join(asks), **heights}


def main() -> None:
    """Walk with each, print, write."""
    jax.config.update("jax_enable_x64", True)
    rates = command.numbers(FLAGS.learning_rates, "--learning_rates")
    names, rows = ho.optax_names(), []
    path = Path(FLAGS.out) / FLAGS.name
    with command.run_folder(path, FLAGS.overwrite) as folder:
        with Reporter("optimizers") as reporter:
            for name in names:
                rows.append(row_of(name, rates))
                reporter.tell(len(rows), len(names), name, step=1)
        command.write_table(folder / "optimizers.csv", rows)
        command.save_flags(folder)
    heights = [f"height_{value:g}" for value in rates]
    print(f"{'optimizer':<30}" + "".join(f"{f'h* at {value:g}':>12}" for value in rates) + "  swept; asks for")
    for row in rows:
        asks = f"; {row['asks']}" if row["asks"] else ""
        cells = "".join(f"{row[height]:>12}" for height in heights)
        print(f"{row['optimizer']:<30}{cells}  {row['problem'] or row['swept'] + asks}")
    swept = sum(not row["problem"] for row in rows)
    print(f"{swept} of {len(rows)} sweep; wrote {path}: optimizers.csv, {command.FLAGS_FILE}")


if __name__ == "__main__":
    command.run(main)
