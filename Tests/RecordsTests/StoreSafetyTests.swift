import Foundation
import Testing

@testable import UnderstudyRecords
@testable import UnderstudySchema

/// What must not happen to a results folder.
@Suite struct StoreSafetyTests {
  /// kill -9 in the middle of a record: inside its transaction, while the weights are being written, which are so many that
  /// it takes a while.
  @Test func killedWhileRecording() async throws {
    let folder = try TemporaryFolder()
    let study = try smallStudy()
    do {
      let store = try ResultsStore.openForWriting(folder.url, study: study)
      try store.record(record(of: study.runs[0], study: study), student: Data("w".utf8))
    }
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = folder.url.path as String] in
      let study = try smallStudy()
      let folder = URL(fileURLWithPath: path)
      let store = try ResultsStore.openForWriting(folder, study: study)
      let run = study.runs[1]
      let thread = Thread { try? store.record(record(of: run, study: study), student: Data(count: 200_000_000)) }
      thread.start()
      while !FileManager.default.fileExists(atPath: store.partialWeightsURL(of: run.hash).path) { usleep(100) }
      kill(getpid(), SIGKILL)
    }
    // The same, later: weights in place, transaction not committed.
    let orphan = folder.url.appendingPathComponent("weights/\(study.runs[1].hash).safetensors")
    try Data("half".utf8).write(to: orphan)

    #expect(try ResultsStore.openForReading(folder.url).finishedHashes() == [study.runs[0].hash])
    let store = try ResultsStore.openForWriting(folder.url, study: study)
    #expect(try store.finishedHashes() == [study.runs[0].hash])
    let weights = try FileManager.default.contentsOfDirectory(atPath: store.weightsFolder.path)
    #expect(!weights.contains { $0.hasSuffix(".partial") })
    try store.record(record(of: study.runs[1], study: study), student: Data("whole".utf8))
    #expect(try Data(contentsOf: orphan) == Data("whole".utf8))
    #expect(try store.finishedHashes().count == 2)
  }

  @Test func twoWritersOnOneFolder() throws {
    let folder = try TemporaryFolder()
    let study = try smallStudy()
    var store: ResultsStore? = try ResultsStore.openForWriting(folder.url, study: study)
    #expect(store != nil)
    let error = try #require(
      thrown(StoreError.self) { _ = try ResultsStore.openForWriting(folder.url, study: study) })
    #expect(error == .locked(folder: folder.url.path, pid: Int(getpid())))
    #expect("\(error)".contains("another understudy process (pid \(getpid())) is working in \(folder.url.path)"))
    // Reading goes on meanwhile, and the lock ends with its holder.
    #expect(try ResultsStore.openForReading(folder.url).finishedHashes().isEmpty)
    store = nil
    _ = try ResultsStore.openForWriting(folder.url, study: study)
  }

  @Test func foldersOfOtherStudiesStayUntouched() throws {
    let folder = try TemporaryFolder()
    let study = try smallStudy()
    do {
      let store = try ResultsStore.openForWriting(folder.url, study: study)
      try store.record(record(of: study.runs[0], study: study), student: Data("w".utf8))
    }
    let before = try contents(of: folder.url)
    let other = try parse("name: other")
    let error = try #require(thrown(StoreError.self) { _ = try ResultsStore.openForWriting(folder.url, study: other) })
    #expect(error == .otherStudy(folder: folder.url.path, found: "small", wanted: "other"))
    let former = try parse("name: former", overrides: ["seeds=1"])
    #expect(throws: StoreError.self) { _ = try ResultsStore.openForWriting(folder.url, study: former) }
    let changed = try smallStudy("training: {epochs: 7}")
    let runs = try #require(
      thrown(StoreError.self) { _ = try ResultsStore.openForWriting(folder.url, study: changed) })
    #expect("\(runs)".contains("holds 1 runs of another version of the study \"small\""), "\(runs)")
    #expect("\(runs)".contains("teacher.strengthDecay = 0, seed 1"), "\(runs)")
    #expect(try contents(of: folder.url) == before)
  }

  @Test func foreignFoldersStayUntouched() throws {
    let folder = try TemporaryFolder()
    try folder.write("mine", "study.yaml")
    let study = try smallStudy()
    let error = try #require(thrown(StoreError.self) { _ = try ResultsStore.openForWriting(folder.url, study: study) })
    #expect(error == .foreignFolder(folder: folder.url.path, found: "study.yaml"))
    #expect(try folder.names == ["study.yaml"])
    #expect(
      thrown(StoreError.self) { _ = try ResultsStore.openForReading(folder.url) }
        == .notResults(folder: folder.url.path, likely: nil))
    // A file where a folder should be.
    let file = folder.url.appendingPathComponent("study.yaml")
    let clash = try #require(thrown(StoreError.self) { _ = try ResultsStore.openForWriting(file, study: study) })
    #expect(clash == .isFile(path: file.path))
  }

  @Test func weightsThatAKillLeftBehindAreRemoved() throws {
    let folder = try TemporaryFolder()
    let study = try smallStudy()
    do { _ = try ResultsStore.openForWriting(folder.url, study: study) }
    let weights = folder.url.appendingPathComponent("weights")
    for name in ["\(String(repeating: "a1", count: 16)).safetensors", "mine.safetensors"] {
      try Data([1]).write(to: weights.appendingPathComponent(name))
    }
    do { _ = try ResultsStore.openForWriting(folder.url, study: study) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: weights.path) == ["mine.safetensors"])
  }

  @Test func resultsAreNotPutIntoResults() throws {
    let folder = try TemporaryFolder()
    let study = try smallStudy()
    do { _ = try ResultsStore.openForWriting(folder.url, study: study) }
    let names = try folder.names
    for inner in ["weights", "weights/more", "artifacts", "elsewhere/below"] {
      let place = folder.url.appendingPathComponent(inner)
      let error = try #require(thrown(StoreError.self) { _ = try ResultsStore.openForWriting(place, study: study) })
      #expect(error == .insideResults(folder: place.path, results: folder.url.resolvingSymlinksInPath().path))
    }
    #expect(try folder.names == names)
  }

  @Test func newerAndDamagedFormatsAreRefused() throws {
    let folder = try TemporaryFolder()
    let study = try smallStudy()
    do { _ = try ResultsStore.openForWriting(folder.url, study: study) }
    let path = folder.url.appendingPathComponent("results.sqlite")
    let good = try Data(contentsOf: path)

    // SQLite's file header: user_version at byte 60, application_id at 68, both big-endian.
    var newer = good
    newer[63] = 9
    try newer.write(to: path)
    let expected = StoreError.newerFormat(folder: folder.url.path, found: 9, known: 3)
    #expect(thrown(StoreError.self) { _ = try ResultsStore.openForWriting(folder.url, study: study) } == expected)
    #expect(thrown(StoreError.self) { _ = try ResultsStore.openForReading(folder.url) } == expected)
    #expect("\(expected)".contains("use a newer Understudy"))
    #expect(try Data(contentsOf: path) == newer)

    var foreign = good
    foreign[68] = 0
    for bytes in [foreign, Data("not a database at all, but long enough to look at".utf8)] {
      try bytes.write(to: path)
      for error in [
        thrown(StoreError.self) { _ = try ResultsStore.openForWriting(folder.url, study: study) },
        thrown(StoreError.self) { _ = try ResultsStore.openForReading(folder.url) },
      ] {
        guard case .damaged = error else {
          Issue.record("\(String(describing: error))")
          continue
        }
      }
      #expect(try Data(contentsOf: path) == bytes)
    }
  }

  /// An interrupted creation leaves an empty database: the next process completes it.
  @Test func anEmptyDatabaseIsCompleted() throws {
    let folder = try TemporaryFolder()
    try folder.write("", "results.sqlite")
    let study = try smallStudy()
    #expect(
      thrown(StoreError.self) { _ = try ResultsStore.openForReading(folder.url) }
        == .notResults(folder: folder.url.path, likely: nil))
    #expect(try ResultsStore.openForWriting(folder.url, study: study).finishedHashes().isEmpty)
  }

  /// A folder that was received may hold links where the program writes: what they lead to stays as it is.
  @Test func linksAreNotFollowed() throws {
    let folder = try TemporaryFolder()
    try folder.write("precious", "victim")
    let victim = folder.url.appendingPathComponent("victim")
    let study = try smallStudy()
    let results = folder.url.appendingPathComponent("results")
    func link(_ path: String) throws {
      try? FileManager.default.removeItem(atPath: path)
      try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: victim.path)
    }
    do {
      let store = try ResultsStore.openForWriting(results, study: study)
      try link(store.partialWeightsURL(of: study.runs[0].hash).path)
      try store.record(record(of: study.runs[0], study: study), student: Data("w".utf8))
      #expect(try Data(contentsOf: store.weightsURL(of: study.runs[0].hash)) == Data("w".utf8))
    }
    try link(results.appendingPathComponent(".study.yaml.partial").path)
    try FileManager.default.removeItem(at: results.appendingPathComponent("study.yaml"))
    _ = try ResultsStore.openForWriting(results, study: study)
    try link(results.appendingPathComponent(".understudy.lock").path)
    #expect(thrown(StoreError.self) { _ = try ResultsStore.openForWriting(results, study: study) } != nil)
    #expect(try Data(contentsOf: victim) == Data("precious".utf8))
  }

  @Test("an output replaces regular files, through links, and writes into what is none")
  func outputs() throws {
    let folder = try TemporaryFolder()
    try folder.write("old", "file")
    let file = folder.url.appendingPathComponent("file")
    let link = folder.url.appendingPathComponent("link").path
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: file.path)
    try OutputFile.write(Data("new".utf8), to: link)
    #expect(try Data(contentsOf: file) == Data("new".utf8))
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == file.path)

    // What fails half-way leaves the old content, and nothing else.
    struct Failure: Error {}
    #expect(throws: Failure.self) {
      try OutputFile.write(to: file.path) { sink in
        try sink(Data("half".utf8))
        throw Failure()
      }
    }
    #expect(try Data(contentsOf: file) == Data("new".utf8))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).sorted() == ["file", "link"])

    let pipe = folder.url.appendingPathComponent("pipe").path
    #expect(mkfifo(pipe, 0o600) == 0)
    // Opened for both, it has a reader, and the writer need not wait.
    let reader = try #require(FileHandle(forUpdatingAtPath: pipe))
    try OutputFile.write(Data("through".utf8), to: pipe)
    #expect(try reader.read(upToCount: 7) == Data("through".utf8))
    #expect(try FileManager.default.attributesOfItem(atPath: pipe)[.type] as? FileAttributeType != .typeRegular)
    #expect(throws: StoreError.self) { try OutputFile.write(Data(), to: folder.url.path) }
  }

  /// A full disk under the database: SQLite may not grow the file, and reports it as it does a full disk.
  @Test func fullDiskUnderTheDatabase() throws {
    let folder = try TemporaryFolder()
    let study = try smallStudy()
    let store = try ResultsStore.openForWriting(folder.url, study: study)
    try store.record(record(of: study.runs[0], study: study), student: Data("w".utf8))
    try store.database.write { try $0.execute(sql: "PRAGMA max_page_count = 1") }
    var large = record(of: study.runs[1], study: study)
    large.measurements.append(
      MeasuredValue(.trainingCorrelation, epoch: 100, shape: [200, 200], values: Array(repeating: 0.5, count: 40_000)))
    #expect(
      thrown(StoreError.self) { try store.record(large, student: Data("w".utf8)) }
        == .diskFull(path: store.databasePath))
    #expect(try store.finishedHashes() == [study.runs[0].hash])
    try store.database.write { try $0.execute(sql: "PRAGMA max_page_count = 1000000") }
    try store.record(large, student: Data("w".utf8))
    #expect(try ResultsStore.openForReading(folder.url).finishedHashes().count == 2)
  }

  /// By hand, with foreign keys off as in sqlite3: what is left of the run is no obstacle to recording it again.
  @Test func aRowThatWasDeletedByHand() throws {
    let folder = try TemporaryFolder()
    let study = try smallStudy()
    let store = try ResultsStore.openForWriting(folder.url, study: study)
    let run = record(of: study.runs[0], study: study)
    try store.record(run, student: Data("w".utf8))
    try store.database.writeWithoutTransaction { db in
      try db.execute(sql: "PRAGMA foreign_keys = OFF")
      try db.execute(sql: "DELETE FROM run")
      try db.execute(sql: "PRAGMA foreign_keys = ON")
    }
    try store.record(run, student: Data("w".utf8))
    #expect(try store.finishedHashes() == [run.run.hash])
    try store.database.write { try $0.execute(sql: "DELETE FROM run") }
    #expect(try store.database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM scalar") } == 0, "they go along")
  }

  /// SQLite keeps any type in any column: whoever reads it says that the file is damaged, and nothing of the library's.
  @Test(
    "values of other types are damage, in whatever reads them",
    arguments: [
      "run_record.setting_index", "run_record.seed", "run_record.study_hash", "setting.setting", "weights.digest",
    ])
  func valuesOfOtherTypes(place: String) throws {
    let parts = place.split(separator: ".")
    for value in ["'x'", "x'ff'", "1.5"] {
      let folder = try TemporaryFolder()
      let study = try smallStudy()
      do {
        let store = try ResultsStore.openForWriting(folder.url, study: study)
        try store.record(record(of: study.runs[0], study: study), student: Data("w".utf8))
        try store.database.writeWithoutTransaction { db in
          try db.execute(sql: "PRAGMA ignore_check_constraints = ON")
          try? db.execute(sql: "UPDATE \(parts[0]) SET \(parts[1]) = \(value)")
        }
      }
      var more = study
      more.seeds.append(more.seeds.max()! + 1)
      for error in [
        thrown(StoreError.self) { _ = try ResultsStore.openForWriting(folder.url, study: more) },
        thrown(StoreError.self) { _ = try ResultsStore.openForReading(folder.url).finishedHashes() },
      ] {
        if case .database(_, let reason) = error { Issue.record("\(value): \(reason)") }
        if case .file(_, _, let reason) = error { Issue.record("\(value): \(reason)") }
      }
    }
  }

  @Test("why runs failed is kept until they are recorded") func failures() throws {
    let folder = try TemporaryFolder()
    let study = try smallStudy()
    let store = try ResultsStore.openForWriting(folder.url, study: study)
    let failure = RunFailure(
      study.runs[1], reason: "a file is gone", version: "1", failedAt: Date(timeIntervalSince1970: 9))
    try store.recordFailure(failure, of: study.runs[1])
    #expect(try store.failures() == [failure] && store.finishedHashes().isEmpty)
    try store.record(record(of: study.runs[1], study: study), student: Data("w".utf8))
    #expect(try store.failures().isEmpty)
  }

  /// SQLite would write on into a file that has no name any more.
  @Test("a folder that is deleted, moved or put anew while it is written into is said to be") func vanished() throws {
    let study = try smallStudy()
    for change in ["delete", "move", "database"] {
      let folder = try TemporaryFolder()
      let results = folder.url.appendingPathComponent("results")
      let store = try ResultsStore.openForWriting(results, study: study)
      try store.record(record(of: study.runs[0], study: study), student: Data("w".utf8))
      switch change {
      case "delete": try FileManager.default.removeItem(at: results)
      case "move": try FileManager.default.moveItem(at: results, to: folder.url.appendingPathComponent("elsewhere"))
      default:
        try FileManager.default.removeItem(atPath: store.databasePath)
        try Data("other".utf8).write(to: URL(fileURLWithPath: store.databasePath))
      }
      let expected = StoreError.vanished(folder: store.folder.path)
      #expect(
        thrown(StoreError.self) { try store.record(record(of: study.runs[1], study: study), student: Data()) }
          == expected)
      try store.submit(record(of: study.runs[2], study: study), student: Data())
      #expect(thrown(StoreError.self) { try store.flush() } == expected, "\(change)")
      #expect("\(expected)".contains("deleted, moved or replaced"))
    }
  }

  /// Names and bytes of all files but the lock.
  private func contents(of folder: URL) throws -> [String: Data] {
    var contents: [String: Data] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: folder.path) where !name.hasSuffix(".lock") {
      contents[name] = FileManager.default.contents(atPath: folder.appendingPathComponent(name).path) ?? Data()
    }
    return contents
  }
}
