import Foundation
import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyRecords
import UnderstudySchema
import UnderstudyTraining

/// Executes one run from its first step, or from a checkpoint, to its end.
struct RunExecution {
  enum End {
    case finished(RunRecord, student: Data)
    /// Asked to stop: where the run stood; nil if it has taken no step.
    case interrupted(Checkpoint?)
  }

  let run: Run
  let study: Study
  let studyHash: String
  let instructions: InstructionSet
  let artifacts: Artifacts
  let artifactStore: any ArtifactStore
  let checkpointInterval: Duration
  /// Polled every few steps.
  let isCancelled: () -> Bool
  /// Asked before every epoch, or what is left of one: how many threads the run may use. Its results do not depend on it.
  let threadCount: () -> Int
  /// All threads of the study: those of what its runs wait for.
  let studyThreadCount: Int
  /// Told what several runs wait for.
  let didReach: (String) -> Void
  /// Called with the steps that were taken, and what share of an epoch they are.
  let didTakeSteps: (_ count: Int, _ epochs: Double) -> Void
  /// Called with the epochs that the checkpoint has.
  let willResume: (_ epochs: Double) -> Void
  let saveCheckpoint: (Checkpoint) throws(ExperimentError) -> Void

  func execute(from checkpoint: Checkpoint?) throws(ExperimentError) -> End {
    guard run.setting.inputs.images == nil else {
      var active = try ImageRun(self, from: checkpoint)
      guard try active.trainEpochs() else {
        return .interrupted(active.hasBegun ? try active.checkpoint() : nil)
      }
      return .finished(active.record, student: active.data)
    }
    return try executeDense(from: checkpoint)
  }

  private func executeDense(from checkpoint: Checkpoint?) throws(ExperimentError) -> End {
    switch run.setting.training.precision {
    case .float64: try execute(Double.self, from: checkpoint)
    case .float32: try execute(Float.self, from: checkpoint)
    }
  }

  private func execute<Scalar: KernelScalar>(
    _: Scalar.Type, from checkpoint: Checkpoint?
  ) throws(ExperimentError) -> End {
    var active = try ActiveRun<Scalar>(self, from: checkpoint)
    guard try active.trainEpochs(), try active.searchCriticalPoint(), try active.joinReplica() else {
      return .interrupted(active.hasBegun ? try active.checkpoint() : nil)
    }
    return .finished(active.record, student: active.data)
  }

  var checkpointName: String { "checkpoint of run \(run.hash)" }

  /// Of what a checkpoint has, what the run records: a run that was planned with fewer epochs has more measures at its end.
  func planned(_ measurements: [MeasuredValue]) -> [MeasuredValue] {
    let lastEpoch = run.setting.lastEpoch
    return measurements.filter { study.measures(at: $0.epoch, of: lastEpoch).contains($0.measure) }
  }

  var trainingPrecision: NetworkFile.Precision {
    run.setting.training.precision == .float64 ? .float64 : .float32
  }

  /// The network file of a student of this run.
  func encode(_ student: Student, precision: NetworkFile.Precision) -> Data {
    NetworkFile.encode(
      student.network, precision: precision,
      metadata: [
        "understudy.version": understudyVersion, "understudy.run": run.hash, "understudy.seed": "\(run.seed)",
      ])
  }

  /// Reads the weights back from the bytes that will be stored and recomputes the loss of the first evaluation samples by
  /// plain loops.
  ///
  /// Of squared errors, root mean square residuals are compared: a loss near rounding, 1e-30, has no digits of its own. The
  /// bound is 1000 rounding errors of the precision (sums of a few hundred terms, twice) in the size of what is added up,
  /// which a run that went wild has large and cancelling.
  ///
  /// - Returns: false if the loss overflows, though the weights are finite: the run has diverged.
  /// - Throws: ``ExperimentError/verification(run:stored:reported:)`` if the two do not agree.
  func confirms<Scalar: KernelScalar>(
    _ data: Data, prepared: PreparedRun, trainer: Trainer<Scalar>
  ) throws(ExperimentError) -> Bool {
    let inputs = prepared.evaluation.inputs.prefix(rows: 256)
    let targets = prepared.evaluation.targets.prefix(rows: 256)
    let network = try ExperimentError.reading { () throws(FileError) in
      try NetworkFile.decode(data, name: "run \(run.hash)", activation: prepared.initialStudent.network.activation)
    }
    let stored = PlainLoss(of: network.folded, inputs: inputs, targets: targets, loss: prepared.plan.loss)
    let reported = trainer.loss(over: PackedSamples(inputs: inputs, targets: targets))
    guard reported.isFinite, stored.value.isFinite else { return false }
    let tolerance = 1000 * Double(Scalar.ulpOfOne) * stored.magnitude
    let difference =
      switch prepared.plan.loss {
      case .squaredError: 2.0.squareRoot() * abs(stored.value.squareRoot() - reported.squareRoot())
      case .crossEntropy, .distillation: abs(stored.value - reported)
      }
    guard difference <= tolerance else {
      throw .verification(run: run.hash, stored: stored.value, reported: reported)
    }
    return true
  }
}
