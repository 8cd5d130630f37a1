"""Results folders: runs, measures, students and figures."""

from __future__ import annotations

import difflib
import json
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterable, Mapping

import numpy as np
import pandas as pd

from understudy._database import find_folder, reading
from understudy._errors import ResultsError, listed
from understudy._networks import read_network

if TYPE_CHECKING:
    import altair

# What measures were called in version 0.1.
_FORMER_NAMES = {"finishing": "criticalPoint"}
_OF_RUNS = ["step_count", "wall_seconds", "cpu_seconds", "diverged_epoch", "version", "machine", "finished_at"]


def load(folder: str | Path, *, short_names: bool = False) -> Results:
    """The results of a study.

    Args:
        folder: what ``understudy run STUDY --results FOLDER`` wrote. A study's name or file means ``results/NAME``, where the
            program puts results if it is not told where.
        short_names: call columns by the last part of a key where that is unambiguous, ``batchSize`` for
            ``training.batchSize``. Altair and formulas take a dot in a name for something else.

    Raises:
        ResultsError: if it is no results folder, or one of a newer format.
    """
    return Results(find_folder(folder), short_names=short_names)


class Results:
    """A results folder. Nothing is kept in memory: each method reads what is recorded when it is called.

    Attributes:
        folder: where it is.
        name: of the study.
        claim: what the study sets out to show.
        keys: the keys that vary in the study, and the columns that hold them, by their dotted names.
    """

    folder: Path
    name: str
    claim: str
    keys: dict[str, str]

    def __init__(self, folder: str | Path, *, short_names: bool = False) -> None:
        self.folder = Path(folder)
        ((self.name, self.claim, definition),) = self._rows("SELECT name, claim, definition FROM study")
        varied = json.loads(definition)["variedKeys"]
        last = [key.rpartition(".")[2] for key in varied]
        taken = {"run", "seed", "outcome", "epoch", "i", "j", *_OF_RUNS}
        self.keys = {
            key: short if short_names and last.count(short) == 1 and short not in taken else key
            for key, short in zip(varied, last)
        }

    def __repr__(self) -> str:
        ((count,),) = self._rows("SELECT count(*) FROM run")
        runs = f"{count} run" + ("" if count == 1 else "s")
        return f"<understudy results of {self.name!r}: {runs}, varying {listed(self.keys.values())}>"

    # Runs

    def runs(self, *, where: Mapping[str, Any] | None = None, seed: int | Iterable[int] | None = None) -> pd.DataFrame:
        """A row for each recorded run, by setting and seed.

        Columns: ``run`` (its hash), the keys that vary, ``seed``, ``outcome`` (completed or diverged), and of the training
        ``step_count``, ``wall_seconds``, ``cpu_seconds``, ``diverged_epoch``, ``version``, ``machine``, ``finished_at``.

        Args:
            where: keys of settings, each with the value or the values to keep: ``{"training.batchSize": [4, 16]}``.
            seed: one or several.

        Raises:
            ResultsError: for an unknown key, and if nothing is left.
        """
        rows = self._rows(f"SELECT hash, setting_index, seed, outcome, {', '.join(_OF_RUNS)} FROM run ORDER BY 2, 3")
        settings = self._settings()
        kept = self._selected(settings, where)
        seeds = None if seed is None else {seed} if isinstance(seed, (int, np.integer)) else set(seed)
        table = []
        for hash_, index, own_seed, outcome, *rest in rows:
            if index in kept and (seeds is None or own_seed in seeds):
                table.append([hash_, *(settings[index].get(key) for key in self.keys), own_seed, outcome, *rest])
        if rows and not table:
            present = sorted({row[2] for row in rows})
            raise ResultsError(f"{self.folder}: no run is selected; the seeds are {listed(present)}, see runs() for the keys")
        frame = pd.DataFrame(table, columns=["run", *self.keys.values(), "seed", "outcome", *_OF_RUNS])
        frame["diverged_epoch"] = frame["diverged_epoch"].astype("Int64")
        return frame

    def setting(self, run: Any) -> dict[str, Any]:
        """Every key of a run's setting with its value, by dotted names.

        Args:
            run: the run's hash, the beginning of it, or a row of :meth:`runs`.
        """
        ((text,),) = self._rows("SELECT setting FROM run WHERE hash = ?", self._hash(run))
        return json.loads(text)

    # Measures

    def measures(self) -> dict[str, int]:
        """What is recorded: the measures, and how many axes each has; 0 of a single number."""
        found = {name: 0 for (name,) in self._rows("SELECT DISTINCT measure FROM scalar")}
        for name, shape in self._rows("SELECT DISTINCT measure, shape FROM array"):
            found[name] = len(json.loads(shape))
        return dict(sorted((_FORMER_NAMES.get(name, name), axes) for name, axes in found.items()))

    def table(
        self, *measures: str, where: Mapping[str, Any] | None = None, seed: int | Iterable[int] | None = None
    ) -> pd.DataFrame:
        """Measures as a tidy table: a row for each run and epoch, and for each element of arrays; a column for each measure.

        Columns: ``run``, the keys that vary, ``seed``, ``outcome``, ``epoch`` (0 is before the first step), of arrays ``i`` and,
        with two axes or more, ``j`` (indices from 0), then the measures.

        Args:
            measures: none: all that are single numbers. Arrays share a table if they have the same shape.
            where, seed: as of :meth:`runs`.

        Raises:
            ResultsError: for a measure that is not recorded, and for measures that have no rows in common.
        """
        known = self.measures()
        chosen = list(dict.fromkeys(measures)) or [name for name, axes in known.items() if axes == 0]
        self._check_recorded(chosen, known)
        axes = {name: known[name] for name in chosen}
        if len(set(axes.values())) > 1:
            raise ResultsError(
                f"{listed(f'{name} ({count} axes)' for name, count in axes.items())} have no rows in common; "
                "make a table of each number of axes")
        runs = self.runs(where=where, seed=seed)
        runs = runs[[*runs.columns[: runs.columns.get_loc("outcome") + 1]]]
        index = ["run", "epoch", "i", "j"][: 2 + min(2, max(axes.values(), default=0))]
        wide: pd.DataFrame | None = None
        shapes: dict[tuple[str, int], tuple[str, Any]] = {}
        wanted = set(runs["run"])
        for name in chosen:
            parts = []
            for run, epoch, value in self._values(name):
                if run not in wanted:
                    continue
                first, shape = shapes.setdefault((run, epoch), (name, value.shape))
                if shape != value.shape:
                    raise ResultsError(
                        f"{first} is an array {list(shape)} and {name} one {list(value.shape)}; make a table of each")
                parts.append((run, epoch, value))
            column = _column(name, parts, index)
            wide = column if wide is None else wide.merge(column, on=index, how="outer", sort=True)
        if wide is None:
            wide = pd.DataFrame(columns=index)
        return runs.merge(wide, on="run", how="inner")

    def arrays(
        self, measure: str, *, epoch: int | None = None, where: Mapping[str, Any] | None = None,
        seed: int | Iterable[int] | None = None,
    ) -> dict[str, np.ndarray]:
        """A measure of each run, by the run's hash, in the order of :meth:`runs`.

        Args:
            epoch: none: the last at which each run has it. Runs that do not have it then are left out.
            where, seed: as of :meth:`runs`.

        Raises:
            ResultsError: for a measure that is not recorded, or not at that epoch.
        """
        self._check_recorded([measure], self.measures())
        found: dict[str, np.ndarray] = {}
        epochs = set()
        for run, own_epoch, value in self._values(measure):
            epochs.add(own_epoch)
            if epoch is None or own_epoch == epoch:
                found[run] = value
        if not found:
            raise ResultsError(f"{measure} is not recorded at epoch {epoch}, but at {listed(sorted(epochs))}")
        return {run: found[run] for run in self.runs(where=where, seed=seed)["run"] if run in found}

    def history(self, measure: str, run: Any) -> dict[int, np.ndarray]:
        """A measure of one run, by epoch; 0 is before the first step.

        Args:
            run: as of :meth:`setting`.
        """
        self._check_recorded([measure], self.measures())
        hash_ = self._hash(run)
        return {epoch: value for _, epoch, value in self._values(measure, hash_)}

    # Students and figures

    def student(self, run: Any) -> dict[str, np.ndarray]:
        """The final student of a run: arrays by the names of PyTorch, ``layers.0.weight`` [nodes, inputs] being the lowest.

        Args:
            run: as of :meth:`setting`.

        Raises:
            ResultsError: if the file is missing or has changed; ``understudy run`` makes it again.
        """
        return read_network(self.folder / "weights" / f"{self._hash(run)}.safetensors")

    def figures(self) -> list[str]:
        """Names of the figures that are drawn in the folder."""
        return sorted(file.stem for file in (self.folder / "figures").glob("*.json"))

    def figure(self, name: str) -> altair.TopLevelMixin:
        """A figure of the folder as an Altair chart, to look at, to change, and to save.

        Raises:
            ResultsError: if there is no such figure.
            ImportError: if Altair is not installed.
        """
        try:
            import altair
        except ImportError:
            raise ImportError("figures need Altair: pip install altair vl-convert-python") from None
        specification = self.figure_specification(name)
        kinds = {
            "concat": altair.ConcatChart, "hconcat": altair.HConcatChart, "vconcat": altair.VConcatChart,
            "layer": altair.LayerChart, "spec": altair.FacetChart,
        }
        kind = next((chart for key, chart in kinds.items() if key in specification), altair.Chart)
        return kind.from_dict(_with_fixed_titles(specification), validate=False)

    def figure_specification(self, name: str) -> dict[str, Any]:
        """The Vega-Lite specification of a figure, with its data."""
        if name not in self.figures():
            raise ResultsError(
                f"{self.folder}: no figure is called {name!r}; there is: {listed(self.figures())}. "
                "`understudy report` draws what the study declares")
        return json.loads((self.folder / "figures" / f"{name}.json").read_text(encoding="utf-8"))

    # Reading

    def _rows(self, query: str, *values: Any) -> list[tuple]:
        with reading(self.folder) as database:
            try:
                return database.execute(query, values).fetchall()
            except sqlite3.DatabaseError as error:
                raise ResultsError(f"{self.folder}: the database cannot be read ({error}); `understudy check` says more") from error

    def _settings(self) -> dict[int, dict[str, Any]]:
        rows = self._rows("SELECT setting_index, min(setting) FROM run GROUP BY setting_index")
        return {index: json.loads(text) for index, text in rows}

    def _selected(self, settings: dict[int, dict[str, Any]], where: Mapping[str, Any] | None) -> set[int]:
        kept = dict(settings)
        columns = {column: key for key, column in self.keys.items()}
        for name, wanted in (where or {}).items():
            key = columns.get(name, name)
            values = {json.dumps(setting[key]): setting[key] for setting in settings.values() if key in setting}
            if not values and settings:
                known = {*columns, *next(iter(settings.values()))}
                near = difflib.get_close_matches(name, known, 1)
                raise ResultsError(
                    f"{name} is no key of the settings" + (f"; did you mean {near[0]}?" if near else "")
                    + f" The keys that vary: {listed(self.keys)}")
            one = isinstance(wanted, (str, bytes)) or not isinstance(wanted, Iterable)
            choice = [wanted] if one else list(wanted)
            kept = {index: setting for index, setting in kept.items() if setting.get(key) in choice}
            if not kept and settings:
                raise ResultsError(f"where {name} is {listed(choice)} there are no runs; its values are {listed(values.values())}")
        return set(kept)

    def _hash(self, run: Any) -> str:
        if not isinstance(run, str):
            try:
                run = run["run"]
            except (TypeError, KeyError, IndexError):
                run = getattr(run, "run", run)
        found = [hash_ for (hash_,) in self._rows("SELECT hash FROM run ORDER BY hash") if hash_.startswith(str(run))]
        if len(found) == 1:
            return found[0]
        problem = "several runs begin with it" if found else "there is no such run"
        raise ResultsError(f"run {run}: {problem}; take one of runs()['run']")

    def _check_recorded(self, measures: Iterable[str], known: Iterable[str]) -> None:
        for measure in measures:
            if measure not in known:
                raise ResultsError(f"{self.folder}: {measure} is not recorded; recorded are: {listed(known)}")

    def _values(self, measure: str, run: str | None = None) -> list[tuple[str, int, np.ndarray]]:
        """Run, epoch and value, by run and epoch."""
        names = [measure, *(former for former, name in _FORMER_NAMES.items() if name == measure)]
        condition = f"measure IN ({', '.join('?' * len(names))})" + ("" if run is None else " AND run = ?")
        values = names if run is None else [*names, run]
        scalars = self._rows(f"SELECT run, epoch, value FROM scalar WHERE {condition} ORDER BY 1, 2", *values)
        arrays = self._rows(
            f'SELECT run, epoch, shape, data_type, "values" FROM array WHERE {condition} ORDER BY 1, 2', *values)
        return [(hash_, epoch, np.float64(value)) for hash_, epoch, value in scalars] + [
            (hash_, epoch, np.frombuffer(data, data_type).reshape(json.loads(shape)).astype(float))
            for hash_, epoch, shape, data_type, data in arrays
        ]


