"""The benchmark of scaling quality, on a folder with one small trace."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autoscaler.simulator.trace import write
from bench.quality.__main__ import main
from bench.quality.cases import generated, in_folder
from tests.simulator.traces import poisson


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(poisson(0.05, 60.0, 60, seed=1), tmp_path / "small.csv.gz")
    return tmp_path


def test_a_folder_is_played_by_all_that_are_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--traces", str(folder), "--contenders", "keda,autoscaler", "--json"]
    arguments += ["--quantiles", "0.5"]
    assert main(arguments) == 0
    printed = capsys.readouterr()
    rows = json.loads(printed.out)
    assert [row["contender"] for row in rows] == ["keda", "autoscaler", "autoscaler@0.5"]
    assert rows[1]["ratio"] == 1.0
    assert rows[0]["ratio"] == pytest.approx(rows[0]["hours"] / rows[1]["hours"])
    assert "3/3 small" in printed.err


def test_tables_show_each_trace_and_the_means(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = {"small": {"class": "calm", "slots": 2, "yardstick_hours": 0.5}}
    (folder / "fleets.json").write_text(json.dumps(said))
    (case,) = in_folder(folder)
    assert (case.group, case.slots) == ("calm", 2)
    assert case.max_workers()["default"] >= 2
    assert main(["--traces", str(folder), "--contenders", "static,mwaa"]) == 0
    out = capsys.readouterr().out
    assert "\nsmall\n" in out
    assert "\nall, mean\n" in out


def test_a_contender_that_nobody_knows_is_named(folder: Path) -> None:
    with pytest.raises(SystemExit, match="no contender is called kedaa"):
        main(["--traces", str(folder), "--contenders", "kedaa"])


def test_without_a_folder_there_is_a_trace_of_each_class_and_seed() -> None:
    names = [case.name for case in generated((1, 2))]
    assert names[:2] == ["cron-1", "cron-2"]
    assert len(names) == 8
