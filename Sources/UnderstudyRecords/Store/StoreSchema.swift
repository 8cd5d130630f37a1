import Foundation
import GRDB
import UnderstudySchema

/// The tables of `results.sqlite` and the version of their form.
enum StoreSchema {
  /// In `PRAGMA user_version`. A reader refuses greater ones. Version 1 had a table `run` with the setting in each row; up to version
  /// 2, `checkpoint` had a column of all that was measured.
  static let version = 3
  /// In `PRAGMA application_id`, "UStd": says that the file is ours.
  static let applicationID = 0x5553_7464

  /// Tables are plain so that Python reads them with sqlite3 alone: see `Docs/Results.md`.
  static let statements = """
    CREATE TABLE study (
      name TEXT NOT NULL,
      hash TEXT NOT NULL,
      claim TEXT NOT NULL,
      -- The study as resolved, for reading back without its files.
      definition TEXT NOT NULL
    );
    CREATE TABLE run_record (
      hash TEXT PRIMARY KEY NOT NULL,
      setting_index INTEGER NOT NULL,
      seed INTEGER NOT NULL,
      outcome TEXT NOT NULL CHECK (outcome IN ('completed', 'diverged')),
      diverged_epoch INTEGER,
      study_hash TEXT NOT NULL,
      version TEXT NOT NULL,
      machine TEXT NOT NULL,
      finished_at TEXT NOT NULL,
      wall_seconds REAL NOT NULL,
      cpu_seconds REAL NOT NULL,
      step_count INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE scalar (
      run TEXT NOT NULL REFERENCES run_record (hash) ON DELETE CASCADE,
      measure TEXT NOT NULL,
      epoch INTEGER NOT NULL,
      value REAL NOT NULL,
      PRIMARY KEY (run, measure, epoch)
    ) WITHOUT ROWID;
    CREATE TABLE array (
      run TEXT NOT NULL REFERENCES run_record (hash) ON DELETE CASCADE,
      measure TEXT NOT NULL,
      epoch INTEGER NOT NULL,
      shape TEXT NOT NULL,
      data_type TEXT NOT NULL,
      "values" BLOB NOT NULL,
      PRIMARY KEY (run, measure, epoch)
    );
    CREATE TABLE checkpoint (
      run TEXT PRIMARY KEY NOT NULL,
      epoch INTEGER NOT NULL,
      student BLOB NOT NULL,
      wall_seconds REAL NOT NULL,
      cpu_seconds REAL NOT NULL
    );
    """

  /// Those that came after version 1.
  static let laterStatements = """
    CREATE TABLE IF NOT EXISTS setting (
      setting_index INTEGER PRIMARY KEY NOT NULL,
      setting TEXT NOT NULL
    );
    CREATE TABLE IF NOT EXISTS failure (
      run TEXT PRIMARY KEY NOT NULL,
      setting_index INTEGER NOT NULL,
      seed INTEGER NOT NULL,
      reason TEXT NOT NULL,
      version TEXT NOT NULL,
      failed_at TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS weights (
      run TEXT PRIMARY KEY NOT NULL REFERENCES run_record (hash) ON DELETE CASCADE,
      digest TEXT NOT NULL,
      -- Of the file when it was last found to have the digest: bytes, and nanoseconds since 1970.
      size INTEGER,
      modified INTEGER
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS divergence (
      run TEXT PRIMARY KEY NOT NULL REFERENCES run_record (hash) ON DELETE CASCADE,
      -- From 1 over all epochs; null before the first, and in what follows the epochs.
      step INTEGER,
      reason TEXT NOT NULL,
      -- JSON: step, loss and length of the steps before.
      last_steps TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS origin (
      -- JSON: where the study was read from when it was last run.
      origin TEXT NOT NULL
    );
    CREATE TABLE IF NOT EXISTS optimizer (
      -- Of a recorded run, or of a checkpoint that was one.
      run TEXT PRIMARY KEY NOT NULL,
      -- Safetensors: what momentum or Adam remembers after the last epoch.
      state BLOB NOT NULL
    );
    CREATE TABLE IF NOT EXISTS checkpoint_measurement (
      run TEXT NOT NULL REFERENCES checkpoint (run) ON UPDATE CASCADE ON DELETE CASCADE,
      measure TEXT NOT NULL,
      epoch INTEGER NOT NULL,
      shape TEXT NOT NULL,
      data_type TEXT NOT NULL,
      "values" BLOB NOT NULL,
      -- In the order in which it was measured, from 0.
      position INTEGER NOT NULL,
      PRIMARY KEY (run, position)
    );
    CREATE TRIGGER IF NOT EXISTS optimizer_deletion AFTER DELETE ON run_record BEGIN
      DELETE FROM optimizer WHERE run = OLD.hash;
    END;
    """

