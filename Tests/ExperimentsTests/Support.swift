import Foundation
import Synchronization
import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyRecords
import UnderstudySchema

@testable import UnderstudyExperiments
@testable import UnderstudyReconstruction

/// A study of one tiny run, changed by `key=value` as after `--set`.
func tinyStudy(_ overrides: String...) throws -> Study { try tinyStudy(overrides) }

func tinyStudy(_ overrides: [String]) throws -> Study {
  try Study.parse(
    """
    network: {inputDimension: 8, outputDimension: 4}
    teacher: {hiddenNodes: 3, strengthDecay: 0.5}
    student: {overRealization: 2, scale: 0.3}
    inputs: {training: {count: 150}, evaluation: {count: 70}}
    training: {epochs: 5, stepsPerEpoch: 20, batchSize: 8, learningRate: 0.05}
    """, origin: "tiny.yaml", folder: URL(fileURLWithPath: "/nowhere"), baseName: "tiny", overrides: overrides)
}

/// What a run comes to.
struct Executed {
  let record: RunRecord
  let data: Data
  let student: Student
  let prepared: PreparedRun
  /// Within and after every epoch but the end of the last, and of that if something follows the epochs.
  let checkpoints: [Checkpoint]

  func values(_ measure: Measure, epoch: Int) -> [Double]? {
    record.measurements.first { $0.measure == measure && $0.epoch == epoch }?.values
  }
}

func executor(
  _ run: Run, of study: Study, keeping artifacts: any ArtifactStore = NoArtifacts(),
  isCancelled: @escaping () -> Bool = { false }, didReach: @escaping (String) -> Void = { _ in },
  threadCount: @escaping () -> Int = { 1 }, didTakeSteps: @escaping (Int, Double) -> Void = { _, _ in },
  saveCheckpoint: @escaping (Checkpoint) -> Void = { _ in }
) -> RunExecution {
  RunExecution(
    run: run, study: study, studyHash: study.hash, instructions: .best, artifacts: Artifacts(),
    artifactStore: artifacts, checkpointInterval: .zero,
    isCancelled: isCancelled, threadCount: threadCount, studyThreadCount: 1, didReach: didReach,
    didTakeSteps: didTakeSteps, willResume: { _ in }, saveCheckpoint: saveCheckpoint)
}

struct WasInterrupted: Error {}

/// Executes the first run of a study until it has asked so many times whether to stop.
///
/// - Returns: where it stands; nil if it was not stopped, or has not begun.
func stop(_ study: Study, atPoll last: Int) throws -> Checkpoint? {
  var polls = 0
  let executor = executor(
    study.runs[0], of: study,
    isCancelled: {
      polls += 1
      return polls >= last
    })
  guard case .interrupted(let checkpoint) = try executor.execute(from: nil) else { return nil }
  return checkpoint
}

/// Executes the first run of a study, from a checkpoint if one is given.
func execute(_ study: Study, from checkpoint: Checkpoint? = nil) throws -> Executed {
  let run = study.runs[0]
  var checkpoints: [Checkpoint] = []
  let executor = executor(run, of: study, saveCheckpoint: { checkpoints.append($0) })
  guard case .finished(let record, let data) = try executor.execute(from: checkpoint) else { throw WasInterrupted() }
  let prepared = try PreparedRun(run)
  let network = try NetworkFile.decode(data, name: "student", activation: prepared.teacher.network.activation)
  return Executed(
    record: record, data: data, student: Student(network), prepared: prepared, checkpoints: checkpoints)
}

func product(_ a: some Sequence<Double>, _ b: some Sequence<Double>) -> Double {
  zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
}

/// A store that keeps everything in memory.
final class MemoryArtifacts: ArtifactStore {
  private let files = Mutex<[String: Data]>([:])

  var names: [String] { files.withLock { $0.keys.sorted() } }
  func artifact(_ name: String) -> Data? { files.withLock { $0[name] } }
  func keepArtifact(_ data: Data, as name: String) throws(StoreError) { files.withLock { $0[name] = data } }
  func dropArtifact(_ name: String) { files.withLock { $0[name] = nil } }
}

/// A store that keeps nothing.
struct NoArtifacts: ArtifactStore {
  func artifact(_ name: String) -> Data? { nil }
  func keepArtifact(_ data: Data, as name: String) throws(StoreError) {}
  func dropArtifact(_ name: String) {}
}
