import Foundation
import GRDB
import Synchronization

/// A results folder: `study.yaml`, `results.sqlite`, `weights/<run hash>.safetensors`, `figures/`, `report.html`.
///
/// A class because it has an identity: it owns the folder's lock and the connection to its database, and several threads
/// record into the same one (the connection lets one at a time write).
///
/// Each run is recorded in one transaction that commits after the weights are safely on the disk. So a run that is in the
/// database is complete, and kill -9 at any moment costs at most the runs that were not recorded yet.
public final class ResultsStore: Sendable {
  public let folder: URL
  /// As resolved; when writing the caller's, when reading the stored one.
  public let study: Study
  /// The study's runs by hash.
  let runsByHash: [String: Run]
  let database: DatabaseQueue
  /// Recorded runs that are carried out again; see ``willReplace(_:)``.
  let replaced = Mutex<Set<String>>([])
  /// Held while the folder is open for writing.
  private let lock: FolderLock?

  private init(folder: URL, study: Study, runsByHash: [String: Run], database: DatabaseQueue, lock: FolderLock?) {
    self.folder = folder
    self.study = study
    self.runsByHash = runsByHash
    self.database = database
    self.lock = lock
  }

  public var figuresFolder: URL { folder.appendingPathComponent(ResultsFolder.figuresName) }
  public var reportURL: URL { folder.appendingPathComponent(ResultsFolder.reportName) }
  /// The final student of a run.
  public func weightsURL(of hash: String) -> URL { weightsFolder.appendingPathComponent("\(hash).safetensors") }

  var databasePath: String { folder.appendingPathComponent(ResultsFolder.databaseName).path }
  var weightsFolder: URL { folder.appendingPathComponent(ResultsFolder.weightsName) }
  /// One name a run is enough: the folder has one writing process, and its connection serves one thread at a time.
  func partialWeightsURL(of hash: String) -> URL { weightsFolder.appendingPathComponent(".\(hash).partial") }

  /// Opens a folder for recording, making it if need be, and keeps other processes from doing the same.
  ///
  /// A folder that holds results of the same study with a smaller grid is continued; its `study.yaml` is brought up to date.
  ///
  /// - Throws: ``StoreError``: a folder that is locked, of another study, newer, damaged or not ours is left as it was.
  public static func openForWriting(_ folder: URL, study: Study) throws(StoreError) -> ResultsStore {
    let folder = folder.standardizedFileURL
    let runsByHash = Dictionary(study.runs.map { ($0.hash, $0) }, uniquingKeysWith: { first, _ in first })
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch {
      throw .file(path: folder.path, action: "make the folder", reason: reason(of: error))
    }
    try checkForeign(folder)
    let lock = try FolderLock(folder)
    try checkForeign(folder)
    let yaml: String
    do { yaml = try study.yaml() } catch { throw .study(error) }
    let path = folder.appendingPathComponent(ResultsFolder.databaseName).path
    let database: DatabaseQueue = try catching(path) {
      let database = try DatabaseQueue(path: path, configuration: StoreSchema.configuration(isReadOnly: false))
      try prepare(database, folder: folder, study: study, runs: runsByHash)
      return database
    }
    let store = ResultsStore(folder: folder, study: study, runsByHash: runsByHash, database: database, lock: lock)
    try store.prepareFiles(yaml: yaml)
    return store
  }

  /// Opens a folder to read what is in it; a process that writes there may go on.
  ///
  /// - Throws: ``StoreError`` if it holds no results, or newer or damaged ones.
  public static func openForReading(_ folder: URL) throws(StoreError) -> ResultsStore {
    let folder = folder.standardizedFileURL
    let path = folder.appendingPathComponent(ResultsFolder.databaseName).path
    guard FileManager.default.fileExists(atPath: path) else { throw .notResults(folder: folder.path) }
    return try catching(path) {
      // A journal is left when a process was killed while it wrote. SQLite takes the half-done transaction back by
      // itself, for which it needs to write.
      let hasJournal = FileManager.default.fileExists(atPath: path + "-journal")
      let isReadOnly = !(hasJournal && FileManager.default.isWritableFile(atPath: path))
      let database = try DatabaseQueue(path: path, configuration: StoreSchema.configuration(isReadOnly: isReadOnly))
      guard let study = try database.read({ try StoreSchema.readStudy($0, folder: folder) }) else {
        throw StoreError.notResults(folder: folder.path)
      }
      let runsByHash = Dictionary(study.runs.map { ($0.hash, $0) }, uniquingKeysWith: { first, _ in first })
      return ResultsStore(folder: folder, study: study, runsByHash: runsByHash, database: database, lock: nil)
    }
  }

