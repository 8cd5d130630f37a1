import Foundation
import GRDB
import UnderstudySchema

extension ResultsStore {
  /// Hashes of the runs that are recorded.
  ///
  /// - Throws: ``StoreError`` of a results folder that cannot be read, or is damaged.
  public func finishedHashes() throws(StoreError) -> Set<String> {
    try reading { try String.fetchSet($0, sql: "SELECT hash FROM run") }
  }

  /// The recorded runs by setting index, then seed, without their measurements.
  ///
  /// - Throws: ``StoreError`` of a results folder that cannot be read, or is damaged.
  public func runs() throws(StoreError) -> [RunRecord] { try results(measures: []).runs }

  /// The recorded runs by setting index, then seed, with the measurements of the given measures.
  ///
  /// - Complexity: O(what is read); one pass over each table, about a second for a full two-layer sweep.
  ///
  /// - Throws: ``StoreError`` of a results folder that cannot be read, or is damaged.
  public func results(measures: Set<Measure>) throws(StoreError) -> StudyResults {
    try reading { db in
      var places: [String: Int] = [:]
      var records: [RunRecord] = []
      try forEachRecord(db) { record in
        places[record.run.hash] = records.count
        records.append(record)
      }
      try forEachMeasurement(measures, run: nil, db) { hash, measurement in
        if let place = places[hash] { records[place].measurements.append(measurement) }
      }
      return StudyResults(study: study, runs: records)
    }
  }

  /// Hands over the recorded runs one after the other, each with its measurements of the given measures: memory for one run.
  ///
  /// - Parameter isWanted: which runs; of the others nothing more is read.
  /// - Throws: ``StoreError`` of a results folder that cannot be read or is damaged, or what `body` throws.
  public func forEachResult(
    _ measures: Set<Measure>, where isWanted: (Run) -> Bool = { _ in true }, _ body: (RunRecord) throws -> Void
  ) throws {
    // What `body` throws is no fault of the store.
    var failure: (any Error)?
    do {
      try reading { db in
        try forEachRecord(db) { record in
          guard isWanted(record.run) else { return }
          var record = record
          try forEachMeasurement(measures, run: record.run.hash, db) { record.measurements.append($1) }
          do { try body(record) } catch {
            failure = error
            throw error
          }
        }
      }
    } catch {
      throw failure ?? error
    }
  }

  /// The measures that some run has, by whether they are numbers or arrays.
  ///
  /// - Throws: ``StoreError`` of a results folder that cannot be read, or is damaged.
  /// - Complexity: O(measurements), in indices of the database alone.
  public func recordedMeasures() throws(StoreError) -> (scalars: Set<Measure>, arrays: Set<Measure>) {
    try reading { db in
      func names(_ table: String) throws -> Set<Measure> {
        let names = try String.fetchAll(db, sql: "SELECT DISTINCT measure FROM \(table)")
        return Set(try names.map { try Measure(stored: $0) })
      }
      return (try names("scalar"), try names("array"))
    }
  }

  /// - Throws: ``StoredValueError`` for a row whose hash is not that of its setting and seed.
  func forEachRecord(_ db: Database, _ body: (RunRecord) throws -> Void) throws {
    let naming = RunNaming(study)
    let divergences = try storedDivergences(db)
    var text = (index: -1, canonical: "")
    let rows = try Row.fetchCursor(
      db,
      sql: """
        SELECT hash, setting_index, seed, outcome, diverged_epoch, study_hash, version, machine, finished_at, wall_seconds,
          cpu_seconds, step_count FROM run ORDER BY setting_index, seed
        """)
    while let row = try rows.next() {
      let hash: String = try row.stored("hash")
      let (index, seed): (Int, Int) = (try storedSetting(row), try row.stored("seed"))
      if text.index != index { text = (index, study.settings[index].canonicalText) }
      let run = naming.run(study.settings[index], text: text.canonical, index: index, seed: seed)
      guard run.hash == hash, seeds.contains(seed) else {
        throw StoredValueError("run \(hash) is not one of its study")
      }
      let isDiverged = try row.stored("outcome") == "diverged"
      let epoch = isDiverged ? try row.storedCount("diverged_epoch") : nil
      let finishedAt: String = try row.stored("finished_at")
      try body(
        RunRecord(
          run: run, outcome: epoch.map(Outcome.diverged(epoch:)) ?? .completed, divergence: divergences[hash],
          studyHash: try row.stored("study_hash"), version: try row.stored("version"),
          machine: try row.stored("machine"), finishedAt: try date(finishedAt),
          wallSeconds: try row.storedSeconds("wall_seconds"),
          cpuSeconds: try row.storedSeconds("cpu_seconds"),
          stepCount: try row.storedCount("step_count"), measurements: []))
    }
  }

  /// Hands over each measurement, of one run or of all: by measure, then epoch, within a run; scalars before arrays.
  func forEachMeasurement(
    _ measures: Set<Measure>, run: String?, _ db: Database, _ body: (String, MeasuredValue) throws -> Void
  ) throws {
    guard !measures.isEmpty else { return }
    let names = measures.flatMap { [$0.rawValue, $0.formerName] }.compactMap { $0.map { "'\($0)'" } }.sorted()
      .joined(separator: ", ")
    let condition = "WHERE measure IN (\(names))" + (run == nil ? "" : " AND run = ?")
    let order = "ORDER BY run, measure, epoch"
    let arguments: StatementArguments = run.map { [$0] } ?? []
    let scalars = try Row.fetchCursor(
      db, sql: "SELECT run, measure, epoch, value FROM scalar \(condition) \(order)", arguments: arguments)
    while let row = try scalars.next() {
      try body(
        try row.stored("run"),
        MeasuredValue(
          stored: try Measure(stored: try row.stored("measure")), epoch: try row.stored("epoch"), shape: [],
          values: [try row.stored("value")]))
    }
    let arrays = try Row.fetchCursor(
      db, sql: "SELECT run, measure, epoch, shape, data_type, \"values\" FROM array \(condition) \(order)",
      arguments: arguments)
    while let row = try arrays.next() {
      try body(try row.stored("run"), try MeasuredValue(arrayRow: row))
    }
  }

  private func date(_ text: String) throws -> Date {
    guard let date = try? Date(text, strategy: .iso8601) else {
      throw StoredValueError("a time of \(text)")
    }
    return date
  }
}
