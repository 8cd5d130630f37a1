import Foundation
import GRDB
import UnderstudySchema

/// Where a long run stood, so that it can go on after an interruption.
public struct Checkpoint: Hashable, Sendable {
  public var runHash: String
  /// Epochs done.
  public var epoch: Int
  /// The student as a network file (safetensors).
  public var student: Data
  /// What the optimizer remembers, where a recorded run goes on and `student` has none of it.
  public var optimizerState: Data?
  /// What was recorded up to `epoch`.
  public var measurements: [MeasuredValue]
  /// Spent so far.
  public var wallSeconds: Double
  public var cpuSeconds: Double

  public init(
    runHash: String, epoch: Int, student: Data, optimizerState: Data? = nil, measurements: [MeasuredValue],
    wallSeconds: Double, cpuSeconds: Double
  ) {
    self.runHash = runHash
    self.epoch = epoch
    self.student = student
    self.optimizerState = optimizerState
    self.measurements = measurements
    self.wallSeconds = wallSeconds
    self.cpuSeconds = cpuSeconds
  }
}

extension ResultsStore {
  /// Keeps where a run stands, in place of its earlier checkpoint. Any thread may call it.
  ///
  /// - Throws: ``StoreError``, as ``record(_:student:)``.
  /// - Complexity: O(student + what was measured since the earlier checkpoint) bytes are encoded and written.
  public func saveCheckpoint(_ checkpoint: Checkpoint) throws(StoreError) {
    try check(checkpoint.runHash, checkpoint.measurements)
    try changing {
      try database.write { db in
        try makeRoom(for: checkpoint.runHash, isRecord: false, db)
        try Self.insert(checkpoint, db)
      }
    }
  }

  /// The last checkpoint of a run that is not finished; nil if there is none.
  ///
  /// - Throws: ``StoreError`` of a results folder that cannot be read, or is damaged.
  public func checkpoint(of run: Run) throws(StoreError) -> Checkpoint? {
    let hash = run.hash
    return try reading { db in
      let row = try Row.fetchOne(db, sql: "SELECT * FROM checkpoint WHERE run = ?", arguments: [hash])
      guard let row else { return nil }
      let epoch = try row.storedCount("epoch")
      guard epoch <= run.setting.training.epochs else {
        throw StoredValueError("a checkpoint at epoch \(epoch) of run \(hash)")
      }
      return Checkpoint(
        runHash: hash, epoch: epoch, student: try row.stored("student"),
        optimizerState: try Self.optimizerState(of: hash, db),
        measurements: try Self.measurements(ofCheckpoint: row, hash, db),
        wallSeconds: try row.storedSeconds("wall_seconds"),
        cpuSeconds: try row.storedSeconds("cpu_seconds"))
    }
  }

  /// In the caller's transaction, in place of an earlier checkpoint of the run.
  static func insert(_ checkpoint: Checkpoint, _ db: Database) throws {
    let hash = checkpoint.runHash
    try db.execute(
      sql: """
        INSERT INTO checkpoint VALUES (?, ?, ?, ?, ?) ON CONFLICT (run) DO UPDATE SET
          epoch = excluded.epoch, student = excluded.student, wall_seconds = excluded.wall_seconds,
          cpu_seconds = excluded.cpu_seconds
        """,
      arguments: [
        hash, checkpoint.epoch, checkpoint.student, checkpoint.wallSeconds, checkpoint.cpuSeconds,
      ])
    try keep(checkpoint.optimizerState, of: hash, db)
    try keep(checkpoint.measurements, of: hash, db)
  }

  /// Stores what a run has measured, of which what is there already is left as it is: a run measures the same but once.
  static func keep(_ measurements: [MeasuredValue], of hash: String, _ db: Database) throws {
    var kept = 0
    let rows = try Row.fetchCursor(
      db, sql: "SELECT measure, epoch, position FROM checkpoint_measurement WHERE run = ? ORDER BY position",
      arguments: [hash])
    while let row = try rows.next(), kept < measurements.count, try row.stored("position") == kept,
      try row.stored("measure") == measurements[kept].measure.rawValue,
      try row.stored("epoch") == measurements[kept].epoch
    {
      kept += 1
    }
    try db.execute(
      sql: "DELETE FROM checkpoint_measurement WHERE run = ? AND position >= ?", arguments: [hash, kept])
    let insert = try db.cachedStatement(sql: "INSERT INTO checkpoint_measurement VALUES (?, ?, ?, ?, ?, ?, ?)")
    for position in kept..<measurements.count {
      try insert.execute(arguments: measurements[position].arrayRow(of: hash) + [position])
    }
  }

  /// - Parameter row: of the table `checkpoint`. Up to version 2 of the database it has what was measured as JSON.
  private static func measurements(ofCheckpoint row: Row, _ hash: String, _ db: Database) throws -> [MeasuredValue] {
    guard !row.hasColumn("measurements") else { return try [MeasuredValue](checkpoint: row) }
    return try Row.fetchAll(
      db, sql: "SELECT * FROM checkpoint_measurement WHERE run = ? ORDER BY position", arguments: [hash]
    ).map { try MeasuredValue(arrayRow: $0) }
  }
}

extension [MeasuredValue] {
  /// As checkpoints were stored up to version 2 of the database.
  ///
  /// - Parameter row: its `run` and `measurements`, a text of JSON.
  /// - Throws: ``StoredValueError``; it names the run.
  init(checkpoint row: Row) throws {
    let (run, text): (String, String) = (try row.stored("run"), try row.stored("measurements"))
    do {
      self = try JSONDecoder().decode(Self.self, from: Data(text.utf8)).map {
        try MeasuredValue(stored: $0.measure, epoch: $0.epoch, shape: $0.shape, values: $0.values)
      }
    } catch {
      throw StoredValueError(
        "what run \(run) had measured is not what was written; delete its row of the table \"checkpoint\", and the run "
          + "begins anew")
    }
  }
}
