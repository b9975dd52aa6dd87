"""Bad input of the commands: one sentence that says what is wrong and what to do, exit code 2, and nothing is written."""

import importlib
import sys
import warnings

import absl.logging
import fsspec
import jax
import numpy as np
import pytest
import xarray
from test_launch_sweeps import free_port

import hillopt as ho
from launch import command

LONG = "a" * 300
RATE = "--axis=learning_rate:log:0.1:1:3"
NETWORKS = ["--hills=network.tanh,network.relu", "--question=trainability", RATE]
NOISY = "--question=escape_probability"
HERE = "--coordinator=localhost:PORT"
CLOSE = "--axis=learning_rate:linear:0.3:0.3000000001:5"
NO_HOME = "there is no such home folder; write the path in full."
NAMED = "`--name` must be the name of one folder, got"
NOT_A_PLACE = "`--coordinator` must be HOST:PORT or auto, got"
SHARD = "`--shard` must be (i, n) with 0 <= i < n, got"
STEPS = "must lie between 1 and 2147483647, got 99999999999"

PLANE = ["--axis=learning_rate:linear:0.1:0.5:9", "--axis=height:linear:0.1:0.5:9"]

COMMANDS = [
    # flags
    ("sweep", ["--optimzer=adam"], "Unknown command line flag 'optimzer'. Did you mean: optimizer ?"),
    ("sweep", ["extra"], "unexpected argument 'extra'; every setting is a flag, see --help."),
    ("sweep", ["--resume=perhaps"], "`--resume` is a switch; write --resume, --noresume, or =true or =false."),
    ("sweep", ["--flagfile=binary"], "Unknown command line flag 'flagfile'; --settings repeats a run, see --help."),
    ("sweep", ["--settings=binary"], "`--settings` 'binary' is no settings.json; give the one of a run folder."),
    ("sweep", ["--settings=link"], "`--settings` 'link' cannot be read (No such file or directory); give a run folder"),
    ("sweep", ["--settings=folder"], "`--settings` 'folder/settings.json' cannot be read (No such file or directory);"),
    ("sweep", [f"--settings={LONG}"], "cannot be read (File name too long); give a run folder or its file."),
    ("sweep", ["--settings=a\0b"], "`--settings` 'a\\x00b' is no settings.json"),
    ("sweep", ["--preset=fats"], "`--preset` must be one of default, teeth, facets"),
    ("sweep", ["--preset=fast", "--settings=file"], "`--preset` and `--settings` both give all settings; choose one."),
    # precision
    ("sweep", ["--precision=exact"], "`--precision` must be one of auto, once, got 'exact'"),
    ("sweep", ["--precision=auto", "--preset=rough"], "`--precision` is not for --question=loss; leave it out."),
    (
        "sweep",
        ["--precision=auto", "--climb=plain"],
        '`--precision="auto"` asks again what proofs have flagged, and `--climb=plain` attempts none; leave one of them out.',
    ),
    # axes
    ("sweep", ["--axis="], "`--axis=` is no axis; write NAME:SCALE:LOW:HIGH:POINTS or NAME:list:VALUES."),
    ("sweep", ["--axis=:linear:0:1:3"], "`--axis=:linear:0:1:3` is no axis; write NAME:SCALE:LOW:HIGH:POINTS"),
    ("sweep", ["--axis=learning_rate"], "`--axis=learning_rate` is no axis; write NAME:SCALE:LOW:HIGH:POINTS"),
    ("sweep", ["--axis=eps:cubic:0:1:3"], "`--axis=eps:cubic:0:1:3` is no axis; write SCALE:LOW:HIGH:POINTS with SCALE"),
    ("sweep", ["--axis=eps:log:x:1:5"], "`--axis=eps:log:x:1:5`: 'x' is no number; write one."),
    ("sweep", ["--axis=eps:log:1:2:2.5"], "`--axis=eps:log:1:2:2.5`: '2.5' is no whole number; write one."),
    ("sweep", ["--axis=eps:list:0,x"], "`--axis=eps:list:0,x`: 'x' is no number; write one."),
    ("sweep", ["--axis=eps:list:"], "`--axis=eps:list:`: an axis needs at least one point, got none; give some values."),
    ("sweep", ["--axis=eps:list:0,nan"], "`--axis=eps:list:0,nan`: an axis must be finite, got nan; remove it."),
    ("sweep", ["--axis=eps:linear:0:inf:5"], "`--axis=eps:linear:0:inf:5`: an axis must be finite, got 0 to inf;"),
    ("sweep", ["--axis=eps:linear:0:1:-3"], "`--axis=eps:linear:0:1:-3`: an axis needs at least one point, got -3;"),
    ("sweep", ["--axis=eps:log:0:1:5"], "`--axis=eps:log:0:1:5`: a log axis must be positive, got 0; start above 0"),
    ("sweep", ["--axis=eps:log:1:0.1:5"], "`--axis=eps:log:1:0.1:5`: an axis must increase, got 1 to 0.1; give the"),
    ("sweep", ["--axis=eps:list:1,1"], "`--axis=eps:list:1,1`: an axis must increase, got 1 before 1; give the smaller"),
    ("sweep", ["--axis=b1:log_complement:0:1:4"], "`--axis=b1:log_complement:0:1:4`: a log-complement axis must stay"),
    ("sweep", ["--axis=b1:linear:0:1:4", "--fixed=learning_rate=0.3"], "`--axis=b1:linear:0:1:4` must lie in [0, 1), got 1;"),
    ("sweep", [CLOSE, "--dtype=float32"], f"`{CLOSE}`: neighbours are the same number in float32; take fewer points or"),
    ("sweep", ["--axis=eps:list:0,1", "--axis=eps:list:2"], "`--axis` names 'eps' twice; sweep each hyperparameter once."),
    ("sweep", ["--axis=learning_rat:log:0.1:1:3"], "`Adam` has no hyperparameter 'learning_rat'; did you mean 'learning_rate'?"),
    ("sweep", ["--axis=height:list:1,2"], "`--axis=height` is not walked for critical heights, which answer for all heights"),
    ("sweep", ["--axis=height:list:1", "--heights=list:1"], "`--axis=height` and `--heights` both give heights; choose one."),
    ("sweep", [RATE, "--heights=list:-1"], "`--heights` must be finite and not negative, got -1; start at 0 or above."),
    ("sweep", [RATE, "--heights=linear:0:1"], "`--heights=linear:0:1` is no axis; write SCALE:LOW:HIGH:POINTS"),
    # numbers
    ("sweep", [RATE, "--fixed=b1=2"], "`--fixed=b1=2` must lie in [0, 1), got 2; give a finite value inside that range."),
    ("sweep", [RATE, "--fixed=b1=0.5,b1=0.6"], "`--fixed` gives 'b1' twice; give every name one number."),
    ("sweep", [RATE, "--fixed=learning_rate=1"], "`--fixed` names 'learning_rate', which is an axis; remove one of them."),
    ("sweep", [RATE, "--fixed=b3=0.5"], "`Adam` has no hyperparameter 'b3'; did you mean 'b2'?"),
    ("sweep", [RATE, "--fixed=b2"], "`--fixed` takes name=number pairs, got 'b2'; write for example"),
    ("sweep", [RATE, "--hill_numbers=hight=1"], "`TentHill` has no hyperparameter 'hight'; did you mean 'height'?"),
    ("sweep", [RATE, "--hill_numbers=height=-1", "--question=escape"], "`--hill_numbers=height=-1` must be finite and not"),
    ("sweep", ["--max_steps=0"], "`--max_steps` must be at least 1, got 0."),
    ("sweep", [RATE, "--max_steps=99999999999"], f"`--max_steps` {STEPS}"),
    ("sweep", [RATE, "--max_steps=auto", "--most_steps=99999999999"], f"`--max_steps=auto --most_steps` {STEPS}"),
    ("sweep", [RATE, "--max_steps=auto", "--climb=fast"], "`--max_steps=auto` goes on with what is undecided, which takes"),
    ("sweep", [RATE, f"--seed={10**20}"], f"`--seed` must have at most 64 bits, got {10**20}; give a smaller number."),
    ("sweep", ["--tile=1e3"], "`--tile` must be a whole number, got '1e3'."),
    # questions, hills and optimizers
    ("sweep", ["--noise=nan"], "`--noise` must be a finite number, got nan."),
    ("sweep", [RATE, NOISY], f"`--noise` must be given for {NOISY}; give its deviation, or sweep noise_scale."),
    ("sweep", [NOISY, "--axis=noise_scale:linear:-1:1:3"], "`--axis=noise_scale:linear:-1:1:3` must lie in [0, inf), got -1;"),
    ("sweep", ["--question=escape", "--noise=1"], "`--noise` is not for --question=escape; leave it out."),
    ("sweep", ["--question=loss", "--climb=fast"], "`--climb` is not for --question=loss; leave it out."),
    ("sweep", [RATE, "--climb=pallas"], "on a CPU; leave `--climb` out, or take --climb=bounded."),
    ("sweep", [RATE, "--climb=lattice", "--optimizer=adagrad"], "`--climb=lattice` cannot serve: Adagrad does not move on"),
    ("sweep", ["--hill=wedge"], "so that a walk may escape it and not a lower one; ask --question=escape."),
    ("sweep", ["--optimizer=adom"], "or module:name of your own, got 'adom'; did you mean 'adam'?"),
    ("sweep", ["--hill=tnet"], "or module:name of your own, got 'tnet'; did you mean 'tent'?"),
    ("sweep", ["--hill=nowhere:Hill", RATE], "`--hill=nowhere:Hill`: nowhere cannot be imported (ModuleNotFoundError: No module"),
    ("sweep", ["--optimizer=optax:adamm", RATE], "`--optimizer=optax:adamm`: optax has no 'adamm'; did you mean 'adam'?"),
    ("sweep", ["--question=math:pi", RATE], "`--question=math:pi` must be a question of hillopt, its class, or a function that"),
    ("sweep", ["--hill=bowl", RATE], "`--question=critical_height` is asked of hills, and --hill=bowl is none; ask"),
    ("sweep", ["--hill=bowl", "--question=loss", RATE, "--hill_numbers=k=1"], "`QuadraticBowl` has no hyperparameter 'k';"),
    ("sweep", ["--question=loss", RATE, "--question_numbers=window=3"], "`Loss` has no hyperparameter 'window';"),
    ("sweep", ["--optimizer=optax.adom"], "optax has no optimizer 'adom'; did you mean 'adam'?"),
    ("sweep", ["--optimizer=optax.sgd", RATE, "--axis=momentun:list:0.1"], "did you mean 'momentum'?"),
    # places
    ("sweep", ["--name=../x"], f"{NAMED} '../x'; say where it goes by --out."),
    ("sweep", ["--name=/tmp/x"], f"{NAMED} '/tmp/x'; say where it goes by --out."),
    ("sweep", ["--name=a\0b"], f"{NAMED} 'a\\x00b'"),
    ("sweep", [f"--name={LONG}"], "which cannot be written (File name too long); choose others."),
    ("sweep", ["--out=file"], "`--out` and `--name` give 'file/adam', which cannot be written (Not a directory); choose others."),
    ("sweep", ["--out=link"], "`--out` and `--name` give 'link/adam', which cannot be written (File exists); choose others."),
    ("sweep", ["--out=/proc/x"], "`--out` and `--name` give '/proc/x/adam', which cannot be written (No such file or directory)"),
    ("sweep", ["--out=~nobody_of_that_name/y"], NO_HOME),
    ("sweep", ["--out=.", "--name=folder"], "`--out` and `--name` give 'folder', which exists; choose another name or pass"),
    ("sweep", ["--out=.", "--name=folder", "--overwrite"], "would replace 'folder', which holds no settings.json of a run"),
    ("sweep", ["--store=s3://bucket/x"], "`--store=s3://bucket/x` cannot be written (Install s3fs to access S3); give a folder"),
    ("sweep", ["--store=gopher://x"], "`--store=gopher://x` cannot be written (Protocol not known: gopher); give a folder"),
    ("sweep", ["--store=memory://x"], "`--store=memory://x` is gone when the command ends; give a folder or another URL."),
    ("sweep", ["--store=simplecache::memory://x"], "is gone when the command ends; give a folder or another URL."),
    ("sweep", [RATE, f"--store={LONG}"], "cannot be opened (File name too long); mend that, or choose another place."),
    ("sweep", [RATE, "--store=file"], "`--store` 'file' exists; choose another name, remove it, or go on with it by --resume."),
    ("sweep", [RATE, "--store=folder", "--overwrite"], "`--store` 'folder' exists; choose another name, remove it, or go on"),
    ("sweep", [RATE, "--store=folder", "--resume"], "`--store` 'folder' holds no sweep; choose another name."),
    ("sweep", [RATE, "--store=folder", "--shard=0/2"], "`--store` 'folder' holds no sweep; choose another name."),
    ("sweep", [RATE, "--store=file/x"], "`--store` 'file/x' cannot be written (Not a directory); mend that, or choose"),
    ("sweep", [RATE, "--store=~nobody_of_that_name/y"], NO_HOME),
    # sharing
    ("sweep", ["--shard=one"], "`--shard` takes I/N, such as 0/3, got 'one'."),
    ("sweep", [RATE, "--shard=3/3"], f"{SHARD} (3, 3)"),
    ("sweep", [RATE, "--shard=-1/3"], f"{SHARD} (-1, 3)"),
    ("sweep", ["--process_id=0"], "`--num_processes` and `--process_id` need `--coordinator`; give its HOST:PORT."),
    ("sweep", ["--coordinator=localhost"], f"{NOT_A_PLACE} 'localhost'; write for example node1:12345"),
    ("sweep", ["--coordinator=localhost:0"], f"{NOT_A_PLACE} 'localhost:0'"),
    ("sweep", [HERE], "`--coordinator=HOST:PORT` needs `--num_processes` and `--process_id`; give both."),
    ("sweep", [HERE, "--num_processes=2", "--process_id=2"], "`--process_id` must be below --num_processes=2, got 2;"),
    ("sweep", [HERE, "--num_processes=2", "--process_id=1", "--patience=0.1"], f"`{HERE}`: process 0 has not come within"),
    ("sweep", [HERE, "--num_processes=3", "--process_id=0", "--patience=0.1"], f"`{HERE}`: processes 1, 2 have not come"),
    ("sweep", ["--coordinator=auto"], "`--coordinator=auto`: "),
    ("sweep", ["--patience=0"], "`--patience` must be above 0, got 0.0."),
    # other commands
    ("atlas", ["--curvatures=25,x,25"], "`--curvatures=25,x,25`: 'x' is no number; write one."),
    ("atlas", ["--curvatures=25,1"], "`--curvatures` must be one more than knots, got 2 and 2; give every piece its own."),
    ("atlas", ["--curvatures=25,-1,25"], "`--curvatures` must lie in (0, inf), got -1; give a finite value"),
    ("atlas", ["--knots=2,1"], "`--knots` must rise, got (2.0, 1.0); sort them."),
    ("atlas", ["--knots=0,1"], "`--knots` must have its minimum inside a piece, got a knot at 0; move it."),
    ("atlas", ["--knots=1,inf"], "`--knots` must be a tuple of finite numbers, got (1.0, inf); give one."),
    ("atlas", ["--starts=list:0"], "`--starts` must hold a place beside the minimum, got (0.0,); give some."),
    ("sweep", ["--hill=network.tanh"], "`--question=critical_height` is not asked of training runs such as --hill=network.tanh;"),
    ("sweep", ["--hill=network.tan"], "got 'network.tan'; did you mean 'network.tanh'?"),
    ("sweep", ["--optimizer=own"], "`--optimizer=own` is for training runs, and --hill=tent is none; name an optimizer."),
    ("sweep", ["--preset=network_tanh", "--question_numbers=window=200"], "`window` must be at most --max_steps=100, got 200;"),
    ("sweep", ["--preset=network_tanh", "--fixed=seed=-1"], "`--fixed=seed=-1` must lie in [0, inf), got -1;"),
    ("sweep", ["--preset=network_tanh", "--hill_numbers=ofset=1"], "has no number 'ofset'; it has offset, input_learning_rate"),
    ("sweep", ["--preset=network_tanh", "--climb=fast"], "`--climb` is not for --question=trainability; leave it out."),
    ("bench.networks", ["--side=1"], "`--side` must be at least 2, got 1."),
    ("atlas", ["--starts=linear:0:1"], "`--starts=linear:0:1` is no axis; write SCALE:LOW:HIGH:POINTS"),
    ("atlas", ["--learning_rates=list:-1,1"], "`--learning_rates` must lie in (0, inf), got -1; give a finite value"),
    ("atlas", ["--momenta=list:0.5,1"], "`--momenta` must lie in [0, 1), got 1; give a finite value inside that range."),
    ("trajectory", ["--height=inf"], "`--height` must be a finite number, got inf."),
    ("trajectory", ["--height=-1"], "`--height` must be at least 0, got -1.0."),
    ("trajectory", ["--optimizer=adom"], "or module:name of your own, got 'adom'; did you mean 'adam'?"),
    ("trajectory", ["--hill=mueller_browne"], "or module:name of your own, got 'mueller_browne'; did you mean 'mueller_brown'?"),
    ("trajectory", ["--hill=bowl", "--height=1"], "`QuadraticBowl` has no hyperparameter 'height';"),
    ("trajectory", ["--hill=bowl", "--hill_numbers=curvature=-1"], "must lie in (0, inf), got -1; give a finite value"),
    ("trajectory", ["--hill=math:nan"], "`--hill=math:nan` must be a landscape or run of hillopt, its class, or a function that"),
    ("trajectory", ["--hyperparameters=learning_rate=0.3,b3=1"], "has no hyperparameter 'b3'; did you mean 'b2'?"),
    ("trajectory", ["--hyperparameters=learning_rate=1,learning_rate=2"], "`--hyperparameters` gives 'learning_rate' twice;"),
    ("trajectory", ["--film", "--num_steps=201"], "`--film` draws at most 200 steps, got 201; lower `--num_steps`."),
    ("trajectory", ["--film", "--hill=mueller_brown"], "`--film` draws walks in one dimension, not on mueller_brown; leave it"),
    ("trajectory", ["--num_steps=0"], "`--num_steps` must be at least 1, got 0."),
    ("trajectory", ["--name=a/b"], f"{NAMED} 'a/b'; say where it goes by --out."),
    ("trajectory", ["--out=file"], "which cannot be written (Not a directory); choose others."),
    ("compare", ["--optimizers=adam,adom"], "or module:name of your own, got 'adom'; did you mean 'adam'?"),
    ("compare", ["--optimizers=adam"], "`--optimizers` must name two at least, or --hills; launch.sweep asks one."),
    ("compare", [*NETWORKS, "--optimizers=adam,lion"], "`--optimizers` and `--hills` both name several, and a training run"),
    ("compare", ["--fixed=b3=1"], "`--fixed` names 'b3', which none of adam, heavy_ball, nesterov has; write a number that some"),
    ("compare", ["--axis=b1:list:0.5"], "must name numbers of all that are compared, and heavy_ball has no 'b1'; sweep what all"),
    ("compare", ["--question=loss", "--num_seeds=2"], "`seeds` are for noisy questions and for runs that have a number 'seed',"),
    ("boundary", ["--axis=learning_rate:linear:0.1:0.5:9"], "`--axis` must be two, of at least two values each, got"),
    ("boundary", [*PLANE, "--of=verdikt"], "`--of` must be a field of the answer, got 'verdikt'; did you mean 'verdict'?"),
    ("boundary", [*PLANE, "--level=0.5"], "`--level` divides numbers, and 'verdict' has labels; leave it out."),
    ("boundary", ["--preset=level", *PLANE, "--question=loss", "--level=nan"], "`--level` must be a finite number, got nan."),
    ("boundary", [*PLANE, "--spacing=3"], "`--spacing` must be a power of two, since it is divided, got 3; take 16, say."),
    ("boundary", [*PLANE, "--margin=-1"], "`--margin` must be at least 0, got -1."),
    ("boundary", [*PLANE, "--hill=nowhere:hill"], "`--hill=nowhere:hill`: nowhere cannot be imported"),
    ("zoom", ["--frames=0"], "`--frames` must be at least 1, got 0."),
    ("zoom", ["--frames=1000000000"], "`--frames` makes an answer of 6.2e+04 GiB, and this machine's"),
    ("zoom", ["--about=input_learning_rate=1"], "`--about` must give one value for each of input_learning_rate, output_learn"),
    ("zoom", ["--preset=teeth", "--about=learning_rate=2,height=0.1"], "`--about` must lie in the first window, learning_rate"),
    ("zoom", ["--preset=teeth", RATE, "--axis=height:list:0.1,0.2"], "`--axis=height:list:0.1,0.2` must be a linear or log"),
    ("reproduce", ["--only=catapalt"], "`--only` has no result 'catapalt'; did you mean 'catapult'?"),
    ("reproduce", ["--only=atlas"], "`--only=atlas` is not repeated by this command; all settings of heavy ball: launch.atlas"),
    ("optimizers", ["--only=adom"], "optax has no optimizer 'adom'; did you mean 'adam'?"),
    ("optimizers", ["--only="], "`--only` must have one entry at least; give some, or leave it out."),
    ("optimizers", ["--learning_rates=nan"], "`--learning_rates` must be a list, each a finite number, got nan."),
    ("optimizers", ["--learning_rates=0"], "`--learning_rates` must be above 0, got 0.0."),
    ("optimizers", ["--name=..", "--only=adam"], f"{NAMED} '..'; say where it goes by --out."),
    ("bench", ["--settings=300"], "`--settings` must be a multiple of 256, got 300."),
    ("bench", ["--yardstick=nowhere.c"], "`--yardstick` 'nowhere.c' is no file; give the C source to compare with"),
    ("bench", ["--json=file/x"], "'file/x': Not a directory; mend that, or choose another place."),
    ("bench", ["--repeats=0"], "`--repeats` must be at least 1, got 0."),
    ("bench.training", ["--num_images=0"], "`--num_images` must be at least 256, got 0."),
    ("bench.deblurring", ["--slow_images=0"], "`--slow_images` must be at least 1, got 0."),
]  # fmt: skip
BEFORE_A_BACKEND = ("jax_num_cpu_devices", "jax_enable_x64", "jax_enable_recoverability")


