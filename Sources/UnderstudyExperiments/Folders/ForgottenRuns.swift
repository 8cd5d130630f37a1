import UnderstudyRecords
import UnderstudySchema

/// Runs that are to be deleted from a results folder, with the artifacts that no other run needs.
public struct ForgottenRuns: Sendable {
  /// Of the runs of which something is stored.
  public let states: [RunState]
  /// Names of files in the folder's `artifacts/`: networks trained on labels.
  public let artifacts: [String]
  /// Of their weights and artifacts, for people.
  public let size: String

  /// Finds what goes; nothing is changed.
  ///
  /// - Throws: ``ExperimentError`` of a results folder that cannot be read, or is damaged.
  public init(of store: ResultsStore, where isWanted: (RunState) -> Bool) throws(ExperimentError) {
    let stored = try ExperimentError.storing { () throws(StoreError) in try store.states { _ in true } }
      .filter { $0.kind != .missing }
    states = stored.filter(isWanted)
    let gone = Set(states.map(\.run.hash))
    let needed = Set(stored.filter { !gone.contains($0.run.hash) }.flatMap { Self.artifactNames(of: $0.run) })
    artifacts = Set(states.flatMap { Self.artifactNames(of: $0.run) }).subtracting(needed)
      .filter { store.artifactSize($0) != nil }.sorted()
    let byteCount =
      states.reduce(0) { $0 + store.weightsSize(of: $1.run) }
      + artifacts.reduce(0) { $0 + (store.artifactSize($1) ?? 0) }
    size = byteSize(Double(byteCount))
  }

  /// Deletes them. A kill on the way leaves runs as they were, or artifacts that the same runs would make again.
  ///
  /// - Throws: ``ExperimentError/store(_:)`` of a folder that cannot be changed.
  public func delete(from store: ResultsStore) throws(ExperimentError) {
    try ExperimentError.storing { () throws(StoreError) in try store.forget(states.map(\.run)) }
    for name in artifacts { store.dropArtifact(name) }
  }

  /// Of the networks that a run over images begins with.
  static func artifactNames(of run: Run) -> [String] {
    LabelTraining.recipes(of: run).flatMap { LabelTraining.fileNames(of: $0.recipe) }
  }
}
