import Foundation
import GRDB
import UnderstudySchema

// Students from which a run can be trained on: with what the optimizer remembers, which is stored for runs with momentum or Adam.

extension ResultsStore {
  /// What a run's optimizer remembers; nil of plain steps, and in folders of before it was kept.
  static func optimizerState(of hash: String, _ db: Database) throws -> Data? {
    guard try db.tableExists("optimizer") else { return nil }
    let row = try Row.fetchOne(db, sql: "SELECT state FROM optimizer WHERE run = ?", arguments: [hash])
    return try row?.stored("state")
  }

  /// Keeps what a run's optimizer remembers, in place of what was kept before.
  static func keep(_ state: Data?, of hash: String, _ db: Database) throws {
    guard let state else {
      return try db.execute(sql: "DELETE FROM optimizer WHERE run = ?", arguments: [hash])
    }
    try db.execute(sql: "INSERT OR REPLACE INTO optimizer (run, state) VALUES (?, ?)", arguments: [hash, state])
  }

  /// Where the stored student of a recorded run stands: after the last epoch, or after the last finite one. Measurements are left out.
  ///
  /// - Returns: nil if it does not stand after an epoch, if its weights are missing or damaged, or if what its optimizer remembers
  ///   was not kept.
  static func standing(of record: RunRecord, in folder: ResultsStore, _ db: Database) throws -> Checkpoint? {
    let (setting, hash) = (record.run.setting, record.run.hash)
    let epoch: Int
    switch record.outcome {
    // A search for a critical point leaves its own student.
    case .completed where setting.criticalPoint.method != .none: return nil
    case .completed: epoch = setting.training.epochs
    case .diverged(let diverged) where diverged > setting.training.epochs: return nil
    case .diverged(let diverged): epoch = diverged - 1
    }
    guard !setting.zoom.isOn, epoch > 0 else { return nil }
    let optimizerState = try optimizerState(of: hash, db)
    guard optimizerState != nil || setting.training.remembering == nil else { return nil }
    let digest = try String.fetchOne(db, sql: "SELECT digest FROM weights WHERE run = ?", arguments: [hash])
    guard let student = DurableFile.content(of: folder.weightsURL(of: hash).path), let digest,
      contentHash(student) == digest
    else { return nil }
    return Checkpoint(
      runHash: hash, epoch: epoch, student: student, optimizerState: optimizerState, measurements: [],
      wallSeconds: record.wallSeconds, cpuSeconds: record.cpuSeconds)
  }

  /// Where the last student of a run stands that is stored: of a recorded run after its last epoch or the last finite one, of an
  /// unfinished one at its checkpoint. Measurements and times are left out.
  ///
  /// - Parameter record: of the run; nil if it is not recorded.
  /// - Returns: nil if the run has no student from which its steps could be taken on.
  /// - Throws: ``StoreError`` of a results folder that cannot be read, or is damaged.
  public func standing(of run: Run, _ record: RunRecord?) throws(StoreError) -> Checkpoint? {
    var found: Checkpoint?
    if let record {
      found = try reading { db in
        guard try db.tableExists("weights") else { return nil }
        return try Self.standing(of: record, in: self, db)
      }
    } else {
      found = try checkpoint(of: run)
    }
    found?.measurements = []
    found?.wallSeconds = 0
    found?.cpuSeconds = 0
    return found
  }
}
