/// One point of a study's grid: everything that determines a run, except its seed.
///
/// Every stored property is a key of a study file, written there as `group.name`; a study may give a list for any of them.
/// The defaults are the paper's (two-layer sweep). The order of properties is the order in files and tables.
public struct Setting: Codable, Hashable, Sendable {
  public var network = NetworkSetting()
  public var teacher = TeacherSetting()
  public var oracle = OracleSetting()
  public var student = StudentSetting()
  public var inputs = InputSetting()
  public var training = TrainingSetting()
  public var criticalPoint = CriticalPointSetting()
  public var zoom = ZoomSetting()

  public init() {}

  /// As settings are stored; see ``StudyKey/storedPath``.
  private enum CodingKeys: String, CodingKey {
    case network, teacher, oracle, student, inputs, training, zoom
    case criticalPoint = "finishing"
  }

  /// The epoch of a run's last measurements: the search for a critical point counts as one more. With a zoom, its last step.
  public var lastEpoch: Int {
    zoom.isOn ? zoom.to : training.epochs + (criticalPoint.method == .none ? 0 : 1)
  }
}

/// What teacher and student share.
public struct NetworkSetting: Encodable, Hashable, Sendable {
  /// What a hidden node makes of its pre-activation.
  public enum Activation: String, Encodable, Hashable, Sendable, CaseIterable { case relu, leakyRelu, linear }
  /// Input dimension d. Unused when the teacher comes from a file.
  public var inputDimension = 100
  /// Output dimension C. Unused when the teacher comes from a file.
  public var outputDimension = 50
  public var activation = Activation.relu
  /// Slope on the negative side, 0 <= c < 1; used by `leakyRelu` only.
  public var leakySlope = 0.01
  /// Whether teacher and student have biases, in all layers.
  public var biases = true
}

/// Where the batch normalisation of hidden layers is, if there is one.
public enum NormalizationSetting: String, Encodable, Hashable, Sendable, CaseIterable {
  case none, beforeActivation, afterActivation
}

/// The fixed network that labels the inputs.
public struct TeacherSetting: Encodable, Hashable, Sendable {
  /// How a teacher's weights are drawn.
  public enum Weights: String, Encodable, Hashable, Sendable, CaseIterable { case discrete, gaussian, orthogonal }
  /// m, nodes of the only hidden layer; unused beside `widths`.
  public var hiddenNodes = 10
  /// m_l, nodes of each hidden layer, lowest first; nil: one layer of `hiddenNodes`.
  public var widths: LayerWidths?
  /// `discrete`: distinct non-zero rows from {-1, -0.75, ..., 1}; `gaussian`: independent normal weights; `orthogonal`: rows
  /// of a random orthogonal matrix (Haar).
  public var weights = Weights.discrete
  /// Standard deviation of the fan-out weights of a `gaussian` teacher (its first layer has unit rows anyway).
  public var scale = 1.0
  /// Every bias of the teacher; of the output layer only if `medianBiases`, of the hidden layers only if `normalizedOutput`.
  public var bias = -0.1
  /// Move each hidden node's boundary to the median of its pre-activation, so that half of the inputs activate it.
  public var medianBiases = false
  /// Scale and shift the output layer to zero mean and unit variance of each output over the inputs.
  public var normalizedOutput = false
  /// Batch normalisation of the hidden layers, with the statistics of a calibration sample.
  public var normalization = NormalizationSetting.none
  /// p: the fan-out weights of node j (from 1) of each hidden layer are divided by j^p.
  public var strengthDecay = 0.0
  /// A network file instead of all of the above.
  public var file: SourceFile?
  /// Of a teacher over images: its hidden layers.
  public var layers: LayerList?
  /// Of teacher and oracle; 0: the run's.
  public var seed = 0
  /// Of a teacher over images, on their labels.
  public var training = LabelTrainingSetting()
}

/// The trained network.
public struct StudentSetting: Encodable, Hashable, Sendable {
  /// How a student's weights begin.
  public enum Initialization: String, Encodable, Hashable, Sendable, CaseIterable {
    /// Normal weights of standard deviation `scale`, biases 0.
    case plain
    /// Plain, but lowest rows with a positive product with the teacher's last (weakest) lowest row are flipped (the peer's
    /// `adv`).
    case adversarial
    /// Plain, but lowest rows with a negative product are flipped (the peer's `help`).
    case helpful
    /// Weights and biases uniform in +-1/sqrt(inputs), PyTorch's default.
    case uniform
    /// Normal weights of variance 2/inputs, biases 0. Source: He et al. 2015, arXiv:1502.01852.
    case he
    /// Uniform; the weights and biases of the teacher's nodes are the teacher's with normal noise.
    case perturbedTeacher
    /// Uniform; the weights between the teacher's nodes have the directions of the teacher's rows.
    case teacherDirections
    /// Uniform; the weights and biases of the teacher's nodes have the teacher's signs.
    case teacherSigns