  /// Refuses a folder with files in it but without results, before anything is written there.
  private static func checkForeign(_ folder: URL) throws(StoreError) {
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    } catch {
      throw .file(path: folder.path, action: "list the folder", reason: reason(of: error))
    }
    guard !names.contains(ResultsFolder.databaseName) else { return }
    if let other = names.sorted().first(where: { $0 != ResultsFolder.lockName }) {
      throw .foreignFolder(folder: folder.path, found: other)
    }
  }

  /// Makes the tables, or checks that what is there belongs to the study; one transaction.
  private static func prepare(
    _ database: DatabaseQueue, folder: URL, study: Study, runs: [String: Run]
  ) throws {
    try database.write { db in
      guard let stored = try StoreSchema.readStudy(db, folder: folder) else {
        return try StoreSchema.create(db, study: study)
      }
      try db.execute(sql: StoreSchema.failureStatement + StoreSchema.weightsStatement)
      guard stored.name == study.name else {
        throw StoreError.otherStudy(folder: folder.path, found: stored.name, wanted: study.name)
      }
      let recorded = try Row.fetchAll(db, sql: "SELECT hash, setting_index, seed FROM run ORDER BY setting_index, seed")
      let strangers = try recorded.filter { runs[try $0.stored("hash")] == nil }
      if let first = strangers.first {
        let index: Int = try first.stored("setting_index")
        let setting = stored.settings.indices.contains(index) ? stored.label(of: stored.settings[index]) : "?"
        let seed: Int = try first.stored("seed")
        throw StoreError.otherRuns(
          folder: folder.path, study: study.name, count: strangers.count, example: "\(setting), seed \(seed)")
      }
      guard stored != study else { return }
      try StoreSchema.write(study, db)
      // The grid may have grown in the middle.
      for row in recorded {
        let hash: String = try row.stored("hash")
        let index: Int = try row.stored("setting_index")
        guard let run = runs[hash], run.settingIndex != index else { continue }
        try db.execute(
          sql: "UPDATE run SET setting_index = ? WHERE hash = ?", arguments: [run.settingIndex, hash])
      }
    }
  }

  /// Folders, `study.yaml`, and removal of what an interrupted write left.
  private func prepareFiles(yaml: String) throws(StoreError) {
    do {
      for url in [weightsFolder, figuresFolder] {
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
      }
      for name in try FileManager.default.contentsOfDirectory(atPath: weightsFolder.path)
      where name.hasPrefix(".") && name.hasSuffix(".partial") {
        try FileManager.default.removeItem(at: weightsFolder.appendingPathComponent(name))
      }
    } catch {
      throw .file(path: folder.path, action: "prepare the folder", reason: reason(of: error))
    }
    let url = folder.appendingPathComponent(ResultsFolder.studyName)
    let data = Data(yaml.utf8)
    if (try? Data(contentsOf: url)) == data { return }
    try DurableFile.write(data, to: url, temporary: folder.appendingPathComponent(".study.yaml.partial"))
  }

  /// Runs `body` and makes a ``StoreError`` of whatever it throws.
  static func catching<Result>(_ path: String, _ body: () throws -> Result) throws(StoreError) -> Result {
    do {
      return try body()
    } catch let error as StoreError {
      throw error
    } catch let error as StudyError {
      throw .study(error)
    } catch let error as DatabaseError {
      switch error.resultCode {
      case .SQLITE_FULL: throw .diskFull(path: path)
      case .SQLITE_NOTADB, .SQLITE_CORRUPT: throw .damaged(path: path, reason: error.message ?? "SQLite cannot read it")
      case .SQLITE_BUSY, .SQLITE_LOCKED:
        throw .database(path: path, reason: "another program has kept the database locked for 30 seconds")
      default: throw .database(path: path, reason: error.message ?? "SQLite error \(error.resultCode.rawValue)")
      }
    } catch let error as StoredValueError {
      throw .damaged(path: path, reason: "a row without a proper \(error.column)")
    } catch is DecodingError {
      throw .damaged(path: path, reason: "a text that is not what was written")
    } catch {
      throw .database(path: path, reason: reason(of: error))
    }
  }
}
