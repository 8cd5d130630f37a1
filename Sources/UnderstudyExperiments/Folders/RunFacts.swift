import Foundation
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
  // How the student learns, of drawn or given inputs.
  private var method: String?
  private var precision: String?
  private var loss: String?
  private var momentum: Double?
  private var weightDecay: Double?
  private var frozenLayer: String?
  private var unitNormFirstLayer: Bool?
  private var negativeSlope: Double?
  private var normalization: String?
  private var stepsPerEpoch: Int?
  /// The learning rate of each epoch.
  private var rates: [Double]?
  private var samplesPerEpoch: Int?
  private var drawsEachEpoch: Bool?

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
    let (setting, plan, student) = (prepared.run.setting, prepared.plan, prepared.initialStudent.network)
    let training = setting.training
    (method, precision, loss) = (training.method.rawValue, training.precision.rawValue, training.loss.rawValue)
    if case .gradient(let share) = plan.optimizer { momentum = share } else { momentum = 0 }
    (weightDecay, frozenLayer) = (plan.weightDecay, plan.frozenLayer.rawValue)
    (unitNormFirstLayer, negativeSlope) = (plan.unitNormFirstLayer, student.activation.negativeSlope)
    normalization = student.isPlain ? "none" : setting.student.normalization.rawValue
    if !student.isPlain, normalization == "none" { normalization = "of its file" }
    stepsPerEpoch = plan.stepsPerEpoch
    rates = (0..<epochs).map { plan.learningRate(epoch: $0 + 1) }
    samplesPerEpoch = sampleCount
    drawsEachEpoch = setting.inputs.regenerateEachEpoch
  }

  /// - Throws: ``ExperimentError`` of a number that JSON cannot hold.
  var json: Data {
    get throws(ExperimentError) {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      do { return try encoder.encode(self) + Data("\n".utf8) } catch {
        throw .input("run \(run): a number that JSON has no word for: \(error)")
      }
    }
  }

  var canBeRetrained: Bool { normalization == "none" }

  var studentWords: String {
    hasSearch ? "the student that the search for a critical point has found" : "the student after epoch \(epochs)"
  }
}
