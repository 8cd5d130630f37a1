import Foundation
import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyRecords
import UnderstudySchema
import UnderstudyTraining

/// Trains a network on labels, once for all runs that need it: the teacher, or what pruning has left of it.
///
/// It is kept in the results folder under its recipe's name, with a checkpoint on the way, and goes on from it.
struct LabelTraining {
  /// `teacher` or `oracle`.
  let what: String
  let setting: LabelTrainingSetting
  let recipe: Recipe
  let images: TrainingImages
  let evaluation: ImageBatcher
  /// Of the order of the images.
  let key: UInt64
  let algorithm: ConvolutionAlgorithm
  let execution: RunExecution

  private var stepsPerEpoch: Int { max(1, images.batcher.set.count / setting.batchSize) }
  private var weightsName: String { Self.weightsName(of: recipe) }
  private var noteName: String { Self.noteName(of: recipe) }
  private var checkpointName: String { Self.checkpointName(of: recipe) }
  static func weightsName(of recipe: Recipe) -> String { "\(recipe.hash).safetensors" }
  static func noteName(of recipe: Recipe) -> String { "\(recipe.hash).json" }
  private static func checkpointName(of recipe: Recipe) -> String { "\(recipe.hash).checkpoint.safetensors" }
  /// All that is kept of a network.
  static func fileNames(of recipe: Recipe) -> [String] {
    [weightsName(of: recipe), noteName(of: recipe), checkpointName(of: recipe)]
  }
  private static let (epochKey, curveKey) = ("understudy.epoch", "understudy.curve")

  /// The network, from the store or trained now.
  ///
  /// - Parameter start: before training.
  /// - Throws: ``ExperimentError``: of shapes, of a store that takes no more, of a training that diverges, or
  ///   ``ExperimentError/interrupted`` if the study is asked to stop.
  func trained(from start: () throws(ExperimentError) -> Network) throws(ExperimentError) -> TrainedNetwork {
    let activation = Activation(execution.run.setting.network)
    if let found = Self.stored(recipe, in: execution.artifactStore, activation) { return found }
    var work = try Work(self, from: standing(of: try start()))
    let isOver = try execution.carryOut(&work, CheckpointTimer(interval: execution.checkpointInterval), store: keep)
    guard isOver else {
      if work.hasBegun { try keep(work) }
      throw .interrupted
    }
    let network = try work.network
    let data = try encoded(StandingTraining(epoch: work.epoch, student: Student(network)), work.curve)
    let accuracy = try accuracy(of: network)
    let note = ArtifactNote(
      what: what, digest: contentHash(data), accuracy: accuracy, losses: work.curve.losses,
      accuracies: work.curve.accuracies,
      threads: execution.studyThreadCount, machine: machineKind(instructions: execution.instructions))
    try keep(data, as: weightsName)
    try keep(Data(try jsonText(note).utf8), as: noteName)
    execution.artifactStore.dropArtifact(checkpointName)
    return TrainedNetwork(network: network, accuracy: accuracy)
  }

  /// A network of a recorded run.
  ///
  /// - Throws: ``ExperimentError/input(_:)`` if it is not among the artifacts.
  static func stored(
    _ recipe: Recipe, _ what: String, of run: Run, in store: ResultsStore
  ) throws(ExperimentError) -> Network {
    guard let found = stored(recipe, in: store, Activation(run.setting.network)) else {
      throw .input(
        "\(path(of: recipe, in: store)): the \(what) of run \(run.hash) is not there, or is damaged; put it back, or run the "
          + "study again in this folder: it makes it again")
    }
    return found.network
  }

  /// What an earlier process has made; nil if there is nothing, or it is damaged.
  static func stored(_ recipe: Recipe, in store: any ArtifactStore, _ activation: Activation) -> TrainedNetwork? {
    let weightsName = weightsName(of: recipe)
    guard let data = store.artifact(weightsName),
      let note = store.artifact(noteName(of: recipe)).flatMap({
        try? JSONDecoder().decode(ArtifactNote.self, from: $0)
      }), note.digest == contentHash(data),
      let network = try? NetworkFile.decode(data, name: weightsName, activation: activation)
    else { return nil }
    return TrainedNetwork(network: network, accuracy: note.accuracy)
  }

  /// Loss and accuracy after each epoch.
  private struct Curve {
    var losses: [Double] = []
    var accuracies: [Double] = []
  }

  /// Where an earlier process has left the training; its beginning if there is none, or if the checkpoint is damaged.
  private func standing(of network: Network) -> (training: StandingTraining, curve: Curve) {
    let beginning = (StandingTraining(student: Student(network)), Curve())
    guard let data = execution.artifactStore.artifact(checkpointName),
      let metadata = try? SafetensorsFile.decode(data, name: checkpointName).metadata,
      let epoch = metadata[Self.epochKey].flatMap({ Int($0) }),
      let training = try? TrainingState(decoding: data, epoch: epoch, name: checkpointName, like: network).training,
      training.unfinishedEpoch?.progress.stepCount ?? 0 < stepsPerEpoch,
      let curve = metadata[Self.curveKey].flatMap({ try? JSONDecoder().decode([[Double]].self, from: Data($0.utf8)) }),
      curve.count == 2, curve[0].count == epoch, curve[1].count == epoch
    else { return beginning }
    return (training, Curve(losses: curve[0], accuracies: curve[1]))
  }

