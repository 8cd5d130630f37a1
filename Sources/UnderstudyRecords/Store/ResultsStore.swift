import Foundation
import GRDB
import Synchronization
import UnderstudySchema

/// A results folder: `study.yaml`, `results.sqlite`, `weights/<run hash>.safetensors`, `files/`, `figures/`, `report.html`.
///
/// A class because it has an identity: it owns the folder's lock and the connection to its database, and several threads
/// record into the same one (the connection lets one at a time write).
///
/// Runs are recorded in transactions that commit after their weights are safely on the disk. So a run that is in the
/// database is complete, and kill -9 at any moment costs at most the runs that were not recorded yet.
public final class ResultsStore: Sendable {
  public let folder: URL
  /// As resolved; when writing the caller's, when reading the stored one. Its files have the folder's copies.
  public let study: Study
  /// Of the tables, as they were found; version 1 keeps no files.
  let version: Int
  /// Of the study, to look up.
  let seeds: Set<Int>
  let database: DatabaseQueue
  /// Recorded runs that are carried out again; see ``willReplace(_:)``.
  let replaced = Mutex<Set<String>>([])
  let groups = GroupCommit<PendingRecord>()
  let journal: Mutex<Journal>
  let patience: Patience
  /// Of the database when it was opened.
  private let identity: FileIdentity?
  private let copy: TemporaryCopy?
  private let isClosed = Atomic(false)
  /// Held while the folder is open for writing.
  private let lock: FolderLock?

  init(
    folder: URL, study: Study, version: Int, database: DatabaseQueue, journal: Journal, patience: Patience,
    copy: TemporaryCopy? = nil, lock: FolderLock? = nil
  ) {
    self.folder = folder
    self.study = study.usingCopies(in: folder)
    self.version = version
    seeds = Set(study.seeds)
    self.database = database
    self.journal = Mutex(journal)
    self.patience = patience
    self.copy = copy
    self.lock = lock
    identity = FileIdentity(folder.appendingPathComponent(ResultsFolder.databaseName).path)
  }

  deinit { close() }

  /// Waits for what was submitted, and ends the log of a folder that was open for writing. Nothing can be read or written after
  /// that; the folder stays locked as long as the value lives.
  public func close() {
    guard !isReadOnly, !isClosed.exchange(true, ordering: .relaxed) else { return }
    try? groups.flush()
    if Journal.hasLog(databasePath) {
      let isWhole = (try? database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM run") }) == study.runs.count
      Journal.end(database, isWhole: isWhole)
    }
    // The last connection that is closed takes the log's files with it.
    try? database.close()
  }

  public var figuresFolder: URL { folder.appendingPathComponent(ResultsFolder.figuresName) }
  /// The final student of a run.
  public func weightsURL(of hash: String) -> URL { weightsFolder.appendingPathComponent("\(hash).safetensors") }

  var isReadOnly: Bool { lock == nil }
  var databasePath: String { folder.appendingPathComponent(ResultsFolder.databaseName).path }
  var weightsFolder: URL { folder.appendingPathComponent(ResultsFolder.weightsName) }
  /// One name a run is enough: the folder has one writing process, and its connection serves one thread at a time.
  func partialWeightsURL(of hash: String) -> URL { weightsFolder.appendingPathComponent(".\(hash).partial") }

  /// Whether a folder holds results, whatever is in the file of that name.
  public static func isResults(_ folder: URL) -> Bool {
    StoreSchema.isOurs(folder.appendingPathComponent(ResultsFolder.databaseName).path)
  }

  /// The results folder that a file or folder is inside of; nil if there is none. Links are followed.
  public static func resultsFolder(around url: URL) -> URL? {
    var folder = url.resolvingSymlinksInPath().deletingLastPathComponent()
    while folder.path != "/" {
      if isResults(folder) { return folder }
      folder = folder.deletingLastPathComponent()
    }
    return nil
  }

  /// Opens a folder for recording, making it if need be, and keeps other processes from doing the same.
  ///
  /// A folder that holds results of the same study with a smaller grid is continued; its `study.yaml` is brought up to date. So
  /// is one of version 0.1, with the random numbers of then. Of a folder that holds all runs of the study and more, the study stays
  /// that of the folder. Runs of fewer epochs become checkpoints of the study's.
  ///
  /// - Parameters:
  ///   - notice: told, once, when another program's lock has to be waited for; and when recorded runs are trained longer.
  ///   - isCancelled: ends the waiting, with ``StoreError/busy(path:program:)``.
  /// - Throws: ``StoreError``: a folder that is locked, of another study, newer, damaged or not ours is left as it was.
  public static func openForWriting(
    _ folder: URL, study: Study, notice: @escaping @Sendable (String) -> Void = { _ in },
    isCancelled: @escaping @Sendable () -> Bool = { false }
  ) throws(StoreError) -> ResultsStore {
    let folder = folder.standardizedFileURL
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: folder.path, isDirectory: &isFolder), !isFolder.boolValue {
      throw .isFile(path: folder.path)
    }
    if !isResults(folder), let outer = resultsFolder(around: folder) {
      throw .insideResults(folder: folder.path, results: outer.path)
    }
    try doing("make the folder", with: folder.path) {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }
    try checkForeign(folder)
    let lock = try FolderLock(folder)
    try checkForeign(folder)
    // What cannot be written is refused before anything is.
    let yaml = try yaml(of: study)
    let path = folder.appendingPathComponent(ResultsFolder.databaseName).path
    let patience = Patience(path, notice: notice)
    patience.end(when: isCancelled)
    var prepared: (study: Study, notice: String?) = (study, nil)
    let (database, journal) = try catching(path) {
      try patience.attempt {
        try Journal.open(path, sharesMemory: lock.sharesMemory(in: folder)) { database in
          prepared = try prepare(database, folder: folder, study: study)
        }
      }
    }
    let store = ResultsStore(
      folder: folder, study: prepared.study, version: StoreSchema.version, database: database, journal: journal,
      patience: patience, lock: lock)
    let isSame = prepared.study.settings.count == study.settings.count && prepared.study.seeds == study.seeds
    try store.prepareFiles(yaml: isSame ? yaml : Self.yaml(of: prepared.study))
    if let text = prepared.notice { notice(text) }
    // Of runs that became checkpoints, now or when a process was killed before it had removed them.
    let hasStray = try store.hasStrayWeights()
    if hasStray || prepared.notice != nil { try store.removeStrayWeights() }
    return store
  }

