import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudySchema
import UnderstudyTraining

/// What runs over images take at their peak, beside the images, which all share: from the shapes of their networks, before their
/// memory is taken.
///
/// oneDNN is asked for the layouts and the scratch memory of every kernel (``ConvolutionalKernel/byteCount``). What else there is
/// is small beside them: networks in double precision, batches, maps that are compared.
struct ImageMemoryEstimate {
  private let artifacts: Artifacts
  private let threadCount: Int
  /// Kernels of settings that differ in something else.
  private var known: [Kernel: Double] = [:]

  private struct Kernel: Hashable {
    var architecture: Architecture
    var batchSize: Int
    var algorithm: ConvolutionAlgorithm
    var threads = 1
    var momentCount = 0
    var isTrained = false
    var hasGradients = false
  }

  /// - Parameter threadCount: runs at a time; teacher and oracle take all threads for themselves.
  init(sharing artifacts: Artifacts, threadCount: Int) {
    self.artifacts = artifacts
    self.threadCount = max(1, threadCount)
  }

  /// Refuses runs of a setting that do not fit into memory, side by side.
  ///
  /// - Parameter available: bytes that may be taken; nil where the system does not say, and then nothing is refused.
  /// - Throws: ``ExperimentError/input(_:)`` that names the setting, its keys, what it needs and what there is; and for images that
  ///   are not there, and networks that cannot be made.
  mutating func check(
    _ run: Run, of study: Study, available: Double? = availableMemory()
  ) throws(ExperimentError) {
    let count = min(threadCount, study.settings.count * study.seeds.count)
    let label = study.label(of: run.setting)
    let keys = "teacher.layers, student.overRealization, training.batchSize"
    // What the networks take is known before they are drawn.
    try checkMemory(label, try parameterBytes(of: run), count: 1, available: available, keys: keys)
    let bytes = try bytes(of: run, recording: study.record.reduce(into: []) { $0.formUnion($1.measures) })
    try checkMemory(label, bytes, count: count, available: available, keys: keys)
  }

  /// What a run's largest network takes, from its shape alone.
  ///
  /// - Throws: as ``check(_:of:available:)``.
  private func parameterBytes(of run: Run) throws(ExperimentError) -> Double {
    let setting = run.setting
    let data = try artifacts.images(of: run)
    let teacher =
      setting.teacher.file == nil
      ? try ImageNetworks.teacherArchitecture(run, data)
      : try ImageNetworks.untrainedTeacher(run, data).architecture
    let shares = setting.oracle.prunedShares?.shares ?? []
    let oracle =
      shares.count == teacher.hiddenCounts.count ? teacher.hiddenCounts(losing: shares) : teacher.hiddenCounts
    let drawn = setting.student.file == nil ? setting.student.widths(over: oracle) : oracle
    let networks = [teacher.hiddenCounts, drawn.count == oracle.count ? drawn : oracle]
    return networks.map { parameters(teacher.weightCount(hiddenCounts: $0.map(Double.init))) }.max() ?? 0
  }

  /// Bytes of a run: of its student's training and measuring, or of its teacher's training, whichever are more.
  ///
  /// - Throws: as ``check(_:of:available:)``.
  mutating func bytes(of run: Run, recording measures: Set<Measure>) throws(ExperimentError) -> Double {
    let (setting, data) = (run.setting, try artifacts.images(of: run))
    let (teacher, oracle, student) = try ImageNetworks.untrained(run, data)
    do {
      return Self.overhead
        + max(
          try studying(setting, student, oracle, data, measures),
          try teaching(setting.teacher.training, teacher, setting),
          try teaching(setting.oracle.training, oracle, setting))
    } catch {
      throw .input("\(run.place): \(error)")
    }
  }

  /// Code that oneDNN makes, and memory that is free again and still held: measured over runs of 0.4 to 3.1 GB.
  private static let overhead = 5e7

  /// A student that is trained and measured.
  private mutating func studying(
    _ setting: Setting, _ student: Network, _ oracle: Network, _ data: ImageData, _ measures: Set<Measure>
  ) throws(ConvolutionError) -> Double {
    let (training, algorithm) = (setting.training, ConvolutionAlgorithm(setting.training.convolution))
    let size = ImageEvaluator.batchSize
    let evaluator = Kernel(architecture: student.architecture, batchSize: size, algorithm: algorithm)
    let measured = Kernel(
      architecture: student.architecture, batchSize: size, algorithm: algorithm,
      hasGradients: measures.contains(.layerStrengths))
    let reference = Kernel(
      architecture: oracle.architecture, batchSize: size, algorithm: algorithm,
      hasGradients: measures.contains(.layerTeacherStrengths))
    let target = Kernel(architecture: oracle.architecture, batchSize: size, algorithm: algorithm)
    let trained = Kernel(
      architecture: student.architecture, batchSize: training.batchSize, algorithm: algorithm,
      momentCount: training.momentCount, isTrained: true)
    var bytes = try self.bytes(trained) + self.bytes(measures.isEmpty ? evaluator : measured) + self.bytes(reference)
    if training.loss != .labels { bytes += try self.bytes(target) }
    // Maps of a batch in the plain order: all of the oracle's, one of the student's, and copies on the way.
    let maps = [oracle, student].map { $0.architecture.convolutionalShape.activationSizes.dropLast().map(\.count) }
    bytes += Double(size * (maps[0].reduce(0, +) + 2 * (maps[1].max() ?? 0))) * 4
    let isFixed = setting.inputs.cropPadding == 0 && !setting.inputs.flips
    let outputs = setting.inputs.evaluation.count * 2 + (isFixed ? setting.inputs.training.count : 0)
    bytes += Double(outputs * student.outputCount) * 4
    return bytes + batches(training.batchSize, student) + parameters(Double(student.weightCount))
  }

  /// A training on labels, and the evaluations between its epochs.
  private mutating func teaching(
    _ training: LabelTrainingSetting, _ network: Network, _ setting: Setting
  ) throws(ConvolutionError) -> Double {
    let algorithm = ConvolutionAlgorithm(setting.training.convolution)
    let trained = Kernel(
      architecture: network.architecture, batchSize: training.batchSize, algorithm: algorithm, threads: threadCount,
      momentCount: training.momentum > 0 ? 1 : 0, isTrained: true)
    let evaluated = Kernel(
      architecture: network.architecture, batchSize: ImageEvaluator.batchSize, algorithm: algorithm,
      threads: threadCount)
    let kernels = training.epochs > 0 ? try bytes(trained) + bytes(evaluated) : try bytes(evaluated)
    return kernels + batches(training.batchSize, network) + parameters(Double(network.weightCount))
  }

  /// Batches that are made ahead (``BatchPrefetcher``), and the one in use.
  private func batches(_ batchSize: Int, _ network: Network) -> Double {
    Double(batchSize * network.inputCount) * 4 * 6
  }

  /// The network in double precision and what the optimizer remembers: as they are, before the epoch, and on the way to a
  /// checkpoint.
  private func parameters(_ weightCount: Double) -> Double { weightCount * 8 * 10 }

  private mutating func bytes(_ kernel: Kernel) throws(ConvolutionError) -> Double {
    if let bytes = known[kernel] { return bytes }
    let bytes = Double(
      try ConvolutionalKernel.byteCount(
        shape: kernel.architecture.convolutionalShape, batchSize: kernel.batchSize, algorithm: kernel.algorithm,
        threads: kernel.threads, isTrained: kernel.isTrained, momentCount: kernel.momentCount,
        hasGradients: kernel.hasGradients))
    known[kernel] = bytes
    return bytes
  }
}
