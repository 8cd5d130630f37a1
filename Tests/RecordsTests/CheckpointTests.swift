import Foundation
import GRDB
import Testing

@testable import UnderstudyRecords
@testable import UnderstudySchema

/// Where unfinished runs stand, as a folder keeps it.
@Suite struct CheckpointTests {
  /// One that has measured a number and an array at each epoch but the last.
  private func checkpoint(of run: Run, _ epoch: Int, factor: Double = 1) -> Checkpoint {
    let measurements = (0..<epoch).flatMap { epoch in
      [
        MeasuredValue(.trainingLoss, epoch: epoch, values: [factor * 0.1 / Double(epoch + 1)]),
        MeasuredValue(.evaluationCorrelation, epoch: epoch, shape: [1, 2], values: [-0.0, factor / 3]),
      ]
    }
    return Checkpoint(
      runHash: run.hash, epoch: epoch, student: Data([1, 2, UInt8(epoch)]), measurements: measurements,
      wallSeconds: 0.1 + 0.2, cpuSeconds: 1e-7)
  }

  private func study() throws -> Study { try smallStudy("training: {epochs: 100}\n") }

  @Test func checkpointsAreReplacedAndForgotten() throws {
    let folder = try TemporaryFolder()
    let study = try study()
    let run = study.runs[1]
    do {
      let store = try ResultsStore.openForWriting(folder.url, study: study)
      #expect(try store.checkpoint(of: run) == nil)
      try store.saveCheckpoint(checkpoint(of: run, 3))
      try store.saveCheckpoint(checkpoint(of: run, 6))
    }
    let store = try ResultsStore.openForWriting(folder.url, study: study)
    #expect(try store.checkpoint(of: run) == checkpoint(of: run, 6))
    #expect(try store.checkpointCount() == 1)
    try store.record(record(of: run, study: study), student: Data())
    #expect(try store.checkpoint(of: run) == nil)
    #expect(try store.reading { try Int.fetchOne($0, sql: "SELECT count(*) FROM checkpoint_measurement") } == 0)
  }

  @Test("of what was measured, a checkpoint writes what is new")
  func onlyWhatIsNewIsWritten() throws {
    let folder = try TemporaryFolder()
    let study = try study()
    let run = study.runs[0]
    let store = try ResultsStore.openForWriting(folder.url, study: study)
    try store.database.write { db in
      try db.execute(
        sql: """
          CREATE TEMP TABLE written (position INTEGER);
          CREATE TEMP TRIGGER written_row AFTER INSERT ON main.checkpoint_measurement BEGIN
            INSERT INTO written VALUES (NEW.position);
          END;
          """)
    }
    func save(_ checkpoint: Checkpoint) throws -> [Int] {
      try store.saveCheckpoint(checkpoint)
      #expect(try store.checkpoint(of: run) == checkpoint)
      return try store.database.write { db in
        defer { try? db.execute(sql: "DELETE FROM temp.written") }
        return try Int.fetchAll(db, sql: "SELECT position FROM temp.written ORDER BY rowid")
      }
    }
    try store.saveCheckpoint(checkpoint(of: study.runs[1], 4))
    _ = try save(checkpoint(of: study.runs[0], 0))
    #expect(try save(checkpoint(of: run, 3)) == Array(0..<6))
    #expect(try save(checkpoint(of: run, 5)) == Array(6..<10))
    #expect(try save(checkpoint(of: run, 5)).isEmpty)
    // A zoom drops what it has measured of steps that are taken again.
    #expect(try save(checkpoint(of: run, 4)).isEmpty)
    // A study that no longer records a measure drops it from the middle.
    var fewer = checkpoint(of: run, 6)
    fewer.measurements.remove(at: 5)
    #expect(try save(fewer) == Array(5..<11))
    // A row that was deleted by hand.
    try store.database.write { db in
      try db.execute(sql: "DELETE FROM checkpoint_measurement WHERE run = ? AND position = 3", arguments: [run.hash])
    }
    #expect(try save(fewer) == Array(3..<11))
    #expect(try store.checkpoint(of: study.runs[1]) == checkpoint(of: study.runs[1], 4))
  }

  @Test("what was measured goes with a checkpoint whose row is deleted by hand")
  func deletedByHand() throws {
    let folder = try TemporaryFolder()
    let study = try study()
    let run = study.runs[0]
    do {
      let store = try ResultsStore.openForWriting(folder.url, study: study)
      try store.saveCheckpoint(checkpoint(of: run, 5))
      try store.database.writeWithoutTransaction { db in
        // As the program sqlite3 does.
        try db.execute(sql: "PRAGMA foreign_keys = OFF; DELETE FROM checkpoint; PRAGMA foreign_keys = ON")
      }
    }
    let store = try ResultsStore.openForWriting(folder.url, study: study)
    #expect(try store.checkpoint(of: run) == nil)
    try store.saveCheckpoint(checkpoint(of: run, 5, factor: 2))
    #expect(try store.checkpoint(of: run) == checkpoint(of: run, 5, factor: 2))
  }

