import Foundation
import GRDB

/// Where a long run stood, so that it can go on after an interruption.
public struct Checkpoint: Hashable, Sendable {
  public var runHash: String
  /// Epochs done.
  public var epoch: Int
  /// The student as a network file (safetensors).
  public var student: Data
  /// What was recorded up to `epoch`.
  public var measurements: [Measurement]
  /// Spent so far.
  public var wallSeconds: Double
  public var cpuSeconds: Double

  public init(
    runHash: String, epoch: Int, student: Data, measurements: [Measurement], wallSeconds: Double, cpuSeconds: Double
  ) {
    self.runHash = runHash
    self.epoch = epoch
    self.student = student
    self.measurements = measurements
    self.wallSeconds = wallSeconds
    self.cpuSeconds = cpuSeconds
  }
}

extension ResultsStore {
  /// Records a finished run and its final student (a network file), and forgets its checkpoint. Any thread may call it.
  ///
  /// In this order: begin, insert (which fails if the run is there already), weights to a temporary name, flush, rename,
  /// commit. Interrupted before the commit, the run is not recorded, and a later record replaces the weights file.
  ///
  /// - Throws: ``StoreError``: recorded already, not of this study, a value that is not finite, disk full, ...; the store is
  ///   then as it was before.
  public func record(_ record: RunRecord, student: Data) throws(StoreError) {
    let hash = record.run.hash
    try check(hash, record.measurements)
    try Self.catching(databasePath) {
      try database.write { db in
        try makeRoom(for: hash, isRecord: true, db)
        try insert(record, db)
        try db.execute(
          sql: "INSERT OR REPLACE INTO weights (run, digest) VALUES (?, ?)", arguments: [hash, contentHash(student)])
        try DurableFile.write(student, to: weightsURL(of: hash), temporary: partialWeightsURL(of: hash))
      }
    }
  }

  /// Keeps where a run stands, in place of its earlier checkpoint. Any thread may call it.
  ///
  /// - Throws: ``StoreError``, as ``record(_:student:)``.
  public func saveCheckpoint(_ checkpoint: Checkpoint) throws(StoreError) {
    try check(checkpoint.runHash, checkpoint.measurements)
    try Self.catching(databasePath) {
      let measurements = String(decoding: try JSONEncoder().encode(checkpoint.measurements), as: UTF8.self)
      try database.write { db in
        try makeRoom(for: checkpoint.runHash, isRecord: false, db)
        try db.execute(
          sql: """
            INSERT OR REPLACE INTO checkpoint (run, epoch, student, measurements, wall_seconds, cpu_seconds)
            VALUES (?, ?, ?, ?, ?, ?)
            """,
          arguments: [
            checkpoint.runHash, checkpoint.epoch, checkpoint.student, measurements, checkpoint.wallSeconds,
            checkpoint.cpuSeconds,
          ])
      }
    }
  }

  /// The last checkpoint of a run that is not finished; nil if there is none.
  public func checkpoint(of hash: String) throws(StoreError) -> Checkpoint? {
    try Self.catching(databasePath) {
      try database.read { db in
        let row = try Row.fetchOne(db, sql: "SELECT * FROM checkpoint WHERE run = ?", arguments: [hash])
        guard let row else { return nil }
        let measurements: String = try row.stored("measurements")
        let decoded = try JSONDecoder().decode([Measurement].self, from: Data(measurements.utf8)).map {
          try Measurement(stored: $0.measure, epoch: $0.epoch, shape: $0.shape, values: $0.values, path: databasePath)
        }
        let epoch = try row.storedCount("epoch", path: databasePath)
        guard let run = runsByHash[hash], epoch <= run.setting.training.epochs else {
          throw StoreError.damaged(path: databasePath, reason: "a checkpoint at epoch \(epoch) of run \(hash)")
        }
        return Checkpoint(
          runHash: hash, epoch: epoch, student: try row.stored("student"), measurements: decoded,
          wallSeconds: try row.storedSeconds("wall_seconds", path: databasePath),
          cpuSeconds: try row.storedSeconds("cpu_seconds", path: databasePath))
      }
    }
  }

  private func check(_ hash: String, _ measurements: [Measurement]) throws(StoreError) {
    guard runsByHash[hash] != nil else { throw .unknownRun(run: hash, study: study.name) }
    guard !database.configuration.readonly else { throw .readOnly(folder: folder.path) }
    struct Moment: Hashable {
      var measure: Measure
      var epoch: Int
    }
    var known: Set<Moment> = []
    for measurement in measurements {
      guard measurement.values.allSatisfy(\.isFinite) else {
        throw .notFinite(run: hash, measure: measurement.measure, epoch: measurement.epoch)
      }
      guard known.insert(Moment(measure: measurement.measure, epoch: measurement.epoch)).inserted else {
        throw .duplicateMeasurement(run: hash, measure: measurement.measure, epoch: measurement.epoch)
      }
    }
  }

  func isRecorded(_ hash: String, _ db: Database) throws -> Bool {
    try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM run WHERE hash = ?)", arguments: [hash]) ?? false
  }

  private func insert(_ record: RunRecord, _ db: Database) throws {
    let hash = record.run.hash
    // What is left of a run whose row was deleted by hand.
    for table in ["scalar", "array"] {
      try db.execute(sql: "DELETE FROM \(table) WHERE run = ?", arguments: [hash])
    }
    var divergedEpoch: Int?
    if case .diverged(let epoch) = record.outcome { divergedEpoch = epoch }
    try db.execute(
      sql: "INSERT INTO run VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      arguments: [
        hash, runsByHash[hash]?.settingIndex ?? record.run.settingIndex, record.run.seed, record.run.setting.json,
        divergedEpoch == nil ? "completed" : "diverged", divergedEpoch, record.studyHash, record.version,
        record.machine, record.finishedAt.formatted(.iso8601), record.wallSeconds, record.cpuSeconds, record.stepCount,
      ])
    let scalar = try db.cachedStatement(sql: "INSERT INTO scalar VALUES (?, ?, ?, ?)")
    let array = try db.cachedStatement(sql: "INSERT INTO array VALUES (?, ?, ?, ?, ?, ?)")
    for measurement in record.measurements {
      if measurement.shape.isEmpty {
        try scalar.execute(
          arguments: [hash, measurement.measure.rawValue, measurement.epoch, measurement.values[0]])
      } else {
        let shape = "[\(measurement.shape.map(String.init).joined(separator: ", "))]"
        try array.execute(
          arguments: [
            hash, measurement.measure.rawValue, measurement.epoch, shape, ArrayBlob.dataType,
            ArrayBlob.encode(measurement.values),
          ])
      }
    }
    try db.execute(sql: "DELETE FROM checkpoint WHERE run = ?", arguments: [hash])
    try forgetFailure(of: hash, db)
  }
}
