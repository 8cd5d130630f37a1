/// What the keys of a run's random streams follow from. Each purpose (teacher, inputs, student, batches, noise...) has streams
/// of its own under a key.
public enum RandomNumbers: String, Codable, Hashable, Sendable {
  /// The seed alone. Settings that describe the same teacher, data or student have the same one for equal seeds, in every study:
  /// comparisons along a key are paired.
  case bySeed
  /// The study's name, the setting and the seed, as in version 0.1. Folders that it made are read, and continued, so.
  case bySetting

  /// Of the form in which runs are named.
  var version: Int { self == .bySeed ? 2 : 1 }

  /// The keys of a run's streams, and of those of its replica's student and batches.
  ///
  /// - Parameter setting: name, setting and seed of the run, hashed.
  func keys(seed: Int, setting: ContentHash) -> (run: UInt64, replica: UInt64) {
    return switch self {
    case .bySeed: (Self.key(of: "run", seed: seed), Self.key(of: "replica", seed: seed))
    case .bySetting: (setting.key, setting.key ^ 0x7477_696e_7477_696e)
    }
  }

  /// A key that follows from a seed, and from whose streams they are.
  package static func key(of whose: String, seed: Int) -> UInt64 {
    var hash = ContentHash()
    hash.combine("understudy random numbers \(Self.bySeed.version)\n\(whose)\nseed \(seed)\n".utf8)
    return hash.key
  }
}
