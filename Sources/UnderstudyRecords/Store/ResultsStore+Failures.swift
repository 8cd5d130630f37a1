import Foundation
import GRDB
import UnderstudySchema

extension ResultsStore {
  /// Keeps why a run could not be carried out, in place of an earlier reason. Any thread may call it.
  ///
  /// - Throws: ``StoreError``, as ``record(_:student:)``.
  public func recordFailure(_ failure: RunFailure, of run: Run) throws(StoreError) {
    guard isOwn(run) else { throw .unknownRun(run: run.hash, study: study.name) }
    try changing {
      try database.write { db in
        try db.execute(
          sql: """
            INSERT OR REPLACE INTO failure (run, setting_index, seed, reason, version, failed_at)
            VALUES (?, ?, ?, ?, ?, ?)
            """,
          arguments: [
            failure.runHash, failure.settingIndex, failure.seed, failure.reason, failure.version,
            failure.failedAt.formatted(.iso8601),
          ])
      }
    }
  }

  /// The runs that failed and have not been recorded since, by setting and seed; none of folders of before 0.2, whose runs are
  /// tried again before anything else.
  ///
  /// - Throws: ``StoreError`` of a results folder that cannot be read, or is damaged.
  public func failures() throws(StoreError) -> [RunFailure] {
    try reading { db in
      guard version > 1 else { return [] }
      let rows = try Row.fetchCursor(
        db, sql: "SELECT run, setting_index, seed, reason, version, failed_at FROM failure ORDER BY setting_index, seed"
      )
      var failures: [RunFailure] = []
      let naming = RunNaming(study)
      while let row = try rows.next() {
        let failedAt: String = try row.stored("failed_at")
        let index = try storedSetting(row)
        let run = naming.run(study.settings[index], index: index, seed: try row.stored("seed"))
        failures.append(
          RunFailure(
            run, reason: try row.stored("reason"), version: try row.stored("version"),
            failedAt: (try? Date(failedAt, strategy: .iso8601)) ?? .distantPast))
      }
      return failures
    }
  }

  /// The place of a row's setting in the grid.
  func storedSetting(_ row: Row) throws -> Int {
    let index: Int = try row.stored("setting_index")
    guard study.settings.indices.contains(index) else {
      throw StoredValueError("a row of setting \(index), and there is none")
    }
    return index
  }
}
