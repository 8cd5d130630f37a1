import Foundation
import GRDB
import Synchronization
import UnderstudySchema

/// How closely weights are looked at.
public enum WeightsScrutiny: Sendable {
  /// Whether the file is there.
  case presence
  /// Whether it has the size and the time that it had when it was last found to be right; its bytes if not.
  case changes
  /// Its bytes.
  case content
}

/// A recorded run whose weights are missing, or not those that were recorded.
public struct WeightsFault: Sendable {
  /// What is wrong with a file of weights.
  public enum Kind: String, Sendable { case missing, damaged }
  public var run: Run
  public var kind: Kind
}

/// A row of the table of weights.
struct StoredWeights {
  var run: String
  var digest: String
  var status: FileStatus

  func insert(_ db: Database) throws {
    let statement = try db.cachedStatement(
      sql: "INSERT OR REPLACE INTO weights (run, digest, size, modified) VALUES (?, ?, ?, ?)")
    try statement.execute(arguments: [run, digest, status.size, status.modified])
  }
}

/// What tells without reading whether a file was changed.
struct FileStatus: Hashable {
  /// Bytes.
  var size: Int
  /// Nanoseconds since 1970.
  var modified: Int

  init(size: Int, modified: Int) { (self.size, self.modified) = (size, modified) }

  /// nil if there is no regular file.
  init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    let (seconds, overflows) = Int(status.st_mtim.tv_sec).multipliedReportingOverflow(by: 1_000_000_000)
    (size, modified) = (Int(status.st_size), overflows ? 0 : seconds &+ Int(status.st_mtim.tv_nsec))
  }
}

extension ResultsStore {
  /// The bytes of a run's final student, as they were recorded.
  ///
  /// - Throws: ``StoreError/weights(path:fault:)`` if the file is missing, or holds something else by now.
  /// - Complexity: O(bytes), about 0.2 GB/s.
  public func weights(of hash: String) throws(StoreError) -> Data {
    let url = weightsURL(of: hash)
    guard let data = DurableFile.content(of: url.path) else { throw .weights(path: url.path, fault: .missing) }
    let digest: String? = try reading { db in
      guard try db.tableExists("weights") else { return nil }
      let row = try Row.fetchOne(db, sql: "SELECT digest FROM weights WHERE run = ?", arguments: [hash])
      return try row?.stored("digest")
    }
    guard let digest, contentHash(data) != digest else { return data }
    throw .weights(path: url.path, fault: .damaged)
  }

  /// Recorded runs whose weights are missing, or not those that were recorded, by setting and seed.
  ///
  /// - Parameters:
  ///   - progress: told how many of how many files have been read, where bytes are; return false to leave the rest unread.
  /// - Complexity: O(runs); O(bytes of the files that are read), about 0.2 GB/s.
  ///
  /// - Throws: ``StoreError`` of a results folder that cannot be read, or is damaged.
  public func weightsFaults(
    _ scrutiny: WeightsScrutiny, progress: (Int, Int) -> Bool = { _, _ in true }
  ) throws(StoreError) -> [WeightsFault] {
    let rows = try weightsRows()
    var faults: [WeightsFault] = []
    var suspects: [(row: WeightsRow, status: FileStatus)] = []
    for row in rows {
      guard let status = FileStatus(weightsURL(of: row.hash).path) else {
        faults.append(WeightsFault(run: try run(of: row), kind: .missing))
        continue
      }
      guard row.digest != nil, scrutiny != .presence, scrutiny == .content || status != row.status else { continue }
      suspects.append((row, status))
    }
    var found: [StoredWeights] = []
    for (index, (row, status)) in suspects.enumerated() {
      guard progress(index, suspects.count) else { break }
      if let digest = row.digest, DurableFile.content(of: weightsURL(of: row.hash).path).map(contentHash) == digest {
        found.append(StoredWeights(run: row.hash, digest: digest, status: status))
      } else {
        faults.append(WeightsFault(run: try run(of: row), kind: .damaged))
      }
    }
    // So that the next run need not read them.
    if !isReadOnly, !found.isEmpty {
      try changing { try database.write { db in for row in found { try row.insert(db) } } }
    }
    return faults.sorted { ($0.run.settingIndex, $0.run.seed) < ($1.run.settingIndex, $1.run.seed) }
  }

