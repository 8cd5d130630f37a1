import Foundation

/// One training: a setting and a seed. The unit of scheduling, storing and resuming.
public struct Run: Hashable, Sendable {
  /// Identifies the run's content: equal for equal study name, setting (file contents, not paths), record plan and seed.
  public let hash: String
  /// Position of the setting in the study's grid, from 0.
  public let settingIndex: Int
  public let setting: Setting
  public let seed: Int
  /// Key of all the run's random streams; equal for equal study name, setting and seed, whatever is recorded.
  public let randomKey: UInt64

  public init(hash: String, settingIndex: Int, setting: Setting, seed: Int, randomKey: UInt64) {
    self.hash = hash
    self.settingIndex = settingIndex
    self.setting = setting
    self.seed = seed
    self.randomKey = randomKey
  }
}

/// How a run ended. Divergence is a result, not an error.
public enum Outcome: Codable, Hashable, Sendable {
  case completed
  /// Weights or loss stopped being finite during this epoch (from 1); measurements end at the epoch before.
  case diverged(epoch: Int)
}

/// What the store keeps of a finished run.
public struct RunRecord: Sendable {
  public var run: Run
  public var outcome: Outcome
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
  public var measurements: [Measurement]

  public init(
    run: Run, outcome: Outcome, studyHash: String, version: String, machine: String, finishedAt: Date,
    wallSeconds: Double, cpuSeconds: Double, stepCount: Int, measurements: [Measurement]
  ) {
    self.run = run
    self.outcome = outcome
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
