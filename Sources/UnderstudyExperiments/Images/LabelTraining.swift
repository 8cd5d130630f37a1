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
    var state = State(network: try start())
    state.restore(
      from: execution.artifactStore.artifact(checkpointName), name: checkpointName, stepsPerEpoch: stepsPerEpoch)
    try train(&state)
    let data = try encode(state)
    let accuracy = try accuracy(of: state.network)
    let note = ArtifactNote(
      what: what, digest: contentHash(data), accuracy: accuracy, losses: state.losses, accuracies: state.accuracies,
      threads: execution.studyThreadCount, machine: machineKind(instructions: execution.instructions))
    try keep(data, as: weightsName)
    try keep(Data(try jsonText(note).utf8), as: noteName)
    execution.artifactStore.dropArtifact(checkpointName)
    return TrainedNetwork(network: state.network, accuracy: accuracy)
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

  /// Where the training stands.
  private struct State {
    var network: Network
    var optimizerState: OptimizerState?
    /// Epochs done, and how far the next one is.
    var epoch = 0
    var progress = EpochProgress()
    var losses: [Double] = []
    var accuracies: [Double] = []

    init(network: Network) { self.network = network }

    /// Goes on from a checkpoint of the same network; from the beginning if it is damaged.
    mutating func restore(from data: Data?, name: String, stepsPerEpoch: Int) {
      guard let data, let file = try? SafetensorsFile.decode(data, name: name),
        let stored = try? TrainingState(decoding: data, name: name, like: network),
        let epoch = file.metadata[epochKey].flatMap({ Int($0) }),
        let curve = file.metadata[curveKey].flatMap({ try? JSONDecoder().decode([[Double]].self, from: Data($0.utf8)) }
        ),
        curve.count == 2, curve[0].count == epoch, curve[1].count == epoch,
        case let progress = stored.unfinishedEpoch?.progress ?? EpochProgress(), progress.stepCount < stepsPerEpoch
      else { return }
      (network, optimizerState, self.epoch) = (stored.student.network, stored.optimizerState, epoch)
      self.progress = progress
      (losses, accuracies) = (curve[0], curve[1])
    }
  }

  private func train(_ state: inout State) throws(ExperimentError) {
    let begin = state
    var plan = TrainingPlan(
      method: .stochastic(batchSize: setting.batchSize), learningRate: setting.learningRate, epochCount: setting.epochs,
      stepsPerEpoch: stepsPerEpoch, optimizer: .gradient(momentum: setting.momentum),
      weightDecay: setting.weightDecay)
    plan.decay = setting.decay
    guard state.epoch < setting.epochs else { return }
    let trainer = try ExperimentError.catching(what) { () throws(ShapeError) in
      try ImageTrainer(
        begin.network, toward: .labels, on: images, plan: plan, batches: .reshuffled(key: key),
        optimizerState: begin.optimizerState, algorithm: algorithm, threads: execution.studyThreadCount)
    }
    var timer = CheckpointTimer(interval: execution.checkpointInterval)
    while state.epoch < setting.epochs {
      let stage = "\(what): epoch \(state.epoch + 1) of \(setting.epochs)"
      let due = timer
      let end = trainer.train(
        epoch: state.epoch + 1, from: state.progress, isCancelled: execution.isCancelled, isPauseDue: { due.isDue },
        didTakeStep: { progress, _ in
          execution.didReach("\(stage), \(100 * progress.stepCount / stepsPerEpoch) %")
        })
      state.network = try ExperimentError.catching(what) { () throws(ShapeError) in try trainer.network }
      state.optimizerState = trainer.optimizerState
      switch end {
      case .taken(let loss): state.losses.append(loss)
      case .diverged(let step):
        throw .input(
          "the \(what) diverged at step \(step + 1) of epoch \(state.epoch + 1) of its training on labels; give a smaller "
            + "\(what).training.learningRate")
      case .stopped(let progress):
        state.progress = progress
        if progress.stepCount > 0 || state.epoch > 0 { try keepCheckpoint(state) }
        guard !execution.isCancelled() else { throw .interrupted }
        timer.restart()
        continue
      }
      state.epoch += 1
      state.progress = EpochProgress()
      state.accuracies.append(try accuracy(of: state.network))
      if timer.isDue, state.epoch < setting.epochs {
        try keepCheckpoint(state)
        timer.restart()
      }
    }
  }

  private func keepCheckpoint(_ state: State) throws(ExperimentError) {
    try keep(
      try encode(
        state, optimizerState: state.optimizerState,
        unfinishedEpoch: state.progress.stepCount > 0 ? UnfinishedEpoch(progress: state.progress) : nil),
      as: checkpointName)
  }

  private func encode(
    _ state: State, optimizerState: OptimizerState? = nil, unfinishedEpoch: UnfinishedEpoch? = nil
  ) throws(ExperimentError) -> Data {
    let curve = (try? JSONEncoder().encode([state.losses, state.accuracies])).map {
      String(decoding: $0, as: UTF8.self)
    }
    let network = NetworkFile.encode(
      state.network, precision: .float32,
      metadata: [
        "understudy.version": understudyVersion, "understudy.artifact": what,
        "understudy.negativeSlope": "\(state.network.activation.negativeSlope)", Self.epochKey: "\(state.epoch)",
        Self.curveKey: curve ?? "",
      ])
    return try ExperimentError.reading { () throws(FileError) in
      try TrainingState.encode(
        network, optimizerState: optimizerState, unfinishedEpoch: unfinishedEpoch, precision: .float32)
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
