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
