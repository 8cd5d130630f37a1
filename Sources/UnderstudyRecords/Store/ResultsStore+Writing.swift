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

/// A finished run that is to be recorded.
struct PendingRecord: Sendable {
  var record: RunRecord
  /// Its final student, a network file.
  var student: Data
}

extension ResultsStore {
  /// Records a finished run and its final student (a network file), and forgets its checkpoint. Any thread may call it.
  ///
  /// - Throws: ``StoreError``: recorded already, not of this study, a value that is not finite, disk full, ...; the store is
  ///   then as it was before.
  public func record(_ record: RunRecord, student: Data) throws(StoreError) {
    try check(record.run, record.measurements)
    try commit([PendingRecord(record: record, student: student)])
  }

  /// The same, but soon: together with what other threads hand in within a tenth of a second. ``flush()`` waits for it.
  ///
  /// - Throws: as ``record(_:student:)``, also of what was handed in before.
  public func submit(_ record: RunRecord, student: Data) throws(StoreError) {
    try check(record.run, record.measurements)
    try Self.catching(databasePath) {
      let bytes =
        student.count + (record.optimizerState?.count ?? 0)
        + record.measurements.reduce(0) { $0 + 64 + 8 * $1.values.count }
      try groups.submit(PendingRecord(record: record, student: student), bytes: bytes) { [self] in try commitParts($0) }
    }
  }

  /// Waits until all that was submitted is recorded.
  ///
  /// - Throws: as ``submit(_:student:)``.
  public func flush() throws(StoreError) {
    try Self.catching(databasePath) { try groups.flush() }
  }

  /// How many of the submitted runs were recorded since the folder was opened.
  public var submittedCount: Int { groups.committedCount }

  /// Of a group that does not fit on the disk as a whole, a part may.
  private func commitParts(_ group: [PendingRecord]) throws(StoreError) {
    do throws(StoreError) {
      try commit(group)
    } catch {
      guard case .diskFull = error, group.count > 1 else { throw error }
      // The log has grown by the whole group, as far as there was room.
      Journal.end(database, isWhole: false)
      let half = group.count / 2
      try commitParts(Array(group[..<half]))
      try commitParts(Array(group[half...]))
    }
  }

  /// In this order: begin, insert (which fails if a run is there already), weights to temporary names, flush, rename, commit.
  /// Interrupted before the commit, none of the runs is recorded, and later records replace the weights files; where it fails,
  /// these are removed, as a full disk needs the room.
  private func commit(_ group: [PendingRecord]) throws(StoreError) {
    // Once, should the commit have to be tried again.
    var weights: [StoredWeights] = []
    var areNew = false
    do throws(StoreError) {
      try changing {
        try database.write { db in
          for item in group {
            try makeRoom(for: item.record.run.hash, isRecord: true, db)
            try insert(item.record, db)
          }
          areNew = true
          if weights.isEmpty { weights = try writeWeights(group) }
          for row in weights { try row.insert(db) }
        }
      }
    } catch {
      let kept = replaced.withLock { $0 }
      for item in group where areNew && !kept.contains(item.record.run.hash) {
        unlink(weightsURL(of: item.record.run.hash).path)
      }
      throw error
    }
    replaced.withLock { hashes in for item in group { hashes.remove(item.record.run.hash) } }
  }

  /// Keeps where a run stands, in place of its earlier checkpoint. Any thread may call it.
  ///
  /// - Throws: ``StoreError``, as ``record(_:student:)``.
  public func saveCheckpoint(_ checkpoint: Checkpoint) throws(StoreError) {
    try check(checkpoint.runHash, checkpoint.measurements)
    try changing {
      try database.write { db in
        try makeRoom(for: checkpoint.runHash, isRecord: false, db)
        try Self.insert(checkpoint, db)
        try Self.keep(checkpoint.optimizerState, of: checkpoint.runHash, db)
      }
    }
  }

  static func insert(_ checkpoint: Checkpoint, _ db: Database) throws {
    let measurements = String(decoding: try JSONEncoder().encode(checkpoint.measurements), as: UTF8.self)
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

  /// The last checkpoint of a run that is not finished; nil if there is none.
  ///
  /// - Throws: ``StoreError`` of a results folder that cannot be read, or is damaged.
  public func checkpoint(of run: Run) throws(StoreError) -> Checkpoint? {
    let hash = run.hash
    return try reading { db in
      let row = try Row.fetchOne(db, sql: "SELECT * FROM checkpoint WHERE run = ?", arguments: [hash])
      guard let row else { return nil }
      let measurements: String = try row.stored("measurements")
      let decoded = try JSONDecoder().decode([MeasuredValue].self, from: Data(measurements.utf8)).map {
        try MeasuredValue(stored: $0.measure, epoch: $0.epoch, shape: $0.shape, values: $0.values)
      }
      let epoch = try row.storedCount("epoch")
      guard epoch <= run.setting.training.epochs else {
        throw StoredValueError("a checkpoint at epoch \(epoch) of run \(hash)")
      }
      return Checkpoint(
        runHash: hash, epoch: epoch, student: try row.stored("student"),
        optimizerState: try Self.optimizerState(of: hash, db),
        measurements: decoded,
        wallSeconds: try row.storedSeconds("wall_seconds"),
        cpuSeconds: try row.storedSeconds("cpu_seconds"))
    }
  }

  /// Refuses what is not of this study, and numbers that are none.
  private func check(_ run: Run, _ measurements: [MeasuredValue]) throws(StoreError) {
    guard isOwn(run) else { throw .unknownRun(run: run.hash, study: study.name) }
    try check(run.hash, measurements)
  }

  func isOwn(_ run: Run) -> Bool {
    guard study.settings.indices.contains(run.settingIndex) else { return false }
    let own = RunNaming(study).run(study.settings[run.settingIndex], index: run.settingIndex, seed: run.seed)
    return own.hash == run.hash && seeds.contains(run.seed)
  }

  private func check(_ hash: String, _ measurements: [MeasuredValue]) throws(StoreError) {
    guard !isReadOnly else { throw .readOnly(folder: folder.path) }
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

  private func insert(_ record: RunRecord, _ db: Database) throws {
    let hash = record.run.hash
    // What is left of a run whose row was deleted by hand.
    for table in ["scalar", "array"] {
      try db.execute(sql: "DELETE FROM \(table) WHERE run = ?", arguments: [hash])
    }
    try db.execute(
      sql: "INSERT INTO run_record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      arguments: [
        hash, record.run.settingIndex, record.run.seed, record.outcome.name, record.outcome.divergedEpoch,
        record.studyHash, record.version, record.machine, record.finishedAt.formatted(.iso8601), record.wallSeconds,
        record.cpuSeconds, record.stepCount,
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
    if let divergence = record.divergence { try divergence.insert(for: hash, db) }
    try Self.keep(record.optimizerState, of: hash, db)
    try Self.keep(record.run.setting, index: record.run.settingIndex, db)
    try db.execute(sql: "DELETE FROM checkpoint WHERE run = ?", arguments: [hash])
    try db.execute(sql: "DELETE FROM failure WHERE run = ?", arguments: [hash])
  }
}
