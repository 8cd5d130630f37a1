import UnderstudyNetworks
import UnderstudyRecords
import UnderstudySchema
import UnderstudyTraining

/// What `run.json` says of an extracted run.
struct RunFacts: Encodable {
  private let run: String
  private let study: String
  private let seed: Int
  /// By version, as results depend on it.
  private let version: String
  private let machine: String
  private let outcome: String
  private let divergence: Divergence?
  /// Every key that has a value; of files their paths.
  private let setting: [String: KeyValue.Plain]
  /// Epochs that have led to the stored student; a diverged run keeps that of the last finite epoch.
  let epochs: Int
  /// Whether the stored student is that of a search for a critical point that came after the epochs.
  private let hasSearch: Bool
  /// How the student learns; nil of runs over images, whose setting says it.
  private var learning: Learning?

  init(_ record: RunRecord, of study: Study) {
    (run, self.study, seed) = (record.run.hash, study.name, record.run.seed)
    (version, machine, divergence) = (record.version, record.machine, record.divergence)
    let setting = record.run.setting
    let values = StudyKey.all.compactMap { key in setting.value(of: key.path).map { (key.path, KeyValue.Plain($0)) } }
    self.setting = Dictionary(uniqueKeysWithValues: values)
    switch record.outcome {
    case .completed: (outcome, epochs) = ("completed", setting.training.epochs)
    case .diverged(let epoch): (outcome, epochs) = ("diverged", max(0, min(setting.training.epochs, epoch - 1)))
    }
    hasSearch = setting.criticalPoint.method != .none && epochs == setting.training.epochs
  }

  /// Takes down how the student learns.
  ///
  /// - Parameter sampleCount: of a training set.
  mutating func note(_ prepared: PreparedRun, sampleCount: Int) {
    learning = Learning(prepared, epochCount: epochs, sampleCount: sampleCount)
  }

  /// A program that trains the student again.
  enum Retraining {
    /// By steps over samples.
    case steps
    /// By the flow of the expected loss.
    case flow
  }

  /// nil of runs over images, and with batch normalisation, which no such program knows.
  var retraining: Retraining? { learning.flatMap { $0.isNormalized ? nil : $0.takesSteps ? .steps : .flow } }

  var studentWords: String {
    hasSearch ? "the student that the search for a critical point has found" : "the student after epoch \(epochs)"
  }
}

/// All that the steps of a student of drawn or given inputs depend on, besides its inputs, targets and batches.
private struct Learning: Encodable {
  private let method: TrainingSetting.Method
  private let precision: TrainingSetting.Precision
  private let loss: TrainingSetting.Loss
  private let momentum: Double
  private let weightDecay: Double
  private let frozenLayer: TrainingPlan.FrozenLayer
  private let unitNormFirstLayer: Bool
  private let negativeSlope: Double
  let isNormalized: Bool
  private let stepsPerEpoch: Int
  /// The learning rate of each epoch.
  private let rates: [Double]
  /// Of a training set, of which each epoch may draw its own.
  private let samplesPerEpoch: Int
  private let drawsEachEpoch: Bool

  /// Gradient flow takes none.
  var takesSteps: Bool { method != .flow }

  init(_ prepared: PreparedRun, epochCount: Int, sampleCount: Int) {
    let (setting, plan, student) = (prepared.run.setting, prepared.plan, prepared.initialStudent.network)
    (method, precision, loss) = (setting.training.method, setting.training.precision, setting.training.loss)
    if case .gradient(let share) = plan.optimizer { momentum = share } else { momentum = 0 }
    (weightDecay, frozenLayer, unitNormFirstLayer) = (plan.weightDecay, plan.frozenLayer, plan.unitNormFirstLayer)
    (negativeSlope, isNormalized) = (student.activation.negativeSlope, !student.isPlain)
    stepsPerEpoch = plan.stepsPerEpoch
    rates = (0..<epochCount).map { plan.learningRate(epoch: $0 + 1) }
    (samplesPerEpoch, drawsEachEpoch) = (sampleCount, setting.inputs.regenerateEachEpoch)
  }
}