  /// `run`, as people and programs ask for it: with the setting of each run. It can be changed by hand as a table can.
  static let viewStatements = """
    CREATE VIEW run AS
      SELECT hash, setting_index, seed, setting, outcome, diverged_epoch, study_hash, version, machine, finished_at,
        wall_seconds, cpu_seconds, step_count
      FROM run_record LEFT JOIN setting USING (setting_index);
    CREATE TRIGGER run_deletion INSTEAD OF DELETE ON run BEGIN
      DELETE FROM run_record WHERE hash = OLD.hash;
    END;
    CREATE TRIGGER run_update INSTEAD OF UPDATE ON run BEGIN
      UPDATE run_record SET hash = NEW.hash, setting_index = NEW.setting_index, seed = NEW.seed, outcome = NEW.outcome,
        diverged_epoch = NEW.diverged_epoch, study_hash = NEW.study_hash, version = NEW.version, machine = NEW.machine,
        finished_at = NEW.finished_at, wall_seconds = NEW.wall_seconds, cpu_seconds = NEW.cpu_seconds,
        step_count = NEW.step_count
      WHERE hash = OLD.hash;
    END;
    """

  /// A writer does not wait in SQLite: see ``Patience``. A reader waits while a commit of a rollback journal is written.
  static func configuration(isReadOnly: Bool, busySeconds: Double = 0.2) -> Configuration {
    var configuration = Configuration()
    configuration.readonly = isReadOnly
    configuration.busyMode = .timeout(busySeconds)
    configuration.label = "understudy results"
    configuration.prepareDatabase { db in
      if !isReadOnly { try db.execute(sql: "PRAGMA synchronous = FULL") }
    }
    return configuration
  }

  /// Makes the tables in an empty database, in one transaction.
  static func create(_ db: Database, study: Study) throws {
    try db.execute(sql: statements + laterStatements + viewStatements)
    try db.execute(sql: "PRAGMA application_id = \(applicationID)")
    try db.execute(sql: "PRAGMA user_version = \(version)")
    try write(study, db)
  }

  /// Makes tables that came since a database of this version was made, and removes what is left of checkpoints whose row was deleted
  /// by hand.
  static func complete(_ db: Database) throws {
    try db.execute(
      sql: laterStatements + "DELETE FROM checkpoint_measurement WHERE run NOT IN (SELECT run FROM checkpoint)")
  }

  /// Brings the tables of an earlier version to this form, in the caller's transaction.
  static func migrate(_ db: Database, from earlier: Int) throws {
    if earlier < 2 { try giveSettingsATable(db) } else { try db.execute(sql: laterStatements) }
    // One after the other: together they may be larger than memory.
    let checkpoints = try Row.fetchCursor(db, sql: "SELECT run, measurements FROM checkpoint")
    while let row = try checkpoints.next() {
      try ResultsStore.keep([MeasuredValue](checkpoint: row), of: row.stored("run"), db)
    }
    try db.execute(sql: "ALTER TABLE checkpoint DROP COLUMN measurements; PRAGMA user_version = \(version)")
  }

