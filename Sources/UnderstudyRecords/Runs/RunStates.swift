import Foundation
import GRDB
import UnderstudySchema

/// How far a run of a study has come.
public struct RunState: Sendable {
  /// What there is of a run.
  public enum Kind: String, Sendable, CaseIterable {
    case completed, diverged
    /// It could not be carried out.
    case failed
    /// Unfinished, with a checkpoint.
    case begun
    case missing
  }

  public var run: Run
  public var kind: Kind
  /// Epochs that are behind it, with a zoom steps; of a diverged run the one in which it diverged. nil of runs that failed or are
  /// missing.
  public var epoch: Int?
  /// The last evaluation loss that was recorded, or else the last training loss; nil if neither was.
  public var loss: Double?
  /// Why a failed run could not be carried out.
  public var failure: String?
  /// nil also of runs that diverged before it was kept.
  public var divergence: Divergence?

  init(_ run: Run, _ kind: Kind) { (self.run, self.kind) = (run, kind) }
}

extension ResultsStore {
  /// The state of every run that `isWanted` asks for, by setting and seed.
  ///
  /// - Throws: ``StoreError`` of a results folder that cannot be read, or is damaged.
  /// - Complexity: O(runs of the study), about 20 microseconds each, in time, and O(wanted runs) in memory.
  public func states(where isWanted: (Run) -> Bool) throws(StoreError) -> [RunState] {
    let records = Dictionary(try runs().map { ($0.run.hash, $0) }, uniquingKeysWith: { first, _ in first })
    let failures = Dictionary(try failures().map { ($0.runHash, $0.reason) }, uniquingKeysWith: { first, _ in first })
    let losses = try lastLosses()
    let checkpoints = Set(try reading { try String.fetchAll($0, sql: "SELECT run FROM checkpoint") })
    var states: [RunState] = []
    for run in study.runs where isWanted(run) {
      var state = RunState(run, .missing)
      if let record = records[run.hash] {
        let diverged = record.outcome.divergedEpoch
        (state.kind, state.epoch) = (diverged == nil ? .completed : .diverged, diverged ?? run.setting.lastEpoch)
        (state.loss, state.divergence) = (losses[run.hash], record.divergence)
      } else if checkpoints.contains(run.hash), let checkpoint = try checkpoint(of: run) {
        state.kind = .begun
        // A zoom counts steps.
        let (steps, _) = checkpoint.epoch.multipliedReportingOverflow(by: run.setting.training.stepsPerEpoch)
        state.epoch = run.setting.zoom.isOn ? steps : checkpoint.epoch
        state.loss =
          Self.lossMeasures.lazy.compactMap { measure in
            checkpoint.measurements.last { $0.measure == measure }?.values.first
          }.first
      }
      if let failure = failures[run.hash] { (state.kind, state.failure) = (.failed, failure) }
      states.append(state)
    }
    return states
  }

  /// What stands for a run's loss, the first that was recorded.
  private static var lossMeasures: [Measure] { [.evaluationLoss, .trainingLoss] }

  /// The last loss of each recorded run.
  private func lastLosses() throws(StoreError) -> [String: Double] {
    try reading { db in
      var losses: [String: Double] = [:]
      for measure in Self.lossMeasures.reversed() {
        let rows = try Row.fetchCursor(
          db, sql: "SELECT run, value, max(epoch) FROM scalar WHERE measure = ? GROUP BY run",
          arguments: [measure.rawValue])
        while let row = try rows.next() { losses[try row.stored("run")] = try row.stored("value") }
      }
      return losses
    }
  }
}