def _column(name: str, parts: list[tuple[str, int, np.ndarray]], index: list[str]) -> pd.DataFrame:
    """A measure's values below each other, with the columns of ``index`` before them."""
    sizes = np.array([value.size for _, _, value in parts], int)
    # Beyond two dimensions j runs over all but the first.
    flat = []
    for _, _, value in parts:
        rows = len(value) if value.ndim else 1
        flat.append(value.reshape(rows, value.size // max(1, rows)))
    columns = {
        "run": np.repeat(np.array([run for run, _, _ in parts], str), sizes),
        "epoch": np.repeat(np.array([epoch for _, epoch, _ in parts], int), sizes),
        "i": _joined([np.indices(value.shape)[0] for value in flat], int),
        "j": _joined([np.indices(value.shape)[1] for value in flat], int),
    }
    return pd.DataFrame({**{key: columns[key] for key in index}, name: _joined(flat, float)})


def _joined(arrays: list[np.ndarray], kind: type) -> np.ndarray:
    return np.concatenate([np.array([], kind), *(array.ravel() for array in arrays)])


def _with_fixed_titles(part: Any, parameters: dict[str, Any] | None = None) -> Any:
    """A specification without titles that follow a parameter, which Altair does not know: they have its first value."""
    if isinstance(part, list):
        return [_with_fixed_titles(item, parameters) for item in part]
    if not isinstance(part, dict):
        return part
    if parameters is None:
        parameters = {parameter["name"]: parameter.get("value") for parameter in part.get("params", [])}
    return {
        key: parameters.get(value["signal"])
        if key == "title" and isinstance(value, dict) and "signal" in value
        else _with_fixed_titles(value, parameters)
        for key, value in part.items()
    }
