import Foundation
import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyRecords
import UnderstudySchema
import UnderstudyTraining

/// What a run needs to go on: its student, what its update rule remembers, and how far it is in an epoch, or in what comes after its
/// epochs; in one safetensors file.
struct TrainingState {
  var student: Student
  var optimizerState: OptimizerState?
  /// nil between two epochs.
  var unfinishedEpoch: UnfinishedEpoch?
  var postTraining = PostTrainingProgress()

  /// The bytes of a student, with the optimizer's moments and the parts of an unfinished epoch and of what follows the epochs, if
  /// there are any, beside its tensors.
  static func encode(
    _ student: Data, optimizerState: OptimizerState?, unfinishedEpoch: UnfinishedEpoch? = nil,
    postTraining: PostTrainingProgress = PostTrainingProgress(), precision: SafetensorsFile.Precision
  ) throws(FileError) -> Data {
    guard optimizerState != nil || unfinishedEpoch != nil || !postTraining.isEmpty else { return student }
    var file = try SafetensorsFile.decode(student, name: "checkpoint")
    file.add(optimizerState)
    try unfinishedEpoch?.add(to: &file)
    try postTraining.add(to: &file)
    // What follows the epochs has the digits of double precision; numbers of single precision lose nothing.
    return file.encoded(precision: postTraining.isEmpty ? precision : .float64)
  }

  /// What an optimizer remembers, as a recorded run keeps it; nil if nothing.
  static func encode(_ optimizerState: OptimizerState?, precision: SafetensorsFile.Precision) -> Data? {
    guard let optimizerState else { return nil }
    var file = SafetensorsFile(tensors: [:])
    file.add(optimizerState)
    return file.encoded(precision: precision)
  }

  /// Where a checkpoint stands.
  ///
  /// - Parameters:
  ///   - name: how errors call it.
  ///   - network: the run's, before training: the stored ones have its size.
  /// - Throws: ``FileError`` if the bytes are damaged, or of a student of another size.
  init(_ checkpoint: Checkpoint, name: String, like network: Network) throws(FileError) {
    try self.init(decoding: checkpoint.student, name: name, like: network)
    guard optimizerState == nil, let data = checkpoint.optimizerState else { return }
    var file = try SafetensorsFile.decode(data, name: name)
    optimizerState = file.takeOptimizerState()
  }

  /// Steps that were taken of an epoch under way.
  ///
  /// - Parameter data: of a checkpoint.
  /// - Throws: ``FileError`` if the bytes are damaged.
  static func unfinishedSteps(in data: Data, name: String) throws(FileError) -> Int {
    let metadata = try SafetensorsFile.decode(data, name: name).metadata
    return metadata[UnfinishedEpoch.stepsKey].flatMap { Int($0) }.map { max(0, min($0, StudyKey.greatestSize)) } ?? 0
  }

  /// - Parameter network: the run's, before training: the stored ones have its size.
  /// - Throws: ``FileError`` if the bytes are damaged, or of a student of another size.
  init(decoding data: Data, name: String, like network: Network) throws(FileError) {
    var file = try SafetensorsFile.decode(data, name: name)
    postTraining = try PostTrainingProgress(takenFrom: &file, name: name, like: network)
    unfinishedEpoch = try UnfinishedEpoch(takenFrom: &file, name: name, like: network)
    optimizerState = file.takeOptimizerState()
    student = try file.student(name: name, like: network)
  }
}

/// How far a student is in an epoch.
struct UnfinishedEpoch {
  var progress: EpochProgress
  /// The student with which the epoch began: what is left if it diverges; nil where nobody asks for it.
  var start: Student?

  fileprivate static let (stepsKey, lossKey) = ("understudy.epochSteps", "understudy.epochLossSum")

  init(progress: EpochProgress, start: Student? = nil) {
    self.progress = progress
    self.start = start
  }

  fileprivate func add(to file: inout SafetensorsFile) throws(FileError) {
    file.metadata[Self.stepsKey] = "\(progress.stepCount)"
    file.metadata[Self.lossKey] = "\(progress.lossSum)"
    if let start { file.add(try SafetensorsFile(of: start), under: "epochStart") }
  }

  /// nil if the file is of a student between two epochs.
  fileprivate init?(takenFrom file: inout SafetensorsFile, name: String, like network: Network) throws(FileError) {
    guard let steps = file.metadata.removeValue(forKey: Self.stepsKey) else { return nil }
    guard let stepCount = Int(steps), stepCount > 0,
      let lossSum = file.metadata.removeValue(forKey: Self.lossKey).flatMap({ Double($0) }), lossSum.isFinite
    else { throw damaged(name, "it does not say how far the epoch is") }
    progress = EpochProgress(stepCount: stepCount, lossSum: lossSum)
    start = try file.take("epochStart").map { (part) throws(FileError) in try part.student(name: name, like: network) }
  }
}