  /// From version 1 to version 2.
  private static func giveSettingsATable(_ db: Database) throws {
    // Runs that failed are tried again by who migrates.
    try db.execute(sql: "DROP TABLE IF EXISTS failure")
    let hadWeights = try db.tableExists("weights")
    // What refers to the table follows its new name.
    try db.execute(sql: "ALTER TABLE run RENAME TO run_record")
    try db.execute(sql: laterStatements)
    if hadWeights {
      try db.execute(
        sql: "ALTER TABLE weights ADD COLUMN size INTEGER; ALTER TABLE weights ADD COLUMN modified INTEGER")
    }
    try db.execute(
      sql: """
        INSERT OR REPLACE INTO setting SELECT setting_index, min(setting) FROM run_record GROUP BY setting_index;
        ALTER TABLE run_record DROP COLUMN setting;
        """ + viewStatements)
  }

  /// Whether a file says that it is a database of ours; what is in it may be damaged.
  static func isOurs(_ path: String) -> Bool {
    guard let header = header(of: path) else { return false }
    return header[68..<72].reduce(0) { $0 << 8 | Int($1) } == applicationID
  }

  /// The first 100 bytes of an SQLite file; nil if it is none.
  static func header(of path: String) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var header = [UInt8](repeating: 0, count: 100)
    guard read(descriptor, &header, 100) == 100, header.starts(with: "SQLite format 3\0".utf8) else { return nil }
    return header
  }

  static func write(_ study: Study, _ db: Database) throws {
    let definition = String(decoding: try JSONEncoder().encode(study), as: UTF8.self)
    try db.execute(sql: "DELETE FROM study")
    try db.execute(
      sql: "INSERT INTO study (name, hash, claim, definition) VALUES (?, ?, ?, ?)",
      arguments: [study.name, study.hash, study.claim, definition])
  }

  /// The study in the database and the version of its tables; nil if there are no tables yet.
  ///
  /// - Throws: ``StoreError`` if the file is newer, ``StoredValueError`` if it is not ours.
  static func readStudy(_ db: Database, folder: URL) throws -> (study: Study, version: Int)? {
    let found = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
    let application = try Int.fetchOne(db, sql: "PRAGMA application_id") ?? 0
    let tableCount = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") ?? 0
    if application == 0 && found == 0 && tableCount == 0 { return nil }
    guard application == applicationID else {
      throw StoredValueError("it carries another program's mark")
    }
    guard found <= version else {
      throw StoreError.newerFormat(folder: folder.path, found: found, known: version)
    }
    guard let definition = try String.fetchOne(db, sql: "SELECT definition FROM study") else {
      throw StoredValueError("it holds no study")
    }
    do {
      return (try JSONDecoder().decode(Study.self, from: Data(definition.utf8)), found)
    } catch {
      throw StoredValueError("its study cannot be read")
    }
  }
}

/// Values of a measurement as the table `array` keeps them: little-endian float64.
enum ArrayBlob {
  static let dataType = "<f8"

  static func encode(_ values: [Double]) -> Data {
    var bytes = [UInt8](repeating: 0, count: values.count * 8)
    for (index, value) in values.enumerated() {
      let bits = value.bitPattern
      for byte in 0..<8 { bytes[index * 8 + byte] = UInt8(truncatingIfNeeded: bits >> UInt64(8 * byte)) }
    }
    return Data(bytes)
  }

  /// nil if the bytes are not whole numbers of values.
  static func decode(_ data: Data) -> [Double]? {
    guard data.count.isMultiple(of: 8) else { return nil }
    let bytes = [UInt8](data)  // an array's bytes are read some ten times faster than those of Data
    return (0..<bytes.count / 8).map { index in
      var bits: UInt64 = 0
      for byte in 0..<8 { bits |= UInt64(bytes[index * 8 + byte]) << UInt64(8 * byte) }
      return Double(bitPattern: bits)
    }
  }
}