def without_s3(protocol, found=fsspec.get_filesystem_class):
    """Whatever is installed here."""
    if protocol == "s3":
        raise ImportError("Install s3fs to access S3")
    return found(protocol)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with what may be in the way; a command run in it leaves this process as it was."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "thesis.txt").write_text("years of work")
    (tmp_path / "file").write_text("x")
    (tmp_path / "binary").write_bytes(b"\x93NUMPY\xff\x00")
    (tmp_path / "link").symlink_to("nowhere")
    monkeypatch.chdir(tmp_path)
    update, verbosity = jax.config.update, absl.logging.get_verbosity()
    monkeypatch.setattr(
        jax.config, "update", lambda name, value: None if name in BEFORE_A_BACKEND else update(name, value)
    )
    monkeypatch.setattr(fsspec, "get_filesystem_class", without_s3)
    monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)
    yield tmp_path
    absl.logging.set_verbosity(verbosity)


def contents(place):
    return {path: path.read_bytes() if path.is_file() else None for path in place.rglob("*")}


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    COMMANDS,
    ids=[f"{name} {' '.join(arguments)[:40]}" for name, arguments, _ in COMMANDS],
)
def test_a_command_refuses_bad_input_in_one_sentence(name, arguments, told, place, monkeypatch, capsys):
    module = importlib.import_module(f"launch.{name}.__main__" if name == "bench" else f"launch.{name}")
    port = str(free_port())
    monkeypatch.setattr(sys, "argv", [name, *(argument.replace("PORT", port) for argument in arguments)])
    before = contents(place)
    presets, tiny = getattr(module, "PRESETS", None), getattr(module, "tiny", None)
    with pytest.raises(SystemExit) as ended:
        command.run(module.main, module.Settings, presets, tiny)
    printed, sentence = capsys.readouterr()
    assert ended.value.code == 2
    assert sentence.startswith(f"{name}: ")
    assert told.replace("localhost:PORT", f"localhost:{port}") in sentence
    assert sentence.count("\n") == 1
    assert "ho." not in sentence
    assert "=True" not in sentence
    assert printed == ""
    assert contents(place) == before


