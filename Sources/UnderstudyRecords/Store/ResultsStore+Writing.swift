import Foundation
import GRDB
import UnderstudySchema

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

  /// Refuses numbers that are none, and what was measured twice.
  func check(_ hash: String, _ measurements: [MeasuredValue]) throws(StoreError) {
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
        try array.execute(arguments: measurement.arrayRow(of: hash))
      }
    }
    if let divergence = record.divergence { try divergence.insert(for: hash, db) }
    try Self.keep(record.optimizerState, of: hash, db)
    try Self.keep(record.run.setting, index: record.run.settingIndex, db)
    try db.execute(sql: "DELETE FROM checkpoint WHERE run = ?", arguments: [hash])
    try db.execute(sql: "DELETE FROM failure WHERE run = ?", arguments: [hash])
  }
}
