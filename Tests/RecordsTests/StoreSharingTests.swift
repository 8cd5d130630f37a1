import Foundation
import Synchronization
import Testing

@testable import UnderstudyRecords
@testable import UnderstudySchema

/// Another program with a transaction that it keeps open, on a thread of its own.
private final class OpenTransaction: Sendable {
  private let isToEnd = DispatchSemaphore(value: 0)
  private let hasEnded = DispatchSemaphore(value: 0)
  private let count = Mutex(-1)

  init(_ folder: URL) throws {
    let reader = try StoreReader(folder.appendingPathComponent("results.sqlite").path)
    let isOpen = DispatchSemaphore(value: 0)
    Thread.detachNewThread { [self] in
      try? reader.database.read { db in
        _ = try Int.fetchOne(db, sql: "SELECT count(*) FROM run")
        isOpen.signal()
        isToEnd.wait()
        let count = try Int.fetchOne(db, sql: "SELECT count(*) FROM run") ?? -1
        self.count.withLock { $0 = count }
      }
      hasEnded.signal()
    }
    isOpen.wait()
  }

  /// How many runs it sees at its end.
  func end() -> Int {
    isToEnd.signal()
    hasEnded.wait()
    return count.withLock { $0 }
  }
}

/// Others read while one writes.
@Suite struct StoreSharingTests {
  @Test("an open transaction of a reader hinders nobody, and sees what it saw")
  func openTransactions() throws {
    let folder = try TemporaryFolder()
    let study = try smallStudy()
    let told = Mutex<[String]>([])
    do {
      let store = try ResultsStore.openForWriting(folder.url, study: study) { text in told.withLock { $0.append(text) }
      }
      try store.record(record(of: study.runs[0], study: study), student: Data("w".utf8))
      let reader = try OpenTransaction(folder.url)
      for run in study.runs.dropFirst() {
        try store.record(record(of: run, study: study), student: Data("w".utf8))
        #expect(try ResultsStore.openForReading(folder.url).finishedHashes().contains(run.hash))
      }
      #expect(reader.end() == 1)
    }
    #expect(told.withLock { $0 }.isEmpty)
    #expect(try ResultsStore.openForReading(folder.url).finishedHashes().count == 4)
  }

  /// A study that was stopped leaves its log, emptied: who reads it then does not hinder those who go on with it.
  @Test("nor does one that was begun between two sessions") func betweenSessions() throws {
    let folder = try TemporaryFolder()
    let study = try smallStudy()
    let told = Atomic(false)
    func session(_ runs: some Sequence<Run>) throws {
      let store = try ResultsStore.openForWriting(folder.url, study: study) { _ in
        told.store(true, ordering: .relaxed)
      }
      for run in runs { try store.record(record(of: run, study: study), student: Data("w".utf8)) }
    }
    try session(study.runs.prefix(2))
    let reader = try OpenTransaction(folder.url)
    try session(study.runs.dropFirst(2))
    #expect(reader.end() == 2)
    let wasTold = told.load(ordering: .relaxed)
    #expect(!wasTold)
  }

  @Test("a finished study is one plain file, which needs no log and no shared memory") func atRest() throws {
    let folder = try TemporaryFolder()
    let study = try smallStudy()
    let path = folder.url.appendingPathComponent("results.sqlite").path
    do {
      let store = try ResultsStore.openForWriting(folder.url, study: study)
      try store.record(record(of: study.runs[0], study: study), student: Data())
    }
    #expect(Journal.hasLog(path))
    do {
      let store = try ResultsStore.openForWriting(folder.url, study: study)
      #expect(Journal.hasLog(path))
      for run in study.runs.dropFirst() { try store.record(record(of: run, study: study), student: Data()) }
    }
    #expect(!Journal.hasLog(path))
    #expect(try folder.names == [".understudy.lock", "figures", "results.sqlite", "study.yaml", "weights"])
  }

