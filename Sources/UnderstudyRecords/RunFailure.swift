import Foundation
import GRDB

/// A run that could not be carried out: it is not among the recorded ones, and running the study again tries it once more.
public struct RunFailure: Hashable, Sendable {
  public var runHash: String
  /// What went wrong and what to change, for people.
  public var reason: String
  /// Of Understudy.
  public var version: String
  public var failedAt: Date

  public init(runHash: String, reason: String, version: String, failedAt: Date) {
    (self.runHash, self.reason, self.version, self.failedAt) = (runHash, reason, version, failedAt)
  }
}

extension StoreSchema {
  /// Came after the other tables, in folders of the same version: those who do not know it are not disturbed.
  static let failureStatement = """
    CREATE TABLE IF NOT EXISTS failure (
      run TEXT PRIMARY KEY NOT NULL,
      reason TEXT NOT NULL,
      version TEXT NOT NULL,
      failed_at TEXT NOT NULL
    ) WITHOUT ROWID;
    """
}

extension ResultsStore {
  /// Keeps why a run could not be carried out, in place of an earlier reason. Any thread may call it.
  ///
  /// - Throws: ``StoreError``, as ``record(_:student:)``.
  public func recordFailure(_ failure: RunFailure) throws(StoreError) {
    guard runsByHash[failure.runHash] != nil else { throw .unknownRun(run: failure.runHash, study: study.name) }
    guard !database.configuration.readonly else { throw .readOnly(folder: folder.path) }
    try Self.catching(databasePath) {
      try database.write { db in
        try db.execute(
          sql: "INSERT OR REPLACE INTO failure (run, reason, version, failed_at) VALUES (?, ?, ?, ?)",
          arguments: [failure.runHash, failure.reason, failure.version, failure.failedAt.formatted(.iso8601)])
      }
    }
  }

  /// The runs that failed and have not been recorded since, by setting and seed.
  public func failures() throws(StoreError) -> [RunFailure] {
    try Self.catching(databasePath) {
      try database.read { db in
        guard try db.tableExists("failure") else { return [] }
        let failures = try Row.fetchAll(db, sql: "SELECT run, reason, version, failed_at FROM failure").map { row in
          let failedAt: String = try row.stored("failed_at")
          return RunFailure(
            runHash: try row.stored("run"), reason: try row.stored("reason"), version: try row.stored("version"),
            failedAt: (try? Date(failedAt, strategy: .iso8601)) ?? .distantPast)
        }
        let places = Dictionary(
          study.runs.enumerated().map { ($1.hash, $0) }, uniquingKeysWith: { first, _ in first })
        return failures.filter { places[$0.runHash] != nil }
          .sorted { (places[$0.runHash] ?? 0) < (places[$1.runHash] ?? 0) }
      }
    }
  }

  /// Forgets why a run failed, once it is recorded.
  func forgetFailure(of hash: String, _ db: Database) throws {
    try db.execute(sql: "DELETE FROM failure WHERE run = ?", arguments: [hash])
  }
}