  /// Runs that are to be carried out again: they stay as they are until the new record takes their place.
  public func willReplace(_ hashes: some Sequence<String>) {
    replaced.withLock { $0.formUnion(hashes) }
  }

  /// Makes room for the record of a run that is to be replaced.
  ///
  /// - Throws: ``StoreError/alreadyRecorded(run:)`` if the run is recorded and not to be replaced.
  func makeRoom(for hash: String, isRecord: Bool, _ db: Database) throws {
    let isRecorded = try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM run WHERE hash = ?)", arguments: [hash])
    guard isRecorded ?? false else { return }
    guard replaced.withLock({ $0.contains(hash) }) else { throw StoreError.alreadyRecorded(run: hash) }
    guard isRecord else { return }
    try db.execute(sql: "DELETE FROM run_record WHERE hash = ?", arguments: [hash])
  }

  /// Writes the weights of runs, and flushes them to the disk.
  func writeWeights(_ group: [PendingRecord]) throws(StoreError) -> [StoredWeights] {
    try DurableFile.write(
      group.map { item in
        let hash = item.record.run.hash
        return DurableFile.File(data: item.student, url: weightsURL(of: hash), temporary: partialWeightsURL(of: hash))
      })
    DurableFile.flushFolder(weightsFolder)
    return group.compactMap { item in
      let hash = item.record.run.hash
      return FileStatus(weightsURL(of: hash).path).map {
        StoredWeights(run: hash, digest: contentHash(item.student), status: $0)
      }
    }
  }

  /// Whether SQLite finds the database whole.
  ///
  /// - Complexity: O(its size).
  ///
  /// - Throws: ``StoreError`` of a results folder that cannot be read, or is damaged.
  public func databaseProblems() throws(StoreError) -> [String] {
    try reading { try String.fetchAll($0, sql: "PRAGMA integrity_check") }.filter { $0 != "ok" }
  }

  private struct WeightsRow {
    var hash: String
    var settingIndex: Int
    var seed: Int
    /// nil: recorded before 0.2.
    var digest: String?
    var status: FileStatus?
  }

  private func weightsRows() throws(StoreError) -> [WeightsRow] {
    try reading { db in
      let known = version > 1 ? "size, modified" : "NULL AS size, NULL AS modified"
      let sql =
        try db.tableExists("weights")
        ? "SELECT hash, setting_index, seed, digest, \(known) FROM run LEFT JOIN weights ON weights.run = run.hash"
        : "SELECT hash, setting_index, seed, NULL AS digest, NULL AS size, NULL AS modified FROM run"
      let cursor = try Row.fetchCursor(db, sql: sql)
      var rows: [WeightsRow] = []
      while let row = try cursor.next() {
        let (size, modified): (Int?, Int?) = (
          row.hasNull(atIndex: 4) ? nil : try row.stored("size"),
          row.hasNull(atIndex: 5) ? nil : try row.stored("modified")
        )
        rows.append(
          WeightsRow(
            hash: try row.stored("hash"), settingIndex: try storedSetting(row), seed: try row.stored("seed"),
            digest: row.hasNull(atIndex: 3) ? nil : try row.stored("digest"),
            status: size.flatMap { size in modified.map { FileStatus(size: size, modified: $0) } }))
      }
      return rows
    }
  }

  /// The run of a row, which must be of the study if it is to be carried out again.
  private func run(of row: WeightsRow) throws(StoreError) -> Run {
    let run = RunNaming(study).run(study.settings[row.settingIndex], index: row.settingIndex, seed: row.seed)
    guard run.hash == row.hash, seeds.contains(row.seed) else {
      throw .damaged(path: databasePath, reason: "run \(row.hash) is not one of its study")
    }
    return run
  }
}
