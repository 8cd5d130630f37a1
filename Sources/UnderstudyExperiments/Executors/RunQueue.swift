import UnderstudySchema

/// Which runs of a study are meant: all, or those of some seeds and settings.
public struct RunSelection: Sendable {
  /// Empty: all.
  public var seeds: Set<Int>
  /// Keys with the values to keep, see ``Study/selection(_:)``; empty: all.
  public var settings: [String: [KeyValue]]
  /// Places of settings in the grid; nil: all.
  var places: Set<Int>?

  public init(seeds: Set<Int> = [], settings: [String: [KeyValue]] = [:]) {
    self.seeds = seeds
    self.settings = settings
  }

  /// The same among the runs of another study that has all runs of this one, and maybe more.
  func among(_ study: Study, runsOf part: Study) -> RunSelection {
    var selection = self
    if seeds.isEmpty, study.seeds != part.seeds { selection.seeds = Set(part.seeds) }
    if study.settings.count != part.settings.count {
      let texts = Set(part.settings.map(\.canonicalText))
      selection.places = Set(study.settings.indices.filter { texts.contains(study.settings[$0].canonicalText) })
    }
    return selection
  }
}

/// The runs that a study still misses: a seed of all settings after the other, so that what settings share is at hand (see
/// `Artifacts`) and a study that is stopped has whole seeds. Of a seed the longest run is first: the last runs to end are short,
/// and no thread waits long for the others. Each run is made when its turn comes.
public struct RunQueue: Sendable {
  private let study: Study
  private let recorded: [Int: Set<Int>]
  /// Places of the chosen seeds in the study's list.
  private let seeds: [Int]
  /// Places in the grid, most costly first, of equals the first.
  private let order: [Int]
  private var position = 0
  /// Of the chosen ones.
  public let missingCount: Int
  /// What the missing runs cost together; see ``StudyProgress/cost(of:)``.
  let cost: Double

  /// - Parameter recorded: the seeds that are there of each setting.
  /// - Complexity: O(settings log settings + runs that are there).
  init(_ study: Study, recorded: [Int: Set<Int>], choosing chosen: RunSelection = RunSelection()) {
    (self.study, self.recorded) = (study, recorded)
    let seeds = study.seeds.indices.filter { chosen.seeds.isEmpty || chosen.seeds.contains(study.seeds[$0]) }
    let indices = study.settings.indices.filter {
      chosen.places?.contains($0) ?? true && (chosen.settings.isEmpty || study.settings[$0].matches(chosen.settings))
    }
    let costs = study.settings.map(StudyProgress.cost)
    let missing = indices.map { index in
      seeds.count
        - (recorded[index]?.count { chosen.seeds.isEmpty || chosen.seeds.contains($0) } ?? 0)
    }
    self.seeds = seeds
    order = indices.sorted { (costs[$1], $0) < (costs[$0], $1) }
    missingCount = missing.reduce(0, +)
    cost = zip(indices, missing).reduce(0) { $0 + costs[$1.0] * Double($1.1) }
  }

  /// - Complexity: O(keys) a run, and O(1) for each one that is there.
  public mutating func next() -> Run? {
    while position < order.count * seeds.count {
      let (seed, rank) = position.quotientAndRemainder(dividingBy: order.count)
      position += 1
      let index = order[rank]
      if recorded[index]?.contains(study.seeds[seeds[seed]]) ?? false { continue }
      return study.runs[index * study.seeds.count + seeds[seed]]
    }
    return nil
  }
}
