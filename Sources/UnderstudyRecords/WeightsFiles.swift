import Foundation
import GRDB
import Synchronization

extension StoreSchema {
  /// Came after the other tables, as ``failureStatement``: runs of before have no row, and are not checked.
  static let weightsStatement = """
    CREATE TABLE IF NOT EXISTS weights (
      run TEXT PRIMARY KEY NOT NULL REFERENCES run (hash) ON DELETE CASCADE,
      digest TEXT NOT NULL
    ) WITHOUT ROWID;
    """
}

extension ResultsStore {
  /// What is wrong with the weights of a run.
  public enum WeightsFault: String, Sendable {
    case missing, damaged
  }

  /// The bytes of a run's final student, as they were recorded.
  ///
  /// - Throws: ``StoreError/weights(path:fault:)`` if the file is missing, or holds something else by now.
  /// - Complexity: O(bytes), about 0.2 GB/s.
  public func weights(of hash: String) throws(StoreError) -> Data {
    let url = weightsURL(of: hash)
    guard let data = try? Data(contentsOf: url) else { throw .weights(path: url.path, fault: .missing) }
    guard let digest = try digests()[hash], contentHash(data) != digest else { return data }
    throw .weights(path: url.path, fault: .damaged)
  }

  /// Recorded runs whose weights are missing, or not those that were recorded, by hash.
  ///
  /// - Complexity: O(bytes of all weights); without `readingFiles` O(runs), and only files that are missing are found.
  public func weightsFaults(readingFiles: Bool) throws(StoreError) -> [String: WeightsFault] {
    let digests = try digests()
    var faults: [String: WeightsFault] = [:]
    for hash in try finishedHashes() {
      let url = weightsURL(of: hash)
      guard FileManager.default.fileExists(atPath: url.path) else {
        faults[hash] = .missing
        continue
      }
      guard readingFiles, let digest = digests[hash] else { continue }
      if (try? Data(contentsOf: url)).map(contentHash) != digest { faults[hash] = .damaged }
    }
    return faults
  }

  /// Runs that are to be carried out again: they stay as they are until the new record takes their place.
  public func willReplace(_ hashes: some Sequence<String>) {
    replaced.withLock { $0.formUnion(hashes) }
  }

  /// Makes room for the record of a run that is to be replaced.
  ///
  /// - Throws: ``StoreError/alreadyRecorded(run:)`` if the run is recorded and not to be replaced.
  func makeRoom(for hash: String, isRecord: Bool, _ db: Database) throws {
    guard try isRecorded(hash, db) else { return }
    guard replaced.withLock({ $0.contains(hash) }) else { throw StoreError.alreadyRecorded(run: hash) }
    guard isRecord else { return }
    try db.execute(sql: "DELETE FROM run WHERE hash = ?", arguments: [hash])
    replaced.withLock { _ = $0.remove(hash) }
  }

  /// Whether SQLite finds the database whole.
  ///
  /// - Complexity: O(its size).
  public func databaseProblems() throws(StoreError) -> [String] {
    try Self.catching(databasePath) {
      try database.read { try String.fetchAll($0, sql: "PRAGMA integrity_check") }.filter { $0 != "ok" }
    }
  }

  private func digests() throws(StoreError) -> [String: String] {
    try Self.catching(databasePath) {
      try database.read { db in
        guard try db.tableExists("weights") else { return [:] }
        var digests: [String: String] = [:]
        for row in try Row.fetchAll(db, sql: "SELECT run, digest FROM weights") {
          digests[try row.stored("run")] = try row.stored("digest", as: String.self)
        }
        return digests
      }
    }
  }
}