    /// Whether `scale` is the standard deviation of the weights; the others have their own size, times `weightFactor`.
    public var isScaled: Bool { self == .plain || self == .adversarial || self == .helpful }
  }
  /// n_l / m_l, one factor for all hidden layers or one for each, at least 1; n_l is rounded up.
  public var overRealization = OverRealization(1)
  /// n_l, nodes of each hidden layer, lowest first, instead of an over-realization.
  public var widths: LayerWidths?
  /// Standard deviation of the initial weights of `plain`, `adversarial` and `helpful`; biases start at 0.
  public var scale = 0.005
  public var initialization = Initialization.plain
  /// Factor on all drawn weights of the initializations that `scale` does not size.
  public var weightFactor = 1.0
  /// `perturbedTeacher`: standard deviation of the noise, relative to the root mean square of the teacher layer's weights.
  public var perturbation = 0.1
  /// The lowest so many hidden layers start with the teacher's nodes, exactly, and further nodes as drawn.
  public var teacherLayers = 0
  /// Batch normalisation of the hidden layers.
  public var normalization = NormalizationSetting.none
  /// Whether the normalisation learns a scale and a shift for each node.
  public var learntScale = true
  /// A network file instead of all of the above.
  public var file: SourceFile?
}

/// The data.
public struct InputSetting: Encodable, Hashable, Sendable {
  /// How inputs are distributed.
  public enum Distribution: String, Encodable, Hashable, Sendable, CaseIterable {
    case gaussian, teacherBoundaries, uniform
  }
  /// What the copies of a sample are moved along.
  public enum Augmentation: String, Encodable, Hashable, Sendable, CaseIterable {
    case none, teacherAgnostic, teacherAware
  }
  /// Which samples the augmented set has of each drawn one.
  public enum AugmentationCopies: String, Encodable, Hashable, Sendable, CaseIterable {
    /// The sample, and it moved both ways: (2m + 1) |D| for teacher-aware sets.
    case bothWays
    /// It moved both ways, without the sample itself: 2m |D|.
    case withoutOriginals
    /// It moved up only: m |D|.
    case oneWay
  }
  /// `teacherBoundaries` draws the training inputs on and beside the teacher's boundaries; evaluation inputs stay Gaussian.
  /// `uniform`: every coordinate uniform with mean 0.
  public var distribution = Distribution.gaussian
  /// Images with labels instead of drawn inputs: their folder.
  public var images: SourceFile?
  /// Pixels at each border that a training image is moved by at most, at random.
  public var cropPadding = 0
  /// Whether training images are mirrored at random.
  public var flips = false
  /// Of images; nil: by the means and deviations of the set.
  public var channelNormalization: ChannelNormalizationSetting?
  /// Standard deviation of every coordinate.
  public var standardDeviation = 1.5
  /// `teacherBoundaries`: distance from the boundary of the samples beside it, uniform between the two.
  public var boundaryOffsetMinimum = 1.0
  public var boundaryOffsetMaximum = 2.0
  /// A new training set for each epoch.
  public var regenerateEachEpoch = false
  /// How the training set D' is made of fewer drawn samples; `training.count` is the size of D'.
  public var augmentation = Augmentation.none
  /// How far an augmentation moves a sample.
  public var augmentationStep = 0.1
  /// `bothWays`: itself, and moved both ways, (2m + 1) |D| or (2d + 1) |D|; `withoutOriginals`: 2m |D|; `oneWay`: m |D|.
  public var augmentationCopies = AugmentationCopies.bothWays
  /// Dimension of the random subspace that training inputs lie in; 0: all of the input space.
  public var rank = 0
  public var training = SampleSetting()
  public var evaluation = SampleSetting()
}

/// A set of samples: drawn (`count`) or given (`file`).
public struct SampleSetting: Encodable, Hashable, Sendable {
  public var count = 10_000
  /// An array file `[sample, feature]` instead.
  public var file: SourceFile?
}