/// How far a student is in the search for a critical point.
struct SearchProgress {
  /// Where the search stands; nil before its first step.
  var current: CriticalPointProgress?
  /// What came of it; nil before its end.
  var found: Student?
}

/// A second student of the same teacher and data, to which a run's own can be joined by a path.
struct Replica {
  /// Epochs done.
  var epoch: Int
  var student: Student
  var optimizerState: OptimizerState?
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

  init() {}

  /// Of the format of these parts. In 1 the output layers of two-layer searches were stored by node.
  private static let version = "2"
  private static let (versionKey, epochKey) = ("understudy.stages", "understudy.twinEpoch")

  fileprivate func add(to file: inout SafetensorsFile) throws(FileError) {
    guard !isEmpty else { return }
    file.metadata[Self.versionKey] = Self.version
    try file.add(search)
    guard let replica else { return }
    var part = try SafetensorsFile(of: replica.student)
    part.add(replica.optimizerState)
    try part.add(replica.search)
    file.add(part, under: "twin")
    file.metadata[Self.epochKey] = "\(replica.epoch)"
  }

  fileprivate init(takenFrom file: inout SafetensorsFile, name: String, like network: Network) throws(FileError) {
    guard let version = file.metadata.removeValue(forKey: Self.versionKey) else { return }
    guard version == Self.version else {
      throw FileError(
        path: name,
        message: "holds what another version of Understudy has stored of the run's last stages; use that version")
    }
    if var part = file.take("twin") {
      guard let epoch = file.metadata.removeValue(forKey: Self.epochKey).flatMap({ Int($0) }), epoch >= 0 else {
        throw damaged(name, "it does not say how far the replica is")
      }
      let search = try SearchProgress(takenFrom: &part, name: name, like: network)
      let optimizerState = part.takeOptimizerState()
      replica = Replica(
        epoch: epoch, student: try part.student(name: name, like: network), optimizerState: optimizerState,
        search: search)
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

private func damaged(_ name: String, _ what: String) -> FileError {
  FileError(
    path: name,
    message: "is damaged (\(what)); delete its row of the table \"checkpoint\", and the run begins anew")
}

extension SafetensorsFile {
  private static let (momentPrefix, stepCountKey) = ("optimizer.", "understudy.optimizerSteps")

  /// A student's tensors.
  fileprivate init(of student: Student) throws(FileError) {
    self = try .decode(
      NetworkFile.encode(student.network, precision: .float64), name: "checkpoint")
  }

  fileprivate func student(name: String, like network: Network) throws(FileError) -> Student {
    let stored = try NetworkFile.decode(encoded(precision: .float64), name: name, activation: network.activation)
    guard stored.architecture == network.architecture else { throw damaged(name, "it is of a student of another size") }
    return Student(stored)
  }

  /// Another file's tensors and texts, their names after that of the part.
  fileprivate mutating func add(_ part: SafetensorsFile, under name: String) {
    for (key, tensor) in part.tensors { tensors["\(name)/\(key)"] = tensor }
    for (key, text) in part.metadata { metadata["\(name)/\(key)"] = text }
  }

  /// Takes a part out again; nil if there is none.
  fileprivate mutating func take(_ name: String) -> SafetensorsFile? {
    func taken<Value>(_ values: inout [String: Value]) -> [String: Value] {
      let own = values.filter { $0.key.hasPrefix("\(name)/") }
      for key in own.keys { values[key] = nil }
      return Dictionary(uniqueKeysWithValues: own.map { (String($0.key.dropFirst(name.count + 1)), $0.value) })
    }
    let part = SafetensorsFile(tensors: taken(&tensors), metadata: taken(&metadata))
    return part.tensors.isEmpty ? nil : part
  }

  fileprivate mutating func add(_ search: SearchProgress) throws(FileError) {
    if let current = search.current { add(current.file, under: "search") }
    if let found = search.found { add(try SafetensorsFile(of: found), under: "finished") }
  }

  fileprivate mutating func add(_ optimizerState: OptimizerState?) {
    guard let optimizerState else { return }
    for (index, values) in optimizerState.moments.enumerated() {
      tensors["\(Self.momentPrefix)\(index)"] = Tensor(shape: [values.count], values: values)
    }
    metadata[Self.stepCountKey] = "\(optimizerState.stepCount)"
  }

  fileprivate mutating func takeOptimizerState() -> OptimizerState? {
    var moments: [[Double]] = []
    while let tensor = tensors.removeValue(forKey: "\(Self.momentPrefix)\(moments.count)") {
      moments.append(tensor.values)
    }
    let stepCount = metadata.removeValue(forKey: Self.stepCountKey).flatMap { Int($0) }
    return moments.isEmpty ? nil : OptimizerState(stepCount: stepCount ?? 0, moments: moments)
  }
}