  @Test(
    "values of other types, and numbers that do not fit, are damage",
    arguments: [
      "checkpoint.epoch = 'x'", "checkpoint.epoch = 101", "checkpoint.student = 1.5", "checkpoint.wall_seconds = 'x'",
      "checkpoint_measurement.measure = 'none'", "checkpoint_measurement.epoch = 'x'",
      "checkpoint_measurement.shape = '[3]'", "checkpoint_measurement.data_type = '<f4'",
      "checkpoint_measurement.\"values\" = x'00'", "checkpoint_measurement.\"values\" = x'000000000000f07f'",
    ])
  func damaged(change: String) throws {
    let folder = try TemporaryFolder()
    let study = try study()
    let store = try ResultsStore.openForWriting(folder.url, study: study)
    try store.saveCheckpoint(checkpoint(of: study.runs[0], 2))
    let parts = change.split(separator: ".", maxSplits: 1)
    try store.database.write { try $0.execute(sql: "UPDATE \(parts[0]) SET \(parts[1])") }
    let error = thrown(StoreError.self) { _ = try store.checkpoint(of: study.runs[0]) }
    guard case .damaged = error else {
      Issue.record("\(change): \(error.map { "\($0)" } ?? "no error")")
      return
    }
  }

  /// Makes a folder as version 2 of its form has it, with checkpoints of some runs.
  private func makeFormerFolder(_ folder: TemporaryFolder, _ study: Study, _ runs: [Run]) throws {
    let store = try ResultsStore.openForWriting(folder.url, study: study)
    for run in runs { try store.saveCheckpoint(checkpoint(of: run, 7)) }
    try store.database.write { db in
      try db.execute(
        sql: """
          DROP TABLE checkpoint_measurement;
          ALTER TABLE checkpoint ADD COLUMN measurements TEXT NOT NULL DEFAULT '';
          PRAGMA user_version = 2;
          """)
      for run in runs {
        let text = String(decoding: try JSONEncoder().encode(checkpoint(of: run, 7).measurements), as: UTF8.self)
        try db.execute(sql: "UPDATE checkpoint SET measurements = ? WHERE run = ?", arguments: [text, run.hash])
      }
    }
  }

  @Test(
    "a damaged text of version 2 is reported with its run, and the folder stays as it was",
    arguments: ["", "[{}]", #"[{"measure":"trainingLoss","epoch":0,"shape":[2],"values":[1]}]"#])
  func formerVersionDamaged(text: String) throws {
    let folder = try TemporaryFolder()
    let study = try study()
    let runs = Array(study.runs.prefix(2))
    try makeFormerFolder(folder, study, runs)
    let database = try DatabaseQueue(path: folder.url.appendingPathComponent("results.sqlite").path)
    try database.write { db in
      try db.execute(sql: "UPDATE checkpoint SET measurements = ? WHERE run = ?", arguments: [text, runs[1].hash])
    }
    let error = thrown(StoreError.self) { _ = try ResultsStore.openForWriting(folder.url, study: study) }
    guard case .damaged(_, let reason) = error else {
      Issue.record("\(error.map { "\($0)" } ?? "no error")")
      return
    }
    #expect(reason.contains(runs[1].hash) && reason.contains("delete its row"))
    let reader = try ResultsStore.openForReading(folder.url)
    #expect(try reader.version == 2 && reader.checkpoint(of: runs[0]) == checkpoint(of: runs[0], 7))
    try database.write { try $0.execute(sql: "DELETE FROM checkpoint WHERE run = ?", arguments: [runs[1].hash]) }
    let store = try ResultsStore.openForWriting(folder.url, study: study)
    #expect(try runs.map { try store.checkpoint(of: $0) } == [checkpoint(of: runs[0], 7), nil])
  }

  @Test("where rows were deleted by hand from the middle, all that was measured is written again")
  func gap() throws {
    let folder = try TemporaryFolder()
    let study = try study()
    let run = study.runs[0]
    let store = try ResultsStore.openForWriting(folder.url, study: study)
    try store.saveCheckpoint(checkpoint(of: run, 5))
    try store.database.write { try $0.execute(sql: "DELETE FROM checkpoint_measurement WHERE position = 3") }
    let fewer = try #require(try store.checkpoint(of: run))
    try store.saveCheckpoint(fewer)
    #expect(try store.checkpoint(of: run) == fewer)
  }

  @Test("checkpoints of version 2, with all that was measured in one text, are read and gone on from")
  func formerVersion() throws {
    let folder = try TemporaryFolder()
    let study = try study()
    let runs = Array(study.runs.prefix(2))
    try makeFormerFolder(folder, study, runs)
    let reader = try ResultsStore.openForReading(folder.url)
    #expect(try reader.version == 2 && runs.map { try reader.checkpoint(of: $0) } == runs.map { checkpoint(of: $0, 7) })
    let store = try ResultsStore.openForWriting(folder.url, study: study)
    #expect(try runs.map { try store.checkpoint(of: $0) } == runs.map { checkpoint(of: $0, 7) })
    try store.saveCheckpoint(checkpoint(of: runs[0], 8))
    try store.record(record(of: runs[1], study: study), student: Data())
    #expect(try runs.map { try store.checkpoint(of: $0) } == [checkpoint(of: runs[0], 8), nil])
    #expect(try ResultsStore.openForReading(folder.url).version == StoreSchema.version)
  }
}