QUESTION = ho.CriticalHeight(5, ho.PlainClimb())


def sweep(path, **options):
    store = ho.Store(path, **options)
    return ho.sweep(QUESTION, ho.TentHill(), ho.Adam(0.1), {"learning_rate": [0.1, 0.2]}, store=store)


def save(path):
    ho.save(xarray.Dataset({"x": ("t", np.zeros(3))}), path)


def sweep_with(**options):
    return ho.sweep(QUESTION, ho.TentHill(), ho.Adam(0.1), {"learning_rate": [0.1, 0.2]}, **options)


LIBRARY = [
    ("a file", lambda: sweep("file"), "`path` 'file' exists; choose another name, remove it, or go on with it by resume=True."),
    ("a file, resumed", lambda: sweep("file", resume=True), "`path` 'file' holds no sweep; choose another name."),
    ("a folder", lambda: sweep("folder", resume=True), "`path` 'folder' holds no sweep; choose another name."),
    ("a link", lambda: sweep("link"), "`path` 'link' exists; choose another name"),
    ("below a link", lambda: sweep("link/x"), "`path` 'link/x' cannot be written (File exists); mend that, or choose another"),
    ("below a file", lambda: sweep("file/x"), "`path` 'file/x' cannot be written (Not a directory); mend that, or choose"),
    ("a long name", lambda: sweep(LONG), "cannot be opened (File name too long); mend that, or choose another place."),
    ("no protocol", lambda: sweep("gopher://x"), "`path` 'gopher://x' cannot be opened (Protocol not known: gopher);"),
    ("no home", lambda: sweep("~nobody_of_that_name/x"), NO_HOME),
    ("no path", lambda: ho.Store(None), "`path` must be a folder or a URL that fsspec knows, got None; write for example"),
    ("a shard of words", lambda: ho.Store("x", shard="0/2"), "`shard` must be (i, n) with 0 <= i < n, got '0/2'; number"),
    ("a seed", lambda: sweep_with(seed=0.5), "`seed` must be an integer, got 0.5; give a number such as 0."),
    ("a long seed", lambda: sweep_with(seed=2**64), "`seed` must have at most 64 bits, got 18446744073709551616;"),
    ("save: a file", lambda: save("file"), "`path` 'file' exists; choose another name or remove it first."),
    ("save: a link", lambda: save("link"), "`path` 'link' exists; choose another name or remove it first."),
    ("save: below a file", lambda: save("file/x"), "`path` 'file/x' cannot be written (Not a directory); mend that"),
    ("save: a long name", lambda: save(LONG), "cannot be written (File name too long); mend that, or choose another place."),
    ("save: no home", lambda: save("~nobody_of_that_name/x"), NO_HOME),
    ("save: no path", lambda: save(3), "`path` must be a folder or a URL that fsspec knows, got 3; write for example"),
]  # fmt: skip


@pytest.mark.usefixtures("as_users_call")
@pytest.mark.parametrize(("call", "told"), [row[1:] for row in LIBRARY], ids=[row[0] for row in LIBRARY])
def test_the_library_refuses_bad_places_in_one_sentence(call, told, place):
    before = contents(place)
    with pytest.raises(ValueError, match=r"^[^\n]*\.$") as refused:
        call()
    assert told in str(refused.value)
    assert contents(place) == before
