import Foundation
import GRDB

extension ResultsStore {
  /// Hashes of the runs that are recorded.
  public func finishedHashes() throws(StoreError) -> Set<String> {
    try Self.catching(databasePath) {
      try database.read { try String.fetchSet($0, sql: "SELECT hash FROM run") }
    }
  }

  /// Epochs done of each run that has a checkpoint, by hash.
  public func checkpointEpochs() throws(StoreError) -> [String: Int] {
    try Self.catching(databasePath) {
      try database.read { db in
        var epochs: [String: Int] = [:]
        for row in try Row.fetchAll(db, sql: "SELECT run, epoch FROM checkpoint") {
          epochs[try row.stored("run")] = try row.storedCount("epoch", path: databasePath)
        }
        return epochs
      }
    }
  }

  /// The recorded runs by setting index, then seed, without their measurements.
  public func runs() throws(StoreError) -> [RunRecord] { try results(measures: []).runs }

  /// The recorded runs by setting index, then seed, with the measurements of the given measures.
  ///
  /// - Complexity: O(what is read); one pass over each table, about a second for a full two-layer sweep.
  public func results(measures: Set<Measure>) throws(StoreError) -> StudyResults {
    try Self.catching(databasePath) {
      try database.read { db in
        var measurements: [String: [Measurement]] = [:]
        try forEachMeasurement(measures, run: nil, db) { measurements[$0, default: []].append($1) }
        var records = try runRecords(db)
        for index in records.indices {
          records[index].measurements = measurements[records[index].run.hash] ?? []
        }
        return StudyResults(study: study, runs: records)
      }
    }
  }

  func runRecords(_ db: Database) throws -> [RunRecord] {
    var records: [RunRecord] = []
    let rows = try Row.fetchCursor(db, sql: "SELECT * FROM run ORDER BY setting_index, seed")
    while let row = try rows.next() {
      let hash: String = try row.stored("hash")
      guard let run = runsByHash[hash] else {
        throw StoreError.damaged(path: databasePath, reason: "run \(hash) is not one of its study")
      }
      let isDiverged = try row.stored("outcome") == "diverged"
      let epoch = isDiverged ? try row.storedCount("diverged_epoch", path: databasePath) : nil
      let finishedAt: String = try row.stored("finished_at")
      records.append(
        RunRecord(
          run: run, outcome: epoch.map(Outcome.diverged(epoch:)) ?? .completed,
          studyHash: try row.stored("study_hash"), version: try row.stored("version"),
          machine: try row.stored("machine"), finishedAt: try date(finishedAt),
          wallSeconds: try row.storedSeconds("wall_seconds", path: databasePath),
          cpuSeconds: try row.storedSeconds("cpu_seconds", path: databasePath),
          stepCount: try row.storedCount("step_count", path: databasePath), measurements: []))
    }
    return records
  }

  /// Hands over each measurement, of one run or of all: by measure, then epoch, within a run; scalars before arrays.
  func forEachMeasurement(
    _ measures: Set<Measure>, run: String?, _ db: Database, _ body: (String, Measurement) throws -> Void
  ) throws {
    guard !measures.isEmpty else { return }
    let names = measures.map { "'\($0.rawValue)'" }.sorted().joined(separator: ", ")
    let condition = "WHERE measure IN (\(names))" + (run == nil ? "" : " AND run = ?")
    let order = "ORDER BY run, measure, epoch"
    let arguments: StatementArguments = run.map { [$0] } ?? []
    let scalars = try Row.fetchCursor(
      db, sql: "SELECT run, measure, epoch, value FROM scalar \(condition) \(order)", arguments: arguments)
    while let row = try scalars.next() {
      try body(
        try row.stored("run"),
        Measurement(
          stored: try measure(try row.stored("measure")), epoch: try row.stored("epoch"), shape: [],
          values: [try row.stored("value")], path: databasePath))
    }
    let arrays = try Row.fetchCursor(
      db, sql: "SELECT run, measure, epoch, shape, data_type, \"values\" FROM array \(condition) \(order)",
      arguments: arguments)
    while let row = try arrays.next() {
      let shapeText: String = try row.stored("shape")
      guard try row.stored("data_type") == ArrayBlob.dataType, let values = ArrayBlob.decode(try row.stored("values")),
        let shape = try? JSONDecoder().decode([Int].self, from: Data(shapeText.utf8))
      else {
        throw StoreError.damaged(path: databasePath, reason: "an array whose bytes do not fit its shape \(shapeText)")
      }
      try body(
        try row.stored("run"),
        Measurement(
          stored: try measure(try row.stored("measure")), epoch: try row.stored("epoch"), shape: shape, values: values,
          path: databasePath))
    }
  }

  private func date(_ text: String) throws -> Date {
    guard let date = try? Date(text, strategy: .iso8601) else {
      throw StoreError.damaged(path: databasePath, reason: "a time of \(text)")
    }
    return date
  }

  private func measure(_ name: String) throws -> Measure {
    guard let measure = Measure(rawValue: name) else {
      throw StoreError.damaged(path: databasePath, reason: "unknown measure \(name)")
    }
    return measure
  }
}
