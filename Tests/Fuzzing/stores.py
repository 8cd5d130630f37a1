"""Results folders that are damaged: an input is a list of changes to one that the program made, as JSON."""

from __future__ import annotations

import json
import math
import random
import re
import shutil
import sqlite3
import struct
from pathlib import Path

import mutations
from targets import SMALL_IMAGES, STORED_STUDY, Target, study


class Stores(Target):
    """Changes of rows and tables by SQL, of bytes of the database, and of the files beside it."""

    name, suffix, chosen = "stores", ".json", 3

    def prepare(self):
        self.write_study()
        self.call("run", "study.yaml", "--results", "whole", "--no-report")
        # Begun and not finished: one run is left to do, another has a checkpoint. A longer study shows how they look.
        shutil.copytree(self.material / "whole", self.material / "part")
        database = sqlite3.connect(self.material / "part" / "results.sqlite")
        database.execute("PRAGMA foreign_keys = ON")
        hashes = [row[0] for row in database.execute("SELECT hash FROM run ORDER BY setting_index, seed")]
        for run in hashes[:2]:
            database.execute("DELETE FROM run WHERE hash = ?", [run])
        database.commit()
        self.checkpoint(database, hashes[0])
        self.tables = {
            table: [row[1] for row in database.execute(f'PRAGMA table_info("{table}")')]
            for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        definition = database.execute("SELECT * FROM study").fetchone()
        self.texts = [text for text in definition if isinstance(text, str) and text.startswith("{")]
        database.close()

    def write_study(self):
        (self.material / "study.yaml").write_text(STORED_STUDY)

    def checkpoint(self, database, run):
        """A checkpoint as the program writes one, of a run that was stopped."""
        # The weights of the end stand for those of the middle: only their form matters here.
        student = (self.material / "whole" / "weights" / f"{run}.safetensors").read_bytes()
        columns = [row[1] for row in database.execute("PRAGMA table_info(checkpoint)")]
        known = {"run": run, "epoch": 1, "student": student, "wall_seconds": 0.1, "cpu_seconds": 0.1}
        database.execute(
            f"INSERT INTO checkpoint VALUES ({', '.join('?' * len(columns))})", [known[column] for column in columns])
        database.execute("INSERT INTO checkpoint_measurement VALUES (?, 'evaluationLoss', 0, '[]', '<f8', ?, 0)", [run, bytes(8)])
        database.commit()

    def examples(self):
        return [b"[]"]

    def mutate(self, rng, data):
        changes = json.loads(data)
        for _ in range(rng.choice([1, 1, 1, 2, 3])):
            changes.append(self.change(rng))
        return json.dumps(changes[-6:]).encode()

    def change(self, rng: random.Random) -> list:
        kind = rng.randrange(20)
        if kind < 12:
            return ["sql", self.statement(rng)]
        if kind < 14:
            return ["flip", rng.random(), rng.randrange(8), rng.choice([1, 1, 4, 64])]
        if kind == 14:
            return ["cut", rng.random()]
        if kind == 15:
            return ["definition", rng.randrange(2**32)]
        if kind == 16:
            return ["weights", rng.randrange(4), rng.choice(["remove", "cut", "flip", "exchange", "link", "folder"])]
        if kind == 17:
            return ["file", rng.choice(["study.yaml", "figures", "report.html", ".understudy.lock", "results.sqlite-journal", "results.sqlite-wal",
                                        "results.sqlite-shm"]), rng.choice(["remove", "folder", "text", "link"])]
        return ["checkpoint", rng.randrange(2**32)]

    def statement(self, rng: random.Random) -> str:
        table = rng.choice(list(self.tables))
        column = rng.choice(self.tables[table])
        where = rng.choice(["", "", f" WHERE rowid % {rng.choice([2, 3, 7])} = 0", f' WHERE "{column}" = (SELECT max("{column}") FROM "{table}")'])
        number = rng.choice([x for x in mutations.NUMBERS if math.isfinite(x)])
        value = rng.choice([
            str(rng.choice([count for count in mutations.COUNTS if -2**63 <= count < 2**63])), repr(number), "9e999", "-9e999", "NULL",
            "x'00ff'", "zeroblob(8)", "zeroblob(100000)", f'"{column}" || \'x\'', f'-"{column}"', f'"{column}" + 1', f'"{column}" * 1e300',
            f'substr("{column}", 2)', f'CAST("{column}" AS BLOB)', f'CAST("{column}" AS TEXT)',
            "'" + rng.choice(mutations.WORDS).replace("'", "''").replace("\0", "") + "'", "'[]'", "'[1]'", "'[0]'", "'[4611686018427387904, 4]'", "'[-1, -6]'",
            "'[' || replace(hex(zeroblob(20000)), '00', '[') || ']'",
            f'(SELECT "{column}" FROM "{table}" ORDER BY random() LIMIT 1)'.replace("random()", f'"{column}" DESC')])
        return rng.choice([
            f'UPDATE OR REPLACE "{table}" SET "{column}" = {value}{where}',
            f'UPDATE OR REPLACE "{table}" SET "{column}" = {value}{where}',
            f'UPDATE OR REPLACE "{table}" SET "{column}" = {value}{where}',
            f'DELETE FROM "{table}"{where}',
            f'ALTER TABLE "{table}" RENAME COLUMN "{column}" TO other',
            f'ALTER TABLE "{table}" RENAME TO other',
            f'INSERT OR REPLACE INTO "{table}" SELECT * FROM "{table}" ORDER BY 1 DESC LIMIT 1',
            f"PRAGMA {rng.choice(['user_version', 'application_id'])} = {rng.choice([0, 1, 2, 2**31 - 1, -1])}",
            f'CREATE TRIGGER t BEFORE INSERT ON "{table}" BEGIN SELECT RAISE(ABORT, \'no\'); END',
            f'DROP TABLE "{table}"; CREATE VIEW "{table}" AS SELECT 1 AS hash',
        ])

    def place(self, data, folder):
        target = folder / "results"
        changes = json.loads(data)
        part = any("checkpoint" in str(change) for change in changes) or len(data) % 2
        shutil.copytree(self.material / ("part" if part else "whole"), target)
        for change in changes:
            self.apply(change, target)

    def apply(self, change: list, target: Path) -> None:
        file = target / "results.sqlite"
        kind = change[0]
        if kind in ("sql", "definition", "checkpoint"):
            database = sqlite3.connect(file)
            try:
                database.execute("PRAGMA ignore_check_constraints = ON")
                database.execute("PRAGMA foreign_keys = OFF")
                getattr(self, f"apply_{kind}")(database, change[1])
                database.commit()
            except (sqlite3.Error, sqlite3.Warning, OverflowError, UnicodeError):
                pass  # what SQLite itself refuses is no input
            database.close()
        elif kind in ("flip", "cut"):
            data = bytearray(file.read_bytes())
            place = int(change[1] * len(data))
            if kind == "cut":
                del data[place:]
            else:
                for step in range(change[3]):
                    if data:
                        data[(place + 997 * step) % len(data)] ^= 1 << change[2]
            file.write_bytes(data)
        else:
            files = sorted(target.glob("weights/*.safetensors"))
            path = files[change[1] % len(files)] if kind == "weights" else target / change[1]
            self.harm(path, change[2], files[0])

    def apply_sql(self, database, statements):
        database.executescript(statements)

    def apply_definition(self, database, seed):
        """Another study, as JSON wherever the store keeps one."""
        rng = random.Random(seed)
        for table, columns in self.tables.items():
            for column in columns:
                for (text,) in database.execute(f'SELECT DISTINCT "{column}" FROM "{table}" LIMIT 3').fetchall():
                    if isinstance(text, str) and text[:1] in "{[" and rng.random() < 0.5:
                        try:
                            changed = json.dumps(mutations.value_changed(rng, json.loads(text)))
                        except (ValueError, RecursionError):
                            changed = text[1:]
                        database.execute(f'UPDATE OR REPLACE "{table}" SET "{column}" = ? WHERE "{column}" = ?', [changed, text])

    def apply_checkpoint(self, database, seed):
        """A checkpoint whose network, measurements or counts are others."""
        rng = random.Random(seed)
        row = database.execute("SELECT * FROM checkpoint").fetchone()
        columns = self.tables["checkpoint"]
        if row is None:
            return
        for column, value in zip(columns, row):
            if column == "run" or rng.random() < 0.5:
                continue
            if isinstance(value, bytes):
                value = mutations.network_changed(rng, value)
                value = re.sub(rb'(stepCount": ?")\d+', rb"\g<1>" + str(rng.choice(mutations.COUNTS)).encode(), value)
            else:
                value = rng.choice([count for count in mutations.COUNTS if abs(count) < 2**63] + [1e300, 0.5])
            database.execute(f'UPDATE checkpoint SET "{column}" = ?', [value])
        for column, values in {
            "measure": ["criticalPoint", "evaluationLoss", "fanOutNorms", "no"], "epoch": [0, 1, 2**62],
            "shape": ["[]", "[4]", f"[{2**62}, 4]", "[-1]", "{}"], "data_type": ["<f8", "<f4"],
            "values": [struct.pack(f"<{count}d", *[number] * count) for count in (0, 1, 4) for number in (0.5, 1e300, math.nan)],
        }.items():
            if rng.random() < 0.5:
                database.execute(f'UPDATE checkpoint_measurement SET "{column}" = ?', [rng.choice(values)])

    @staticmethod
    def harm(path: Path, how: str, other: Path) -> None:
        data = path.read_bytes() if path.is_file() else b""
        if path.is_dir():
            shutil.rmtree(path)
        elif path.exists() or path.is_symlink():
            path.unlink()
        if how == "cut":
            path.write_bytes(data[:len(data) // 2])
        elif how == "flip":
            path.write_bytes(data[:-3] + bytes([data[-3] ^ 1]) + data[-2:] if len(data) > 3 else b"x")
        elif how == "exchange":
            path.write_bytes(other.read_bytes() if other.exists() else b"")
        elif how == "link":
            path.symlink_to("nowhere")
        elif how == "folder":
            path.mkdir()
        elif how == "text":
            path.write_text("{: no")

    #: One run; what varies; a statistic of what is recorded.
    one, key, statistic = ["--seed", "1", "--where", "teacher.strengthDecay=1"], "teacher.strengthDecay", "recoveredNodes"

    def commands(self):
        page = ["--output", "page.html", "--python", "/nonexistent/python"]
        return [
            ["status", "results"], ["check", "results"], ["export", "results"], ["export", "results", "--format", "json"],
            ["report", "results", *page], ["audit", "results", "--seed", "1", "--json"],
            ["recover", "results", "--seed", "1", "--iterations", "5"],
            ["run", self.place_of("study.yaml"), "--results", "results", "--no-report", "--threads", "1"],
            ["status", "results", "--runs"], ["extract", "results", *self.one, "--into", "extracted"],
            ["zoom", "results", *self.one, "--from", "0", "--to", "9", "--every", "3", "--into", "zoom", "--no-report", "--threads", "1"],
            ["forget", "results", "--seed", "2"], ["statistics", "results", self.statistic, "--by", self.key],
            ["report", "results", "--compare", self.key, "--statistic", self.statistic, *page],
        ]

    def parts(self, data):
        return json.loads(data), lambda pieces: json.dumps(pieces).encode()


class ImageStores(Stores):
    """The same of a study over images, whose runs remember their momentum and can be trained longer."""

    name, chosen = "image-stores", 4
    one, key, statistic = ["--seed", "1", "--where", "student.overRealization=2"], "student.overRealization", "evaluationAccuracy"

    def write_study(self):
        self.write("images", "pictures", 60, 40, 6)
        (self.material / "study.yaml").write_text(study(SMALL_IMAGES))

    def change(self, rng):
        if rng.random() < 0.2:
            return ["artifact", rng.randrange(8), rng.choice(["remove", "cut", "flip", "exchange", "link", "folder", "text"])]
        return super().change(rng)

    def apply(self, change, target):
        if change[0] != "artifact":
            return super().apply(change, target)
        files = sorted((target / "artifacts").glob("*.*"))
        self.harm(files[change[1] % len(files)], change[2], files[-1])

    def commands(self):
        longer = ["run", self.place_of("study.yaml"), "--results", "results", "--no-report", "--threads", "1", "--set", "training.epochs=4"]
        return [*(command for command in super().commands() if command[0] != "recover"), longer]
