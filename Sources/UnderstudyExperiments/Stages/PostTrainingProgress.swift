import UnderstudyNetworks
import UnderstudyTraining

/// How far a student is in the search for a critical point.
struct SearchProgress {
  /// Where the search stands; nil before its first step.
  var current: CriticalPointProgress?
  /// What came of it; nil before its end.
  var found: Student?
}

/// A second student of the same teacher and data, to which a run's own can be joined by a path.
struct Replica {
  var training: StandingTraining
  var search = SearchProgress()
}

/// How far a run is in what follows its epochs.
struct PostTrainingProgress {
  var search = SearchProgress()
  var replica: Replica?

  var isEmpty: Bool { search.current == nil && search.found == nil && replica == nil }

  /// Of the replica; of none, not begun.
  var replicaSearch: SearchProgress {
    get { replica?.search ?? SearchProgress() }
    set { replica?.search = newValue }
  }

  private static let epochKey = "understudy.twinEpoch"

  init() {}

  func add(to file: inout SafetensorsFile) throws(FileError) {
    guard !isEmpty else { return }
    try file.add(search)
    guard let replica else { return }
    var part = try SafetensorsFile(of: replica.training.student)
    try replica.training.addProgress(to: &part)
    try part.add(replica.search)
    file.add(part, under: "twin")
    file.metadata[Self.epochKey] = "\(replica.training.epoch)"
  }

  init(takenFrom file: inout SafetensorsFile, name: String, like network: Network) throws(FileError) {
    if var part = file.take("twin") {
      guard let epoch = file.metadata.removeValue(forKey: Self.epochKey).flatMap({ Int($0) }), epoch >= 0 else {
        throw damaged(name, "it does not say how far the replica is")
      }
      let search = try SearchProgress(takenFrom: &part, name: name, like: network)
      replica = Replica(
        training: try StandingTraining(takenFrom: &part, epoch: epoch, name: name, like: network), search: search)
    }
    search = try SearchProgress(takenFrom: &file, name: name, like: network)
  }
}

extension SearchProgress {
  fileprivate init(takenFrom file: inout SafetensorsFile, name: String, like network: Network) throws(FileError) {
    current = try file.take("search").map { (part) throws(FileError) in try CriticalPointProgress(part, name: name) }
    found = try file.take("finished").map { (part) throws(FileError) in
      try part.student(name: name, like: network)
    }
  }
}

extension CriticalPointProgress {
  fileprivate init(_ part: SafetensorsFile, name: String) throws(FileError) {
    func values(_ tensor: String, count: Int) throws(FileError) -> [Double] {
      guard let values = part.tensors[tensor]?.values, values.count == count else { throw damaged(name, tensor) }
      return values
    }
    let counts = try values("counts", count: 2).map { Int(exactly: $0) }
    let damping = try values("damping", count: 2)
    guard let trail = part.tensors["trail"], trail.shape.count == 2, let steps = counts[0], let restarts = counts[1],
      case let width = trail.shape[1], width > 0
    else { throw damaged(name, "counts or trail") }
    self.init(
      iterationCount: steps, restartCount: restarts, damping: damping[0], growth: damping[1],
      losses: part.tensors["losses"]?.values ?? [], best: part.tensors["best"]?.values,
      trail: (0..<trail.shape[0]).map { Array(trail.values[$0 * width..<($0 + 1) * width]) })
  }

  fileprivate var file: SafetensorsFile {
    typealias Tensor = SafetensorsFile.Tensor
    var tensors = [
      "counts": Tensor(shape: [2], values: [Double(iterationCount), Double(restartCount)]),
      "damping": Tensor(shape: [2], values: [damping, growth]),
      "trail": Tensor(shape: [trail.count, trail.first?.count ?? 0], values: trail.flatMap { $0 }),
    ]
    if !losses.isEmpty { tensors["losses"] = Tensor(shape: [losses.count], values: losses) }
    if let best { tensors["best"] = Tensor(shape: [best.count], values: best) }
    return SafetensorsFile(tensors: tensors)
  }
}

extension SafetensorsFile {
  fileprivate mutating func add(_ search: SearchProgress) throws(FileError) {
    if let current = search.current { add(current.file, under: "search") }
    if let found = search.found { add(try SafetensorsFile(of: found), under: "finished") }
  }
}
