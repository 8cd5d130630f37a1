import Foundation
import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyRecords
import UnderstudySchema
import UnderstudyTraining

/// Where the training of a student stands, so that it can go on from there.
struct StandingTraining {
  /// Epochs taken, whole ones.
  var epoch = 0
  var student: Student
  /// What the update rule remembers; nil if nothing.
  var optimizerState: OptimizerState?
  /// nil between two epochs.
  var unfinishedEpoch: UnfinishedEpoch?
  /// Those before, for the record of a divergence, where steps are not taken a second time to see it.
  var lastSteps: [Divergence.Step] = []

  var hasBegun: Bool { epoch > 0 || unfinishedEpoch != nil }
}

/// What a run needs to go on: where its training stands, and how far it is in what comes after its epochs; in one safetensors file.
struct TrainingState {
  var training: StandingTraining
  var postTraining = PostTrainingProgress()

  /// Of the format of what is stored in the middle of something. In 1 the output layers of two-layer searches were stored by node. In
  /// 2 only networks over images were stored within an epoch.
  private static let (version, formerVersion) = ("3", "2")
  private static let versionKey = "understudy.stages"

  /// The bytes of a student, with the optimizer's moments and the parts of an unfinished epoch and of what follows the epochs, if
  /// there are any, beside its tensors.
  ///
  /// - Parameter student: the network file of the training's student.
  static func encode(
    _ student: Data, of training: StandingTraining, postTraining: PostTrainingProgress = PostTrainingProgress(),
    precision: SafetensorsFile.Precision
  ) throws(FileError) -> Data {
    let isInTheMiddle = training.unfinishedEpoch != nil || !postTraining.isEmpty
    guard isInTheMiddle || training.optimizerState != nil || !training.lastSteps.isEmpty else { return student }
    var file = try SafetensorsFile.decode(student, name: "checkpoint")
    try training.addProgress(to: &file)
    try postTraining.add(to: &file)
    if isInTheMiddle { file.metadata[versionKey] = version }
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
    try self.init(decoding: checkpoint.student, epoch: checkpoint.epoch, name: name, like: network)
    guard training.optimizerState == nil, let data = checkpoint.optimizerState else { return }
    var file = try SafetensorsFile.decode(data, name: name)
    training.optimizerState = file.takeOptimizerState()
  }

  /// Steps that were taken of an epoch under way.
  ///
  /// - Parameter data: of a checkpoint.
  /// - Throws: ``FileError`` if the bytes are damaged.
  static func unfinishedSteps(in data: Data, name: String) throws(FileError) -> Int {
    let metadata = try SafetensorsFile.decode(data, name: name).metadata
    return metadata[UnfinishedEpoch.stepsKey].flatMap { Int($0) }.map { max(0, min($0, StudyKey.greatestSize)) } ?? 0
  }

  /// - Parameters:
  ///   - epoch: after how many it was stored.
  ///   - network: the run's, before training: the stored ones have its size.
  /// - Throws: ``FileError`` if the bytes are damaged, or of a student of another size.
  init(decoding data: Data, epoch: Int, name: String, like network: Network) throws(FileError) {
    var file = try SafetensorsFile.decode(data, name: name)
    if let version = file.metadata.removeValue(forKey: Self.versionKey),
      ![Self.version, Self.formerVersion].contains(version)
    {
      throw FileError(path: name, message: "was stored by another version of Understudy; use that version")
    }
    postTraining = try PostTrainingProgress(takenFrom: &file, name: name, like: network)
    training = try StandingTraining(takenFrom: &file, epoch: epoch, name: name, like: network)
  }
}

extension StandingTraining {
  private static let lastStepsKey = "understudy.lastSteps"

  /// - Parameter file: of which is taken what belongs to a training.
  init(
    takenFrom file: inout SafetensorsFile, epoch: Int, name: String, like network: Network
  ) throws(FileError) {
    self.epoch = epoch
    unfinishedEpoch = try UnfinishedEpoch(takenFrom: &file, name: name, like: network)
    optimizerState = file.takeOptimizerState()
    lastSteps =
      file.metadata.removeValue(forKey: Self.lastStepsKey).flatMap {
        try? JSONDecoder().decode([Divergence.Step].self, from: Data($0.utf8))
      } ?? []
    student = try file.student(name: name, like: network)
  }

  /// Beside the student's own tensors.
  func addProgress(to file: inout SafetensorsFile) throws(FileError) {
    file.add(optimizerState)
    try unfinishedEpoch?.add(to: &file)
    guard !lastSteps.isEmpty, let text = try? JSONEncoder().encode(lastSteps) else { return }
    file.metadata[Self.lastStepsKey] = String(decoding: text, as: UTF8.self)
  }
}

/// How far a student is in an epoch.
struct UnfinishedEpoch {
  var progress: EpochProgress
  /// Of gradient flow, which has no steps: where it is in the epoch.
  var flowPlace: IntegrationPlace?
  /// The student with which the epoch began: what is left if it diverges; nil where nobody asks for it.
  var start: Student?
  /// What the optimizer remembered then.
  var startOptimizerState: OptimizerState?
  /// The student as a zoom last looked at it in this epoch; nil if it did not yet.
  var lastLook: Student?

