/// Stored results in memory: what figures and findings are computed from.
public struct StudyResults: Sendable {
  public var study: Study
  /// Finished runs (completed or diverged), by setting index, then seed; with the measurements that were asked for.
  public var runs: [RunRecord]

  public init(study: Study, runs: [RunRecord]) {
    self.study = study
    self.runs = runs
  }
}
