import UnderstudySchema

/// The runs that a study still misses: a seed of all settings after the other, so that what settings share is at hand (see
/// ``Artifacts``) and a study that is stopped has whole seeds. Of a seed the longest run is first: the last runs to end are short,
/// and no thread waits long for the others. Each run is made when its turn comes.
public struct RunQueue: Sendable {
  private let study: Study
  private let recorded: [Int: Set<Int>]
  /// Places in the grid, most costly first, of equals the first.
  private let order: [Int]
  private var position = 0
  public let missingCount: Int
  /// What the missing runs cost together; see ``StudyProgress/cost(of:)``.
  let cost: Double

  /// - Parameter recorded: the seeds that are there of each setting.
  /// - Complexity: O(settings log settings).
  init(_ study: Study, recorded: [Int: Set<Int>]) {
    (self.study, self.recorded) = (study, recorded)
    let costs = study.settings.map(StudyProgress.cost)
    order = study.settings.indices.sorted { (costs[$1], $0) < (costs[$0], $1) }
    missingCount = study.runs.count - recorded.values.reduce(0) { $0 + $1.count }
    cost = study.settings.indices.reduce(0) { sum, index in
      sum + costs[index] * Double(study.seeds.count - (recorded[index]?.count ?? 0))
    }
  }

  /// - Complexity: O(keys) a run, and O(1) for each one that is there.
  public mutating func next() -> Run? {
    while position < order.count * study.seeds.count {
      let (seed, rank) = position.quotientAndRemainder(dividingBy: order.count)
      position += 1
      let index = order[rank]
      if recorded[index]?.contains(study.seeds[seed]) ?? false { continue }
      return study.runs[index * study.seeds.count + seed]
    }
    return nil
  }
}
