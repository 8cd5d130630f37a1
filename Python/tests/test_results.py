"""The package against the program, the safetensors library and the stored numbers themselves.

Tests/CommandLine/Python/package.sh makes the studies, and exports them; UNDERSTUDY_RESULTS names their folder.
"""

from __future__ import annotations

import csv
import os
import shutil
import sqlite3
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
from safetensors.numpy import load_file

import understudy
from understudy import ResultsError, _database, _results

FOLDER = Path(os.environ["UNDERSTUDY_RESULTS"])
GRID, DEEP, IMAGES = FOLDER / "grid", FOLDER / "deep", FOLDER / "images"


class Case(unittest.TestCase):
    def assertRefused(self, words: str, function, *arguments, **options) -> None:
        with self.assertRaises(ResultsError) as caught:
            function(*arguments, **options)
        self.assertIn(words, str(caught.exception))


class Loading(Case):
    def test_folder_name_and_file_of_a_study(self):
        results = understudy.load(GRID)
        self.assertEqual(results.name, "grid")
        self.assertEqual(results.claim, "A claim.")
        self.assertEqual(list(results.keys), ["teacher.strengthDecay", "student.overRealization"])
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(GRID, Path(folder) / "results" / "grid")
            here = os.getcwd()
            os.chdir(folder)
            try:
                for place in ("grid", "grid.yaml", "results/grid", Path("grid")):
                    self.assertEqual(understudy.load(place).name, "grid")
                self.assertRefused("holds several studies; load one of them: results/grid", understudy.load, "results")
            finally:
                os.chdir(here)

    def test_what_is_no_results_folder(self):
        self.assertRefused("understudy run STUDY --results FOLDER", understudy.load, "nowhere")
        with tempfile.TemporaryDirectory() as folder:
            database = Path(folder) / "results.sqlite"
            database.write_bytes(b"no database" * 100)
            self.assertRefused("damaged", understudy.load, folder)
            database.unlink()
            sqlite3.connect(database).executescript("CREATE TABLE run (hash TEXT)")
            self.assertRefused("not a database of Understudy", understudy.load, folder)
            sqlite3.connect(database).executescript(f"PRAGMA application_id = {_database.APPLICATION}; PRAGMA user_version = 99")
            self.assertRefused("format 99", understudy.load, folder)

    def test_a_log_beside_a_database_that_cannot_be_opened(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            shutil.copy(GRID / "results.sqlite", folder)
            (folder / "results.sqlite-wal").touch()
            checked, tried = _database._checked, []

            def as_on_a_read_only_disk(database: Path):
                tried.append(database)
                if database.parent == folder:
                    raise sqlite3.OperationalError("unable to open database file")
                return checked(database)

            with mock.patch.object(_database, "_checked", as_on_a_read_only_disk):
                self.assertEqual(len(understudy.load(folder).runs()), 12)
                self.assertNotEqual(tried[1].parent, folder)
                (folder / "results.sqlite-wal").unlink()
                with self.assertRaises(sqlite3.OperationalError):
                    understudy.load(folder)

    def test_a_folder_of_version_0_1(self):
        results = understudy.load(FOLDER / "old")
        self.assertIn("criticalPoint", results.measures())
        self.assertEqual(results.table("criticalPoint")["i"].max(), 7)

    def test_short_names(self):
        self.assertEqual(
            understudy.load(GRID, short_names=True).keys,
            {"teacher.strengthDecay": "strengthDecay", "student.overRealization": "overRealization"})
        # Two keys of one last part keep their names.
        self.assertEqual(
            list(understudy.load(FOLDER / "counts", short_names=True).keys.values()),
            ["inputs.training.count", "inputs.evaluation.count", "momentum"])


class Runs(Case):
    def test_every_run_with_its_keys(self):
        runs = understudy.load(GRID).runs()
        self.assertEqual(
            list(runs.columns[:5]), ["run", "teacher.strengthDecay", "student.overRealization", "seed", "outcome"])
        grid = [(p, o, seed) for p in (0.0, 1.0) for o in (1.0, 2.0) for seed in (1, 2, 3)]
        self.assertEqual(list(runs[["teacher.strengthDecay", "student.overRealization", "seed"]].itertuples(index=False, name=None)), grid)
        self.assertTrue((runs["step_count"] == 200).all() and (runs["outcome"] == "completed").all())
        self.assertTrue(runs["diverged_epoch"].isna().all())

    def test_a_diverged_run(self):
        results = understudy.load(FOLDER / "diverged")
        (row,) = results.runs(where={"training.learningRate": 1000}).itertuples()
        self.assertEqual((row.outcome, row.diverged_epoch), ("diverged", 1))
        self.assertEqual(len(results.table("evaluationLoss", where={"training.learningRate": 1000})), 1)

    def test_selection(self):
        results = understudy.load(GRID, short_names=True)
        for where in ({"strengthDecay": 1}, {"teacher.strengthDecay": [1.0]}):
            self.assertEqual(set(results.runs(where=where)["strengthDecay"]), {1.0})
        runs = results.runs(where={"strengthDecay": [0, 1], "overRealization": 2}, seed=[1, 3])
        self.assertEqual(list(runs["seed"]), [1, 3, 1, 3])
        # A key that does not vary selects, too.
        self.assertEqual(len(results.runs(where={"training.batchSize": 16}, seed=2)), 4)
        self.assertRefused("did you mean teacher.strengthDecay?", results.runs, where={"teacher.strengthDecays": 1})
        self.assertRefused("its values are 0.0, 1.0", results.runs, where={"teacher.strengthDecay": 2})
        self.assertRefused("the seeds are 1, 2, 3", results.runs, seed=7)

    def test_a_run_is_named_by_hash_row_or_beginning(self):
        results = understudy.load(GRID)
        runs = results.runs()
        row = runs.iloc[5]
        for run in (row, row["run"], row["run"][:12], next(runs.iloc[[5]].itertuples())):
            setting = results.setting(run)
            self.assertEqual(setting["student.overRealization"], 2)
            self.assertEqual(setting["teacher.hiddenNodes"], 3)
        self.assertRefused("there is no such run", results.setting, "xyz")
        self.assertRefused("several runs", results.setting, "")


class Measures(Case):
    def test_what_is_recorded(self):
        self.assertEqual(
            understudy.load(GRID).measures(), {"evaluationCorrelation": 2, "evaluationLoss": 0, "fanOutNorms": 1, "trainingLoss": 0})

    def test_tables_are_what_the_program_exports(self):
        for folder in (GRID, DEEP, IMAGES):
            results = understudy.load(folder)
            exported = read_csv(f"{folder}-wide.csv")
            table = results.table()
            self.assertGreater(len(table), 8)
            pd.testing.assert_frame_equal(table[exported.columns], exported, check_dtype=False, check_exact=True)
            rows = read_csv(f"{folder}.csv")
            self.assertEqual(set(rows["measure"]), set(results.measures()))
            for measure, axes in results.measures().items():
                wanted = rows[rows["measure"] == measure].dropna(axis=1, how="all").drop(columns="measure")
                got = results.table(measure).rename(columns={measure: "value"})
                self.assertEqual(list(got.columns), list(wanted.columns), measure)
                self.assertEqual("j" in got, axes > 1)
                pd.testing.assert_frame_equal(got, wanted.reset_index(drop=True), check_dtype=False, check_exact=True)

    def test_measures_beside_each_other(self):
        results = understudy.load(DEEP)
        table = results.table("layerCorrelations", "layerMatches", seed=1)
        self.assertEqual(list(table.columns[-3:]), ["i", "layerCorrelations", "layerMatches"])
        self.assertFalse(table.isna().any(axis=None))
        self.assertEqual(table.groupby(["run", "epoch"]).size().unique().tolist(), [12])
        self.assertEqual(list(results.table("trainingLoss", "evaluationLoss").columns[-2:]), ["trainingLoss", "evaluationLoss"])
        self.assertRefused("have no rows in common", results.table, "evaluationLoss", "layerMatches")
        self.assertRefused("make a table of each", results.table, "layerCorrelations", "layerStudentCorrelations")
        self.assertRefused("recorded are: evaluationLoss, layerCorrelations", results.table, "fanOutNorms")

    def test_the_rows_of_any_shape(self):
        # A constructed path without segments is [0, point].
        parts = [("a", 0, np.zeros((0, 5))), ("b", 3, np.arange(12.0).reshape(2, 3, 2))]
        frame = _results._column("constructedPath", parts, ["run", "epoch", "i", "j"])
        self.assertEqual(set(frame["run"]), {"b"})
        self.assertEqual(frame[["i", "j", "constructedPath"]].to_numpy().tolist(), [[n // 6, n % 6, n] for n in range(12)])
        self.assertEqual(list(_results._column("trainingLoss", [], ["run", "epoch"]).columns), ["run", "epoch", "trainingLoss"])

    def test_arrays_by_run_and_epoch(self):
        results = understudy.load(GRID)
        last = results.arrays("evaluationCorrelation")
        self.assertEqual(list(last), list(results.runs()["run"]))
        first = results.arrays("evaluationCorrelation", epoch=0, where={"student.overRealization": 2}, seed=1)
        self.assertEqual([rho.shape for rho in first.values()], [(3, 6), (3, 6)])
        table = results.table("evaluationCorrelation")
        for run, rho in last.items():
            rows = table[(table["run"] == run) & (table["epoch"] == 4)]
            np.testing.assert_array_equal(rows["evaluationCorrelation"].to_numpy().reshape(rho.shape), rho)
            rho[0, 0] = 7  # They are the caller's.
        history = results.history("evaluationCorrelation", results.runs().iloc[0])
        self.assertEqual(list(history), [0, 4])
        self.assertEqual(float(results.history("evaluationLoss", results.runs().iloc[0])[0]), table_value(results, 0))
        self.assertRefused("is not recorded at epoch 3, but at 0, 4", results.arrays, "evaluationCorrelation", epoch=3)
        self.assertRefused("recorded are", results.arrays, "evaluationCorrelations")
        self.assertRefused("recorded are", results.history, "evaluationCorrelations", "")

    def test_tables_as_parquet_and_arrow(self):
        table = understudy.load(GRID).table("fanOutNorms")
        with tempfile.TemporaryDirectory() as folder:
            table.to_parquet(f"{folder}/table.parquet")
            table.to_feather(f"{folder}/table.arrow")
            pd.testing.assert_frame_equal(pd.read_parquet(f"{folder}/table.parquet"), table)
            pd.testing.assert_frame_equal(pd.read_feather(f"{folder}/table.arrow"), table)


def read_csv(path: str) -> pd.DataFrame:
    """A table whose numbers have the bits that were written; pandas' own readers do not promise it."""
    def number(cell: str):
        try:
            return float(cell or "nan")
        except ValueError:
            return cell

    with open(path, newline="") as file:
        return pd.DataFrame([{column: number(cell) for column, cell in row.items()} for row in csv.DictReader(file)])


def table_value(results: understudy.Results, epoch: int) -> float:
    table = results.table("evaluationLoss")
    return table[table["epoch"] == epoch]["evaluationLoss"].iloc[0]


class Students(Case):
    def test_students_are_those_of_the_files(self):
        for folder in (GRID, DEEP, IMAGES):
            results = understudy.load(folder)
            for run in results.runs()["run"]:
                student, wanted = results.student(run), load_file(folder / "weights" / f"{run}.safetensors")
                self.assertEqual(set(student), set(wanted))
                for name, array in wanted.items():
                    self.assertEqual(student[name].dtype, array.dtype)
                    np.testing.assert_array_equal(student[name], array)
                    student[name] *= 2  # They are the caller's.

    def test_students_belong_to_their_runs(self):
        results = understudy.load(GRID)
        for run, norms in results.arrays("fanOutNorms").items():
            fan_out = results.student(run)["layers.1.weight"]
            np.testing.assert_allclose(np.linalg.norm(fan_out, axis=0), norms, rtol=1e-12)

    def test_shapes(self):
        deep = understudy.load(DEEP)
        student = deep.student(deep.runs(where={"student.overRealization": 2}).iloc[0])
        self.assertEqual([student[f"layers.{layer}.weight"].shape for layer in range(4)], [(8, 10), (8, 8), (8, 8), (5, 8)])
        self.assertEqual(student["layers.0.weight"].dtype, np.float32)
        images = understudy.load(IMAGES)
        self.assertEqual(images.student(images.runs().iloc[0])["layers.0.weight"].shape, (4, 1, 3, 3))

    def test_files_that_are_no_networks(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "network.safetensors"
            self.assertRefused("cannot be read", understudy.read_network, path)
            whole = next((GRID / "weights").glob("*.safetensors")).read_bytes()
            for content in (b"", whole[:100], whole[:-8], b"\xff" * 100, b"\x02" + bytes(7) + b"[]", b"\x08" + bytes(7) + b'{"a": 1}'):
                path.write_bytes(content)
                self.assertRefused("not a safetensors file, or damaged", understudy.read_network, path)


class Figures(Case):
    def test_a_stored_figure_is_a_chart(self):
        import altair

        results = understudy.load(GRID)
        self.assertEqual(results.figures(), ["loss", "recovery"])
        for name in results.figures():
            chart, stored = results.figure(name), results.figure_specification(name)
            self.assertIsInstance(chart, altair.FacetChart)
            drawn = chart.to_dict()
            self.assertEqual(drawn["spec"], stored["spec"])
            with tempfile.TemporaryDirectory() as folder:
                chart.save(f"{folder}/figure.svg")
                self.assertIn("<svg", (Path(folder) / "figure.svg").read_text())
        # Lines at a level have channels of their own.
        for name in ("accuracy", "learning"):
            self.assertIn("spec", understudy.load(IMAGES).figure(name).to_dict())
        self.assertRefused("there is: loss, recovery", results.figure, "losses")
        self.assertRefused("there is: none", understudy.load(DEEP).figure, "loss")

    def test_titles_that_follow_a_parameter_are_fixed(self):
        from understudy._results import _with_fixed_titles

        stored = {"params": [{"name": "shown", "value": "norm"}], "layer": [{"y": {"title": {"signal": "shown"}, "field": "h"}}]}
        self.assertEqual(
            _with_fixed_titles(stored), {**stored, "layer": [{"y": {"title": "norm", "field": "h"}}]})

    def test_without_altair(self):
        with mock.patch.dict(sys.modules, {"altair": None}):
            with self.assertRaisesRegex(ImportError, "pip install altair"):
                understudy.load(GRID).figure("loss")


if __name__ == "__main__":
    unittest.main()