  /// The file and its log, copied while it is written: also to where no memory can be shared.
  @Test(arguments: ["with the log", "without the shared memory", "the file alone"])
  func copiedWhileWritten(_ what: String) throws {
    let folder = try TemporaryFolder()
    let study = try smallStudy()
    let results = folder.url.appendingPathComponent("results")
    let store = try ResultsStore.openForWriting(results, study: study)
    for run in study.runs.prefix(3) { try store.record(record(of: run, study: study), student: Data()) }
    let copy = folder.url.appendingPathComponent("copy")
    try FileManager.default.copyItem(at: results, to: copy)
    func remove(_ suffix: String) throws {
      try FileManager.default.removeItem(at: copy.appendingPathComponent("results.sqlite" + suffix))
    }
    switch what {
    case "with the log": break
    case "without the shared memory":
      try remove("-shm")
      try FileManager.default.createDirectory(
        at: copy.appendingPathComponent("results.sqlite-shm"), withIntermediateDirectories: false)
    default:
      try remove("-shm")
      try remove("-wal")
    }
    let read = try ResultsStore.openForReading(copy)
    #expect(read.study == study)
    #expect(try read.runs().count == (what == "the file alone" ? 0 : 3), "\(what)")
  }

  /// A folder in the place of the shared memory, as on a file system that has none.
  private func withoutSharedMemory(_ folder: URL) throws {
    try FileManager.default.createDirectory(
      at: folder.appendingPathComponent("results.sqlite-shm"), withIntermediateDirectories: true)
  }

  @Test("without shared memory, a reader is waited for, with a message, and not for ever if asked to stop")
  func fallback() throws {
    let folder = try TemporaryFolder()
    let study = try smallStudy()
    do { _ = try ResultsStore.openForWriting(folder.url, study: study) }
    try withoutSharedMemory(folder.url)
    let told = Mutex<[String]>([])
    let store = try ResultsStore.openForWriting(folder.url, study: study) { text in told.withLock { $0.append(text) } }
    guard case .rollback = store.journal.withLock({ $0 }) else {
      Issue.record("a log without shared memory")
      return
    }
    #expect(!Journal.hasLog(store.databasePath))
    try store.record(record(of: study.runs[0], study: study), student: Data("w".utf8))
    let reader = try OpenTransaction(folder.url)
    try store.submit(record(of: study.runs[1], study: study), student: Data("w".utf8))
    while told.withLock({ $0.isEmpty }) { usleep(1000) }
    // Those who come now do not wait behind the two.
    #expect(try ResultsStore.openForReading(folder.url).finishedHashes() == [study.runs[0].hash])
    #expect(reader.end() == 1)
    try store.flush()
    #expect(try store.finishedHashes().count == 2)
    #expect(told.withLock { $0 }.count == 1)
    #expect(told.withLock { $0 }[0].contains("pid") || told.withLock { $0 }[0].contains("unknown"))

    let other = try OpenTransaction(folder.url)
    try store.submit(record(of: study.runs[2], study: study), student: Data("w".utf8))
    store.stopWaiting { true }
    let error = thrown(StoreError.self) { try store.flush() }
    guard case .busy = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(other.end() == 2)
    try store.record(record(of: study.runs[2], study: study), student: Data("w".utf8))
  }