  private static func yaml(of study: Study) throws(StoreError) -> String {
    do { return try study.yaml(fileName: { "\(ResultsFolder.filesName)/\($0.copyName)" }) } catch {
      throw .study(error)
    }
  }

  /// Opens a folder to read what is in it; a process that writes there may go on.
  ///
  /// - Throws: ``StoreError`` if it holds no results, or newer or damaged ones.
  public static func openForReading(_ folder: URL) throws(StoreError) -> ResultsStore {
    let folder = folder.standardizedFileURL
    let path = folder.appendingPathComponent(ResultsFolder.databaseName).path
    guard FileManager.default.fileExists(atPath: path) else {
      throw .notResults(folder: folder.path, likely: ResultsFolder.likely(for: folder))
    }
    return try catching(path) {
      let reader = try StoreReader(path)
      guard let (study, version) = try reader.database.read({ try StoreSchema.readStudy($0, folder: folder) }) else {
        throw StoreError.notResults(folder: folder.path, likely: nil)
      }
      return ResultsStore(
        folder: folder, study: study, version: version, database: reader.database, journal: .rollback,
        patience: Patience(path, notice: { _ in }), copy: reader.copy)
    }
  }

  /// Refuses a folder with files in it but without results, before anything is written there.
  private static func checkForeign(_ folder: URL) throws(StoreError) {
    let names = try doing("list the folder", with: folder.path) {
      try FileManager.default.contentsOfDirectory(atPath: folder.path)
    }
    guard !names.contains(ResultsFolder.databaseName) else { return }
    if let other = names.sorted().first(where: { $0 != ResultsFolder.lockName }) {
      throw .foreignFolder(folder: folder.path, found: other)
    }
  }

  /// Folders, the files that the study names, `study.yaml`, and removal of what an interrupted write left.
  private func prepareFiles(yaml: String) throws(StoreError) {
    try doing("prepare the folder", with: folder.path) {
      for url in [weightsFolder, figuresFolder] {
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
      }
      for url in [weightsFolder, folder.appendingPathComponent(ResultsFolder.filesName)] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
        for name in names where name.hasPrefix(".") && name.hasSuffix(".partial") {
          try FileManager.default.removeItem(at: url.appendingPathComponent(name))
        }
      }
    }
    try keepFiles()
    let url = folder.appendingPathComponent(ResultsFolder.studyName)
    let data = Data(yaml.utf8)
    if (try? Data(contentsOf: url)) == data { return }
    try DurableFile.write(data, to: url, temporary: folder.appendingPathComponent(".study.yaml.partial"))
  }

  /// Changes the database as soon as nobody's lock keeps it from being changed.
  ///
  /// - Throws: ``StoreError/vanished(folder:)`` if it is not there any more: SQLite would write on into a file without a name.
  func changing<Result>(_ body: () throws -> Result) throws(StoreError) -> Result {
    guard !isReadOnly else { throw .readOnly(folder: folder.path) }
    try checkIsThere()
    do throws(StoreError) {
      return try Self.catching(databasePath) {
        try patience.attempt {
          if case .rollbackForNow = journal.withLock({ $0 }) { journal.withLock { $0 = Journal.begin(database) } }
          return try body()
        }
      }
    } catch {
      try checkIsThere()
      throw error
    }
  }

  /// A folder is not deleted at once: its weights may go first.
  private func checkIsThere() throws(StoreError) {
    guard FileIdentity(databasePath) == identity, FileIdentity(weightsFolder.path) != nil else {
      throw .vanished(folder: folder.path)
    }
  }

  /// Reads from the database. Who records waits for other programs' locks here too.
  func reading<Result>(_ body: (Database) throws -> Result) throws(StoreError) -> Result {
    try Self.catching(databasePath) {
      isReadOnly ? try database.read(body) : try patience.attempt { try database.read(body) }
    }
  }

  /// From now on, what waits for another program's lock gives up soon after this says so.
  public func stopWaiting(when condition: @escaping @Sendable () -> Bool) { patience.end(when: condition) }

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
      // What is written meets the constraints, unless it follows from what was not written so.
      case .SQLITE_NOTADB, .SQLITE_CORRUPT, .SQLITE_CONSTRAINT:
        throw .damaged(path: path, reason: error.message ?? "SQLite cannot read it")
      case .SQLITE_BUSY, .SQLITE_LOCKED: throw .busy(path: path, program: lockHolder(of: path))
      default: throw .database(path: path, reason: error.message ?? "SQLite error \(error.resultCode.rawValue)")
      }
    } catch let error as StoredValueError {
      throw .damaged(path: path, reason: error.reason)
    } catch is RowDecodingError {
      throw .damaged(path: path, reason: "a row with a value of another type than was written")
    } catch is DecodingError {
      throw .damaged(path: path, reason: "a text that is not what was written")
    } catch {
      throw .database(path: path, reason: reason(of: error))
    }
  }
}