/// How the student learns.
public struct TrainingSetting: Encodable, Hashable, Sendable {
  /// SGD, full-batch gradient descent, Adam over batches, or the gradient flow of the expected loss.
  public enum Method: String, Encodable, Hashable, Sendable, CaseIterable { case sgd, gd, adam, flow }
  /// What the student is asked to lower.
  public enum Loss: String, Encodable, Hashable, Sendable, CaseIterable {
    case squaredError, crossEntropy
    /// Over images: of the teacher's softened outputs, and of the labels.
    case distillation
    /// Over images: cross-entropy on their labels, without the teacher.
    case labels
  }
  /// The layer that keeps its first weights.
  public enum FrozenLayer: String, Encodable, Hashable, Sendable, CaseIterable { case none, first, last }
  /// Of the weights and of all arithmetic of a step.
  public enum Precision: String, Encodable, Hashable, Sendable, CaseIterable { case float64, float32 }
  /// In which order samples come into batches.
  public enum BatchOrder: String, Encodable, Hashable, Sendable, CaseIterable { case withReplacement, reshuffled }
  /// `sgd`: batches; `gd`: every step over all training inputs; `adam`: batches as in `sgd`; `flow`: no samples.
  public var method = Method.sgd
  /// Samples a step; used by `sgd` and `adam`. 0, which no study file can say, means "as `batches` has it": the file's columns.
  public var batchSize = 16
  public var learningRate = 0.01
  /// Halve the learning rate every so many epochs; 0 never does.
  public var learningRateHalvingInterval = 0
  /// Learning rates by epoch, instead of the two above.
  public var learningRates: LearningRateSchedule?
  /// mu of v = mu v + gradient, w -= rate v; unused by `adam`.
  public var momentum = 0.0
  /// Added to the gradient as decay times the weight, of all weights and biases.
  public var weightDecay = 0.0
  /// `crossEntropy`: against the teacher's arg max, mean over samples.
  public var loss = Loss.squaredError
  public var epochs = 100
  /// Steps an epoch. 0, which no study file can say, means "as `batches` has it": the file's rows divided by `epochs`.
  public var stepsPerEpoch = 1000
  /// `first` keeps the first layer as it was drawn, `last` the output layer.
  public var frozenLayer = FrozenLayer.none
  /// Rescale each first-layer row (without its bias) to unit norm at the start and after every step.
  public var unitNormFirstLayer = false
  /// Standard deviation of Gaussian noise on the teacher's training outputs, drawn once for each sample and output.
  public var outputNoise = 0.0
  public var precision = Precision.float64
  /// `withReplacement`: every sample of every batch is drawn from all; `reshuffled`: pass after pass over all samples, each in
  /// a random order of its own, whatever number of them an epoch takes.
  public var batchOrder = BatchOrder.withReplacement
  /// The order of the batches, `.npy` of int64 `[step, batch]`, instead of drawn ones.
  public var batches: BatchSetting?
  /// Over images: how the rate falls to 0.
  public var decay = RateDecay.none
  /// Of `labels`; 0: `learningRate`.
  public var labelLearningRate = 0.0
  /// Whether the rate is divided by the over-realization.
  public var rateByWidth = false
  /// Of `distillation`.
  public var temperature = 4.0
  public var labelWeight = 0.1
  public var convolution = ConvolutionSetting.automatic
}

extension TrainingSetting {
  /// The key whose steps depend on steps before, besides on the weights; nil of plain steps.
  package var remembering: String? {
    method == .adam ? "training.method adam" : momentum != 0 ? "training.momentum" : nil
  }
}

/// The batches as a file gives them.
public struct BatchSetting: Encodable, Hashable, Sendable {
  public var file: SourceFile
}

/// The search for a critical point after the last epoch: full-batch steps that use curvature, until the gradient of every sample
/// is tiny.
public struct CriticalPointSetting: Encodable, Hashable, Sendable {
  /// Whether there is a search, and which.
  public enum Method: String, Encodable, Hashable, Sendable, CaseIterable { case none, levenbergMarquardt }
  public var method = Method.none
  /// Steps at most, restarts included.
  public var iterations = 200
  /// The largest gradient of any sample at any node of the lowest layer that counts as zero.
  public var gradientTarget = 1e-10
  /// How often a student that is stuck may have its idle nodes drawn anew.
  public var restarts = 20
}

/// A file that a study names: where it lies and what was in it when the study was resolved.
///
/// The digest is part of the run's hash: a changed file makes new runs, a moved one does not.
public struct SourceFile: Codable, Hashable, Sendable {
  /// As resolved: absolute.
  public var path: String
  /// `contentHash` of the bytes.
  public var digest: String
  /// Where a results folder keeps the same bytes; no part of what the file is, and not stored.
  public var copy: String?

  private enum CodingKeys: String, CodingKey { case path, digest }

  public init(path: String, digest: String) { (self.path, self.digest) = (path, digest) }

  public static func == (left: SourceFile, right: SourceFile) -> Bool {
    left.path == right.path && left.digest == right.digest
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(path)
    hasher.combine(digest)
  }
}

extension TeacherSetting {
  /// m_l, nodes of each hidden layer, lowest first. Means nothing beside a `file`.
  public var hiddenWidths: [Int] { layers?.layers.map(\.nodes) ?? widths?.nodes ?? [hiddenNodes] }
}

extension Setting {
  /// n_l, nodes of each hidden layer of a drawn student of a drawn teacher, lowest first: as given, or m_l times the
  /// over-realization, rounded up.
  public var studentWidths: [Int] {
    student.widths(over: teacher.hiddenWidths)
  }
}

extension StudentSetting {
  /// Nodes of each hidden layer of a drawn student, by those of its teacher.
  package func widths(over teacher: [Int]) -> [Int] {
    widths?.nodes ?? overRealization.widths(over: teacher)
  }
}

extension InputSetting {
  /// Whether evaluation inputs are drawn from a normal distribution.
  package var areGaussian: Bool { images == nil && distribution != .uniform && evaluation.file == nil }
}
