import Foundation
import GRDB
import UnderstudySchema

// A study that trains recorded runs for more epochs goes on from their students: what is stored of a run becomes the checkpoint
// of the longer one, which comes to the bits of a run that was planned so.

extension Setting {
  /// Why a run of this setting cannot go on from the finished student of one with fewer epochs; nil if it can.
  var obstacleToGoingOn: String? {
    if zoom.isOn { return "with zoom.to the stored students are not those of the last epoch; run the study again" }
    if training.decay != .none {
      return
        "with training.decay \(training.decay.rawValue) the learning rate of every epoch depends on how many are planned"
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
  /// - Returns: how many runs go on. Those whose weights are missing or damaged begin anew, as do diverged ones of which nobody kept
  ///   what their optimizer remembers.
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
      records.append((record, naming.run(study.settings[place], index: place, seed: record.run.seed)))
    }
    for (old, _) in records where old.outcome == .completed {
      guard let memory = old.run.setting.training.remembering, try optimizerState(of: old.run.hash, db) == nil else {
        continue
      }
      throw StoreError.cannotGoOn(
        folder: reader.folder.path, example: reader.study.label(of: old.run.setting),
        reason: "what \(memory) remembers between steps was not kept when they were recorded, by an earlier version")
    }
    var count = 0
    for (old, new) in records {
      if let checkpoint = try reader.checkpoint(of: old, for: new, db) {
        try db.execute(sql: "DELETE FROM checkpoint WHERE run = ?", arguments: [new.hash])
        try insert(checkpoint, db)
        count += 1
      }
      try db.execute(sql: "DELETE FROM run_record WHERE hash = ?", arguments: [old.run.hash])
    }
    return count
  }

  /// Gives checkpoints of runs that have begun to the longer runs that the study has instead, in the caller's transaction: also
  /// of seeds that it leaves out for now. Most are of recorded runs that were to be trained longer before, and would begin anew.
  ///
  /// - Returns: how many.
  /// - Complexity: O(settings x seeds) hashes if there are checkpoints and settings with more epochs.
  static func handOnCheckpoints(of stored: Study, to study: Study, _ db: Database) throws -> Int {
    // What follows the epochs (paths) is of the former last one.
    guard stored.canonicalRecord == study.canonicalRecord, study.randomNumbers == .bySeed,
      study.record.flatMap(\.measures).allSatisfy({ !Measure.paths.contains($0) }),
      try Int.fetchOne(db, sql: "SELECT count(*) FROM checkpoint") ?? 0 > 0
    else { return 0 }
    let lengths = TrainingLengths(study.settings)
    let kept = Set(study.settings.map(\.canonicalText))
    let (naming, formerNaming) = (RunNaming(study), RunNaming(stored))
    var count = 0
    // Of two that would become one, the longer, unless a recorded run has become it.
    for former in stored.settings.sorted(by: { $0.training.epochs > $1.training.epochs }) {
      let text = former.canonicalText
      guard !kept.contains(text), let place = lengths.placeOfNextLonger(than: former) else { continue }
      let setting = study.settings[place]
      guard setting.obstacleToGoingOn == nil else { continue }
      let longerText = setting.canonicalText
      for seed in Set(stored.seeds + study.seeds).sorted() {
        let old = formerNaming.run(former, text: text, index: 0, seed: seed).hash
        let new = naming.run(setting, text: longerText, index: place, seed: seed).hash
        // After the former last epoch it has measured what is measured at the last one only.
        try db.execute(
          sql: """
            UPDATE OR IGNORE checkpoint SET run = :new
            WHERE run = :old AND epoch < :end AND NOT EXISTS (SELECT 1 FROM run_record WHERE hash = :new)
            """, arguments: ["new": new, "old": old, "end": former.training.epochs])
        guard db.changesCount > 0 else { continue }
        count += 1
        try db.execute(sql: "UPDATE OR IGNORE optimizer SET run = ? WHERE run = ?", arguments: [new, old])
      }
    }
    return count
  }

  /// A finished run as the checkpoint of another one; nil if it has no student after an epoch, or that is not what it was.
  private func checkpoint(of record: RunRecord, for run: Run, _ db: Database) throws -> Checkpoint? {
    let hash = record.run.hash
    guard var checkpoint = try Self.standing(of: record, in: self, db) else { return nil }
    checkpoint.runHash = run.hash
    try forEachMeasurement(Set(Measure.allCases), run: hash, db) { checkpoint.measurements.append($1) }
    return checkpoint
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
