"""The database of a results folder, opened for reading."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Iterator

from understudy._errors import ResultsError, listed

DATABASE = "results.sqlite"
# PRAGMA application_id: the database is Understudy's ("UStd").
APPLICATION = 0x55537464
# The newest PRAGMA user_version that is read here.
VERSION = 3


def find_folder(place: str | Path) -> Path:
    """The results folder that is meant: ``place`` itself, or where ``understudy run`` puts a study of that name or file."""
    path = Path(place).expanduser()
    usual = Path("results") / (path.stem if path.suffix in (".yaml", ".yml") else path)
    for folder in (path, usual):
        if (folder / DATABASE).is_file():
            return folder
    for folder in (path, usual):
        studies = sorted(database.parent for database in folder.glob(f"*/{DATABASE}"))
        if studies:
            raise ResultsError(f"{folder} holds several studies; load one of them: {listed(studies)}")
    raise ResultsError(
        f"{place}: not a results folder (no {DATABASE}); give the folder that `understudy run STUDY --results FOLDER` wrote")


@contextmanager
def reading(folder: Path) -> Iterator[sqlite3.Connection]:
    """The database, also while a study runs.

    The log of a study that runs or was stopped needs a file beside it. Where none can be made, a copy is read.
    """
    database = folder / DATABASE
    try:
        with closing(_checked(database)) as connection:
            yield connection
            return
    except sqlite3.OperationalError:
        log = database.with_name(f"{DATABASE}-wal")
        if not log.is_file():
            raise
    with tempfile.TemporaryDirectory() as copy:
        for file in (database, log):
            shutil.copy(file, copy)
        with closing(_checked(Path(copy) / DATABASE)) as connection:
            yield connection


def _checked(database: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True, timeout=30)
    try:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.OperationalError:
        connection.close()
        raise
    except sqlite3.DatabaseError as error:
        connection.close()
        raise ResultsError(f"{database}: not a database of Understudy, or damaged ({error}); restore a copy") from None
    if application == APPLICATION and version <= VERSION:
        return connection
    connection.close()
    if application != APPLICATION:
        raise ResultsError(f"{database}: not a database of Understudy; give the folder of an `understudy run`")
    raise ResultsError(f"{database}: format {version}, and this package reads formats up to {VERSION}; install a newer one")
