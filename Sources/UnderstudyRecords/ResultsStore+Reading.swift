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
          let hash: String = row["run"]
          epochs[hash] = row["epoch"]
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
      let hash: String = row["hash"]
      guard let run = runsByHash[hash] else {
        throw StoreError.damaged(path: databasePath, reason: "run \(hash) is not one of its study")
      }
      let epoch: Int? = row["diverged_epoch"]
      let finishedAt: String = row["finished_at"]
      records.append(
        RunRecord(
          run: run, outcome: epoch.map(Outcome.diverged(epoch:)) ?? .completed, studyHash: row["study_hash"],
          version: row["version"], machine: row["machine"],
          finishedAt: try Date(finishedAt, strategy: .iso8601), wallSeconds: row["wall_seconds"],
          cpuSeconds: row["cpu_seconds"], stepCount: row["step_count"], measurements: []))
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
      try body(row[0], Measurement(try measure(row[1]), epoch: row[2], values: [row[3]]))
    }
    let arrays = try Row.fetchCursor(
      db, sql: "SELECT run, measure, epoch, shape, data_type, \"values\" FROM array \(condition) \(order)",
      arguments: arguments)
    while let row = try arrays.next() {
      let shapeText: String = row[3]
      let dataType: String = row[4]
      let bytes: Data = row[5]
      guard dataType == ArrayBlob.dataType, let values = ArrayBlob.decode(bytes),
        let shape = try? JSONDecoder().decode([Int].self, from: Data(shapeText.utf8)),
        shape.allSatisfy({ $0 >= 0 }), shape.reduce(1, *) == values.count
      else {
        throw StoreError.damaged(path: databasePath, reason: "an array whose bytes do not fit its shape \(shapeText)")
      }
      try body(row[0], Measurement(try measure(row[1]), epoch: row[2], shape: shape, values: values))
    }
  }

  private func measure(_ name: String) throws -> Measure {
    guard let measure = Measure(rawValue: name) else {
      throw StoreError.damaged(path: databasePath, reason: "unknown measure \(name)")
    }
    return measure
  }
}