  /// The training under way.
  private struct Work: Stage {
    let training: LabelTraining
    let trainer: ImageTrainer
    /// Epochs done, and how far the next one is.
    var epoch: Int
    var progress: EpochProgress
    var curve: Curve

    init(
      _ training: LabelTraining, from standing: (training: StandingTraining, curve: Curve)
    ) throws(ExperimentError) {
      let setting = training.setting
      var plan = TrainingPlan(
        method: .stochastic(batchSize: setting.batchSize), learningRate: setting.learningRate,
        epochCount: setting.epochs, stepsPerEpoch: training.stepsPerEpoch,
        optimizer: .gradient(momentum: setting.momentum), weightDecay: setting.weightDecay)
      plan.decay = setting.decay
      self.training = training
      trainer = try ExperimentError.catching(training.what) { () throws(ShapeError) in
        try ImageTrainer(
          standing.training.student.network, toward: .labels, on: training.images, plan: plan,
          batches: .reshuffled(key: training.key), optimizerState: standing.training.optimizerState,
          algorithm: training.algorithm, threads: training.execution.studyThreadCount)
      }
      (epoch, progress) = (standing.training.epoch, standing.training.unfinishedEpoch?.progress ?? EpochProgress())
      curve = standing.curve
    }

    var hasBegun: Bool { epoch > 0 || progress.stepCount > 0 }
    var isOver: Bool { epoch >= training.setting.epochs }

    var network: Network {
      get throws(ExperimentError) {
        try ExperimentError.catching(training.what) { () throws(ShapeError) in try trainer.network }
      }
    }

    var standing: StandingTraining {
      get throws(ExperimentError) {
        StandingTraining(
          epoch: epoch, student: Student(try network), optimizerState: trainer.optimizerState,
          unfinishedEpoch: progress.stepCount > 0 ? UnfinishedEpoch(progress: progress) : nil)
      }
    }

    mutating func advance(isCancelled: () -> Bool, isPauseDue: () -> Bool) throws(ExperimentError) {
      let (what, stepsPerEpoch) = (training.what, training.stepsPerEpoch)
      let stage = "\(what): epoch \(epoch + 1) of \(training.setting.epochs)"
      let end = trainer.train(
        epoch: epoch + 1, from: progress, isCancelled: isCancelled, isPauseDue: isPauseDue,
        didTakeStep: { progress, _ in
          training.execution.didReach("\(stage), \(100 * progress.stepCount / stepsPerEpoch) %")
        })
      switch end {
      case .stopped(let progress): self.progress = progress
      case .diverged(let step):
        throw .input(
          "the \(what) diverged at step \(step + 1) of epoch \(epoch + 1) of its training on labels; give a smaller "
            + "\(what).training.learningRate")
      case .taken(let loss):
        (epoch, progress) = (epoch + 1, EpochProgress())
        curve.losses.append(loss)
        curve.accuracies.append(try training.accuracy(of: try network))
      }
    }
  }

  /// Keeps where the training stands.
  private func keep(_ work: Work) throws(ExperimentError) {
    try keep(try encoded(try work.standing, work.curve), as: checkpointName)
  }

  private func encoded(_ standing: StandingTraining, _ curve: Curve) throws(ExperimentError) -> Data {
    let text = (try? JSONEncoder().encode([curve.losses, curve.accuracies])).map { String(decoding: $0, as: UTF8.self) }
    let network = standing.student.network
    let data = NetworkFile.encode(
      network, precision: .float32,
      metadata: [
        "understudy.version": understudyVersion, "understudy.artifact": what, Self.epochKey: "\(standing.epoch)",
        Self.curveKey: text ?? "",
      ])
    return try ExperimentError.reading { () throws(FileError) in
      try TrainingState.encode(data, of: standing, precision: .float32)
    }
  }

  private func keep(_ data: Data, as name: String) throws(ExperimentError) {
    try ExperimentError.storing { () throws(StoreError) in try execution.artifactStore.keepArtifact(data, as: name) }
  }

  private func accuracy(of network: Network) throws(ExperimentError) -> Double {
    let outputs = try ExperimentError.catching(what) { () throws(ShapeError) in
      try ImageEvaluator(network, algorithm: algorithm, threads: execution.studyThreadCount)
        .outputs(over: evaluation, count: evaluation.set.count)
    }
    return UnderstudyNetworks.accuracy(outputs, outputCount: network.outputCount, labels: evaluation.set.labels)
  }
}
