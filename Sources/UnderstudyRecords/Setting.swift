/// One point of a study's grid: everything that determines a run, except its seed.
///
/// Every stored property is a key of a study file, written there as `group.name`; a study may give a list for any of them.
/// The defaults are the paper's (THEORY guide, two-layer sweep). The order of properties is the order in files and tables.
public struct Setting: Codable, Hashable, Sendable {
  public var network = NetworkSetting()
  public var teacher = TeacherSetting()
  public var student = StudentSetting()
  public var inputs = InputSetting()
  public var training = TrainingSetting()
  public var finishing = FinishingSetting()

  public init() {}

  /// The epoch of a run's last measurements: the finishing stage counts as one more.
  public var lastEpoch: Int { training.epochs + (finishing.method == .none ? 0 : 1) }
}

/// What teacher and student share.
public struct NetworkSetting: Codable, Hashable, Sendable {
  public enum Activation: String, Codable, Hashable, Sendable, CaseIterable { case relu, leakyRelu, linear }
  /// Input dimension d. Unused when the teacher comes from a file.
  public var inputDimension = 100
  /// Output dimension C. Unused when the teacher comes from a file.
  public var outputDimension = 50
  public var activation = Activation.relu
  /// Slope on the negative side, 0 <= c < 1; used by `leakyRelu` only.
  public var leakySlope = 0.01
  /// Whether teacher and student have biases, in both layers.
  public var biases = true
}

/// The fixed network that labels the inputs.
public struct TeacherSetting: Codable, Hashable, Sendable {
  public enum Weights: String, Codable, Hashable, Sendable, CaseIterable { case discrete, gaussian }
  /// m, nodes in the hidden layer.
  public var hiddenNodes = 10
  /// `discrete`: distinct non-zero rows from {-1, -0.75, ..., 1}; `gaussian`: independent normal weights.
  public var weights = Weights.discrete
  /// Standard deviation of the fan-out weights of a `gaussian` teacher (its first layer has unit rows anyway).
  public var scale = 1.0
  /// Every bias of the teacher.
  public var bias = -0.1
  /// p: the fan-out weights of node j (from 1) are divided by j^p.
  public var strengthDecay = 0.0
  /// A network file instead of all of the above.
  public var file: SourceFile?
}

/// The trained network.
public struct StudentSetting: Codable, Hashable, Sendable {
  public enum Initialization: String, Codable, Hashable, Sendable, CaseIterable { case plain, adversarial, helpful }
  /// n / m, at least 1; n is rounded up.
  public var overRealization = 1.0
  /// Standard deviation of the initial weights; biases start at 0.
  public var scale = 0.005
  /// `adversarial` (the peer's `adv`) flips first-layer rows away from the last teacher node, `helpful` towards it.
  public var initialization = Initialization.plain
  /// A network file instead of all of the above.
  public var file: SourceFile?
}

/// The data.
public struct InputSetting: Codable, Hashable, Sendable {
  public enum Distribution: String, Codable, Hashable, Sendable, CaseIterable { case gaussian, teacherBoundaries }
  public enum Augmentation: String, Codable, Hashable, Sendable, CaseIterable {
    case none, teacherAgnostic, teacherAware
  }
  /// `teacherBoundaries` draws the training inputs on and beside the teacher's boundaries; evaluation inputs stay Gaussian.
  public var distribution = Distribution.gaussian
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
  /// Dimension of the random subspace that training inputs lie in; 0: all of the input space.
  public var rank = 0
  public var training = SampleSetting()
  public var evaluation = SampleSetting()
}

/// A set of samples: drawn (`count`) or given (`file`).
public struct SampleSetting: Codable, Hashable, Sendable {
  public var count = 10_000
  /// An array file `[sample, feature]` instead.
  public var file: SourceFile?
}

/// How the student learns.
public struct TrainingSetting: Codable, Hashable, Sendable {
  public enum Method: String, Codable, Hashable, Sendable, CaseIterable { case sgd, gd }
  public enum FrozenLayer: String, Codable, Hashable, Sendable, CaseIterable { case none, first, last }
  public enum Precision: String, Codable, Hashable, Sendable, CaseIterable { case float64, float32 }
  /// `sgd`: batches drawn with replacement; `gd`: every step over all training inputs.
  public var method = Method.sgd
  /// Samples a step; used by `sgd` only. 0, which no study file can say, means "as `batches` has it": the file's columns.
  public var batchSize = 16
  public var learningRate = 0.01
  /// Halve the learning rate every so many epochs; 0 never does.
  public var learningRateHalvingInterval = 0
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
  /// The order of the batches, `.npy` of int64 `[step, batch]`, instead of drawn ones.
  public var batches: BatchSetting?
}

public struct BatchSetting: Codable, Hashable, Sendable {
  public var file: SourceFile
}

/// What happens after the last epoch: full-batch steps that use curvature, until the gradient of every sample is tiny.
public struct FinishingSetting: Codable, Hashable, Sendable {
  public enum Method: String, Codable, Hashable, Sendable, CaseIterable { case none, levenbergMarquardt }
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
}

// Folders of version 0.1 hold settings without the keys that came later: they have their defaults.

extension Setting {
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    network = try values.decode(NetworkSetting.self, forKey: .network)
    teacher = try values.decode(TeacherSetting.self, forKey: .teacher)
    student = try values.decode(StudentSetting.self, forKey: .student)
    inputs = try values.decode(InputSetting.self, forKey: .inputs)
    training = try values.decode(TrainingSetting.self, forKey: .training)
    finishing = try values.decodeIfPresent(FinishingSetting.self, forKey: .finishing) ?? FinishingSetting()
  }
}

extension InputSetting {
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    distribution = try values.decode(Distribution.self, forKey: .distribution)
    standardDeviation = try values.decode(Double.self, forKey: .standardDeviation)
    boundaryOffsetMinimum = try values.decode(Double.self, forKey: .boundaryOffsetMinimum)
    boundaryOffsetMaximum = try values.decode(Double.self, forKey: .boundaryOffsetMaximum)
    regenerateEachEpoch = try values.decode(Bool.self, forKey: .regenerateEachEpoch)
    training = try values.decode(SampleSetting.self, forKey: .training)
    evaluation = try values.decode(SampleSetting.self, forKey: .evaluation)
    let later = InputSetting()
    augmentation = try values.decodeIfPresent(Augmentation.self, forKey: .augmentation) ?? later.augmentation
    augmentationStep = try values.decodeIfPresent(Double.self, forKey: .augmentationStep) ?? later.augmentationStep
    rank = try values.decodeIfPresent(Int.self, forKey: .rank) ?? later.rank
  }
}
