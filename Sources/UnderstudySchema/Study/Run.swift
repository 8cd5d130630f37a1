/// One training: a setting and a seed. The unit of scheduling, storing and resuming.
public struct Run: Hashable, Sendable {
  /// Identifies the run's content: equal for equal setting (file contents, not paths), record plan and seed, in whatever study.
  public let hash: String
  /// Position of the setting in the study's grid, from 0.
  public let settingIndex: Int
  public let setting: Setting
  public let seed: Int
  /// Key of the run's random streams, of which each purpose has its own; see ``RandomNumbers``.
  public let randomKey: UInt64
  /// Key of the streams of the replica's student and batches; all else it shares with the run.
  public let replicaKey: UInt64

  public init(hash: String, settingIndex: Int, setting: Setting, seed: Int, randomKey: UInt64, replicaKey: UInt64) {
    self.hash = hash
    self.settingIndex = settingIndex
    self.setting = setting
    self.seed = seed
    self.randomKey = randomKey
    self.replicaKey = replicaKey
  }
}