  fileprivate static let (stepsKey, lossKey) = ("understudy.epochSteps", "understudy.epochLossSum")
  fileprivate static let (flowTimeKey, flowStepKey) = ("understudy.flowTime", "understudy.flowStep")

  /// The student with which the epoch began.
  ///
  /// - Parameters:
  ///   - epoch: that is under way, from 1.
  ///   - name: of the checkpoint, how errors call it.
  /// - Throws: ``ExperimentError/input(_:)`` if the plan has no such epoch, or if the student was not stored.
  func start(of epoch: Int, in plan: TrainingPlan, name: String) throws(ExperimentError) -> Student {
    try ExperimentError.reading { () throws(FileError) in
      var isFlow = false
      if case .expectedFlow = plan.method { isFlow = true }
      guard let start, progress.stepCount < plan.stepsPerEpoch, epoch <= plan.epochCount, isFlow == (flowPlace != nil)
      else {
        throw damaged(name, "step \(progress.stepCount) of epoch \(epoch)")
      }
      return start
    }
  }

  fileprivate func add(to file: inout SafetensorsFile) throws(FileError) {
    file.metadata[Self.stepsKey] = "\(progress.stepCount)"
    file.metadata[Self.lossKey] = "\(progress.lossSum)"
    if let flowPlace {
      file.metadata[Self.flowTimeKey] = "\(flowPlace.time)"
      file.metadata[Self.flowStepKey] = "\(flowPlace.stepLength)"
    }
    if let start {
      var part = try SafetensorsFile(of: start)
      part.add(startOptimizerState)
      file.add(part, under: "epochStart")
    }
    if let lastLook { file.add(try SafetensorsFile(of: lastLook), under: "lastLook") }
  }
}

extension UnfinishedEpoch {
  /// nil if the file is of a student between two epochs.
  fileprivate init?(takenFrom file: inout SafetensorsFile, name: String, like network: Network) throws(FileError) {
    guard let steps = file.metadata.removeValue(forKey: Self.stepsKey) else { return nil }
    func number(_ key: String) -> Double? { file.metadata.removeValue(forKey: key).flatMap { Double($0) } }
    let (time, stepLength, lossSum) = (number(Self.flowTimeKey), number(Self.flowStepKey), number(Self.lossKey))
    guard let stepCount = Int(steps), stepCount > 0 || time != nil && stepCount == 0, let lossSum, lossSum.isFinite,
      (time == nil) == (stepLength == nil)
    else { throw damaged(name, "it does not say how far the epoch is") }
    if let time, let stepLength {
      guard time > 0, time.isFinite, stepLength > 0, stepLength.isFinite else {
        throw damaged(name, "the time of its flow")
      }
      flowPlace = IntegrationPlace(time: time, stepLength: stepLength)
    }
    progress = EpochProgress(stepCount: stepCount, lossSum: lossSum)
    lastLook = try file.take("lastLook").map { (part) throws(FileError) in try part.student(name: name, like: network) }
    guard var part = file.take("epochStart") else { return }
    startOptimizerState = part.takeOptimizerState()
    start = try part.student(name: name, like: network)
  }
}

func damaged(_ name: String, _ what: String) -> FileError {
  FileError(
    path: name,
    message: "is damaged (\(what)); delete its row of the table \"checkpoint\", and the run begins anew")
}

extension SafetensorsFile {
  private static let (momentPrefix, stepCountKey) = ("optimizer.", "understudy.optimizerSteps")

  /// A student's tensors.
  init(of student: Student) throws(FileError) {
    self = try .decode(
      NetworkFile.encode(student.network, precision: .float64), name: "checkpoint")
  }

  func student(name: String, like network: Network) throws(FileError) -> Student {
    let stored = try NetworkFile.decode(encoded(precision: .float64), name: name, activation: network.activation)
    guard stored.architecture == network.architecture else { throw damaged(name, "it is of a student of another size") }
    return Student(stored)
  }

  /// Another file's tensors and texts, their names after that of the part.
  mutating func add(_ part: SafetensorsFile, under name: String) {
    for (key, tensor) in part.tensors { tensors["\(name)/\(key)"] = tensor }
    for (key, text) in part.metadata { metadata["\(name)/\(key)"] = text }
  }

  /// Takes a part out again; nil if there is none.
  mutating func take(_ name: String) -> SafetensorsFile? {
    func taken<Value>(_ values: inout [String: Value]) -> [String: Value] {
      let own = values.filter { $0.key.hasPrefix("\(name)/") }
      for key in own.keys { values[key] = nil }
      return Dictionary(uniqueKeysWithValues: own.map { (String($0.key.dropFirst(name.count + 1)), $0.value) })
    }
    let part = SafetensorsFile(tensors: taken(&tensors), metadata: taken(&metadata))
    return part.tensors.isEmpty ? nil : part
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
