import Foundation
import GRDB

/// The tables of `results.sqlite` and the version of their form.
enum StoreSchema {
  /// In `PRAGMA user_version`. A reader refuses greater ones.
  static let version = 1
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
    CREATE TABLE run (
      hash TEXT PRIMARY KEY NOT NULL,
      setting_index INTEGER NOT NULL,
      seed INTEGER NOT NULL,
      setting TEXT NOT NULL,
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
      run TEXT NOT NULL REFERENCES run (hash) ON DELETE CASCADE,
      measure TEXT NOT NULL,
      epoch INTEGER NOT NULL,
      value REAL NOT NULL,
      PRIMARY KEY (run, measure, epoch)
    ) WITHOUT ROWID;
    CREATE TABLE array (
      run TEXT NOT NULL REFERENCES run (hash) ON DELETE CASCADE,
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
      measurements TEXT NOT NULL,
      wall_seconds REAL NOT NULL,
      cpu_seconds REAL NOT NULL
    );
    """

  /// One file and a rollback journal, not a write-ahead log: a run is one write, so the log would gain nothing, and this
  /// way the folder can be copied or mounted read-only whenever no run is being recorded.
  static func configuration(isReadOnly: Bool) -> Configuration {
    var configuration = Configuration()
    configuration.readonly = isReadOnly
    configuration.busyMode = .timeout(30)
    configuration.label = "understudy results"
    configuration.prepareDatabase { db in
      if !isReadOnly {
        try db.execute(sql: "PRAGMA journal_mode = DELETE")
        try db.execute(sql: "PRAGMA synchronous = FULL")
      }
    }
    return configuration
  }

  /// Makes the tables in an empty database, in one transaction.
  static func create(_ db: Database, study: Study) throws {
    try db.execute(sql: statements)
    try db.execute(sql: failureStatement + weightsStatement)
    try db.execute(sql: "PRAGMA application_id = \(applicationID)")
    try db.execute(sql: "PRAGMA user_version = \(version)")
    try write(study, db)
  }

  static func write(_ study: Study, _ db: Database) throws {
    let definition = String(decoding: try JSONEncoder().encode(study), as: UTF8.self)
    try db.execute(sql: "DELETE FROM study")
    try db.execute(
      sql: "INSERT INTO study (name, hash, claim, definition) VALUES (?, ?, ?, ?)",
      arguments: [study.name, study.hash, study.claim, definition])
  }

  /// The study in the database; nil if there are no tables yet.
  ///
  /// - Throws: ``StoreError`` if the file is not ours or newer.
  static func readStudy(_ db: Database, folder: URL) throws -> Study? {
    let path = folder.appendingPathComponent(ResultsFolder.databaseName).path
    let found = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
    let application = try Int.fetchOne(db, sql: "PRAGMA application_id") ?? 0
    let tableCount = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") ?? 0
    if application == 0 && found == 0 && tableCount == 0 { return nil }
    guard application == applicationID else {
      throw StoreError.damaged(path: path, reason: "it carries another program's mark")
    }
    guard found <= version else {
      throw StoreError.newerFormat(folder: folder.path, found: found, known: version)
    }
    guard let definition = try String.fetchOne(db, sql: "SELECT definition FROM study") else {
      throw StoreError.damaged(path: path, reason: "it holds no study")
    }
    do {
      return try JSONDecoder().decode(Study.self, from: Data(definition.utf8))
    } catch {
      throw StoreError.damaged(path: path, reason: "its study cannot be read")
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
