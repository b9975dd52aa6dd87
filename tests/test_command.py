"""Settings as flags and as a file, and run folders: what is read, what is refused, what stands afterwards."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest

from launch import command, fields, runs, saved


@dataclasses.dataclass(frozen=True)
class Settings:
    """One setting of every kind."""

    steps: int | Literal["auto"] = command.flag(10, "Steps.", at_least=1, called="max_steps")
    rate: float = command.flag(0.5, "Rate.", above=0)
    noise: float | None = command.flag(None, "Noise.")
    sizes: tuple[int, ...] = command.flag((2, 16), "Sizes.", at_least=1)
    methods: tuple[str, ...] | None = command.flag(None, "Methods.", may_be_empty=True)
    fixed: dict[str, float] = command.flag({}, "Numbers.")
    axis: tuple[str, ...] = command.flag(("a:list:1,2",), "An axis.", repeated=True, called="axes")
    kind: str = command.flag("near", "Kind.", choices=["near", "far"])
    beside: bool = command.flag(True, "Beside.")
    data_dir: Path | None = command.flag(None, "Data.")
    out: Path = runs.out()
    name: str = runs.name("run")
    overwrite: bool = runs.overwrite()
    resume: bool = runs.resume()


PRESETS = {"fast": Settings(steps=3, rate=0.25, name="fast")}


def parse(*arguments):
    return command.parse(arguments, Settings, PRESETS, lambda settings: dataclasses.replace(settings, sizes=(1,)))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], {}),
        (["--steps=1_000"], {"steps": 1000}),
        (["--steps=auto"], {"steps": "auto"}),
        (["--rate", "1"], {"rate": 1.0}),
        (["--noise=2"], {"noise": 2.0}),
        (["--noise=2", "--noise="], {"noise": None}),
        (["--sizes=3, 5,3"], {"sizes": (3, 5)}),
        (["--methods="], {"methods": ()}),
        (["--methods=a,b"], {"methods": ("a", "b")}),
        (["--fixed=b1=0.9, b2=1e-3"], {"fixed": {"b1": 0.9, "b2": 1e-3}}),
        (["--axis=a:list:1,2", "--axis=b:log:1:2:3"], {"axis": ("a:list:1,2", "b:log:1:2:3")}),
        (["--nobeside", "--resume"], {"beside": False, "resume": True}),
        (["--data_dir=~/mnist"], {"data_dir": Path.home() / "mnist"}),
        (["--out=~"], {"out": Path.home()}),
        (["--preset=fast"], {"steps": 3, "rate": 0.25, "name": "fast"}),
        (["--rate=2", "--preset=fast"], {"steps": 3, "rate": 2.0, "name": "fast"}),
        (["--tiny"], {"sizes": (1,)}),
        (["--tiny", "--sizes=7"], {"sizes": (7,)}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_flags_become_settings(arguments, expected):
    assert parse(*arguments) == dataclasses.replace(Settings(), **expected)


REFUSED = [
    ("--stepps=3", "Unknown command line flag 'stepps'. Did you mean: steps ?"),
    ("extra", "unexpected argument 'extra'; every setting is a flag"),
    ("--flagfile=x", "Unknown command line flag 'flagfile'; --settings repeats a run"),
    ("--steps=many", "`--steps` must be a whole number or auto, got 'many'."),
    ("--steps=2.5", "`--steps` must be a whole number or auto, got '2.5'."),
    ("--steps=0", "`--steps` must be at least 1, got 0."),
    ("--rate=0", "`--rate` must be above 0, got 0.0."),
    ("--rate=nan", "`--rate` must be a finite number, got nan."),
    ("--rate=inf", "`--rate` must be a finite number, got inf."),
    ("--rate=", "`--rate` must be a finite number, got ''."),
    ("--sizes=2,x", "`--sizes` must be a list, each a whole number, got 'x'."),
    ("--sizes=", "`--sizes` must have one entry at least; give some, or leave it out."),
    ("--sizes=2,0", "`--sizes` must be at least 1, got 0."),
    ("--fixed=b2", "`--fixed` takes name=number pairs, got 'b2'; write for example --fixed=learning_rate=0.3,b1=0.9."),
    ("--fixed=b1=x", "`--fixed` takes name=number pairs, got 'b1=x'"),
    ("--fixed=b1=nan", "`--fixed` of 'b1' must be a finite number, got nan."),
    ("--fixed=b1=0.9,b1=0.8", "`--fixed` gives 'b1' twice; give every name one number."),
    ("--kind=nearer", "`--kind` must be one of near, far, got 'nearer'; did you mean 'near'?"),
    ("--beside=perhaps", "`--beside` is a switch; write --beside, --nobeside, or =true or =false."),
    ("--out=", "`--out` must be a path, got ''."),
    ("--out=~nobody_of_that_name", "there is no such home folder"),
    ("--preset=fats", "`--preset` must be one of fast, got 'fats'."),
    ("--preset=fast --settings=x", "`--preset` and `--settings` both give all settings; choose one."),
    ("--settings=nowhere.json", "`--settings` 'nowhere.json' cannot be read (No such file or directory)"),
]


@pytest.mark.parametrize(("arguments", "sentence"), REFUSED, ids=[case for case, _ in REFUSED])
def test_what_is_wrong_is_refused_by_name(arguments, sentence):
    with pytest.raises(ValueError) as refused:  # noqa: PT011 (the text is what is tested)
        parse(*arguments.split())
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


GIVEN = [
    "--steps=auto",
    "--noise=2",
    "--methods=a",
    "--fixed=b1=0.9",
    "--axis=x:list:1,2",
    "--data_dir=d",
    "--name=other",
]


def test_saved_settings_come_back_but_for_where_they_ran(tmp_path):
    settings = parse(*GIVEN)
    command.save(tmp_path, settings)
    assert command.saved(tmp_path, Settings) == dataclasses.replace(settings, name="run")
    assert parse(f"--settings={tmp_path}") == dataclasses.replace(settings, name="run")
    assert parse(f"--settings={tmp_path}/settings.json", "--steps=4").steps == 4
    record = json.loads((tmp_path / "settings.json").read_text())
    assert record["command"] == "test_command"
    assert record["settings"]["rate"] == 0.5  # not given, and there all the same
    assert record["where"]["name"] == "other"
    assert {"python", "jax"} <= set(record["versions"])


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ([], None),
        (["--name=elsewhere", "--resume", "--overwrite"], None),
        (["--steps=11"], "was begun with --steps=10, not --steps=11; --resume it with the same settings"),
        (["--fixed=b1=0.5"], "was begun with no --fixed, not --fixed=b1=0.5"),
    ],
)
def test_a_run_goes_on_with_its_own_settings_alone(given, sentence, tmp_path):
    command.save(tmp_path, Settings())
    before = (tmp_path / "settings.json").read_bytes()
    if sentence is None:
        command.save(tmp_path, parse(*given))
    else:
        with pytest.raises(ValueError, match="was begun with") as refused:
            command.save(tmp_path, parse(*given))
        assert sentence in str(refused.value)
    assert (tmp_path / "settings.json").read_bytes() == before


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\x93NUMPY\xff\x00", "is no settings.json; give the one of a run folder."),
        (b"--steps=3\n", "is no settings.json"),
        (b"[1]", "holds no settings"),
        (b'{"command": "launch.train", "settings": {}}', "is of launch.train, not of test_command"),
        (b'{"command": "test_command", "settings": {"stepps": 3}}', "has a setting 'stepps', which the command does not; did"),
        (b'{"command": "test_command", "settings": {"steps": "3"}}', "`--steps` must be a whole number or auto, got '3'."),
        (b'{"command": "test_command", "settings": {"steps": true}}', "`--steps` must be a whole number or auto, got True."),
        (b'{"command": "test_command", "settings": {"sizes": 3}}', "`--sizes` must be a list, each a whole number, got 3."),
        (b'{"command": "test_command", "settings": {"fixed": ["b1"]}}', "`--fixed` must be numbers by name"),
        (b'{"command": "test_command", "settings": {"rate": NaN}}', "`--rate` must be a finite number, got nan."),
    ],
)  # fmt: skip
def test_a_file_that_is_none_is_refused_in_one_sentence(content, sentence, tmp_path):
    (tmp_path / "settings.json").write_bytes(content)
    with pytest.raises(ValueError, match="--settings") as refused:
        command.saved(tmp_path, Settings)
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("`max_steps` must be at least 1.", "`--steps` must be at least 1."),
        ("`max_steps='auto'` goes on", "`--steps=auto` goes on"),
        ("go on with it by resume=True.", "go on with it by --resume."),
        ("`axes['height']` is walked; ask for kind='far'.", "`--axis=height` is walked; ask for --kind=far."),
        ("was begun with max_steps=300, not 301", "was begun with --steps=300, not 301"),
        ("`learning_rate` must lie in (0, inf), got 0", "`learning_rate` must lie in (0, inf), got 0"),
        (
            "`--fixed` takes rate=1, say --fixed=rate=0.3,rate=2",
            "`--fixed` takes --rate=1, say --fixed=rate=0.3,rate=2",
        ),
    ],
)
def test_sentences_of_the_library_speak_of_flags(sentence, told):
    assert command.in_flags(sentence, fields.flags_of(Settings)) == told


def test_help_tells_every_flag_with_its_rules_and_default():
    text = command.explained(Settings, PRESETS, has_tiny=True)
    assert text.startswith("Settings as flags and as a file")
    for line in (
        "  --preset\n      Settings by name: fast. Other flags change them.",
        "  --steps\n      Steps. At least 1. Default: 10",
        "  --[no]beside\n      Beside. On by default.",
        "  --kind\n      Kind. One of near, far. Default: near",
        "  --axis\n      An axis. Default: --axis=a:list:1,2",
        "  --noise\n      Noise.\n",
    ):
        assert line in text


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../x", "/tmp/x", "x/"])
def test_a_name_is_that_of_one_folder(name):
    with pytest.raises(ValueError, match="`--name` must be the name of one folder"):
        runs.place(Path("runs"), name)


def fill(path, content, **options):
    with runs.folder(path, **options) as folder:
        (folder / "data").write_text(content)
        command.save(folder, Settings())


def test_a_run_is_replaced_only_on_demand_and_only_when_all_is_written(tmp_path):
    path = tmp_path / "run"
    fill(path, "old", overwrite=False)
    with pytest.raises(ValueError, match="exists; choose another name or pass --overwrite"):
        fill(path, "new", overwrite=False)
    with pytest.raises(ZeroDivisionError), runs.folder(path, overwrite=True):
        raise ZeroDivisionError
    assert (path / "data").read_text() == "old"
    fill(path, "new", overwrite=True)
    assert (path / "data").read_text() == "new"
    assert os.listdir(tmp_path) == ["run"]


@pytest.mark.parametrize("resume", [None, False, True])
def test_an_error_stays_one_though_an_older_run_stands_there(resume, tmp_path):
    path = tmp_path / "run"
    fill(path, "old", overwrite=False)
    with pytest.raises(ValueError, match="misspelt"), runs.folder(path, overwrite=True, resume=resume, shared=True):
        raise ValueError("misspelt")
    assert (path / "data").read_text() == "old"
    assert os.listdir(tmp_path) == ["run"]


def test_of_two_that_fill_a_folder_the_late_one_learns_that_it_is_done(tmp_path):
    path = tmp_path / "run"

    def fill_too_late():
        with runs.folder(path, overwrite=False, resume=True, shared=True) as folder:
            fill(path, "by another", overwrite=False, resume=True, shared=True)
            (folder / "late").write_text("the folder is gone")

    with pytest.raises(runs.FinishedByAnother):
        fill_too_late()
    assert (path / "data").read_text() == "by another"


def long_name(tmp_path):
    return tmp_path / ("a" * 300)


def below_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    return tmp_path / "file" / "run"


def dangling_link(tmp_path):
    (tmp_path / "run").symlink_to(tmp_path / "nowhere")
    return tmp_path / "run"


def below_a_dangling_link(tmp_path):
    return dangling_link(tmp_path) / "run"


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("place", [long_name, below_a_file, dangling_link, below_a_dangling_link])
def test_a_place_that_cannot_be_is_refused_in_one_sentence(place, overwrite, tmp_path):
    with pytest.raises(ValueError, match="--name") as refused:
        fill(place(tmp_path), "new", overwrite=overwrite)
    assert len(str(refused.value)) < 400


def test_a_linked_run_is_replaced_where_the_link_stood(tmp_path):
    fill(tmp_path / "far", "old", overwrite=False)
    (tmp_path / "run").symlink_to(tmp_path / "far")
    fill(tmp_path / "run", "new", overwrite=True)
    assert (tmp_path / "run" / "data").read_text() == "new"
    assert (tmp_path / "far" / "data").read_text() == "old"


@pytest.mark.parametrize(
    ("body", "code", "printed"),
    [
        ("pass", 0, ""),
        ("raise ValueError('`steps` must be even.')", 2, "command_under_test: `--steps` must be even.\n"),
        ("open('nowhere')", 2, "command_under_test: 'nowhere': No such file or directory; mend that"),
        ("raise KeyboardInterrupt", 130, "interrupted\n"),
    ],
)
def test_a_command_ends_with_one_sentence_and_a_code(body, code, printed, tmp_path):
    (tmp_path / "command_under_test.py").write_text(
        f'"""A command."""\n\nimport dataclasses\nfrom launch import command\n\n\n@dataclasses.dataclass(frozen=True)\n'
        f'class Settings:\n    steps: int = command.flag(1, "Steps.")\n\n\ndef main(settings):\n    {body}\n\n\n'
        f"command.run(main, Settings)\n"
    )
    paths = os.pathsep.join([str(tmp_path), *sys.path])
    done = subprocess.run(
        [sys.executable, "-m", "command_under_test"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert done.returncode == code
    assert done.stderr.startswith(printed)
    assert done.stderr.count("\n") == (1 if printed else 0)


def test_a_settings_file_of_another_run_is_found_by_its_folder(tmp_path):
    command.save(tmp_path, Settings(steps=7))
    assert saved.saved(tmp_path, Settings, "--run").steps == 7
    with pytest.raises(ValueError, match=r"`--run` .* cannot be read"):
        saved.saved(tmp_path / "none", Settings, "--run")
