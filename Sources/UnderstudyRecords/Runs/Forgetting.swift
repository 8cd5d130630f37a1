import Foundation
import GRDB
import UnderstudySchema

extension ResultsStore {
  /// Opens a folder of results to change what is in it, with the study that it holds.
  ///
  /// - Throws: ``StoreError``, as ``openForWriting(_:study:notice:isCancelled:)``, and if the folder holds no results.
  public static func openForChanges(
    _ folder: URL, notice: @escaping @Sendable (String) -> Void = { _ in }
  ) throws(StoreError) -> ResultsStore {
    try openForWriting(folder, study: try openForReading(folder).study, notice: notice)
  }

  /// Deletes all that is stored of runs: records, measurements, checkpoints, reasons of failures and weights. They are missing
  /// afterwards, and running the study computes them again.
  ///
  /// Rows go in one transaction, weights after it. A kill in between leaves files of weights without a run; the next call
  /// removes these too.
  ///
  /// - Throws: ``StoreError`` of a folder that cannot be changed; then nothing was deleted.
  public func forget(_ runs: [Run]) throws(StoreError) {
    let columns = [
      ("run_record", "hash"), ("scalar", "run"), ("array", "run"), ("weights", "run"), ("divergence", "run"),
      ("checkpoint_measurement", "run"), ("checkpoint", "run"), ("failure", "run"), ("optimizer", "run"),
    ]
    try changing {
      try database.write { db in
        for (table, column) in columns {
          let statement = try db.cachedStatement(sql: "DELETE FROM \(table) WHERE \(column) = ?")
          for run in runs { try statement.execute(arguments: [run.hash]) }
        }
        try db.execute(
          sql: "DELETE FROM setting WHERE setting_index NOT IN (SELECT setting_index FROM run_record)")
      }
    }
    try removeStrayWeights()
    // So that the file gets smaller; readers may keep it from that.
    try? database.vacuum()
  }

  /// Bytes of a run's weights; 0 if there are none.
  public func weightsSize(of run: Run) -> Int { FileStatus(weightsURL(of: run.hash).path)?.size ?? 0 }

  /// Whether there are more weights than recorded runs.
  func hasStrayWeights() throws(StoreError) -> Bool {
    let count = try reading { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM run") ?? 0 }
    return storedWeights.count > count
  }

  /// Hashes of the runs whose weights are there.
  private var storedWeights: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: weightsFolder.path)) ?? [])
      .filter { $0.hasSuffix(".safetensors") }.map { String($0.dropLast(".safetensors".count)) }
      .filter { $0.count == 32 && $0.allSatisfy(\.isHexDigit) }
  }

  /// Removes weights of no recorded run.
  func removeStrayWeights() throws(StoreError) {
    let recorded = try finishedHashes()
    for hash in storedWeights where !recorded.contains(hash) {
      let url = weightsURL(of: hash)
      guard unlink(url.path) == 0 else { throw DurableFile.failure(url, "remove it") }
    }
    DurableFile.flushFolder(weightsFolder)
  }
}
