"""The table of optax's optimizers: what is refused, and what one that does not sweep does to the end of the command."""

from types import SimpleNamespace

import pytest

import hillopt as ho
from launch import command, optimizers

SMALL = ["--only=sgd,adam", "--max_steps=5", "--learning_rates=0.3,0.30000001"]


@pytest.mark.parametrize("rate", ["nan", "inf", "1e400", "0", "-1", "fast", ""])
def test_learning_rates_that_none_can_walk_with_are_refused(rate):
    with pytest.raises(
        ValueError, match=r"^`--learning_rates` must (be a list, each a finite number|be above 0|have one)"
    ):
        command.parse([f"--learning_rates={rate}"], optimizers.Settings)


@pytest.mark.slow
def test_the_line_below_the_table_counts_those_that_sweep(tmp_path, capsys):
    optimizers.main(command.parse([*SMALL, f"--out={tmp_path}"], optimizers.Settings))
    assert capsys.readouterr().out.splitlines()[-2] == "2 of 2 sweep"
    heading = (tmp_path / "optimizers" / "optimizers.csv").read_text().splitlines()[0]
    assert heading.endswith("height_0.3,height_0.30000001")


def test_one_that_does_not_sweep_is_named_and_the_command_fails(tmp_path, capsys, monkeypatch):
    named = ho.optax_named

    def broken(name, **numbers):
        if name == "adam":
            raise ValueError("adam refuses")
        return named(name, **numbers)

    monkeypatch.setattr(ho, "optax_named", broken)
    with pytest.raises(SystemExit) as end:
        optimizers.main(command.parse([*SMALL, f"--out={tmp_path}"], optimizers.Settings))
    assert end.value.code == 1
    assert capsys.readouterr().out.splitlines()[-2] == "1 of 2 sweep; not adam"
    assert "adam refuses" in (tmp_path / "optimizers" / "optimizers.csv").read_text()


def test_what_is_proved_on_other_hills_is_counted(tmp_path, capsys, monkeypatch):
    def escape(hill, optimizer, *, max_steps, climb):
        assert hill.height.shape == optimizer.momentum.shape == (8,)
        assert (max_steps, climb) == (64, ho.THOROUGH)
        ends = [ho.Verdict.ESCAPED, ho.Verdict.TRAPPED, ho.Verdict.UNDECIDED, ho.Verdict.TRAPPED]
        sure, unsure = ho.Certainty.CERTIFIED, ho.Certainty.FLAGGED
        return SimpleNamespace(verdict=ends * 2, certainty=[sure] * 7 + [unsure])

    monkeypatch.setattr(ho, "escape", escape)
    flags = ["--hills=wedge", "--own=heavy_ball", "--num_settings=8", "--max_steps=64", f"--out={tmp_path}"]
    optimizers.main(command.parse(flags, optimizers.Settings))
    expected = ["wedge", "heavy_ball", "0.25", "0.375", "0", "0.25", "0.125"]
    assert capsys.readouterr().out.splitlines()[1].split() == expected
    written = (tmp_path / "optimizers" / "hills.csv").read_text().splitlines()
    assert written == ["hill,optimizer,escaped,trapped,bounded,open,flagged", ",".join(expected)]


def test_optaxs_are_not_asked_on_other_hills(tmp_path):
    with pytest.raises(
        ValueError, match=r"^`--only` chooses among optax's optimizers, and `--hills` asks our own; leave"
    ):
        optimizers.main(command.parse(["--only=adam", "--hills=wedge", f"--out={tmp_path}"], optimizers.Settings))


def test_what_is_proved_of_our_own_on_the_tent_is_counted(tmp_path, capsys, monkeypatch):
    def critical_height(hill, optimizer, *, max_steps, climb):
        assert isinstance(optimizer, ho.AdamW)
        assert ((optimizer.weight_decay >= 1e-4) & (optimizer.weight_decay <= 0.1)).all()
        ends = [ho.Verdict.TRAPPED, ho.Verdict.UNDECIDED, ho.Verdict.UNDECIDED, ho.Verdict.TRAPPED]
        certainty = [ho.Certainty.CERTIFIED] * 3 + [ho.Certainty.FLAGGED]
        upper = [1.0, 1.0099, 1.0101, 1.0]
        return SimpleNamespace(verdict=ends, certainty=certainty, critical_height=[1.0] * 4, upper=upper)

    monkeypatch.setattr(ho, "critical_height", critical_height)
    optimizers.main(
        command.parse(["--hills=tent", "--own=adamw", "--num_settings=4", f"--out={tmp_path}"], optimizers.Settings)
    )
    assert capsys.readouterr().out.splitlines()[1].split() == ["tent", "adamw", "0", "0.25", "0.25", "0.25", "0.25"]