  @Test("links in the places of a log's files are not followed", arguments: ["-wal", "-shm", "-journal"])
  func links(_ suffix: String) throws {
    let folder = try TemporaryFolder()
    try folder.write("precious", "victim")
    let victim = folder.url.appendingPathComponent("victim")
    let results = folder.url.appendingPathComponent("results")
    let study = try smallStudy()
    do { _ = try ResultsStore.openForWriting(results, study: study) }
    let link = results.appendingPathComponent("results.sqlite" + suffix).path
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: victim.path)
    _ = try? ResultsStore.openForReading(results).runs()
    #expect(try Data(contentsOf: victim) == Data("precious".utf8))
    let store = try ResultsStore.openForWriting(results, study: study)
    try store.record(record(of: study.runs[0], study: study), student: Data("w".utf8))
    #expect(try Data(contentsOf: victim) == Data("precious".utf8))
    #expect(try store.finishedHashes().count == 1)
  }

  @Test("what threads submit is recorded in groups, and a failure is told once") func groups() throws {
    let sizes = Mutex<[Int]>([])
    let group = GroupCommit<Int>()
    let commit: @Sendable ([Int]) throws -> Void = { items in
      sizes.withLock { $0.append(items.count) }
      if items.contains(-1) { throw StoreError.diskFull(path: "p") }
    }
    for item in 0..<1000 { try group.submit(item, commit: commit) }
    try group.flush()
    #expect(group.committedCount == 1000)
    #expect(sizes.withLock { $0.reduce(0, +) } == 1000 && sizes.withLock { $0.count } < 100)
    try group.submit(-1, commit: commit)
    #expect(throws: StoreError.diskFull(path: "p")) { try group.flush() }
    try group.flush()
    try group.submit(1, commit: commit)
    try group.flush()
    #expect(group.committedCount == 1001)
  }

  /// A folder as version 1 of its form has it.
  @Test("folders of before are read, and continued") func earlierFolders() throws {
    let folder = try TemporaryFolder()
    let study = try smallStudy()
    do {
      let store = try ResultsStore.openForWriting(folder.url, study: study)
      for run in study.runs.prefix(3) { try store.record(record(of: run, study: study), student: Data("w".utf8)) }
      let definition = try #require(
        try JSONSerialization.jsonObject(with: JSONEncoder().encode(study)) as? [String: Any])
      var old = definition
      #expect(old.removeValue(forKey: "grid") != nil)
      old["settings"] = try JSONSerialization.jsonObject(with: JSONEncoder().encode(study.settings))
      let text = String(decoding: try JSONSerialization.data(withJSONObject: old), as: UTF8.self)
      try store.database.write { db in
        try db.execute(
          sql: """
            DROP VIEW run;
            ALTER TABLE run_record RENAME TO run;
            ALTER TABLE run ADD COLUMN setting TEXT NOT NULL DEFAULT '';
            UPDATE run SET setting = (SELECT s.setting FROM setting s WHERE s.setting_index = run.setting_index);
            DROP TABLE setting;
            DROP TABLE failure;
            CREATE TABLE failure (run TEXT PRIMARY KEY NOT NULL, reason TEXT NOT NULL, version TEXT NOT NULL,
              failed_at TEXT NOT NULL) WITHOUT ROWID;
            INSERT INTO failure VALUES ('\(study.runs[3].hash)', 'r', 'v', '2026-01-01T00:00:00Z');
            CREATE TABLE digests AS SELECT run, digest FROM weights;
            DROP TABLE weights;
            CREATE TABLE weights (run TEXT PRIMARY KEY NOT NULL REFERENCES run (hash) ON DELETE CASCADE,
              digest TEXT NOT NULL) WITHOUT ROWID;
            INSERT INTO weights SELECT * FROM digests;
            DROP TABLE digests;
            DROP TABLE checkpoint_measurement;
            ALTER TABLE checkpoint ADD COLUMN measurements TEXT NOT NULL DEFAULT '[]';
            PRAGMA user_version = 1;
            """)
        try db.execute(sql: "UPDATE study SET definition = ?", arguments: [text])
      }
    }
    let before = try ResultsStore.openForReading(folder.url)
    #expect(before.study == study && before.version == 1)
    #expect(try before.runs().map(\.run) == Array(study.runs.prefix(3)))
    #expect(try before.weightsFaults(.content).isEmpty && before.failures().isEmpty)
    var grown = study
    grown.seeds = [1, 2, 3]
    let store = try ResultsStore.openForWriting(folder.url, study: grown)
    #expect(try store.recordedSeeds() == [0: [1, 2], 1: [1]])
    try store.record(record(of: grown.runs[2], study: grown), student: Data("w".utf8))
    let after = try ResultsStore.openForReading(folder.url)
    #expect(try after.runs().map(\.run.seed) == [1, 2, 3, 1] && after.weightsFaults(.content).isEmpty)
    let settings = try after.database.read {
      try String.fetchAll($0, sql: "SELECT setting FROM run ORDER BY setting_index")
    }
    #expect(settings == [0, 0, 0, 1].map { study.settings[$0].json })
  }
}
