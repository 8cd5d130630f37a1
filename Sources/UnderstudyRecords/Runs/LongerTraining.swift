import Foundation
import GRDB
import UnderstudySchema

// A study that trains recorded runs for more epochs goes on from their students: what is stored of a run becomes the checkpoint
// of the longer one, which comes to the bits of a run that was planned so.

extension Setting {
  /// Why a run of this setting cannot go on from the finished student of one with fewer epochs; nil if it can.
  var obstacleToGoingOn: String? {
    if training.decay != .none {
      return
        "with training.decay \(training.decay.rawValue) the learning rate of every epoch depends on how many are planned"
    }
    if training.method == .adam || training.momentum != 0 {
      let memory = training.method == .adam ? "training.method adam" : "training.momentum"
      return "what \(memory) remembers between steps is not kept with finished runs"
    }
    if criticalPoint.method != .none {
      return "the stored students are those of the search for a critical point (criticalPoint.method), after the epochs"
    }
    if training.batches != nil, training.stepsPerEpoch == 0 {
      return
        "the steps of an epoch follow from the file of batches and the number of epochs; give training.stepsPerEpoch"
    }
    return nil
  }
}

extension ResultsStore {
  /// Makes checkpoints of recorded runs that a study trains longer, in the caller's transaction.
  ///
  /// - Parameters:
  ///   - reader: reads the database with the study that it holds.
  ///   - longer: places of settings in the study, by those in the stored one.
  /// - Returns: how many runs go on. Those whose weights are missing or damaged begin anew.
  /// - Throws: ``StoreError/cannotGoOn(folder:example:reason:)`` if one of them cannot.
  static func goOn(_ longer: [Int: Int], in study: Study, from reader: ResultsStore, _ db: Database) throws -> Int {
    for (old, new) in longer.sorted(by: { $0.key < $1.key }) {
      guard let reason = study.settings[new].obstacleToGoingOn else { continue }
      throw StoreError.cannotGoOn(
        folder: reader.folder.path, example: reader.study.label(of: reader.study.settings[old]), reason: reason)
    }
    var records: [(old: RunRecord, new: Run)] = []
    let naming = RunNaming(study)
    try reader.forEachRecord(db) { record in
      guard let place = longer[record.run.settingIndex] else { return }
      let setting = study.settings[place]
      records.append(
        (record, naming.run(setting, text: setting.canonicalText, index: place, seed: record.run.seed)))
    }
    var count = 0
    for (old, new) in records {
      if let checkpoint = try reader.checkpoint(of: old, for: new, db) {
        try insert(checkpoint, db)
        count += 1
      }
      try db.execute(sql: "DELETE FROM run_record WHERE hash = ?", arguments: [old.run.hash])
    }
    return count
  }

  /// A finished run as the checkpoint of another one; nil if it has no student after an epoch, or that is not what it was.
  private func checkpoint(of record: RunRecord, for run: Run, _ db: Database) throws -> Checkpoint? {
    let hash = record.run.hash
    let epoch =
      switch record.outcome {
      case .completed: record.run.setting.training.epochs
      case .diverged(let epoch): epoch - 1
      }
    let digest = try String.fetchOne(db, sql: "SELECT digest FROM weights WHERE run = ?", arguments: [hash])
    guard epoch > 0, let student = DurableFile.content(of: weightsURL(of: hash).path), let digest,
      contentHash(student) == digest
    else { return nil }
    var measurements: [MeasuredValue] = []
    try forEachMeasurement(Set(Measure.allCases), run: hash, db) { measurements.append($1) }
    return Checkpoint(
      runHash: run.hash, epoch: epoch, student: student, measurements: measurements, wallSeconds: record.wallSeconds,
      cpuSeconds: record.cpuSeconds)
  }
}

extension Study {
  /// Whether all runs of this study are also runs of another one of the same name.
  func isPart(of other: Study) -> Bool {
    guard name == other.name, canonicalRecord == other.canonicalRecord, Set(seeds).isSubset(of: other.seeds) else {
      return false
    }
    let texts = Set(other.settings.map { contentHash($0.canonicalText) })
    return settings.allSatisfy { texts.contains(contentHash($0.canonicalText)) }
  }

  /// The same runs, with another study's claim, figures and findings.
  package func presented(as other: Study) -> Study {
    var study = self
    (study.claim, study.figures, study.findings) = (other.claim, other.figures, other.findings)
    return study
  }
}
