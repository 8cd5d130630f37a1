import struct Foundation.Data
import struct Foundation.Date

/// How a run ended. Divergence is a result, not an error.
public enum Outcome: Codable, Hashable, Sendable {
  case completed
  /// Weights or loss stopped being finite during this epoch (from 1); measurements end at the epoch before.
  case diverged(epoch: Int)

  /// nil of a run that completed.
  package var divergedEpoch: Int? { if case .diverged(let epoch) = self { epoch } else { nil } }

  /// As stores and exports have it.
  package var name: String { divergedEpoch == nil ? "completed" : "diverged" }
}

/// What the store keeps of a finished run.
public struct RunRecord: Sendable {
  public var run: Run
  public var outcome: Outcome
  /// Of a run that diverged; nil of others, and in folders of before it was kept.
  public var divergence: Divergence?
  /// Of the study as resolved.
  public var studyHash: String
  /// Of Understudy.
  public var version: String
  /// Machine kind: processor model and the instruction set of the kernels, e.g. "AMD EPYC ..., avx512".
  public var machine: String
  public var finishedAt: Date
  public var wallSeconds: Double
  public var cpuSeconds: Double
  public var stepCount: Int
  public var measurements: [MeasuredValue]
  /// What momentum or Adam remembers after the last epoch, a safetensors file, so that the run can be trained longer; nil of plain
  /// steps. It is recorded, and not read back with records.
  public var optimizerState: Data?

  public init(
    run: Run, outcome: Outcome, divergence: Divergence? = nil, studyHash: String, version: String, machine: String,
    finishedAt: Date,
    wallSeconds: Double, cpuSeconds: Double, stepCount: Int, measurements: [MeasuredValue]
  ) {
    self.run = run
    self.outcome = outcome
    self.divergence = divergence
    self.studyHash = studyHash
    self.version = version
    self.machine = machine
    self.finishedAt = finishedAt
    self.wallSeconds = wallSeconds
    self.cpuSeconds = cpuSeconds
    self.stepCount = stepCount
    self.measurements = measurements
  }
}

/// A run that could not be carried out: it is not among the recorded ones, and running the study again tries it once more.
public struct RunFailure: Hashable, Sendable {
  public var runHash: String
  /// Position of the run's setting in the study's grid, and its seed.
  public var settingIndex: Int
  public var seed: Int
  /// What went wrong and what to change, for people.
  public var reason: String
  /// Of Understudy.
  public var version: String
  public var failedAt: Date

  public init(_ run: Run, reason: String, version: String, failedAt: Date) {
    (runHash, settingIndex, seed) = (run.hash, run.settingIndex, run.seed)
    (self.reason, self.version, self.failedAt) = (reason, version, failedAt)
  }
}
